"""When a public notice ends: working days on which it could be read and no objection held it up (ZY-24).

Pure, counted anew from the records each time: postings, outages and settled objections in, the last day out. Called by
the commands that publish, resume, close and record outages. Never reads the database or the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from models.core.calendar import Due, WorkCalendar
from models.policy.schema import Policy

_ONE_DAY = timedelta(days=1)


class AfterRejection(StrEnum):
    """What a rejected objection does to the clock (policy ``publicity.after_rejection``)."""

    RESTART = "restart"  # the whole period again, from the answer
    EXTEND = "extend"  # the days of the handling do not count
    NONE = "none"  # the clock never stood still


@dataclass(frozen=True, slots=True)
class Posting:
    """One channel on which a notice stands: from ``posted_on`` until the day before ``taken_down_on``."""

    channel: str
    posted_on: date
    taken_down_on: date | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """Days, both included, on which one channel could not be read. ``last`` is ``None`` while it goes on."""

    channel: str
    first: date
    last: date | None


@dataclass(frozen=True, slots=True)
class Handling:
    """One objection that was settled without being upheld: the days after ``raised_on`` through ``settled_on``."""

    raised_on: date
    settled_on: date
    withdrawn: bool = False


def reachable(*, on: date, postings: Sequence[Posting], outages: Sequence[Outage]) -> bool:
    """Say whether a notice could be read on any channel on a day."""
    return any(
        posting.posted_on <= on
        and (posting.taken_down_on is None or on < posting.taken_down_on)
        and not any(
            outage.channel == posting.channel and outage.first <= on and (outage.last is None or on <= outage.last)
            for outage in outages
        )
        for posting in postings
    )


def period_end(
    *,
    published_on: date,
    days: int,
    postings: Sequence[Posting],
    outages: Sequence[Outage],
    handled: Sequence[Handling],
    as_of: date,
    policy: Policy,
    calendar: WorkCalendar,
) -> Due:
    """Return the last day of a notice of ``days`` working days, counted from the day after it was published.

    Under ``extend`` the days on which an objection was handled do not count; under ``restart`` counting begins anew on
    the day after the last rejection (a withdrawn objection never restarts, it only gives back its days); under ``none``
    neither matters. Days on which no channel could be read do not count where policy says so; an outage that goes on
    counts through ``as_of``. It never ends before the last objection was settled.
    """
    mode = AfterRejection(policy.publicity.after_rejection)
    held = () if mode is AfterRejection.NONE else handled
    rejected = [one.settled_on for one in held if not one.withdrawn]
    day = max(rejected) if mode is AfterRejection.RESTART and rejected else published_on
    known = [Outage(one.channel, one.first, one.last or max(one.first, as_of)) for one in outages]
    counted = known if policy.publicity.outage_extends else []
    left, provisional = days, False
    while left:
        day += _ONE_DAY
        worked = calendar.is_workday(day)
        provisional |= worked.provisional
        stood_still = any(one.raised_on < day <= one.settled_on for one in held)
        left -= (
            worked.value and not stood_still and (not counted or reachable(on=day, postings=postings, outages=counted))
        )
    return Due(max([day, *(one.settled_on for one in handled)]), provisional)


def unreachable_days(
    *, postings: Sequence[Posting], outages: Sequence[Outage], first: date, last: date, calendar: WorkCalendar
) -> tuple[date, ...]:
    """Return the working days from ``first`` through ``last`` on which no channel could be read."""
    span = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return tuple(
        day
        for day in span
        if calendar.is_workday(day).value and not reachable(on=day, postings=postings, outages=outages)
    )
