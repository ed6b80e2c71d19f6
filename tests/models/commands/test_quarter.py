"""Preparing the quarterly plan: approved projects without a plan line become to-dos once, and drafting closes them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlmodel import Session, select

from models.commands.quarter import QuarterPrepared
from models.tables.kernel import WorkItem
from tests.support.purchases import DAY, approved_project, budgeted_project, plan_line
from tests.support.world import World, open_world

_SYSTEM = "system:scheduler"


def _prepare(world: World, on: date = DAY) -> QuarterPrepared:
    result: QuarterPrepared = world.do("funding.prepare_quarter", as_=_SYSTEM, on=on)
    return result


def _items(world: World) -> list[tuple[str, str, date, str]]:
    with Session(world.services.engine) as session:
        rows = session.exec(select(WorkItem).where(WorkItem.kind == "funding.plan_line")).all()
        return [(row.subject_id, row.role, row.due_on, row.status) for row in rows]


@pytest.mark.parametrize(("region", "due"), [("420200", date(2016, 12, 31)), ("520300", date(2016, 6, 30))])
def test_an_approved_project_without_a_plan_line_becomes_a_to_do_of_the_plans_period(
    tmp_path: Path, region: str, due: date
) -> None:
    """Huangshi's plan is a year's, Zunyi's a quarter's: the to-do is due on the period's last day, and opened once."""
    world = open_world(tmp_path, region=region)
    project = approved_project(world)

    first, second = _prepare(world), _prepare(world)
    items = _items(world)
    world.services.engine.dispose()

    assert first == second == QuarterPrepared(waiting=1)
    assert items == [(project, "city_bureau", due, "open")]


def test_an_empty_library_gives_no_to_do(world: World) -> None:
    assert _prepare(world) == QuarterPrepared(waiting=0)
    assert _items(world) == []


def test_drafting_a_plan_line_closes_the_to_do(world: World) -> None:
    project = budgeted_project(world)
    _prepare(world)

    plan_line(world, project)

    assert [status for *_, status in _items(world)] == ["done"]
    assert _prepare(world) == QuarterPrepared(waiting=0)
