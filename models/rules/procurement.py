"""Rules of procurement (S10): budget first, purchaser, method, notice, bidders, failed tender, negotiation, award.

Pure; called by the procurement commands. Never reads the database or the clock. Numbers and code lists come from
policy. A failed tender is a lawful branch with a way back, not an error (LAW-ZFCG-36, 37).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from models.core.calendar import WorkCalendar
from models.core.errors import Detail, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.rules.failed_tender import Way, suppliers_needed, way_on
from models.rules.force import binding
from models.rules.purchase_method import OPEN_TENDER

TENDERS: Final = frozenset({OPEN_TENDER, "invited_tender"})
NEGOTIATED: Final = frozenset({"competitive_negotiation", "competitive_consultation"})
SINGLE_SOURCE: Final = "single_source"
FAILED: Final = "failed"
METHOD_CHANGED: Final = "method_changed"


@dataclass(frozen=True)
class ApprovedBudget:
    """One budget line of the project: when it was replied to, and how much."""

    replied_on: date
    amount: Money


@dataclass(frozen=True)
class Response:
    """One supplier's answer at the decision: name-free id, price (``None`` = not stated), whether it counts.

    ``score`` is what the evaluation gave (``None``: none). ``eligible``: nothing found since keeps it from the award;
    ``set_aside``: it was chosen before and its award was withdrawn.
    """

    organisation_id: str
    price: Money | None
    counts: bool
    score: Decimal | None = None
    eligible: bool = True
    set_aside: bool = False


@dataclass(frozen=True)
class AwardCase:
    """What an award decision rests on. ``responses`` are those of the present round."""

    state: str
    method: str
    bidding_closed: bool
    negotiated: bool
    responses: tuple[Response, ...]
    organisation_id: str
    price: Money
    budget: Money
    debarred: bool


def check_budget_first(
    *, planned: Money, planned_on: date, budgets: tuple[ApprovedBudget, ...], others: Money, policy: Policy
) -> None:
    """Refuse a purchase without an approved budget dated on or before it, or above what is left of that budget.

    ``others`` is what the project's other purchases take up of the same budget. Raises ``Refusal``
    ``procurement.no_budget`` (HS-21, BJ-28, LAW-ZFCG-6) or ``procurement.over_budget`` (HS-21, BJ-26, LAW-ZFCG-6).
    """
    approved = [budget.amount for budget in budgets if budget.replied_on <= planned_on]
    if policy.funding.budget_before_purchase and not approved:
        rule = binding(policy=policy, rules=("HS-21", "BJ-28", "LAW-ZFCG-6"))
        raise Refusal("procurement.no_budget", rule=rule, facts={"on": planned_on.isoformat()})
    total = Money.total(approved)
    if policy.funding.no_over_budget and planned + others > total:
        rule = binding(policy=policy, rules=("HS-21", "BJ-26", "LAW-ZFCG-6"))
        facts = {"amount": str(planned), "others": str(others), "budget": str(total)}
        raise Refusal("procurement.over_budget", rule=rule, facts=facts)


def check_purchaser(*, kind: str, guided_by: str | None, policy: Policy) -> None:
    """Refuse a purchaser of a kind that may not purchase; an institution acts under civil affairs' guidance (HS-13).

    Raises ``Refusal`` ``procurement.purchaser_kind`` or ``procurement.guidance_missing``.
    """
    kinds = policy.procurement.purchaser_kinds
    if kind not in kinds:
        raise Refusal(
            "procurement.purchaser_kind",
            rule=binding(policy=policy, rules=("HS-13", "SYS-PURCHASER-KIND")),
            facts={"kind": kind, "allowed": "、".join(f"{code}（{name}）" for code, name in kinds.items())},
        )
    rule = binding(policy=policy, rules=("HS-13",))
    if rule is not None and kind != "state_organ" and not (guided_by or "").strip():
        raise Refusal("procurement.guidance_missing", rule=rule, facts={"kind": kinds[kind]})


def check_contractor_types(*, types: tuple[str, ...], policy: Policy) -> None:
    """Refuse an empty range of contractors or a kind outside the code list (HS-15, BJ-14).

    Raises ``Refusal`` ``procurement.contractor_type``.
    """
    known = policy.procurement.contractor_types
    unknown = tuple(kind for kind in types if kind not in known)
    if types and not unknown:
        return
    raise Refusal(
        "procurement.contractor_type",
        rule=binding(policy=policy, rules=("HS-15", "BJ-14", "SYS-CONTRACTOR-TYPE")),
        facts={
            "kinds": "、".join(unknown) or sentence("procurement.not_given"),
            "allowed": "、".join(f"{k}（{name}）" for k, name in known.items()),
        },
    )


def check_notice(
    *, method: str, sites: tuple[str, ...], noticed_on: date, closes_on: date, policy: Policy, calendar: WorkCalendar
) -> None:
    """Refuse a notice that is missing on a required site or leaves suppliers too little time.

    Raises ``Refusal`` ``procurement.site_missing`` (HS-47, LAW-ZFCGTL-8) or ``procurement.time_too_short``
    (LAW-ZFCG-35 for tenders, SYS-RESPONSE-TIME for negotiation and consultation).
    """
    check_sites(sites=sites, policy=policy)
    earliest, source = _earliest_close(method, noticed_on, policy, calendar)
    if closes_on < earliest:
        raise Refusal(
            "procurement.time_too_short",
            rule="LAW-ZFCG-35" if method in TENDERS else "SYS-RESPONSE-TIME",
            facts={"closes_on": closes_on.isoformat(), "earliest": earliest.isoformat(), "source": source},
        )


def check_sites(*, sites: tuple[str, ...], policy: Policy) -> None:
    """Refuse a publication that leaves a required site out (``procurement.site_missing``, HS-47, LAW-ZFCGTL-8)."""
    missing = [name for code, name in policy.procurement.notice_sites.items() if code not in sites]
    if missing:
        raise Refusal(
            "procurement.site_missing",
            rule=binding(policy=policy, rules=("HS-47", "LAW-ZFCGTL-8")),
            facts={"sites": "、".join(missing)},
        )


def _earliest_close(method: str, noticed_on: date, policy: Policy, calendar: WorkCalendar) -> tuple[date, str]:
    leaves = policy.procurement
    if method in TENDERS:
        return noticed_on + timedelta(days=leaves.tender_days), policy.clause("procurement.tender_days")
    if method == "competitive_consultation" and leaves.consultation_days is not None:
        return noticed_on + timedelta(days=leaves.consultation_days), policy.clause("procurement.consultation_days")
    if method == "competitive_negotiation" and leaves.negotiation_working_days is not None:
        due = calendar.add_working_days(noticed_on, days=leaves.negotiation_working_days)
        return due.date, policy.clause("procurement.negotiation_working_days")
    return noticed_on, ""


def check_bidder(
    *, kind: str, accepted: tuple[str, ...], debarred_until: date | None, on: date, policy: Policy
) -> None:
    """Refuse a bidder of a kind the notice does not admit, or one that is barred on the day.

    Raises ``Refusal`` ``procurement.bidder_kind`` (HS-15, BJ-14) or ``procurement.debarred`` (BJ-52, LAW-ZFCG-22).
    """
    if kind not in accepted:
        known = policy.procurement.contractor_types
        raise Refusal(
            "procurement.bidder_kind",
            rule=binding(policy=policy, rules=("HS-15", "BJ-14", "SYS-CONTRACTOR-TYPE")),
            facts={"kind": known.get(kind, kind), "allowed": "、".join(known.get(code, code) for code in accepted)},
        )
    check_not_debarred(debarred_until=debarred_until, on=on, policy=policy)


def check_not_debarred(*, debarred_until: date | None, on: date, policy: Policy) -> None:
    """Refuse an organisation that is barred on the day (BJ-52, LAW-ZFCG-22); checked at bid, offer and award."""
    if debarred_until is not None and on < debarred_until:
        raise Refusal(
            "procurement.debarred",
            rule=binding(policy=policy, rules=("BJ-52", "LAW-ZFCG-22")),
            facts={"until": debarred_until.isoformat()},
        )


def check_bid_in_time(*, closes_on: date | None, closed_on: date | None, on: date) -> None:
    """Refuse a bid after the deadline or after bidding was closed (``procurement.bid_late``, SYS-BID-LATE)."""
    if closed_on is not None or (closes_on is not None and on > closes_on):
        facts = {"closes_on": (closed_on or closes_on or on).isoformat()}
        raise Refusal("procurement.bid_late", rule="SYS-BID-LATE", facts=facts)


def check_bid_verdict(*, substantive: bool, void_reason: str | None) -> None:
    """A bid that does not count carries its reason, one that counts carries none (``procurement.void_reason``)."""
    if substantive == bool((void_reason or "").strip()):
        raise Refusal("procurement.void_reason", rule="LAW-ZFCG-42")


def check_deadline_passed(*, closes_on: date | None, on: date) -> None:
    """Refuse to close the bidding before its deadline (``procurement.still_open``, LAW-ZFCG-35)."""
    if closes_on is not None and on < closes_on:
        raise Refusal("procurement.still_open", rule="LAW-ZFCG-35", facts={"closes_on": closes_on.isoformat()})


def responses_needed(*, method: str, failed_with: int | None, policy: Policy) -> int:
    """Return how many suppliers must answer: a tender its minimum, a negotiation its own, fewer after a failed tender.

    ``failed_with`` is how many answered the tender that failed before, ``None`` where none did.
    """
    if method == SINGLE_SOURCE:
        return 1  # the method means one supplier; its own conditions are checked at the choice of method
    if method not in NEGOTIATED:
        return policy.procurement.bidders_min
    return suppliers_needed(failed_with=failed_with, policy=policy)


def check_method_change(*, method: str, current: str, documents_lawful: bool, counted: int, policy: Policy) -> Way:
    """Return how the purchase goes on under an approved change; refuse one the law does not offer.

    ``counted`` is how many answered the tender that failed. Faulty documents leave only the way of a new tender. Raises
    ``Refusal`` ``procurement.documents_unlawful`` or ``procurement.change_not_offered`` (HS-17, LAW-ZFCG-37).
    """
    rule = binding(policy=policy, rules=("HS-17", "LAW-ZFCG-37"))
    way = way_on(
        counted=counted,
        needed=policy.procurement.bidders_min,
        documents_lawful=documents_lawful,
        approved=True,
        policy=policy,
    )
    if way is Way.RETENDER:
        raise Refusal("procurement.documents_unlawful", rule=rule)
    offered = tuple(code for code in policy.procurement.failed_tender_methods if code != current)
    if method not in offered:
        names = policy.procurement.methods
        facts = {"method": names.get(method, method), "allowed": "、".join(names.get(code, code) for code in offered)}
        raise Refusal("procurement.change_not_offered", rule=rule, facts=facts)
    return way


def check_group(*, experts: int, purchaser_representatives: int, policy: Policy) -> None:
    """Refuse a negotiation group that is too small, even in number, or has too few experts.

    Raises ``Refusal`` ``procurement.group`` with every fault (HS-18, LAW-ZFCG-38).
    """
    leaves = policy.procurement
    members = experts + purchaser_representatives
    faults = []
    if members < leaves.negotiation_group_min:
        faults.append(sentence("procurement.group.too_small", {"min": leaves.negotiation_group_min}))
    if leaves.negotiation_group_odd and members % 2 == 0:
        faults.append(sentence("procurement.group.even"))
    if experts < leaves.negotiation_expert_share * members:
        faults.append(sentence("procurement.group.few_experts", {"share": str(leaves.negotiation_expert_share)}))
    if faults:
        raise Refusal(
            "procurement.group",
            rule=binding(policy=policy, rules=("HS-18", "LAW-ZFCG-38")),
            facts={"members": members, "experts": experts, "faults": "；".join(faults)},
            details=tuple(Detail(problem=fault, field="size") for fault in faults),
        )


def check_offers(*, suppliers: int, method: str, failed_with: int | None, policy: Policy) -> None:
    """Refuse a negotiation with fewer suppliers than the law asks for (``procurement.offers``, LAW-ZFCG-38)."""
    needed = responses_needed(method=method, failed_with=failed_with, policy=policy)
    if suppliers < needed:
        raise Refusal("procurement.offers", rule="LAW-ZFCG-38", facts={"suppliers": suppliers, "needed": needed})


def check_award_open(*, case: AwardCase, policy: Policy) -> None:
    """Refuse any award while the tender has failed, or has too few answers, and no change of method was approved.

    Raises ``Refusal`` ``procurement.tender_failed`` (HS-17, elsewhere LAW-ZFCG-36).
    """
    counted = sum(1 for response in case.responses if response.counts)
    needed = responses_needed(method=case.method, failed_with=None, policy=policy)
    too_few = case.state == "noticed" and case.method not in NEGOTIATED and counted < needed
    if case.state == FAILED or too_few:
        raise Refusal(
            "procurement.tender_failed",
            rule=binding(policy=policy, rules=("HS-17", "LAW-ZFCG-36")),
            facts={"count": counted, "needed": needed},
        )


def check_award(*, case: AwardCase, policy: Policy) -> None:
    """Refuse an award before bidding is closed or negotiated, to a supplier that does not count, at another price.

    Raises ``Refusal`` ``procurement.not_closed``, ``procurement.not_negotiated`` (HS-19, LAW-ZFCG-38),
    ``procurement.winner_not_responsive``, ``procurement.winner_set_aside`` (LAW-ZFCGTL-49),
    ``procurement.out_of_order`` (LAW-ZFCGTL-43), ``procurement.price_differs``, ``procurement.award_over_budget``
    (HS-21, LAW-ZFCG-6) or ``procurement.debarred``.
    """
    check_award_open(case=case, policy=policy)
    if case.method in NEGOTIATED and not case.negotiated:
        raise Refusal("procurement.not_negotiated", rule=binding(policy=policy, rules=("HS-19", "LAW-ZFCG-38")))
    if case.method not in NEGOTIATED and not case.bidding_closed:
        raise Refusal("procurement.not_closed", rule="LAW-ZFCG-35")
    if case.debarred:
        raise Refusal("procurement.winner_debarred", rule=binding(policy=policy, rules=("BJ-52", "LAW-ZFCG-22")))
    chosen = next((one for one in case.responses if one.organisation_id == case.organisation_id and one.counts), None)
    if chosen is None:
        raise Refusal("procurement.winner_not_responsive", rule=binding(policy=policy, rules=("HS-19", "LAW-ZFCG-38")))
    _check_order(chosen, case)
    if chosen.price is not None and chosen.price != case.price:
        facts = {"price": str(case.price), "offered": str(chosen.price)}
        raise Refusal("procurement.price_differs", rule="SYS-AWARD-PRICE", facts=facts)
    if policy.funding.no_over_budget and case.price > case.budget:
        facts = {"price": str(case.price), "budget": str(case.budget)}
        raise Refusal(
            "procurement.award_over_budget", rule=binding(policy=policy, rules=("HS-21", "LAW-ZFCG-6")), facts=facts
        )


def _check_order(chosen: Response, case: AwardCase) -> None:
    """Candidates are taken in the order of the evaluation; one that was chosen before and fell out stays out."""
    if chosen.set_aside:
        raise Refusal("procurement.winner_set_aside", rule="LAW-ZFCGTL-49")
    marks = [one.score for one in case.responses if one.counts and one.eligible and one.score is not None]
    before = sum(1 for mark in marks if chosen.score is not None and mark > chosen.score)
    if before:
        raise Refusal("procurement.out_of_order", rule="LAW-ZFCGTL-43", facts={"count": before})


def check_those_who_came(*, offering: Collection[str], came: Collection[str], policy: Policy) -> None:
    """Refuse a negotiation with fewer than usual in which others take part than those whom the failed tender brought.

    ``came`` are those whose bids counted in it. Raises ``Refusal`` ``procurement.not_those_who_came`` (LAW-ZFCG-38).
    """
    if len(offering) < policy.procurement.negotiation_suppliers_min and not set(offering) <= set(came):
        raise Refusal("procurement.not_those_who_came", rule="LAW-ZFCG-38", facts={"count": len(set(came))})


def is_lowest(*, case: AwardCase) -> bool | None:
    """Say whether the award goes to the lowest price among the answers that count; ``None`` when prices are missing.

    Price alone never decides (BJ-32): the fact is recorded beside the reason, it does not block.
    """
    prices = [one.price for one in case.responses if one.counts]
    if any(price is None for price in prices):
        return None
    return case.price <= min(price for price in prices if price is not None) if prices else None
