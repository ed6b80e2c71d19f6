"""Rules of payment (S09): everything money rests on before it leaves, all missing parts named at once (ZY-112).

Pure; called by ``commands.payment``. Never reads the database. A plan line is the permission to pay (ZY-79); the
contractor keeps a dedicated account (ZY-92), stays within the estimate (ZY-93) and within each category (ZY-94).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.funding import PAYABLE_CONTRACTS

PAYMENT_RULES: Final = ("ZY-112", "HS-28", "BJ-35", "SYS-PAYMENT-BASIS")
"""What a payment under a contract rests on."""
_HUNDRED: Final = Decimal(100)
_ALARMING: Final = ("category_over", "category_unknown", "over_estimate", "contract_price", "plan_amount")
"""Parts that say more was asked than was granted, or for something else (ZY-94): who supervises is told."""


@dataclass(frozen=True)
class Category:
    """One category of the approved budget: its amount, what was paid of it before, what this payment takes."""

    budget: Money
    paid: Money
    now: Money


@dataclass(frozen=True)
class PaymentCase:
    """What a payment rests on. ``line_paid`` and ``contract_paid`` are the payments before this one, ``project_paid``
    those of the whole project, ``estimate`` its approved estimate.

    ``reserved_for_contract`` is what of the line stands committed to this contract and is unpaid. ``verified_percent``
    is 0…100, ``None`` when nobody verified any. ``grade`` is the grade of the comprehensive evaluation, ``None`` when
    there is none. ``settled`` when a last payment was made before: what a grade withheld is not paid later.
    ``account`` says whether the contractor's dedicated account is registered; ``categories`` is the breakdown by
    category of the approved budget, ``None`` when none was given.
    """

    amount: Money
    line_state: str
    line_amount: Money
    line_paid: Money
    same_project: bool
    contract_state: str
    price: Money
    contract_paid: Money
    reserved_for_contract: Money
    estimated: bool
    verified_percent: Decimal | None
    final: bool
    accepted: bool
    grade: str | None
    settled: bool
    estimate: Money | None = None
    project_paid: Money = Money.ZERO
    account: bool = True
    categories: Mapping[str, Category] | None = None


def verified(*, stated: Decimal | None, recorded: Decimal | None, policy: Policy) -> Decimal | None:
    """Return the progress a payment may rest on: never more than was recorded by who verified it.

    Where ZY-112 binds only a record counts; elsewhere what the payer states does where there is none.
    """
    if recorded is None:
        return None if binding(policy=policy, rules=("ZY-112",)) else stated
    return recorded if stated is None else min(stated, recorded)


def check_account_own(*, shared: bool, policy: Policy) -> None:
    """Refuse an account that another project has: a dedicated one is kept for one project (ZY-92)."""
    if shared:
        rule = binding(policy=policy, rules=("ZY-92", "SYS-DEDICATED-ACCOUNT"))
        raise Refusal("funding.account_shared", rule=rule)


def check_payment(*, case: PaymentCase, policy: Policy) -> None:
    """Refuse a payment that lacks any part it rests on, naming every missing part at once.

    Parts: issued plan line within its amount; signed contract of the same project within its price; estimate where
    policy lists it, and all payments of the project within it (ZY-93); cumulative payment not above the verified
    progress; the contractor's dedicated account (ZY-92); no category above its budget (ZY-94); for the last payment the
    comprehensive evaluation and its grade (HS-37, HS-44). A payment that reaches the contract price is a last one
    whatever it says.
    Raises ``Refusal`` ``funding.payment_not_due`` whose rule is that of the first missing part.
    """
    faults = (
        *_plan_faults(case, policy),
        *_contract_faults(case, policy),
        *_account_faults(case, policy),
        *_category_faults(case, policy),
        *_result_faults(case, policy),
    )
    if faults:
        raise Refusal(
            "funding.payment_not_due",
            rule=faults[0].rule,
            facts={"parts": "；".join(fault.problem for fault in faults)},
            details=faults,
        )


def alarm(*, details: Iterable[Detail]) -> Detail | None:
    """Return what of a refused payment those who supervise the money have to be told: over budget, another purpose."""
    found = {one.field: one for one in details}
    return next((found[part] for part in _ALARMING if part in found), None)


def is_last(*, case: PaymentCase) -> bool:
    """Say whether the payment is the last of its contract: called so, or reaching the price."""
    return case.final or case.contract_paid + case.amount >= case.price


def result_linked_due(*, case: PaymentCase, policy: Policy) -> Money | None:
    """Return what of the last instalment is due by result (share of the grade), ``None`` without a known grade."""
    ratio = policy.evaluation.pay_ratio_by_grade.get(case.grade or "")
    return None if ratio is None else (case.price - case.contract_paid).share(ratio)


def _fault(part: str, rules: tuple[str, ...], policy: Policy, facts: dict[str, object] | None = None) -> Detail:
    return Detail(problem=sentence(f"funding.part.{part}", facts), field=part, rule=binding(policy=policy, rules=rules))


def _plan_faults(case: PaymentCase, policy: Policy) -> list[Detail]:
    faults = []
    if case.line_state != "issued":
        faults.append(_fault("plan_line", ("ZY-112", "SYS-PAYMENT-BASIS"), policy))
    over = case.line_paid + case.amount - case.line_amount
    if over > Money.ZERO:
        faults.append(_fault("plan_amount", ("ZY-79", "SYS-PAYMENT-BASIS"), policy, {"over": str(over)}))
    if "budget_estimate_approval" in policy.funding.payment_basis and not case.estimated:
        faults.append(_fault("estimate", ("ZY-112", "SYS-PAYMENT-BASIS"), policy))
    elif case.estimate is not None and binding(policy=policy, rules=("ZY-93",)):
        beyond = case.project_paid + case.amount - case.estimate
        if beyond > Money.ZERO:
            faults.append(_fault("over_estimate", ("ZY-93",), policy, {"over": str(beyond)}))
    return faults


def _account_faults(case: PaymentCase, policy: Policy) -> list[Detail]:
    if case.account or not policy.funding.dedicated_account or not binding(policy=policy, rules=("ZY-92",)):
        return []
    return [_fault("account", ("ZY-92",), policy)]


def _category_faults(case: PaymentCase, policy: Policy) -> list[Detail]:
    """Name what of the breakdown is not in the approved budget or goes beyond it; where ZY-94 binds there is one."""
    rules = ("ZY-94", "LAW-ZFCG-6")
    if case.categories is None:
        return [_fault("categories", rules, policy)] if binding(policy=policy, rules=("ZY-94",)) else []
    if not policy.funding.no_over_budget:
        return []
    total = Money.total(one.now for one in case.categories.values())
    faults = [] if total == case.amount else [_fault("category_sum", rules, policy, {"total": str(total)})]
    for name, one in case.categories.items():
        over = one.paid + one.now - one.budget
        if not one.budget:
            faults.append(_fault("category_unknown", rules, policy, {"category": name}))
        elif over > Money.ZERO:
            faults.append(_fault("category_over", rules, policy, {"category": name, "over": str(over)}))
    return faults


def _contract_faults(case: PaymentCase, policy: Policy) -> list[Detail]:
    rules = PAYMENT_RULES
    faults = [] if case.verified_percent is not None else [_fault("unverified", rules, policy)]
    if not case.same_project:
        return [_fault("contract_project", rules, policy), *faults]
    if case.contract_state not in PAYABLE_CONTRACTS and not _is_owed(case):
        return [_fault("contract", rules, policy), *faults]
    if case.settled:
        return [_fault("settled", ("HS-44", "SYS-PAY-BY-RESULT"), policy), *faults]
    paid = case.contract_paid + case.amount
    if paid > case.price:
        faults.append(_fault("contract_price", rules, policy, {"over": str(paid - case.price)}))
    elif case.line_state == "issued" and case.amount > case.reserved_for_contract:
        facts: dict[str, object] = {"reserved": str(case.reserved_for_contract)}
        faults.append(_fault("committed", rules, policy, facts))
    if case.verified_percent is not None and paid.exceeds(ratio=case.verified_percent / _HUNDRED, of=case.price):
        faults.append(_fault("progress", rules, policy, {"percent": str(case.verified_percent), "paid": str(paid)}))
    return faults


def _is_owed(case: PaymentCase) -> bool:
    """Say whether a contract was terminated with work verified and unpaid: that much stayed committed to it."""
    return case.contract_state == "terminated" and bool(case.reserved_for_contract)


def _result_faults(case: PaymentCase, policy: Policy) -> list[Detail]:
    if not (policy.evaluation.closing_needs_evaluation and is_last(case=case)):
        return []
    if not case.accepted:
        return [_fault("evaluation", ("HS-37", "SYS-FINAL-EVALUATION"), policy)]
    due = result_linked_due(case=case, policy=policy)
    if due is None:
        return [_fault("grade", ("HS-44", "SYS-PAY-BY-RESULT"), policy)]
    if case.amount > due:
        facts: dict[str, object] = {"due": str(due), "grade": policy.evaluation.grade_names.get(case.grade or "", "")}
        return [_fault("result", ("HS-44", "AH-30", "SYS-PAY-BY-RESULT"), policy, facts)]
    return []
