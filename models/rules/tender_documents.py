"""Rules of tender documents (S10): the unified template, qualifications, criteria, amendments, the time on offer.

Pure; called by ``commands.tender_documents`` and the notice. Deviations are computed from the texts, not declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from models.core.calendar import WorkCalendar
from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding


@dataclass(frozen=True)
class Qualification:
    """A condition beyond the general ones; ``serves`` says what it has to do with the service (empty: nothing)."""

    text: str
    serves: str


@dataclass(frozen=True)
class Criterion:
    """One criterion of the evaluation and its weight; ``price`` when it is the price."""

    name: str
    weight: Decimal
    price: bool


def deviations(*, sections: Mapping[str, str], template: Mapping[str, str]) -> dict[str, str]:
    """Return code → what departs from the template: a section left out, added, or worded otherwise."""
    found = {code: "missing" for code in template if code not in sections}
    found |= {code: "added" for code in sections if code not in template}
    found |= {
        code: "changed"
        for code, text in sections.items()
        if code in template and template[code] and "".join(text.split()) != "".join(template[code].split())
    }
    return dict(sorted(found.items()))


def check_deviations(
    *, found: Mapping[str, str], reasons: Mapping[str, str], has_template: bool, policy: Policy
) -> None:
    """Refuse documents that leave the unified template without saying why (ZY-81); elsewhere nothing asks for one.

    Raises ``Refusal`` ``procurement.template_missing`` or ``procurement.deviation_unlisted`` naming every section.
    """
    rule = binding(policy=policy, rules=("ZY-81",))
    if rule is None or not policy.procurement.template_required:
        return
    if not has_template:
        raise Refusal("procurement.template_missing", rule=rule)
    silent = tuple(code for code in found if not reasons.get(code, "").strip())
    if silent:
        details = tuple(
            Detail(problem=sentence(f"procurement.deviation.{found[code]}"), field=code, rule=rule) for code in silent
        )
        facts = {"sections": "、".join(f"{detail.field}({detail.problem})" for detail in details)}
        raise Refusal("procurement.deviation_unlisted", rule=rule, facts=facts, details=details)


def check_qualifications(*, qualifications: Mapping[str, Qualification], policy: Policy) -> None:
    """Refuse a condition that has nothing to do with the service (``procurement.unrelated``, BJ-23, LAW-ZFCGTL-20)."""
    unrelated = tuple(one.text for one in qualifications.values() if not one.serves.strip())
    if unrelated:
        rule = binding(policy=policy, rules=("BJ-23", "LAW-ZFCGTL-20"))
        raise Refusal("procurement.unrelated", rule=rule, facts={"conditions": "；".join(unrelated)})


def check_criteria(*, criteria: Mapping[str, Criterion], policy: Policy) -> None:
    """Refuse an evaluation by price alone (``procurement.price_only``, BJ-32, elsewhere SYS-PRICE-ONLY).

    Raises ``Refusal`` ``procurement.criteria_empty`` when nothing is weighed.
    """
    total = sum((one.weight for one in criteria.values()), Decimal())
    if not total:
        raise Refusal("procurement.criteria_empty", rule="LAW-ZFCGTL-34")
    other = sum((one.weight for one in criteria.values() if not one.price), Decimal())
    if policy.procurement.price_only_ban and not other:
        raise Refusal(
            "procurement.price_only",
            rule=binding(policy=policy, rules=("BJ-32", "SYS-PRICE-ONLY")),
            facts={"source": policy.clause("procurement.price_only_ban")},
        )


def check_public_qualifications(*, used: frozenset[str], published: frozenset[str], policy: Policy) -> None:
    """Refuse to use a condition that was not made public before (``procurement.unpublished``, BJ-22)."""
    rule = binding(policy=policy, rules=("BJ-22",))
    hidden = sorted(used - published)
    if rule is not None and hidden:
        raise Refusal("procurement.unpublished", rule=rule, facts={"conditions": "、".join(hidden)})


def check_on_offer(*, from_on: date, until_on: date | None, policy: Policy, calendar: WorkCalendar) -> None:
    """Refuse to hand documents out for less than the working days of law (LAW-ZFCGTL-31); ``None``: to the deadline."""
    if until_on is None:
        return
    earliest = calendar.add_working_days(from_on, days=policy.procurement.document_sale_working_days).date
    if until_on < earliest:
        facts = {"until": until_on.isoformat(), "earliest": earliest.isoformat()}
        raise Refusal("procurement.offer_too_short", rule="LAW-ZFCGTL-31", facts=facts)


def check_amendment(*, on: date, closes_on: date, policy: Policy) -> None:
    """Refuse an amendment that leaves suppliers less than the days of law (LAW-ZFCGTL-31): the deadline must move."""
    earliest = on + timedelta(days=policy.procurement.amendment_days)
    if closes_on < earliest:
        facts = {"closes_on": closes_on.isoformat(), "earliest": earliest.isoformat()}
        raise Refusal("procurement.amended_late", rule="LAW-ZFCGTL-31", facts=facts)


def check_bond(*, bond: Money | None, budget: Money, policy: Policy) -> None:
    """Refuse a deposit above the share of the budget the law allows (``procurement.bond_high``, LAW-ZFCGTL-33)."""
    most = Money(int(budget.fen * policy.procurement.bid_bond_ratio))
    if bond is not None and bond > most:
        raise Refusal("procurement.bond_high", rule="LAW-ZFCGTL-33", facts={"bond": str(bond), "most": str(most)})
