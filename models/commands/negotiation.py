"""Commands of procurement (S10) on negotiation: draw the experts, record the offers.

The draw is repeatable from its stored protocol; it is made once a round, again only when a supplier joined after it.
Experts appear by id, with employer and declared ties in the protocol alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, draws, purchase_clocks
from models.commands.ledger import Amount, locked
from models.commands.procurement import RUNNERS, file_stored, note, policy_of
from models.context import Context
from models.core.errors import Refusal
from models.core.hashing import canonical_json
from models.core.registry import command
from models.policy.schema import Policy
from models.ports import StoredObject
from models.queries.procurement import bids_of, organisation_of
from models.queries.purchasing import barred_until, suspended_until
from models.queries.reader import found
from models.rules import lifecycle
from models.rules.draw import Candidate, Draw, draw, protocol_of, roster_digest_of
from models.rules.eligibility import relation_counts
from models.rules.force import binding
from models.rules.lifecycle import Thing
from models.rules.procurement import (
    METHOD_CHANGED,
    NEGOTIATED,
    check_deadline_passed,
    check_group,
    check_not_debarred,
    check_offers,
    check_those_who_came,
)
from models.rules.purchase_gates import check_not_suspended
from models.tables.procurement import Bid, Organisation, Procurement

_OPEN = ("noticed", METHOD_CHANGED)
_CATEGORY = "expert"
_DRAW = "procurement.draw_experts"


class Relation(BaseModel):
    """A relation an expert declared to an organisation; ``ended_on`` is when it ended (empty: it stands)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation: Annotated[str, Field(min_length=1, description="有关系的单位")]
    kind: Annotated[str, Field(description="关系类别")]
    ended_on: Annotated[date | None, Field(description="关系终止日期")] = None


class Expert(BaseModel):
    """One row of the pool: id (never a name), employer, organisations it declared ties with, dated relations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1, description="专家编号")]
    employer: Annotated[str, Field(description="工作单位")] = ""
    ties: Annotated[tuple[str, ...], Field(description="申报有利害关系的单位")] = ()
    category: Annotated[str, Field(description="专业类别")] = _CATEGORY
    relations: Annotated[tuple[Relation, ...], Field(description="申报的关系")] = ()


class Offer(BaseModel):
    """The last offer of one supplier: its id or name, price, whether it answers the documents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation: Annotated[str, Field(description="供应商")]
    price: Annotated[Amount, Field(description="最后报价")]
    responsive: Annotated[bool, Field(description="是否实质响应")] = True


class ExpertsDrawn(BaseModel):
    """The outcome of a draw and the stored protocol it can be repeated from."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str
    protocol_sha256: str
    roster_digest: str
    seed_commitment: str
    chosen: tuple[str, ...]
    alternates: tuple[str, ...]
    excluded: tuple[str, ...]


class Negotiated(BaseModel):
    """The recorded negotiation: how many suppliers made an offer, and how many answer the documents."""

    model_config = ConfigDict(frozen=True)

    id: str
    suppliers: int
    responsive: int


class SeedCommitted(BaseModel):
    """The published digests: of the seed bound to the draw ``draw_id``, and of the roster it will be drawn from."""

    model_config = ConfigDict(frozen=True)

    id: str
    draw_id: str
    seed_commitment: str
    roster_digest: str


@command("procurement.commit_seed", roles=RUNNERS, clause="HS-18")
def commit_seed(
    ctx: Context,
    *,
    procurement: str,
    roster: Annotated[tuple[Expert, ...], Field(min_length=1, description="专家名册")],
) -> SeedCommitted:
    """Let the system make the seed of the draw and publish its digest with the roster's, before the draw.

    Raises ``Refusal`` ``procurement.drawn_already`` (HS-18), ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=_DRAW, state=row.state, allowed=_OPEN)
        policy = policy_of(session, ctx, row)
        _check_not_drawn(row, [one.id for one in _suppliers(session, row)], policy)
        kept = draws.commit_fresh(
            session,
            ctx,
            draw_id=ctx.new_id("draw"),
            project_id=row.project_id,
            subject_id=row.id,
            roster_digest=roster_digest_of(roster=_candidates(roster, on=ctx.as_of, policy=policy)),
        )
        return SeedCommitted(
            id=kept.id, draw_id=kept.draw_id, seed_commitment=kept.commitment, roster_digest=kept.roster_digest
        )


def _candidates(roster: tuple[Expert, ...], *, on: date, policy: Policy) -> tuple[Candidate, ...]:
    """Return the pool as the draw takes it; a relation counts as long as the law lets it (LAW-ZFCGTL-9)."""
    return tuple(
        Candidate(
            one.id,
            one.category,
            one.employer,
            frozenset(one.ties),
            past_roles=frozenset(
                tie.organisation
                for tie in one.relations
                if relation_counts(kind=tie.kind, ended_on=tie.ended_on, on=on, policy=policy)
            ),
        )
        for one in roster
    )


@dataclass(frozen=True)
class _Made:
    """A draw that was made but not yet written: its seed, outcome and stored protocol, and the suppliers it knew."""

    seed: draws.Seed
    drawn: Draw
    stored: StoredObject
    suppliers: list[str]


@command(_DRAW, roles=RUNNERS, clause="HS-18")
def draw_experts(
    ctx: Context,
    *,
    procurement: str,
    roster: Annotated[tuple[Expert, ...], Field(min_length=1, description="专家名册")],
    size: Annotated[int, Field(ge=1, le=10**12, description="抽取专家人数")],
    seed: Annotated[str | None, Field(min_length=1, description="抽取种子;仅演练时可填,正式运行由系统产生")] = None,
    purchaser_representatives: Annotated[int, Field(ge=0, le=10**12, description="采购人代表人数")] = 0,
) -> ExpertsDrawn:
    """Draw the experts of the group at random from the pool, leaving out everybody tied to a supplier or the buyer.

    The draw uses the seed committed to before (``procurement.commit_seed``) and reveals it. A dry run checks everything
    and names nobody. Raises ``Refusal`` ``procurement.group`` (HS-18, LAW-ZFCG-38), ``procurement.drawn_already``
    (HS-18), ``draw.too_few`` and the other faults of the draw, ``SYS-STATE``.
    """
    made = _make(ctx, procurement, roster, size, seed=seed, purchaser_representatives=purchaser_representatives)
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=_OPEN)
        policy = policy_of(session, ctx, row)
        _check_not_drawn(row, made.suppliers, policy)
        drawn = made.drawn
        draws.reveal(
            session,
            ctx,
            made.seed,
            project_id=row.project_id,
            subject_id=row.id,
            roster_digest=drawn.roster_digest,
        )
        row.draw = {
            **_outcome(ctx, drawn, made.stored),
            "purchaser_representatives": purchaser_representatives,
            "pool": policy.procurement.expert_pool or "",
            "pool_size": len(roster),
            "round": row.round,
            "organisations": made.suppliers,
        }
        session.add(row)
        document = file_stored(session, ctx, row, made.stored, kind="draw_protocol").id
        note(session, ctx, row, "procurement.experts_drawn", _drawn_facts(row.draw))
        return ExpertsDrawn(
            id=row.id,
            document=document,
            protocol_sha256=made.stored.sha256,
            roster_digest=drawn.roster_digest,
            seed_commitment=drawn.seed_commitment,
            chosen=() if ctx.dry_run else drawn.chosen,
            alternates=() if ctx.dry_run else drawn.alternates,
            excluded=() if ctx.dry_run else tuple(name for name, _ in drawn.excluded),
        )


def _make(
    ctx: Context,
    procurement: str,
    roster: tuple[Expert, ...],
    size: int,
    *,
    seed: str | None,
    purchaser_representatives: int,
) -> _Made:
    """Check that a draw may be made, make it and store its protocol; no row is written."""
    with ctx.reading() as session:
        row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=_OPEN)
        policy = policy_of(session, ctx, row)
        candidates = _candidates(roster, on=ctx.as_of, policy=policy)
        suppliers = _suppliers(session, row)
        known = [one.id for one in suppliers]
        _check_not_drawn(row, known, policy)
        conflicts = _conflicts(row, suppliers)
        check_group(experts=size, purchaser_representatives=purchaser_representatives, policy=policy)
        used = draws.seed_for(
            session,
            ctx,
            subject_id=row.id,
            roster_digest=roster_digest_of(roster=candidates),
            typed=seed,
            draw_id=ctx.new_id("draw"),
            command="procurement.commit_seed",
        )
    drawn = draw(
        roster=candidates, conflicts_with=conflicts, size=size, quotas={}, seed=used.text, draw_id=used.draw_id
    )
    protocol = protocol_of(roster=candidates, conflicts_with=conflicts, size=size, quotas={}, drawn=drawn)
    stored = documents.keep(ctx, data=canonical_json(protocol), media_type="application/json")
    return _Made(used, drawn, stored, known)


def _suppliers(session: Session, row: Procurement) -> list[Organisation]:
    """Return every supplier that answered in any round, by id."""
    ids = dict.fromkeys(bid.organisation_id for bid in bids_of(session, row))
    return [organisation_of(session, id_) for id_ in sorted(ids)]


def _conflicts(row: Procurement, suppliers: list[Organisation]) -> frozenset[str]:
    """Return who no expert may work for or be tied to: every supplier, the buyer, the bureau that guides it."""
    names = [name for one in suppliers for name in (one.id, one.name, one.uscc)]
    return frozenset(name for name in (*names, row.purchaser, row.guided_by) if name)


def _check_not_drawn(row: Procurement, suppliers: list[str], policy: Policy) -> None:
    """A draw is not repeated until it pleases: only a supplier that joined after it opens another."""
    same_round = bool(row.draw) and row.draw["round"] == row.round
    if same_round and row.draw["organisations"] == suppliers:
        raise Refusal(
            "procurement.drawn_already",
            rule=binding(policy=policy, rules=("HS-18", "SYS-DRAW")),
            facts={"on": row.draw["drawn_on"]},
        )


def _outcome(ctx: Context, drawn: Draw, stored: StoredObject) -> dict[str, Any]:
    return {
        "drawn_on": ctx.as_of.isoformat(),
        "roster_digest": drawn.roster_digest,
        "protocol_sha256": stored.sha256,
        "seed": drawn.seed,
        "seed_commitment": drawn.seed_commitment,
        "chosen": list(drawn.chosen),
        "alternates": list(drawn.alternates),
        "excluded": [name for name, _ in drawn.excluded],
        "reasons": dict(drawn.excluded),
    }


def _drawn_facts(outcome: dict[str, Any]) -> dict[str, Any]:
    kept = ("roster_digest", "protocol_sha256", "seed", "seed_commitment", "chosen", "excluded", "pool_size")
    return {name: outcome[name] for name in kept}


@command("procurement.negotiate", roles=RUNNERS, clause="HS-19")
def negotiate(
    ctx: Context,
    *,
    procurement: str,
    offers: Annotated[tuple[Offer, ...], Field(min_length=1, description="各供应商最后报价")],
    minutes: Annotated[str, Field(min_length=2, description="谈判记录")],
) -> Negotiated:
    """Record the negotiation of the drawn group with its suppliers: last offers and minutes (HS-19).

    Raises ``Refusal`` ``procurement.group_missing`` or ``procurement.joined_after_draw`` (HS-18, LAW-ZFCG-38),
    ``procurement.offers``, ``procurement.not_those_who_came`` (LAW-ZFCG-38), ``procurement.suspended`` (LAW-ZFCG-57),
    ``procurement.not_a_supplier``, ``procurement.method_not_negotiated``,
    ``procurement.negotiated_already``.
    """
    stored = documents.keep(ctx, data=minutes.encode(), media_type="text/plain;charset=utf-8")
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=_OPEN)
        policy = policy_of(session, ctx, row)
        suppliers = [organisation_of(session, offer.organisation) for offer in offers]
        _check_negotiable(session, ctx, row, suppliers, policy)
        for offer, supplier in zip(offers, suppliers, strict=True):
            barred = barred_until(session, organisation=supplier.id, on=ctx.as_of)
            check_not_debarred(debarred_until=barred, on=ctx.as_of, policy=policy)
            _write_offer(session, ctx, row, offer, supplier)
        row.negotiated_on = ctx.as_of
        session.add(row)
        purchase_clocks.stop(session, ctx, row, kind=purchase_clocks.CLOSING)
        purchase_clocks.owe_report(session, ctx, row, policy)
        file_stored(session, ctx, row, stored, kind="negotiation_minutes")
        responsive = sum(1 for offer in offers if offer.responsive)
        facts = {"suppliers": len(offers), "responsive": responsive, "minutes_sha256": stored.sha256}
        note(session, ctx, row, "procurement.negotiated", facts)
        return Negotiated(id=row.id, suppliers=len(offers), responsive=responsive)


def _check_negotiable(
    session: Session, ctx: Context, row: Procurement, suppliers: list[Organisation], policy: Policy
) -> None:
    rule = binding(policy=policy, rules=("HS-18", "LAW-ZFCG-38"))
    if row.method not in NEGOTIATED:
        name = policy.procurement.methods.get(row.method or "", "")
        raise Refusal("procurement.method_not_negotiated", rule="SYS-METHOD", facts={"method": name})
    check_not_suspended(until=suspended_until(session, row.id), on=ctx.as_of)
    if row.state == "noticed":
        check_deadline_passed(closes_on=row.bids_close_on, on=ctx.as_of)
    if row.negotiated_on is not None:
        raise Refusal("procurement.negotiated_already", rule="SYS-OFFER", facts={"on": row.negotiated_on.isoformat()})
    if not row.draw or row.draw["round"] != row.round:
        raise Refusal("procurement.group_missing", rule=rule)
    ids = [one.id for one in suppliers]
    answered = {bid.organisation_id for bid in bids_of(session, row)}
    strangers = [id_ for id_ in ids if id_ not in answered]
    if strangers or len(set(ids)) < len(ids):
        raise Refusal("procurement.not_a_supplier", rule="SYS-OFFER", facts={"ids": "、".join(strangers or ids)})
    if not set(ids) <= set(row.draw["organisations"]):
        raise Refusal("procurement.joined_after_draw", rule=rule)
    check_offers(suppliers=len(ids), method=row.method or "", failed_with=row.failed_with, policy=policy)
    failed_round = bids_of(session, row, round=row.round - 1)
    check_those_who_came(
        offering=ids, came=[bid.organisation_id for bid in failed_round if bid.substantive], policy=policy
    )


def _write_offer(session: Session, ctx: Context, row: Procurement, offer: Offer, supplier: Organisation) -> None:
    present = {bid.organisation_id: bid for bid in bids_of(session, row, round=row.round)}
    bid = present.get(supplier.id) or Bid(
        id=ctx.new_id("bid", row.id, str(row.round), supplier.id),
        procurement_id=row.id,
        round=row.round,
        organisation_id=supplier.id,
        substantive=offer.responsive,
        registered_on=ctx.as_of,
    )
    bid.offer_fen, bid.responsive = offer.price.fen, offer.responsive
    session.add(bid)
    session.flush()
