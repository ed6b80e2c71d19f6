"""Audit filing: one hand-over list for each body, and no closing before both receipts are on file (ZY-31)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from models.ports import Zone
from models.tables.kernel import Document, Event, WorkItem
from tests.models.commands.finished import EVALUATED_ON, audited_project, evaluated_project
from tests.support.world import World, open_world

FILED_ON = date(2017, 7, 3)
RECEIVED_ON = date(2017, 7, 10)
BODIES = ("audit_body", "discipline_supervision")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return open_world(tmp_path)


@pytest.fixture
def filed(world: World) -> str:
    project = evaluated_project(world)
    world.do("audit.prepare_filing", as_="system:scheduler", on=FILED_ON, project=project)
    return project


def receipt(body: str, **changed: object) -> dict[str, object]:
    return {"body": body, "receipt_no": "合成审备〔2017〕7号", "received_on": RECEIVED_ON, **changed}


def work_items(world: World, project: str, kind: str) -> list[WorkItem]:
    with Session(world.services.engine) as session:
        statement = select(WorkItem).where(col(WorkItem.project_id) == project, col(WorkItem.kind) == kind)
        return list(session.exec(statement.order_by(col(WorkItem.role))))


def events(world: World, project: str, type: str) -> list[Event]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(Event).where(col(Event.stream_id) == project, col(Event.type) == type)))


def state(world: World, project: str) -> str:
    answer: str = world.ask("project.status", project=project).states["project"][0]
    return answer


def test_filing_hands_a_list_of_all_documents_to_each_body(world: World) -> None:
    """Two papers under the template, one row and one work item a body, due by the policy's working days."""
    project = evaluated_project(world)
    due = world.services.calendar.add_working_days(EVALUATED_ON, days=20).date

    result = world.do("audit.prepare_filing", as_="system:scheduler", on=FILED_ON, project=project)

    filings = world.ask("audit.filings", as_="audit_body", project=project)
    with Session(world.services.engine) as session:
        papers = [session.get_one(Document, filing.document) for filing in filings]
    assert (set(result.bodies), result.items, result.due_on) == (set(BODIES), 13, due)
    assert [(filing.body, filing.items, filing.due_on) for filing in filings] == [(body, 13, due) for body in BODIES]
    assert {paper.kind for paper in papers} == {"audit_handover"}
    assert len({paper.sha256 for paper in papers}) == 2
    assert all(
        world.services.documents.get(zone=Zone(paper.zone), sha256=paper.sha256)[:5] == b"%PDF-" for paper in papers
    )
    items = work_items(world, project, "audit.record_receipt")
    assert [(item.role, item.due_on, item.status) for item in items] == [(body, due, "open") for body in BODIES]
    assert state(world, project) == "evaluated"


def test_filing_is_due_from_the_evaluation_however_late_the_sweep_runs(world: World) -> None:
    project = evaluated_project(world)

    result = world.do("audit.prepare_filing", as_="system", on=date(2017, 9, 1), project=project)

    assert result.due_on == world.services.calendar.add_working_days(EVALUATED_ON, days=20).date


def test_sweep_finds_an_evaluated_project_once(world: World) -> None:
    project = evaluated_project(world)
    before = world.ask("audit.projects_without_filing", as_="system")

    world.do("audit.prepare_filing", as_="system", on=FILED_ON, project=project)

    assert before == (project,)
    assert world.ask("audit.projects_without_filing", as_="system") == ()


def test_second_filing_is_refused_and_leaves_one(world: World, filed: str) -> None:
    world.refused("audit.already_prepared", "audit.prepare_filing", as_="system", on=FILED_ON, project=filed)

    assert len(world.ask("audit.filings", project=filed)) == 2
    assert len(events(world, filed, "audit.filing_prepared")) == 1


def test_filing_is_refused_before_the_evaluation(world: World) -> None:
    project = world.do(
        "library.enter_project",
        as_="evaluation_office",
        on=date(2016, 1, 4),
        name="合成项目",
        needs=("srv-1",),
        policies=("合成政策",),
    ).id

    world.refused("SYS-STATE", "audit.prepare_filing", as_="system", on=FILED_ON, project=project)


def test_one_receipt_leaves_the_project_evaluated(world: World, filed: str) -> None:
    result = world.do("audit.record_receipt", as_="audit_body", on=RECEIVED_ON, project=filed, **receipt("audit_body"))

    assert result.missing == ("discipline_supervision",)
    assert state(world, filed) == "evaluated"
    assert len(events(world, filed, "audit.receipt_recorded")) == 1
    assert [item.status for item in work_items(world, filed, "audit.record_receipt")] == ["done", "open"]
    fault = world.refused("audit.receipt_missing", "archive.close_project", as_="system", on=RECEIVED_ON, project=filed)
    assert "纪委" in fault.message
    assert "审计部门" not in fault.message


def test_second_receipt_moves_the_project_and_asks_for_its_archiving(world: World) -> None:
    project = audited_project(world, on=RECEIVED_ON)

    due = world.services.calendar.add_working_days(RECEIVED_ON, days=20).date
    assert state(world, project) == "audited"
    assert len(events(world, project, "audit.receipt_recorded")) == 2
    assert len(events(world, project, "project.audited")) == 1
    assert [(item.due_on, item.status) for item in work_items(world, project, "archive.close_project")] == [
        (due, "open")
    ]
    assert world.ask("archive.projects_to_close", as_="system") == (project,)


def test_same_receipt_twice_is_refused(world: World, filed: str) -> None:
    """Twice is once: also when the body and the office both record it."""
    world.do("audit.record_receipt", as_="audit_body", on=RECEIVED_ON, project=filed, **receipt("audit_body"))

    for role in ("audit_body", "evaluation_office"):
        world.refused(
            "audit.receipt_recorded_already",
            "audit.record_receipt",
            as_=role,
            on=RECEIVED_ON,
            project=filed,
            **receipt("audit_body"),
        )

    assert state(world, filed) == "evaluated"
    assert len(events(world, filed, "audit.receipt_recorded")) == 1


def test_a_body_records_no_receipt_of_another(world: World, filed: str) -> None:
    world.refused(
        "audit.not_the_body",
        "audit.record_receipt",
        as_="discipline_supervision",
        on=RECEIVED_ON,
        project=filed,
        **receipt("audit_body"),
    )


def test_office_records_receipts_on_behalf_with_the_scan(world: World, filed: str) -> None:
    scan = world.upload(b"%PDF-1.7 \xe5\x90\x88\xe6\x88\x90", name="回执.pdf", media_type="application/pdf")

    for body in BODIES:
        world.do(
            "audit.record_receipt",
            as_="evaluation_office",
            on=RECEIVED_ON,
            project=filed,
            **receipt(body, file=scan),
        )

    assert state(world, filed) == "audited"
    with Session(world.services.engine) as session:
        scans = session.exec(select(Document).where(col(Document.kind) == "audit_receipt")).all()
    assert {row.sha256 for row in scans} == {scan.sha256}
    assert len(scans) == 2


@pytest.mark.parametrize("day", [date(2017, 7, 2), date(2017, 7, 11)])
def test_receipt_dated_before_the_filing_or_after_today_is_refused(world: World, filed: str, day: date) -> None:
    world.refused(
        "audit.receipt_date",
        "audit.record_receipt",
        as_="audit_body",
        on=RECEIVED_ON,
        project=filed,
        **receipt("audit_body", received_on=day),
    )


def test_receipt_without_filing_or_from_an_unknown_body_is_refused(world: World) -> None:
    project = evaluated_project(world)

    for expected, role, body in (
        ("audit.not_prepared", "audit_body", "audit_body"),
        ("audit.unknown_body", "evaluation_office", "finance_bureau"),
    ):
        world.refused(expected, "audit.record_receipt", as_=role, on=RECEIVED_ON, project=project, **receipt(body))


def test_receipt_whose_scan_is_not_in_the_store_is_a_fault(world: World, filed: str) -> None:
    lost = {"name": "回执.pdf", "media_type": "application/pdf", "sha256": "a" * 64, "size": 3}

    world.refused(
        "storage.missing",
        "audit.record_receipt",
        as_="audit_body",
        on=RECEIVED_ON,
        project=filed,
        **receipt("audit_body", file=lost),
    )

    assert events(world, filed, "audit.receipt_recorded") == []


def test_receipts_are_a_gate_of_the_seed_in_its_own_region(tmp_path: Path) -> None:
    """In 520300 the refusal names ZY-31 itself."""
    world = open_world(tmp_path, region="520300")
    project = evaluated_project(world)

    world.refused("ZY-31", "archive.close_project", as_="system", on=RECEIVED_ON, project=project)
