"""Rules of the midterm evaluation: strictly over five years, in its window, decided again before it takes effect."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.core.actors import Role
from models.core.errors import Refusal
from models.core.money import Money
from models.core.periods import Period
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules import midterm as rules
from models.rules.midterm import Disposition, Timing

START = date(2025, 4, 1)


def policy(region: str = "520300") -> Policy:
    return load_policy_book().resolve(region=region, on=START)


def refused(function: Any, **arguments: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        function(**arguments)
    return caught.value


def test_exactly_five_years_owe_none_and_a_day_more_does() -> None:
    """ZY-101: strict; the last day of a planned period is inside."""
    five = Period.through(START, date(2030, 3, 31))
    longer = Period.through(START, date(2030, 4, 1))

    assert rules.window_of(term=five, started_on=START, policy=policy()) is None
    window = rules.window_of(term=longer, started_on=START, policy=policy())
    assert window is not None
    assert (window.start, window.last_day) == (date(2027, 4, 1), date(2028, 4, 1))
    assert rules.window_of(term=longer, started_on=START, policy=policy("110000")) is None
    assert rules.window_of(term=None, started_on=START, policy=policy()) is None


def test_a_leap_day_counts_like_the_last_of_february() -> None:
    """Five years from 29 February 2024 go through 28 February 2029; the window opens on 28 February."""
    leap = date(2024, 2, 29)

    assert rules.window_of(term=Period.through(leap, date(2029, 2, 28)), started_on=leap, policy=policy()) is None
    window = rules.window_of(term=Period.through(leap, date(2029, 3, 1)), started_on=leap, policy=policy())
    assert window is not None
    assert (window.start, window.last_day) == (date(2026, 2, 28), date(2027, 2, 28))
    into = Period.through(date(2023, 2, 28), date(2028, 2, 28))  # 28 February 2028 is a day more than five years
    assert rules.window_of(term=into, started_on=into.start, policy=policy()) is not None


def test_an_evaluation_is_in_its_window_late_or_refused_as_too_early() -> None:
    """Both ends are inside; what owes none is voluntary."""
    window = Period.through(date(2027, 4, 1), date(2028, 4, 1))

    assert rules.timing(window=window, on=date(2027, 4, 1), policy=policy()) is Timing.IN_WINDOW
    assert rules.timing(window=window, on=date(2028, 4, 1), policy=policy()) is Timing.IN_WINDOW
    assert rules.timing(window=window, on=date(2028, 4, 2), policy=policy()) is Timing.LATE
    assert rules.timing(window=None, on=START, policy=policy()) is Timing.VOLUNTARY
    assert rules.timing(window=window, on=date(2027, 3, 31), changed=True, policy=policy()) is Timing.VOLUNTARY
    assert rules.timing(window=window, on=date(2027, 4, 1), changed=True, policy=policy()) is Timing.IN_WINDOW
    assert refused(rules.timing, window=window, on=date(2027, 3, 31), policy=policy()).rule == "ZY-101"


def test_both_findings_are_reasoned() -> None:
    """ZY-102."""
    both: dict[str, Any] = {"effectiveness": "有效", "remaining_funding": "可靠"}

    rules.check_findings(reasons=both, policy=policy())

    fault = refused(rules.check_findings, reasons=both | {"remaining_funding": " "}, policy=policy())
    assert (fault.code, fault.rule) == ("midterm.finding_missing", "ZY-102")
    assert refused(rules.check_findings, reasons=both | {"x": "y"}, policy=policy()).rule == "SYS-CODE-LIST"
    assert refused(rules.check_findings, reasons=both, policy=policy("110000")).code == "midterm.not_here"


def test_an_analysis_leads_to_one_of_four_dispositions() -> None:
    """ZY-103."""
    for code in Disposition:
        assert rules.check_disposition(disposition=code, analysed=True, policy=policy()) is code

    assert refused(rules.check_disposition, disposition="SELL", analysed=True, policy=policy()).rule == "ZY-103"
    assert refused(rules.check_disposition, disposition="STOP", analysed=False, policy=policy()).rule == "ZY-103"


@pytest.mark.parametrize(("assured", "changed"), [(False, False), (True, True)])
def test_without_assured_funds_or_under_changed_conditions_there_is_a_plan(assured: bool, changed: bool) -> None:
    """ZY-105."""
    case: dict[str, Any] = {"funds_assured": assured, "conditions_changed": changed, "policy": policy()}

    rules.check_plan(planned=True, **case)
    rules.check_plan(planned=False, funds_assured=True, conditions_changed=False, policy=policy())

    assert refused(rules.check_plan, planned=False, **case).rule == "ZY-105"


def test_the_body_that_decided_decides_again_after_hearing_departments_and_locality() -> None:
    """ZY-104."""
    rules.check_assessed(assessed=True, decided=False, policy=policy())
    rules.check_authority(role=Role.CITY_BUREAU, authority="city_bureau", policy=policy())
    rules.check_consulted(kinds={"department", "locality"}, policy=policy())

    assert refused(rules.check_assessed, assessed=False, decided=False, policy=policy()).rule == "ZY-104"
    assert refused(rules.check_assessed, assessed=True, decided=True, policy=policy()).rule == "ZY-104"
    assert refused(rules.check_authority, role=Role.DRC, authority="city_bureau", policy=policy()).rule == "ZY-104"
    assert refused(rules.check_consulted, kinds={"department"}, policy=policy()).rule == "ZY-104"


def test_nobody_served_is_left_without_an_owner() -> None:
    """ZY-28: the refusal says how many and what to do."""
    rules.check_owned(unowned=0, successor=False, team=False, policy=policy())
    rules.check_owned(unowned=3, successor=True, team=True, policy=policy())

    fault = refused(rules.check_owned, unowned=3, successor=False, team=False, policy=policy())
    assert fault.rule == "ZY-28"
    assert "3 名" in fault.message
    assert "delivery.log_referral" in fault.way_out
    assert refused(rules.check_owned, unowned=3, successor=True, team=False, policy=policy()).code == "midterm.no_team"


def test_a_conversion_names_another_project_of_the_place() -> None:
    case: dict[str, Any] = {"disposition": Disposition.CONVERT, "other": True, "same_region": True}

    rules.check_successor(named=True, **case)

    assert refused(rules.check_successor, named=False, **case).code == "midterm.successor_missing"
    for change in ({"other": False}, {"same_region": False}, {"disposition": Disposition.DEFER}):
        assert refused(rules.check_successor, named=True, **{**case, **change}).code == "midterm.successor_wrong"


def test_no_more_is_demanded_back_than_was_paid() -> None:
    rules.check_demand(amount=Money(5), paid=Money(5))

    assert refused(rules.check_demand, amount=Money(6), paid=Money(5)).code == "midterm.over_demand"


def test_no_service_is_recorded_for_the_days_a_project_is_deferred() -> None:
    """The day of the deferral is the first without service."""
    since = date(2027, 6, 8)

    deferrals = [Period(date(2027, 2, 1), date(2027, 3, 1)), Period(since)]

    rules.check_served_before(days=[date(2027, 3, 1), date(2027, 6, 7)], deferrals=deferrals, policy=policy())
    rules.check_served_before(days=[since], deferrals=[], policy=policy())

    for day, begun in ((date(2027, 2, 28), "2027-02-01"), (since, "2027-06-08")):
        days = [date(2027, 6, 7), day]
        fault = refused(rules.check_served_before, days=days, deferrals=deferrals, policy=policy())
        assert (fault.code, fault.rule) == ("midterm.served_while_deferred", "ZY-104")
        assert fault.facts == {"records": 1, "since": begun}
