"""The quarterly plan against HiGHS alone on the same model; part of ``make bench``.

Ours is everything from the frozen facts to the checked plan: greedy start, model, solving, sums in whole fen. The bare
solver gets the finished model and no start. Explanations are on demand and not part of a scenario (decision 29).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction

from infra.plan_solver import HighsSolver
from models.rules.plan_left_out import explain
from models.rules.plan_programme import Aim, Instance, Plan, Score, exceeded
from models.rules.plan_search import as_shares, model_of, solve_plan
from tests.bench.rounds import in_turns
from tests.support.programmes import ALL, SETTINGS, made_up

solve = HighsSolver().solve
_SEED = 20250401
_CHANNELS = 10
_AIMS = (
    Aim("baseline", ALL),
    Aim("coverage_first", ("coverage", "performance", "social_share")),
    Aim("score_first", ("performance", "score", "social_share")),
    Aim("no_social_share", ("coverage", "performance", "score")),
)


def measure(*, candidates: int, rounds: int = 5) -> dict[str, float]:
    """Return seconds of all scenarios and of the bare solver, the largest ratio and gap of one, and of an explanation.

    Raises ``AssertionError`` when a plan breaks a limit or the gap limit.
    """
    instance = made_up(candidates=candidates, channels=_CHANNELS, seed=_SEED, aims=_AIMS)
    solve(model_of(Score(made_up(candidates=5, channels=1, seed=1), _AIMS[0])), gap="0.1", seed=1)  # loads HiGHS
    ours, bare, plans = [], [], []
    for aim in _AIMS:
        taken = in_turns(_whole(instance, aim, plans), _alone(instance, aim), rounds=rounds)
        ours.append(taken[0])
        bare.append(taken[1])
        _check(instance, plans[-1])
    return {
        "rows": candidates,
        "scenarios": len(_AIMS),
        "ours_seconds": sum(ours),
        "baseline_seconds": sum(bare),
        "ratio": sum(ours) / sum(bare),
        "ratio_worst": max(mine / theirs for mine, theirs in zip(ours, bare, strict=True)),
        "gap_worst": float(max(Fraction(plan.gap) for plan in plans)),
        "explain_seconds": _explained(instance, plans[-1]),
    }


def _whole(instance: Instance, aim: Aim, plans: list[Plan]) -> Callable[[], None]:
    return lambda: plans.append(solve_plan(instance=instance, aim=aim, solve=solve))


def _alone(instance: Instance, aim: Aim) -> Callable[[], object]:
    model = model_of(Score(instance, aim))
    return lambda: solve(model, gap=SETTINGS.gap_limit, seed=SETTINGS.seed)


def _check(instance: Instance, plan: Plan) -> None:
    shares = as_shares(instance=instance, lines={line.project: line.share for line in plan.lines})
    if exceeded(instance=instance, shares=shares) or Fraction(plan.gap) > Fraction(SETTINGS.gap_limit):
        raise AssertionError("the plan breaks a limit, or the gap limit")


def _explained(instance: Instance, plan: Plan) -> float:
    lines = {line.project: line.share for line in plan.lines}
    left = next(one.project for one in instance.candidates if one.project not in lines and not one.barred)
    started = time.perf_counter()
    explain(instance=instance, scenario=plan.scenario, lines=lines, project=left, score_max=10_000, solve=solve)
    return time.perf_counter() - started
