"""Periods of days: half-open periods, quarters, and month arithmetic of the Civil Code.

Pure calendar arithmetic on ``date``; which days are worked is ``models.core.calendar``. Used by rules, policy (dated
values) and schedules. Never asks what day it is.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from models.core.malformed import malformed


def add_months(day: date, *, months: int) -> date:
    """Return the same day number ``months`` later (or earlier), or the month's last day where there is none.

    Civil Code art. 202. The start day is excluded by this very reckoning: one month from 15 March ends on 15 April.
    Raises ``ValueError`` outside the years 1 to 9999.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Period:
    """Days from ``start`` up to, not including, ``end``; open-ended when ``end`` is ``None``. Never empty."""

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise malformed("period.empty")

    @classmethod
    def through(cls, first: date, last: date) -> Period:
        """Return the period whose first and last days are both included."""
        return cls(first, last + timedelta(days=1))

    @classmethod
    def lasting(cls, start: date, *, months: int) -> Period:
        """Return the period of so many months that begins with ``start``.

        It ends before the same day number; in a month without one, that month's last day is its last (Civil Code
        art. 202): five years from 29 February 2024 go through 28 February 2029.
        """
        day = add_months(start, months=months)
        return cls(start, day if day.day == start.day else day + timedelta(days=1))

    @classmethod
    def aligned(cls, day: date, *, months: int) -> Period:
        """Return the calendar month (1), quarter (3), half-year (6) or year (12) that holds ``day``.

        Raises ``ValueError`` when ``months`` does not divide a year.
        """
        if months < 1 or 12 % months:
            raise ValueError("months must divide a year: 1, 2, 3, 4, 6 or 12")
        start = date(day.year, (day.month - 1) // months * months + 1, 1)
        return cls(start, add_months(start, months=months))

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)

    @property
    def last_day(self) -> date | None:
        """The last day inside, ``None`` when open-ended."""
        return None if self.end is None else self.end - timedelta(days=1)

    @property
    def days(self) -> int:
        """How many days it holds. Raises ``ValueError`` when open-ended."""
        if self.end is None:
            raise ValueError("an open-ended period has no length")
        return (self.end - self.start).days

    def overlaps(self, other: Period) -> bool:
        """Say whether the two share a day. Periods that only touch do not."""
        return self.intersection(other) is not None

    def intersection(self, other: Period) -> Period | None:
        """Return the days shared, ``None`` when there are none."""
        start = max(self.start, other.start)
        ends = [end for end in (self.end, other.end) if end is not None]
        end = min(ends) if ends else None
        return None if end is not None and end <= start else Period(start, end)


_LABEL = re.compile(r"([1-9][0-9]{3})Q([1-4])")


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A quarter of a year, written ``2026Q3``. As a pydantic field it reads and writes that text."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if _LABEL.fullmatch(f"{self.year}Q{self.number}") is None:
            raise malformed("quarter.format")

    @classmethod
    def of(cls, day: date) -> Quarter:
        """Return the quarter that holds ``day``."""
        return cls(day.year, (day.month - 1) // 3 + 1)

    @classmethod
    def parse(cls, label: str) -> Quarter:
        """Return the quarter written ``2026Q3``. Raises ``ValueError`` for any other text."""
        match = _LABEL.fullmatch(label)
        if match is None:
            raise malformed("quarter.format")
        return cls(int(match[1]), int(match[2]))

    @property
    def period(self) -> Period:
        """The days of the quarter."""
        return Period.aligned(self.first_day, months=3)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.number * 3 - 2, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return add_months(self.first_day, months=3) - timedelta(days=1)

    @property
    def label(self) -> str:
        """``2026Q3``."""
        return f"{self.year}Q{self.number}"

    def __str__(self) -> str:
        return self.label

    def next(self) -> Quarter:
        """Return the quarter after this one."""
        return Quarter.of(add_months(self.first_day, months=3))

    def previous(self) -> Quarter:
        """Return the quarter before this one."""
        return Quarter.of(add_months(self.first_day, months=-3))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        from_text = core_schema.no_info_after_validator_function(
            cls.parse, core_schema.str_schema(pattern=f"^{_LABEL.pattern}$")
        )
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_text]),
            serialization=core_schema.to_string_ser_schema(),
        )
