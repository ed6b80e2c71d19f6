"""What each viewer may see of a batch of review rounds (S05), and what may be counted for that viewer.

Pure; every read model of scores, counts and progress goes through ``shown_to`` first and computes on nothing else, so
that no total, taken before and after or with and without an item, tells a score the viewer may not see. An expert sees
the items on whose panel the expert sits; an item left for a conflict is gone, from counts as well. Scores of others
show once the item is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from models.rules.forensics import Forensics, Sheet, examine


@dataclass(frozen=True)
class Item:
    """One round: who sits on its panel, and the exact totals handed in so far by rater (voided ones are not there).

    While a ``sealed`` one is open its members know of no other.
    """

    id: str
    closed: bool
    sitting: frozenset[str]
    totals: Mapping[str, Fraction]
    sealed: bool = False


@dataclass(frozen=True)
class Shown:
    """An item as one viewer may see it: ``totals`` are the visible ones, ``handed_in`` counts those the viewer may know
    of."""

    item: Item
    handed_in: int


@dataclass(frozen=True)
class Progress:
    """Counts over what a viewer may see; ``mean`` is that of the closed items' means, ``None`` before any is closed."""

    items: int
    closed: int
    sheets_due: int
    sheets_in: int
    mean: Fraction | None


@dataclass(frozen=True)
class Scale:
    """What the sheets are compared by: the pass mark, how many ends are trimmed, from where a sheet is an outlier."""

    pass_mark: Fraction
    trim_each_side: int
    outlier_points: Fraction


def shown_to(*, items: Iterable[Item], expert: str | None) -> tuple[Shown, ...]:
    """Return the items a viewer may see with the totals the viewer may see; ``expert`` is ``None`` for the office."""
    return tuple(_shown(item, expert) for item in items if expert is None or expert in item.sitting)


def _shown(item: Item, expert: str | None) -> Shown:
    if item.closed:
        return Shown(item, handed_in=len(item.totals))
    own = _own(item, expert)
    if item.sealed and expert is not None:
        return Shown(replace(item, totals=own, sitting=frozenset({expert})), handed_in=len(own))
    return Shown(replace(item, totals=own), handed_in=len(item.totals))


def _own(item: Item, expert: str | None) -> dict[str, Fraction]:
    return {rater: total for rater, total in item.totals.items() if rater == expert}


def progress_of(*, shown: tuple[Shown, ...]) -> Progress:
    """Return the counts of a viewer."""
    closed = [one.item for one in shown if one.item.closed]
    means = [sum(item.totals.values(), Fraction(0)) / len(item.totals) for item in closed if item.totals]
    return Progress(
        items=len(shown),
        closed=len(closed),
        sheets_due=sum(len(one.item.sitting) for one in shown),
        sheets_in=sum(one.handed_in for one in shown),
        mean=sum(means, Fraction(0)) / len(means) if means else None,
    )


def forensics_of(*, shown: tuple[Shown, ...], scale: Scale) -> Forensics:
    """Compare the closed items a viewer may see, and nothing else."""
    return examine(
        sheets=[
            Sheet(one.item.id, rater, total)
            for one in shown
            if one.item.closed
            for rater, total in one.item.totals.items()
        ],
        pass_mark=scale.pass_mark,
        trim_each_side=scale.trim_each_side,
        outlier_points=scale.outlier_points,
    )
