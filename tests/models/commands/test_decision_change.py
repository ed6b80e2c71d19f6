"""Shares, meetings, numbers, modifications and the way back of a rejected project, through the door. All made up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.errors import Conflict
from models.core.money import Money
from models.tables.application import Application
from models.tables.decision import Decision, DocumentRegister, ProjectModification
from models.tables.feasibility import Appraisal
from models.tables.kernel import Document
from tests.support import deciding as path
from tests.support.deciding import APPROVED_ON, DECIDED_ON
from tests.support.planning import BUREAU, OFFICE, appraisal, entered, plan_book, prepared
from tests.support.world import World, copy_world, open_world

LATER = date(2016, 4, 6)
EVERYTHING = ("feasibility", "review", "publicity", "decision", "approval")
FIRM = {
    "party": "enterprise",
    "name": "合成企业",
    "credit_code": "52420200MJH000000Y",
    "account": "u-firm",
    "channel": "local_budget",
    "sub_ledger": "合成企业分账",
    "amount": "680000.00",
}
LINE = {"category": "人员费用", "channel": "local_budget", "amount": "600000.00"}
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
    world = copy_world(base[0], tmp_path_factory.mktemp("approved"))
    world.do("decision.decide", as_=BUREAU, on=DECIDED_ON, project=base[1], **path.decision())
    _approve(world, base[1])
    yield world, base[1]
    world.services.engine.dispose()


@pytest.fixture
def world(approved_once: tuple[World, str], tmp_path: Path) -> World:
    return copy_world(approved_once[0], tmp_path)


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


def test_another_budget_voids_all_that_was_appraised_on_the_old_one_and_is_the_next_revision(
    world: World, project: str
) -> None:
    done = _modify(world, project, budget=[LINE])

    assert (done.voided, done.state) == (EVERYTHING, "project.submitted")
    with Session(world.services.engine) as session:
        kept = session.get_one(ProjectModification, done.id)
        revisions = session.exec(select(Application.total_fen).order_by(col(Application.revision))).all()
        decision = session.exec(select(Decision)).one()
        appraisal = session.exec(select(Appraisal)).one()
    assert kept.diff["budget"][1] == [["人员费用", "local_budget", 60_000_000]]
    assert (kept.back_to, kept.reason) == ("submitted", "合成变更理由")
    assert (revisions, decision.voided_on, appraisal.voided_on) == ([68_000_000, 60_000_000], LATER, LATER)
    kinds = {paper.kind for paper in world.ask("decision.record", project=project).voided}
    assert {"review_opinion", "publicity_notice", "decision_opinion", "approval_document"} <= kinds
    world.refused("SYS-STATE", "decision.decide", as_=BUREAU, on=LATER, project=project, **path.decision())
    with Session(world.services.engine) as session:
        assert len(session.exec(select(Document.id).where(col(Document.project_id) == project)).all()) > len(kinds)


def test_what_was_reviewed_and_costed_before_another_content_is_done_again(world: World, project: str) -> None:
    """HS-12, HS-23: else something that is the government's own task could be slipped in after the review."""
    assert _modify(world, project, content={"goals": "累计服务不少于五百人。"}).voided == EVERYTHING

    world.refused("HS-12", "feasibility.appraise", as_=BUREAU, on=LATER, project=project, **appraisal())
    prepared(world, project, on=LATER)

    appraised = world.do("feasibility.appraise", as_=BUREAU, on=LATER, project=project, **appraisal())
    assert appraised.state == "project.candidate"


def test_a_project_not_yet_approved_goes_back_only_as_far_as_needed(base: tuple[World, str], tmp_path: Path) -> None:
    world, project = copy_world(base[0], tmp_path), base[1]
    world.do("decision.decide", as_=BUREAU, on=DECIDED_ON, project=project, **path.decision())

    renamed = _modify(world, project, name="改名后的合成项目")
    moved = _modify(world, project, period={"starts_on": "2016-05-01", "ends_on": "2016-12-31"})

    assert (renamed.voided, renamed.documents, renamed.state) == ((), (), "project.decided")
    assert (moved.voided, moved.state) == ((), "project.decided")
    assert _approve(world, project, on=LATER).doc_no == "评审办批〔2016〕1号"


def test_a_decided_project_whose_payer_changes_is_appraised_anew(base: tuple[World, str], tmp_path: Path) -> None:
    world, project = copy_world(base[0], tmp_path), base[1]
    world.do("decision.decide", as_=BUREAU, on=DECIDED_ON, project=project, **path.decision())

    done = _modify(world, project, payer="enterprise")

    assert (done.voided, done.state) == (EVERYTHING[:-1], "project.submitted")


def test_nothing_is_changed_or_withdrawn_while_the_public_is_asked(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    project = path.reviewed(world)
    path.publish(world, project)
    call: dict[str, Any] = {"as_": OFFICE, "on": path.PUBLISHED_ON, "project": project, "reason": "合成变更理由"}

    world.refused("decision.notice_running", "decision.modify", **call, changes={"name": "改名后的合成项目"})
    world.refused("decision.notice_running", "application.withdraw", **call)


def test_an_applicant_may_withdraw_until_the_approval(
    base: tuple[World, str], approved_once: tuple[World, str], tmp_path: Path
) -> None:
    call: dict[str, Any] = {"as_": OFFICE, "on": LATER, "project": base[1], "reason": "合成撤回理由"}
    approved_once[0].refused("SYS-STATE", "application.withdraw", **call)
    world = copy_world(base[0], tmp_path)
    world.do("decision.decide", as_=BUREAU, on=DECIDED_ON, project=base[1], **path.decision())

    own = world.do("application.withdraw", **(call | {"as_": "city_bureau:u-colleague"}), dry_run=True)
    assert own.state == "project.withdrawn"


def test_what_was_approved_once_is_modified_not_withdrawn(world: World, project: str) -> None:
    world.do("decision.void_number", as_=OFFICE, on=LATER, project=project, reason="印错")

    call: dict[str, Any] = {"as_": BUREAU, "on": LATER, "project": project, "reason": "合成撤回理由"}
    world.refused("application.approved_once", "application.withdraw", **call)

    assert _modify(world, project, name="改名后的合成项目").state == "project.decided"


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
        ("decision.period_over", {"period": {"starts_on": "2016-01-01", "ends_on": "2016-04-05"}}),
        ("application.incomplete", {"content": {"goals": " "}}),
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


@pytest.mark.parametrize(
    ("changes", "acceptance"),
    [
        ({"content": {"goals": "累计服务不少于五百人。"}}, False),
        ({"period": {"starts_on": "2016-05-01", "ends_on": "2016-12-31"}}, True),
    ],
    ids=["back on the desk", "past the desk"],
)
def test_the_next_revision_inherits_no_act_on_the_old_one(
    world: World, project: str, changes: dict[str, Any], acceptance: bool
) -> None:
    """The acceptance of the case stands for a revision that does not come back to the office's desk."""
    with Session(world.services.engine) as session:
        old = session.exec(select(Application)).one()
        old.accepted_on = old.returned_on = DECIDED_ON
        old.gaps, old.told = ["合成"], [{"text": "合成", "about": "", "part": ""}]
        old.notice_id = old.paper_id = old.document_id
        session.add(old)
        session.commit()
        kept = (old.document_id, old.applicant, old.attachments, old.guide_id)

    _modify(world, project, **changes)

    with Session(world.services.engine) as session:
        old, new = session.exec(select(Application).order_by(col(Application.revision))).all()
        acts = (new.returned_on, new.paper_id, new.supersedes_id, new.gaps, new.told)
        assert acts == (None, None, None, [], [])
        assert (new.accepted_on, new.notice_id) == ((DECIDED_ON, old.notice_id) if acceptance else (None, None))
        assert (new.document_id, new.applicant, new.attachments, new.guide_id) == kept
        assert (old.accepted_on, old.gaps) == (DECIDED_ON, ["合成"])
    waiting = {item.kind for item in world.ask("work.list", on=LATER)}
    assert ("application.appraisal" in waiting) is not acceptance


def test_an_approved_project_stands_in_the_plan_ledger_until_its_approval_is_voided(world: World, project: str) -> None:
    rows = world.ask("decision.implementation_ledger", awaiting_only=True)
    assert [(row.project, row.doc_no, row.awaiting) for row in rows] == [(project, "评审办批〔2016〕1号", True)]
    assert rows[0].amounts == {"local_budget": Money.yuan("680000.00")}

    world.do("decision.void_number", as_=OFFICE, on=LATER, project=project, reason="印错")
    assert world.ask("decision.implementation_ledger") == ()


def test_a_plan_line_whose_approval_was_voided_is_neither_signed_nor_issued_only_cancelled(
    world: World, project: str
) -> None:
    """Re-approved under another number it is drafted anew: what the co-issuers signed named the old approval."""
    finance: dict[str, Any] = {"as_": "finance_bureau:u-finance", "on": LATER}
    batch: dict[str, Any] = {"quarter": "2016Q2", "batch": 1}
    budget: dict[str, Any] = {"year": 2016, "channel": "local_budget", "amount": "680000.00", "reply_no": None}
    draft: dict[str, Any] = {
        "project": project,
        **batch,
        "channel": "local_budget",
        "amount": "680000.00",
        "content": "合成内容",
    }
    world.do("funding.register_budget", **finance, project=project, **budget)
    line = world.do("funding.draft_plan", **finance, **draft).id
    _modify(world, project, name="改名后的合成项目")
    for _ in ("decided", "approved again"):
        fault = world.refused("funding.approval_voided", "funding.sign_plan", **finance, plan_line=line)
        world.refused("funding.approval_voided", "funding.issue_plan", **finance, **batch)
        if world.ask("project.status", project=project).states["project"] == ["decided"]:
            _approve(world, project, on=LATER)
    assert "funding.cancel_line" in fault.way_out

    world.do("funding.cancel_line", **finance, plan_line=line, reason="批准文件作废(合成)")

    again = world.do("funding.draft_plan", **finance, **draft).id
    world.do("funding.sign_plan", **finance, plan_line=again)
    assert world.do("funding.issue_plan", **finance, **batch).lines == 1
    assert world.ask("funding.balances", year=2016).balanced


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
    world, project = copy_world(base[0], tmp_path), base[1]
    decision = path.decision(outcome="negative", basis="与已有政策重复。")

    decided = world.do("decision.decide", as_=BUREAU, on=DECIDED_ON, project=project, **decision)

    with Session(world.services.engine) as session:
        paper = session.get_one(Document, decided.notice)
    assert (decided.state, paper.kind) == ("project.rejected", "rejection_notice")
    assert world.do("document.verify", as_=OFFICE, on=DECIDED_ON, document=paper.id).same
    book: dict[str, Any] = {"as_": BUREAU, "on": LATER, "plan_book": plan_book()}
    told = world.refused("lifecycle.ended_unapproved", "application.submit", **book, project=project)
    assert "predecessor" in told.way_out
    again = entered(world, on=LATER, predecessor=project)
    world.do("application.submit", **book, project=again)
    status = world.ask("project.status", project=again)
    assert (status.state, status.predecessor) == ("project.submitted", project)
    assert world.ask("project.status", project=project).state == "project.rejected"


def test_the_enterprise_named_with_its_share_decides_and_no_other(base: tuple[World, str], tmp_path: Path) -> None:
    world, project = copy_world(base[0], tmp_path), base[1]
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
