"""The plan of services and the monthly checks: what is off plan, short, double or by whom nobody certified (§4-T)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.tables.kernel import Document, Event, WorkItem
from models.tables.monitoring import CheckFinding
from tests.support.watching import CONTRACTOR, PURCHASER, SYSTEM, Watched, record, service, watched
from tests.support.world import copy_world, rows

RUN_ON = date(2025, 5, 8)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    made = watched(tmp_path_factory.mktemp("watched"), region="520300")
    plan(made)
    yield made
    made.world.services.engine.dispose()


def plan(held: Watched) -> Any:
    return held.world.do(
        "delivery.plan_services",
        as_=CONTRACTOR,
        on=date(2025, 4, 1),
        contract=held.contract,
        basis="合成项目方案",
        services=[{"item": "meal", "minutes_month": 60}],
    )


@pytest.fixture
def held(standing: Watched, tmp_path: Path) -> Iterator[Watched]:
    made = replace(standing, world=copy_world(standing.world, tmp_path))
    yield made
    made.world.services.engine.dispose()


def run(held: Watched, on: date = RUN_ON) -> Any:
    return held.world.do("monitoring.run_monthly_checks", as_=SYSTEM, on=on)


def found(held: Watched) -> dict[str, tuple[int, int, int]]:
    return {one.check_code: (one.records, one.persons, one.minutes) for one in rows(held.world, CheckFinding)}


def test_a_month_as_planned_finds_nothing(held: Watched) -> None:
    record(held, *(service(person, 2) for person in held.people))

    assert (run(held).new, found(held)) == (0, {})


def test_a_service_off_the_plan_is_kept_and_flagged(held: Watched) -> None:
    """ZY-25: an activity maps to a plan item, else it is flagged; the monthly check names it."""
    kept = record(held, service(held.people[0], 2), service(held.people[0], 3, item="cleaning", signed=""))
    run(held)

    assert (kept.records, kept.off_plan, kept.unsigned) == (2, (2,), 1)
    (event,) = [one for one in rows(held.world, Event) if one.type == "delivery.services_recorded"]
    assert (event.payload["off_plan"], event.payload["unsigned"]) == (1, 1)
    assert found(held)["need_mismatch"] == (1, 1, 0)


def test_hours_below_what_the_plan_promises_are_found(held: Watched) -> None:
    record(held, service(held.people[0], 2), service(held.people[1], 2, end="09:40"))
    run(held)

    assert found(held)["hours_below_contract"] == (2, 2, 20 + 60)


def test_the_same_hour_counted_twice_is_found(held: Watched) -> None:
    record(held, *(service(person, 2) for person in held.people), service(held.people[0], 2, start="09:30"))
    run(held)

    assert found(held) == {"duplicate_payment": (1, 1, 0)}
    assert [one.role for one in rows(held.world, WorkItem) if one.kind == "monitoring.check_finding"] == [
        "finance_bureau"
    ]


def test_a_certificate_that_ran_out_is_found(held: Watched) -> None:
    record(held, *(service(person, 20, staff="SW-02") for person in held.people))
    record(held, service(held.people[0], 21, staff="SW-02"))
    run(held)

    assert found(held) == {"uncertified_staff": (1, 1, 0)}


def test_a_corrected_record_counts_as_corrected(held: Watched) -> None:
    record(held, *(service(person, 2) for person in held.people), service(held.people[0], 3, item="cleaning"))
    record(held, service(held.people[0], 3, correction="项目写错(合成)"), on=date(2025, 5, 2))

    assert (run(held).new, found(held)) == (0, {})


def test_a_month_run_twice_finds_once_and_follows_what_changed(held: Watched) -> None:
    record(held, *(service(person, 2) for person in held.people), service(held.people[0], 3, item="cleaning"))
    first, again = run(held), run(held)
    record(held, service(held.people[1], 3, item="cleaning"), on=RUN_ON)
    later = run(held, date(2025, 6, 8))
    back = held.world.do("monitoring.run_monthly_checks", as_=SYSTEM, on=date(2025, 6, 8), month="2025-04-01")

    assert [(one.new, one.changed) for one in (first, again, later, back)] == [(1, 0), (0, 0), (1, 0), (0, 1)]
    assert {(one.month, one.check_code): one.records for one in rows(held.world, CheckFinding)} == {
        ("2025-04", "need_mismatch"): 2,
        ("2025-05", "hours_below_contract"): 3,
    }


def test_an_open_month_is_not_checked(held: Watched) -> None:
    held.world.refused(
        "monitoring.month_open", "monitoring.run_monthly_checks", as_=SYSTEM, on=date(2025, 4, 30), month="2025-04-01"
    )


def test_a_finding_is_answered_for_by_its_owner_with_evidence(held: Watched) -> None:
    record(held, *(service(person, 2) for person in held.people), service(held.people[0], 3, item="cleaning"))
    run(held)
    (finding,) = rows(held.world, CheckFinding)
    answer: dict[str, Any] = {"finding": finding.id, "outcome": "corrected", "reason": "已核减该次服务(合成)"}
    upload = held.world.upload("合成佐证".encode(), name="合成佐证.txt", media_type="text/plain").model_dump()

    held.world.refused("monitoring.no_evidence", "monitoring.close_finding", as_=PURCHASER, on=RUN_ON, **answer)
    held.world.refused(
        "monitoring.not_your_finding",
        "monitoring.close_finding",
        as_="finance_bureau:u-f",
        on=RUN_ON,
        evidence=upload,
        **answer,
    )
    closed = held.world.do("monitoring.close_finding", as_=PURCHASER, on=date(2025, 7, 1), evidence=upload, **answer)

    assert (closed.outcome, closed.late) == ("corrected", True)
    with Session(held.world.services.engine) as session:
        item = session.exec(select(WorkItem).where(col(WorkItem.subject_id) == finding.id)).one()
        kept = session.exec(select(Document).where(col(Document.kind) == "check_evidence")).one()
    assert (item.status, kept.project_id) == ("done", held.project)
    held.world.refused(
        "monitoring.finding_closed", "monitoring.close_finding", as_=PURCHASER, on=RUN_ON, evidence=upload, **answer
    )
    assert held.world.ask("monitoring.check_findings", open_only=True).findings == ()


def test_a_finding_that_grew_after_it_was_closed_is_open_again(held: Watched) -> None:
    record(held, *(service(person, 2) for person in held.people), service(held.people[0], 3, item="cleaning"))
    run(held)
    (finding,) = rows(held.world, CheckFinding)
    held.world.do(
        "monitoring.close_finding",
        as_=PURCHASER,
        on=RUN_ON,
        finding=finding.id,
        outcome="unfounded",
        reason="经核实为临时需要(合成)",
    )
    record(held, service(held.people[1], 3, item="cleaning"), on=RUN_ON)

    assert (run(held).changed, rows(held.world, CheckFinding)[0].closed_on) == (1, None)
    assert [one.status for one in rows(held.world, WorkItem) if one.subject_id == finding.id] == ["open"]


def test_plan_items_are_checked_and_new_promises_are_new_versions(held: Watched) -> None:
    given: dict[str, Any] = {"contract": held.contract, "basis": "合成补充约定"}
    held.world.refused(
        "delivery.plan_item_unknown",
        "delivery.plan_services",
        as_=CONTRACTOR,
        on=RUN_ON,
        services=[{"item": "unheard"}],
        **given,
    )
    held.world.refused(
        "delivery.plan_person",
        "delivery.plan_services",
        as_=CONTRACTOR,
        on=RUN_ON,
        services=[{"person": "per-nobody", "item": "meal"}],
        **given,
    )
    same = plan(held)
    more = held.world.do(
        "delivery.plan_services",
        as_=CONTRACTOR,
        on=RUN_ON,
        services=[{"item": "meal", "minutes_month": 120}],
        from_on="2025-05-01",
        **given,
    )

    assert (same.items, more.items, more.persons) == (0, 3, 3)


def test_the_service_file_holds_services_and_satisfaction(held: Watched) -> None:
    """FZ-54, FZ-55, FZ-56: one file a person with services and satisfaction; the ledger is made of the files."""
    record(held, service(held.people[0], 2), service(held.people[0], 3, item="cleaning", satisfied=False))
    file = held.world.ask("delivery.service_file", project=held.project, person=held.people[0])
    ledger = held.world.ask("delivery.work_ledger", project=held.project)

    assert [(one.off_plan, one.signed_by) for one in file.records] == [(False, "recipient"), (True, "recipient")]
    assert (file.satisfied, file.unsatisfied, file.planned) == (1, 1, {"助餐": 60})
    outside = held.world.ask("delivery.service_file", as_=CONTRACTOR, project=held.project, person=held.people[0])
    assert "甲" in file.name
    assert "甲" not in outside.name
    assert (ledger.selected, ledger.served, ledger.records, ledger.lines[0].minutes) == (3, 1, 2, 120)
    with pytest.raises(Exception, match="没有服务档案"):
        held.world.ask("delivery.service_file", project=held.project, person="per-nobody")


def test_quantity_quality_and_time_stand_against_the_contract(held: Watched) -> None:
    """FZ-53, BJ-46: minutes against the plan, satisfaction against the standard, days against the term."""
    record(held, *(service(person, 2, satisfied=person != held.people[0]) for person in held.people))

    may = held.world.ask("monitoring.performance", on=date(2025, 5, 1), project=held.project)
    june = held.world.ask("monitoring.performance", on=date(2025, 6, 1), project=held.project)

    assert (may.minutes, may.minutes_agreed, may.behind) == (180, 180, ("quality",))
    assert (june.minutes_agreed, str(june.minutes_percent), june.behind) == (360, "50.0", ("quantity", "quality"))


def test_a_signature_is_covered_by_the_digest(held: Watched) -> None:
    record(held, service(held.people[0], 2))
    assert held.world.ask("delivery.verify_records").ok
    with held.world.services.engine.connect() as connection:
        for (name,) in connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'service_record'"
        ).all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql("UPDATE service_record SET signed_by = ''")
        connection.commit()

    assert not held.world.ask("delivery.verify_records").ok
