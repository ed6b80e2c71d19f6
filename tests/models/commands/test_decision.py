"""Decision and approval through the door: publicity first, who decides, the local steps, the number. All made up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.money import Money
from models.tables.decision import DocumentRegister
from models.tables.kernel import Document
from tests.support import deciding as path
from tests.support.deciding import APPROVED_ON, BUREAU, DECIDED_ON, OFFICE
from tests.support.planning import appraisal, candidate, submitted
from tests.support.world import World, open_world

ZUNYI = "520300"
ENTERED = date(2025, 3, 3)
CONDITIONS = ("资金专账管理，专款专用。",)


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    world = open_world(tmp_path_factory.mktemp("base"))
    return world, path.publicised(world)


@pytest.fixture
def world(_base: tuple[World, str], tmp_path: Path) -> World:
    return path.branched(_base[0], tmp_path)


@pytest.fixture
def project(_base: tuple[World, str]) -> str:
    return _base[1]


def _decide(world: World, project: str, *, as_: str = BUREAU, on: date = DECIDED_ON, **changes: Any) -> Any:
    return world.do("decision.decide", as_=as_, on=on, project=project, **path.decision(**changes))


def _approve(world: World, project: str, *, on: date = APPROVED_ON, **changes: Any) -> Any:
    return world.do("decision.approve", as_=OFFICE, on=on, project=project, **({"conditions": CONDITIONS} | changes))


def _publicised_again(world: World, *, name: str, **project: Any) -> str:
    """Bring one more project to the end of its publicity; the roster is there already."""
    other = candidate(world, name=name, **project)
    opened = path.open_round(world, other)
    path.score(world, opened, value=project.get("value", 80))
    world.do("review.close_round", as_=OFFICE, on=path.SCORES_CLOSE_ON, round=opened.id, opinion="评审意见。")
    notice = path.publish(world, other)
    world.do("publicity.close_notice", as_=path.SYSTEM, on=path.CLOSED_ON, notice=notice.id)
    return other


def test_a_positive_decision_moves_the_project_and_is_on_record(world: World, project: str) -> None:
    decided = _decide(world, project)

    record = world.ask("decision.record", project=project)
    assert (decided.state, decided.authority) == ("project.decided", "city_bureau")
    assert (record.outcome, record.decided_by, record.meeting_no) == ("positive", "city_bureau", "合成〔2016〕3号会议")
    world.refused("SYS-STATE", "decision.decide", as_=BUREAU, on=DECIDED_ON, project=project, **path.decision())


def test_a_negative_decision_ends_the_project(world: World, project: str) -> None:
    assert _decide(world, project, outcome="negative", basis="不予立项。").state == "project.rejected"

    world.refused("SYS-STATE", "decision.approve", as_=OFFICE, on=APPROVED_ON, project=project, conditions=CONDITIONS)


def test_no_decision_before_the_notice_is_closed(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    project = path.reviewed(world)
    call: dict[str, Any] = {"as_": BUREAU, "on": DECIDED_ON, "project": project}

    world.refused("decision.publicity_open", "decision.decide", **call, **path.decision())
    notice = path.publish(world, project)
    world.refused("decision.publicity_open", "decision.decide", **call, **path.decision())
    world.do("publicity.raise_objection", as_="public:u-x", on=path.PUBLISHED_ON, notice=notice.id, matter="评分不公")
    world.refused("decision.publicity_open", "decision.decide", **call, **path.decision())


def test_no_decision_before_the_review(world: World) -> None:
    other = candidate(world, name="合成项目未评审")

    world.refused("SYS-STATE", "decision.decide", as_=BUREAU, on=DECIDED_ON, project=other, **path.decision())


def test_another_body_decides_only_under_a_cited_rule(world: World, project: str) -> None:
    world.refused(
        "decision.wrong_authority", "decision.decide", as_=OFFICE, on=DECIDED_ON, project=project, **path.decision()
    )

    _decide(world, project, as_=OFFICE, override_citation="合成规定第一条")

    record = world.ask("decision.record", project=project)
    move = next(line for line in world.ask("project.history", project=project) if line.type == "project.decided")
    assert (record.authority, record.decided_by) == ("city_bureau", "evaluation_office")
    assert record.override_citation == "合成规定第一条"
    assert move.payload["override"] is True


def test_an_enterprise_decides_on_its_own_project(world: World) -> None:
    other = _publicised_again(world, name="合成企业项目", payer="enterprise")
    world.refused(
        "decision.wrong_authority", "decision.decide", as_=BUREAU, on=DECIDED_ON, project=other, **path.decision()
    )

    assert _decide(world, other, as_="donor:u-donor").authority == "donor"


def test_a_project_the_experts_refused_cannot_be_decided_positively(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    project = path.publicised(world, value=59)

    world.refused(
        "decision.review_negative", "decision.decide", as_=BUREAU, on=DECIDED_ON, project=project, **path.decision()
    )

    assert _decide(world, project, outcome="negative").state == "project.rejected"


def test_an_approval_bears_the_next_number_and_lists_each_channel(world: World, project: str) -> None:
    _decide(world, project)

    approved = _approve(world, project)

    record = world.ask("decision.record", project=project)
    with Session(world.services.engine) as session:
        paper = session.get_one(Document, approved.document)
    assert (approved.doc_no, approved.state) == ("评审办批〔2016〕1号", "project.approved")
    assert (paper.kind, paper.doc_no, paper.issuer) == (
        "approval_document",
        approved.doc_no,
        "湖北省黄石市评审机制办公室",
    )
    assert record.amounts == {"local_budget": Money.yuan("680000.00")}
    assert (record.conditions, approved.total) == (CONDITIONS, Money.yuan("680000.00"))


def test_numbers_run_without_gaps_per_code_and_year_and_a_refused_approval_takes_none(
    world: World, project: str
) -> None:
    others = [_publicised_again(world, name=f"合成项目{index}") for index in range(3)]
    for name in (project, *others):
        _decide(world, name)
    first = _approve(world, project).doc_no
    world.refused("SYS-STATE", "decision.approve", as_=OFFICE, on=APPROVED_ON, project=project, conditions=())
    dry = world.do("decision.approve", as_=OFFICE, on=APPROVED_ON, project=others[0], dry_run=True)

    given = [
        _approve(world, others[0]).doc_no,
        _approve(world, others[1], on=date(2017, 1, 3)).doc_no,
        _approve(world, others[2], authority_code="黄民发").doc_no,
    ]

    assert first == "评审办批〔2016〕1号"
    assert dry.doc_no == "评审办批〔2016〕2号"
    assert given == ["评审办批〔2016〕2号", "评审办批〔2017〕1号", "黄民发〔2016〕1号"]
    with Session(world.services.engine) as session:
        numbers = session.exec(select(DocumentRegister.seq).where(col(DocumentRegister.year) == 2016)).all()
    assert sorted(numbers) == [1, 1, 2]


def test_the_bureau_does_not_approve_where_the_office_does(world: World, project: str) -> None:
    _decide(world, project)

    world.refused(
        "decision.wrong_approver", "decision.approve", as_=BUREAU, on=APPROVED_ON, project=project, conditions=()
    )


def test_an_approval_dated_before_its_decision_is_refused(world: World, project: str) -> None:
    _decide(world, project)

    world.refused(
        "decision.after_approval",
        "decision.approve",
        as_=OFFICE,
        on=date(2016, 3, 24),
        project=project,
        conditions=(),
    )


@pytest.fixture(scope="module")
def zunyi(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    """A project of Zunyi at the end of its publicity, without the steps that only Huangshi asks for."""
    world = open_world(tmp_path_factory.mktemp("zunyi"), region=ZUNYI)
    path.roster(world, on=ENTERED)
    project = submitted(world, on=ENTERED)
    world.do("feasibility.appraise", as_=BUREAU, on=ENTERED, project=project, **appraisal())
    opened = path.open_round(world, project, on=ENTERED)
    path.score(world, opened, on=ENTERED)
    world.do("review.close_round", as_=OFFICE, on=ENTERED, round=opened.id, opinion="同意。")
    notice = path.publish(world, project, on=date(2025, 3, 4))
    world.refused("ZY-24", "decision.decide", as_=BUREAU, on=date(2025, 3, 5), project=project, **path.decision())
    world.do("publicity.close_notice", as_=path.SYSTEM, on=date(2025, 3, 12), notice=notice.id)
    return world, project


def _set(world: World) -> dict[str, Any]:
    files = {
        part: world.upload(f"合成{part}".encode(), name=f"{part}.pdf", media_type="application/pdf").model_dump()
        for part in ("report", "opinion", "formalities")
    }
    return {**files, "opinion_issuer": "county_government"}


def test_in_zunyi_the_decision_needs_report_opinion_and_formalities(zunyi: tuple[World, str], tmp_path: Path) -> None:
    world, project = path.branched(zunyi[0], tmp_path), zunyi[1]
    papers = _set(world)
    call: dict[str, Any] = {"as_": BUREAU, "on": date(2025, 3, 13), "project": project, **path.decision()}

    world.refused("ZY-69", "decision.decide", **call)
    world.refused("ZY-69", "decision.decide", **call, **{name: papers[name] for name in papers if name != "report"})
    world.refused("ZY-67", "decision.decide", **call, **(papers | {"opinion_issuer": "county_bureau"}))
    world.refused("ZY-71", "decision.decide", **(call | {"as_": OFFICE}), **papers)
    assert world.do("decision.decide", **call, **papers).state == "project.decided"

    with Session(world.services.engine) as session:
        filed = session.exec(select(Document).where(col(Document.stage) == "decision")).all()
    assert {paper.kind: paper.issuer for paper in filed} == {
        "feasibility_report": "市民政局",
        "county_review_opinion": "属地县级人民政府",
        "formality_set": "市民政局",
    }
    approved = world.do("decision.approve", as_=OFFICE, on=date(2025, 3, 14), project=project, conditions=())
    assert approved.doc_no == "评审办批〔2025〕1号"
