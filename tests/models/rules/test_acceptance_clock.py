"""The acceptance clock on the vectors of the calendar: month ends, holidays, make-up workdays, unpublished years."""

from __future__ import annotations

from datetime import date

import pytest

from models.core.calendar import load_calendar
from models.policy.resolver import load_policy_book
from models.queries.acceptance import CLOCK_STATES
from models.rules.acceptance import COMPREHENSIVE, SELF_CHECK, due_of
from models.rules.lifecycle import TRANSITIONS, Thing

_VECTORS = {
    "plain day": ("2024-03-05", "2024-06-05"),
    "30 November ends on the last of a leap February": ("2023-11-30", "2024-02-29"),
    "30 November ends on the last of a short February": ("2024-11-30", "2025-02-28"),
    "31 January has no 31 April": ("2024-01-31", "2024-04-30"),
    "a Saturday that is worked stays": ("2024-06-14", "2024-09-14"),
    "a Sunday that is worked stays": ("2024-06-29", "2024-09-29"),
    "the Saturday after National Day is worked": ("2024-07-12", "2024-10-12"),
    "Mid-Autumn rolls to the 18th": ("2024-06-15", "2024-09-18"),
    "National Day rolls to the 8th": ("2024-07-01", "2024-10-08"),
    "the Sunday before Spring Festival is worked": ("2024-10-26", "2025-01-26"),
    "Spring Festival rolls to 5 February": ("2024-10-28", "2025-02-05"),
    "the Saturday after Spring Festival is worked": ("2024-11-08", "2025-02-08"),
    "Qingming rolls over the weekend": ("2025-01-04", "2025-04-07"),
    "Labour Day rolls to the 6th": ("2025-02-01", "2025-05-06"),
    "the Sunday before Labour Day is worked": ("2025-01-27", "2025-04-27"),
    "Dragon Boat rolls to 3 June": ("2025-02-28", "2025-05-28"),
    "Dragon Boat on the last of May": ("2025-03-01", "2025-06-03"),
    "eight days of October 2025": ("2025-07-02", "2025-10-09"),
    "31 January 2026 is a Saturday": ("2025-10-31", "2026-02-02"),
    "Spring Festival 2026 rolls to the 24th": ("2025-11-15", "2026-02-24"),
    "28 February 2026 is a worked Saturday": ("2025-11-30", "2026-02-28"),
    "Dragon Boat 2026 rolls to the Monday": ("2026-03-19", "2026-06-22"),
    "National Day 2026 rolls to the 8th": ("2026-07-02", "2026-10-08"),
    "Mid-Autumn 2026 rolls to the Monday": ("2026-06-25", "2026-09-28"),
}


@pytest.mark.parametrize("kind", [SELF_CHECK, COMPREHENSIVE])
@pytest.mark.parametrize(("completed", "due"), _VECTORS.values(), ids=_VECTORS)
def test_three_calendar_months_from_completion_rolled_over_days_off(kind: str, completed: str, due: str) -> None:
    """ZY-95 and decision 17; the days are those of domain.md 4-Q."""
    done = date.fromisoformat(completed)
    policy = load_policy_book().resolve(region="520300", on=date(2024, 8, 1) if done < date(2024, 8, 1) else done)

    found = due_of(kind=kind, completed_on=done, calendar=load_calendar(), policy=policy)

    assert (found.date, found.provisional) == (date.fromisoformat(due), False)


@pytest.mark.parametrize("state", CLOCK_STATES)
def test_once_the_clocks_run_nothing_defers_or_stops_the_project(state: str) -> None:
    """So no ladder of theirs has to rest: the midterm decides on what is under way only."""
    moves = {move.command for move in TRANSITIONS if move.thing is Thing.PROJECT and state in move.sources}

    assert moves
    assert not any(command.startswith("midterm.") for command in moves)


def test_a_year_nobody_published_gives_a_provisional_date() -> None:
    """2027 is not known: the plain week is taken, and the mark says so."""
    policy = load_policy_book().resolve(region="520300", on=date(2026, 10, 5))

    found = due_of(kind=SELF_CHECK, completed_on=date(2026, 10, 5), calendar=load_calendar(), policy=policy)

    assert (found.date, found.provisional) == (date(2027, 1, 5), True)
