"""Monitoring through the door: six lines, their findings, their speakers, and what is still missing."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from models.tables.kernel import Document, Event, WorkItem
from models.tables.monitoring import Supervision
from tests.support.delivering import FINDINGS, supervise, third_party
from tests.support.papers import words_of
from tests.support.planning import OFFICE
from tests.support.purchases import FINANCE, PURCHASER

INSPECTED_ON = date(2016, 12, 1)


def test_six_lines_cover_the_contract(running: Any) -> None:
    """HS-29: each line counts its records; none is missing at the end."""
    lines = list(FINDINGS)
    for number, line in enumerate(lines, start=1):
        supervise(running.world, running.bought.project, line)
        found = running.world.ask("monitoring.coverage", project=running.bought.project)
        assert found.missing == tuple(lines[number:])

    assert found.complete
    assert found.lines["purchaser"].name == "项目主体单位监管"
    assert (found.fund_checks, found.fund_checks_min) == (1, 1)
    assert found.phases == {"initiation": 0, "implementation": 6, "acceptance": 0}


def test_a_third_party_evaluation_covers_the_third_party_line(running: Any) -> None:
    third_party(running.world, running.bought.project, "mid", on=INSPECTED_ON)

    found = running.world.ask("monitoring.coverage", project=running.bought.project)

    assert found.lines["third_party"].records == 1


def test_a_record_leaves_row_paper_and_event(running: Any) -> None:
    supervise(running.world, running.bought.project, "finance")

    with Session(running.world.services.engine) as session:
        (row,) = session.exec(select(Supervision)).all()
        document = session.get_one(Document, row.document_id)
        events = session.exec(select(Event).where(col(Event.type) == "monitoring.supervised")).all()
    assert (document.kind, document.stage, document.media_type) == (
        "supervision_record",
        "monitoring",
        "application/pdf",
    )
    assert events[0].payload["findings"] == ["budget_execution", "pace", "regularity"]
    assert "规范" not in str(events[0].payload)


def arguments(running: Any, line: str, **changes: Any) -> dict[str, Any]:
    _, method, findings = FINDINGS[line]
    given = {"project": running.bought.project, "line": line, "method": method, "findings": findings}
    return {"on": INSPECTED_ON, **given, **changes}


def test_what_a_line_must_find_is_asked_for(running: Any) -> None:
    for line, rule in (("finance", "HS-34"), ("recipient", "HS-39"), ("community", "HS-40")):
        speaker, _, findings = FINDINGS[line]
        lacking = dict(list(findings.items())[1:])
        running.world.refused(
            rule, "monitoring.record_supervision", as_=speaker, **arguments(running, line, findings=lacking)
        )


def test_nobody_speaks_on_anothers_line(running: Any) -> None:
    running.world.refused(
        "SYS-LINE-ROLE", "monitoring.record_supervision", as_=FINANCE, **arguments(running, "community")
    )
    running.world.refused(
        "SYS-ROLE", "monitoring.record_supervision", as_="contractor:u-1", **arguments(running, "purchaser")
    )


def test_the_office_files_a_paper_record_with_a_note(running: Any) -> None:
    running.world.refused(
        "SYS-ON-BEHALF", "monitoring.record_supervision", as_=OFFICE, **arguments(running, "community")
    )

    found = running.world.do(
        "monitoring.record_supervision",
        as_=OFFICE,
        **arguments(running, "community", on_behalf="社区干部评议表,纸质,代录"),
    )

    assert "community" not in found.missing


def test_a_finding_code_is_no_free_text(running: Any) -> None:
    running.world.refused(
        "SYS-ARGUMENTS",
        "monitoring.record_supervision",
        as_=FINANCE,
        **arguments(running, "finance", findings={"张三说": "很好"}),
    )


def test_a_finding_nobody_named_is_refused_with_those_there_are(running: Any) -> None:
    fault = running.world.refused(
        "SYS-CODE-LIST",
        "monitoring.record_supervision",
        as_=PURCHASER,
        **arguments(running, "purchaser", findings={"fund": "专款专用"}),
    )

    assert fault.code == "monitoring.finding_unknown"
    assert "funds(项目资金)" in fault.way_out
    assert "satisfaction(满意度)" in fault.way_out


def test_a_record_prints_its_findings_by_name_and_is_signed_by_the_body(running: Any) -> None:
    for line, issuer in (("finance", "湖北省黄石市财政局"), ("purchaser", "合成社会救助局")):
        speaker, _, findings = FINDINGS[line]
        running.world.do("monitoring.record_supervision", as_=speaker, **arguments(running, line))

        with Session(running.world.services.engine) as session:
            record = session.exec(select(Supervision).where(col(Supervision.line) == line)).one()
            document = session.get_one(Document, record.document_id)
        printed = words_of(running.world, document.sha256)
        assert document.issuer == issuer
        assert issuer in printed
        assert not [code for code in findings if code in printed]
        assert ("拨付进度是否合理：与进展相符" if line == "finance" else "项目资金：专款专用") in printed


def test_an_unknown_project_is_named(running: Any) -> None:
    running.world.refused(
        "SYS-NOT-FOUND",
        "monitoring.record_supervision",
        as_=FINANCE,
        **arguments(running, "finance", project="prj-nowhere"),
    )


def test_the_purchaser_owes_routine_supervision_and_experts_speak(running: Any) -> None:
    """HS-30, HS-38: the purchaser's own record closes what is due; an expert's advice is on record beside it."""
    opened = running.world.do("monitoring.open_due", as_="system:u-flow", on=date(2016, 7, 1)).opened

    supervise(running.world, running.bought.project, "expert")
    before = _owed(running)
    supervise(running.world, running.bought.project, "purchaser")

    assert (opened, before, _owed(running)) == (1, [("HS-30", "open")], [("HS-30", "done")])


def _owed(running: Any) -> list[tuple[str, str]]:
    with Session(running.world.services.engine) as session:
        found = session.exec(select(WorkItem).where(col(WorkItem.kind) == "monitoring.scheduled")).all()
        return [(one.clause, one.status) for one in found]
