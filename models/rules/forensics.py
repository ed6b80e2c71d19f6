"""Score forensics (S05): several ways to sum up the same sheets, side by side, and what hangs on a single rater.

Pure; called at the close of a round (``commands.review``) and by ``queries.review_forensics``. The result of a round is
the mean alone (``rules.review.tally``); everything here is for comparison and drops no sheet silently.

Ranks compare the items handed in together. The adjusted score is the item effect of ``total = item + rater + rest`` by
least squares: raters who are stricter on the same items count less against an item, missing cells are no fault. Within
each group of items joined by common raters the rater effects sum to zero, so a rater seen on one item only, or a lone
item, cannot be told strict from right: such raters are named. Rank points are Borda counts per rater, scaled to 0..1.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from math import lcm
from typing import Final

METHODS: Final = ("mean", "trimmed_mean", "median", "adjusted", "rank_points")
"""The methods in the order they are printed. ``rank_points`` has a rank but no verdict: it knows no pass mark."""
_ZERO: Final = Decimal(0)
_STEP: Final = Decimal("0.000001")
_PRECISION: Final = Context(prec=50)  # of the least squares; decimal, so that every machine finds the same digits


@dataclass(frozen=True)
class Sheet:
    """One valid sheet: the exact weighted total on the scale 0..score_max."""

    item: str
    rater: str
    total: Fraction


@dataclass(frozen=True)
class Outlier:
    """A sheet far from the median of its item; ``distance`` is signed, in points."""

    rater: str
    total: Decimal
    distance: Decimal


@dataclass(frozen=True)
class Standing:
    """One item: value, rank (1 is best, ties share) and verdict by method, the rank range, what one rater would flip.

    ``flipped_by`` names the raters without whom the mean would fall on the other side of the pass mark. A method that
    has no value (one rater ranks nothing) is left out of the mappings.
    """

    item: str
    sheets: int
    values: Mapping[str, Decimal]
    ranks: Mapping[str, int]
    passes: Mapping[str, bool]
    rank_best: int
    rank_worst: int
    flipped_by: tuple[str, ...]
    outliers: tuple[Outlier, ...]


@dataclass(frozen=True)
class Forensics:
    """The comparison: standings by item id, severity by rater (points below the others' level, negative is lenient).

    ``undetermined`` are the raters seen on one item only: the model cannot judge their severity.
    """

    standings: Mapping[str, Standing]
    severity: Mapping[str, Decimal]
    undetermined: tuple[str, ...]


def examine(
    *, sheets: Iterable[Sheet], pass_mark: Fraction, trim_each_side: int, outlier_points: Fraction
) -> Forensics:
    """Sum up every item in every way. Time grows linearly in sheets (plus the cube of the number of raters).

    Raises ``ValueError`` when a rater has two sheets on one item.
    """
    by_item: dict[str, dict[str, Fraction]] = defaultdict(dict)
    for sheet in sheets:
        if sheet.rater in by_item[sheet.item]:
            raise ValueError("one rater has two sheets on one item")
        by_item[sheet.item][sheet.rater] = sheet.total
    totals_given = (total for row in by_item.values() for total in row.values())
    unit = 2 * lcm(*(value.denominator for value in (pass_mark, outlier_points, *totals_given)))
    cells = {
        item: {rater: int(total * unit) for rater, total in sorted(row.items())}
        for item, row in sorted(by_item.items())
    }
    with localcontext(_PRECISION):
        adjusted, severity = _two_way(cells)
        points = _borda(cells)
    values: dict[str, dict[str, Decimal]] = {method: {} for method in METHODS}
    for item, row in cells.items():
        totals = sorted(row.values())
        values["mean"][item] = _even(sum(totals), len(totals) * unit)
        trimmed, left = _trimmed(totals, trim_each_side)
        values["trimmed_mean"][item] = _even(trimmed, left * unit)
        values["median"][item] = _even(_middle(totals), unit)
        values["adjusted"][item] = _even(adjusted[item], unit)
        if item in points:
            values["rank_points"][item] = _even(points[item], 1)
    ranks = {method: _ranks(found) for method, found in values.items()}
    seen = Counter(rater for row in cells.values() for rater in row)
    return Forensics(
        standings={
            item: _standing(
                item, row, values, ranks, unit=unit, mark=int(pass_mark * unit), limit=int(outlier_points * unit)
            )
            for item, row in cells.items()
        },
        severity={rater: _even(points_below, unit) for rater, points_below in sorted(severity.items())},
        undetermined=tuple(sorted(rater for rater, items in seen.items() if items == 1)),
    )


def _standing(
    item: str,
    row: Mapping[str, int],
    values: Mapping[str, Mapping[str, Decimal]],
    ranks: Mapping[str, Mapping[str, int]],
    *,
    unit: int,
    mark: int,
    limit: int,
) -> Standing:
    """Return the standing of one item; ``row``, ``mark`` and ``limit`` are counted in parts of a point (``unit``)."""
    own = {method: ranks[method][item] for method in METHODS if item in ranks[method]}
    return Standing(
        item=item,
        sheets=len(row),
        values={method: values[method][item] for method in own},
        ranks=own,
        passes={method: values[method][item] * unit >= mark for method in own if method != "rank_points"}
        | {"mean": sum(row.values()) >= mark * len(row)},
        rank_best=min(own.values()),
        rank_worst=max(own.values()),
        flipped_by=_flippers(row, mark),
        outliers=_outliers(row, limit, unit),
    )


def _flippers(row: Mapping[str, int], mark: int) -> tuple[str, ...]:
    """Return the raters whose leaving would turn the verdict of the mean; exact, so the mark itself is sure."""
    whole, count = sum(row.values()), len(row)
    passed = whole >= mark * count
    return tuple(
        rater for rater, total in row.items() if count > 1 and (whole - total >= mark * (count - 1)) is not passed
    )


def _outliers(row: Mapping[str, int], limit: int, unit: int) -> tuple[Outlier, ...]:
    middle = _middle(sorted(row.values()))
    return tuple(
        Outlier(rater, _even(total, unit), _even(total - middle, unit))
        for rater, total in row.items()
        if abs(total - middle) >= limit
    )


def _middle(totals: list[int]) -> int:
    """Return the median of sorted totals; exact, for every total is an even number of parts."""
    return (totals[(len(totals) - 1) // 2] + totals[len(totals) // 2]) // 2


def _trimmed(totals: list[int], each_side: int) -> tuple[int, int]:
    """Return sum and count without the ends; as many are left out as leave at least one."""
    cut = min(each_side, (len(totals) - 1) // 2)
    kept = totals[cut : len(totals) - cut]
    return sum(kept), len(kept)


def _borda(cells: Mapping[str, Mapping[str, int]]) -> dict[str, Decimal]:
    """Return the mean, over an item's raters, of the share of their other items they put below it (ties: half)."""
    given: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for item, row in cells.items():
        for rater, total in row.items():
            given[rater].append((total, item))
    shares: dict[str, list[Decimal]] = defaultdict(list)
    for pairs in given.values():
        if len(pairs) > 1:
            counts = Counter(total for total, _ in pairs)
            below, lower = {}, 0
            for total in sorted(counts):
                below[total] = Decimal(2 * lower + counts[total] - 1) / (2 * (len(pairs) - 1))
                lower += counts[total]
            for total, item in pairs:
                shares[item].append(below[total])
    return {item: sum(found, _ZERO) / len(found) for item, found in shares.items()}


def _ranks(values: Mapping[str, Decimal]) -> dict[str, int]:
    """Return competition ranks: the highest value is 1, equal values share the better rank."""
    counts = Counter(values.values())
    first, taken = {}, 0
    for value in sorted(counts, reverse=True):
        first[value] = taken + 1
        taken += counts[value]
    return {item: first[value] for item, value in values.items()}


def _two_way(cells: Mapping[str, Mapping[str, int]]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Solve ``total = item − severity`` by least squares; return item effects and severities.

    Item effects are eliminated, what remains is one equation a rater (a graph Laplacian, singular once per group of
    raters joined by items). Adding the all-ones block of each group picks the solution whose severities sum to zero.
    """
    raters = sorted({rater for row in cells.values() for rater in row})
    at = {rater: number for number, rater in enumerate(raters)}
    size = len(raters)
    matrix, right = [[_ZERO] * size for _ in raters], [_ZERO] * size
    parent = list(range(size))
    for row in cells.values():
        members = [at[rater] for rater in row]
        mean, share = Decimal(sum(row.values())) / len(row), Decimal(1) / len(row)
        for rater, total in row.items():
            one = at[rater]
            right[one] += mean - total
            matrix[one][one] += 1
            for other in members:
                matrix[one][other] -= share
            parent[_root(parent, one)] = _root(parent, members[0])
    for one in range(size):
        for other in range(size):
            if _root(parent, one) == _root(parent, other):
                matrix[one][other] += 1
    severity = dict(zip(raters, _solved(matrix, right), strict=True))
    items = {
        item: sum((total + severity[rater] for rater, total in row.items()), _ZERO) / len(row)
        for item, row in cells.items()
    }
    return items, severity


def _root(parent: list[int], one: int) -> int:
    while parent[one] != one:
        parent[one] = parent[parent[one]]
        one = parent[one]
    return one


def _solved(matrix: list[list[Decimal]], right: list[Decimal]) -> list[Decimal]:
    """Solve a symmetric positive definite system by elimination (no pivot is needed)."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for pivot, top in enumerate(rows):
        for lower in rows[pivot + 1 :]:
            factor = lower[pivot] / top[pivot]
            if factor:
                for column in range(pivot, len(top)):
                    lower[column] -= factor * top[column]
    found = [_ZERO] * len(rows)
    for place in range(len(rows) - 1, -1, -1):
        line = rows[place]
        known = sum((line[column] * found[column] for column in range(place + 1, len(rows))), _ZERO)
        found[place] = (line[-1] - known) / line[place]
    return found


def _even(value: Decimal | int, parts: int) -> Decimal:
    """Return ``value`` parts of a point as points, to six digits."""
    return (Decimal(value) / parts).quantize(_STEP)
