"""Queries, challenges, complaints: in time or too late, answered within the working days of law, suspension."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.calendar import load_calendar
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.disputes import answer_by, check_in_time, check_kind, suspended_until

MONDAY = date(2025, 3, 3)
POLICY = load_policy_book().resolve(region="520300", on=MONDAY)
CALENDAR = load_calendar()


@pytest.mark.parametrize(
    ("kind", "due"),
    [("query", date(2025, 3, 6)), ("challenge", date(2025, 3, 12)), ("complaint", date(2025, 4, 15))],
)
def test_each_kind_has_its_last_day(kind: str, due: date) -> None:
    """Three, seven and thirty working days; Qingming lies within the thirty."""
    found, _leaf = answer_by(kind=kind, on=MONDAY, policy=POLICY, calendar=CALENDAR)

    assert found.date == due


@pytest.mark.parametrize(
    ("kind", "last", "rule"),
    [("challenge", date(2025, 3, 12), "LAW-ZFCG-52"), ("complaint", date(2025, 3, 24), "LAW-ZFCG-55")],
)
def test_a_day_late_is_too_late(kind: str, last: date, rule: str) -> None:
    call = {"kind": kind, "since": MONDAY, "policy": POLICY, "calendar": CALENDAR}
    check_in_time(on=last, **call)

    with pytest.raises(Refusal) as caught:
        check_in_time(on=date.fromordinal(last.toordinal() + 1), **call)
    assert (caught.value.rule, caught.value.code) == (rule, "procurement.dispute_late")


def test_a_complaint_follows_a_challenge_and_a_query_needs_nothing() -> None:
    check_in_time(kind="query", on=MONDAY, since=None, policy=POLICY, calendar=CALENDAR)

    with pytest.raises(Refusal, match="没有提出过质疑"):
        check_in_time(kind="complaint", on=MONDAY, since=None, policy=POLICY, calendar=CALENDAR)
    with pytest.raises(Refusal, match="没有这样的类别"):
        check_kind(kind="letter")


def test_a_suspension_lasts_thirty_days_at_most() -> None:
    assert suspended_until(on=MONDAY, days=30, policy=POLICY) == date(2025, 4, 2)

    with pytest.raises(Refusal) as caught:
        suspended_until(on=MONDAY, days=31, policy=POLICY)
    assert caught.value.rule == "LAW-ZFCG-57"
