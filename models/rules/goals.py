"""Rules of performance goals and evaluation standards (S16): set before, tracked during, judged after, one standard.

Pure; called by ``commands.goals``. Figures are ``Decimal``, never floats.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final

from models.core.errors import Refusal
from models.policy.schema import Policy
from models.rules.force import binding

HOW: Final = ("means", "method", "path")
RUN: Final = "run"
END: Final = "end"
_HEAVIEST: Final = ("satisfaction", "policy_implementation")
_SATISFACTION: Final = _HEAVIEST[0]


def check_goals(*, precise: int, how: Mapping[str, str], policy: Policy) -> None:
    """Refuse goals of which none is about helping precisely (BJ-38), and a plan that does not say how (AH-29).

    ``precise`` counts the goals about precise assistance; ``how`` is means, method and path of the evaluation in words.
    Raises ``Refusal`` ``evaluation.goal_not_precise``, ``evaluation.how_missing``.
    """
    rule = binding(policy=policy, rules=("BJ-38",))
    if rule and not precise:
        raise Refusal("evaluation.goal_not_precise", rule=rule)
    rule = binding(policy=policy, rules=("AH-29",))
    if rule and not all(how.get(one, "").strip() for one in HOW):
        raise Refusal("evaluation.how_missing", rule=rule)


def check_results(*, goals: Collection[str], given: Collection[str], policy: Policy) -> None:
    """Refuse results where no goals were set, of a goal that is none, or without one of them (AH-28).

    Raises ``Refusal`` ``evaluation.no_goals``, ``evaluation.goals_differ``.
    """
    rule = binding(policy=policy, rules=("AH-28", "SYS-GOALS"))
    if not goals:
        raise Refusal("evaluation.no_goals", rule=rule)
    missing, unknown = set(goals) - set(given), set(given) - set(goals)
    if missing or unknown:
        raise Refusal("evaluation.goals_differ", rule=rule, facts={"missing": len(missing), "unknown": len(unknown)})


def check_weights(*, weights: Mapping[str, Decimal], policy: Policy) -> None:
    """Refuse a standard whose weights do not add up to one, or do not weigh most what must weigh most.

    In Beijing satisfaction and the carrying out of policy (BJ-39); elsewhere satisfaction, not below the share policy
    sets (HS-43). Raises ``Refusal`` ``evaluation.weights_sum``, ``evaluation.weights_order``.
    """
    if sum(weights.values(), Decimal(0)) != 1 or min(weights.values()) < 0:
        raise Refusal("evaluation.weights_sum", rule="SYS-WEIGHTS")
    beijing = binding(policy=policy, rules=("BJ-39",))
    first = _HEAVIEST if beijing else (_SATISFACTION,)
    others = [weight for code, weight in weights.items() if code not in first]
    least = min(weights.get(code, Decimal(0)) for code in first)
    floor = policy.evaluation.satisfaction_weight
    low = not beijing and weights.get(_SATISFACTION, Decimal(0)) < floor
    if low or any(weight > least for weight in others):
        rule = binding(policy=policy, rules=("BJ-39", "HS-43", "SYS-WEIGHTS"))
        raise Refusal("evaluation.weights_order", rule=rule, facts={"first": "、".join(first), "floor": str(floor)})
