"""Duties on a real database: opened once for every unit, recorded with proof, called overdue when missing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import Session, col, select

from models.ports import Zone
from models.tables.kernel import Alert, Document, Event, WorkItem
from tests.support.world import World, copy_world, open_world
from tests.support.zunyi import CITY, COUNTIES, OFFICE, VILLAGES, minutes, registered

SYSTEM = "system:scheduler"
DAY = date(2025, 1, 2)


@pytest.fixture(scope="module")
def _zunyi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("zunyi"), region="520300")
    registered(made, on=date(2024, 12, 2), deep=True)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def zunyi(_zunyi: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(_zunyi, tmp_path)
    yield made
    made.services.engine.dispose()


def _record(world: World, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "as_": "county_government:u-c",
        "on": date(2025, 4, 9),
        "duty": "dispatch_half_yearly",
        "period": "2025H1",
        "unit": COUNTIES[0],
        "held_on": date(2025, 4, 8),
        "minutes": minutes(world),
        "participants": 12,
    }
    return given | changes


def test_every_unit_owes_its_duties_once(zunyi: World) -> None:
    """ZY-40: 1 row; ZY-41: 15 rows, the city and 14 counties; ZY-42: one for each unit of the four levels."""
    opened = [zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=months, theme="planning") for months in (1, 6, 12)]
    again = zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, theme="planning")

    assert [one.opened for one in opened] == [1, 15, 19]
    assert (again.opened, again.levels_without_units) == (0, 0)
    items = zunyi.ask("work.list")
    assert len(items) == 35
    assert {(item.kind, item.resolves_with) for item in items} == {("duty", "duty.record")}
    assert [item.due_on for item in items if item.subject.startswith("dispatch_half")] == [date(2025, 6, 30)] * 15


def test_a_level_without_units_is_said_aloud(tmp_path: Path) -> None:
    bare = open_world(tmp_path, region="520300")

    opened = bare.do("duty.open_due", as_=SYSTEM, on=DAY, theme="planning")

    assert (opened.opened, opened.levels_without_units) == (3, 4)
    assert bare.ask("duty.ledger", duty="dispatch_half_yearly").levels_without_units == ("dispatch_half_yearly/county",)
    bare.services.engine.dispose()


def test_months_without_a_scheduler_are_owed_afterwards(zunyi: World) -> None:
    zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=1)
    zunyi.do("duty.open_due", as_=SYSTEM, on=date(2025, 4, 9), months=1)
    zunyi.do("work.sweep_deadlines", as_=SYSTEM, on=date(2025, 4, 9))

    ledger = zunyi.ask("duty.ledger", duty="dispatch_monthly", on=date(2025, 4, 9))

    assert [(row.period, row.status) for row in ledger.rows] == [
        ("2025-01", "missing"),
        ("2025-02", "missing"),
        ("2025-03", "missing"),
        ("2025-04", "open"),
    ]


def test_a_record_made_by_hand_during_an_outage_hides_no_period(zunyi: World) -> None:
    day = date(2025, 4, 9)
    zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=1)
    by_hand = {"duty": "dispatch_monthly", "period": "2025-04", "unit": CITY, "as_": OFFICE}
    zunyi.do("duty.record", **_record(zunyi, **by_hand))

    assert zunyi.do("duty.open_due", as_=SYSTEM, on=day, months=1).opened == 2
    assert zunyi.do("duty.open_due", as_=SYSTEM, on=day, months=1).opened == 0
    ledger = zunyi.ask("duty.ledger", duty="dispatch_monthly", on=day)
    assert [row.period for row in ledger.rows] == ["2025-01", "2025-02", "2025-03", "2025-04"]


def test_a_record_for_a_year_before_the_duty_was_in_force_opens_none_of_the_years_between(zunyi: World) -> None:
    """The duties of Zunyi are in force from August 2024 on."""
    early = {"duty": "dispatch_monthly", "period": "2019-03", "unit": CITY, "as_": OFFICE, "held_on": date(2019, 3, 8)}
    zunyi.do("duty.record", **_record(zunyi, **early))

    opened = zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=1).opened

    rows = zunyi.ask("duty.ledger", duty="dispatch_monthly", on=DAY).rows
    assert opened == 6
    assert [row.period for row in rows] == ["2019-03", *(f"2024-{month:02}" for month in range(8, 13)), "2025-01"]


def test_a_unit_dissolved_since_records_what_it_held_before(zunyi: World) -> None:
    zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=6)
    zunyi.do("unit.retire", as_=OFFICE, on=date(2025, 4, 9), unit=COUNTIES[13])
    given = _record(zunyi, unit=COUNTIES[13], on=date(2025, 4, 10))

    assert zunyi.do("duty.record", **given).late is False
    zunyi.refused("kernel.not_found", "duty.record", **given | {"held_on": date(2025, 4, 10)})


def test_a_duty_is_recorded_once_with_its_proof_and_closes_its_item(zunyi: World) -> None:
    zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=6)

    done = zunyi.do("duty.record", **_record(zunyi))

    subject = f"dispatch_half_yearly/{COUNTIES[0]}/2025H1"
    with Session(zunyi.services.engine) as session:
        item = session.exec(select(WorkItem).where(WorkItem.subject_id == subject)).one()
        event = session.exec(select(Event).where(Event.type == "duty.recorded")).one()
        document = session.get_one(Document, done.documents[0])
    assert (item.status, item.role) == ("done", "county_government")
    assert (done.late, done.ahead_of, document.kind) == (False, (), "duty_minutes")
    assert zunyi.services.documents.get(zone=Zone(document.zone), sha256=document.sha256) == "合成纪要".encode()
    assert (event.stream_id, event.payload["participants"], event.payload["rule"]) == (subject, 12, "ZY-41")
    zunyi.refused("duty.recorded", "duty.record", **_record(zunyi))


def test_a_duty_may_be_recorded_before_any_sweep_and_is_not_opened_again(zunyi: World) -> None:
    zunyi.do("duty.record", **_record(zunyi))

    assert zunyi.do("duty.open_due", as_=SYSTEM, on=date(2025, 4, 10), months=6).opened == 14


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("duty.unknown", {"duty": "nothing"}),
        ("ZY-41", {"period": "2025"}),
        ("ZY-41", {"unit": VILLAGES[0]}),
        ("ZY-41", {"held_on": date(2025, 4, 10)}),
        ("ZY-41", {"held_on": date(2024, 12, 31)}),
        ("ZY-41", {"on": date(2025, 7, 9), "held_on": date(2025, 7, 8)}),
        ("ZY-41", {"minutes": None}),
        ("ZY-41", {"participants": None}),
        ("ZY-40", {"duty": "dispatch_monthly", "period": "2025-04", "unit": CITY, "as_": OFFICE, "minutes": None}),
        ("ZY-42", {"duty": "dispatch_yearly", "period": "2025", "as_": "county_bureau:u-c"}),
        ("ZY-37", {"duty": "direction_note", "period": "2025", "unit": CITY, "as_": OFFICE}),
        ("ZY-38", {"duty": "training", "period": "", "unit": CITY, "as_": OFFICE, "participants": None}),
        ("SYS-ROLE", {"as_": "village_committee:u-v"}),
        ("kernel.not_found", {"unit": "nowhere"}),
    ],
)
def test_a_wrong_record_is_refused_under_the_rule_of_its_duty(
    zunyi: World, expected: str, changes: dict[str, Any]
) -> None:
    zunyi.refused(expected, "duty.record", **_record(zunyi, **changes))


def test_social_organisations_are_consulted_each_year_at_four_levels(zunyi: World) -> None:
    yearly = {"duty": "dispatch_yearly", "period": "2025", "consulted": ("合成社会工作协会",)}
    for unit, role in (
        (CITY, "city_bureau:u-b"),
        (COUNTIES[0], "county_bureau:u-c"),
        ("syn-town-01", "township:u-t"),
        (VILLAGES[0], "village_committee:u-v"),
    ):
        zunyi.do("duty.record", **_record(zunyi, unit=unit, as_=role, **yearly))

    rows = zunyi.ask("duty.ledger", duty="dispatch_yearly").rows
    assert [(row.level, row.consulted) for row in rows] == [
        (level, ("合成社会工作协会",)) for level in ("city", "county", "township", "village")
    ]


def test_one_meeting_does_not_count_for_two_periods(zunyi: World) -> None:
    zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=6)
    july = {"on": date(2025, 7, 9), "held_on": date(2025, 7, 8)}
    zunyi.do("duty.record", **_record(zunyi, period="2025H2", **july))

    zunyi.refused("duty.held_twice", "duty.record", **_record(zunyi, late_reason="合成原因", **july))
    late = zunyi.do("duty.record", **_record(zunyi, late_reason="合成原因", on=july["on"], held_on=date(2025, 7, 7)))

    assert late.late is True


def test_notes_and_trainings_are_duties_too(zunyi: World) -> None:
    """ZY-37 is closed by its report; ZY-38 has no cadence: entries are logged, nothing is due."""
    note = {"duty": "direction_note", "period": "2025", "unit": None, "as_": OFFICE, "report": minutes(zunyi)}
    zunyi.do("duty.open_due", as_=SYSTEM, on=DAY)
    zunyi.do("duty.record", **_record(zunyi, **note))
    for _ in range(2):
        zunyi.do("duty.record", **_record(zunyi, duty="training", period="", unit=None, as_=OFFICE))

    assert [(row.status, row.rule) for row in zunyi.ask("duty.ledger", duty="direction_note").rows] == [
        ("held", "ZY-37")
    ]
    assert [(row.status, row.due_on) for row in zunyi.ask("duty.ledger", duty="training").rows] == [
        ("logged", None)
    ] * 2
    assert not [item for item in zunyi.ask("work.list") if item.subject.startswith("training")]


def test_two_of_fifteen_missing_are_called_overdue_once_and_again_as_policy_says(zunyi: World) -> None:
    zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=6)
    zunyi.do("duty.record", **_record(zunyi, as_=OFFICE, unit=CITY))
    for unit in COUNTIES[:12]:
        zunyi.do("duty.record", **_record(zunyi, unit=unit))

    day = date(2025, 7, 1)
    for _ in range(8):
        zunyi.do("work.sweep_deadlines", as_=SYSTEM, on=day)
        day += timedelta(days=1)

    with Session(zunyi.services.engine) as session:
        alerts = session.exec(select(Alert).where(col(Alert.level).startswith("overdue"))).all()
    assert sorted((one.level, one.raised_on) for one in alerts) == [
        ("overdue", date(2025, 7, 1)),
        ("overdue", date(2025, 7, 1)),
        ("overdue-2025-07-08", date(2025, 7, 8)),
        ("overdue-2025-07-08", date(2025, 7, 8)),
    ]
    ledger = zunyi.ask("duty.ledger", duty="dispatch_half_yearly", period="2025H1", on=date(2025, 7, 8))
    assert (ledger.total, ledger.held, ledger.missing, ledger.missing_units) == (15, 13, 2, COUNTIES[12:])


def test_the_ledger_is_printed_with_those_who_did_and_those_who_did_not(zunyi: World) -> None:
    zunyi.refused("duty.ledger_empty", "duty.issue_ledger", as_=OFFICE, on=DAY)
    zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=6)
    zunyi.do("duty.record", **_record(zunyi))

    issued = zunyi.do(
        "duty.issue_ledger", as_=OFFICE, on=date(2025, 7, 1), duty="dispatch_half_yearly", period="2025H1"
    )

    with Session(zunyi.services.engine) as session:
        document = session.get_one(Document, issued.id)
    data = zunyi.services.documents.get(zone=Zone(document.zone), sha256=document.sha256)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    states = [row[7] for row in sheet[3:]]
    assert (issued.rows, issued.missing) == (15, 14)
    assert sorted(states) == ["已办理", *["逾期未办理"] * 14]


def test_units_are_registered_from_the_top_down_and_a_used_one_cannot_go(zunyi: World) -> None:
    new = {"code": "syn-county-15", "name": "合成县15", "level": "county", "parent": CITY}

    zunyi.refused("unit.registered", "unit.register", as_=OFFICE, on=DAY, units=[new | {"code": COUNTIES[0]}])
    zunyi.refused("unit.level_wrong", "unit.register", as_=OFFICE, on=DAY, units=[new | {"level": "village"}])
    zunyi.refused("unit.in_use", "unit.retire", as_=OFFICE, on=DAY, unit=COUNTIES[0])
    zunyi.do("unit.retire", as_=OFFICE, on=DAY, unit=COUNTIES[13])
    again = zunyi.refused("unit.retired_before", "unit.retire", as_=OFFICE, on=DAY, unit=COUNTIES[13])
    assert (again.family, again.facts["on"]) == ("conflict", DAY.isoformat())

    assert zunyi.do("duty.open_due", as_=SYSTEM, on=DAY, months=6).opened == 14
    assert [unit.depth for unit in zunyi.ask("unit.list")][:4] == [0, 1, 2, 3]
