"""Who may bid: kind against credit code, the conditions of the place with their proofs, bars with their term.

Pure; called by the commands on bids and debarments. The six Beijing conditions are gates there; elsewhere the law lets
a purchaser ask for proofs, so what is missing is recorded and blocks nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.identifiers import OrganisationType, parse_credit_code
from models.core.messages import sentence
from models.core.periods import add_months
from models.policy.schema import Policy
from models.rules.force import binding

COORDINATION_NOTE: Final = "coordination_note"
"""The proof a class-II institution attaches on how funding and staffing are coordinated (BJ-15)."""
_CLASS_TWO: Final = "class_two_institution"
_INDIVIDUAL: Final = "individual"
_MONTHS: Final = 12
_KINSHIP: Final = "kinship"
_CONDITION_RULES: Final = {
    "civil_liability": "BJ-16",
    "premises": "BJ-17",
    "equipment_capability": "BJ-18",
    "governance": "BJ-19",
    "credit_accounting": "BJ-20",
    "tax_social_insurance": "BJ-21",
}
_KINDS: Final = {
    OrganisationType.ASSOCIATION: ("social_org",),
    OrganisationType.PRIVATE_NON_PROFIT: ("social_org",),
    OrganisationType.FOUNDATION: ("social_org",),
    OrganisationType.INSTITUTION: (_CLASS_TWO, "production_institution"),
    OrganisationType.ENTERPRISE: ("enterprise",),
}


def check_kind_of_code(*, kind: str, uscc: str | None, policy: Policy) -> None:
    """Refuse a supplier that names itself another kind than its credit code does (``procurement.kind_differs``).

    A code whose prefix tells nothing is let pass.
    """
    kinds = _KINDS.get(parse_credit_code(uscc).organisation_type) if uscc else None
    if kinds is None or kind in kinds:
        return
    names = policy.procurement.contractor_types
    raise Refusal(
        "procurement.kind_differs",
        rule=binding(policy=policy, rules=("HS-15", "BJ-14", "SYS-CONTRACTOR-TYPE")),
        facts={"kind": names.get(kind, kind), "told": "、".join(names.get(code, code) for code in kinds)},
    )


def code_warning(*, kind: str, uscc: str | None) -> tuple[str, ...]:
    """Warn of a supplier without a credit code: its kind is told by nobody, a bar is found by its name alone."""
    return () if uscc or kind == _INDIVIDUAL else (sentence("procurement.warning.no_code"),)


def check_conditions(*, kind: str, proofs: Mapping[str, str], policy: Policy) -> tuple[str, ...]:
    """Return the warnings of a bid whose proofs suffice; refuse one that lacks a condition Beijing makes a gate.

    Raises ``Refusal`` ``procurement.condition_unknown``, ``procurement.condition_missing`` (BJ-16 to BJ-21) naming
    every missing one.
    """
    conditions = policy.procurement.contractor_conditions
    unknown = tuple(code for code in proofs if code not in conditions and code != COORDINATION_NOTE)
    if unknown:
        facts = {"codes": "、".join(unknown), "allowed": "、".join(conditions)}
        raise Refusal("procurement.condition_unknown", rule="SYS-CODE-LIST", facts=facts)
    missing = tuple(
        Detail(problem=conditions[code], field=code, rule=rule)
        for code, id_ in _CONDITION_RULES.items()
        if code in conditions and not proofs.get(code, "").strip() and (rule := binding(policy=policy, rules=(id_,)))
    )
    if missing:
        facts = {"conditions": "；".join(detail.problem for detail in missing)}
        raise Refusal("procurement.condition_missing", rule=missing[0].rule, facts=facts, details=missing)
    rule = binding(policy=policy, rules=("BJ-15",))
    if kind == _CLASS_TWO and rule is not None and not proofs.get(COORDINATION_NOTE, "").strip():
        return (sentence("procurement.warning.coordination", {"rule": rule}),)
    return ()


def check_not_involved(*, supplier: Collection[str | None], involved: Collection[str], single_source: bool) -> None:
    """Refuse a supplier that designed the purchase, wrote its norms, manages or checks it (LAW-ZFCGTL-18).

    ``supplier`` is every name the supplier has (id, name, credit code), ``involved`` who did such work. A single source
    is excepted by law. Raises ``Refusal`` ``procurement.designer_bids``.
    """
    if not single_source and set(involved) & {name for name in supplier if name}:
        raise Refusal("procurement.designer_bids", rule="LAW-ZFCGTL-18")


def check_bar(*, from_on: date, until_on: date, policy: Policy) -> str:
    """Return the rule a bar rests on; refuse one shorter or longer than the law lets it be.

    Raises ``Refusal`` ``procurement.bar_term`` (BJ-52, LAW-ZFCG-77).
    """
    least, most = policy.procurement.debarment_years_min, policy.procurement.debarment_years_max
    rule = binding(policy=policy, rules=("BJ-52", "LAW-ZFCG-77")) or "LAW-ZFCG-77"
    earliest, latest = add_months(from_on, months=_MONTHS * least), add_months(from_on, months=_MONTHS * most)
    if not earliest <= until_on <= latest:
        facts = {"from": from_on.isoformat(), "earliest": earliest.isoformat(), "latest": latest.isoformat()}
        raise Refusal("procurement.bar_term", rule=rule, facts=facts)
    return rule


def relation_counts(*, kind: str, ended_on: date | None, on: date, policy: Policy) -> bool:
    """Say whether a declared relation keeps an expert out on a day (LAW-ZFCGTL-9): kinship always, others for years.

    Raises ``Refusal`` ``procurement.relation_unknown`` for a kind outside the list.
    """
    kinds = policy.procurement.recusal_ties
    if kind not in kinds:
        facts = {"kind": kind, "allowed": "、".join(f"{code}（{name}）" for code, name in kinds.items())}
        raise Refusal("procurement.relation_unknown", rule="SYS-CODE-LIST", facts=facts)
    if kind == _KINSHIP or ended_on is None:
        return True
    return on < add_months(ended_on, months=_MONTHS * policy.procurement.recusal_years)
