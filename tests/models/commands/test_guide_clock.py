"""Clocks of the steps behind the application: one for each entry, every overrun in the ledger. All made up (合成)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.tables.kernel import Event, WorkItem
from tests.support import deciding as path
from tests.support import feasible
from tests.support.guides import activated, attached, findings
from tests.support.planning import BUREAU, OFFICE, appraisal, plan_book, prepared, submitted
from tests.support.world import World, copy_world, open_world

START = date(2016, 1, 4)
LATER = date(2016, 4, 6)
SWEEP: dict[str, Any] = {"as_": path.SYSTEM}


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """A project under a guide (opinion 5, review 8, decision 6, approval 4 working days), appraised, its panel sitting;
    nobody has swept yet.
    """
    world = open_world(tmp_path_factory.mktemp("clocks"))
    activated(world, on=START)
    project = submitted(world, on=START)
    attached(world, project, on=START)
    renewed: dict[str, Any] = {"project": project, "plan_book": plan_book(), "reason": "补交附件(合成)"}
    world.do("application.supersede", as_=BUREAU, on=START, **renewed)
    world.do("application.accept", as_=OFFICE, on=START, project=project, conditions=findings())
    prepared(world, project, on=START)
    world.do("feasibility.appraise", as_=BUREAU, on=date(2016, 2, 29), project=project, **appraisal())
    path.roster(world)
    opened = path.open_round(world, project)
    path.score(world, opened)
    world.do("review.close_round", as_=OFFICE, on=date(2016, 3, 2), round=opened.id, opinion="同意通过评审。")
    yield world, project
    world.services.engine.dispose()


@pytest.fixture
def world(_base: tuple[World, str], tmp_path: Path) -> Iterator[World]:
    world = copy_world(_base[0], tmp_path)
    yield world
    world.services.engine.dispose()


@pytest.fixture
def project(_base: tuple[World, str]) -> str:
    return _base[1]


def _breaches(world: World, *, on: date) -> list[tuple[str, date, date | None, bool]]:
    world.do("guide.sweep_clocks", **SWEEP, on=on)
    found = world.ask("guide.breaches", on=on)
    return [(one.step, one.due_on, one.closed_on, one.late) for one in found if one.step != "appraisal"]


def _decided(world: World, project: str, *, decided: date, approved: date) -> None:
    notice = path.publish(world, project)
    world.do("publicity.close_notice", as_=path.SYSTEM, on=path.CLOSED_ON, notice=notice.id)
    world.do("decision.decide", as_=BUREAU, on=decided, project=project, **path.decision())
    world.do("decision.approve", as_=OFFICE, on=approved, project=project, conditions=("资金专账管理。",))


def test_decision_and_approval_between_two_sweeps_leave_their_overruns(world: World, project: str) -> None:
    """The notice closed on 24 March: the decision was due on 1 April, the approval four working days after it."""
    assert _breaches(world, on=date(2016, 3, 23)) == []
    _decided(world, project, decided=LATER, approved=date(2016, 4, 13))

    late = [
        ("decision", date(2016, 4, 1), LATER, True),
        ("approval", date(2016, 4, 12), date(2016, 4, 13), False),
    ]
    assert _breaches(world, on=date(2016, 4, 13)) == late
    assert _breaches(world, on=date(2016, 4, 14)) == late
    with Session(world.services.engine) as session:
        told = session.exec(select(Event).where(col(Event.type) == "guide.limit_overrun")).all()
        clocks = session.exec(select(WorkItem).where(col(WorkItem.subject_kind) == "guide_clock")).all()
    steps = [one.payload["step"] for one in told if one.payload["step"] != "appraisal"]
    assert (steps, {one.stream_kind for one in told}) == (["decision", "approval"], {"office_breach"})
    assert {one.status for one in clocks} == {"done"}
    settled = world.do("guide.sweep_clocks", **SWEEP, on=date(2016, 4, 15))
    assert (settled.opened, settled.closed, settled.breaches) == (0, 0, 0)


def test_acting_in_time_between_two_sweeps_is_no_overrun(world: World, project: str) -> None:
    _decided(world, project, decided=path.DECIDED_ON, approved=path.APPROVED_ON)

    assert _breaches(world, on=date(2016, 6, 1)) == []


def test_a_voided_number_and_a_modification_start_the_approval_anew(world: World, project: str) -> None:
    _decided(world, project, decided=path.DECIDED_ON, approved=path.APPROVED_ON)
    assert _breaches(world, on=path.APPROVED_ON) == []

    world.do("decision.void_number", as_=OFFICE, on=LATER, project=project, reason="号码印错(合成)")
    assert _breaches(world, on=date(2016, 4, 12)) == []
    assert _breaches(world, on=date(2016, 4, 13)) == [("approval", date(2016, 4, 12), None, False)]
    again: dict[str, Any] = {"as_": OFFICE, "project": project}
    world.do("decision.approve", **again, on=date(2016, 4, 13), conditions=("资金专账管理。",))
    world.do(
        "decision.modify", **again, on=date(2016, 4, 14), changes={"name": "改名后的合成项目"}, reason="更名(合成)"
    )

    assert _breaches(world, on=date(2016, 4, 21)) == [
        ("approval", date(2016, 4, 12), date(2016, 4, 13), False),
        ("approval", date(2016, 4, 20), None, False),
    ]


def test_an_upheld_objection_puts_the_review_on_the_clock_again(world: World, project: str) -> None:
    notice = path.publish(world, project)
    told: dict[str, Any] = {"notice": notice.id, "matter": "评分不公(合成)"}
    objected = world.do("publicity.raise_objection", as_="public:u-any", on=path.PUBLISHED_ON, **told)
    upheld: dict[str, Any] = {"objection": objected.id, "outcome": "upheld", "reply": "情况属实,重新评审。"}
    world.do("publicity.answer_objection", as_=OFFICE, on=date(2016, 3, 17), **upheld)

    assert _breaches(world, on=date(2016, 3, 29)) == []
    assert _breaches(world, on=date(2016, 3, 30)) == [("review", date(2016, 3, 29), None, False)]


def test_the_county_government_has_its_time_from_the_report_to_its_opinion(world: World, project: str) -> None:
    first = feasible.compiled(world, project, on=date(2016, 3, 3))
    assert _breaches(world, on=date(2016, 3, 10)) == []
    assert _breaches(world, on=date(2016, 3, 11)) == [("county_opinion", date(2016, 3, 10), None, False)]
    (breach,) = [one for one in world.ask("guide.breaches") if one.step == "county_opinion"]
    assert breach.role == "county_government"
    feasible.opinion(world, project, first.sha256, on=date(2016, 3, 14))

    second = feasible.compiled(world, project, on=date(2016, 3, 15), author="另一合成咨询单位")
    feasible.opinion(world, project, second.sha256, on=date(2016, 3, 22))
    assert _breaches(world, on=date(2016, 3, 23)) == [("county_opinion", date(2016, 3, 10), date(2016, 3, 14), False)]
