"""The needs survey through the door: the real gate, real tables, made-up people."""

from __future__ import annotations

import io
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands.intake import MOST_DETAILS
from models.core.errors import DataFault
from models.ports import Zone
from models.tables.kernel import Attempt, Document, Event
from models.tables.needs import HouseholdFile, LedgerImport, Person, Selection
from tests.support.planning import (
    BUREAU,
    ENTERED_ON,
    entered,
    ledger_upload,
    open_survey,
    surveyed,
    synthetic_people,
)
from tests.support.world import World, open_world

CALL: dict[str, Any] = {"as_": BUREAU, "on": ENTERED_ON}


def _count(world: World, table: type[Any]) -> int:
    with Session(world.services.engine) as session:
        return int(session.exec(select(func.count()).select_from(table)).one())


def _events(world: World, kind: str) -> list[Event]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(Event).where(col(Event.type) == kind)).all())


def test_survey_of_two_classes_is_refused_by_the_full_survey_rule(world: World) -> None:
    world.refused("HS-03", "needs.open_survey", **CALL, title="摸底调查", classes=("URBAN_DIBAO",), scope="城区")

    assert _count(world, Attempt) == 1


def test_ledger_that_passes_becomes_one_row_a_person(world: World) -> None:
    rows = synthetic_people()
    survey = open_survey(world)
    upload = ledger_upload(world, rows)

    imported = world.do("needs.import_ledger", **CALL, survey=survey, file=upload.model_dump())

    assert (imported.people, imported.households) == (1_000, len({row["household_no"] for row in rows}))
    event = _events(world, "needs.ledger_imported")[0]
    assert (event.stream_kind, event.stream_id) == ("survey", survey)
    assert event.payload["sha256"] == upload.sha256
    assert event.payload["people"] == 1_000
    assert world.services.documents.exists(zone=Zone.DOCUMENTS, sha256=event.payload["report_sha256"])


def test_names_and_numbers_are_nowhere_in_clear(world: World) -> None:
    rows = synthetic_people(people=100)
    surveyed(world, rows=rows)

    with Session(world.services.engine) as session:
        people = session.exec(select(Person)).all()
        stored = json.dumps([person.model_dump(mode="json") for person in people], ensure_ascii=False)
        events = json.dumps([event.payload for event in session.exec(select(Event)).all()], ensure_ascii=False)
    for row in rows[:20]:
        for secret in (str(row["person_name"]), str(row["id_number"])):
            assert secret not in stored
            assert secret not in events


def test_summary_counts_what_the_ledger_says(world: World) -> None:
    rows = synthetic_people()
    survey = surveyed(world, rows=rows)

    summary = world.ask("needs.summary", survey=survey)

    assert (summary.people, summary.minors, summary.elderly) == (1_000, 260, 300)
    assert (summary.disabled, summary.severely_ill) == (260, 200)
    assert summary.elderly_alone >= 140
    assert sum(summary.by_identity.values()) == 1_000
    assert summary.by_age_band == {"adult": 440, "elderly": 300, "minor": 260}
    assert summary.synthetic


def test_same_file_twice_never_doubles_a_row(world: World) -> None:
    rows = synthetic_people(people=50)
    survey = surveyed(world, rows=rows)

    fault = world.refused(
        "needs.already_imported",
        "needs.import_ledger",
        **CALL,
        survey=survey,
        file=ledger_upload(world, rows).model_dump(),
    )

    assert fault.family == "conflict"
    assert (_count(world, Person), _count(world, LedgerImport)) == (50, 1)


def test_person_of_an_earlier_file_is_found_and_the_file_kept_apart(world: World) -> None:
    rows = synthetic_people(people=60)
    survey = surveyed(world, rows=rows[:40])
    overlapping = ledger_upload(world, rows[38:])

    fault = world.refused("SYS-GATE", "needs.import_ledger", **CALL, survey=survey, file=overlapping.model_dump())

    assert fault.code == "needs.ledger_rejected"
    assert [detail.rule for detail in fault.details] == ["HS-04", "HS-04"]
    assert _count(world, Person) == 40


def test_second_file_of_other_people_is_added(world: World) -> None:
    rows = synthetic_people(people=60)
    survey = surveyed(world, rows=rows[:40])

    world.do("needs.import_ledger", **CALL, survey=survey, file=ledger_upload(world, rows[40:]).model_dump())

    assert world.ask("needs.summary", survey=survey).people == 60


def test_failing_ledger_is_quarantined_and_moves_nothing(world: World) -> None:
    rows = synthetic_people(people=300)
    for row in rows[:250]:
        row["assessor"] = None
    survey = open_survey(world)
    upload = ledger_upload(world, rows)

    fault = world.refused(
        "needs.ledger_rejected", "needs.import_ledger", **CALL, survey=survey, file=upload.model_dump()
    )

    assert isinstance(fault, DataFault)
    assert (len(fault.details), fault.facts["total"]) == (MOST_DETAILS, 250)
    first = fault.details[0]
    assert (first.sheet, first.row, first.column, first.value_class) == ("需求台账", 4, "评估人", "空")
    assert world.services.documents.get(zone=Zone.QUARANTINE, sha256=upload.sha256)
    event = _events(world, "needs.needs_ledger_quarantined")[0]
    assert (event.stream_id, event.payload["faults"], event.payload["rows"]) == (survey, 250, 300)
    assert world.services.documents.exists(zone=Zone.DOCUMENTS, sha256=event.payload["report_sha256"])
    assert (_count(world, Person), _count(world, LedgerImport)) == (0, 0)
    with Session(world.services.engine) as session:
        kinds = session.exec(select(Document.kind).order_by(col(Document.kind))).all()
    assert list(kinds) == ["gate_report", "quarantined_file"]


def test_file_nobody_can_read_is_kept_too(world: World) -> None:
    survey = open_survey(world)
    upload = world.upload(b"not a workbook", name="x.xlsx", media_type="text/plain")

    world.refused("gate.unreadable", "needs.import_ledger", **CALL, survey=survey, file=upload.model_dump())

    assert world.services.documents.exists(zone=Zone.QUARANTINE, sha256=upload.sha256)
    assert len(_events(world, "needs.needs_ledger_quarantined")) == 1


def test_person_of_a_class_that_is_not_surveyed_is_a_fault(world: World) -> None:
    rows = synthetic_people(people=20)
    rows[3]["identity"] = "ANTI_RETURN"
    survey = open_survey(world)

    fault = world.refused(
        "needs.ledger_rejected",
        "needs.import_ledger",
        **CALL,
        survey=survey,
        file=ledger_upload(world, rows).model_dump(),
    )

    assert [detail.rule for detail in fault.details] == ["HS-03"]
    assert "4" in (fault.details[0].field or "")


def test_each_household_gets_one_file_and_the_second_call_opens_none(world: World) -> None:
    rows = synthetic_people(people=200)
    survey = surveyed(world, rows=rows)
    households = len({row["household_no"] for row in rows})
    assert world.ask("needs.surveys_without_files") == (survey,)
    assert world.ask("needs.summary", survey=survey).service_files == 0

    first = world.do("needs.build_household_files", as_="system:scheduler", on=ENTERED_ON, survey=survey)
    second = world.do("needs.build_household_files", as_="system:scheduler", on=ENTERED_ON, survey=survey)

    assert (first.opened, first.files) == (households, households)
    assert (second.opened, second.files) == (0, households)
    assert _count(world, HouseholdFile) == households
    summary = world.ask("needs.summary", survey=survey)
    assert (summary.file_unit, summary.service_files) == ("household", households)  # HS-04
    assert len(_events(world, "needs.household_files_opened")) == 1
    assert world.ask("needs.surveys_without_files") == ()


def test_ledger_query_masks_numbers_for_bureaus_and_names_for_experts(world: World) -> None:
    rows = synthetic_people(people=30)
    survey = surveyed(world, rows=rows)

    inside = world.ask("needs.ledger", as_=BUREAU, survey=survey, limit=5)
    expert = world.ask("needs.ledger", as_="expert:u-expert", survey=survey, limit=5, offset=5)

    number = str(rows[0]["id_number"])
    assert inside[0].id_number == f"{number[:3]}***********{number[-4:]}"
    assert [row.ordinal for row in expert] == [6, 7, 8, 9, 10]
    assert {(row.name, row.id_number, row.phone) for row in expert} == {("合*", "", "")}


def test_selection_takes_four_hundred_distinct_people_and_can_be_repeated(world: World, tmp_path: Path) -> None:
    survey, project = surveyed(world), entered(world)
    other = open_world(tmp_path / "again")
    again_survey, again_project = surveyed(other), entered(other)

    picked = world.do("needs.select_recipients", **CALL, project=project, survey=survey, seed=20160115)
    again = other.do("needs.select_recipients", **CALL, project=again_project, survey=again_survey, seed="20160115")

    other.services.engine.dispose()
    assert (picked.people, picked.adjusted, picked.served_min) == (400, (), 400)
    assert set(picked.counts.values()) == {100}
    assert picked == again, "another database with other vault keys must draw the same people"
    with Session(world.services.engine) as session:
        people = session.exec(select(Selection.person_id)).all()
    assert len(set(people)) == 400


def test_selection_list_is_filed_masked_with_the_project(world: World) -> None:
    rows = synthetic_people()
    survey, project = surveyed(world, rows=rows), entered(world)

    picked = world.do("needs.select_recipients", **CALL, project=project, survey=survey, seed="s")

    with Session(world.services.engine) as session:
        document = session.get_one(Document, picked.document)
    assert (document.project_id, document.kind, document.synthetic_fields) == (
        project,
        "needs_ledger_xlsx",
        ["名单中的人员(合成)"],
    )
    assert world.services.documents.get(zone=Zone(document.zone), sha256=document.sha256)[:2] == b"PK"


def test_stratum_of_97_needs_an_adjustment_note(world: World) -> None:
    """A6: refused by HS-05 without a note, selected with one, and the note is on record."""
    rows = synthetic_people()
    alone = [row for row in rows if _is_elderly_alone(row)]
    for row in alone[97:]:
        row["willing"] = False
    for row in alone[:97]:
        row["willing"] = True
    survey, project = surveyed(world, rows=rows), entered(world)
    call: dict[str, Any] = {**CALL, "project": project, "survey": survey, "seed": "s"}

    world.refused("HS-05", "needs.select_recipients", **call)
    world.refused("HS-05", "needs.select_recipients", **call, adjustments={"elderly_alone": {"count": 97}})
    picked = world.do(
        "needs.select_recipients",
        **call,
        adjustments={"elderly_alone": {"count": 97, "reason": "三名对象已迁出城区"}},
    )

    assert (picked.people, picked.adjusted) == (397, ("elderly_alone",))
    assert picked.warnings == ("所选人数比服务目标（不少于400人）少3人，实施中须补足（HS-06）",)
    kept = world.ask("needs.selection", project=project)
    assert kept.adjustments == {"elderly_alone": {"count": 97, "stated": 100, "reason": "三名对象已迁出城区"}}
    payload = _events(world, "needs.recipients_selected")[0].payload
    assert (payload["counts"]["elderly_alone"], payload["below_target"]) == (97, 3)
    assert "迁出" not in json.dumps(payload, ensure_ascii=False)


def test_project_selects_its_recipients_once(world: World) -> None:
    survey, project = surveyed(world), entered(world)
    world.do("needs.select_recipients", **CALL, project=project, survey=survey, seed="s")

    world.refused("needs.already_selected", "needs.select_recipients", **CALL, project=project, survey=survey, seed="t")

    assert _count(world, Selection) == 400


def test_withdrawn_project_selects_nobody(world: World) -> None:
    survey, project = surveyed(world, rows=synthetic_people(people=10)), entered(world)
    world.do("application.withdraw", **CALL, project=project, reason="不再实施")

    world.refused("SYS-STATE", "needs.select_recipients", **CALL, project=project, survey=survey, seed="s")


def test_a_ledger_of_another_size_than_told_is_not_imported(world: World) -> None:
    survey = open_survey(world)
    file = ledger_upload(world, synthetic_people(people=1)).model_dump() | {"size": 1}

    fault = world.refused("intake.size_differs", "needs.import_ledger", **CALL, survey=survey, file=file)

    assert fault.family == "fault"


def test_dry_run_of_an_import_leaves_no_trace(world: World) -> None:
    survey = open_survey(world)
    upload = ledger_upload(world, synthetic_people(people=10))
    before = world.services.documents.writes  # type: ignore[attr-defined]  # of the fake store

    imported = world.do("needs.import_ledger", **CALL, survey=survey, file=upload.model_dump(), dry_run=True)

    assert imported.people == 10
    assert _count(world, Person) == 0
    assert world.services.documents.writes == before  # type: ignore[attr-defined]


def _is_elderly_alone(row: dict[str, object]) -> bool:
    born = row["birth_date"]
    assert isinstance(born, date)
    return bool(row["lives_alone"]) and born <= date(ENTERED_ON.year - 60, ENTERED_ON.month, ENTERED_ON.day)


def test_the_ledger_of_a_survey_is_issued_masked_and_only_when_somebody_is_in_it(world: World) -> None:
    """L01 lists every person once and no whole ID number; a survey without people has no ledger."""
    empty = open_survey(world, title="还没有人的调查")
    world.refused("SYS-EMPTY-LEDGER", "needs.issue_ledger", as_=BUREAU, on=ENTERED_ON, survey=empty)
    survey = surveyed(world)

    issued = world.do("needs.issue_ledger", as_=BUREAU, on=ENTERED_ON, survey=survey)

    data = world.services.documents.get(zone=Zone.DOCUMENTS, sha256=issued.sha256)
    book = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    texts = [str(cell) for row in book for cell in row]
    assert issued.people == world.ask("needs.summary", survey=survey).people
    assert len(book) == 3 + issued.people
    assert not any(re.fullmatch(r"\d{17}[\dX]", text) for text in texts)
