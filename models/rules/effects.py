"""What a conclusion changes (S16): the last instalment, the weight in the next batch, the choice among equals.

Pure; called by ``commands.effects``. The gates themselves stand where they act (payment, plan, award); here it is said,
for the record, what a conclusion does to them. Every conclusion of a project says it anew: what an earlier one gave and
this one does not give ends here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.evaluation import best_grade
from models.rules.force import binding

PAYMENT: Final = "payment"
NEXT_BATCH: Final = "next_batch"
TIE_BREAK: Final = "tie_break"
STAR: Final = "star"
BAN: Final = "ban"
INCENTIVE: Final = "incentive"
NONE: Final = "—"
_NO_GRADE: Final = "NONE"
_NOTHING: Final = "0"


@dataclass(frozen=True)
class Result:
    """What counts of a conclusion: its grade, and whether the project was accepted."""

    grade: str
    accepted: bool


@dataclass(frozen=True)
class Effect:
    """One change of a target, with the rule that wants it."""

    kind: str
    target_kind: str
    target: str
    before: str
    after: str
    rule: str


def effects_of(
    *,
    result: Result,
    previous: Result | None,
    project: str,
    contracts: Iterable[str],
    contractors: Iterable[str],
    policy: Policy,
) -> tuple[Effect, ...]:
    """Return what a conclusion changes; ``previous`` is the one that counted before, ``None`` for a newcomer.

    The share of each contract's last instalment (HS-44, AH-30; nothing before a project is accepted, HS-37), the
    project's weight in the next batch (ZY-98), and for the best grade of an accepted project the preference among equal
    bidders (BJ-42), which ends with the conclusion that no longer gives it.
    """
    weights = policy.funding.plan_grade_weights
    pay = binding(policy=policy, rules=("HS-44", "AH-30", "SYS-PAY-BY-RESULT")) or ""
    batch = binding(policy=policy, rules=("ZY-98", "SYS-NEXT-BATCH")) or ""
    share = _share(previous, policy) if previous else "1"
    weight = str(weights[previous.grade if previous else _NO_GRADE])
    found = [Effect(PAYMENT, "contract", one, share, _share(result, policy), pay) for one in contracts]
    found.append(Effect(NEXT_BATCH, "project", project, weight, str(weights[result.grade]), batch))
    tie = binding(policy=policy, rules=("BJ-42",))
    was, now = (is_preferred(result=one, policy=policy) for one in (previous, result))
    if tie and (was or now):
        words = {True: sentence("evaluation.effect.preferred"), False: NONE}
        found += [Effect(TIE_BREAK, "organisation", one, words[was], words[now], tie) for one in contractors]
    return tuple(found)


def is_preferred(*, result: Result | None, policy: Policy) -> bool:
    """Say whether a conclusion gives the preference among equal bidders: accepted, with the best grade (BJ-42)."""
    return result is not None and result.accepted and result.grade == best_grade(policy=policy)


def _share(result: Result, policy: Policy) -> str:
    return str(policy.evaluation.pay_ratio_by_grade[result.grade]) if result.accepted else _NOTHING
