"""Half-open periods, quarters and the month arithmetic of the Civil Code."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.core.periods import Period, Quarter, add_months

DAYS = st.dates(date(1950, 1, 1), date(2100, 12, 31))
PERIODS = st.builds(lambda start, days: Period(start, start + timedelta(days=days)), DAYS, st.integers(1, 800))
OPEN_OR_CLOSED = st.one_of(PERIODS, DAYS.map(Period))


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2025, 10, 31), 3, date(2026, 1, 31)),
        (date(2025, 11, 15), 3, date(2026, 2, 15)),
        (date(2023, 11, 30), 3, date(2024, 2, 29)),
        (date(2026, 2, 28), 1, date(2026, 3, 28)),
        (date(2024, 9, 20), 12, date(2025, 9, 20)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_add_months_keeps_the_day_number_or_takes_the_month_end(day: date, months: int, expected: date) -> None:
    assert add_months(day, months=months) == expected


@given(day=DAYS, months=st.integers(-600, 600))
def test_add_months_lands_in_the_right_month(day: date, months: int) -> None:
    landed = add_months(day, months=months)
    assert (landed.year * 12 + landed.month) - (day.year * 12 + day.month) == months
    assert landed.day == min(day.day, calendar.monthrange(landed.year, landed.month)[1])


@given(day=DAYS, later=st.integers(0, 400), months=st.integers(0, 120))
def test_add_months_keeps_order(day: date, later: int, months: int) -> None:
    assert add_months(day, months=months) <= add_months(day + timedelta(days=later), months=months)


def test_period_holds_its_start_and_not_its_end() -> None:
    period = Period(date(2026, 7, 1), date(2026, 10, 1))
    assert date(2026, 7, 1) in period
    assert date(2026, 9, 30) in period
    assert date(2026, 10, 1) not in period
    assert period.last_day == date(2026, 9, 30)
    assert period.days == 92
    assert Period.through(date(2026, 7, 1), date(2026, 9, 30)) == period


def test_open_period_never_ends() -> None:
    period = Period(date(2025, 9, 1))
    assert date.max in period
    assert period.last_day is None
    with pytest.raises(ValueError, match="open-ended"):
        _ = period.days


@pytest.mark.parametrize("end", [date(2026, 1, 1), date(2025, 12, 31)])
def test_empty_period_is_refused(end: date) -> None:
    with pytest.raises(ValueError, match="结束日期") as caught:
        Period(date(2026, 1, 1), end)
    assert caught.value.type == "period.empty"  # type: ignore[attr-defined]


def test_touching_periods_do_not_overlap() -> None:
    first, second = Period(date(2026, 1, 1), date(2026, 2, 1)), Period(date(2026, 2, 1), date(2026, 3, 1))
    assert not first.overlaps(second)
    assert first.intersection(second) is None


@given(left=OPEN_OR_CLOSED, right=OPEN_OR_CLOSED, day=DAYS)
def test_intersection_holds_exactly_the_shared_days(left: Period, right: Period, day: date) -> None:
    shared = left.intersection(right)
    assert shared == right.intersection(left)
    assert left.overlaps(right) == (shared is not None)
    assert (shared is not None and day in shared) == (day in left and day in right)


@pytest.mark.parametrize(
    ("start", "months", "last"),
    [
        (date(2025, 4, 1), 60, date(2030, 3, 31)),
        (date(2024, 2, 29), 60, date(2029, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 28)),
        (date(2023, 2, 28), 12, date(2024, 2, 27)),
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
    ],
)
def test_a_period_of_months_goes_through_the_day_before_or_the_last_of_a_shorter_month(
    start: date, months: int, last: date
) -> None:
    """Civil Code art. 202."""
    assert Period.lasting(start, months=months) == Period.through(start, last)


@pytest.mark.parametrize(
    ("months", "start", "end"),
    [
        (1, date(2026, 8, 1), date(2026, 9, 1)),
        (3, date(2026, 7, 1), date(2026, 10, 1)),
        (6, date(2026, 7, 1), date(2027, 1, 1)),
        (12, date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_aligned_periods_follow_the_year(months: int, start: date, end: date) -> None:
    assert Period.aligned(date(2026, 8, 31), months=months) == Period(start, end)


@pytest.mark.parametrize("months", [0, 5, 24, -3])
def test_aligned_periods_must_divide_a_year(months: int) -> None:
    with pytest.raises(ValueError, match="divide a year"):
        Period.aligned(date(2026, 8, 31), months=months)


def test_quarter_of_a_day() -> None:
    quarter = Quarter.of(date(2026, 8, 31))
    assert quarter == Quarter(2026, 3) == Quarter.parse("2026Q3")
    assert quarter.label == str(quarter) == "2026Q3"
    assert (quarter.first_day, quarter.last_day) == (date(2026, 7, 1), date(2026, 9, 30))
    assert quarter.next() == Quarter(2026, 4)
    assert quarter.next().next() == Quarter(2027, 1)
    assert Quarter(2026, 1).previous() == Quarter(2025, 4)
    assert Quarter(2025, 4) < Quarter(2026, 1)


@pytest.mark.parametrize("label", ["2026Q5", "2026Q0", "2026q3", "26Q3", "2026-Q3", "", "2026Q33", "２０２６Q3"])
def test_quarter_refuses_other_labels(label: str) -> None:
    with pytest.raises(ValueError, match="季度"):
        Quarter.parse(label)


def test_quarter_refuses_a_fifth_quarter() -> None:
    with pytest.raises(ValueError, match="季度"):
        Quarter(2026, 5)


@given(day=DAYS)
def test_each_day_is_in_its_quarter_only(day: date) -> None:
    quarter = Quarter.of(day)
    assert day in quarter.period
    assert quarter.period.last_day == quarter.last_day
    assert day not in quarter.next().period
    assert quarter.next().first_day == quarter.last_day + timedelta(days=1)
    assert Quarter.parse(quarter.label) == quarter
    assert quarter.next().previous() == quarter


def test_quarter_and_period_travel_as_json() -> None:
    quarters = TypeAdapter(Quarter)
    assert quarters.validate_json('"2026Q3"') == Quarter(2026, 3)
    assert quarters.validate_python(Quarter(2026, 3)) == Quarter(2026, 3)
    assert quarters.dump_json(Quarter(2026, 3)) == b'"2026Q3"'
    assert quarters.json_schema()["type"] == "string"
    with pytest.raises(ValidationError):
        quarters.validate_json('"2026Q9"')
    periods = TypeAdapter(Period)
    assert periods.validate_json('{"start": "2026-07-01", "end": null}') == Period(date(2026, 7, 1))
    with pytest.raises(ValidationError):
        periods.validate_json('{"start": "2026-07-01", "end": "2026-07-01"}')
