"""Finding the plan of one scenario: the model HiGHS gets, the greedy plan it starts from, and the exact check after.

Called by ``commands.plan_proposal`` and the plan's queries. What HiGHS answers is added up again in fen; a selection
that is over by a fen through a rounding is never taken, and what still fits is never left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from models.core.errors import DataFault
from models.rules.plan_limits import FULL, Room, Shares
from models.rules.plan_model import Model, Row, Solve, Solved
from models.rules.plan_programme import Aim, Instance, Plan, Score, compose, exceeded

_FINE: Final = 10**9  # so that shares of a channel are told apart in whole numbers
_TRIES: Final = 8  # each takes the limits down by what a rounding was over; one is nearly always enough
_INSIDE: Final = Decimal("0.95")  # of the gap limit: shares are rounded down afterwards


def solve_plan(*, instance: Instance, aim: Aim, solve: Solve) -> Plan:
    """Return the plan of a scenario: feasible in whole fen, never worse than the greedy plan, the same on every run.

    The carry-over must fit (``check_carry_over``). Raises ``DataFault`` ``funding.plan_unsolved`` (SYS-PLAN-SOLVER).
    """
    score = Score(instance, aim)
    order = by_density(score)
    first = greedy(score=score, order=order)
    model = model_of(score)
    shares, bound = _solved(instance, model, solve)
    found = max(first, complete(score=score, shares=shares, order=order), key=score.objective)
    return compose(score=score, shares=found, bound=bound)


def _solved(instance: Instance, model: Model, solve: Solve) -> tuple[Shares, Fraction]:
    settings = instance.settings
    gap = str(Decimal(settings.gap_limit) * _INSIDE)
    for _ in range(_TRIES):
        solved = solve(model, gap=gap, seed=settings.seed)
        if solved is None:
            break
        shares = shares_of(instance, solved)
        over = exceeded(instance=instance, shares=shares)
        if not over:
            return shares, solved.bound
        model = model.tightened(over)
    raise DataFault("funding.plan_unsolved", rule="SYS-PLAN-SOLVER")


def model_of(score: Score) -> Model:
    """Return the programme: per candidate whether it is taken up and its share, per unit what its floor lacks, and what
    is short of the social share.

    Columns: taken (n), floors (f), shares (n), short (0 or 1), then who draws how much on which fund. The first rows
    are the instance's limits, in order.
    """
    instance = score.instance
    size, floors = len(instance.candidates), list(instance.floors.items())
    first = size + len(floors)  # column of the first share
    drawn = _Drawn(instance, first, after=first + size + (score.ratio is not None))
    rows = drawn.limits
    members: dict[str, dict[int, int]] = {unit: {size + at: 1} for at, (unit, _) in enumerate(floors)}
    least = instance.settings.least
    for place, one in enumerate(instance.candidates):
        if one.unit in members:
            members[one.unit][place] = 1
        if not one.carry_over and not one.barred:
            rows.append(Row({first + place: 1, place: -1}, upper=0))
            rows.append(Row({first + place: FULL, place: -least}, lower=0))
    rows += [Row(members[unit], lower=wanted) for unit, wanted in floors]
    taken = [1 if one.carry_over else 0 for one in instance.candidates]
    most: list[int | None] = [0 if one.barred else 1 for one in instance.candidates]
    worths: list[int | Fraction] = [*([0] * size), *([-score.floor_cost] * len(floors)), *score.worths]
    lower, upper = [*taken, *([0] * len(floors)), *taken], [*most, *(wanted for _, wanted in floors), *most]
    if score.ratio is not None:
        rows.append(_share_row(score, first))
        worths.append(-score.social_cost * score.social_unit)
        lower.append(0)
        upper.append(None)
    none = [0] * drawn.columns
    return Model([*worths, *none], [*lower, *none], [*upper, *([None] * drawn.columns)], first, (*rows, *drawn.funds))


class _Drawn:
    """The rows of the limits, and where funds are shared by different sets of candidates the columns and rows that say
    how much each set draws on each fund: exact, and no more of them than there are pairs of the two."""

    def __init__(self, instance: Instance, first: int, *, after: int) -> None:
        self.limits: list[Row] = []
        self.columns = 0
        held: dict[tuple[str, str], dict[int, int]] = {}
        caps: dict[tuple[str, str], int] = {}
        for limit in instance.limits:
            needs = {first + place: fen for place, fen in limit.amounts.items()}
            purses = limit.purses
            if purses is None or len(purses.allowed) == 1:
                self.limits.append(Row(needs, upper=limit.cap))
                continue
            unit = max(purses.total // 100, 1)  # fen of one unit of a column that says what is drawn
            for fund in purses.allowed[limit.kind]:
                column = after + self.columns
                self.columns += 1
                needs[column] = -unit
                held.setdefault((limit.channel, fund), {})[column] = unit
                caps[limit.channel, fund] = purses.held[fund]
            self.limits.append(Row(needs, upper=0))
        self.funds = tuple(Row(columns, upper=caps[fund]) for fund, columns in held.items())


def _share_row(score: Score, first: int) -> Row:
    """Return the row of the social share, times the ratio's denominator."""
    ratio = score.ratio or Fraction(0)
    over, under = ratio.numerator, ratio.denominator
    share = {
        first + place: ((under if one.social else 0) - over) * one.now
        for place, one in enumerate(score.instance.candidates)
        if not one.carry_over and one.now
    }
    return Row(share | {first + len(score.instance.candidates): under * score.social_unit}, lower=0)


def shares_of(instance: Instance, solved: Solved) -> dict[int, int]:
    """Return the selection HiGHS found, shares rounded down to the ten-thousandth."""
    first, least = len(instance.candidates) + len(instance.floors), instance.settings.least
    return {
        place: FULL if one.carry_over else max(least, min(FULL, solved.columns[first + place]))
        for place, one in enumerate(instance.candidates)
        if place in solved.ones
    }


def greedy(*, score: Score, order: Sequence[int]) -> dict[int, int]:
    """Return the plan a careful clerk would make: carry-over, one after the other for each floor, then one after
    the other of all."""
    instance = score.instance
    left = dict(instance.floors)
    firsts = []
    for place in order:
        one = instance.candidates[place]
        if not one.barred and not one.carry_over and left.get(one.unit, 0) > 0:
            left[one.unit] -= 1
            firsts.append(place)
    return complete(score=score, shares=instance.carried, order=(*firsts, *order))


def by_density(score: Score) -> list[int]:
    """Return the candidates by worth for the share of the channels' money they take, ties by project."""
    caps: dict[str, int] = {}
    for limit in score.instance.limits:  # what the funds of a channel hold comes after its ceiling
        caps[limit.channel] = max(limit.purses.total if limit.purses else limit.cap, 1)
    keys = []
    for worth, one in zip(score.worths, score.instance.candidates, strict=True):
        taken = 1
        for part in one.parts:
            taken += max(part.now, part.pool) * _FINE // caps.get(part.channel, part.now + 1)
        keys.append((-worth * _FINE // taken, one.project))
    return sorted(range(len(keys)), key=keys.__getitem__)


def complete(*, score: Score, shares: Shares, order: Iterable[int]) -> dict[int, int]:
    """Return a selection with everything that still fits and makes it worth more, in an order."""
    instance, taken = score.instance, dict(shares)
    room = Room(instance.limits, taken)
    sums = score.sums(taken)
    new, social, missing = sums.new, sums.social, dict(sums.missing)
    gains, least = _Gains(score), instance.settings.least
    for place in order:
        before = taken.get(place, 0)
        if before == FULL:
            continue
        one, needs = instance.candidates[place], instance.needs[place]
        share = _most(needs, room, before)
        if share <= before or share < least or one.barred:
            continue
        more = one.at(share) - one.at(before)
        after = (new + more, social + (more if one.social else 0))
        floor = not before and missing.get(one.unit, 0) > 0
        if not gains.any(score.worths[place] * (share - before), floor=floor, before=(new, social), after=after):
            continue
        taken[place] = share
        new, social = after
        if floor:
            missing[one.unit] -= 1
        for at, fen in needs:
            room.take(at, fen * share // FULL - fen * before // FULL)
    return taken


class _Gains:
    """Whether a change makes a selection worth more, in whole numbers: it is asked once for every candidate."""

    def __init__(self, score: Score) -> None:
        ratio, cost = score.ratio or Fraction(0), score.social_cost
        self.over, self.under = ratio.numerator, ratio.denominator
        self.scale = cost.denominator * self.under
        self.floor = score.floor_cost * FULL
        self.cost = cost.numerator * FULL

    def any(self, worth: int, *, floor: bool, before: tuple[int, int], after: tuple[int, int]) -> bool:
        """``worth`` is times ``FULL``; ``before`` and ``after`` are new and social money in fen."""
        short = self._short(after) - self._short(before)
        return (worth + (self.floor if floor else 0)) * self.scale > self.cost * short

    def _short(self, money: tuple[int, int]) -> int:
        return max(0, self.over * money[0] - self.under * money[1])


def _most(needs: Iterable[tuple[int, int]], room: Room, before: int) -> int:
    """Return the largest share that fits every limit, on top of what is taken already."""
    share = FULL
    for at, fen in needs:
        if fen:
            held = fen * before // FULL
            share = min(share, (room.free(at, fen - held) + held) * FULL // fen)
    return share


def as_shares(*, instance: Instance, lines: Mapping[str, int]) -> dict[int, int]:
    """Return project → share as a selection of an instance."""
    return {instance.places[project]: share for project, share in lines.items()}
