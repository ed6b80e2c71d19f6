"""Commands of procurement (S10) on the award: award with its record, publish it, withdraw it before a contract.

The award opens two statutory clocks as work items: the notice of award, and the contract. It prints the record of
procurement (采购活动记录) with the whole path of methods, reasons, bids, draw and approvals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, purchase_clocks, purchase_gates, purchase_pages, transition, work
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
from models.rules.effects import Result, is_preferred
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.rules.procurement import (
    NEGOTIATED,
    AwardCase,
    Response,
    check_award,
    check_award_open,
    check_sites,
    is_lowest,
)
from models.rules.selection import draw_warning, share_warning, tie_warning
from models.tables.contract import Contract
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
    (HS-19), ``procurement.winner_set_aside`` (LAW-ZFCGTL-49), ``procurement.out_of_order`` (LAW-ZFCGTL-43),
    ``procurement.price_differs``, ``procurement.award_over_budget`` (HS-21, LAW-ZFCG-6), and what
    ``commands.purchase_gates`` holds against it.
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
    """Return what is noted of an award that stands: a better known equal (BJ-42), too small a share (AH-19), experts
    nobody drew.
    """
    bids = bids_of(session, row, round=row.round)
    excellent = frozenset(
        bid.organisation_id
        for bid in bids
        for one in past_results(session, bid.organisation_id)
        if one.category == row.category and is_preferred(result=Result(one.grade, accepted=one.accepted), policy=policy)
    )
    scores = {bid.organisation_id: bid.score for bid in bids if bid.score is not None}
    every, theirs = social_share(session, year=row.budget_year or 0)
    return (
        *tie_warning(winner=row.winner_organisation_id or "", scores=scores, excellent=excellent, policy=policy),
        *share_warning(awarded=every, social_orgs=theirs, policy=policy),
        *draw_warning(method=row.method or "", drawn=row.draw.get("round") == row.round, policy=policy),
    )


def _case(
    session: Session, ctx: Context, row: Procurement, *, organisation: str, price: Money, policy: Policy
) -> tuple[Organisation, AwardCase]:
    """Return the winner and what the award rests on, checked; a failed tender explains itself before its state does."""
    bids = bids_of(session, row, round=row.round)
    case = AwardCase(
        state=row.state,
        method=row.method or "",
        bidding_closed=row.bidding_closed_on is not None,
        negotiated=row.negotiated_on is not None,
        responses=tuple(_responses(session, ctx, row, bids, policy)),
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


def _responses(
    session: Session, ctx: Context, row: Procurement, bids: tuple[Bid, ...], policy: Policy
) -> Iterator[Response]:
    """Yield each answer as the rules see it; one that may not win any more keeps nobody behind it waiting."""
    negotiated, low = row.method in NEGOTIATED, purchase_gates.low_prices(row, bids, policy)
    for bid in bids:
        fen = bid.offer_fen if negotiated else bid.price_fen
        explained = bid.organisation_id not in low or bool(bid.price_explained)
        barred = barred_until(session, organisation=bid.organisation_id, on=ctx.as_of) is not None
        yield Response(
            organisation_id=bid.organisation_id,
            price=None if fen is None else Money(fen),
            counts=bool(bid.responsive) if negotiated else bid.substantive,
            score=None if bid.score is None else Decimal(bid.score),
            eligible=explained and not barred and bid.quality_met is not False and bid.set_aside is None,
            set_aside=bid.set_aside is not None,
        )


def _decide(row: Procurement, *, winner: Organisation, price: Money, reason: str, ctx: Context) -> None:
    row.winner_organisation_id = winner.id
    row.award_fen = price.fen
    row.award_reason = reason
    row.awarded_on = ctx.as_of


def _open_clocks(session: Session, ctx: Context, row: Procurement, policy: Policy) -> None:
    """Open the two clocks of an award: notice and result within working days, contract within days (LAW-ZFCG-46)."""
    purchase_clocks.stop_round(session, ctx, row)
    others = (bid for bid in bids_of(session, row) if bid.organisation_id != row.winner_organisation_id)
    purchase_clocks.owe_bonds(session, ctx, row, policy, others)
    calendar = ctx.services.calendar
    sign = calendar.days_after(ctx.as_of, days=policy.contract.sign_days, roll=True)
    purchase_clocks.owe_watch(session, ctx, row, policy, due_on=sign.date)
    purchase_clocks.owe_agency_record(session, ctx, row, policy, due_on=sign.date)
    notice = calendar.add_working_days(ctx.as_of, days=policy.procurement.award_notice_working_days)
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
        # a second award after a withdrawn one sets the clock anew
        work.move_item(session, ctx, kind=item, subject_id=row.id, due_on=due.date, provisional=due.provisional)


@command("procurement.publish_award", roles=RUNNERS, clause="LAW-ZFCGTL-43")
def publish_award(
    ctx: Context,
    *,
    procurement: str,
    sites: Annotated[tuple[str, ...], Field(description="公开网站")],
    contact: Annotated[str, Field(max_length=500, description="联系方式(单位固定电话、地址)")] = "",
) -> ProcurementState:
    """Publish the result on every required site and print its page; the contract's time runs from this day (HS-47).

    Raises ``Refusal`` ``procurement.site_missing`` (HS-47, LAW-ZFCGTL-8), ``procurement.published_already``;
    ``DataFault`` ``publicity.leak``.
    """
    with ctx.reading() as session:
        row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
        policy = _check_publishable(session, ctx, row, sites)
        page = purchase_pages.award_page(session, ctx, row, policy, contact=contact)
        version = row.version
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        policy = _check_publishable(session, ctx, row, sites)
        if row.version != version:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        row.award_published_on = ctx.as_of
        session.add(row)
        work.close_item(session, ctx, kind=NOTICE_ITEM, subject_id=row.id)
        if not _contracted(session, row):
            due = ctx.services.calendar.days_after(ctx.as_of, days=policy.contract.sign_days, roll=True)
            work.move_item(
                session, ctx, kind=SIGN_ITEM, subject_id=row.id, due_on=due.date, provisional=due.provisional
            )
        document = purchase_pages.filed(session, ctx, row, page).id
        note(session, ctx, row, "procurement.award_published", {"sites": list(sites), "document_id": document})
        return state_of(row, document=document)


def _check_publishable(session: Session, ctx: Context, row: Procurement, sites: tuple[str, ...]) -> Policy:
    lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("awarded",))
    if row.award_published_on is not None:
        facts = {"on": row.award_published_on.isoformat()}
        raise Refusal("procurement.published_already", rule="SYS-PUBLISH-ONCE", facts=facts)
    policy = policy_of(session, ctx, row)
    check_sites(sites=sites, policy=policy)
    return policy


def _contracted(session: Session, row: Procurement) -> bool:
    return session.exec(select(Contract.id).where(col(Contract.procurement_id) == row.id)).first() is not None


@command("procurement.withdraw_award", roles=BUYERS, clause="LAW-ZFCGTL-49")
def withdraw_award(
    ctx: Context,
    *,
    procurement: str,
    cause: Annotated[Literal["declined", "void"], Field(description="拒绝签订合同(declined)、成交无效(void)")],
    reason: Annotated[str, Field(min_length=4, max_length=400, description="情况说明")],
) -> ProcurementState:
    """Set an award aside before a contract is signed: the winner declined, or the result is void.

    The next candidate may then be awarded, or the purchase ended and begun anew. Raises ``Refusal``
    ``procurement.contract_signed``, ``SYS-STATE``; a reason with a personal number in it is refused
    (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_in_state(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state)
        if _contracted(session, row):
            raise Refusal("procurement.contract_signed", rule="LAW-ZFCGTL-49")
        payload = {"organisation_id": row.winner_organisation_id, "cause": cause, "round": row.round}
        for bid in bids_of(session, row, round=row.round):
            if bid.organisation_id == row.winner_organisation_id:
                bid.set_aside = f"{cause}: {reason}"
                session.add(bid)
        row.winner_organisation_id = row.award_fen = row.award_reason = None
        row.awarded_on = row.award_published_on = None
        session.add(row)
        for item in (NOTICE_ITEM, SIGN_ITEM):
            work.close_item(session, ctx, kind=item, subject_id=row.id)
        transition.apply(session, ctx, row, payload=payload)
        purchase_clocks.start(session, ctx, row, policy_of(session, ctx, row), kind=purchase_clocks.WINNER)
        return state_of(row)
