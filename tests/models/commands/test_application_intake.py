"""Intake through the door: accepted against the pinned guide, returned with all gaps at once, replaced, compared."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.ports import Zone
from models.tables.kernel import Document, WorkItem
from tests.support.guides import DESIGN, activated, applied, attached, findings, settle
from tests.support.planning import BUREAU, OFFICE, appraisal, plan_book, submitted
from tests.support.world import World, copy_world, open_world

NEXT = date(2025, 3, 4)
TEAM = {"condition": "team_complete", "part": "team", "what": "团队缺资格证明"}


@pytest.fixture(scope="module")
def _guided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("guided"), region="520300")
    settle(world)
    activated(world)
    yield world
    world.services.engine.dispose()


@pytest.fixture
def world(_guided: World, tmp_path: Path) -> Iterator[World]:
    """Zunyi with a guide in force since 3 March 2025."""
    world = copy_world(_guided, tmp_path)
    yield world
    world.services.engine.dispose()


def _accept(world: World, project: str, **changes: Any) -> Any:
    given: dict[str, Any] = {"conditions": findings(), "public_benefit": True} | changes
    return world.do("application.accept", as_=OFFICE, on=NEXT, project=project, **given)


def _return(world: World, project: str, on: date = NEXT, **given: Any) -> Any:
    return world.do("application.return_for_correction", as_=OFFICE, on=on, project=project, **given)


def _again(world: World, project: str, on: date = NEXT, **changes: Any) -> Any:
    book = plan_book(**changes)
    return world.do("application.submit", as_=BUREAU, on=on, project=project, plan_book=book, design=DESIGN)


def test_acceptance_is_told_on_paper_and_lets_the_appraisal_follow(world: World) -> None:
    project = applied(world)
    world.refused(
        "application.not_accepted", "feasibility.appraise", as_=BUREAU, on=NEXT, project=project, **appraisal()
    )

    accepted = _accept(world, project)

    with Session(world.services.engine) as session:
        notice = session.get_one(Document, accepted.notice)
    assert (notice.kind, notice.media_type) == ("application_notice", "application/pdf")
    assert world.ask("application.record", project=project).accepted_on == NEXT
    world.refused(
        "application.accepted_already",
        "application.accept",
        as_=OFFICE,
        on=NEXT,
        project=project,
        conditions=findings(),
        public_benefit=True,
    )


def test_an_accepted_application_is_not_returned(world: World) -> None:
    project = applied(world)
    _accept(world, project)

    call: dict[str, Any] = {"as_": OFFICE, "on": NEXT, "project": project, "conditions": [TEAM]}
    world.refused("application.accepted_already", "application.return_for_correction", **call)

    record = world.ask("application.record", project=project)
    assert (record.accepted_on, record.gaps) == (NEXT, ())


def test_what_is_missing_or_unmet_is_not_accepted(world: World) -> None:
    bare, full = applied(world, complete=False), applied(world)
    call: dict[str, Any] = {"as_": OFFICE, "on": NEXT}

    world.refused("ZY-14", "application.accept", **call, project=bare, conditions=findings(), public_benefit=True)
    unmet = findings(team_complete=False)
    world.refused("ZY-14", "application.accept", **call, project=full, conditions=unmet, public_benefit=True)
    one = findings()[:1]
    world.refused("ZY-15", "application.accept", **call, project=full, conditions=one, public_benefit=True)
    world.refused("ZY-123", "application.accept", **call, project=full, conditions=findings())


def test_a_return_tells_every_gap_at_once_on_one_paper(world: World) -> None:
    project = applied(world, complete=False)

    returned = _return(world, project, conditions=[TEAM])

    assert len(returned.gaps) == 1 + 1 + 6  # the reviewer's, the required attachment, the six design points
    assert world.ask("application.record", project=project).gaps == returned.gaps
    with Session(world.services.engine) as session:
        notice = session.get_one(Document, returned.notice)
        items = session.exec(select(WorkItem.status).where(col(WorkItem.subject_kind) == "application")).all()
    assert world.services.documents.get(zone=Zone.DOCUMENTS, sha256=notice.sha256).startswith(b"%PDF")
    assert items == ["done", "done"]


def test_a_second_return_names_only_what_was_told_or_changed(world: World) -> None:
    project = applied(world)
    _return(world, project, conditions=[TEAM])
    lines = [{"category": "人员费用", "channel": "local_budget", "amount": "680000.00"}]
    _again(world, project, budget=lines)
    call: dict[str, Any] = {"as_": OFFICE, "on": NEXT, "project": project}
    fresh = {"condition": "budget_itemised", "part": "goals", "what": "目标不具体"}

    world.refused("application.not_told_before", "application.return_for_correction", **call, conditions=[fresh])
    changed = {"condition": "budget_itemised", "part": "budget", "what": "改动后未分列"}
    assert _return(world, project, conditions=[TEAM, changed]).gaps == ("团队缺资格证明", "改动后未分列")


def test_words_without_a_condition_of_the_guide_are_refused(world: World) -> None:
    project = applied(world)

    world.refused(
        "application.gap_without_condition",
        "application.return_for_correction",
        as_=OFFICE,
        on=NEXT,
        project=project,
        gaps=("请另交担保书",),
    )


def test_a_corrected_application_keeps_its_guide_and_its_attachments(world: World) -> None:
    project = applied(world)
    _return(world, project, conditions=[TEAM])
    activated(world, on=date(2025, 3, 10), intake_channel="改为线上受理(合成)。")
    again = _again(world, project, on=date(2025, 3, 11))

    first, second = world.ask("application.revisions", project=project)
    assert (again.revision, first.guide == second.guide, second.supersedes) == (2, True, None)
    assert len(world.ask("application.record", project=project).attachments) == 1


def test_a_new_application_replaces_the_old_one_and_takes_the_guide_in_force(world: World) -> None:
    project = applied(world)
    activated(world, on=date(2025, 3, 10), intake_channel="改为线上受理(合成)。")
    given: dict[str, Any] = {"project": project, "plan_book": plan_book(goals="新目标(合成)。"), "design": DESIGN}
    new = world.do("application.supersede", as_=BUREAU, on=date(2025, 3, 11), reason="方案重做", **given)

    first, second = world.ask("application.revisions", project=project)
    assert (second.id, second.supersedes, first.visible, second.visible) == (new.id, first.id, False, True)
    assert first.guide != second.guide
    assert world.ask("application.record", project=project).parts["goals"] == "新目标(合成)。"
    assert world.ask("application.record", project=project, revision=1).parts["goals"] == "累计服务不少于四百人。"
    with Session(world.services.engine) as session:
        items = {
            (item.subject_id, item.kind): item.status
            for item in session.exec(select(WorkItem).where(col(WorkItem.subject_kind) == "application")).all()
        }
    assert {status for (subject, _), status in items.items() if subject == first.id} == {"done"}
    assert {status for (subject, _), status in items.items() if subject == new.id} == {"open"}


def test_two_revisions_are_compared_in_words_with_names_masked(world: World) -> None:
    project = applied(world)
    _return(world, project, conditions=[TEAM])
    attached(world, project, on=NEXT, kind="references")
    team = [*plan_book()["team"][:2], {"role": "accountable_person", "name": "合成丁"}]
    _again(world, project, goals="累计服务不少于五百人。", team=team)

    found = world.ask("application.diff", project=project, from_=1, to=2, as_="expert:e")

    assert [(one.part, one.field) for one in found.changes] == [
        ("goals", "项目目标"),
        ("team#3", "项目团队第3人"),
        ("attachment:references", "附件references"),
    ]
    goals, person, _ = found.changes
    assert (goals.old, goals.new) == ("累计服务不少于四百人。", "累计服务不少于五百人。")
    assert (person.old, person.new) == ("责任人员，合*", "已变更（脱敏后相同）")


def test_the_application_paper_names_guide_and_revision(world: World) -> None:
    project = applied(world)
    record = world.ask("application.record", project=project)

    with Session(world.services.engine) as session:
        paper = session.get_one(Document, record.paper)
        view = world.services.documents.get(zone=Zone.DOCUMENTS, sha256=str(paper.data_digest)).decode()
    assert (paper.kind, paper.media_type) == ("application_paper", "application/pdf")
    for wanted in ("第1版（自2025-03-03起施行）", "第1次提交", "登记证书复印件", "合*"):
        assert wanted in view
    for hidden in ("合成甲", "13800000000"):
        assert hidden not in view


def test_a_region_without_guide_keeps_its_ways(tmp_path: Path) -> None:
    huangshi = open_world(tmp_path)
    project = submitted(huangshi)
    call: dict[str, Any] = {"as_": OFFICE, "on": date(2016, 1, 6), "project": project}

    first = huangshi.do("application.return_for_correction", **call, gaps=("预算缺明细",))
    huangshi.do("application.submit", as_=BUREAU, on=date(2016, 1, 6), project=project, plan_book=plan_book())
    second = huangshi.do("application.return_for_correction", **call, gaps=("团队缺人",))

    assert (first.gaps, second.gaps) == (("预算缺明细",), ("团队缺人",))
    assert huangshi.ask("application.record", project=project).guide is None
    huangshi.services.engine.dispose()
