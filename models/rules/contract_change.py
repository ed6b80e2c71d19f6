"""Rules of a contract beside its signing and after it (S11): what supplements may cost, who may perform, who follows.

Pure; called by ``commands.contract``, ``commands.contract_change`` and ``commands.delivery``. Transfer (转包) is barred
everywhere; subcontracting (分包) is lawful with the purchaser's consent. Never reads the database or the clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.payment import PAYMENT_RULES

_TRANSFER: Final = ("BJ-47", "LAW-ZFCGTL-72")


@dataclass(frozen=True)
class Assisting:
    """A village or community body that helps: its name, its tasks, and whether it is a party to the contract."""

    body: str
    tasks: str
    party: bool


def assisting_warnings(*, assisting: Sequence[Assisting], policy: Policy) -> tuple[str, ...]:
    """Return a warning for every body that is given tasks and is no party, where parties may be named (AH-05, AH-06).

    Administrative tasks are not simply pushed down: who has tasks should stand in the contract.
    """
    rule = binding(policy=policy, rules=("AH-06",))
    if rule is None or not policy.contract.assisting_parties:
        return ()
    source = policy.clause("contract.assisting_parties")
    return tuple(
        sentence("contract.warning.not_party", {"body": one.body, "rule": rule, "source": source})
        for one in assisting
        if not one.party
    )


def check_withheld(*, withheld: Money, unpaid: Money, policy: Policy) -> None:
    """Refuse to withhold more than was verified and not paid (``contract.withheld_beyond``, ZY-112)."""
    if withheld < Money.ZERO or withheld > unpaid:
        facts = {"withheld": str(withheld), "unpaid": str(unpaid)}
        raise Refusal("contract.withheld_beyond", rule=binding(policy=policy, rules=PAYMENT_RULES), facts=facts)


def check_bond(*, bond: Money | None, price: Money, policy: Policy) -> None:
    """Refuse a performance bond above its share of the price (``contract.bond_too_high``, LAW-ZFCGTL-48)."""
    ratio = policy.contract.performance_bond_ratio
    if bond is not None and bond.exceeds(ratio=ratio, of=price):
        facts = {
            "bond": str(bond),
            "most": str(price.share(ratio)),
            "source": _source(policy, "performance_bond_ratio"),
        }
        raise Refusal("contract.bond_too_high", rule="LAW-ZFCGTL-48", facts=facts)


def check_succession(*, same_project: bool, state: str, ends_on: date, starts_on: date) -> None:
    """Refuse a contract that follows one of another project, or begins before the one it follows is over.

    ``ends_on`` is the first day after the earlier contract, that of its termination when it was terminated. Raises
    ``Refusal`` ``contract.predecessor_other`` or ``contract.successor_overlaps`` (SYS-CONTRACT-ORDER).
    """
    if not same_project:
        raise Refusal("contract.predecessor_other", rule="SYS-CONTRACT-ORDER")
    if starts_on < ends_on:
        facts = {"starts_on": starts_on.isoformat(), "ends_on": ends_on.isoformat(), "state": state}
        raise Refusal("contract.successor_overlaps", rule="SYS-CONTRACT-ORDER", facts=facts)


def check_supplement(
    *, original: Money, price: Money, paid: Money, planned: Money, rise: Money, policy: Policy
) -> None:
    """Refuse a new price beyond what supplements may add, beyond the plan, or below what was paid.

    ``original`` is the price as signed, ``price`` the new one, ``rise`` what it adds to the present one,
    ``planned`` what the project's issued plan lines hold uncommitted. Raises ``Refusal``
    ``contract.over_supplement`` (LAW-ZFCG-49), ``contract.over_plan`` (ZY-78), ``contract.below_paid`` (SYS-BALANCE).
    """
    ratio = policy.contract.supplement_ratio
    added = price - original
    if added > Money.ZERO and added.exceeds(ratio=ratio, of=original):
        facts = {
            "added": str(added),
            "most": str(original.share(ratio)),
            "source": _source(policy, "supplement_ratio"),
        }
        raise Refusal("contract.over_supplement", rule="LAW-ZFCG-49", facts=facts)
    if rise > planned:
        facts = {"rise": str(rise), "planned": str(planned)}
        raise Refusal("contract.over_plan", rule=binding(policy=policy, rules=("ZY-78", "SYS-BALANCE")), facts=facts)
    if price < paid:
        raise Refusal("contract.below_paid", rule="SYS-BALANCE", facts={"price": str(price), "paid": str(paid)})


def check_changed(*, diff: Mapping[str, object]) -> None:
    """Refuse an amendment that changes nothing (``contract.nothing_changed``, SYS-ARGUMENTS)."""
    if not diff:
        raise Refusal("contract.nothing_changed", rule="SYS-ARGUMENTS")


def check_not_transferred(*, whole: bool, given: Money, price: Money, policy: Policy) -> None:
    """Refuse to hand the whole contract on, by name or by the sum of its parts (``contract.transferred``, BJ-47).

    ``given`` is what all subcontracts take together, this one counted.
    """
    if policy.contract.transfer_banned and (whole or given >= price):
        facts = {"given": str(given), "price": str(price), "source": _source(policy, "transfer_banned")}
        raise Refusal("contract.transferred", rule=binding(policy=policy, rules=_TRANSFER), facts=facts)


def check_consent(*, consented: bool, policy: Policy) -> None:
    """Refuse a subcontract without the purchaser's consent on paper (``contract.no_consent``, LAW-ZFCG-48)."""
    if policy.contract.subcontract_needs_consent and not consented:
        facts = {"source": _source(policy, "subcontract_needs_consent")}
        raise Refusal("contract.no_consent", rule="LAW-ZFCG-48", facts=facts)


def check_performers(*, employers: Collection[str], allowed: Collection[str], policy: Policy) -> None:
    """Refuse staff of a body that is neither the contractor nor a consented subcontractor: a transfer in fact (BJ-47).

    Raises ``Refusal`` ``contract.performed_by_other``.
    """
    others = {employer for employer in employers if employer not in allowed}
    if policy.contract.transfer_banned and others:
        facts = {"others": len(others), "source": _source(policy, "transfer_banned")}
        raise Refusal("contract.performed_by_other", rule=binding(policy=policy, rules=_TRANSFER), facts=facts)


def check_key_post(*, post: str, posts: Mapping[str, str], consented: bool, policy: Policy) -> None:
    """Refuse to change a post the contract does not name, or one without the purchaser's consent (ZY-86).

    Raises ``Refusal`` ``contract.post_unknown`` (SYS-CODE-LIST), ``contract.post_no_consent``.
    """
    if post not in posts:
        known = "、".join(posts) or sentence("contract.none")
        raise Refusal("contract.post_unknown", rule="SYS-CODE-LIST", facts={"post": post, "known": known})
    if not consented:
        rule = binding(policy=policy, rules=("ZY-86", "SYS-KEY-POST"))
        raise Refusal("contract.post_no_consent", rule=rule, facts={"post": post})


def check_breach(*, serious: bool, penalty: str, policy: Policy) -> str | None:
    """Return the rule a termination for a serious breach rests on, ``None`` where it is the contract alone.

    In Beijing a serious breach is punished and the contract ended: without what was imposed it is refused
    (``contract.penalty_missing``, BJ-51).
    """
    rule = binding(policy=policy, rules=("BJ-51",))
    if serious and rule and not penalty.strip():
        raise Refusal("contract.penalty_missing", rule=rule)
    return rule if serious else None


def _source(policy: Policy, leaf: str) -> str:
    return policy.clause(f"contract.{leaf}")
