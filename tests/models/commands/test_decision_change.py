"""Shares, meetings, numbers, modifications and the way back of a rejected project, through the door. All made up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.commands import register
from models.context import Context
from models.core.actors import Actor, Role
from models.core.errors import Conflict
from models.core.ids import derive_id
from models.core.money import Money
from models.tables.application import Application
from models.tables.decision import Decision, DocumentRegister, ProjectModification, VoidedPaper
from models.tables.kernel import Document
from tests.support import deciding as path
from tests.support.deciding import APPROVED_ON, DECIDED_ON
from tests.support.planning import BUREAU, OFFICE, entered
from tests.support.postgres import fresh_database
from tests.support.world import World, open_world

LATER = date(2016, 4, 6)
FIRM = {
    "party": "enterprise",
    "name": "合成企业",
    "credit_code": "52420200MJH000000Y",
    "account": "u-firm",
    "channel": "local_budget",
    "sub_ledger": "合成企业分账",
    "amount": "680000.00",
}
MEETING: dict[str, Any] = {
    "meeting_no": "合成〔2016〕3号会议",
    "held_on": DECIDED_ON,
    "chaired_by": "city_bureau",
    "attendance": [
        {"role": "city_bureau", "unit": "合成市民政局", "persons": 3},
        {"role": "evaluation_office", "unit": "合成评审机制办公室", "persons": 2},
    ],
    "matters": ["project_decision"],
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    world = open_world(tmp_path_factory.mktemp("base"))
    yield world, path.publicised(world)
    world.services.engine.dispose()


@pytest.fixture(scope="module")
def approved_once(base: tuple[World, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    world = path.branched(base[0], tmp_path_factory.mktemp("approved"))
    world.do("decision.decide", as_=BUREAU, on=DECIDED_ON, project=base[1], **path.decision())
    _approve(world, base[1])
    yield world, base[1]
    world.services.engine.dispose()


@pytest.fixture
def world(approved_once: tuple[World, str], tmp_path: Path) -> World:
    return path.branched(approved_once[0], tmp_path)


@pytest.fixture
def project(approved_once: tuple[World, str]) -> str:
    return approved_once[1]


def _approve(world: World, project: str, *, on: date = APPROVED_ON) -> Any:
    return world.do("decision.approve", as_=OFFICE, on=on, project=project, conditions=("资金专账管理。",))


def _modify(world: World, project: str, **changes: Any) -> Any:
    return world.do("decision.modify", as_=OFFICE, on=LATER, project=project, changes=changes, reason="合成变更理由")


def _minutes(world: World) -> dict[str, Any]:
    return world.upload("合成纪要".encode(), name="合成纪要.txt", media_type="text/plain").model_dump()


def test_a_new_name_voids_the_approval_alone_and_the_next_takes_the_next_number(world: World, project: str) -> None:
    done = _modify(world, project, name="改名后的合成项目")

    assert (done.kinds, done.voided, done.state) == (("name",), ("approval",), "project.decided")
    again = _approve(world, project, on=LATER)
    record = world.ask("decision.record", project=project)
    assert (again.doc_no, record.doc_no) == ("评审办批〔2016〕2号", "评审办批〔2016〕2号")
    assert [(paper.kind, paper.doc_no, paper.reason) for paper in record.voided] == [
        ("approval_document", "评审办批〔2016〕1号", "合成变更理由")
    ]
    numbers = world.ask("decision.register", year=2016)
    assert [(line.doc_no, line.voided_on, line.reason) for line in numbers] == [
        ("评审办批〔2016〕1号", LATER, "合成变更理由"),
        ("评审办批〔2016〕2号", None, None),
    ]
    assert {line.name for line in numbers} == {"改名后的合成项目"}


def test_another_budget_voids_decision_and_approval_and_is_the_next_revision(world: World, project: str) -> None:
    lines = [{"category": "人员费用", "channel": "local_budget", "amount": "600000.00"}]
    done = _modify(world, project, budget=lines)

    assert (done.voided, done.state) == (("decision", "approval"), "project.on_publicity")
    with Session(world.services.engine) as session:
        kept = session.get_one(ProjectModification, done.id)
        voided = session.exec(select(Document.kind).join(VoidedPaper)).all()
        revisions = session.exec(select(Application.total_fen).order_by(col(Application.revision))).all()
        decision = session.exec(select(Decision)).one()
    assert kept.diff["budget"][1] == [["人员费用", "local_budget", 60_000_000]]
    assert (kept.back_to, kept.reason) == ("on_publicity", "合成变更理由")
    assert sorted(voided) == ["approval_document", "decision_opinion"]
    assert (revisions, decision.voided_on) == ([68_000_000, 60_000_000], LATER)

    world.do("decision.decide", as_=BUREAU, on=LATER, project=project, **path.decision())
    assert _approve(world, project, on=LATER).total == Money.yuan("600000.00")


def test_another_content_sends_the_project_back_to_the_experts_and_marks_every_paper(
    world: World, project: str
) -> None:
    done = _modify(world, project, content={"goals": "累计服务不少于五百人。"})

    assert (done.voided, done.state) == (("review", "publicity", "decision", "approval"), "project.candidate")
    kinds = {paper.kind for paper in world.ask("decision.record", project=project).voided}
    assert {"review_opinion", "publicity_notice", "decision_opinion", "approval_document"} <= kinds
    world.refused("SYS-STATE", "decision.decide", as_=BUREAU, on=LATER, project=project, **path.decision())
    with Session(world.services.engine) as session:
        assert len(session.exec(select(Document.id).where(col(Document.project_id) == project)).all()) > len(kinds)


def test_a_modification_that_changes_nothing_or_cannot_be_is_refused(world: World, project: str) -> None:
    call: dict[str, Any] = {"as_": OFFICE, "on": LATER, "project": project, "reason": "合成变更理由"}
    same = world.ask("project.status", project=project).name
    backwards = {"starts_on": "2016-06-01", "ends_on": "2016-05-01"}

    for code, changes in (
        ("decision.nothing_changed", {}),
        ("decision.nothing_changed", {"name": same}),
        ("decision.unknown_payer", {"payer": "nobody"}),
        ("decision.unknown_part", {"content": {"nowhere": "合成"}}),
        ("decision.period_reversed", {"period": backwards}),
    ):
        world.refused(code, "decision.modify", **call, changes=changes)
    assert world.ask("project.status", project=project).state == "project.approved"


def test_a_misprinted_number_stays_with_its_reason_and_the_project_takes_the_next(world: World, project: str) -> None:
    voided = world.do("decision.void_number", as_=OFFICE, on=LATER, project=project, reason="印错")

    assert (voided.doc_no, voided.state) == ("评审办批〔2016〕1号", "project.decided")
    world.refused("SYS-STATE", "decision.void_number", as_=OFFICE, on=LATER, project=project, reason="印错")
    assert _approve(world, project, on=LATER).doc_no == "评审办批〔2016〕2号"
    printed = world.do("decision.print_register", as_=OFFICE, on=LATER, year=2016)
    with Session(world.services.engine) as session:
        paper = session.get_one(Document, printed.document)
        kept = session.exec(select(DocumentRegister.void_reason).order_by(col(DocumentRegister.seq))).all()
    assert (paper.kind, paper.title) == ("number_register_xlsx", "2016年批准文件发文字号登记簿")
    assert kept == ["印错", None]


def test_a_body_that_may_not_approve_can_neither_void_nor_modify(world: World, project: str) -> None:
    call: dict[str, Any] = {"on": LATER, "project": project, "reason": "印错"}
    for other in (BUREAU, "county_bureau:u-county-bureau"):
        world.refused("decision.wrong_approver", "decision.void_number", as_=other, **call)
        world.refused("decision.wrong_approver", "decision.modify", as_=other, changes={"name": "改名"}, **call)

    assert world.ask("decision.record", project=project).doc_no == "评审办批〔2016〕1号"


def test_the_next_revision_inherits_no_act_on_the_old_one(world: World, project: str) -> None:
    with Session(world.services.engine) as session:
        old = session.exec(select(Application)).one()
        old.accepted_on = old.returned_on = DECIDED_ON
        old.gaps, old.told = ["合成"], [{"text": "合成", "about": "", "part": ""}]
        old.notice_id = old.paper_id = old.document_id
        session.add(old)
        session.commit()
        kept = (old.document_id, old.applicant, old.attachments, old.guide_id)

    _modify(world, project, period={"starts_on": "2016-05-01", "ends_on": "2016-12-31"})

    with Session(world.services.engine) as session:
        old, new = session.exec(select(Application).order_by(col(Application.revision))).all()
        acts = (new.accepted_on, new.returned_on, new.notice_id, new.paper_id, new.supersedes_id, new.gaps, new.told)
        assert acts == (None, None, None, None, None, [], [])
        assert (new.document_id, new.applicant, new.attachments, new.guide_id) == kept
        assert (old.accepted_on, old.gaps) == (DECIDED_ON, ["合成"])


def test_an_approved_project_stands_in_the_plan_ledger_until_its_approval_is_voided(world: World, project: str) -> None:
    rows = world.ask("decision.implementation_ledger", awaiting_only=True)
    assert [(row.project, row.doc_no, row.awaiting) for row in rows] == [(project, "评审办批〔2016〕1号", True)]
    assert rows[0].amounts == {"local_budget": Money.yuan("680000.00")}

    world.do("decision.void_number", as_=OFFICE, on=LATER, project=project, reason="印错")
    assert world.ask("decision.implementation_ledger") == ()


def test_every_step_to_the_approval_can_be_traced(world: World, project: str) -> None:
    world.do("decision.void_number", as_=OFFICE, on=LATER, project=project, reason="印错")

    trail = world.ask("decision.trail", project=project)

    steps = [(line.command, line.after) for line in trail]
    assert steps[0] == ("library.enter_project", "in_library")
    assert steps[-3:] == [
        ("decision.decide", "decided"),
        ("decision.approve", "approved"),
        ("decision.void_number", "decided"),
    ]
    assert trail[-2].actor == "evaluation_office:u-office"
    assert trail[-2].act == "印发批准文件"
    assert all(line.policy_digest and line.on for line in trail)


def test_a_meeting_is_recorded_once_with_who_attended(world: World) -> None:
    recorded = world.do("decision.record_meeting", as_=OFFICE, on=LATER, minutes=_minutes(world), **MEETING)

    with Session(world.services.engine) as session:
        paper = session.get_one(Document, recorded.document)
    assert (paper.kind, paper.issuer) == ("meeting_minutes", "湖北省黄石市民政局")
    with pytest.raises(Conflict) as caught:
        world.do("decision.record_meeting", as_=OFFICE, on=LATER, minutes=_minutes(world), **MEETING)
    assert caught.value.code == "decision.meeting_recorded"
    other = MEETING | {"meeting_no": "另一会议", "chaired_by": "evaluation_office"}
    world.refused(
        "decision.meeting_chair", "decision.record_meeting", as_=OFFICE, on=LATER, minutes=_minutes(world), **other
    )


def test_the_office_has_a_roster_of_units_in_versions(world: World) -> None:
    members = [
        {"kind": "service_centre", "unit": "合成市民政工作服务中心", "lead": True},
        {"kind": "charity", "unit": "合成慈善会"},
        {"kind": "caring_enterprise", "unit": "合成爱心企业"},
    ]
    world.do("decision.record_office", as_=OFFICE, on=LATER, members=members)
    world.do("decision.record_office", as_=BUREAU, on=LATER, members=[*members, {"kind": "other", "unit": "合成学校"}])

    world.refused("decision.office_composition", "decision.record_office", as_=OFFICE, on=LATER, members=members[:2])


def test_a_formality_before_the_start_is_one_the_region_lists(world: World, project: str) -> None:
    """Huangshi lists none, so none can be recorded and none is waited for."""
    given = {"code": "implementation_plan", "reference": "合成〔2016〕1号", "paper": _minutes(world)}
    world.refused(
        "decision.unknown_formality", "decision.record_formality", as_=OFFICE, on=LATER, project=project, **given
    )


def test_a_rejected_applicant_is_told_why_and_comes_back_with_a_new_project(
    base: tuple[World, str], tmp_path: Path
) -> None:
    world, project = path.branched(base[0], tmp_path), base[1]
    decision = path.decision(outcome="negative", basis="与已有政策重复。")

    decided = world.do("decision.decide", as_=BUREAU, on=DECIDED_ON, project=project, **decision)

    with Session(world.services.engine) as session:
        paper = session.get_one(Document, decided.notice)
    assert (decided.state, paper.kind) == ("project.rejected", "rejection_notice")
    assert world.do("document.verify", as_=OFFICE, on=DECIDED_ON, document=paper.id).same
    again = entered(world, on=LATER, predecessor=project)
    assert world.ask("project.status", project=again).state == "project.in_library"


def test_the_enterprise_named_with_its_share_decides_and_no_other(base: tuple[World, str], tmp_path: Path) -> None:
    world, project = path.branched(base[0], tmp_path), base[1]
    call: dict[str, Any] = {"on": DECIDED_ON, "project": project}
    world.refused("decision.share_parties", "decision.record_shares", as_=OFFICE, shares=[FIRM], **call)
    government = FIRM | {"party": "government", "name": "合成市民政局", "sub_ledger": "合成财政分账"}
    less = government | {"amount": "1.00"}
    world.refused("decision.shares_differ", "decision.record_shares", as_=OFFICE, shares=[less], **call)

    recorded = world.do("decision.record_shares", as_=OFFICE, shares=[government], **call)

    assert recorded.by_channel == {"local_budget": Money.yuan("680000.00")}
    world.do("decision.decide", as_=BUREAU, **call, **path.decision())
    world.refused("SYS-STATE", "decision.record_shares", as_=OFFICE, shares=[government], **call)
    shares = world.ask("decision.record", project=project).shares
    assert [(share.name, share.sub_ledger) for share in shares] == [("合成市民政局", "合成财政分账")]
    _approve(world, project)
    world.refused("SYS-STATE", "decision.record_shares", as_=OFFICE, shares=[government], **call)


def test_issuers_at_once_get_consecutive_numbers_and_none_twice(postgres_url: str, tmp_path: Path) -> None:
    """Eight issuers, each takes three numbers; who meets another tries again and gets the next."""
    with fresh_database(postgres_url, name="numbers") as url:
        world = open_world(tmp_path, database_url=url)

        def issue(issuer: int) -> None:
            for paper in range(3):
                attempt = 0
                while not _taken(world, call=f"{issuer}-{paper}-{attempt}"):
                    attempt += 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(issue, range(8)))

        with Session(world.services.engine) as session:
            given = session.exec(select(DocumentRegister.seq).order_by(col(DocumentRegister.seq))).all()
        assert given == list(range(1, 25))
        world.services.engine.dispose()


def _taken(world: World, *, call: str) -> bool:
    actor = Actor(Role.EVALUATION_OFFICE, "u-office")
    ctx = Context(world.services, actor, APPROVED_ON, "decision.approve", derive_id("cmd", call))
    issuer = register.issuer_key(region="520300", role=Role.EVALUATION_OFFICE)
    with ctx.reading() as session:
        number = register.upcoming(session, issuer=issuer, authority="评审办批", year=2016)
    try:
        with ctx.writing() as session:
            register.enter(session, ctx, issuer=issuer, number=number, project_id=None, sha256="0" * 64)
    except Conflict:
        return False
    return True
