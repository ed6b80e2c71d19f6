"""The schema in real databases: append-only by trigger, migrations without drift, writers that queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command as alembic_command
from sqlalchemy import Engine, insert, inspect, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlmodel import col

from infra.database import alembic_config, create_database_engine, migrate
from infra.migrations import autogenerate
from models.core.chain import GENESIS
from models.tables import metadata
from models.tables.funding import Posting
from models.tables.kernel import Event, Project
from tests.support.postgres import fresh_database

_DAY = date(2016, 1, 4)
_EVENT = {
    "stream_kind": "project", "stream_id": "prj-1", "seq": 1, "event_id": "evt-1", "type": "project.moved",
    "actor": "system:test", "occurred_at": _DAY, "recorded_at": "2016-01-04T09:00:00+08:00",
    "payload": {"amount_fen": 5000}, "prev_hash": GENESIS, "hash": GENESIS,
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of each kind, without a schema."""
    if request.param == "sqlite":
        engine = create_database_engine(f"sqlite:///{tmp_path / 'empty.db'}")
        yield engine
        engine.dispose()
        return
    with fresh_database(request.getfixturevalue("postgres_url"), name="schema") as url:
        engine = create_database_engine(url)
        yield engine
        engine.dispose()


def _fill(engine: Engine) -> None:
    """One event, and one posting with the project it needs."""
    rows = {
        Event: _EVENT,
        Project: {
            "id": "prj-1", "region": "420200", "name": "合成项目", "payer": "government", "state": "in_library",
            "version": 1, "policy_digest": "0" * 64, "entered_on": _DAY, "synthetic": True, "details": {},
        },
        Posting: {
            "id": "pst-1", "entry_id": "evt-1", "leg": 1, "account": "budget", "channel": "city", "year": 2016,
            "project_id": "prj-1", "amount_fen": 5000, "occurred_on": _DAY,
        },
    }  # fmt: skip
    with engine.begin() as connection:
        for model, row in rows.items():
            connection.execute(insert(model).values(**row))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET payload = '{}'",
        "UPDATE event SET hash = hash",
        "DELETE FROM event",
        "UPDATE posting SET amount_fen = 1",
        "UPDATE posting SET amount_fen = amount_fen",
        "DELETE FROM posting",
    ],
)
def test_events_and_postings_cannot_be_changed_or_deleted(engine: Engine, statement: str) -> None:
    """The database itself refuses, whoever asks, and what was written stands."""
    migrate(engine)
    _fill(engine)

    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))

    with engine.connect() as connection:
        assert connection.execute(select(col(Event.payload))).scalar_one() == {"amount_fen": 5000}
        assert connection.execute(select(col(Posting.amount_fen))).scalar_one() == 5000


@pytest.mark.parametrize("table", ["event", "posting"])
def test_postgresql_refuses_truncate(postgres_url: str, table: str) -> None:
    with fresh_database(postgres_url, name="truncate") as url:
        engine = create_database_engine(url)
        migrate(engine)
        _fill(engine)

        with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {table} CASCADE"))

        engine.dispose()


def test_sqlite_refuses_to_replace_an_event(tmp_path: Path) -> None:
    """``INSERT OR REPLACE`` deletes past the delete trigger unless triggers are recursive."""
    engine = create_database_engine(f"sqlite:///{tmp_path / 'replace.db'}")
    migrate(engine)
    _fill(engine)
    forged = insert(Event).prefix_with("OR REPLACE").values(**_EVENT | {"payload": {}})

    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.execute(forged)

    with engine.connect() as connection:
        assert connection.execute(select(col(Event.payload))).scalar_one() == {"amount_fen": 5000}
    engine.dispose()


def test_migrations_build_every_table_from_nothing_and_twice_is_once(engine: Engine) -> None:
    migrate(engine)
    migrate(engine)

    missing = set(metadata().tables) - set(inspect(engine).get_table_names())

    assert not missing, f"tables without a migration: {sorted(missing)}"


def test_migrations_do_not_drift_from_the_tables(engine: Engine) -> None:
    """``alembic check`` finds nothing to do on either database."""
    migrate(engine)

    with engine.connect() as connection:
        alembic_command.check(alembic_config(connection))


def test_the_drift_check_of_make_check_passes() -> None:
    assert autogenerate.main(["--check"]) == 0


def test_downgrade_leaves_nothing_and_upgrade_comes_back(engine: Engine) -> None:
    migrate(engine)

    with engine.connect() as connection, connection.begin():
        alembic_command.downgrade(alembic_config(connection), "base")
    left = set(inspect(engine).get_table_names()) - {"alembic_version"}
    migrate(engine)

    assert left == set()
    _fill(engine)
    with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM event"))


def test_foreign_keys_are_enforced(engine: Engine) -> None:
    migrate(engine)
    orphan = {
        "id": "pst-1", "entry_id": "evt-1", "leg": 1, "account": "budget", "channel": "city", "year": 2016,
        "project_id": "prj-nobody", "amount_fen": 1, "occurred_on": _DAY,
    }  # fmt: skip

    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(Posting).values(**orphan))


def test_sqlite_writers_queue_instead_of_failing(tmp_path: Path) -> None:
    """A write transaction takes its lock at BEGIN: the second waits for the first and sees what it wrote."""
    engine = create_database_engine(f"sqlite:///{tmp_path / 'queue.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (n INTEGER)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))

    def add_ten() -> None:
        for _ in range(10):
            with engine.connect().execution_options(writing=True) as connection, connection.begin():
                seen = connection.execute(text("SELECT n FROM counter")).scalar_one()
                connection.execute(text("UPDATE counter SET n = :n"), {"n": seen + 1})

    threads = [threading.Thread(target=add_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with engine.connect() as connection:
        assert connection.execute(text("SELECT n FROM counter")).scalar_one() == 40
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    engine.dispose()


def test_the_database_folder_is_made_when_missing(tmp_path: Path) -> None:
    engine = create_database_engine(f"sqlite:///{tmp_path / 'new' / 'deeper' / 'lifecycle.db'}")

    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT 1")).scalar_one() == 1

    engine.dispose()
