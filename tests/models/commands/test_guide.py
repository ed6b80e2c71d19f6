"""The work guide through the door: published in versions, pinned to cases, measured against the office itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.ports import Zone
from models.tables.guide import ApplicationGuide, OfficeBreach
from models.tables.kernel import Attempt, Document, Event, WorkItem
from tests.support import deciding
from tests.support.guides import ON, activated, applied, attached, findings, guide_content, settle, zunyi_project
from tests.support.planning import BUREAU, OFFICE, appraisal, plan_book, prepared, submitted
from tests.support.world import World, copy_world, open_world

SWEEP: dict[str, Any] = {"as_": "system:scheduler"}


@pytest.fixture(scope="module")
def _guided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("guided"), region="520300")
    settle(world)
    activated(world)
    yield world
    world.services.engine.dispose()


@pytest.fixture
def guided(_guided: World, tmp_path: Path) -> Iterator[World]:
    """Zunyi with a guide in force since 3 March 2025."""
    world = copy_world(_guided, tmp_path)
    yield world
    world.services.engine.dispose()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[World]:
    world = open_world(tmp_path, region="520300")
    settle(world)
    yield world
    world.services.engine.dispose()


def _items(world: World, kind: str) -> list[WorkItem]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(WorkItem).where(col(WorkItem.kind) == kind)).all())


def test_a_guide_is_published_on_paper_and_as_a_page(guided: World) -> None:
    shown = guided.ask("guide.show", as_="public:anybody", on=ON)

    assert (shown.version, shown.in_force_from, shown.in_force, shown.superseded_on) == (1, ON, True, None)
    with Session(guided.services.engine) as session:
        paper, page = session.get_one(Document, shown.document), session.get_one(Document, shown.page)
    assert (paper.media_type, page.media_type) == ("application/pdf", "text/html; charset=utf-8")
    text = guided.services.documents.get(zone=Zone.PUBLIC, sha256=page.sha256).decode()
    for wanted in ("登记证书复印件", "预算按类别和渠道分列。", "3个工作日", "第1版"):
        assert wanted in text


def test_a_guide_with_open_items_is_drafted_but_does_not_open(bare: World) -> None:
    content = guide_content(review_conditions=[], time_limits={"intake": 3})
    draft = bare.do("guide.draft", as_=OFFICE, on=ON, **content)

    assert draft.open_items == ("review_conditions",)
    fault = bare.refused("ZY-14", "guide.activate", as_=OFFICE, on=ON, guide=draft.id)
    assert len(fault.details) == 6
    with Session(bare.services.engine) as session:
        assert session.get_one(ApplicationGuide, draft.id).version is None


def test_a_version_is_replaced_and_never_published_again(guided: World) -> None:
    later = date(2025, 6, 2)
    first = guided.ask("guide.show", on=ON)
    second = activated(guided, on=later, intake_channel="改为线上受理(合成)。")

    assert (second.version, second.replaces) == (2, 1)
    versions = guided.ask("guide.versions", on=later)
    assert [(one.version, one.in_force, one.superseded_on) for one in versions] == [(1, False, later), (2, True, None)]
    assert guided.ask("guide.show", on=later, version=1).content == first.content
    guided.refused("guide.active_already", "guide.activate", as_=OFFICE, on=later, guide=first.id)


def test_a_version_does_not_reach_back(guided: World) -> None:
    on = date(2025, 6, 2)
    draft = guided.do("guide.draft", as_=OFFICE, on=on, **guide_content())

    guided.refused("ZY-15", "guide.activate", as_=OFFICE, on=on, guide=draft.id, in_force_from=date(2025, 6, 1))


def test_zunyi_owes_a_guide_from_its_first_application_on(bare: World) -> None:
    """ZY-13: the office's fault, so nobody is turned away."""
    applied(bare, complete=False)

    (item,) = _items(bare, "guide.publication")
    assert (item.due_on, item.clause, item.status) == (ON, "ZY-13", "open")
    activated(bare)
    assert [one.status for one in _items(bare, "guide.publication")] == ["done"]


def test_a_case_keeps_the_guide_it_was_submitted_under(guided: World) -> None:
    project = applied(guided, complete=False)
    stricter = [*guide_content()["review_conditions"], {"code": "guarantee", "text": "另交担保书(合成)。"}]
    activated(guided, on=date(2025, 3, 4), review_conditions=stricter)
    told = [{"condition": "guarantee", "what": "缺担保书"}]

    guided.refused(
        "ZY-15",
        "application.return_for_correction",
        as_=OFFICE,
        on=date(2025, 3, 5),
        project=project,
        conditions=told,
    )
    with Session(guided.services.engine) as session:
        kept = session.exec(select(Attempt).where(col(Attempt.rule) == "ZY-15")).all()
    assert [attempt.command for attempt in kept] == ["application.return_for_correction"]
    newer = applied(guided, on=date(2025, 3, 5))
    records = [guided.ask("application.record", project=one) for one in (project, newer)]
    versions = {one.id: one.version for one in guided.ask("guide.versions")}
    assert [versions[one.guide] for one in records] == [1, 2]


def test_limits_of_the_guide_run_against_the_office(guided: World) -> None:
    """Three and ten working days after Monday 3 March 2025."""
    project = applied(guided)

    assert [item.due_on for item in _items(guided, "application.intake")] == [date(2025, 3, 6)]
    assert [(item.due_on, item.clause) for item in _items(guided, "application.appraisal")] == [
        (date(2025, 3, 17), "ZY-16")
    ]
    guided.do(
        "application.accept",
        as_=OFFICE,
        on=date(2025, 3, 6),
        project=project,
        conditions=findings(),
        public_benefit=True,
    )
    assert [item.status for item in _items(guided, "application.intake")] == ["done"]
    assert [item.status for item in _items(guided, "application.appraisal")] == ["open"]
    assert guided.do("guide.sweep_clocks", **SWEEP, on=date(2025, 3, 10)).breaches == 0


def test_an_overrun_is_entered_once_against_the_office_and_not_on_the_project(guided: World) -> None:
    project = applied(guided)
    late = date(2025, 3, 10)

    first = guided.do("guide.sweep_clocks", **SWEEP, on=late)
    again = guided.do("guide.sweep_clocks", **SWEEP, on=date(2025, 3, 11))

    assert (first.breaches, again.breaches) == (1, 0)
    (breach,) = guided.ask("guide.breaches", on=late)
    assert (breach.step, breach.role, breach.due_on) == ("intake", "evaluation_office", date(2025, 3, 6))
    assert (breach.working_days_late, breach.closed_on) == (2, None)
    with Session(guided.services.engine) as session:
        (event,) = session.exec(select(Event).where(col(Event.type) == "guide.limit_overrun")).all()
    assert (event.stream_kind, event.payload["project_id"]) == ("office_breach", project)
    assert guided.ask("project.status", project=project).state == "project.submitted"
    issued = guided.do("guide.issue_breaches", as_=OFFICE, on=late)
    assert issued.rows == 1


def test_acting_late_between_two_sweeps_is_still_an_overrun(guided: World) -> None:
    project = applied(guided)
    given: dict[str, Any] = {"project": project, "conditions": findings(), "public_benefit": True}
    guided.do("application.accept", as_=OFFICE, on=date(2025, 3, 7), **given)

    assert guided.do("guide.sweep_clocks", **SWEEP, on=date(2025, 3, 10)).breaches == 1
    (breach,) = guided.ask("guide.breaches")
    assert (breach.closed_on, breach.working_days_late) == (date(2025, 3, 7), 1)


def test_where_no_guide_binds_nothing_is_entered(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    submitted(world)

    assert world.do("guide.sweep_clocks", **SWEEP, on=date(2016, 5, 3)).breaches == 0
    world.refused("guide.no_breaches", "guide.issue_breaches", as_=OFFICE, on=date(2016, 5, 3))
    with Session(world.services.engine) as session:
        assert session.exec(select(OfficeBreach)).all() == []
    world.services.engine.dispose()


def test_attachments_are_those_of_the_guide(guided: World) -> None:
    project = zunyi_project(guided)
    filed = attached(guided, project)
    upload = guided.upload(b"x", name="x.pdf", media_type="application/pdf").model_dump()

    guided.refused("ZY-14", "application.attach", as_=BUREAU, on=ON, project=project, kind="other", file=upload)
    guided.do("application.submit", as_=BUREAU, on=ON, project=project, plan_book=plan_book())
    record = guided.ask("application.record", project=project)
    assert [(item.kind, item.document) for item in record.attachments] == [("registration", filed.document)]


def test_steps_behind_the_application_run_from_what_happened_not_from_the_sweep(tmp_path: Path) -> None:
    """Review 8, decision 6, approval 4 working days, in a region whose guide nobody had to publish."""
    world = open_world(tmp_path)
    day = date(2016, 1, 4)
    activated(world, on=day)
    project = submitted(world, on=day)
    attached(world, project, on=day)
    world.do(
        "application.supersede", as_=BUREAU, on=day, project=project, plan_book=plan_book(), reason="补交附件(合成)"
    )
    world.do("application.accept", as_=OFFICE, on=day, project=project, conditions=findings())
    prepared(world, project, on=day)
    world.do("feasibility.appraise", as_=BUREAU, on=day, project=project, **appraisal())

    def sweep(on: date) -> tuple[int, int, int]:
        swept = world.do("guide.sweep_clocks", **SWEEP, on=on)
        return swept.opened, swept.closed, swept.breaches

    assert sweep(date(2016, 1, 15)) == (1, 0, 1)  # due on 14 January
    deciding.roster(world)
    opened = deciding.open_round(world, project)
    deciding.score(world, opened)
    world.do("review.close_round", as_=OFFICE, on=deciding.SCORES_CLOSE_ON, round=opened.id, opinion="同意通过评审。")
    assert sweep(date(2016, 3, 16)) == (0, 1, 0)
    notice = deciding.publish(world, project)
    assert sweep(date(2016, 3, 23)) == (0, 0, 0)
    world.do("publicity.close_notice", as_=deciding.SYSTEM, on=deciding.CLOSED_ON, notice=notice.id)
    assert sweep(deciding.CLOSED_ON) == (1, 0, 0)
    world.do("decision.decide", as_=BUREAU, on=deciding.DECIDED_ON, project=project, **deciding.decision())
    assert sweep(date(2016, 4, 6)) == (1, 1, 1)  # the approval was due on 31 March
    found = [(one.step, one.due_on, one.closed_on) for one in world.ask("guide.breaches", on=date(2016, 4, 6))]
    assert found == [("review", date(2016, 1, 14), date(2016, 3, 15)), ("approval", date(2016, 3, 31), None)]
    world.services.engine.dispose()
