"""Rules of satisfaction follow-ups (S13): how many are asked, whose answer counts, when the exit procedure opens.

Pure; called by ``commands.follow_up``. Never sees a name: people are ledger ids.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import ROUND_CEILING, Decimal

from models.core.errors import Refusal
from models.policy.schema import Policy
from models.rules.force import binding


def sample_size(*, population: int, policy: Policy) -> int:
    """Return how many of the people served are asked: the rate, rounded up, at least the minimum, at most everybody.

    Raises ``Refusal`` ``monitoring.nobody_served`` (SYS-DRAW).
    """
    if not population:
        raise Refusal("monitoring.nobody_served", rule="SYS-DRAW")
    wanted = int((population * policy.monitoring.follow_up_rate).to_integral_value(ROUND_CEILING))
    return min(max(wanted, policy.monitoring.follow_up_min), population)


def check_sampled(*, asked: Sequence[str], sample: Collection[str], before: Collection[str]) -> None:
    """Refuse answers of people who were not drawn or have answered (``monitoring.not_in_sample``,
    ``monitoring.asked_twice``, SYS-DRAW)."""
    strange = sum(person not in sample for person in asked)
    if strange:
        raise Refusal("monitoring.not_in_sample", rule="SYS-DRAW", facts={"persons": strange})
    twice = len(asked) - len(set(asked) - set(before))
    if twice:
        raise Refusal("monitoring.asked_twice", rule="SYS-DRAW", facts={"persons": twice})


def exit_rule(*, answered: int, satisfied: int, policy: Policy) -> str | None:
    """Return the rule by which a result below the standard opens the exit procedure (BJ-50), ``None`` otherwise."""
    if not answered or Decimal(satisfied) / answered >= policy.acceptance.satisfaction_pass_ratio:
        return None
    return binding(policy=policy, rules=("BJ-50",))
