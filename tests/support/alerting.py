"""A world with a channel that notes what it is given, and the days of the delivery of alerts as the flows run them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from infra.mailer import deliver
from models.commands import work
from models.context import Context
from models.core.actors import Actor, Role
from models.core.errors import Transient
from models.core.ids import derive_id
from models.ports import Delivery
from models.tables.kernel import WorkItem
from tests.support.world import World, copy_world, open_world

SYSTEM = "system:scheduler"
OFFICE = "evaluation_office:u-office"
OPENED = date(2025, 1, 6)
DUE = date(2025, 4, 30)


@dataclass
class Postman:
    """A channel that notes what it is given, or does as it is told."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    away: bool = False
    unknown: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()

    def notify(self, *, address: str, title: str, body: str, number: str) -> Delivery:
        if self.away or address in self.silent:
            raise Transient("notify.away", rule="SYS-NOTIFY")
        if address in self.unknown:
            return Delivery.BOUNCED
        self.sent.append((address, title, body))
        self.numbers.append(number)
        return Delivery.SENT


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("fresh"), region="520300")
    yield world
    world.services.engine.dispose()


@pytest.fixture
def world(fresh: World, tmp_path: Path, postman: Postman) -> Iterator[World]:
    world = copy_world(fresh, tmp_path)
    world.services = replace(world.services, notifier=postman)
    yield world
    world.services.engine.dispose()


def open_item(world: World, subject: str, *, role: Role = Role.CITY_BUREAU, due_on: date = DUE) -> None:
    context = Context(world.services, Actor(Role.SYSTEM, "u-t"), OPENED, "test.work", derive_id("cmd", subject))
    with context.writing() as session:
        work.open_item(
            session,
            context,
            kind="acceptance.comprehensive",
            role=role,
            subject_kind="project",
            subject_id=subject,
            project_id=subject,
            due_on=due_on,
            clause="五(十二)",
            resolves_with="acceptance.submit_self_check" if role is Role.CONTRACTOR else "acceptance.conclude",
        )


def close_item(world: World, subject: str, *, on: date) -> None:
    context = Context(world.services, Actor(Role.SYSTEM, "u-t"), on, "test.work", derive_id("cmd", "close", subject))
    with context.writing() as session:
        work.close_item(session, context, kind="acceptance.comprehensive", subject_id=subject)


def register(world: World, account: str, *, role: str = "city_bureau", on: date = OPENED, **changes: Any) -> str:
    given = {"account": account, "role": role, "address": f"{account}@example.org"} | changes
    name: str = world.do("work.register_contact", as_=OFFICE, on=on, **given).id
    return name


def run_day(world: World, day: date) -> dict[str, int]:
    """Run a day as the flows do: sweep, prepare, send."""
    prepare(world, day)
    return deliver(world.services, as_of=day)


def prepare(world: World, day: date) -> None:
    """Sweep, and make the messages."""
    world.do("work.sweep_deadlines", as_=SYSTEM, on=day)
    world.do("work.prepare_alerts", as_=SYSTEM, on=day)


def check(world: World, day: date) -> Any:
    return world.do("work.check_alerts", as_=SYSTEM, on=day)


def receipts(world: World) -> list[tuple[str, str, str, str | None, bool]]:
    """Return the receipts of the matters themselves, without those of the delivery's own work items."""
    lines = [one for one in world.ask("work.receipts", as_=OFFICE) if one.kind == "acceptance.comprehensive"]
    return [(one.level, one.account, one.status, one.because, one.late) for one in lines]


def fate(world: World, account: str) -> tuple[str, str | None]:
    """Return what became of the last alert of an account, and why."""
    line = [one for one in world.ask("work.receipts", as_=OFFICE) if one.account == account][-1]
    return line.status, line.because


def items(world: World, kind: str) -> list[tuple[str, str]]:
    with Session(world.services.engine) as session:
        found = session.exec(select(WorkItem).where(WorkItem.kind == kind)).all()
        return [(row.status, row.resolves_with) for row in found]
