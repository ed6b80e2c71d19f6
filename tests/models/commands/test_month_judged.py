"""Months that are no plain months: contracts that begin, end or pause, promises that change, records that come late,
people whom two contracts serve (domain.md §4-T)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from infra.database import create_database_engine
from models.core.ids import derive_id
from models.queries.month_records import Month
from models.queries.monthly_checks import checked, faults
from models.tables.contract import Contract
from models.tables.delivery import PlanItem, ServiceRecord
from models.tables.kernel import Document, WorkItem
from models.tables.midterm import MidtermAssessment, MidtermDecision
from models.tables.monitoring import CheckFinding
from models.tables.needs import Person, Selection
from tests.support.contracting import running
from tests.support.midterms import planned
from tests.support.postgres import fresh_database, transplant
from tests.support.watching import CONTRACTOR, PURCHASER, SYSTEM, Watched, record, service, watched
from tests.support.world import copy_world, rows

RUN_ON = date(2025, 5, 8)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    made = watched(tmp_path_factory.mktemp("watched"), region="520300")
    plan(made, minutes=60)
    yield made
    made.world.services.engine.dispose()


@pytest.fixture
def held(standing: Watched, tmp_path: Path) -> Iterator[Watched]:
    made = replace(standing, world=copy_world(standing.world, tmp_path))
    yield made
    made.world.services.engine.dispose()


def plan(held: Watched, *, minutes: int, from_on: date | None = None, on: date = date(2025, 4, 1)) -> Any:
    return held.world.do(
        "delivery.plan_services",
        as_=CONTRACTOR,
        on=on,
        contract=held.contract,
        basis="合成项目方案",
        services=[{"item": "meal", "minutes_month": minutes}],
        from_on=from_on.isoformat() if from_on else None,
    )


def run(held: Watched, *, month: date = date(2025, 4, 1), on: date = RUN_ON) -> Any:
    return held.world.do("monitoring.run_monthly_checks", as_=SYSTEM, on=on, month=month.isoformat())


def found(held: Watched, check: str = "hours_below_contract") -> list[tuple[int, int, int]]:
    return [(one.records, one.minutes, one.days) for one in rows(held.world, CheckFinding) if one.check_code == check]


def change(held: Watched, **values: Any) -> None:
    """Write other dates into the contract, as if it had been signed so."""
    with Session(held.world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.add(session.get_one(Contract, held.contract).sqlmodel_update(values))
        session.commit()


@pytest.mark.parametrize(
    ("values", "minutes", "days"),
    [
        ({"starts_on": date(2025, 4, 16)}, 3 * 30, 15),
        ({"starts_on": date(2025, 4, 30)}, 3 * 2, 1),
        ({"starts_on": date(2024, 4, 1), "ends_on": date(2025, 4, 2)}, 3 * 2, 1),
        ({}, 3 * 60, 0),
    ],
)
def test_a_month_a_contract_begins_or_ends_in_is_judged_by_the_day(
    held: Watched, values: dict[str, Any], minutes: int, days: int
) -> None:
    change(held, **values)
    run(held)

    assert found(held) == [(3, minutes, days)]
    (shown,) = held.world.ask("monitoring.check_findings").findings
    (note,) = [one.note for one in rows(held.world, WorkItem) if one.kind == "monitoring.check_finding"]
    assert shown.days == days
    assert (f"在期 {days} 天" in note) is bool(days)


def test_a_contract_that_was_terminated_owes_the_days_before(held: Watched) -> None:
    """What was served until that day is entered afterwards, and no service of a later day."""
    given: dict[str, Any] = {"as_": CONTRACTOR, "on": date(2025, 4, 25), "contract": held.contract}
    held.world.do(
        "contract.terminate", as_=PURCHASER, on=date(2025, 4, 21), contract=held.contract, reason="合成终止原因"
    )
    held.world.do("delivery.record_services", records=[service(held.people[0], 19, end="09:30")], **given)
    held.world.refused("SYS-CONTRACT-TERM", "delivery.record_services", records=[service(held.people[0], 22)], **given)
    run(held)

    assert found(held) == [(3, 10 + 2 * 40, 20)]


def test_what_is_given_for_the_days_owed_is_enough(held: Watched) -> None:
    change(held, starts_on=date(2025, 4, 16))
    record(held, *(service(person, 20, end="09:30") for person in held.people))

    assert (run(held).new, found(held)) == (0, [])


def test_a_contract_completed_early_owes_nothing_after_that(held: Watched) -> None:
    record(held, *(service(person, 2) for person in held.people))
    held.world.do("delivery.complete", as_=PURCHASER, on=date(2025, 4, 30), contract=held.contract)

    for first in (date(2025, 4, 1), date(2025, 5, 1)):
        run(held, month=first, on=date(2025, 6, 8))

    assert rows(held.world, CheckFinding) == []


def test_nothing_is_owed_and_nothing_recorded_while_a_project_is_deferred(held: Watched) -> None:
    """The days before and after the deferral are owed and may be recorded, long after it was lifted."""
    redecide(held, ("DEFER", date(2025, 4, 11)), ("CONTINUE", date(2025, 4, 26)))

    held.world.refused(
        "midterm.served_while_deferred",
        "delivery.record_services",
        as_=CONTRACTOR,
        on=RUN_ON,
        contract=held.contract,
        records=[service(held.people[0], 25)],
    )
    record(held, service(held.people[0], 10, end="09:20"), service(held.people[0], 26, end="09:10"), on=RUN_ON)
    run(held)

    assert found(held) == [(2, 2 * 30, 15)]


def redecide(held: Watched, *decisions: tuple[str, date]) -> None:
    with Session(held.world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        document = session.exec(select(Document.id).limit(1)).one()
        for ordinal, (disposition, on) in enumerate(decisions, start=1):
            assessed = derive_id("mda", held.project, str(ordinal))
            texts: dict[str, Any] = dict.fromkeys(
                ("environment", "own_change", "recommendation", "reason", "timing"), "合成"
            )
            session.add(
                MidtermAssessment(
                    id=assessed,
                    project_id=held.project,
                    ordinal=ordinal,
                    findings={},
                    conditions_changed=True,
                    assessed_on=on,
                    policy_digest="0" * 64,
                    document_id=document,
                    **texts,
                )
            )
            session.flush()
            session.add(
                MidtermDecision(
                    id=derive_id("mdd", assessed),
                    project_id=held.project,
                    assessment_id=assessed,
                    disposition=disposition,
                    basis="合成",
                    decided_by="city_bureau",
                    decided_on=on,
                    policy_digest="0" * 64,
                    document_id=document,
                )
            )
        session.commit()


def test_nothing_is_owed_to_somebody_who_has_died_or_left(held: Watched) -> None:
    held.world.do(
        "delivery.end_service",
        as_=CONTRACTOR,
        on=date(2025, 4, 16),
        project=held.project,
        persons=[held.people[0]],
        cause="deceased",
    )
    run(held)
    run(held, month=date(2025, 5, 1), on=date(2025, 6, 8))

    assert found(held) == [(3, 30 + 2 * 60, 0), (2, 2 * 60, 0)]


def test_a_promise_that_changes_within_a_month_counts_by_the_day(held: Watched) -> None:
    """Sixty minutes a month for ten days and a hundred and twenty for twenty are a hundred."""
    plan(held, minutes=120, from_on=date(2025, 4, 11))
    run(held)

    assert found(held) == [(3, 3 * 100, 0)]


def test_a_promise_changed_without_a_day_counts_from_today(held: Watched) -> None:
    """What was judged before stays as it was promised then."""
    plan(held, minutes=120, on=date(2025, 5, 2))

    assert {(one.version, one.from_on) for one in rows(held.world, PlanItem)} == {
        (1, date(2025, 4, 1)),
        (2, date(2025, 5, 2)),
    }


def test_planning_from_the_cases_takes_no_promise_back(held: Watched) -> None:
    again = held.world.do(
        "delivery.plan_services", as_=CONTRACTOR, on=date(2025, 4, 3), contract=held.contract, basis="个案计划"
    )

    assert again.items == 0
    assert {one.minutes_month for one in rows(held.world, PlanItem)} == {60}


def test_a_finding_of_which_nothing_is_left_is_cleared(held: Watched) -> None:
    record(held, *(service(person, 2) for person in held.people[:2]))
    run(held)
    record(held, service(held.people[2], 3), on=date(2025, 5, 9))

    after = run(held, on=date(2025, 5, 10))

    (row,) = rows(held.world, CheckFinding)
    assert (after.cleared, after.open, row.outcome, row.records) == (1, 0, "cleared", 0)
    assert [one.status for one in rows(held.world, WorkItem) if one.subject_id == row.id] == ["done"]


def test_records_that_come_after_the_second_check_make_their_month_due_again(held: Watched) -> None:
    record(held, *(service(person, 2) for person in held.people))
    run(held)
    assert held.world.ask("monitoring.months_to_recheck") == ()

    record(held, service(held.people[0], 3, item="cleaning"), on=date(2025, 6, 9))

    assert held.world.ask("monitoring.months_to_recheck") == ("2025-04-01",)
    again = run(held, on=date(2025, 7, 8))
    assert (again.new, held.world.ask("monitoring.months_to_recheck")) == (1, ())


@pytest.mark.parametrize(
    ("start", "end", "item", "other_region", "twice"),
    [
        ("14:00", "15:00", "meal", True, 1),  # the same item again that day
        ("09:30", "09:45", "cleaning", False, 1),  # at the same time
        ("14:00", "15:00", "cleaning", False, 0),  # something else at another time
    ],
)
def test_one_human_being_served_under_two_contracts_is_looked_at_as_one(
    held: Watched, start: str, end: str, item: str, other_region: bool, twice: int
) -> None:
    second = other_contract(held, other_region=other_region)
    record(held, *(service(person, 2) for person in held.people))
    record(second, service(second.people[0], 2, start=start, end=end, item=item))
    record(second, service(second.people[0], 3))
    run(held)

    doubles = [one for one in rows(held.world, CheckFinding) if one.check_code == "duplicate_payment"]
    assert [(one.contract_id, one.records, one.persons) for one in doubles] == [(second.contract, 1, 1)][:twice]


def other_contract(held: Watched, *, other_region: bool) -> Watched:
    """A second contract, of another project, that serves the first of the people too, perhaps as another region's."""
    project = planned(held.world, "second")
    contract = running(held.world, project, on=date(2025, 4, 1), until=date(2026, 4, 1), name="second", price_fen=100)
    staff = [{"ref": "SW-01", "certificate": "合成证01", "qualified": True}]
    held.world.do("delivery.assign_staff", as_=CONTRACTOR, on=date(2025, 4, 1), contract=contract, staff=staff)
    with Session(held.world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        chosen = session.get_one(Selection, held.people[0])
        person = chosen.person_id
        if other_region:
            known = session.get_one(Person, person).model_dump()
            person = "per-elsewhere"
            session.add(Person(**(known | {"id": person, "region": "420200", "ordinal": 99})))
            session.flush()
        session.add(Selection(**(chosen.model_dump() | {"id": "sel-x", "project_id": project, "person_id": person})))
        session.commit()
    return Watched(held.world, project, contract, ("sel-x",))


def test_a_month_is_judged_alike_on_sqlite_and_on_postgresql(held: Watched, request: pytest.FixtureRequest) -> None:
    """A contract that begins within the month, a promise that changes, somebody under two contracts, a certificate."""
    second = other_contract(held, other_region=True)
    change(held, starts_on=date(2025, 4, 3))
    plan(held, minutes=120, from_on=date(2025, 4, 11))
    record(held, service(held.people[0], 21, staff="SW-02"), service(held.people[1], 4, item="cleaning"))
    record(second, service(second.people[0], 21, start="14:00", end="15:00"))
    month = Month(date(2025, 4, 1))
    judged = []
    with fresh_database(request.getfixturevalue("postgres_url"), name="month") as url:
        transplant(Path(str(held.world.services.engine.url.database)), url)
        there = create_database_engine(url)
        for engine in (held.world.services.engine, there):
            with Session(engine) as session:
                behind = list(faults(session, month=month, contracts={held.contract, second.contract}))
                judged.append((checked(session, month=month), behind))
        there.dispose()

    assert judged[0] == judged[1]
    assert {check for check, _ in judged[0][0].found} == {one.check for one in judged[0][1]}
    assert len(judged[0][0].found) == 4


def test_whoever_changes_any_column_of_a_record_is_found_out(held: Watched) -> None:
    """Each column is changed past the triggers, as by somebody with the keys to the database, and put back."""
    record(held, service(held.people[0], 2), service(held.people[1], 2, satisfied=None, signed=""))
    others = {"project_id": "prj-other", "contract_id": "con-other", "person_id": "per-other", "batch_id": "evt-other"}
    others |= {"id": "svc-other", "served_on": "2025-04-03", "recorded_on": "2025-04-29", "correction": "改"}
    others |= {"starts_at": "08:00", "ends_at": "12:00", "item": "visit", "staff_ref": "SW-02", "signed_by": "agent"}
    changes: dict[str, Any] = {"minutes": 999, "satisfied": 0, "revision": 1, "ordinal": 7, **others}
    changes |= dict.fromkeys(("place_sealed", "result_sealed"), "v1:改过")
    assert set(changes) == {column.name for column in ServiceRecord.__table__.columns}  # type: ignore[attr-defined]
    unnoticed: list[str] = []
    with closing(sqlite3.connect(str(held.world.services.engine.url.database), isolation_level=None)) as file:
        for trigger in ("service_record_no_update", "service_record_no_delete"):
            file.execute(f"DROP TRIGGER {trigger}")
        for place in (0, 1):
            row = file.execute("SELECT rowid FROM service_record WHERE ordinal = ?", (place,)).fetchone()
            for name, changed in changes.items():
                kept = file.execute(f"SELECT {name} FROM service_record WHERE rowid = ?", row).fetchone()  # noqa: S608
                change_to = f"UPDATE service_record SET {name} = ? WHERE rowid = ?"  # noqa: S608
                file.execute(change_to, (changed, *row))
                unnoticed += [name] * held.world.ask("delivery.verify_records").ok
                file.execute(change_to, (*kept, *row))

    assert unnoticed == []
    assert held.world.ask("delivery.verify_records").ok


def test_a_closed_month_names_its_finding_once(held: Watched) -> None:
    run(held)
    with Session(held.world.services.engine) as session:
        items = session.exec(select(WorkItem).where(col(WorkItem.kind) == "monitoring.check_finding")).all()

    assert [(run(held).new, len(items))] == [(0, 1)]
