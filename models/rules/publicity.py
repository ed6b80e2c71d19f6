"""Rules of publicity (S06): channels, objections, closing, disclosure.

The clock stands in ``publicity_clock``, the scan in ``publicity_leaks``. Pure; called by the publicity commands. Never
reads the database or the clock.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from models.core.errors import Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.needs import AgeBand
from models.rules.procurement import check_sites

PROCUREMENT_ITEM = "procurement"


def check_channels(*, channels: tuple[str, ...], policy: Policy, least: int | None = None) -> None:
    """Refuse a notice on an unknown channel or on fewer channels than asked (ZY-24); ``least`` stands in for policy's.

    Raises ``Refusal`` ``publicity.unknown_channel`` or ``publicity.too_few_channels``.
    """
    known = policy.publicity.channels
    least = policy.publicity.channels_min if least is None else least
    rule = binding(policy=policy, rules=("ZY-24", "SYS-PUBLICITY"))
    unknown = [channel for channel in channels if channel not in known]
    if unknown:
        facts = {"channels": "、".join(unknown), "known": "、".join(known)}
        raise Refusal("publicity.unknown_channel", rule=rule, facts=facts)
    if len(set(channels)) < least:
        raise Refusal("publicity.too_few_channels", rule=rule, facts={"count": len(set(channels)), "least": least})


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


def check_objector(*, named: bool, policy: Policy) -> None:
    """Refuse an objection without a name where the region takes none in (``publicity.objector_unnamed``, ZY-24)."""
    if not named and not policy.publicity.anonymous_objections:
        raise Refusal("publicity.objector_unnamed", rule=binding(policy=policy, rules=("ZY-24", "SYS-OBJECTION")))


def check_reviewed_anew(*, upheld: bool, policy: Policy) -> None:
    """Refuse to rest on a review whose published result an objection overthrew (``publicity.review_first``, ZY-24)."""
    if upheld:
        raise Refusal("publicity.review_first", rule=binding(policy=policy, rules=("ZY-24", "SYS-OBJECTION")))


def check_withdrawal(*, own: bool, office: bool, request: bool) -> None:
    """Refuse a withdrawal by another than the objector; the office enters one with the objector's written request.

    Raises ``Refusal`` ``publicity.not_objector``.
    """
    if not own and not (office and request):
        raise Refusal("publicity.not_objector", rule="SYS-OBJECTION")


def check_answerer(*, own: bool) -> None:
    """Refuse an answer by the account that raised the objection (``publicity.own_objection``)."""
    if own:
        raise Refusal("publicity.own_objection", rule="SYS-OBJECTION")


def is_late(
    *, closed_on: date | None, paused: bool, ends_on: date, readable: bool, as_of: date, policy: Policy
) -> bool:
    """Say whether an objection comes after the notice: it is taken in as a petition and holds nothing up.

    ``ends_on`` is the last day counted anew. A notice nobody can read at present is not over where outages extend it.
    """
    waits = paused or not (readable or not policy.publicity.outage_extends)
    return closed_on is not None or (not waits and as_of > ends_on)


def check_outage(*, first: date, last: date | None, posted_on: date, as_of: date) -> None:
    """Refuse an outage before the channel was posted, ending before it began, or not yet known (``SYS-PUBLICITY``)."""
    if first < posted_on or first > as_of or (last is not None and not first <= last <= as_of):
        facts = {"posted_on": posted_on.isoformat(), "as_of": as_of.isoformat()}
        raise Refusal("publicity.outage_days", rule="SYS-PUBLICITY", facts=facts)


def check_may_take_down(*, left: int) -> None:
    """Refuse to take an open notice off its last channel (``publicity.last_channel``)."""
    if not left:
        raise Refusal("publicity.last_channel", rule="SYS-PUBLICITY")


def check_readable_now(*, readable: bool, policy: Policy) -> None:
    """Refuse to close a notice that nobody can read at present (``publicity.unreadable_now``, ZY-24)."""
    if not readable and policy.publicity.outage_extends:
        raise Refusal("publicity.unreadable_now", rule=binding(policy=policy, rules=("ZY-24", "SYS-PUBLICITY")))


def is_minor(*, birth_year: int, age_band: str, as_of: date, policy: Policy) -> bool:
    """Say whether a recipient may still be a minor; only the year of birth is known, a doubt counts as yes."""
    adult = policy.needs.adult_from_years
    return age_band == AgeBand.MINOR or (adult is not None and as_of.year - birth_year <= adult)


class Attribute(StrEnum):
    """Whether a plan is for the public (FZ-01): of the body's own accord, for who asks, or not at all."""

    ACTIVE = "active"
    ON_REQUEST = "on_request"
    WITHHELD = "withheld"


def check_attribute(*, attribute: str | None, policy: Policy) -> None:
    """Refuse to publish what a project stated not to be published of its own accord (FZ-01).

    A project that states nothing (its region asks for nothing) is held by nothing. Raises ``publicity.not_public``.
    """
    if attribute not in (None, Attribute.ACTIVE):
        rule = binding(policy=policy, rules=("FZ-01", "SYS-PUBLICITY"))
        facts = {"attribute": sentence(f"publicity.attribute.{attribute}")}
        raise Refusal("publicity.not_public", rule=rule, facts=facts)


def check_may_be_noticed(*, attribute: str | None, policy: Policy) -> None:
    """Refuse a notice of a project that is withheld from the public, where its attribute must be stated (FZ-01).

    No rule of such a region (Fengze) demands the notice, so the stated attribute is honoured. A plan given on request
    may be noticed: the notice shows the result of the review, not the plan. Raises ``publicity.not_public``.
    """
    if attribute == Attribute.WITHHELD and "attribute" in (policy.library.entry_fields or {}):
        check_attribute(attribute=attribute, policy=policy)


def disclosable(*, policy: Policy) -> dict[str, str]:
    """Return what a project may disclose, by code: the region's proactive items, what it publishes of purchases (BJ-48)
    and what must be public before a contractor is selected (BJ-30)."""
    publicity = policy.publicity
    return {**publicity.disclosure_items, **(publicity.published_items or {}), **(publicity.pre_award_items or {})}


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
