"""Rules of incentives (S19): who agrees the allocation, what a unit's row says, what it may come to (ZY-109–111).

Pure; called by ``commands.incentive``. The effects act in the quarterly plan (``rules.plan_candidates``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.evaluation import lowest_grade
from models.rules.force import binding
from models.rules.plan_candidates import LESS, NONE, TILT, Standing, check_standing

_DONOR = "donor"


@dataclass(frozen=True)
class UnitRow:
    """What is stated of a unit: conditions met, an effect that was wished ("" for none), reason, base, and the grade of
    the conclusion its row cites (``None``: none yet)."""

    unit: str
    met: tuple[str, ...]
    effect: str
    reason: str
    base: Money
    grade: str | None


@dataclass(frozen=True)
class Allotted:
    """What follows for a unit: effect ("" for none), weight, amount."""

    effect: str
    weight: Decimal
    amount: Money


def check_participants(*, given: Collection[str], donated: Money, policy: Policy) -> None:
    """Refuse a table that one of those who agree on it did not agree (``incentive.participant_missing``, ZY-109).

    Where nothing was donated there is no donor to ask. Raises ``incentive.participant_unknown`` too.
    """
    wanted = policy.incentive.participants
    unknown = [one for one in given if one not in wanted]
    if unknown:
        facts = {"unknown": "、".join(unknown), "allowed": "、".join(wanted)}
        raise Refusal("incentive.participant_unknown", rule="SYS-CODE-LIST", facts=facts)
    missing = [one for one in wanted if one not in given and (one != _DONOR or donated)]
    if missing:
        rule = binding(policy=policy, rules=("ZY-109", "SYS-INCENTIVE"))
        names = "、".join(ROLE_NAMES[Role(one)] for one in missing)
        raise Refusal("incentive.participant_missing", rule=rule, facts={"missing": names})


def allot(*, row: UnitRow, policy: Policy) -> Allotted:
    """Return the effect, the weight and the amount of a unit: both conditions met, it is favoured (ZY-110).

    Raises ``Refusal`` ``incentive.management_contradicted`` (ZY-110) where a failing conclusion is called good
    management, and as ``check_standing``: ``funding.tilt_without_conditions`` (ZY-110), ``funding.sanction_unfounded``,
    ``funding.sanction_without_reason`` (ZY-111).
    """
    own = policy.incentive
    whole = all(code in row.met for code in own.conditions)
    effect = row.effect or (TILT if whole else "")
    if effect:
        standing = Standing(row.unit, effect, row.met, row.reason)
        check_standing(standing=standing, policy=policy)
    if whole and row.grade == lowest_grade(policy=policy):
        rule = binding(policy=policy, rules=("ZY-110", "SYS-INCENTIVE"))
        raise Refusal("incentive.management_contradicted", rule=rule, facts={"unit": row.unit})
    weights = {TILT: own.tilt_factor, LESS: own.reduce_factor, NONE: Decimal(0)}
    weight = weights.get(effect, Decimal(1))
    return Allotted(effect, weight, row.base.share(weight))


def check_inputs(*, amounts: Iterable[Money], fiscal: Money, donated: Money) -> None:
    """Refuse to allot more than there is (``incentive.over_inputs``, SYS-BALANCE)."""
    total, there = Money.total(amounts), fiscal + donated
    if total > there:
        raise Refusal("incentive.over_inputs", rule="SYS-BALANCE", facts={"total": str(total), "there": str(there)})
