"""The working-day calendar: the data file, the counting rules of the Civil Code, and the provisional mark.

Vectors: domain.md §4-Q and §5.2 (C1, C2).
"""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.calendar import Due, load_calendar, read_calendar
from models.core.identifiers import parse_document_number
from models.core.periods import Period

CALENDAR = load_calendar()
FIRST, LAST = date(2015, 1, 1), date(2026, 12, 31)
ALL_DAYS = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days + 1)]
PUBLISHED = st.dates(FIRST, date(2026, 6, 30))


def _due(day: date) -> Due:
    return Due(day, provisional=False)


def test_file_agrees_with_an_independent_library_on_every_day() -> None:
    wrong = [day for day in ALL_DAYS if CALENDAR.is_workday(day).value != chinese_calendar.is_workday(day)]
    assert len(ALL_DAYS) == 4383
    assert wrong == []
    assert not any(CALENDAR.is_workday(day).provisional for day in ALL_DAYS)


def test_file_covers_the_years_and_names_a_notice_for_each() -> None:
    assert CALENDAR.years == frozenset(range(2015, 2027))
    assert all(CALENDAR.notices_for(year) for year in CALENDAR.years)
    assert CALENDAR.notices_for(2027) == ()
    assert [notice.number for notice in CALENDAR.notices_for(2026)] == ["国办发明电〔2025〕7号"]


def test_notice_numbers_are_well_formed_and_stand_only_with_a_copy_seen() -> None:
    for notice in CALENDAR.notices:
        assert (notice.number is None) == (notice.seen is None)
        if notice.number is not None:
            assert parse_document_number(notice.number).year == notice.issued.year


@pytest.mark.parametrize(
    ("off", "work"),
    [
        (
            [(date(2024, 9, 15), date(2024, 9, 17)), (date(2024, 10, 1), date(2024, 10, 7))],
            [date(2024, 9, 14), date(2024, 9, 29), date(2024, 10, 12)],
        ),
        (
            [
                (date(2025, 1, 1), date(2025, 1, 1)),
                (date(2025, 1, 28), date(2025, 2, 4)),
                (date(2025, 4, 4), date(2025, 4, 6)),
                (date(2025, 5, 1), date(2025, 5, 5)),
                (date(2025, 5, 31), date(2025, 6, 2)),
                (date(2025, 10, 1), date(2025, 10, 8)),
            ],
            [date(2025, 1, 26), date(2025, 2, 8), date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11)],
        ),
        (
            [
                (date(2026, 1, 1), date(2026, 1, 3)),
                (date(2026, 2, 15), date(2026, 2, 23)),
                (date(2026, 4, 4), date(2026, 4, 6)),
                (date(2026, 5, 1), date(2026, 5, 5)),
                (date(2026, 6, 19), date(2026, 6, 21)),
                (date(2026, 9, 25), date(2026, 9, 27)),
                (date(2026, 10, 1), date(2026, 10, 7)),
            ],
            [
                date(2026, 1, 4),
                date(2026, 2, 14),
                date(2026, 2, 28),
                date(2026, 5, 9),
                date(2026, 9, 20),
                date(2026, 10, 10),
            ],
        ),
    ],
    ids=["2024", "2025", "2026"],
)
def test_days_named_in_the_domain_file(off: list[tuple[date, date]], work: list[date]) -> None:
    for first, last in off:
        assert CALENDAR.working_days_in(Period.through(first, last)).value == 0
    assert all(CALENDAR.is_workday(day).value for day in work)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2025, 11, 30), date(2026, 2, 28)),  # a Saturday, but a make-up workday: no roll
        (date(2025, 10, 31), date(2026, 2, 2)),
        (date(2025, 11, 15), date(2026, 2, 24)),
        (date(2026, 7, 2), date(2026, 10, 8)),
    ],
)
def test_three_months_end_on_the_same_day_number_and_roll_over_days_off(start: date, end: date) -> None:
    assert CALENDAR.months_after(start, months=3, roll=True) == _due(end)


def test_months_stay_where_policy_does_not_roll() -> None:
    assert CALENDAR.months_after(date(2025, 10, 31), months=3, roll=False) == _due(date(2026, 1, 31))
    assert CALENDAR.days_after(date(2026, 9, 1), days=30, roll=False) == _due(date(2026, 10, 1))
    assert CALENDAR.days_after(date(2026, 9, 1), days=30, roll=True) == _due(date(2026, 10, 8))


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (date(2026, 9, 24), 5, date(2026, 10, 9)),
        (date(2026, 9, 24), 7, date(2026, 10, 12)),
        (date(2024, 9, 13), 5, date(2024, 9, 23)),
        (date(2025, 1, 24), 5, date(2025, 2, 7)),
    ],
)
def test_working_days_exclude_the_start_and_count_make_up_days(start: date, days: int, end: date) -> None:
    assert CALENDAR.add_working_days(start, days=days) == _due(end)
    assert CALENDAR.working_days_between(start, end).value == days


def test_c1_fengze_due_dates_are_workdays_so_rolling_moves_none() -> None:
    fixed = [(2024, 9, 30), (2024, 10, 31), (2024, 12, 31), (2025, 2, 28), (2025, 4, 30), (2025, 7, 31)]
    for due in (date(*parts) for parts in fixed):
        assert CALENDAR.roll_forward(due) == _due(due)


def test_c2_fengze_leaves_seven_workdays_from_issue_to_the_survey_deadline() -> None:
    issued, deadline = date(2024, 9, 23), date(2024, 9, 30)
    assert CALENDAR.is_workday(date(2024, 9, 29)).value  # a Sunday
    assert CALENDAR.working_days_in(Period.through(issued, deadline)).value == 7
    assert CALENDAR.working_days_between(issued, deadline).value == 6  # counted as a legal period: issue day excluded


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2014, 12, 31), True),
        (date(2027, 1, 1), True),  # surely a holiday, but nobody has published it: hence provisional
        (date(2027, 1, 2), False),
        (date(1999, 10, 1), True),
        (date(2100, 1, 2), False),
    ],
)
def test_unpublished_years_answer_the_plain_week_provisionally(day: date, worked: bool) -> None:
    answer = CALENDAR.is_workday(day)
    assert (answer.value, answer.provisional) == (worked, True)


def test_the_provisional_mark_travels_with_the_date() -> None:
    last = date(2026, 12, 31)
    assert not CALENDAR.is_workday(last).provisional
    assert CALENDAR.add_working_days(date(2026, 12, 30), days=1) == _due(last)
    assert CALENDAR.add_working_days(date(2026, 12, 30), days=2) == Due(date(2027, 1, 1), provisional=True)
    assert CALENDAR.months_after(date(2026, 11, 30), months=3, roll=True) == Due(date(2027, 3, 1), provisional=True)
    assert CALENDAR.working_days_between(last, date(2027, 1, 5)).provisional
    assert not CALENDAR.working_days_between(date(2026, 12, 1), last).provisional
    assert CALENDAR.add_working_days(date(2014, 12, 30), days=2).provisional


def test_an_unrolled_month_period_needs_no_calendar() -> None:
    assert CALENDAR.months_after(date(2026, 12, 15), months=3, roll=False) == _due(date(2027, 3, 15))


def test_an_answer_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="value"):
        bool(CALENDAR.is_workday(date(2026, 10, 1)))


@pytest.mark.parametrize("days", [0, -1])
def test_a_period_of_working_days_has_at_least_one(days: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        CALENDAR.add_working_days(date(2026, 1, 5), days=days)


def test_days_between_run_forward() -> None:
    assert CALENDAR.working_days_between(date(2026, 1, 5), date(2026, 1, 5)).value == 0
    with pytest.raises(ValueError, match="before"):
        CALENDAR.working_days_between(date(2026, 1, 6), date(2026, 1, 5))


@given(start=PUBLISHED, days=st.integers(1, 60))
def test_adding_and_counting_working_days_are_inverse(start: date, days: int) -> None:
    due = CALENDAR.add_working_days(start, days=days)
    assert due.date > start
    assert CALENDAR.is_workday(due.date).value
    assert CALENDAR.working_days_between(start, due.date).value == days
    assert CALENDAR.add_working_days(start, days=days + 1).date > due.date


@given(day=PUBLISHED)
def test_rolling_reaches_the_nearest_workday(day: date) -> None:
    rolled = CALENDAR.roll_forward(day)
    assert CALENDAR.roll_forward(rolled.date) == rolled
    assert not any(
        CALENDAR.is_workday(day + timedelta(days=offset)).value for offset in range((rolled.date - day).days)
    )


_NOTICE = "notices: [{title: 合成通知, number: null, issued: 2026-11-01, governs: [2027], seen: null}]\n"


def test_a_published_year_settles_what_was_provisional() -> None:
    calendar = read_calendar(
        _NOTICE
        + "years: {2027: {holidays: [{name: 元旦, first: 2027-01-01, last: 2027-01-03}], workdays: [2027-01-09]}}"
    )
    assert calendar.add_working_days(date(2027, 1, 1), days=6) == _due(date(2027, 1, 9))
    assert calendar.holidays[date(2027, 1, 3)] == "元旦"


@pytest.mark.parametrize(
    ("year", "reason"),
    [
        (
            "2027: {holidays: [{name: 元旦, first: 2026-12-31, last: 2027-01-03}], workdays: []}",
            "misplaced.*2026-12-31",
        ),
        ("2027: {holidays: [], workdays: [2027-01-04]}", "misplaced.*2027-01-04"),  # a Monday is worked anyway
        (
            "2027: {holidays: [{name: 元旦, first: 2027-01-01, last: 2027-01-03}], workdays: [2027-01-02]}",
            "misplaced.*2027-01-02",
        ),
        ("2027: {holidays: [{name: 元旦, first: 2027-01-03, last: 2027-01-01}], workdays: []}", "结束日期"),
        ("2027: {holidays: [], workdays: [], note: 1}", "note"),
        ("2028: {holidays: [], workdays: []}", "no notice"),
    ],
)
def test_a_broken_calendar_file_is_refused(year: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_calendar(f"{_NOTICE}years: {{{year}}}")
