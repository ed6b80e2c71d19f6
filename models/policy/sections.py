"""The known policy leaves: one frozen section per stage whose fields ARE the leaf keys ``<stage>.<name>``.

The sections stand in ``sections_planning``, ``sections_execution`` and ``sections_around``; this module joins them.

Owns the names, types and units of every parameter; the loader refuses a YAML key that is not a field here. Called by
the loader, the resolver and every rule (``policy.review.panel_size``). Must never hold a value: values live in
``regions/<code>/<stage>.yaml``.

A field typed ``X`` is guaranteed for every region from the pack's ``covered_from`` on (the lint checks it); a
field typed ``X | None`` may be unset at a date: read it with ``policy.need("stage.name")`` where the act cannot go on
without it. ``Labels`` map a code to its Chinese name in printing order; codes are what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import get_args, get_type_hints

from models.policy.sections_around import Books, Duties, Tickets
from models.policy.sections_execution import (
    Acceptance,
    Alerts,
    Archive,
    Audit,
    Contract,
    Delivery,
    Evaluation,
    Incentive,
    Midterm,
    Monitoring,
    Procurement,
    Recovery,
    Rules,
)
from models.policy.sections_planning import (
    Application,
    Decision,
    Feasibility,
    Funding,
    Library,
    Lists,
    Needs,
    Publicity,
    Review,
)
from models.policy.values import Kind

SECTIONS: dict[str, type] = {
    "needs": Needs,
    "lists": Lists,
    "library": Library,
    "application": Application,
    "feasibility": Feasibility,
    "review": Review,
    "publicity": Publicity,
    "decision": Decision,
    "funding": Funding,
    "procurement": Procurement,
    "contract": Contract,
    "delivery": Delivery,
    "monitoring": Monitoring,
    "midterm": Midterm,
    "acceptance": Acceptance,
    "evaluation": Evaluation,
    "audit": Audit,
    "archive": Archive,
    "incentive": Incentive,
    "recovery": Recovery,
    "alerts": Alerts,
    "rules": Rules,
    "duties": Duties,
    "books": Books,
    "tickets": Tickets,
}


@dataclass(frozen=True)
class LeafSpec:
    """What the code knows of a leaf: its kind of value and whether every region must have it."""

    key: str
    kind: Kind
    required: bool


@cache
def leaf_specs() -> dict[str, LeafSpec]:
    """Return every known leaf by key ``<stage>.<name>``, in the order of the sections."""
    specs: dict[str, LeafSpec] = {}
    for stage, section in SECTIONS.items():
        hints = get_type_hints(section, include_extras=True)
        for item in fields(section):
            parts = get_args(hints[item.name])  # (type, Kind) of an Annotated, or (Annotated, NoneType) when optional
            required = isinstance(parts[-1], Kind)
            kind = parts[-1] if required else get_args(parts[0])[-1]
            specs[f"{stage}.{item.name}"] = LeafSpec(f"{stage}.{item.name}", kind, required)
    return specs
