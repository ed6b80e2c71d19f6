"""Rules of the project library (S02): what an entry must be linked to and must state, and who it may come from.

Pure; called by ``commands.library`` and ``commands.policy_list``. Never reads the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from models.core.actors import Role
from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding

OTHER: Final = "OTHER"
_FIELD_RULES: Final = {
    "origin": "ZY-39",
    "submitter": "ZY-39",
    "plan_alignment": "ZY-45",
    "fund_sources": "ZY-46",
    "attribute": "FZ-01",
}


@dataclass(frozen=True)
class Entry:
    """A proposed library entry: what it answers to and what it would be paid from.

    ``submitter`` is the county unit that submits it, ``services`` codes of the services meant, ``branded`` whether it
    bears the region's theme, ``attribute`` whether its plan is for the public (FZ-01).
    """

    needs: tuple[str, ...]
    policies: tuple[str, ...]
    fund_sources: tuple[str, ...]
    cooperation_modes: tuple[str, ...]
    origin: str | None
    payer: str
    submitter: str | None = None
    plan_alignment: str = ""
    fund_source_reason: str = ""
    services: tuple[str, ...] = ()
    branded: bool = False
    attribute: str | None = None


@dataclass(frozen=True)
class Doubt:
    """A soft rule or a recorded role that an entry does not meet: kept with it, blocks nothing."""

    rule: str
    text: str


def check_entry(*, entry: Entry, policy: Policy) -> None:
    """Refuse an entry that lacks a need or policy link where policy asks for it, or names an unknown code.

    Raises ``Refusal`` code ``library.link_missing`` (ZY-44), ``library.unknown_code`` (ZY-46, ZY-09, ZY-39),
    ``library.field_missing`` (ZY-39, ZY-45, ZY-46, FZ-01) or ``library.other_needs_reason`` (ZY-46), listing every
    fault.
    """
    links = {"need": entry.needs, "policy": entry.policies}
    missing = [link for link in policy.library.entry_links if not links[link]]
    if missing:
        raise Refusal(
            "library.link_missing",
            rule=binding(policy=policy, rules=("ZY-44", "AH-03", "SYS-ENTRY-LINKS")),
            facts={"links": "、".join(sentence(f"library.link.{link}") for link in missing)},
        )
    faults = (
        *_unknown("fund_sources", entry.fund_sources, tuple(policy.funding.sources), "ZY-46"),
        *_unknown("cooperation_modes", entry.cooperation_modes, tuple(policy.library.cooperation_modes), "ZY-09"),
        *_unknown("payer", (entry.payer,), tuple(policy.decision.payer_classes), "SYS-CODE-LIST"),
        *_unknown("origin", (entry.origin,) if entry.origin else (), tuple(policy.library.origins), "ZY-39"),
        *_unknown("services", entry.services, tuple(policy.delivery.service_item_names), "SYS-CODE-LIST"),
    )
    if faults:
        raise Refusal(
            "library.unknown_code",
            rule=binding(policy=policy, rules=("ZY-46", "SYS-CODE-LIST")),
            facts={"fields": "、".join(dict.fromkeys(fault.field or "" for fault in faults))},
            details=faults,
        )
    _check_stated(entry=entry, policy=policy)


def _check_stated(*, entry: Entry, policy: Policy) -> None:
    wanted = policy.library.entry_fields or {}
    missing = [field for field in wanted if not getattr(entry, field)]
    if missing:
        details = tuple(
            Detail(problem=sentence("library.field_empty"), field=field, rule=_FIELD_RULES[field]) for field in missing
        )
        names = "、".join(wanted[field] for field in missing)
        raise Refusal("library.field_missing", rule=_FIELD_RULES[missing[0]], facts={"fields": names}, details=details)
    if OTHER in entry.fund_sources and not entry.fund_source_reason:
        raise Refusal("library.other_needs_reason", rule=binding(policy=policy, rules=("ZY-46", "SYS-CODE-LIST")))


def check_restated(*, before: str | None, after: str) -> None:
    """Refuse to restate an attribute as it stands (``library.attribute_unchanged``)."""
    if before == after:
        raise Refusal("library.attribute_unchanged", rule="SYS-ATTRIBUTE")


def check_links_known(
    *, needs: Mapping[str, bool], policies: tuple[str, ...], listed: Collection[str], policy: Policy
) -> None:
    """Refuse links in words where they must name what is registered: ``needs`` is reference → whether it exists.

    Raises ``Refusal`` ``library.need_unregistered``, ``library.policy_not_listed`` (ZY-44).
    """
    rule = binding(policy=policy, rules=("ZY-44",))
    if rule is None or not policy.library.links_checked:
        return
    loose = [need for need, exists in needs.items() if not exists]
    if loose:
        raise Refusal("library.need_unregistered", rule=rule, facts={"needs": "、".join(loose)})
    unlisted = [code for code in policies if code not in listed]
    if unlisted:
        raise Refusal("library.policy_not_listed", rule=rule, facts={"policies": "、".join(unlisted)})


def check_submitter(*, level: str, name: str, policy: Policy) -> None:
    """Refuse an entry submitted for a unit that is no county (ZY-39). Raises ``library.submitter_not_county``."""
    rule = binding(policy=policy, rules=("ZY-39",))
    if rule is not None and level != "county":
        raise Refusal("library.submitter_not_county", rule=rule, facts={"unit": name})


def doubts(*, entry: Entry, role: Role, policy: Policy) -> tuple[Doubt, ...]:
    """Return what is recorded against an entry without blocking it: no theme (ZY-47), entered by another (ZY-39)."""
    found = []
    theme = policy.library.brand_theme
    if theme and not entry.branded:
        found.append(Doubt("ZY-47", sentence("library.doubt.theme", {"theme": theme})))
    if "submitter" in (policy.library.entry_fields or {}) and role is not Role.COUNTY_BUREAU:
        found.append(Doubt("ZY-39", sentence("library.doubt.on_behalf")))
    return tuple(found)


def check_consulted(*, consulted: Mapping[str, str], policy: Policy) -> None:
    """Refuse a policy list on which not everybody was consulted (ZY-35), or that names an unknown kind of body.

    Raises ``Refusal`` ``library.consultation_missing``, ``library.unknown_code``.
    """
    wanted = policy.library.policy_list_consults or {}
    unknown = [code for code in consulted if code not in wanted]
    if unknown:
        raise Refusal("library.unknown_code", rule="SYS-CODE-LIST", facts={"fields": "、".join(unknown)})
    missing = [name for code, name in wanted.items() if not consulted.get(code)]
    rule = binding(policy=policy, rules=("ZY-35",))
    if rule is not None and missing:
        raise Refusal("library.consultation_missing", rule=rule, facts={"bodies": "、".join(missing)})


def _unknown(field: str, given: tuple[str, ...], known: tuple[str, ...], rule: str) -> tuple[Detail, ...]:
    return tuple(
        Detail(
            problem=sentence("library.code_not_listed", {"code": code}),
            field=field,
            expected="、".join(known),
            rule=rule,
        )
        for code in given
        if code not in known
    )
