"""An installation as flows and tasks see it: a database and settings in the environment, nothing handed in.

``surveyed_world`` is what the sweeps are tried on: three surveys of made-up people, none with service files.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.rules.synthetic import synthetic_ledger
from models.tables.kernel import Rehearsal
from tests.support.planning import BUREAU, ledger_upload, open_survey
from tests.support.world import World, copy_world, open_world

DAY = date(2016, 3, 1)
SURVEYS = 3
PEOPLE = 12
_NO_S3 = "127.0.0.1:9"  # nobody listens: what is tried here must not need a document


@dataclass(frozen=True)
class Installation:
    """A world whose database and home are also those of the environment."""

    world: World
    home: Path

    def environment(self) -> dict[str, str]:
        """Return what a process needs to work on this installation."""
        return {
            "LIFECYCLE_HOME": str(self.home),
            "LIFECYCLE_MODE": "rehearsal",
            "LIFECYCLE_REGION": "420200",
            "LIFECYCLE_DATABASE_URL": str(self.world.services.engine.url),
            "LIFECYCLE_S3_ENDPOINT": _NO_S3,
            "LIFECYCLE_S3_SECURE": "false",
        }

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table, in an order that does not depend on when it was written."""
        with closing(sqlite3.connect(str(self.world.services.engine.url.database))) as database:
            tables = [
                name
                for (name,) in database.execute("select name from sqlite_master where type = 'table' order by name")
                if not name.startswith("sqlite_")
            ]
            return {
                table: sorted(database.execute(f'select * from "{table}"').fetchall(), key=repr)  # noqa: S608  own names
                for table in tables
            }

    def count(self, table: str, where: str = "true") -> int:
        """Return the number of rows of a table."""
        with closing(sqlite3.connect(str(self.world.services.engine.url.database))) as database:
            query = f'select count(*) from "{table}" where {where}'  # noqa: S608  names of the test
            return int(database.execute(query).fetchone()[0])


def drive(world: World, day: date) -> None:
    """Give the world's database a driven clock, so that every process takes ``day`` for today."""
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.add(Rehearsal(id=1, case="flows", seed="flows", today=day))
        session.commit()


def people(seed: int, count: int = PEOPLE) -> list[dict[str, object]]:
    """Return a few made-up ledger rows."""
    return list(synthetic_ledger(people=count, seed=seed, as_of=DAY, region_code="420200"))


def empty_world(folder: Path) -> World:
    """Return a world with a driven clock and nothing in it."""
    world = open_world(folder)
    drive(world, DAY)
    return world


def surveyed_world(folder: Path) -> World:
    """Return a world with three surveys whose ledgers came in, and their messages waiting in the outbox."""
    world = empty_world(folder)
    for seed in range(1, SURVEYS + 1):
        survey = open_survey(world, on=DAY)
        upload = ledger_upload(world, people(seed), as_of=DAY)
        world.do("needs.import_ledger", as_=BUREAU, on=DAY, survey=survey, file=upload.model_dump())
    return world


def install(monkeypatch: pytest.MonkeyPatch, world: World, folder: Path, *, name: str = "copy") -> Installation:
    """Make a copy of a world the installation of this process."""
    installed = Installation(copy_world(world, folder, name=name), folder / "home")
    for key, value in installed.environment().items():
        monkeypatch.setenv(key, value)
    return installed
