"""Which days are worked, and when a legal period ends (Civil Code arts. 201–203).

The days come from ``calendar.yaml`` beside this module: per year the days off and make-up workdays, and the State
Council notices behind them. A day of an unpublished year is answered Monday to Friday and marked provisional; the mark
travels with every date derived from it, so that a deadline is never guessed silently. Used by rules and sweeps; never
asks what day it is.

Counting: the start day is excluded; a period ending on a day off ends on the next workday (art. 203).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Generic, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict

from models.core.periods import Period, add_months

T = TypeVar("T")
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """An answer that depends on the calendar. ``provisional``: a day of an unpublished year was looked at.

    It has no truth value on purpose: ``if calendar.is_workday(day)`` would always hold. Read ``value``.
    """

    value: T
    provisional: bool

    def __bool__(self) -> bool:
        raise TypeError("read .value (and look at .provisional)")


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a period. ``provisional``: it may move when the missing year is published."""

    date: date
    provisional: bool


class Notice(BaseModel):
    """A State Council notice. ``number`` is ``None`` where no copy carrying it was read; ``seen`` is the copy read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    number: str | None
    issued: date
    governs: tuple[int, ...]
    seen: str | None


class _DaysOff(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    first: date
    last: date

    def days(self) -> list[date]:
        return [self.first + timedelta(days=offset) for offset in range(Period.through(self.first, self.last).days)]


class _Year(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    holidays: tuple[_DaysOff, ...]
    workdays: tuple[date, ...]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    notices: tuple[Notice, ...]
    years: dict[int, _Year]


@dataclass(frozen=True)
class WorkCalendar:
    """The published years, the days in them that depart from the plain week, and the notices behind them."""

    years: frozenset[int]
    holidays: Mapping[date, str]
    make_up_workdays: frozenset[date]
    notices: tuple[Notice, ...]

    def is_workday(self, day: date) -> Dated[bool]:
        """Say whether ``day`` is worked. Never raises; outside the published years Monday to Friday, provisional."""
        worked = day in self.make_up_workdays or (day not in self.holidays and day.weekday() < _SATURDAY)
        return Dated(worked, provisional=day.year not in self.years)

    def roll_forward(self, day: date) -> Due:
        """Return ``day``, or the first workday after it when it is a day off (Civil Code art. 203)."""
        provisional = False
        while True:
            answer = self.is_workday(day)
            provisional |= answer.provisional
            if answer.value:
                return Due(day, provisional)
            day += _ONE_DAY

    def add_working_days(self, start: date, *, days: int) -> Due:
        """Return the ``days``-th workday after ``start``; ``start`` itself is not counted.

        Raises ``ValueError`` for less than one day.
        """
        if days < 1:
            raise ValueError("a period of working days has at least one day")
        due, provisional = start, False
        while days:
            due += _ONE_DAY
            answer = self.is_workday(due)
            provisional |= answer.provisional
            days -= answer.value
        return Due(due, provisional)

    def days_after(self, start: date, *, days: int, roll: bool) -> Due:
        """Return the end of a period of natural days, rolled over days off where ``roll`` says so."""
        return self._end(start + timedelta(days=days), roll=roll)

    def months_after(self, start: date, *, months: int, roll: bool) -> Due:
        """Return the end of a period of months (art. 202), rolled over days off where ``roll`` says so.

        Whether a period rolls is policy. Unrolled, the date does not depend on the calendar and is never provisional.
        """
        return self._end(add_months(start, months=months), roll=roll)

    def working_days_between(self, start: date, end: date) -> Dated[int]:
        """Return how many workdays were used from ``start`` (not counted) to ``end`` (counted).

        The inverse of ``add_working_days``. Raises ``ValueError`` when ``end`` is before ``start``.
        """
        if end < start:
            raise ValueError("end is before start")
        return (
            Dated(0, provisional=False) if end == start else self.working_days_in(Period.through(start + _ONE_DAY, end))
        )

    def working_days_in(self, period: Period) -> Dated[int]:
        """Return how many workdays a period holds. Raises ``ValueError`` when it is open-ended."""
        answers = [self.is_workday(period.start + timedelta(days=offset)) for offset in range(period.days)]
        return Dated(sum(answer.value for answer in answers), any(answer.provisional for answer in answers))

    def notices_for(self, year: int) -> tuple[Notice, ...]:
        """Return the notices that set days of ``year``, oldest first; empty for an unpublished year."""
        return tuple(notice for notice in self.notices if year in notice.governs)

    def _end(self, day: date, *, roll: bool) -> Due:
        return self.roll_forward(day) if roll else Due(day, provisional=False)


def read_calendar(text: str) -> WorkCalendar:
    """Return the calendar written as YAML in ``text`` (shape: ``calendar.yaml``).

    Raises ``ValueError`` for unknown keys, a day under the wrong year, a make-up workday on a weekday or on a day off,
    and a year without a notice.
    """
    file = _File.model_validate(yaml.safe_load(text))
    holidays: dict[date, str] = {}
    make_up: set[date] = set()
    for year, entry in file.years.items():
        off = {day: run.name for run in entry.holidays for day in run.days()}
        wrong = [day for day in (*off, *entry.workdays) if day.year != year]
        wrong += [day for day in entry.workdays if day in off or day.weekday() < _SATURDAY]
        if wrong:
            raise ValueError(f"calendar of {year}: misplaced days {sorted(map(str, wrong))}")
        if not any(year in notice.governs for notice in file.notices):
            raise ValueError(f"calendar of {year}: no notice governs it")
        holidays |= off
        make_up |= set(entry.workdays)
    return WorkCalendar(frozenset(file.years), holidays, frozenset(make_up), file.notices)


@cache
def load_calendar() -> WorkCalendar:
    """Return the calendar shipped with the package, read once."""
    return read_calendar(resources.files("models.core").joinpath("calendar.yaml").read_text("utf-8"))
