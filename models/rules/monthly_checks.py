"""Rules of the monthly checks (S13): on which days of a month a contract owes its hours, and in which of its days.

Pure; called by ``queries.monthly_checks``. A contract that begins, ends or is interrupted within a month owes the hours
of that month by the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models.core.periods import Period


def in_force(*, month: Period, term: Period | None, interrupted: Iterable[Period]) -> tuple[Period, ...]:
    """Return the stretches of a month in which a contract is performed: its term less every interruption."""
    stretch = month.intersection(term) if term else None
    left = [stretch] if stretch else []
    for pause in interrupted:
        left = [piece for one in left for piece in _without(one, pause)]
    return tuple(left)


def _without(one: Period, pause: Period) -> Iterator[Period]:
    if not one.overlaps(pause):
        yield one
        return
    if one.start < pause.start:
        yield Period(one.start, pause.start)
    if pause.end is not None and (one.end is None or pause.end < one.end):
        yield Period(pause.end, one.end)
