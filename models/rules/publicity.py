"""Rules of publicity (S06): where and how long, what may never be printed, objections, closing, disclosure.

Pure; called by ``commands.publicity`` and ``commands.disclosure``. Never reads the database or the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from models.core.calendar import Due, WorkCalendar
from models.core.errors import DataFault, Detail, Refusal
from models.core.identifiers import find_leaks
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.procurement import check_sites

PROCUREMENT_ITEM = "procurement"


def check_channels(*, channels: tuple[str, ...], policy: Policy) -> None:
    """Refuse a notice on an unknown channel or on fewer channels than asked (ZY-24).

    Raises ``Refusal`` ``publicity.unknown_channel`` or ``publicity.too_few_channels``.
    """
    known, least = policy.publicity.channels, policy.publicity.channels_min
    rule = binding(policy=policy, rules=("ZY-24", "SYS-PUBLICITY"))
    unknown = [channel for channel in channels if channel not in known]
    if unknown:
        facts = {"channels": "、".join(unknown), "known": "、".join(known)}
        raise Refusal("publicity.unknown_channel", rule=rule, facts=facts)
    if len(set(channels)) < least:
        raise Refusal("publicity.too_few_channels", rule=rule, facts={"count": len(set(channels)), "least": least})


def check_no_leak(*, view: Mapping[str, object]) -> None:
    """Stop a paper for the public that holds an ID number, a mobile number or a bank card anywhere in its texts.

    Raises ``DataFault`` ``publicity.leak`` naming fields and kinds, never the numbers.
    """
    found = tuple(
        Detail(
            problem=sentence("publicity.leak_found", {"kind": sentence(f"leak.{leak.kind}")}),
            field=field,
            value_class=sentence(f"leak.{leak.kind}"),
            rule="SYS-PUBLIC-LEAK",
        )
        for field, text in _texts(view, "")
        for leak in find_leaks(text)
    )
    if found:
        fields = "、".join(dict.fromkeys(detail.field or "" for detail in found))
        raise DataFault("publicity.leak", rule="SYS-PUBLIC-LEAK", facts={"fields": fields}, details=found)


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield place, value
        case Mapping():
            for key, item in value.items():
                yield from _texts(item, f"{place}.{key}" if place else str(key))
        case Sequence():
            for index, item in enumerate(value):
                yield from _texts(item, f"{place}.{index}")


def check_open(*, closed_on: date | None) -> None:
    """Refuse an act on a notice that is closed (``publicity.notice_closed``)."""
    if closed_on is not None:
        raise Refusal("publicity.notice_closed", rule="SYS-PUBLICITY", facts={"closed_on": closed_on.isoformat()})


def check_all_answered(*, open_objections: int, policy: Policy) -> None:
    """Refuse to go on while an objection waits for its answer (``publicity.objection_open``, ZY-24)."""
    if open_objections:
        rule = binding(policy=policy, rules=("ZY-24", "SYS-OBJECTION"))
        raise Refusal("publicity.objection_open", rule=rule, facts={"count": open_objections})


def check_over(*, ends_on: date, as_of: date, policy: Policy) -> None:
    """Refuse to close a notice before its last day has passed (``publicity.not_over``, ZY-24)."""
    if as_of <= ends_on:
        rule = binding(policy=policy, rules=("ZY-24", "SYS-PUBLICITY"))
        raise Refusal("publicity.not_over", rule=rule, facts={"ends_on": ends_on.isoformat()})


def resumed_end(*, paused_on: date, ends_on: date, resumed_on: date, calendar: WorkCalendar) -> Due:
    """Return the last day of a notice that goes on after an objection was rejected.

    At least as many working days follow as were left on the day of the objection, and never does it end earlier than
    before.
    """
    left = calendar.working_days_between(paused_on, ends_on) if paused_on < ends_on else None
    if left is None or left.value == 0:
        return Due(max(ends_on, resumed_on), provisional=False)
    due = calendar.add_working_days(resumed_on, days=left.value)
    return Due(max(ends_on, due.date), due.provisional or left.provisional)


def disclosable(*, policy: Policy) -> dict[str, str]:
    """Return what a project may disclose: the region's list of published items and its proactive items, by code."""
    return {**policy.publicity.disclosure_items, **(policy.publicity.published_items or {})}


def check_disclosure(*, items: tuple[str, ...], sites: tuple[str, ...], policy: Policy) -> None:
    """Refuse items no list names, a disclosure nowhere, and procurement information missing on a required site.

    Raises ``Refusal`` ``publicity.unknown_item`` (HS-45, HS-46), ``publicity.site_unnamed``, or
    ``procurement.site_missing`` (HS-47, LAW-ZFCGTL-8).
    """
    known = disclosable(policy=policy)
    unknown = [item for item in items if item not in known]
    if unknown or not items:
        raise Refusal(
            "publicity.unknown_item",
            rule=binding(policy=policy, rules=("HS-45", "SYS-CODE-LIST")),
            facts={"items": "、".join(unknown), "known": "、".join(known)},
        )
    if not any(site.strip() for site in sites):
        raise Refusal("publicity.site_unnamed", rule="SYS-PUBLICITY")
    if PROCUREMENT_ITEM in items:
        check_sites(sites=sites, policy=policy)
