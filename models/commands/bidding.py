"""Commands of procurement (S10) on bids: register one, close a round.

A debarment follows an organisation from purchase to purchase (``commands.organisations``). Names of organisations stand
in their table, never in events.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import purchase_clocks, transition
from models.commands.ledger import Amount, locked
from models.commands.organisations import known_or_new
from models.commands.procurement import RUNNERS, note, policy_of
from models.commands.procurement_papers import INFORMED
from models.commands.purchase_gates import low_prices
from models.context import Context
from models.core.errors import Refusal
from models.core.identifiers import parse_credit_code
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.procurement import bids_of
from models.queries.purchasing import barred_until, engagements_of
from models.rules import lifecycle
from models.rules.eligibility import check_conditions, check_kind_of_code, check_not_involved, code_warning
from models.rules.failed_tender import Way, way_on
from models.rules.lifecycle import Thing
from models.rules.procurement import (
    METHOD_CHANGED,
    SINGLE_SOURCE,
    check_bid_in_time,
    check_bid_verdict,
    check_bidder,
    check_deadline_passed,
    responses_needed,
)
from models.rules.tender_documents import check_bond
from models.tables.procurement import Bid, Organisation, Procurement

Proof = Annotated[str, Field(min_length=1, max_length=200)]


class Bidder(BaseModel):
    """A supplier as it names itself: name, social credit code where known, kind of contractor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=120, description="单位名称")]
    uscc: Annotated[
        Annotated[str, AfterValidator(lambda text: parse_credit_code(text).code)] | None,
        Field(description="统一社会信用代码"),
    ] = None
    kind: Annotated[str, Field(description="承接主体类型")]


class BidRegistered(BaseModel):
    """The bid and the organisation it came from; name the organisation by this id in later commands."""

    model_config = ConfigDict(frozen=True)

    id: str
    organisation: str
    round: int
    warnings: tuple[str, ...] = ()


class BiddingClosed(BaseModel):
    """The result of closing: the state, how many answers count, how many were needed, and how it may go on."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    counted: int
    needed: int
    way: Way
    low_prices: tuple[str, ...] = ()


class BiddersInformed(BaseModel):
    """How many bidders of which round were told why the tender failed."""

    model_config = ConfigDict(frozen=True)

    id: str
    round: int
    bidders: int


@command("procurement.register_bid", roles=RUNNERS, clause="HS-15")
def register_bid(
    ctx: Context,
    *,
    procurement: str,
    organisation: Annotated[Bidder, Field(description="供应商")],
    price: Annotated[Amount | None, Field(description="报价；未载明的留空")] = None,
    substantive: Annotated[bool, Field(description="是否实质响应")] = True,
    void_reason: Annotated[str | None, Field(description="投标无效的理由")] = None,
    proofs: Annotated[dict[str, Proof] | None, Field(description="承接主体条件的证明:条件代码→证明材料")] = None,
    bond: Annotated[Amount | None, Field(description="投标保证金")] = None,
) -> BidRegistered:
    """Register a supplier's answer in the present round, with its reason where it does not count.

    Raises ``Refusal`` ``procurement.bidder_kind``, ``procurement.kind_differs`` (HS-15), ``procurement.debarred``
    (BJ-52, LAW-ZFCG-22), ``procurement.designer_bids`` (LAW-ZFCGTL-18), ``procurement.condition_missing`` (BJ-16 to
    BJ-21, of a bid that is to count), ``procurement.bond_high`` (LAW-ZFCGTL-33), ``procurement.bid_late``,
    ``procurement.bid_twice``, ``procurement.void_reason``, ``SYS-STATE``.
    """
    check_bid_verdict(substantive=substantive, void_reason=void_reason)
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(
            thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("noticed", METHOD_CHANGED)
        )
        invited = row.state == METHOD_CHANGED  # an approved negotiation invites; the old notice's deadline is past
        closed_on = row.negotiated_on if invited else row.bidding_closed_on
        check_bid_in_time(closes_on=None if invited else row.bids_close_on, closed_on=closed_on, on=ctx.as_of)
        supplier = known_or_new(session, ctx, name=organisation.name, uscc=organisation.uscc, kind=organisation.kind)
        policy, given = policy_of(session, ctx, row), proofs or {}
        _check_bidder(session, ctx, row, supplier, kind=organisation.kind, policy=policy)
        warnings = check_conditions(kind=organisation.kind, proofs=given, policy=policy) if substantive else ()
        warnings += code_warning(kind=organisation.kind, uscc=supplier.uscc)
        check_bond(bond=bond, budget=Money(row.budget_fen), policy=policy)
        if any(bid.organisation_id == supplier.id for bid in bids_of(session, row, round=row.round)):
            raise Refusal("procurement.bid_twice", rule="SYS-BID-ONCE", facts={"round": row.round})
        bid = Bid(
            id=ctx.new_id("bid", row.id, str(row.round), supplier.id),
            procurement_id=row.id,
            round=row.round,
            organisation_id=supplier.id,
            price_fen=None if price is None else price.fen,
            substantive=substantive,
            void_reason=void_reason,
            registered_on=ctx.as_of,
            proofs=given,
            bond_fen=None if bond is None else bond.fen,
        )
        session.add(bid)
        payload = {"bid_id": bid.id, "organisation_id": supplier.id, "proofs": sorted(given), "warnings": len(warnings)}
        note(session, ctx, row, "procurement.bid_registered", payload)
        return BidRegistered(id=bid.id, organisation=supplier.id, round=row.round, warnings=warnings)


def _check_bidder(
    session: Session, ctx: Context, row: Procurement, supplier: Organisation, *, kind: str, policy: Policy
) -> None:
    """Refuse a supplier of another kind, one that is barred, and one that has a hand in the purchase."""
    check_bidder(
        kind=kind,
        accepted=tuple(row.contractor_types),
        debarred_until=barred_until(session, organisation=supplier.id, on=ctx.as_of),
        on=ctx.as_of,
        policy=policy,
    )
    check_kind_of_code(kind=kind, uscc=supplier.uscc, policy=policy)
    check_not_involved(
        supplier=(supplier.id, supplier.name, supplier.uscc),
        involved=(*row.designed_by, *(one.organisation_id for one in engagements_of(session, row.id))),
        single_source=row.method == SINGLE_SOURCE,
    )


@command("procurement.inform_bidders", roles=RUNNERS, clause="LAW-ZFCG-36")
def inform_bidders(ctx: Context, *, procurement: str) -> BiddersInformed:
    """Record that every bidder of a failed tender was told why; the record of the purchase prints the day.

    Raises ``Refusal`` ``SYS-STATE`` in any state but failed.
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("failed",))
        told = len(bids_of(session, row, round=row.round))
        note(session, ctx, row, INFORMED, {"bidders": told})
        return BiddersInformed(id=row.id, round=row.round, bidders=told)


@command("procurement.close_bidding", roles=RUNNERS, clause="LAW-ZFCG-36")
def close_bidding(ctx: Context, *, procurement: str) -> BiddingClosed:
    """Close the round at its deadline; fewer answers that count than the law asks for void it: state failed.

    Raises ``Refusal`` ``procurement.still_open`` (LAW-ZFCG-35), ``procurement.closed_already``, ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_in_state(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state)
        if row.bidding_closed_on is not None:
            facts = {"on": row.bidding_closed_on.isoformat()}
            raise Refusal("procurement.closed_already", rule="SYS-BID-ONCE", facts=facts)
        check_deadline_passed(closes_on=row.bids_close_on, on=ctx.as_of)
        bids = bids_of(session, row, round=row.round)
        counted = sum(1 for bid in bids if bid.substantive)
        policy = policy_of(session, ctx, row)
        needed = responses_needed(method=row.method or "", failed_with=row.failed_with, policy=policy)
        way = way_on(counted=counted, needed=needed, documents_lawful=True, approved=False, policy=policy)
        low = tuple(sorted(low_prices(row, bids, policy)))
        payload = {"bids": len(bids), "counted": counted, "needed": needed, "round": row.round, "low": len(low)}
        row.bidding_closed_on = ctx.as_of
        session.add(row)
        purchase_clocks.stop(session, ctx, row, kind=purchase_clocks.CLOSING)
        if way is not Way.EVALUATE:
            row.failed_with = counted
            transition.apply(session, ctx, row, payload=payload, outcome="too_few")
        else:
            note(session, ctx, row, "procurement.bidding_closed", payload)
        return BiddingClosed(
            id=row.id, state=f"procurement.{row.state}", counted=counted, needed=needed, way=way, low_prices=low
        )
