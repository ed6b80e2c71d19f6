"""Gathers what must stand before a notice and before an award, and asks the rules (``rules.purchase_gates``).

Called by ``commands.procurement`` and ``commands.award`` inside their transactions. Writes nothing.
"""

from __future__ import annotations

from sqlmodel import Session

from models.context import Context
from models.core.actors import Role
from models.core.money import Money
from models.policy.schema import Policy
from models.queries.goals import newest_plan
from models.queries.procurement import bids_of, steps_of
from models.queries.purchasing import checks_of, documents_of, engagements_of, notice_of, suspended_until
from models.rules.low_price import check_low_price, suspicious
from models.rules.purchase_gates import (
    METHOD,
    Contest,
    NoticeCase,
    check_before_notice,
    check_contest,
    check_not_suspended,
)
from models.rules.purchase_method import forces_tender, tender_threshold
from models.rules.tender_documents import check_public_qualifications
from models.tables.procurement import Bid, Procurement


def before_notice(session: Session, ctx: Context, row: Procurement, policy: Policy) -> tuple[str, ...]:
    """Return the warnings of a notice that may go out. Raises ``Refusal`` of ``rules.purchase_gates``, BJ-22."""
    documents = documents_of(session, row.id)
    requirements = notice_of(session, row.id, kind="requirements")
    intent = notice_of(session, row.id, kind="intent")
    check_not_suspended(until=suspended_until(session, row.id), on=ctx.as_of)
    case = NoticeCase(
        prechecked=_prechecked(session, row),
        has_documents=documents is not None,
        requirements_on=requirements.published_on if requirements else None,
        intent_on=intent.published_on if intent else None,
        by_agency=ctx.actor.role is Role.TENDER_AGENCY,
        engaged=bool(engagements_of(session, row.id)),
        consulted=documents is not None and documents.consultation is not None,
    )
    warnings = check_before_notice(case=case, on=ctx.as_of, policy=policy)
    if documents is not None:
        check_public_qualifications(
            used=frozenset(documents.qualifications),
            published=frozenset(requirements.qualifications if requirements else ()),
            policy=policy,
        )
    return warnings


def _prechecked(session: Session, row: Procurement) -> bool:
    """Say whether the newest precheck was passed, and was of the method that was chosen (ZY-80).

    A change approved by finance after a failed tender needs none again.
    """
    checks = [one for one in checks_of(session, row.id) if one.kind == "precheck"]
    chosen = [step.method for step in steps_of(session, row) if not step.after_failure]
    same = not checks or METHOD not in checks[-1].findings or checks[-1].method in chosen[-1:]
    return bool(checks) and checks[-1].passed and same


def before_award(session: Session, ctx: Context, row: Procurement, policy: Policy, *, winner: str) -> None:
    """Refuse an award that something stands against. Raises ``Refusal`` of ``rules.purchase_gates``."""
    bids = {bid.organisation_id: bid for bid in bids_of(session, row, round=row.round)}
    checks = checks_of(session, row.id)
    shown = notice_of(session, row.id, kind="single_source")
    threshold = tender_threshold(policy=policy, level=row.level, object=row.object)
    goals = newest_plan(session, row.project_id)
    contest = Contest(
        method=row.method or "",
        evaluated=row.evaluated_on is not None or row.negotiated_on is not None,
        quality_met=bids[winner].quality_met if winner in bids else None,
        open_orders=sum(1 for one in checks if one.rectify_by is not None and one.rectified_on is None),
        suspended_until=suspended_until(session, row.id),
        single_source_until=shown.closes_on if shown is not None and shown.organisation_id == winner else None,
        above_threshold=threshold is not None
        and forces_tender(amount=Money(row.budget_fen), threshold=threshold, policy=policy),
        goals_set=goals is not None and any(goal["precise"] for goal in goals.goals.values()),
    )
    check_contest(contest=contest, on=ctx.as_of, policy=policy)
    low = low_prices(row, tuple(bids.values()), policy)
    check_low_price(low=winner in low, explained=winner in bids and bids[winner].price_explained, policy=policy)


def low_prices(row: Procurement, bids: tuple[Bid, ...], policy: Policy) -> frozenset[str]:
    """Return the organisations whose price is abnormally low among the bids that count."""
    counted = ((bid, bid.price_fen if bid.offer_fen is None else bid.offer_fen) for bid in bids if bid.substantive)
    prices = {bid.organisation_id: Money(fen) for bid, fen in counted if fen is not None}
    return suspicious(prices=prices, ceiling=Money(row.budget_fen), policy=policy)
