"""The leaves that belong to no stage: duties, books and tickets; ``sections`` reads them.

Called by ``sections`` only. Must never hold a value: values live in ``regions/<code>/{duties,books,tickets}.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from models.policy.books import Book, BookTable
from models.policy.duties import Duty, DutyTable
from models.policy.tickets import TicketTable
from models.policy.values import Count, Days, Flag, Labels

_THEMES: Final = (
    "planning",
    "direction",
    "pilot",
    "training",
    "publicity",
    "allowance",
    "assessment",
    "goals",
    "budget",
)
_BOOKS: Final = (
    "venues",
    "windows",
    "staff",
    "tasks",
    "review",
    "publicity",
    "standards",
    "assets",
    "funds",
    "practice",
    "issues",
)


@dataclass(frozen=True, kw_only=True)
class Duties:
    """Around the stages. Unset where no source of the region speaks of it.

    The tables of duties are one leaf a theme, so that each has one source and one validity (``rules.duty``).
    """

    due_rolls: Flag  # a due date on a day off moves to the next workday
    planning: DutyTable | None = None  # planning dispatches
    direction: DutyTable | None = None  # the direction-and-priorities note of a planning cycle
    pilot: DutyTable | None = None  # the dated timeline of a pilot
    training: DutyTable | None = None
    publicity: DutyTable | None = None  # circulars, lectures, rosters
    allowance: DutyTable | None = None  # funds follow tasks
    assessment: DutyTable | None = None  # yearly scores and selections
    goals: DutyTable | None = None  # what a pilot must have reached by when
    budget: DutyTable | None = None  # money for purchases put into the year's budget

    entry_qualifications: Labels | None = None  # any one of them lets a newcomer in; soft: warns
    stations_min: Count | None = None  # service stations in each community with many needy people

    def themes(self) -> Mapping[str, Mapping[str, Duty]]:
        """Return leaf key → its table of duties, for every theme that is set."""
        found = {f"duties.{name}": getattr(self, name) for name in _THEMES}
        return MappingProxyType({key: table for key, table in found.items() if table})


@dataclass(frozen=True, kw_only=True)
class Books:
    """The books of a region, one leaf a theme as with duties (``rules.book``)."""

    gap_days: Days  # to fill a row that is owed, from the day it is found lacking
    venues: BookTable | None = None
    windows: BookTable | None = None
    staff: BookTable | None = None
    tasks: BookTable | None = None  # what villages help with, and what they are paid for it
    review: BookTable | None = None  # scores, commendation, accountability, who answers for what
    publicity: BookTable | None = None  # hotline, disclosure
    standards: BookTable | None = None
    assets: BookTable | None = None
    funds: BookTable | None = None  # what money is there, what of it is kept apart, what goes down with a task
    practice: BookTable | None = None  # links of a mechanism, local adjustments, guidance
    issues: BookTable | None = None  # problems on the way, who mends them by when, what the mechanism resolved

    def themes(self) -> Mapping[str, Mapping[str, Book]]:
        """Return leaf key → its table of books, for every theme that is set."""
        found = {f"books.{name}": getattr(self, name) for name in _BOOKS}
        return MappingProxyType({key: table for key, table in found.items() if table})


@dataclass(frozen=True, kw_only=True)
class Tickets:
    """The kinds of ticket of a region (``rules.ticket``). Unset: nothing is taken in that way here."""

    kinds: TicketTable | None = None
