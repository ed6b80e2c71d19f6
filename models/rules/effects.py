"""What a conclusion changes (S16): the last instalment, the weight in the next batch, the choice among equals.

Pure; called by ``commands.effects``. The gates themselves stand where they act (payment, plan, award); here it is said,
for the record, what a grade does to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding

PAYMENT: Final = "payment"
NEXT_BATCH: Final = "next_batch"
TIE_BREAK: Final = "tie_break"
STAR: Final = "star"
BAN: Final = "ban"
INCENTIVE: Final = "incentive"
_NO_GRADE: Final = "NONE"


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
    grade: str,
    previous: str | None,
    project: str,
    contracts: Iterable[str],
    contractors: Iterable[str],
    policy: Policy,
) -> tuple[Effect, ...]:
    """Return what a grade changes; ``previous`` is the grade that counted before, ``None`` for a newcomer.

    The share of each contract's last instalment (HS-44, AH-30), the project's weight in the next batch (ZY-98), and for
    the best grade the preference among equal bidders (BJ-42).
    """
    ratios, weights = policy.evaluation.pay_ratio_by_grade, policy.funding.plan_grade_weights
    pay = binding(policy=policy, rules=("HS-44", "AH-30", "SYS-PAY-BY-RESULT")) or ""
    batch = binding(policy=policy, rules=("ZY-98", "SYS-NEXT-BATCH")) or ""
    share = str(ratios[previous]) if previous else "1"
    weight = str(weights[previous or _NO_GRADE])
    found = [Effect(PAYMENT, "contract", one, share, str(ratios[grade]), pay) for one in contracts]
    found.append(Effect(NEXT_BATCH, "project", project, weight, str(weights[grade]), batch))
    tie = binding(policy=policy, rules=("BJ-42",))
    best = max(policy.evaluation.grades, key=lambda code: policy.evaluation.grades[code])
    if tie and grade == best:
        after = sentence("evaluation.effect.preferred")
        found += [Effect(TIE_BREAK, "organisation", one, previous or "—", after, tie) for one in contractors]
    return tuple(found)
