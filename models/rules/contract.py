"""Rules of the contract (S11): term, price, clauses, the time to sign.

Pure; called by ``commands.contract``. Never reads the database or the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.periods import Period
from models.policy.schema import Policy
from models.rules.force import binding

_MONTHS_A_YEAR: Final = 12
_ORDINARY_YEARS: Final = 1
"""Where the conditions of ``contract.extension_conditions`` begin to be asked: the leaf speaks of terms over a year."""


def check_term(*, starts_on: date, ends_on: date, policy: Policy) -> None:
    """Refuse an empty term and one longer than policy allows. ``ends_on`` is the first day after the term.

    Renewals and extensions of the same contract count from its first day. Raises ``Refusal`` ``contract.term_empty``
    (SYS-PERIOD) or ``contract.term_too_long`` (BJ-36, AH-15; elsewhere
    SYS-CONTRACT-TERM with the citation of the leaf).
    """
    if ends_on <= starts_on:
        raise Refusal("contract.term_empty", rule="SYS-PERIOD")
    latest = Period.lasting(starts_on, months=_MONTHS_A_YEAR * policy.contract.max_years).end
    if latest is not None and ends_on > latest:
        raise Refusal(
            "contract.term_too_long",
            rule=binding(policy=policy, rules=("BJ-36", "AH-15", "SYS-CONTRACT-TERM")),
            facts={
                "years": policy.contract.max_years,
                "ends_on": ends_on.isoformat(),
                "latest": latest.isoformat(),
                "source": policy.clause("contract.max_years"),
            },
        )


def missing_extension_conditions(
    *, starts_on: date, ends_on: date, stated: tuple[str, ...], policy: Policy
) -> tuple[str, ...]:
    """Return the conditions (codes) a contract of more than one year leaves unstated; they warn (decision 19).

    Raises ``Refusal`` ``contract.condition_unknown`` for a code outside the list.
    """
    conditions = policy.contract.extension_conditions
    unknown = tuple(code for code in stated if code not in conditions)
    if unknown:
        facts = {"codes": "、".join(unknown), "allowed": "、".join(conditions)}
        raise Refusal("contract.condition_unknown", rule="SYS-CODE-LIST", facts=facts)
    ordinary = Period.lasting(starts_on, months=_MONTHS_A_YEAR * _ORDINARY_YEARS).end
    if ordinary is not None and ends_on <= ordinary:
        return ()
    return tuple(code for code in conditions if code not in stated)


def conditions_warning(*, unstated: tuple[str, ...], policy: Policy) -> tuple[str, ...]:
    """Return the sentence that names the conditions of a longer term nobody stated (AH-14), nothing when all are."""
    if not unstated:
        return ()
    names = "、".join(policy.contract.extension_conditions[code] for code in unstated)
    source = policy.clause("contract.extension_conditions")
    return (sentence("contract.warning.conditions", {"conditions": names, "source": source}),)


def check_price(*, price: Money, awarded: Money) -> None:
    """Refuse a contract at another price than the award (``contract.price_differs``, LAW-ZFCG-46)."""
    if price != awarded:
        facts = {"price": str(price), "awarded": str(awarded)}
        raise Refusal("contract.price_differs", rule="LAW-ZFCG-46", facts=facts)


def check_clauses(*, clauses: Mapping[str, str], policy: Policy) -> None:
    """Refuse a contract that leaves a required clause out or empty (``contract.clause_missing``, BJ-34)."""
    missing = [name for code, name in policy.contract.clauses.items() if not clauses.get(code, "").strip()]
    if missing:
        raise Refusal(
            "contract.clause_missing",
            rule=binding(policy=policy, rules=("BJ-34", "SYS-CONTRACT-CLAUSES")),
            facts={"clauses": "、".join(missing)},
        )


def days_late(*, signed_on: date, due_on: date) -> int:
    """Return by how many days the signing missed its date, 0 when in time (recorded, never blocked: LAW-ZFCG-46)."""
    return max((signed_on - due_on).days, 0)
