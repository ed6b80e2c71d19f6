"""A throwaway PostgreSQL for tests of triggers and locks, from the installed binaries, never as root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy

from infra.database import create_database_engine, migrate
from models.tables import metadata

_OWNERS = ("postgres", "nobody")
_PATIENCE = 30.0  # seconds
_SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=40")


class PostgresMissingError(Exception):
    """No ``initdb`` on this machine; ``.ci/run`` installs one, so there nothing is skipped."""


@contextlib.contextmanager
def throwaway_postgres() -> Iterator[str]:
    """Start a fresh server on a private unix socket and yield its SQLAlchemy URL (``postgresql+psycopg://``)."""
    binaries = _binaries()
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    owner = next(name for name in _OWNERS if _known(name)) if os.geteuid() == 0 else None
    try:
        if owner:
            shutil.chown(home, user=owner)
        data = home / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "lifecycle", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True,
            capture_output=True,
            user=owner,
            cwd=home,
        )
        settings = [part for setting in (*_SPEED, "listen_addresses=") for part in ("-c", setting)]
        with (home / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", home, *settings],
                user=owner,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        url = f"postgresql+psycopg://lifecycle@/postgres?host={home}"
        try:
            _wait(url, server, home / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown: open sessions are cut
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def fresh_database(server_url: str, *, name: str) -> Iterator[str]:
    """Create an empty database on a throwaway server, yield its URL, drop it."""
    engine = sqlalchemy.create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    try:
        yield sqlalchemy.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')


def transplant(source: Path, url: str) -> None:
    """Bring every row of a SQLite file to an empty database, as it is."""
    there = create_database_engine(url)
    migrate(there)
    here = create_database_engine(f"sqlite:///{source}")
    with here.connect() as old, there.begin() as new:
        for table in metadata().sorted_tables:
            if rows := [dict(row) for row in old.execute(sqlalchemy.select(table)).mappings()]:
                new.execute(sqlalchemy.insert(table), rows)
            if (counted := table.autoincrement_column) is not None and rows:
                last = max(row[counted.name] for row in rows)  # else the next row would take a number again
                new.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', '{counted.name}'), {last})")
    here.dispose()
    there.dispose()


def _binaries() -> Path:
    """Return the folder of ``initdb`` and ``postgres``; wrappers on PATH are followed to it."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresMissingError("POSTGRESQL IS MISSING: tests of triggers and locks cannot run here (no initdb found)")


def _known(name: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with engine.connect():
                return
        except sqlalchemy.exc.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text("utf-8", "replace")) from None
            time.sleep(0.05)
