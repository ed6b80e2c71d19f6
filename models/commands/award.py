"""Commands of procurement (S10) on the award: award with its record, publish it.

The award opens two statutory clocks as work items: the notice of award, and the contract. It prints the record of
procurement (采购活动记录) with the whole path of methods, reasons, bids, draw and approvals.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, purchase_clocks, purchase_gates, transition, work
from models.commands.contract import SIGN_ITEM
from models.commands.ledger import Amount, locked
from models.commands.procurement import BUYERS, RUNNERS, ProcurementState, note, policy_of, state_of
from models.commands.procurement_papers import record_view
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict, Refusal
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.procurement import bids_of, organisation_of
from models.queries.purchasing import barred_until, past_results, social_share
from models.queries.reader import found
from models.rules import lifecycle
from models.rules.lifecycle import Thing
from models.rules.procurement import (
    NEGOTIATED,
    AwardCase,
    Response,
    check_award,
    check_award_open,
    check_sites,
    is_lowest,
)
from models.rules.selection import share_warning, tie_warning
from models.tables.procurement import Bid, Organisation, Procurement

NOTICE_ITEM = "procurement.award_notice"


class Awarded(BaseModel):
    """The award: state, winner, price, whether it was the lowest that counts, and the document of the record."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    organisation: str
    price: Money
    lowest: bool | None
    document: str
    warnings: tuple[str, ...] = ()


@command("procurement.award", roles=BUYERS, clause="HS-19")
def award(
    ctx: Context,
    *,
    procurement: str,
    organisation: Annotated[str, Field(description="成交供应商")],
    price: Annotated[Amount, Field(description="成交金额")],
    reason: Annotated[str, Field(min_length=2, description="确定成交供应商的理由")],
) -> Awarded:
    """Award to a supplier that answers, at its price and within the budget, with the reason; print the record.

    Raises ``Refusal`` ``procurement.tender_failed`` while too few answered and no change was approved (HS-17,
    LAW-ZFCG-36), ``procurement.not_closed``, ``procurement.not_negotiated``, ``procurement.winner_not_responsive``
    (HS-19), ``procurement.price_differs``, ``procurement.award_over_budget`` (HS-21, LAW-ZFCG-6).
    """
    with ctx.reading() as session:
        row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
        policy = policy_of(session, ctx, row)
        winner, case = _case(session, ctx, row, organisation=organisation, price=price, policy=policy)
        session.expunge(row)  # the record is printed on the row as it will be; nothing of it is written here
        _decide(row, winner=winner, price=price, reason=reason, ctx=ctx)
        view = record_view(session, ctx, row=row, policy=policy)
        version = row.version
    paper = documents.render(ctx, kind="procurement_record", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        if row.version != version:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        winner, case = _case(session, ctx, row, organisation=organisation, price=price, policy=policy)
        _decide(row, winner=winner, price=price, reason=reason, ctx=ctx)
        session.add(row)
        lowest = is_lowest(case=case)
        payload = {"organisation_id": winner.id, "price_fen": price.fen, "lowest": lowest, "round": row.round}
        transition.apply(session, ctx, row, payload=payload)
        _open_clocks(session, ctx, row, policy)
        document = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=row.project_id,
            stage="procurement",
            title=view["title_lines"][0],
            issuer=row.purchaser,
        )
        return Awarded(
            id=row.id,
            state=f"procurement.{row.state}",
            organisation=winner.id,
            price=price,
            lowest=lowest,
            document=document.id,
            warnings=_warnings(session, row, policy),
        )


def _warnings(session: Session, row: Procurement, policy: Policy) -> tuple[str, ...]:
    """Return what is noted of an award that stands: a better known equal (BJ-42), too small a share (AH-19)."""
    bids = bids_of(session, row, round=row.round)
    best = max(policy.evaluation.grades, key=lambda grade: policy.evaluation.grades[grade])
    excellent = frozenset(
        bid.organisation_id
        for bid in bids
        for one in past_results(session, bid.organisation_id)
        if one.grade == best and one.category == row.category
    )
    scores = {bid.organisation_id: bid.score for bid in bids if bid.score is not None}
    every, theirs = social_share(session, year=row.budget_year or 0)
    return (
        *tie_warning(winner=row.winner_organisation_id or "", scores=scores, excellent=excellent, policy=policy),
        *share_warning(awarded=every, social_orgs=theirs, policy=policy),
    )


def _case(
    session: Session, ctx: Context, row: Procurement, *, organisation: str, price: Money, policy: Policy
) -> tuple[Organisation, AwardCase]:
    """Return the winner and what the award rests on, checked; a failed tender explains itself before its state does."""
    bids = bids_of(session, row, round=row.round)
    negotiated = row.method in NEGOTIATED
    case = AwardCase(
        state=row.state,
        method=row.method or "",
        bidding_closed=row.bidding_closed_on is not None,
        negotiated=row.negotiated_on is not None,
        responses=tuple(_response(bid, negotiated=negotiated) for bid in bids),
        organisation_id="",
        price=price,
        budget=Money(row.budget_fen),
        debarred=False,
    )
    check_award_open(case=case, policy=policy)
    lifecycle.check_in_state(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state)
    winner = organisation_of(session, organisation)
    barred = barred_until(session, organisation=winner.id, on=ctx.as_of) is not None
    case = replace(case, organisation_id=winner.id, debarred=barred)
    check_award(case=case, policy=policy)
    purchase_gates.before_award(session, ctx, row, policy, winner=winner.id)
    return winner, case


def _response(bid: Bid, *, negotiated: bool) -> Response:
    fen = bid.offer_fen if negotiated else bid.price_fen
    counts = bool(bid.responsive) if negotiated else bid.substantive
    return Response(bid.organisation_id, None if fen is None else Money(fen), counts)


def _decide(row: Procurement, *, winner: Organisation, price: Money, reason: str, ctx: Context) -> None:
    row.winner_organisation_id = winner.id
    row.award_fen = price.fen
    row.award_reason = reason
    row.awarded_on = ctx.as_of


def _open_clocks(session: Session, ctx: Context, row: Procurement, policy: Policy) -> None:
    """Open the two clocks of an award: notice and result within working days, contract within days (LAW-ZFCG-46)."""
    purchase_clocks.stop_round(session, ctx, row)
    purchase_clocks.owe_bonds(session, ctx, row, policy, bids_of(session, row))
    calendar = ctx.services.calendar
    notice = calendar.add_working_days(ctx.as_of, days=policy.procurement.award_notice_working_days)
    sign = calendar.days_after(ctx.as_of, days=policy.contract.sign_days, roll=True)
    for item, due, leaf, resolves_with in (
        (NOTICE_ITEM, notice, "procurement.award_notice_working_days", "procurement.publish_award"),
        (SIGN_ITEM, sign, "contract.sign_days", "contract.sign"),
    ):
        work.open_item(
            session,
            ctx,
            kind=item,
            role=Role.PURCHASER,
            subject_kind="procurement",
            subject_id=row.id,
            due_on=due.date,
            clause=policy.clause(leaf),
            resolves_with=resolves_with,
            project_id=row.project_id,
            provisional=due.provisional,
        )


@command("procurement.publish_award", roles=RUNNERS, clause="LAW-ZFCGTL-43")
def publish_award(
    ctx: Context, *, procurement: str, sites: Annotated[tuple[str, ...], Field(description="公开网站")]
) -> ProcurementState:
    """Publish the result on every required site and close the clock of the award notice (HS-47).

    Raises ``Refusal`` ``procurement.site_missing`` (HS-47, LAW-ZFCGTL-8), ``procurement.published_already``.
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("awarded",))
        if row.award_published_on is not None:
            facts = {"on": row.award_published_on.isoformat()}
            raise Refusal("procurement.published_already", rule="SYS-PUBLISH-ONCE", facts=facts)
        check_sites(sites=sites, policy=policy_of(session, ctx, row))
        row.award_published_on = ctx.as_of
        session.add(row)
        work.close_item(session, ctx, kind=NOTICE_ITEM, subject_id=row.id)
        note(session, ctx, row, "procurement.award_published", {"sites": list(sites)})
        return state_of(row)
