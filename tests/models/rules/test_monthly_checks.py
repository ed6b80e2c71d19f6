"""On which days of a month a contract owes its hours."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.periods import Period
from models.rules.monthly_checks import in_force

FEBRUARY = Period(date(2028, 2, 1), date(2028, 3, 1))


@pytest.mark.parametrize(
    ("term", "interrupted", "days"),
    [
        (Period(date(2028, 1, 1), date(2029, 1, 1)), (), [29]),
        (Period(date(2028, 2, 1), date(2028, 3, 1)), (), [29]),
        (Period(date(2028, 2, 29), date(2029, 2, 28)), (), [1]),
        (Period(date(2027, 2, 1), date(2028, 2, 2)), (), [1]),
        (Period(date(2027, 2, 1), date(2028, 2, 1)), (), []),
        (None, (), []),
        (Period(date(2028, 1, 1), date(2029, 1, 1)), (Period(date(2028, 2, 10), date(2028, 2, 20)),), [9, 10]),
        (Period(date(2028, 1, 1), date(2029, 1, 1)), (Period(date(2027, 12, 1)),), []),
        (Period(date(2028, 1, 1), date(2029, 1, 1)), (Period(date(2028, 2, 29)),), [28]),
        (
            Period(date(2028, 2, 5), date(2028, 2, 25)),
            (Period(date(2028, 2, 7), date(2028, 2, 9)), Period(date(2028, 2, 24))),
            [2, 15],
        ),
    ],
)
def test_a_month_is_owed_for_the_days_the_contract_is_performed(
    term: Period | None, interrupted: tuple[Period, ...], days: list[int]
) -> None:
    assert [one.days for one in in_force(month=FEBRUARY, term=term, interrupted=interrupted)] == days
