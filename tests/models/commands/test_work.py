"""Work items and the deadline sweep: one alert per item and level whatever outage lay between, late ones marked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.commands import work
from models.commands.work import SweepResult
from models.context import Context
from models.core.actors import Actor, Role
from models.core.ids import derive_id
from models.tables.kernel import Alert, Event, WorkItem
from tests.support.postgres import fresh_database
from tests.support.world import World, open_world

_SYSTEM = "system:scheduler"
_OPENED = date(2016, 1, 4)
_DUE = date(2016, 4, 1)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        world = open_world(tmp_path)
        yield world
        world.services.engine.dispose()
        return
    with fresh_database(request.getfixturevalue("postgres_url"), name="work") as url:
        world = open_world(tmp_path, database_url=url)
        yield world
        world.services.engine.dispose()


def _context(world: World, *, on: date = _OPENED) -> Context:
    return Context(world.services, Actor(Role.SYSTEM, "u-test"), on, "test.work", derive_id("cmd", on.isoformat()))


def _open(world: World, subject: str = "prj-1", *, kind: str = "acceptance.self_check", due_on: date = _DUE) -> str:
    context = _context(world)
    with context.writing() as session:
        item = work.open_item(
            session,
            context,
            kind=kind,
            role=Role.CONTRACTOR,
            subject_kind="project",
            subject_id=subject,
            project_id=subject,
            due_on=due_on,
            clause="ZY-95",
            resolves_with="acceptance.submit_self_check",
        )
        return item.id


def _close(world: World, subject: str, *, on: date, kind: str = "acceptance.self_check") -> None:
    context = _context(world, on=on)
    with context.writing() as session:
        work.close_item(session, context, kind=kind, subject_id=subject)


def _sweep(world: World, on: date, **arguments: Any) -> SweepResult:
    result: SweepResult = world.do("work.sweep_deadlines", as_=_SYSTEM, on=on, **arguments)
    return result


def _alerts(world: World) -> list[tuple[str, date, bool]]:
    with Session(world.services.engine) as session:
        rows = session.exec(select(Alert).order_by(col(Alert.raised_on), col(Alert.id))).all()
        return [(row.level, row.raised_on, row.late) for row in rows]


def test_a_daily_sweep_raises_each_level_of_the_ladder_once_on_its_day(world: World) -> None:
    """30, 15, 7 and 0 days before the due date and the day after it: five alerts, none of them late."""
    _open(world)

    for day in range(40):
        _sweep(world, _DUE - timedelta(days=35) + timedelta(days=day))

    assert _alerts(world) == [
        ("30", _DUE - timedelta(days=30), False),
        ("15", _DUE - timedelta(days=15), False),
        ("7", _DUE - timedelta(days=7), False),
        ("0", _DUE, False),
        ("overdue", _DUE + timedelta(days=1), False),
    ]


def test_a_second_sweep_of_the_same_day_does_nothing(world: World) -> None:
    _open(world)

    first, second = _sweep(world, _DUE), _sweep(world, _DUE)

    assert (first, second) == (SweepResult(alerts=1, late=0), SweepResult(alerts=0, late=0))
    assert len(_alerts(world)) == 1


def test_three_days_without_sweeps_end_in_exactly_one_late_alert(world: World) -> None:
    """The scheduler was away from the due date on: the level reached is alerted once, marked late, none twice."""
    _open(world)
    _sweep(world, _DUE - timedelta(days=1))
    before = len(_alerts(world))

    back = _sweep(world, _DUE + timedelta(days=3))
    next_day = _sweep(world, _DUE + timedelta(days=4))

    assert back == SweepResult(alerts=1, late=1)
    assert next_day == SweepResult(alerts=0, late=0)
    assert _alerts(world)[before:] == [("overdue", _DUE + timedelta(days=3), True)]


def test_levels_passed_during_an_outage_are_not_raised_afterwards(world: World) -> None:
    """An outage over 30, 15 and 7 days ends in one alert, that of the level reached."""
    _open(world)

    result = _sweep(world, _DUE - timedelta(days=5))

    assert result == SweepResult(alerts=1, late=1)
    assert _alerts(world) == [("7", _DUE - timedelta(days=5), True)]


def test_overdue_only_leaves_the_ladder_alone(world: World) -> None:
    _open(world, "prj-1", due_on=_DUE)
    _open(world, "prj-2", due_on=_DUE - timedelta(days=1))

    result = _sweep(world, _DUE, overdue_only=True)

    assert result == SweepResult(alerts=1, late=0)
    assert [level for level, _, _ in _alerts(world)] == ["overdue"]


def test_kinds_limit_the_sweep(world: World) -> None:
    _open(world, "prj-1", kind="acceptance.self_check")
    _open(world, "prj-2", kind="acceptance.comprehensive")
    _open(world, "prj-3", kind="publicity.notice")

    of_two = _sweep(world, _DUE, kinds=["acceptance.self_check", "acceptance.comprehensive"])
    of_all = _sweep(world, _DUE)

    assert (of_two.alerts, of_all.alerts) == (2, 1)


def test_closed_items_are_not_alerted(world: World) -> None:
    _open(world, "prj-1")
    _open(world, "prj-2")
    _close(world, "prj-1", on=_DUE - timedelta(days=1))

    assert _sweep(world, _DUE).alerts == 1


def test_items_far_from_due_are_not_alerted(world: World) -> None:
    _open(world)

    assert _sweep(world, _DUE - timedelta(days=31)).alerts == 0
    assert _alerts(world) == []


def test_a_sweep_that_raised_something_leaves_one_event_and_an_empty_one_none(world: World) -> None:
    _open(world, "prj-1")
    _open(world, "prj-2")

    _sweep(world, _DUE - timedelta(days=31))
    _sweep(world, _DUE)

    with Session(world.services.engine) as session:
        payloads = [event.payload for event in session.exec(select(Event).where(Event.type == "alerts.raised")).all()]
    assert payloads == [{"alerts": 2, "late": 0, "as_of": _DUE.isoformat(), "command": "work.sweep_deadlines"}]


def test_opening_the_same_item_twice_keeps_the_first(world: World) -> None:
    first, second = _open(world), _open(world, due_on=_DUE + timedelta(days=9))

    with Session(world.services.engine) as session:
        items = session.exec(select(WorkItem)).all()
    assert first == second
    assert [(item.status, item.due_on, item.opened_on) for item in items] == [("open", _DUE, _OPENED)]


def test_closing_twice_keeps_the_first_day_and_closing_nothing_is_no_fault(world: World) -> None:
    _open(world)

    _close(world, "prj-1", on=date(2016, 2, 1))
    _close(world, "prj-1", on=date(2016, 3, 1))
    _close(world, "prj-nobody", on=date(2016, 3, 1))

    with Session(world.services.engine) as session:
        items = session.exec(select(WorkItem)).all()
    assert [(item.status, item.closed_on) for item in items] == [("done", date(2016, 2, 1))]


def test_a_moved_item_is_alerted_again_for_its_new_date(world: World) -> None:
    """What was paused gets a new due date; the alert of the old date must not swallow that of the new one."""
    _open(world)
    _sweep(world, _DUE)
    later = _DUE + timedelta(days=20)
    with _context(world, on=_DUE).writing() as session:
        work.move_item(session, _context(world), kind="acceptance.self_check", subject_id="prj-1", due_on=later)

    assert _sweep(world, later).alerts == 1


def test_only_the_system_and_the_office_sweep(world: World) -> None:
    world.refused("SYS-ROLE", "work.sweep_deadlines", as_="contractor:u-contractor", on=_DUE)
    assert world.do("work.sweep_deadlines", as_="evaluation_office:u-office", on=_DUE) == SweepResult(0, 0)


def test_what_stays_overdue_is_told_again_every_seven_days_and_once_to_the_supervisor(world: World) -> None:
    _open(world)
    for day in range(1, 17):
        _sweep(world, _DUE + timedelta(days=day))

    assert [(level, (on - _DUE).days, late) for level, on, late in _alerts(world)] == [
        ("overdue", 1, False),
        (f"overdue-{(_DUE + timedelta(days=8)).isoformat()}", 8, False),
        ("supervisor", 8, False),
        (f"overdue-{(_DUE + timedelta(days=15)).isoformat()}", 15, False),
    ]


def test_an_outage_ends_in_one_late_repetition_and_the_count_starts_anew(world: World) -> None:
    _open(world)
    _sweep(world, _DUE + timedelta(days=1))

    assert _sweep(world, _DUE + timedelta(days=30)) == SweepResult(alerts=2, late=2)  # again, and to the supervisor
    assert _sweep(world, _DUE + timedelta(days=30)) == SweepResult(alerts=0, late=0)
    assert _sweep(world, _DUE + timedelta(days=36)) == SweepResult(alerts=0, late=0)
    assert _sweep(world, _DUE + timedelta(days=37)) == SweepResult(alerts=1, late=0)
