"""Applications through the door: inline plan books and uploaded forms pass the same gate and the same rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.money import Money
from models.core.uploads import Upload
from models.ports import Zone
from models.tables.application import Application, ApplicationBudgetLine, ApplicationTeamMember
from models.tables.kernel import Document, Event, WorkItem
from reports.application_form import DESIGN_POINTS, FUND_SOURCES, MEDIA_TYPE, TEAM_ROLES, application_form_file
from tests.support.guides import settle, zunyi_project
from tests.support.planning import BUREAU, ENTERED_ON, OFFICE, entered, plan_book, submitted
from tests.support.world import World, open_world

CALL: dict[str, Any] = {"as_": BUREAU, "on": ENTERED_ON}


@pytest.fixture
def zunyi(tmp_path: Path) -> Iterator[World]:
    world = open_world(tmp_path, region="520300")
    yield world
    world.services.engine.dispose()


def _form(world: World, **changes: Any) -> Upload:
    form: dict[str, Any] = {
        "project_name": "社会救助对象服务项目(合成)",
        "applicant": "合成社会服务中心",
        "credit_code": "52420200MJH000000Y",
        "background": "背景",
        "concept": "设想",
        "goals": "目标",
        "plan": "方案",
        "expected_effect": "效果",
        "total": "680000.00",
        "budget": [
            {"category": "人员费用", "source": "本级财政", "amount": "500000.00"},
            {"category": "活动费用", "source": "社会捐赠", "amount": "180000.00"},
        ],
        "team": [
            {"role": "项目负责人", "person_name": "合成甲"},
            {"role": "执行人员", "person_name": "合成乙"},
            {"role": "责任人员", "person_name": "合成丙"},
        ],
    } | changes
    return world.upload(application_form_file(form=form), name="申报书.xlsx", media_type=MEDIA_TYPE)


def _state(world: World, project: str) -> str:
    return str(world.ask("project.status", project=project).state)


def test_plan_book_is_submitted_with_its_sum_team_and_document(world: World) -> None:
    project = entered(world)

    result = world.do("application.submit", **CALL, project=project, plan_book=plan_book())

    assert (result.revision, result.total, result.state) == (1, Money.yuan("680000.00"), "project.submitted")
    with Session(world.services.engine) as session:
        lines = session.exec(select(ApplicationBudgetLine)).all()
        team = session.exec(select(ApplicationTeamMember).order_by(col(ApplicationTeamMember.ordinal))).all()
        document = session.get_one(Document, result.document)
    assert sorted(line.amount_fen for line in lines) == [18_000_000, 50_000_000]
    assert [world.services.vault.open(member.name_sealed) for member in team] == ["合成甲", "合成乙", "合成丙"]
    assert (document.kind, document.stage, document.project_id) == ("plan_book", "application", project)
    filed = json.loads(world.services.documents.get(zone=Zone.DOCUMENTS, sha256=document.sha256))
    assert filed["plan"] == "摸底、筛选、服务、评估。"


def test_the_filed_plan_book_names_nobody_and_holds_no_phone(world: World) -> None:
    """What is filed goes into the archive bundle as it is: names as the public reads them."""
    result = world.do("application.submit", **CALL, project=entered(world), plan_book=plan_book())

    with Session(world.services.engine) as session:
        document = session.get_one(Document, result.document)
    text = world.services.documents.get(zone=Zone.DOCUMENTS, sha256=document.sha256).decode()
    assert [member["person_name"] for member in json.loads(text)["team"]] == ["合*"] * 3
    for clear in ("合成甲", "合成乙", "合成丙", "13800000000", "138****0000", "phone"):
        assert clear not in text


def test_team_is_sealed_in_tables_and_absent_from_events(world: World) -> None:
    submitted(world)

    with Session(world.services.engine) as session:
        rows = [*session.exec(select(ApplicationTeamMember)).all(), *session.exec(select(Application)).all()]
        stored = json.dumps([row.model_dump(mode="json") for row in rows], ensure_ascii=False)
        payloads = json.dumps([event.payload for event in session.exec(select(Event)).all()], ensure_ascii=False)
    for secret in ("合成甲", "13800000000"):
        assert secret not in stored
        assert secret not in payloads


def test_uploaded_form_is_submitted_by_channel(world: World) -> None:
    project = entered(world)

    world.do("application.submit", **CALL, project=project, form=_form(world).model_dump())

    record = world.ask("application.record", as_=BUREAU, project=project)
    assert [(line.channel, line.amount) for line in record.budget] == [
        ("local_budget", Money.yuan("500000.00")),
        ("donation", Money.yuan("180000.00")),
    ]
    assert record.parts["goals"] == "目标"
    assert [member.name for member in world.ask("application.record", as_="expert:e", project=project).team] == [
        "合*"
    ] * 3


def test_a_template_filled_in_is_the_same_application_as_the_plan_book_inline(world: World) -> None:
    """Whichever way an applicant takes, the office sees the same: parts, dates, budget, team and design."""
    inline, uploaded = entered(world), entered(world, name="社会救助对象服务项目(合成)二")
    design = {"coverage": "全市四县区", "mechanism": "按月服务、按季小结"}
    book = plan_book() | {"starts_on": "2016-05-01", "ends_on": "2017-04-30"}
    world.do("application.submit", **CALL, project=inline, plan_book=book, design=design)
    labels = {choice.code: choice.label for choice in (*FUND_SOURCES, *TEAM_ROLES, *DESIGN_POINTS)}
    form: dict[str, Any] = {
        key: book[key] for key in ("applicant", "background", "concept", "goals", "expected_effect", "total")
    } | {
        "credit_code": book.get("credit_code", ""),
        "plan": book["steps"],
        "starts_on": "2016-05-01",
        "ends_on": "2017年4月30日",
        "budget": [
            {"category": line["category"], "source": labels[line["channel"]], "amount": str(line["amount"])}
            for line in book["budget"]
        ],
        "team": [
            {
                "role": labels[member["role"]],
                "person_name": member["name"],
                "qualification": member.get("qualification", ""),
                "phone": member.get("contact", ""),
            }
            for member in book["team"]
        ],
        "design": [{"point": labels[point], "text": text} for point, text in design.items()],
    }

    world.do("application.submit", **CALL, project=uploaded, form=_form(world, **form).model_dump())

    one, other = (
        world.ask("application.record", as_=BUREAU, project=project).model_dump(exclude={"id", "project", "document"})
        for project in (inline, uploaded)
    )
    assert one["design"] == design
    assert one == other


def test_a_form_with_a_design_point_the_region_does_not_ask_for_is_refused(world: World) -> None:
    project = entered(world)
    upload = _form(world, design=[{"point": "服务项目", "text": "助餐"}])

    refusal = world.refused(
        "application.design_unknown", "application.submit", **CALL, project=project, form=upload.model_dump()
    )

    assert refusal.facts["codes"] == "service_items"


def test_form_with_wrong_cells_is_quarantined_and_the_project_stays(world: World) -> None:
    project = entered(world)
    upload = _form(world, total="1.00", credit_code="123")

    fault = world.refused(
        "application.form_rejected", "application.submit", **CALL, project=project, form=upload.model_dump()
    )

    assert {detail.column for detail in fault.details} == {"预算总额(元)", "统一社会信用代码"}
    assert world.services.documents.exists(zone=Zone.QUARANTINE, sha256=upload.sha256)
    assert _state(world, project) == "project.in_library"
    with Session(world.services.engine) as session:
        event = session.exec(select(Event).where(col(Event.type) == "application.application_form_quarantined")).one()
    assert (event.stream_id, event.payload["faults"]) == (project, 2)


def test_plan_book_passes_the_same_gate(world: World) -> None:
    project = entered(world)

    fault = world.refused(
        "SYS-GATE", "application.submit", **CALL, project=project, plan_book=plan_book(credit_code="123")
    )

    assert [detail.field for detail in fault.details] == ["credit_code"]
    assert _state(world, project) == "project.in_library"


@pytest.mark.parametrize("part", ["background", "concept", "goals", "steps", "budget"])
def test_plan_book_without_a_part_is_refused(world: World, part: str) -> None:
    """HS-01: the five parts of Huangshi's plan book."""
    project = entered(world)
    empty: Any = [] if part == "budget" else ""

    world.refused(
        "HS-01", "application.submit", **CALL, project=project, plan_book=plan_book(total=None) | {part: empty}
    )


def test_zunyi_refuses_a_team_without_accountable_person(zunyi: World) -> None:
    on = date(2025, 3, 3)
    settle(zunyi, on=on)
    project = zunyi_project(zunyi, on=on)
    team = plan_book()["team"][:2]

    zunyi.refused("ZY-17", "application.submit", as_=BUREAU, on=on, project=project, plan_book=plan_book(team=team))


def test_zunyi_refuses_a_form_without_expected_effect(zunyi: World) -> None:
    on = date(2025, 3, 3)
    settle(zunyi, on=on)
    project = zunyi_project(zunyi, on=on)
    book = plan_book(expected_effect="")

    zunyi.refused("ZY-18", "application.submit", as_=BUREAU, on=on, project=project, plan_book=book)


def test_total_must_be_the_sum_of_the_lines(world: World) -> None:
    project = entered(world)
    book = plan_book(total="680000.01")

    world.refused("application.total_differs", "application.submit", **CALL, project=project, plan_book=book)


def test_exactly_one_of_plan_book_and_form(world: World) -> None:
    project = entered(world)
    both = {"plan_book": plan_book(), "form": _form(world).model_dump()}

    world.refused("application.one_of", "application.submit", **CALL, project=project)
    world.refused("application.one_of", "application.submit", **CALL, project=project, **both)


def test_office_does_not_submit_what_it_receives(world: World) -> None:
    project = entered(world)

    world.refused("SYS-ROLE", "application.submit", as_=OFFICE, on=ENTERED_ON, project=project, plan_book=plan_book())


def test_returned_application_comes_back_as_the_next_revision(world: World) -> None:
    project = submitted(world)

    returned = world.do(
        "application.return_for_correction", as_=OFFICE, on=date(2016, 1, 6), project=project, gaps=("预算缺明细",)
    )
    assert returned.state == "project.returned"
    assert world.ask("application.record", project=project).gaps == ("预算缺明细",)
    again = world.do("application.submit", as_=BUREAU, on=date(2016, 1, 11), project=project, plan_book=plan_book())

    assert (again.revision, again.state) == (2, "project.submitted")
    assert world.ask("application.record", project=project).gaps == ()


def test_returning_without_gaps_is_refused(world: World) -> None:
    project = submitted(world)

    world.refused(
        "application.gaps_missing",
        "application.return_for_correction",
        as_=OFFICE,
        on=ENTERED_ON,
        project=project,
        gaps=(),
    )


def test_submission_puts_the_office_on_the_clock_until_it_acts(world: World) -> None:
    """ZY-16: twenty working days after Monday 4 January 2016, that day not counted."""
    project = submitted(world)

    with Session(world.services.engine) as session:
        item = session.exec(select(WorkItem).where(col(WorkItem.kind) == "application.appraisal")).one()
        assert (item.role, item.due_on, item.status) == ("evaluation_office", date(2016, 2, 1), "open")
    world.do("application.return_for_correction", as_=OFFICE, on=date(2016, 1, 6), project=project, gaps=("补材料",))

    with Session(world.services.engine) as session:
        assert session.exec(select(WorkItem.status)).all() == ["done"]


def test_withdrawn_project_keeps_its_reason_and_takes_no_application(world: World) -> None:
    project = submitted(world)

    moved = world.do("application.withdraw", **CALL, project=project, reason="资金另有安排")

    assert moved.state == "project.withdrawn"
    with Session(world.services.engine) as session:
        event = session.exec(select(Event).where(col(Event.type) == "project.withdrawn")).one()
    assert "资金" not in json.dumps(event.payload, ensure_ascii=False)
    world.refused("SYS-STATE", "application.submit", **CALL, project=project, plan_book=plan_book())


def test_only_the_account_that_applied_or_an_office_withdraws_or_replaces(world: World) -> None:
    project, other = entered(world), submitted(world, name="另一合成项目")
    own, rival = "contractor:u-own", "contractor:u-rival"
    world.do("application.submit", as_=own, on=ENTERED_ON, project=project, plan_book=plan_book())
    given: dict[str, Any] = {"on": ENTERED_ON, "reason": "资金另有安排"}

    for account in (rival, "purchaser:u-own"):
        world.refused("application.not_yours", "application.withdraw", as_=account, project=project, **given)
        book = plan_book()
        world.refused(
            "application.not_yours", "application.supersede", as_=account, project=project, plan_book=book, **given
        )
    world.refused("application.not_yours", "application.withdraw", as_=own, project=other, **given)

    world.do("application.supersede", as_=own, project=project, plan_book=plan_book(goals="新目标(合成)。"), **given)
    assert world.do("application.withdraw", as_=own, project=project, **given).state == "project.withdrawn"
    assert world.do("application.withdraw", as_=OFFICE, project=other, **given).state == "project.withdrawn"


def test_only_the_account_that_applied_or_an_office_corrects_and_attaches(world: World) -> None:
    project = entered(world)
    own, rival = "contractor:u-own", "contractor:u-rival"
    paper = world.upload("合成资质".encode(), name="合成资质.txt", media_type="text/plain").model_dump()
    given: dict[str, Any] = {"on": ENTERED_ON, "project": project}
    attached: dict[str, Any] = {"kind": "qualification", "file": paper, **given}
    world.do("application.submit", as_=own, **given, plan_book=plan_book())
    world.do("application.return_for_correction", as_=OFFICE, **given, gaps=["预期效果不具体(合成)"])

    for account in (rival, "purchaser:u-own"):
        fault = world.refused(
            "application.not_yours", "application.submit", as_=account, **given, plan_book=plan_book()
        )
        world.refused("application.not_yours", "application.attach", as_=account, **attached)
    assert "原申报账号" in fault.way_out

    world.do("application.attach", as_=own, **attached)
    assert world.do("application.submit", as_=own, **given, plan_book=plan_book()).revision == 2


def test_same_submission_twice_is_refused_by_state(world: World) -> None:
    project = submitted(world)

    world.refused("SYS-STATE", "application.submit", **CALL, project=project, plan_book=plan_book())

    with Session(world.services.engine) as session:
        assert len(session.exec(select(Application)).all()) == 1
