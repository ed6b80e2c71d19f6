"""The sheets of the three lists: each row as printed. Called by ``commands.lists`` and ``commands.project_list``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from models.context import Context
from models.core.actors import ROLE_NAMES
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.lists import OTHER
from models.tables.lists import ProjectRow, ResourceRow, ServiceRow


def sheet(ctx: Context, *, title: str, rows: Sequence[dict[str, Any]], synthetic: bool) -> dict[str, Any]:
    """Return the view of a ledger of lists; ``rows`` get their numbers here."""
    return {
        "title": title,
        "issuer": ROLE_NAMES[ctx.actor.role],
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [sentence("lists.synthetic_rows")] if synthetic and ctx.services.rehearsal else [],
        "rows": [{"seq": str(number), **row} for number, row in enumerate(rows, start=1)],
    }


def service_row(row: ServiceRow, *, policy: Policy) -> dict[str, Any]:
    """Return a service row as printed."""
    names = policy.delivery.service_item_names
    overlaps = policy.needs.overlap_policies
    already = [label for code, label in overlaps.items() if row.overlaps.get(code)]
    return {
        "category": policy.delivery.service_classes.get(row.service_class, row.service_class),
        "item": names.get(row.item, row.item),
        "target": _labels(row.targets, policy.needs.identity_classes),
        "standard": row.standard,
        "supplier": row.supplier,
        "payer_class": policy.library.list_payer_classes.get(row.payer_class, row.payer_class),
        "funding": "" if row.funding is None else Money(row.funding).plain(),
        "service_years": "" if row.service_years is None else str(row.service_years),
        "channel": policy.lists.support_channels.get(row.channel, row.channel),
        "overlap": sentence("lists.overlap.some", {"policies": "、".join(already)})
        if already
        else sentence("lists.overlap.none" if row.overlaps else "lists.overlap.open"),
        "policy_ref": row.policy_ref,
        "remark": _remark(row.other_reason, (row.item, row.service_class)),
    }


def resource_row(row: ResourceRow, *, policy: Policy) -> dict[str, Any]:
    """Return a resource row as printed, without its contact."""
    return {
        "provider": row.provider,
        "credit_code": row.credit_code,
        "kind": policy.lists.resource_kinds.get(row.kind, row.kind),
        "source": policy.lists.resource_sources.get(row.source, row.source),
        "items": _labels(row.items, policy.delivery.service_item_names),
        "capacity": str(row.capacity),
        "areas": "、".join(row.areas),
        "valid_from": row.valid_from.isoformat(),
        "valid_until": row.valid_until.isoformat(),
        "submitted_by": row.submitted_by,
        "remark": _remark(row.other_reason, (row.kind, *row.items)),
    }


def project_row(row: ProjectRow, *, names: dict[str, str], policy: Policy) -> dict[str, Any]:
    """Return a project row as printed; ``names`` maps the ids of services and resources to what people call them."""
    sources = policy.funding.sources
    shares = (
        f"{share['contributor']}({sources.get(share['channel'], share['channel'])}){Money(share['amount']).plain()}"
        for share in row.shares
    )
    return {
        "title": row.title,
        "needs": "、".join(row.surveys),
        "services": "、".join(names.get(id_, id_) for id_ in row.services),
        "resources": "、".join(names.get(id_, id_) for id_ in row.resources),
        "payer_class": policy.library.list_payer_classes.get(row.payer_class, row.payer_class),
        "shares": "、".join(shares),
        "total": Money(row.total).plain(),
        "responsible": row.responsible_unit,
        "cooperating": "、".join(row.cooperating_units),
        "domain": (policy.lists.purchase_domains or {}).get(row.domain, row.domain),
        "brand": row.brand,
        "remark": _remark(row.other_reason, (row.domain,)),
    }


def _labels(codes: Iterable[str], names: Any) -> str:
    return "、".join(names.get(code, code) for code in codes)


def _remark(reason: str, codes: Iterable[str]) -> str:
    return reason if OTHER in codes else ""
