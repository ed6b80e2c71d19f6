"""Delivery through the door: start, staff, case plans, bulk service records, referrals, completion (A5)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.errors import DataFault
from models.tables.delivery import CasePlan, DeliveryStaff, ServiceRecord
from models.tables.kernel import Event, Outbox
from models.tables.needs import Selection
from tests.support.delivering import (
    COMPLETED_ON,
    CONTRACTOR,
    RECORDED_ON,
    STARTED_ON,
    selected,
    serve,
    service,
)
from tests.support.purchases import PURCHASER
from tests.support.world import copy_world


def rows(world: Any, model: Any, **where: Any) -> list[Any]:
    with Session(world.services.engine) as session:
        query = select(model)
        for name, value in where.items():
            query = query.where(col(getattr(model, name)) == value)
        return list(session.exec(query).all())


def events(world: Any, type_: str) -> list[Any]:
    return rows(world, Event, type=type_)


def record(running: Any, records: list[dict[str, Any]] | None = None, *, on: date = RECORDED_ON, **more: Any) -> Any:
    given = {"contract": running.bought.contract} | ({"records": records} if records is not None else {}) | more
    return running.world.do("delivery.record_services", as_=CONTRACTOR, on=on, **given)


def refuse(running: Any, expected: str, *records: dict[str, Any], on: date = RECORDED_ON, **more: Any) -> Any:
    given = {"contract": running.bought.contract} | ({"records": records} if records else {}) | more
    return running.world.refused(expected, "delivery.record_services", as_=CONTRACTOR, on=on, **given)


def test_a_start_moves_contract_and_project_together(running: Any) -> None:
    status = running.world.ask("project.status", project=running.bought.project)

    assert status.states["contract"] == ["running"]
    assert status.states["project"] == ["in_progress"]
    assert len(events(running.world, "contract.started")) == len(events(running.world, "project.started")) == 1


def test_a_running_contract_does_not_start_again(running: Any) -> None:
    running.world.refused("SYS-STATE", "delivery.start", as_=PURCHASER, on=STARTED_ON, contract=running.bought.contract)


def test_staff_numbers_are_sealed_and_counted(running: Any) -> None:
    """HS-49: fifteen qualified social workers; naming one again changes the certificate, never the count."""
    again = running.world.do(
        "delivery.assign_staff",
        as_=CONTRACTOR,
        on=STARTED_ON,
        contract=running.bought.contract,
        staff=[{"ref": "SW-00", "certificate": "合成证-新", "qualified": False}],
    )

    assert (again.staff, again.qualified) == (15, 14)
    for member in rows(running.world, DeliveryStaff):
        assert "合成证" not in member.certificate_sealed
    payloads = json.dumps([event.payload for event in events(running.world, "delivery.staff_assigned")])
    assert "SW-00" not in payloads


def test_every_selected_person_has_one_case_plan(running: Any) -> None:
    """HS-07; called again it plans nobody twice."""
    again = running.world.do("delivery.plan_cases", as_=CONTRACTOR, on=STARTED_ON, contract=running.bought.contract)

    plans = rows(running.world, CasePlan)
    assert (again.planned, again.cases) == (0, 400)
    assert {plan.person_id for plan in plans} == set(selected(running.world, running.bought.project))


def test_distinct_persons_count_towards_the_target(running: Any) -> None:
    """A5: 399 people fail the target however many records they have; the four hundredth meets it."""
    people = selected(running.world, running.bought.project)
    serve(running.world, running.bought, people[:399])
    serve(running.world, running.bought, people[:399], day=1)

    before = running.world.ask("delivery.progress", project=running.bought.project)
    serve(running.world, running.bought, people[399:])
    after = running.world.ask("delivery.progress", project=running.bought.project)

    assert (before.served, before.target, before.met, before.records) == (399, 400, False, 798)
    assert (after.served, after.met, after.minutes, str(after.hours)) == (400, True, 799 * 90, "1198.5")
    assert (str(before.percent_of_planned), str(after.percent_of_planned)) == ("99.8", "100.0")
    assert after.by_kind["comfort"].name == "心理慰藉"
    assert (after.staff, after.qualified, after.case_plans) == (15, 15, 400)


def test_two_thousand_records_are_one_event(running: Any) -> None:
    people = selected(running.world, running.bought.project)
    records = [service(person, day=day) for person in people for day in range(6)]

    found = record(running, records)

    assert (found.records, found.persons, found.minutes) == (2400, 400, 2400 * 90)
    (event,) = events(running.world, "delivery.services_recorded")
    assert event.event_id == found.id
    assert event.payload["digest"] == found.digest
    assert not {"place", "result", "staff"} & event.payload.keys()


def test_words_about_a_person_are_sealed(running: Any) -> None:
    record(running, [service(selected(running.world, running.bought.project)[0])])

    (row,) = rows(running.world, ServiceRecord)
    assert "合成社区服务站" not in row.place_sealed
    assert running.world.services.vault.open(row.result_sealed) == "情绪有所缓解"


def test_a_person_may_be_named_by_the_selection(running: Any) -> None:
    selection = rows(running.world, Selection)[0]

    record(running, [service(selection.id)])

    assert rows(running.world, ServiceRecord)[0].person_id == selection.person_id


def test_a_batch_with_one_faulty_record_records_nothing(running: Any) -> None:
    people = selected(running.world, running.bought.project)

    fault = refuse(running, "SYS-STAFF-ASSIGNED", service(people[0]), service(people[1], staff="SW-99"))

    assert [(detail.row, detail.field) for detail in fault.details] == [(2, "staff")]
    assert rows(running.world, ServiceRecord) == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"person": "per-nobody"}, "SYS-SELECTED-ONLY"),
        ({"on": "2016-05-31"}, "SYS-CONTRACT-TERM"),
        ({"on": "2017-06-01"}, "SYS-CONTRACT-TERM"),
        ({"end": "08:00"}, "SYS-PERIOD"),
        ({"item": "cash"}, "HS-10"),
    ],
)
def test_what_may_not_be_recorded_is_refused(running: Any, changes: dict[str, Any], rule: str) -> None:
    refuse(running, rule, service(selected(running.world, running.bought.project)[0]) | changes)


def test_unqualified_staff_serve_nobody(running: Any) -> None:
    running.world.do(
        "delivery.assign_staff",
        as_=CONTRACTOR,
        on=STARTED_ON,
        contract=running.bought.contract,
        staff=[{"ref": "SW-77", "qualified": False}],
    )

    refuse(running, "HS-49", service(selected(running.world, running.bought.project)[0], staff="SW-77"))


def test_the_same_service_is_recorded_once_and_corrected_beside(running: Any) -> None:
    person = selected(running.world, running.bought.project)[0]
    record(running, [service(person)])

    refuse(running, "SYS-UNIQUE", service(person, end="11:00"))
    corrected = record(running, [service(person, end="10:00", correction="结束时间误填")])

    kept = rows(running.world, ServiceRecord)
    progress = running.world.ask("delivery.progress", project=running.bought.project)
    assert corrected.corrections == 1
    assert sorted((row.revision, row.minutes) for row in kept) == [(0, 90), (1, 60)]
    assert (progress.records, progress.minutes) == (1, 60)


def test_a_correction_comes_within_the_days_of_policy(running: Any) -> None:
    person = selected(running.world, running.bought.project)[0]
    record(running, [service(person)], on=date(2016, 7, 1))

    refuse(running, "SYS-APPEND-ONLY", service(person, correction="误填"), on=date(2016, 7, 9))


def upload(running: Any, text: str, *, name: str, media_type: str, encoding: str = "utf-8") -> dict[str, Any]:
    found = running.world.upload(text.encode(encoding), name=name, media_type=media_type)
    return dict(found.model_dump())


def test_a_json_file_records_like_rows(running: Any) -> None:
    people = selected(running.world, running.bought.project)[:3]
    text = json.dumps([service(person) for person in people], ensure_ascii=False)

    found = record(running, file=upload(running, text, name="记录.json", media_type="application/json"))

    assert found.records == 3


def test_a_file_of_another_size_than_told_is_not_read(running: Any) -> None:
    person = selected(running.world, running.bought.project)[0]
    given = upload(running, json.dumps([service(person)]), name="记录.json", media_type="application/json")

    with pytest.raises(DataFault, match="两者不一致") as caught:
        record(running, file=given | {"size": given["size"] + 1})

    assert (caught.value.code, rows(running.world, ServiceRecord)) == ("intake.size_differs", [])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_csv_file_records_like_rows(running: Any, encoding: str) -> None:
    person = selected(running.world, running.bought.project)[0]
    text = (
        "person,on,start,end,item,staff,place,result,satisfied\r\n"
        f"{person},2016-06-01,09:00,10:30,comfort,SW-00,合成社区服务站,情绪有所缓解,是\r\n"
    )

    record(running, file=upload(running, text, name="记录.csv", media_type="text/csv", encoding=encoding))

    (row,) = rows(running.world, ServiceRecord)
    assert (row.minutes, row.satisfied) == (90, True)


def test_the_same_records_have_the_same_digest_however_they_came(running: Any, tmp_path: Path) -> None:
    """A replay on another database gives the same digest; other records give another."""
    one, two = selected(running.world, running.bought.project)[:2]
    other = copy_world(running.world, tmp_path, name="other")
    text = json.dumps([service(one)], ensure_ascii=False)

    by_file = record(running, file=upload(running, text, name="a.json", media_type="application/json"))
    by_rows = serve(other, running.bought, [one])
    another = serve(other, running.bought, [two])
    other.services.engine.dispose()

    assert by_file.digest == by_rows.digest != another.digest
    assert running.world.ask("delivery.verify_records", project=running.bought.project).ok


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "delivery.file_unreadable"),
        ("{}", "delivery.file_unreadable"),
        ("[]", "delivery.file_unreadable"),
        ('[{"person": "x"}]', "delivery.rows_malformed"),
        ("[1]", "delivery.rows_malformed"),
    ],
)
def test_a_file_that_holds_no_records_is_named(running: Any, text: str, code: str) -> None:
    fault = refuse(running, code, file=upload(running, text, name="记录.json", media_type="application/json"))

    assert fault.message
    assert fault.way_out


def test_malformed_rows_are_named_by_row_and_field(running: Any) -> None:
    good = service(selected(running.world, running.bought.project)[0])
    text = json.dumps([good, good | {"on": "昨天"}], ensure_ascii=False)

    fault = refuse(
        running, "delivery.rows_malformed", file=upload(running, text, name="a.json", media_type="application/json")
    )

    assert [(detail.row, detail.field) for detail in fault.details] == [(2, "on")]


def test_records_come_by_row_or_by_file(running: Any) -> None:
    refuse(running, "delivery.one_source")


def test_an_edited_record_shows(running: Any) -> None:
    """Tampering with the table breaks the batch's digest, which stands in the chain."""
    people = selected(running.world, running.bought.project)
    serve(running.world, running.bought, people[:2])
    batch = serve(running.world, running.bought, people[2:4])
    with running.world.services.engine.connect() as connection:
        connection.exec_driver_sql("DROP TRIGGER service_record_no_update")  # as somebody with the keys to the file
        connection.exec_driver_sql("UPDATE service_record SET minutes = 900 WHERE person_id = ?", (people[2],))
        connection.commit()

    found = running.world.ask("delivery.verify_records", project=running.bought.project)

    assert (found.ok, found.batches, found.records, found.bad) == (False, 2, 4, (batch.id,))


def test_a_record_entered_by_mistake_is_withdrawn_and_counts_no_more(running: Any) -> None:
    """The record stays on file; a correction that ends when it begins takes it out of every count until undone."""
    one, two = selected(running.world, running.bought.project)[:2]
    serve(running.world, running.bought, [one, two])
    withdrawn = service(one, end="09:00") | {"correction": "登错对象(合成)"}
    refuse(running, "SYS-PERIOD", service(two, day=1, end="09:00"))

    record(running, [withdrawn])

    def counted() -> tuple[int, int, int]:
        found = running.world.ask("delivery.progress", project=running.bought.project)
        ledger = running.world.ask("delivery.work_ledger", project=running.bought.project)
        return found.served, found.minutes, len(ledger.lines)

    assert counted() == (1, 90, 1)
    assert len(rows(running.world, ServiceRecord)) == 3
    assert running.world.ask("delivery.verify_records").ok
    record(running, [service(one) | {"correction": "确有此次服务(合成)"}])
    assert counted() == (2, 180, 2)


def test_synthetic_records_are_marked_in_the_chain(running: Any) -> None:
    record_ = service(selected(running.world, running.bought.project)[0])
    running.world.do(
        "delivery.record_services",
        as_=CONTRACTOR,
        on=RECORDED_ON,
        synthetic=("records",),
        contract=running.bought.contract,
        records=[record_],
    )

    (event,) = events(running.world, "delivery.services_recorded")
    assert event.payload["synthetic"] == ["delivery.record_services.records"]


def referral(running: Any, persons: Any) -> dict[str, Any]:
    return {
        "as_": CONTRACTOR,
        "on": RECORDED_ON,
        "project": running.bought.project,
        "from_": "合成社工机构",
        "to": "合成残联",
        "reason": "需要辅具适配",
        "persons": persons,
    }


def test_a_referral_names_people_of_the_project_or_their_number(running: Any) -> None:
    people = selected(running.world, running.bought.project)[:2]

    by_name = running.world.do("delivery.log_referral", **referral(running, people))
    by_number = running.world.do("delivery.log_referral", **referral(running, 3))

    running.world.refused("SYS-SELECTED-ONLY", "delivery.log_referral", **referral(running, ["per-nobody"]))
    assert (by_name.persons, by_number.persons) == (2, 3)
    assert running.world.ask("delivery.progress", project=running.bought.project).referrals == 2
    payloads = [event.payload for event in events(running.world, "delivery.referred")]
    assert "需要辅具适配" not in json.dumps(payloads, ensure_ascii=False)


def test_completion_ends_contract_and_project_and_leaves_through_the_outbox(running: Any) -> None:
    done = running.world.do("delivery.complete", as_=PURCHASER, on=COMPLETED_ON, contract=running.bought.contract)

    (event,) = events(running.world, "project.completed")
    (message,) = rows(running.world, Outbox, route="acceptance-open-clocks")
    assert (done.contract, done.project) == ("contract.ended", "project.completed")
    assert message.event_id == event.event_id


def test_what_was_served_is_entered_and_put_right_shortly_after_the_contract_ended(running: Any) -> None:
    one, two = selected(running.world, running.bought.project)[:2]
    serve(running.world, running.bought, [one], on=COMPLETED_ON)
    running.world.do("delivery.complete", as_=PURCHASER, on=COMPLETED_ON, contract=running.bought.contract)
    right = service(one, end="10:00") | {"correction": "时间写错(合成)"}
    given = {"as_": CONTRACTOR, "contract": running.bought.contract}

    kept = running.world.do("delivery.record_services", on=date(2017, 6, 1), records=[service(two)], **given)
    corrected = running.world.do(
        "delivery.record_services", on=COMPLETED_ON + timedelta(days=7), records=[right], **given
    )

    assert (kept.records, corrected.corrections) == (1, 1)
    late = COMPLETED_ON + timedelta(days=8)
    running.world.refused(
        "delivery.records_closed", "delivery.record_services", on=late, records=[service(two, day=1)], **given
    )


def test_a_referral_sent_twice_on_a_day_is_logged_once(running: Any) -> None:
    given = {
        "project": running.bought.project,
        "from_": "合成承接单位",
        "to": "合成医院",
        "reason": "就医",
        "persons": 1,
    }
    first = running.world.do("delivery.log_referral", as_=CONTRACTOR, on=RECORDED_ON, **given)

    fault = running.world.refused(
        "kernel.recorded_already", "delivery.log_referral", as_=CONTRACTOR, on=RECORDED_ON, **given
    )

    assert first.id in fault.message
    running.world.do("delivery.log_referral", as_=CONTRACTOR, on=RECORDED_ON, **given | {"persons": 2})
