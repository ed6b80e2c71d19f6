"""Rules of recovery (SX1): the misuse ladder, what each step rests on, and how high a fine may be.

Pure; called by ``commands.recovery`` and ``commands.recovery_end``. The ladder itself (which steps, in which order) is
policy; a step is never jumped (ZY-114–117).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from models.core.errors import Conflict, Refusal
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding

OPENED: Final = "opened"
SUMMONED: Final = "interview"
INTERVIEWED: Final = "interviewed"
ORDERED: Final = "repay_order"
REPAID: Final = "repaid"
RECOVERING: Final = "recovery"
OFFICER: Final = "officer"
TRANSFERRED: Final = "transfer"
RECEIVED: Final = "received"
CLOSED: Final = "closed"
FRAUD: Final = "fraud"
_BEFORE: Final = {INTERVIEWED: SUMMONED, ORDERED: INTERVIEWED, TRANSFERRED: SUMMONED, RECEIVED: TRANSFERRED}
_RULES: Final = {
    SUMMONED: "ZY-114",
    INTERVIEWED: "ZY-114",
    ORDERED: "ZY-115",
    REPAID: "ZY-115",
    RECOVERING: "ZY-116",
    TRANSFERRED: "ZY-117",
    RECEIVED: "ZY-117",
}


@dataclass(frozen=True)
class Standing:
    """Where a case stands: steps taken, money misused and come back, the day it was to be back, whether an officer of
    the administration is involved."""

    taken: Collection[str]
    amount: Money
    repaid: Money
    due_on: date | None
    officer: bool

    @property
    def owed(self) -> Money:
        """What has not come back."""
        return self.amount - self.repaid


def rule_of(*, step: str, policy: Policy) -> str | None:
    """Return the rule a step rests on here."""
    return binding(policy=policy, rules=(_RULES.get(step, "ZY-113"), "SYS-MISUSE"))


def check_found(*, kind: str, event_on: date, found_on: date, named: Collection[object], policy: Policy) -> None:
    """Refuse an unknown kind of misuse, a discovery before the conduct, a plan line without its contract (ZY-113).

    Raises ``Refusal`` ``recovery.kind_unknown``, ``recovery.found_before``, ``recovery.half_named``.
    """
    rule = rule_of(step=OPENED, policy=policy)
    kinds = policy.recovery.kinds
    if kind not in kinds:
        facts: dict[str, object] = {"allowed": "、".join(f"{code}（{name}）" for code, name in kinds.items())}
        raise Refusal("recovery.kind_unknown", rule=rule, facts=facts)
    if event_on > found_on:
        raise Refusal("recovery.found_before", rule="SYS-DATE")
    if len([one for one in named if one is not None]) == 1:
        raise Refusal("recovery.half_named", rule="SYS-ARGUMENTS")


def check_paid(*, amount: Money, paid: Money) -> None:
    """Refuse a case of more money than was paid (``recovery.more_than_paid``, SYS-BALANCE)."""
    if amount > paid:
        raise Refusal("recovery.more_than_paid", rule="SYS-BALANCE", facts={"amount": str(amount), "paid": str(paid)})


def check_step(*, step: str, standing: Standing, on: date, policy: Policy) -> None:
    """Refuse a step that jumps the one before it, or whose ground is not there.

    Raises ``Conflict`` ``recovery.taken`` or ``recovery.closed``; ``Refusal`` ``recovery.step_jumped`` (ZY-114,
    ZY-115), ``recovery.not_overdue`` (ZY-116), ``recovery.no_officer`` (ZY-117).
    """
    rule = rule_of(step=step, policy=policy)
    ladder = policy.recovery.ladder
    if CLOSED in standing.taken:
        raise Conflict("recovery.closed", rule="SYS-ALREADY-DONE")
    if step in standing.taken:
        raise Conflict("recovery.taken", rule="SYS-ALREADY-DONE")
    before = _BEFORE.get(step)
    if before is not None and before not in standing.taken:
        missing = ladder.get(before, ladder[SUMMONED])
        raise Refusal("recovery.step_jumped", rule=rule, facts={"missing": missing})
    if step == RECOVERING:
        _check_overdue(standing, on=on, rule=rule)
    if step == TRANSFERRED and not standing.officer:
        raise Refusal("recovery.no_officer", rule=rule)


def _check_overdue(standing: Standing, *, on: date, rule: str | None) -> None:
    """Refuse to recover by force before the order's day has passed without the money."""
    if standing.due_on is None or on <= standing.due_on or not standing.owed:
        facts = {"due": standing.due_on.isoformat() if standing.due_on else "—", "owed": str(standing.owed)}
        raise Refusal("recovery.not_overdue", rule=rule, facts=facts)


def check_repayment(*, amount: Money, standing: Standing, policy: Policy) -> None:
    """Refuse money before it was ordered back, or more than is owed.

    Raises ``Refusal`` ``recovery.not_ordered`` (ZY-115), ``recovery.too_much``; ``Conflict`` ``recovery.closed``.
    """
    if CLOSED in standing.taken:
        raise Conflict("recovery.closed", rule="SYS-ALREADY-DONE")
    if ORDERED not in standing.taken:
        raise Refusal("recovery.not_ordered", rule=rule_of(step=ORDERED, policy=policy))
    if amount > standing.owed:
        facts = {"amount": str(amount), "owed": str(standing.owed)}
        raise Refusal("recovery.too_much", rule="SYS-BALANCE", facts=facts)


def check_may_close(*, standing: Standing, ruled: bool, policy: Policy) -> None:
    """Refuse to close a case on which a step of the ladder is still owed.

    ``ruled``: a paper says why what is still owed cannot be had. Raises ``Refusal`` ``recovery.still_owed`` (ZY-116),
    ``recovery.no_receipt`` (ZY-117), ``recovery.step_jumped`` (ZY-114); ``Conflict`` ``recovery.closed``.
    """
    if CLOSED in standing.taken:
        raise Conflict("recovery.closed", rule="SYS-ALREADY-DONE")
    if INTERVIEWED not in standing.taken:
        facts = {"missing": policy.recovery.ladder[SUMMONED]}
        raise Refusal("recovery.step_jumped", rule=rule_of(step=SUMMONED, policy=policy), facts=facts)
    if standing.owed and not (ruled and RECOVERING in standing.taken):
        rule = rule_of(step=RECOVERING, policy=policy)
        raise Refusal("recovery.still_owed", rule=rule, facts={"owed": str(standing.owed)})
    if standing.officer and RECEIVED not in standing.taken:
        raise Refusal("recovery.no_receipt", rule=rule_of(step=RECEIVED, policy=policy))


@dataclass(frozen=True)
class FineBounds:
    """Between how many times the sum a fine lies, both ends included, and the article that says so."""

    least: Decimal
    most: Decimal
    clause: str


def fine_bounds(*, kind: str, policy: Policy) -> FineBounds:
    """Return what a fine may be by the law of the day of the conduct; ``policy`` is that day's.

    Raises ``Refusal`` ``recovery.no_fine_then`` where no law of that day sets one for conduct of this kind.
    """
    own = policy.recovery
    if kind == FRAUD and own.fraud_fine_max is not None:
        clause = policy.clause("recovery.fraud_fine_max")
        return FineBounds(own.fraud_fine_min or Decimal(0), own.fraud_fine_max, clause)
    if kind in (own.diversion_fine_kinds or ()) and own.diversion_fine_max is not None:
        return FineBounds(Decimal(0), own.diversion_fine_max, policy.clause("recovery.diversion_fine_max"))
    raise Refusal("recovery.no_fine_then", rule="SYS-FINE", facts={"on": policy.on.isoformat()})


def fine(*, base: Money, multiple: Decimal, bounds: FineBounds) -> Money:
    """Return a fine. Raises ``Refusal`` ``recovery.fine_out_of_bounds`` (SYS-FINE) outside what the law allows."""
    if not bounds.least <= multiple <= bounds.most:
        facts = {"least": str(bounds.least), "most": str(bounds.most), "clause": bounds.clause}
        raise Refusal("recovery.fine_out_of_bounds", rule="SYS-FINE", facts=facts)
    return Money(int((base.fen * multiple).quantize(Decimal(1), ROUND_HALF_UP)))
