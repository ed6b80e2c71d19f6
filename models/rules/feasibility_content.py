"""Rules of purchase content (S04): what may be bought, under which code, and who mainly buys what.

Pure; called by ``commands.feasibility``. Never reads the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding

OTHER: Final = "OTHER"
GOVERNMENT_DIRECT: Final = "government_direct"
_PAID_BY_GOVERNMENT: Final = ("government", "joint")
_CLASS_RULES: Final = {"ADMINISTRATIVE": "BJ-10", "SERVICE": "BJ-11"}
_LEVELS: Final = {
    "province": ("province_city", "AH-08"),
    "city": ("province_city", "AH-08"),
    "county": ("county_township", "AH-09"),
    "township": ("county_township", "AH-09"),
}


@dataclass(frozen=True)
class ContentItem:
    """One item to be bought; ``is_duty`` when the reviewer found it to be a task of the government itself.

    ``duty_code`` says which, ``item_class`` and ``domain`` where the region sorts its items, ``reason`` why an item
    outside the region's list is bought, ``standard`` by what the service can be checked.
    """

    code: str
    name: str
    is_duty: bool
    duty_code: str = ""
    item_class: str = ""
    domain: str = ""
    reason: str = ""
    standard: str = ""
    beyond_basic: bool = False
    covered_by_material: bool = False


def check_content(
    *, items: tuple[ContentItem, ...], policy: Policy, payer: str = "", level: str = ""
) -> tuple[str, ...]:
    """Return the warnings of purchase content that may stand: OTHER codes, and classes another level mainly buys.

    ``level`` is the purchaser's (province, city, county, township; empty when nobody states it). Raises ``Refusal``
    ``feasibility.content_empty``, ``feasibility.government_duty`` naming every task the government must do itself
    (HS-12, BJ-12, BJ-13), ``feasibility.content_refused`` naming every other fault at once: codes outside the region's
    list (BJ-10, BJ-11, AH-01), OTHER without a reason, no standard to check by (BJ-25), and for the government's money
    what goes beyond basic need (ZY-06, FZ-28) or material aid covers already (ZY-03, FZ-05).
    """
    if not items:
        raise Refusal("feasibility.content_empty", rule=_duty_rule("", policy))
    _check_duties(items, policy)
    faults = tuple(fault for item in items for fault in _faults(item, policy, payer))
    if faults:
        facts = {"items": "、".join(f"{fault.field}({fault.problem})" for fault in faults)}
        raise Refusal("feasibility.content_refused", rule=faults[0].rule, facts=facts, details=faults)
    return tuple(warning for item in items for warning in _warnings(item, policy, level))


def _check_duties(items: tuple[ContentItem, ...], policy: Policy) -> None:
    duties = policy.feasibility.government_duties
    found = tuple(
        Detail(
            problem=duties.get(item.duty_code, duties.get(item.code, sentence("feasibility.duty_found"))),
            field=item.name,
            rule=_duty_rule(item.duty_code or item.code, policy),
        )
        for item in items
        if item.is_duty or item.code in duties
    )
    if found:
        facts = {
            "items": "、".join(f"{detail.field}({detail.problem})" for detail in found),
            "clause": policy.clause("feasibility.government_duties"),
        }
        raise Refusal("feasibility.government_duty", rule=found[0].rule, facts=facts, details=found)


def _duty_rule(code: str, policy: Policy) -> str | None:
    """Beijing tells tasks of administration (BJ-12) from services the government must provide itself (BJ-13)."""
    beijing = "BJ-13" if code == GOVERNMENT_DIRECT else "BJ-12"
    return binding(policy=policy, rules=("HS-12", beijing, "SYS-GOVERNMENT-DUTY"))


def _faults(item: ContentItem, policy: Policy, payer: str) -> Iterator[Detail]:
    yield from _code_faults(item, policy)
    domains = policy.lists.purchase_domains
    if domains is not None and item.domain not in domains and (rule := binding(policy=policy, rules=("AH-01",))):
        yield Detail(
            problem=sentence("feasibility.domain_unknown"),
            field=item.name,
            expected="、".join(domains.values()),
            rule=rule,
        )
    if not item.standard.strip() and (rule := binding(policy=policy, rules=("BJ-25",))):
        yield Detail(problem=sentence("feasibility.standard_missing"), field=item.name, rule=rule)
    if payer in _PAID_BY_GOVERNMENT:
        for flag, problem, rules in (
            (item.beyond_basic, "feasibility.beyond_basic", ("ZY-06", "FZ-28")),
            (item.covered_by_material, "feasibility.covered_by_material", ("ZY-03", "FZ-05")),
        ):
            if flag and (rule := binding(policy=policy, rules=rules)):
                yield Detail(problem=sentence(problem), field=item.name, rule=rule)


def _code_faults(item: ContentItem, policy: Policy) -> Iterator[Detail]:
    classes = policy.feasibility.purchase_items
    if classes is None:
        return
    within = [codes for name, codes in classes.items() if item.item_class in ("", name)]
    rule = binding(policy=policy, rules=(_CLASS_RULES.get(item.item_class, "BJ-10"), "SYS-CODE-LIST"))
    if item.code == OTHER and not item.item_class:
        yield Detail(problem=sentence("feasibility.class_missing"), field=item.name, rule=rule)
    elif not any(item.code in codes for codes in within):
        names = policy.feasibility.purchase_names or {}
        known = "、".join(dict.fromkeys(names.get(code, code) for codes in within for code in codes))
        yield Detail(problem=sentence("feasibility.item_unknown"), field=item.name, expected=known or None, rule=rule)
    elif item.code == OTHER and not item.reason.strip():
        yield Detail(problem=sentence("feasibility.reason_missing"), field=item.name, rule=rule)


def _warnings(item: ContentItem, policy: Policy, level: str) -> Iterator[str]:
    if policy.feasibility.purchase_items is not None and item.code == OTHER:
        yield sentence("feasibility.warning.other", {"item": item.name, "reason": item.reason.strip()})
    group, rule = _LEVELS.get(level, ("", ""))
    usual = (policy.procurement.level_item_classes or {}).get(group, ())
    if usual and item.item_class and item.item_class not in usual and binding(policy=policy, rules=(rule,)):
        yield sentence(
            "feasibility.warning.level",
            {
                "item": item.name,
                "level": sentence(f"feasibility.level.{level}"),
                "usual": "、".join(sentence(f"feasibility.class.{name}") for name in usual),
                "rule": rule,
            },
        )
