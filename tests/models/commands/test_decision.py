"""Decision and approval through the door: publicity first, who decides, the local steps, the number. All made up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.money import Money
from models.queries.decision import completed_formalities, newest_formality
from models.queries.project_record import project_record
from models.tables.decision import DocumentRegister
from models.tables.kernel import Document, Project, WorkItem
from tests.support import deciding as path
from tests.support import feasible
from tests.support.deciding import APPROVED_ON, DECIDED_ON
from tests.support.planning import BUREAU, OFFICE, appraisal, candidate, plan_book
from tests.support.world import World, copy_world, open_world

ZUNYI = "520300"
ENTERED = date(2025, 3, 3)
OVERRIDE = {"level": "national", "title": "合成规定", "number": "合成〔2016〕1号", "article": "第一条"}
CONDITIONS = ("资金专账管理，专款专用。",)


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    world = open_world(tmp_path_factory.mktemp("base"))
    return world, path.publicised(world)


@pytest.fixture
def world(_base: tuple[World, str], tmp_path: Path) -> World:
    return copy_world(_base[0], tmp_path)


@pytest.fixture
def project(_base: tuple[World, str]) -> str:
    return _base[1]


FINANCE = "finance_bureau:u-finance"


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


def test_a_decision_files_its_opinion_under_the_deciding_body(world: World, project: str) -> None:
    """D10: the paper is a document of the project, and prints again to the same bytes."""
    decided = _decide(world, project)

    with Session(world.services.engine) as session:
        paper = session.get_one(Document, decided.document)
    assert (paper.kind, paper.stage, paper.issuer) == ("decision_opinion", "decision", "湖北省黄石市民政局")
    assert world.do("document.verify", as_=OFFICE, on=DECIDED_ON, document=paper.id).same


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

    _decide(world, project, as_=OFFICE, override_citation=OVERRIDE)

    record = world.ask("decision.record", project=project)
    move = next(line for line in world.ask("project.history", project=project) if line.type == "project.decided")
    assert (record.authority, record.decided_by) == ("city_bureau", "evaluation_office")
    assert (record.override_citation, record.override_level) == ("《合成规定》（合成〔2016〕1号）第一条", "national")
    assert move.payload["override"] is True


def test_a_cited_rule_frees_nobody_from_the_shares_and_no_enterprise_from_its_own_project(
    zunyi: tuple[World, str], tmp_path: Path
) -> None:
    world, project = copy_world(zunyi[0], tmp_path), zunyi[1]
    call: dict[str, Any] = {"on": date(2025, 3, 13), "project": project, **path.decision()}
    world.refused("ZY-71", "decision.decide", as_="donor:u-donor", override_citation=OVERRIDE, **call)

    with Session(world.services.engine) as session:
        session.get_one(Project, project).payer = "joint"
        session.commit()

    world.refused("decision.shares_missing", "decision.decide", as_=BUREAU, override_citation=OVERRIDE, **call)


def test_no_decision_is_dated_before_its_publicity_ended_or_before_its_papers(
    zunyi: tuple[World, str], tmp_path: Path
) -> None:
    world, project = copy_world(zunyi[0], tmp_path), zunyi[1]
    call: dict[str, Any] = {"as_": BUREAU, "project": project, **path.decision()}
    feasible.whole_set(world, project, on=date(2025, 3, 14))

    world.refused("decision.before_publicity_end", "decision.decide", on=date(2025, 3, 11), **call)
    early = world.refused("ZY-69", "decision.decide", on=date(2025, 3, 13), **call)

    assert str(early.facts["missing"]).count("日期晚于决策日期") == 3
    assert world.do("decision.decide", on=date(2025, 3, 14), **call).state == "project.decided"


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
    project = feasible.applied(world, on=ENTERED)
    world.do("feasibility.appraise", as_=BUREAU, on=ENTERED, project=project, **appraisal())
    opened = path.open_round(world, project, on=ENTERED)
    path.score(world, opened, on=ENTERED)
    world.do("review.close_round", as_=OFFICE, on=ENTERED, round=opened.id, opinion="同意。")
    path.sign(world, opened.id, on=ENTERED)
    notice = path.publish(world, project, on=date(2025, 3, 4))
    world.refused("ZY-24", "decision.decide", as_=BUREAU, on=date(2025, 3, 5), project=project, **path.decision())
    world.do("publicity.close_notice", as_=path.SYSTEM, on=date(2025, 3, 12), notice=notice.id)
    return world, project


def test_in_zunyi_the_decision_needs_report_opinion_and_formalities(zunyi: tuple[World, str], tmp_path: Path) -> None:
    world, project = copy_world(zunyi[0], tmp_path), zunyi[1]
    day = date(2025, 3, 13)
    call: dict[str, Any] = {"as_": BUREAU, "on": day, "project": project, **path.decision()}

    world.refused("ZY-69", "decision.decide", **call)
    feasible.whole_set(world, project, on=day)
    world.refused("ZY-71", "decision.decide", **(call | {"as_": OFFICE}))
    uncited = {"level": "provincial", "title": "合成规定"}
    world.refused("ZY-74", "decision.decide", **(call | {"as_": OFFICE}), override_citation=uncited)
    assert world.do("decision.decide", **call).state == "project.decided"

    approved = world.do("decision.approve", as_=OFFICE, on=date(2025, 3, 14), project=project, conditions=())
    assert approved.doc_no == "评审办批〔2025〕1号"
    assert _open(world) == {"decision.meeting_record": "ZY-11", "decision.office_roster": "ZY-12"}
    _record_mechanism(world, day)
    assert _open(world) == {}


def _open(world: World) -> dict[str, str]:
    with Session(world.services.engine) as session:
        items = session.exec(select(WorkItem).where(col(WorkItem.status) == "open")).all()
    return {item.kind: item.clause for item in items if item.kind.startswith("decision.")}


def _record_mechanism(world: World, day: date) -> None:
    """Put on record the meeting that decided and who makes up the office: both were due."""
    minutes = world.upload("合成纪要".encode(), name="合成纪要.txt", media_type="text/plain").model_dump()
    world.do(
        "decision.record_meeting",
        as_=OFFICE,
        on=date(2025, 3, 14),
        meeting_no=path.decision()["meeting_no"],
        held_on=day,
        chaired_by="city_bureau",
        attendance=[{"role": "city_bureau", "unit": "合成市民政局", "persons": 3}],
        matters=["project_decision"],
        minutes=minutes,
    )
    members = [
        {"kind": "service_centre", "unit": "合成市民政工作服务中心", "lead": True},
        {"kind": "charity", "unit": "合成慈善会"},
        {"kind": "caring_enterprise", "unit": "合成爱心企业"},
    ]
    world.do("decision.record_office", as_=OFFICE, on=date(2025, 3, 14), members=members)


def test_in_zunyi_a_start_waits_for_its_formalities(zunyi: tuple[World, str], tmp_path: Path) -> None:
    """The checklist is filed between approval and start; what is filed twice or not listed is refused."""
    world, project = copy_world(zunyi[0], tmp_path), zunyi[1]
    day = date(2025, 3, 13)
    feasible.whole_set(world, project, on=day)
    paper = world.upload("合成手续".encode(), name="合成手续.txt", media_type="text/plain").model_dump()
    call: dict[str, Any] = {"as_": OFFICE, "project": project, "reference": "合成〔2025〕1号", "paper": paper}
    one: dict[str, Any] = {"code": "implementation_plan", "on": date(2025, 3, 14)}
    world.refused("SYS-STATE", "decision.record_formality", **call, **(one | {"on": day}))
    world.do("decision.decide", as_=BUREAU, on=day, project=project, **path.decision())
    world.do("decision.approve", as_=OFFICE, on=date(2025, 3, 14), project=project, conditions=())

    filed = world.do("decision.record_formality", **call, **one)

    with Session(world.services.engine) as session:
        assert session.get_one(Document, filed.document).title == "项目实施方案"
        assert completed_formalities(session, project) == {"implementation_plan"}
    world.refused("decision.formality_recorded", "decision.record_formality", **call, **one)
    renewed = world.do("decision.record_formality", **call, **one, reason="原件有误(合成)")
    voided = world.ask("decision.record", project=project, on=date(2025, 3, 14)).voided
    assert [(paper.document, paper.reason) for paper in voided] == [(filed.document, "原件有误(合成)")]
    with Session(world.services.engine) as session:
        newest = newest_formality(session, project, "implementation_plan")
        assert newest is not None
        assert (newest.id, newest.ordinal, newest.document_id) == (renewed.id, 2, renewed.document)
        assert completed_formalities(session, project) == {"implementation_plan"}
    world.refused("decision.unknown_formality", "decision.record_formality", **call, **(one | {"code": "nothing"}))


def test_a_reason_with_a_personal_number_is_refused(world: World, project: str) -> None:
    """SYS-PERSONAL-DATA: reasons are kept in clear and read by everybody inside."""
    paper = world.upload("合成手续".encode(), name="合成手续.txt", media_type="text/plain").model_dump()
    money = {"year": 2016, "channel": "local_budget", "amount": "1.00"}
    auditor = {"name": "合成事务所", "uscc": "52420200MJH000000Y"}
    given: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (OFFICE, "decision.modify", {"project": project, "changes": {"name": "改名后的合成项目"}}),
        (OFFICE, "decision.void_number", {"project": project}),
        (OFFICE, "decision.record_formality", {"project": project, "code": "x", "reference": "1号", "paper": paper}),
        (OFFICE, "application.withdraw", {"project": project}),
        (BUREAU, "funding.cancel_line", {"plan_line": "pln-1"}),
        ("donor:u-donor", "funding.withdraw_consent", {"donation": "don-1", "notice": paper}),
        (BUREAU, "funding.return_money", {"project": project, **money}),
        ("purchaser:u-buyer", "contract.terminate", {"contract": "con-1"}),
        ("purchaser:u-buyer", "procurement.cancel", {"procurement": "prc-1"}),
        (FINANCE, "procurement.approve_method_change", {"procurement": "p", "method": "x", "documents_lawful": True}),
        (FINANCE, "procurement.approve_exemption", {"procurement": "p", "method": "x", "number": "1号"}),
        (BUREAU, "monitoring.list_key", {"project": project}),
        (BUREAU, "monitoring.unlist_key", {"entry": "key-1"}),
        (BUREAU, "evaluation.omit_third_party", {"project": project, "phase": "midterm"}),
        (BUREAU, "acceptance.order_audit", {"project": project, "auditor": auditor, "qualification": "合成资质"}),
    )
    for account, name, more in given:
        call: dict[str, Any] = {"as_": account, "on": DECIDED_ON, "reason": "当事人电话13912345678"}
        world.refused("kernel.reason_names_person", name, **call, **more)


def test_a_modification_is_read_with_what_it_changed_and_numbers_blotted_out(world: World, project: str) -> None:
    """Before and after, why, what it voided: in the record of the decision and in the bundle of the archive."""
    changes = {"content": {"goals": "服务五百人，联系13912345678。"}}
    call: dict[str, Any] = {"as_": OFFICE, "on": DECIDED_ON, "project": project, "reason": "合成变更理由"}
    done = world.do("decision.modify", **call, changes=changes)

    one = world.ask("decision.record", project=project).modifications[0]

    assert (one.id, one.reason, one.kinds, one.voided) == (done.id, "合成变更理由", ("content",), done.voided)
    assert one.diff["content"]["goals"] == [plan_book()["goals"], "服务五百人，联系＊＊＊＊＊＊＊＊＊＊＊。"]
    with Session(world.services.engine) as session:
        kept = project_record(session, session.get_one(Project, project))
    assert kept.modifications == (one,)
