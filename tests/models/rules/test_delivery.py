"""Rules of delivery: who may serve whom and when, what a batch may hold, when the target is met."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.core.periods import Period
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.delivery import (
    RECORD_FIELDS,
    Assignment,
    Service,
    Slot,
    check_cases_planned,
    check_funded,
    check_services,
    check_staff,
    check_start,
    check_still_open,
    minutes_between,
    percent,
    reach,
    records_digest,
)

TERM = Period(date(2016, 6, 1), date(2017, 6, 1))
TODAY = date(2017, 5, 20)


def policy(region: str = "420200") -> Policy:
    return load_policy_book().resolve(region=region, on=date(2016, 6, 1) if region == "420200" else date(2025, 6, 1))


def service(**changes: Any) -> Service:
    given: dict[str, Any] = {
        "person": "per-1",
        "on": date(2016, 7, 1),
        "start": "09:00",
        "end": "10:30",
        "item": "comfort",
        "staff": "SW-01",
        "corrects": False,
    }
    return Service(**(given | changes))


def assignment(**changes: Any) -> Assignment:
    given: dict[str, Any] = {
        "term": TERM,
        "staff": {"SW-01": True, "SW-02": False},
        "slots": {},
        "recorded_on": TODAY,
    }
    return Assignment(**(given | changes))


def refused(*services: Service, held: Assignment | None = None, region: str = "420200") -> Refusal:
    with pytest.raises(Refusal) as caught:
        check_services(services=services, assignment=held or assignment(), policy=policy(region))
    assert caught.value.code == "delivery.records_refused"
    return caught.value


def test_in_huangshi_nobody_selected_is_left_without_a_case_plan() -> None:
    """HS-07."""
    check_cases_planned(unplanned=0, policy=policy())
    check_cases_planned(unplanned=1, policy=policy("520300"))

    with pytest.raises(Refusal) as caught:
        check_cases_planned(unplanned=1, policy=policy())

    assert (caught.value.rule, caught.value.code) == ("HS-07", "delivery.cases_unplanned")


def test_no_contract_starts_in_zunyi_that_no_money_is_committed_to() -> None:
    """ZY-93, 政府投资条例 art. 22 by reference: the contractor would advance it."""
    check_funded(committed=Money(1), policy=policy("520300"))
    check_funded(committed=Money.ZERO, policy=policy())
    with pytest.raises(Refusal) as caught:
        check_funded(committed=Money.ZERO, policy=policy("520300"))
    assert (caught.value.code, caught.value.rule) == ("delivery.prefinanced", "ZY-93")


def test_a_start_needs_an_issued_plan_line() -> None:
    check_start(line_states=("drafted", "issued"), policy=policy())

    with pytest.raises(Refusal) as caught:
        check_start(line_states=("drafted", "signed"), policy=policy("520300"))

    assert (caught.value.code, caught.value.rule) == ("delivery.no_plan_line", "ZY-76")


def test_a_work_number_is_listed_once() -> None:
    check_staff(refs=("SW-01", "SW-02"), uncertified=(), policy=policy())

    with pytest.raises(Refusal) as caught:
        check_staff(refs=("SW-01", "SW-01"), uncertified=(), policy=policy())

    assert caught.value.facts["staff"] == "SW-01"


@pytest.mark.parametrize(("region", "rule"), [("420200", "HS-49"), ("520300", "SYS-STAFF-QUALIFIED")])
def test_nobody_is_qualified_without_the_number_of_a_certificate(region: str, rule: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_staff(refs=("SW-01",), uncertified=("SW-01",), policy=policy(region))

    assert (caught.value.code, caught.value.rule) == ("delivery.certificate_missing", rule)


def test_records_of_a_contract_that_is_over_are_entered_within_the_days_of_corrections() -> None:
    over = date(2016, 8, 31)
    days = policy().delivery.record_correction_days
    for on in (None, over):
        check_still_open(over_on=on, recorded_on=over + timedelta(days=days), policy=policy())

    with pytest.raises(Refusal) as caught:
        check_still_open(over_on=over, recorded_on=over + timedelta(days=days + 1), policy=policy())

    assert caught.value.code == "delivery.records_closed"


def test_a_service_may_last_until_midnight() -> None:
    assert minutes_between(start="22:00", end="24:00") == 120
    for start, end in (("24:00", "24:00"), ("22:00", "24:30"), ("23:00", "22:00")):
        with pytest.raises(ValueError, match=r"HH:MM|begins"):
            minutes_between(start=start, end=end)


def test_a_proper_service_passes() -> None:
    check_services(services=(service(), service(person="per-2")), assignment=assignment(), policy=policy())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"person": None}, "person"),
        ({"on": date(2016, 5, 31)}, "on"),
        ({"on": date(2017, 6, 1)}, "on"),
        ({"on": date(2017, 5, 21)}, "on"),
        ({"end": "09:00"}, "end"),
        ({"end": "25:00"}, "end"),
        ({"item": "cash"}, "item"),
        ({"staff": "SW-09"}, "staff"),
        ({"staff": "SW-02"}, "staff"),
        ({"corrects": True}, "corrects"),
    ],
)
def test_each_fault_of_a_service_is_named(changes: dict[str, Any], field: str) -> None:
    fault = refused(service(), service(**{"person": "per-2"} | changes))

    assert [(detail.row, detail.field) for detail in fault.details] == [(2, field)]


def test_the_last_day_of_the_term_is_inside_it() -> None:
    held = assignment(recorded_on=date(2017, 6, 30))

    check_services(services=(service(on=date(2017, 5, 31)),), assignment=held, policy=policy())


def test_the_same_person_day_and_start_is_one_record() -> None:
    key = ("per-1", date(2016, 7, 1), "09:00")

    assert refused(service(), service(end="11:00")).details[0].row == 2
    assert refused(service(), held=assignment(slots={key: Slot(0, TODAY)})).details[0].field == "start"


def test_a_correction_needs_a_record_and_comes_in_time() -> None:
    key = ("per-1", date(2016, 7, 1), "09:00")
    in_time = assignment(slots={key: Slot(0, date(2017, 5, 13))})
    late = assignment(slots={key: Slot(0, date(2017, 5, 12))})

    check_services(services=(service(corrects=True),), assignment=in_time, policy=policy())

    assert refused(service(corrects=True), held=late).details[0].field == "corrects"


def test_kinds_of_huangshi_are_unknown_elsewhere() -> None:
    fault = refused(service(), region="520300")

    assert fault.details[0].field == "item"
    check_services(services=(service(item="visit"),), assignment=assignment(), policy=policy("520300"))


def test_all_faults_are_listed_at_once() -> None:
    fault = refused(service(person=None, staff="SW-09"), service(item="cash"))

    assert fault.facts["rows"] == 2
    assert len(fault.details) == 3


@pytest.mark.parametrize(("served", "met"), [(399, False), (400, True), (401, True)])
def test_the_target_itself_is_enough(served: int, met: bool) -> None:
    """A5: 399 of 400 fails, 400 passes."""
    assert reach(served=served, target=400).met is met


def test_without_a_target_nothing_is_met_or_missed() -> None:
    assert reach(served=10, target=None).met is None


def test_minutes_and_percent() -> None:
    assert minutes_between(start="09:05", end="10:00") == 55
    assert percent(part=1, whole=3) == Decimal("33.3")
    assert percent(part=0, whole=0) is None


def test_the_digest_of_a_batch_sees_every_field_and_the_order() -> None:
    row = dict.fromkeys(RECORD_FIELDS, "x")
    digests = {records_digest([row]), records_digest([row, row])}
    digests |= {records_digest([row | {name: "y"}]) for name in RECORD_FIELDS}

    assert len(digests) == len(RECORD_FIELDS) + 2
    assert records_digest([row | {"place": "1"}, row]) != records_digest([row, row | {"place": "1"}])
