"""Why a project is not in a plan and what would let it in: the rule, the money short, the score it lacks (S09).

Computed on demand for one project (decision 29), called by ``queries.plan_proposal``. Everything said holds exactly
against the plan at hand: at the score named, the plan that takes the project at the cost of others is worth more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import floor
from typing import Final

from models.core.errors import Refusal
from models.rules.plan_limits import FULL, Room, Shares
from models.rules.plan_model import Solve
from models.rules.plan_programme import SCORE, Instance, Score, exceeded
from models.rules.plan_search import as_shares, model_of, shares_of

BARRED: Final = "barred"
NO_MONEY: Final = "no_money"
BALANCE: Final = "balance"
SHARE: Final = "social_share"
WORTHLESS: Final = "worthless"


@dataclass(frozen=True)
class LeftOut:
    """Why (a code of this module), fen short by channel for taking it up in full, and the score in hundredths from
    which it would be taken up at the cost of ``displaced``; ``None`` where no score would do. ``instead`` is the plan
    with it, project → share in ten-thousandths."""

    project: str
    why: str
    short: Mapping[str, int]
    score: int | None
    displaced: tuple[str, ...]
    instead: Mapping[str, int]


def explain(
    *, instance: Instance, scenario: str, lines: Mapping[str, int], project: str, score_max: int, solve: Solve
) -> LeftOut:
    """Say why a candidate is not among a plan's lines (project → share). ``score_max`` (hundredths) is the best score.

    Raises ``Refusal`` ``funding.not_a_candidate`` or ``funding.not_left_out``.
    """
    place = instance.places.get(project)
    if place is None:
        raise Refusal("funding.not_a_candidate", rule="SYS-PLAN-PROPOSAL", facts={"project": project})
    if project in lines:
        raise Refusal("funding.not_left_out", rule="SYS-PLAN-PROPOSAL", facts={"project": project})
    one = instance.candidates[place]
    if one.barred:
        return LeftOut(project, BARRED if one.effect == "none" else NO_MONEY, {}, None, (), {})
    score = Score(instance, next(aim for aim in instance.aims if aim.code == scenario))
    shares = as_shares(instance=instance, lines=lines)
    short = _short(instance, shares, place)
    swapped = _swapped(score, shares, place, solve)
    why = BALANCE if short else WORTHLESS if score.worths[place] == 0 else SHARE
    if swapped is None:
        return LeftOut(project, why, short, None, (), {})
    needed = _score_needed(score, shares, swapped, place)
    displaced = tuple(
        instance.candidates[at].project for at, share in sorted(shares.items()) if swapped.get(at, 0) < share
    )
    instead = {instance.candidates[at].project: share for at, share in sorted(swapped.items())}
    reachable = needed if needed is not None and needed <= score_max else None
    return LeftOut(project, why, short, reachable, displaced, instead)


def _short(instance: Instance, shares: Shares, place: int) -> dict[str, int]:
    short: dict[str, int] = {}
    room = Room(instance.limits, shares)
    for at, fen in instance.needs[place]:
        lacking = fen - room.free(at, fen)
        if lacking > 0:
            channel = instance.limits[at].channel
            short[channel] = max(short.get(channel, 0), lacking)
    return short


def _score_needed(score: Score, shares: Shares, swapped: Shares, place: int) -> int | None:
    """Return the score from which the swapped plan is worth more than the present one."""
    one = score.instance.candidates[place]
    weight = score.aim.weight(one) * swapped[place]
    if SCORE not in score.aim.terms or not weight:
        return None
    loss = (score.objective(shares) - score.objective(swapped)) * FULL
    return max(one.score, one.score + floor(loss / weight) + 1)


def _swapped(score: Score, shares: Shares, place: int, solve: Solve) -> dict[int, int] | None:
    """Return the plan with the project and with what costs least cut or left out for it, ``None`` if nothing may go.

    Solved relative to the present plan, so that the gap limit measures the loss and not the whole plan's worth.
    """
    instance, model = score.instance, model_of(score)
    size, first = len(instance.candidates), len(instance.candidates) + len(instance.floors)
    lower, upper = list(model.lower), list(model.upper)
    lower[place] = 1
    for at in range(size):
        if at != place and at not in shares:
            upper[at] = upper[first + at] = 0
    settings = instance.settings
    asked = replace(model, lower=lower, upper=upper, offset=-score.objective(shares))
    for _ in range(2):
        solved = solve(asked, gap=settings.gap_limit, seed=settings.seed)
        if solved is None:
            return None
        found = shares_of(instance, solved)
        over = exceeded(instance=instance, shares=found)
        if not over:
            return found
        asked = asked.tightened(over)
    return None
