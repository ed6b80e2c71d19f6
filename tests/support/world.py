"""A small world for command tests: real database, policy, renderer and gate; the store is the proven fake.

``world.do`` plays a command through the door as a user would; ``world.refused`` expects a refusal by code or rule.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from models.commands.door import ask, execute
from models.context import Services
from models.core.actors import Actor, Role
from models.core.calendar import load_calendar
from models.core.errors import LifecycleError
from models.core.ids import derive_id
from models.core.uploads import Upload
from models.policy.resolver import load_policy_book
from models.ports import Zone
from models.tables import metadata

OPENED: list[World] = []
"""Every world a test made, for the check of its ledger at the end (``tests/models/commands/conftest.py``)."""


@dataclass
class StoppedClock:
    """A clock that stands at nine in the morning of a day the test sets."""

    day: date = date(2016, 1, 4)

    def now(self) -> datetime:
        return datetime.combine(self.day, time(9), tzinfo=ZoneInfo("Asia/Shanghai"))


@dataclass
class World:
    """Services plus the short forms tests read well with."""

    services: Services
    clock: StoppedClock
    calls: int = field(default=0)

    def do(
        self,
        name: str,
        /,
        *,
        as_: str,
        on: date,
        synthetic: tuple[str, ...] = (),
        dry_run: bool = False,
        **arguments: Any,
    ) -> Any:
        """Call a command; ``as_`` is ``role:id``. Returns its result."""
        self.clock.day = on
        self.calls += 1
        role, _, account = as_.partition(":")
        return execute(
            self.services,
            name=name,
            arguments=arguments,
            actor=Actor(Role(role), account or f"u-{role}"),
            as_of=on,
            command_id=derive_id("cmd", "test", str(self.calls)),
            dry_run=dry_run,
            synthetic=frozenset(synthetic),
        )

    def refused(self, expected: str, name: str, /, *, as_: str, on: date, **arguments: Any) -> LifecycleError:
        """Call a command that must end in a fault whose code or rule is ``expected``; return the fault."""
        try:
            result = self.do(name, as_=as_, on=on, **arguments)
        except LifecycleError as fault:
            if expected not in (fault.code, fault.rule):
                raise AssertionError(f"{name}: expected {expected}, got {fault.code} {fault.rule}") from fault
            return fault
        raise AssertionError(f"{name} was expected to be refused with {expected}, but returned {result!r}")

    def ask(
        self, name: str, *, as_: str = "evaluation_office:u-office", on: date | None = None, **arguments: Any
    ) -> Any:
        """Answer a query."""
        role, _, account = as_.partition(":")
        return ask(
            self.services,
            name=name,
            arguments=arguments,
            actor=Actor(Role(role), account or f"u-{role}"),
            as_of=on or self.clock.day,
        )

    def upload(self, data: bytes, *, name: str, media_type: str) -> Upload:
        """Put bytes into the intake bucket as a door would and return the upload."""
        self.services.documents.put(zone=Zone.INTAKE, data=data, media_type=media_type)
        return Upload(name=name, media_type=media_type, sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def open_world(tmp_path: Path, *, region: str = "420200", database_url: str | None = None) -> World:
    """Build a world on a fresh database (SQLite in ``tmp_path`` unless a URL is given)."""
    from infra.bundle_check import CheckedBundler
    from infra.database import create_database_engine, migrate
    from infra.plan_solver import HighsSolver
    from infra.quality.gate import GreatExpectationsGate
    from infra.seeds import DerivedSeeds
    from infra.signing import load_or_create_test_signer
    from infra.vault import load_or_create_keys
    from reports.renderer import PaperRenderer
    from tests.support.fakes import MemoryDocumentStore

    clock = StoppedClock()
    engine = create_database_engine(database_url or f"sqlite:///{tmp_path / 'world.db'}")
    migrate(engine)
    metadata().create_all(engine)  # until the stages' tables are in the migration
    services = Services(
        engine=engine,
        documents=MemoryDocumentStore(),
        renderer=PaperRenderer(),
        gate=GreatExpectationsGate(),
        vault=load_or_create_keys(tmp_path / "keys.json"),
        signer=load_or_create_test_signer(tmp_path / "signer"),
        bundler=CheckedBundler(),
        clock=clock,
        policies=load_policy_book(),
        calendar=load_calendar(),
        region=region,
        rehearsal=True,
        seeds=DerivedSeeds(),
        solver=HighsSolver(),
    )
    OPENED.append(world := World(services=services, clock=clock))
    return world


def rows(world: World, model: Any) -> list[Any]:
    """Return the rows of a table."""
    with Session(world.services.engine) as session:
        return list(session.exec(select(model)).all())


def copy_world(world: World, tmp_path: Path, *, name: str = "copy") -> World:
    """Return a world of its own that stands where ``world`` stands: tests that start deep share the way there."""
    from infra.database import create_database_engine

    copy = tmp_path / f"{name}.db"
    source = str(world.services.engine.url.database)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    services = replace(
        world.services,
        engine=create_database_engine(f"sqlite:///{copy}"),
        documents=deepcopy(world.services.documents),
        clock=(clock := StoppedClock(world.clock.day)),
    )
    OPENED.append(made := World(services=services, clock=clock, calls=world.calls))
    return made
