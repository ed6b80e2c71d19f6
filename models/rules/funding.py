"""Rules of funding (S09): balanced postings, channels apart, balance before plan, co-issuers, what a payment rests on.

Pure; called by the funding commands and the ledger. Never reads the database. A plan line is the permission to pay
(ZY-79); a payment rests on all its parts at once (ZY-112, HS-28) and its refusal names every part that is missing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from models.core.actors import ROLE_NAMES, Role
from models.core.errors import DataFault, Detail, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding

_HUNDRED: Final = Decimal(100)
_OTHER: Final = "OTHER"
_JOINT_ISSUE: Final = ("ZY-77", "SYS-CO-ISSUERS")
_BEFORE_ISSUE: Final = frozenset({"drafted", "signed"})
PAYABLE_CONTRACTS: Final = frozenset({"signed", "running", "ended"})


class Account(StrEnum):
    """The accounts of a channel. ``APPROPRIATION`` is the source and stands negative; all together sum to zero."""

    APPROPRIATION = "appropriation"
    REMAINING = "remaining"
    RESERVED = "reserved"
    PLANNED = "planned"
    COMMITTED = "committed"
    PAID = "paid"


@dataclass(frozen=True)
class Leg:
    """One leg of an entry: positive into the account, negative out of it, in one channel of one year."""

    account: Account
    channel: str
    year: int
    amount: Money


@dataclass(frozen=True)
class BatchLine:
    """One plan line of a batch as the issuing rule sees it: state and the co-issuers that have not signed."""

    project: str
    state: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class PaymentCase:
    """What a payment rests on. ``line_paid`` and ``contract_paid`` are the payments before this one.

    ``reserved_for_contract`` is what of the line stands committed to this contract and is unpaid. ``verified_percent``
    is 0…100. ``grade`` is the grade of the comprehensive evaluation, ``None`` when there is none. ``settled`` when a
    last payment was made before: what a grade withheld is not paid later.
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
    verified_percent: Decimal
    final: bool
    accepted: bool
    grade: str | None
    settled: bool


def check_balanced(*, legs: tuple[Leg, ...]) -> None:
    """Stop an entry whose legs do not sum to zero in every channel and year (``funding.unbalanced``, SYS-LEDGER)."""
    sums: dict[tuple[str, int], int] = defaultdict(int)
    for leg in legs:
        sums[leg.channel, leg.year] += leg.amount.fen
    if not legs or any(sums.values()):
        raise DataFault("funding.unbalanced", rule="SYS-LEDGER", facts={"legs": len(legs)})


def check_channel(*, channel: str, note: str, policy: Policy) -> None:
    """Refuse a channel outside the list; ``OTHER`` says what it is (decision 15).

    Raises ``Refusal`` ``funding.channel_unknown`` or ``funding.channel_note`` (ZY-46).
    """
    rule = binding(policy=policy, rules=("ZY-46", "SYS-CODE-LIST"))
    sources = policy.funding.sources
    if channel not in sources:
        facts = {"channel": channel, "allowed": "、".join(f"{code}（{name}）" for code, name in sources.items())}
        raise Refusal("funding.channel_unknown", rule=rule, facts=facts)
    if channel == _OTHER and not note.strip():
        raise Refusal("funding.channel_note", rule=rule)


def check_balance(*, wanted: Money, available: Money, channel: str, year: int, policy: Policy) -> None:
    """Refuse a plan line above what is left of its channel (``funding.over_balance``, ZY-78)."""
    if wanted > available:
        raise Refusal(
            "funding.over_balance",
            rule=binding(policy=policy, rules=("ZY-78", "SYS-BALANCE")),
            facts={
                "channel": policy.funding.sources.get(channel, channel),
                "year": year,
                "wanted": str(wanted),
                "available": str(available),
            },
        )


def missing_signatures(*, signed: tuple[str, ...], policy: Policy) -> tuple[str, ...]:
    """Return the roles that issue the batch together and have not signed, in policy order (ZY-77)."""
    return tuple(role for role in policy.funding.plan_co_issuers if role not in signed)


def check_may_sign(*, role: Role, signed: tuple[str, ...], policy: Policy) -> None:
    """Refuse the signature of a role that does not issue plans here, and a second one of the same role.

    Raises ``Refusal`` ``funding.not_co_issuer`` or ``funding.signed_already`` (ZY-77).
    """
    rule = binding(policy=policy, rules=_JOINT_ISSUE)
    if role not in policy.funding.plan_co_issuers:
        facts = {"role": ROLE_NAMES[role], "allowed": role_names(policy.funding.plan_co_issuers)}
        raise Refusal("funding.not_co_issuer", rule=rule, facts=facts)
    if role in signed:
        raise Refusal("funding.signed_already", rule=rule, facts={"role": ROLE_NAMES[role]})


def check_batch_open(*, states: tuple[str, ...], policy: Policy) -> None:
    """Refuse to touch a batch that was issued: a batch goes out once (``funding.batch_issued``, ZY-77)."""
    if any(state not in _BEFORE_ISSUE for state in states):
        raise Refusal("funding.batch_issued", rule=binding(policy=policy, rules=_JOINT_ISSUE))


def check_batch(*, lines: tuple[BatchLine, ...], policy: Policy) -> None:
    """Refuse to issue a batch that is empty, issued already, or holds a line not signed by all co-issuers.

    Raises ``Refusal`` ``funding.batch_empty``, ``funding.batch_issued`` or ``funding.batch_unsigned`` (ZY-77).
    """
    rule = binding(policy=policy, rules=_JOINT_ISSUE)
    if not lines:
        raise Refusal("funding.batch_empty", rule=rule)
    check_batch_open(states=tuple(line.state for line in lines), policy=policy)
    unsigned = tuple(line for line in lines if line.state != "signed")
    if unsigned:
        missing = tuple(dict.fromkeys(role for line in unsigned for role in line.missing))
        raise Refusal(
            "funding.batch_unsigned",
            rule=rule,
            facts={"count": len(unsigned), "missing": role_names(missing)},
            details=tuple(
                Detail(
                    problem=sentence("funding.line_unsigned", {"missing": role_names(one.missing)}), field=one.project
                )
                for one in unsigned
            ),
        )


def role_names(roles: tuple[str, ...]) -> str:
    """Return the roles as users read them."""
    return "、".join(ROLE_NAMES[Role(role)] for role in roles)


def check_payment(*, case: PaymentCase, policy: Policy) -> None:
    """Refuse a payment that lacks any part it rests on, naming every missing part at once.

    Parts: issued plan line within its amount; signed contract of the same project within its price; estimate where
    policy lists it; cumulative payment not above the verified progress; for the last payment the comprehensive
    evaluation and its grade (HS-37, HS-44). A payment that reaches the contract price is a last one whatever it says.
    Raises ``Refusal`` ``funding.payment_not_due`` whose rule is that of the first missing part.
    """
    faults = (*_plan_faults(case, policy), *_contract_faults(case, policy), *_result_faults(case, policy))
    if faults:
        raise Refusal(
            "funding.payment_not_due",
            rule=faults[0].rule,
            facts={"parts": "；".join(fault.problem for fault in faults)},
            details=faults,
        )


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
    return faults


def _contract_faults(case: PaymentCase, policy: Policy) -> list[Detail]:
    rules = ("ZY-112", "HS-28", "BJ-35", "SYS-PAYMENT-BASIS")
    if not case.same_project:
        return [_fault("contract_project", rules, policy)]
    if case.contract_state not in PAYABLE_CONTRACTS:
        return [_fault("contract", rules, policy)]
    if case.settled:
        return [_fault("settled", ("HS-44", "SYS-PAY-BY-RESULT"), policy)]
    faults = []
    paid = case.contract_paid + case.amount
    if paid > case.price:
        faults.append(_fault("contract_price", rules, policy, {"over": str(paid - case.price)}))
    elif case.line_state == "issued" and case.amount > case.reserved_for_contract:
        facts: dict[str, object] = {"reserved": str(case.reserved_for_contract)}
        faults.append(_fault("committed", rules, policy, facts))
    if paid.exceeds(ratio=case.verified_percent / _HUNDRED, of=case.price):
        faults.append(_fault("progress", rules, policy, {"percent": str(case.verified_percent), "paid": str(paid)}))
    return faults


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
        return [_fault("result", ("HS-44", "SYS-PAY-BY-RESULT"), policy, facts)]
    return []
