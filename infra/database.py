"""Engines and schema: SQLite (WAL) by default, PostgreSQL in production; Alembic owns the schema.

Called by ``infra.bootstrap`` and tests. On SQLite a write transaction starts with ``BEGIN IMMEDIATE`` so that two
writers queue instead of failing half-way. Holds no engine of its own.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from alembic import command as alembic_command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

BUSY_TIMEOUT_MS = 30_000
CACHE_KIB = (
    65_536  # a ledger of a million people has indexes in random order: with SQLite's 2 MB each row waits for disk
)


def create_database_engine(url: str) -> Engine:
    """Return an engine for a SQLAlchemy URL (``sqlite:///path`` or ``postgresql+psycopg://…``).

    Its errors do not show bound values: they end in logs, and in what Prefect keeps of a failed run.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.execute("PRAGMA recursive_triggers=ON")  # else INSERT OR REPLACE deletes past the append-only triggers
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision; safe to call at every start."""
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        alembic_command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for our migrations, optionally on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("infra") / "migrations"))
    config.attributes["connection"] = connection
    return config
