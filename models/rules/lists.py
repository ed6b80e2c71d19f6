"""Rules of the three lists (三项清单, S01): what a row of the service, resource and project list must hold.

Pure; called by ``commands.lists`` and ``commands.project_list``. Never reads the database, never writes a row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.force import binding, is_binding

OTHER: Final = "OTHER"
GOVERNMENT_PAID: Final = "GOVERNMENT_PAID"
SOCIAL_LED: Final = "SOCIAL_LED"
SOCIAL: Final = "social"
SERVICE: Final = "service"
RESOURCE: Final = "resource"
PROJECT: Final = "project"
_CLASS_RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "CARE": ("ZY-50", "FZ-09"),
    "LIVING": ("ZY-51", "FZ-10"),
    "SUPPORT": ("ZY-52", "FZ-11"),
}


@dataclass(frozen=True)
class ServiceDraft:
    """A row of the service list as handed in. ``overlaps`` answers, for each existing policy, whether it already gives
    this service; ``government_share`` is true when the government bears a part of a service others lead."""

    service_class: str
    item: str
    other_reason: str
    targets: tuple[str, ...]
    standard: str
    supplier: str
    funding: Money | None
    service_years: int | None
    payer_class: str
    government_share: bool
    channel: str
    beyond_basic: bool
    covered_by_material: bool
    overlaps: Mapping[str, bool]

    @property
    def is_government_money(self) -> bool:
        """Whether the bans on duplication and luxury bind: the government's money or its joint share (decision 16)."""
        return self.payer_class == GOVERNMENT_PAID or self.government_share


@dataclass(frozen=True)
class ResourceDraft:
    """A row of the resource list: who can give what to how many, where. ``areas`` are region codes or prefixes."""

    kind: str
    other_reason: str
    source: str
    items: tuple[str, ...]
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Share:
    """One contributor's part of a project: its channel stays its own (ZY-10)."""

    channel: str
    contributor: str
    amount: Money


@dataclass(frozen=True)
class ProjectDraft:
    """A row of the project list: what it answers to, what it is made of, who pays which part."""

    surveys: tuple[str, ...]
    services: tuple[str, ...]
    resources: tuple[str, ...]
    payer_class: str
    shares: tuple[Share, ...]
    total: Money
    design: Mapping[str, str]
    plan_alignment: str
    responsible_unit: str
    domain: str
    other_reason: str
    catalogue_code: str
    participation: Mapping[str, str]
    priority_service: str = ""


def check_service(*, draft: ServiceDraft, policy: Policy) -> tuple[str, ...]:
    """Return the warnings of a service row that may stand: an OTHER code, with its reason, is one (decision 15).

    Raises ``Refusal``: ``lists.columns_missing`` (ZY-48, FZ-25), ``lists.payer_class_unknown`` (ZY-53, FZ-26),
    ``lists.item_unknown`` (ZY-50–52, FZ-09–11), ``lists.other_without_reason``, ``lists.code_unknown``; for the
    government's money also ``lists.beyond_basic`` (ZY-06, FZ-28), ``lists.covered_by_material`` (ZY-03, FZ-05),
    ``lists.overlap_unanswered`` (ZY-08, FZ-30).
    """
    _check_columns(draft, policy)
    classes = policy.library.list_payer_classes
    if draft.payer_class not in classes:
        rule = binding(policy=policy, rules=("ZY-53", "FZ-26", "SYS-CODE-LIST"))
        facts = {"given": draft.payer_class, "known": "、".join(classes.values())}
        raise Refusal("lists.payer_class_unknown", rule=rule, facts=facts)
    warnings = _check_item(draft, policy)
    _check_codes("targets", draft.targets, policy.needs.identity_classes, policy, ("FZ-03", "SYS-CODE-LIST"))
    _check_codes("channel", (draft.channel,), policy.lists.support_channels, policy, ("ZY-01", "SYS-CODE-LIST"))
    _check_codes("overlaps", draft.overlaps, policy.needs.overlap_policies, policy, ("ZY-08", "SYS-CODE-LIST"))
    if draft.is_government_money:
        _check_government_money(draft, policy)
    return warnings


def _check_columns(draft: ServiceDraft, policy: Policy) -> None:
    filled = {
        "category": bool(draft.service_class and draft.item),
        "target": bool(draft.targets),
        "standard": bool(draft.standard.strip()),
        "supplier": bool(draft.supplier.strip()),
        "funding": draft.funding is not None,
        "service_years": draft.service_years is not None,
    }
    missing = [label for code, label in policy.library.service_list_columns.items() if not filled.get(code, False)]
    if missing:
        rule = binding(policy=policy, rules=("ZY-48", "FZ-25", "SYS-LIST-COLUMNS"))
        raise Refusal("lists.columns_missing", rule=rule, facts={"columns": "、".join(missing)})


def _check_item(draft: ServiceDraft, policy: Policy) -> tuple[str, ...]:
    rule = binding(policy=policy, rules=(*_CLASS_RULES.get(draft.service_class, ()), "SYS-CODE-LIST"))
    items = policy.delivery.service_items.get(draft.service_class)
    if items is None or draft.item not in items:
        facts = {
            "service_class": policy.delivery.service_classes.get(draft.service_class, draft.service_class),
            "item": policy.delivery.service_item_names.get(draft.item, draft.item),
        }
        raise Refusal("lists.item_unknown", rule=rule, facts=facts)
    return _other((draft.service_class, draft.item), draft.other_reason, rule)


def _other(codes: tuple[str, ...], reason: str, rule: str | None) -> tuple[str, ...]:
    """An OTHER needs a reason and leaves a warning (decision 15)."""
    if OTHER not in codes:
        return ()
    if not reason.strip():
        raise Refusal("lists.other_without_reason", rule=rule)
    return (sentence("lists.other_used"),)


def _check_codes(
    field: str, given: Collection[str], known: Mapping[str, str], policy: Policy, rules: tuple[str, ...]
) -> None:
    rule = binding(policy=policy, rules=rules)
    faults = tuple(
        Detail(problem=sentence("lists.code_not_listed", {"code": code}), field=field, expected="、".join(known))
        for code in given
        if code not in known
    )
    if faults:
        raise Refusal(
            "lists.code_unknown",
            rule=rule,
            facts={"field": sentence(f"lists.field.{field}"), "known": "、".join(known.values())},
            details=faults,
        )


def _check_government_money(draft: ServiceDraft, policy: Policy) -> None:
    """The three bans bind where a seed states them; elsewhere the answers are only kept."""
    item = {"item": policy.delivery.service_item_names[draft.item]}
    rule = binding(policy=policy, rules=("ZY-06", "FZ-28"))
    if draft.beyond_basic and rule:
        raise Refusal("lists.beyond_basic", rule=rule, facts=item)
    rule = binding(policy=policy, rules=("ZY-03", "FZ-05"))
    if draft.covered_by_material and rule:
        raise Refusal("lists.covered_by_material", rule=rule, facts=item)
    rule = binding(policy=policy, rules=("ZY-08", "FZ-30"))
    open_ = [label for code, label in policy.needs.overlap_policies.items() if code not in draft.overlaps]
    if open_ and rule:
        raise Refusal("lists.overlap_unanswered", rule=rule, facts={"policies": "、".join(open_)})


def check_service_list(
    *, rows: int, government_rows: int, co_drafters: tuple[str, ...], fiscal_capacity: bool | None, policy: Policy
) -> None:
    """Refuse a service list that is empty, that no charity helped to draft, or whose government-paid part nobody found
    affordable (``fiscal_capacity``: the conclusion, ``None`` when there is none).

    Raises ``Refusal`` ``lists.empty`` (SYS-LIST-EMPTY), ``lists.co_drafter_missing`` (ZY-49),
    ``lists.fiscal_capacity_missing`` (ZY-05, FZ-27).
    """
    check_not_empty(rows=rows)
    rule = binding(policy=policy, rules=("ZY-49",))
    if rule and not co_drafters:
        raise Refusal("lists.co_drafter_missing", rule=rule)
    rule = binding(policy=policy, rules=("ZY-05", "FZ-27"))
    if rule and government_rows and fiscal_capacity is not True:
        raise Refusal("lists.fiscal_capacity_missing", rule=rule, facts={"rows": government_rows})


def check_not_empty(*, rows: int) -> None:
    """Refuse to publish a list without rows (``lists.empty``, SYS-LIST-EMPTY)."""
    if not rows:
        raise Refusal("lists.empty", rule="SYS-LIST-EMPTY")


def check_resource(*, draft: ResourceDraft, policy: Policy) -> tuple[str, ...]:
    """Return the warnings of a resource row that may stand.

    Raises ``Refusal`` ``lists.code_unknown`` (FZ-23, SYS-CODE-LIST), ``lists.other_without_reason``.
    """
    _check_codes("kind", (draft.kind,), policy.lists.resource_kinds, policy, ("FZ-23", "SYS-CODE-LIST"))
    _check_codes("source", (draft.source,), policy.lists.resource_sources, policy, ("ZY-60", "SYS-CODE-LIST"))
    _check_codes("items", draft.items, policy.delivery.service_item_names, policy, ("SYS-CODE-LIST",))
    rule = binding(policy=policy, rules=("FZ-23", "SYS-CODE-LIST"))
    return _other((draft.kind, *draft.items), draft.other_reason, rule)


def check_project(*, draft: ProjectDraft, policy: Policy) -> tuple[str, ...]:
    """Return the warnings of a project row that may stand.

    Raises ``Refusal``: ``lists.links_missing`` (AH-12, AH-03), ``lists.design_missing`` (ZY-04),
    ``lists.alignment_missing`` (ZY-45), ``lists.responsible_missing`` (FZ-04), ``lists.participation_missing``
    (AH-04), ``lists.code_unknown`` (ZY-46, AH-01), ``lists.shares_differ`` (ZY-10), ``lists.payer_split`` (ZY-53).
    """
    _check_links(draft, policy)
    open_ = [label for code, label in policy.library.design_items.items() if not draft.design.get(code, "").strip()]
    rule = binding(policy=policy, rules=("ZY-04",))
    if rule and open_:
        raise Refusal("lists.design_missing", rule=rule, facts={"items": "、".join(open_)})
    rule = binding(policy=policy, rules=("ZY-45",))
    if rule and not draft.plan_alignment.strip():
        raise Refusal("lists.alignment_missing", rule=rule)
    rule = binding(policy=policy, rules=("FZ-04",))
    if rule and not draft.responsible_unit.strip():
        raise Refusal("lists.responsible_missing", rule=rule)
    _check_participation(draft, policy)
    _check_shares(draft, policy)
    given = (draft.priority_service,) if draft.priority_service else ()
    _check_codes("priority_service", given, policy.lists.priority_services or {}, policy, ("AH-02", "SYS-CODE-LIST"))
    domains = policy.lists.purchase_domains
    if domains is None:
        return ()
    rule = binding(policy=policy, rules=("AH-01", "SYS-CODE-LIST"))
    _check_codes("domain", (draft.domain,), {**domains, OTHER: OTHER}, policy, ("AH-01", "SYS-CODE-LIST"))
    return _other((draft.domain,), draft.other_reason, rule)


def _check_links(draft: ProjectDraft, policy: Policy) -> None:
    missing = {
        sentence(f"lists.link.{name}"): rule
        for name, there, rules in (
            ("needs", draft.surveys, ("AH-12", "ZY-60")),
            ("services", draft.services, ("ZY-60",)),
            ("resources", draft.resources, ("AH-12",)),
            ("catalogue", draft.catalogue_code.strip(), ("AH-03",)),
        )
        if not there and (rule := binding(policy=policy, rules=rules))
    }
    if missing:
        raise Refusal("lists.links_missing", rule=next(iter(missing.values())), facts={"links": "、".join(missing)})


def _check_participation(draft: ProjectDraft, policy: Policy) -> None:
    points = policy.lists.participation_points or {}
    rule = binding(policy=policy, rules=("AH-04",))
    missing = [label for code, label in points.items() if not draft.participation.get(code, "").strip()]
    if rule and missing:
        raise Refusal("lists.participation_missing", rule=rule, facts={"points": "、".join(missing)})


def _check_shares(draft: ProjectDraft, policy: Policy) -> None:
    """Every contributor's share stands apart, the shares are the whole, and the payer class says who bears it."""
    rules = ("ZY-46", "SYS-CODE-LIST")
    _check_codes("channel", tuple(share.channel for share in draft.shares), policy.funding.sources, policy, rules)
    keys = [(share.channel, share.contributor) for share in draft.shares]
    if not keys or len(set(keys)) != len(keys) or Money.total(share.amount for share in draft.shares) != draft.total:
        raise Refusal("lists.shares_differ", rule=binding(policy=policy, rules=("ZY-10", "SYS-LIST-SHARES")))
    split = binding(policy=policy, rules=("ZY-53", "FZ-26", "SYS-LIST-PAYER"))
    known = policy.library.list_payer_classes
    _check_codes("payer_class", (draft.payer_class,), known, policy, ("ZY-53", "FZ-26", "SYS-CODE-LIST"))
    public = any(share.channel not in policy.lists.social_funds for share in draft.shares)
    if draft.payer_class == GOVERNMENT_PAID and not public:
        raise Refusal("lists.payer_split", rule=split, facts={"payer": known[draft.payer_class]})


def check_lists_there(*, published: Collection[str], surveys: int, policy: Policy) -> None:
    """Refuse a project list before needs and resources were surveyed (``lists.surveys_missing``, AH-11)."""
    if not is_binding(policy=policy, rule="AH-11"):
        return
    missing = [] if surveys else [sentence("lists.link.needs")]
    missing += [] if RESOURCE in published else [sentence("lists.kind.resource")]
    if missing:
        raise Refusal("lists.surveys_missing", rule="AH-11", facts={"missing": "、".join(missing)})
