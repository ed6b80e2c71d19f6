"""Reads of procurement (S10): the record of one purchase, and what its commands ask of bids and methods.

Prices of a round stay hidden until its bidding is closed; organisations' names are public facts, experts appear by id.
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.money import Money
from models.core.periods import add_months
from models.core.registry import query
from models.queries.reader import Reader, found, project_of
from models.tables.procurement import Bid, MethodStep, Organisation, Procurement

_READERS = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.COUNTY_BUREAU,
    Role.FINANCE_BUREAU,
    Role.PURCHASER,
    Role.TENDER_AGENCY,
    Role.DISCIPLINE_SUPERVISION,
    Role.AUDIT_BODY,
)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class MethodLine(_Model):
    """One step of the method path; ``approver`` is ``None`` when not stated."""

    on: date
    method: str
    reason: str
    approver: str | None
    after_failure: bool
    rule: str


class BidLine(_Model):
    """One supplier in one round; prices are ``None`` when not stated or still sealed."""

    round: int
    organisation: str
    name: str
    price: Money | None
    substantive: bool
    void_reason: str | None
    offer: Money | None
    responsive: bool | None


class DrawLine(_Model):
    """The expert draw: digest of roster and protocol, seed, and who came out (ids)."""

    drawn_on: date
    pool: str
    roster_digest: str
    protocol_sha256: str
    seed: str
    seed_commitment: str
    chosen: tuple[str, ...]
    alternates: tuple[str, ...]
    excluded: tuple[str, ...]
    purchaser_representatives: int


class ProcurementRecord(_Model):
    """The record of one purchase (采购活动记录)."""

    id: str
    project: str
    state: str
    purchaser: str
    budget: Money
    method: str | None
    methods: tuple[MethodLine, ...]
    round: int
    notice_sites: tuple[str, ...]
    noticed_on: date | None
    bids_close_on: date | None
    bids: tuple[BidLine, ...]
    draw: DrawLine | None
    negotiated_on: date | None
    winner: str | None
    award: Money | None
    awarded_on: date | None
    award_reason: str | None
    award_published_on: date | None
    void_reason: str | None
    keep_until: date | None


@query("procurement.record", roles=_READERS, clause="LAW-ZFCG-42")
def record(reader: Reader, *, procurement: str) -> ProcurementRecord:
    """Return the record of a procurement: methods with reasons, bids, draw, award."""
    session = reader.session
    row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
    return ProcurementRecord(
        id=row.id,
        project=row.project_id,
        state=f"procurement.{row.state}",
        purchaser=row.purchaser,
        budget=Money(row.budget_fen),
        method=row.method,
        methods=tuple(_method_line(step) for step in steps_of(session, row)),
        round=row.round,
        notice_sites=tuple(row.notice_sites),
        noticed_on=row.noticed_on,
        bids_close_on=row.bids_close_on,
        bids=tuple(_bid_line(session, row, bid) for bid in bids_of(session, row)),
        draw=draw_of(row),
        negotiated_on=row.negotiated_on,
        winner=row.winner_organisation_id,
        award=None if row.award_fen is None else Money(row.award_fen),
        awarded_on=row.awarded_on,
        award_reason=row.award_reason,
        award_published_on=row.award_published_on,
        void_reason=row.void_reason,
        keep_until=_keep_until(reader, row),
    )


def _keep_until(reader: Reader, row: Procurement) -> date | None:
    """Return the day until which the files of a finished purchase are kept at least (LAW-ZFCG-42)."""
    if row.awarded_on is None:
        return None
    region = project_of(reader.session, row.project_id).region
    years = reader.policies.resolve(region=region, on=row.awarded_on).procurement.file_retention_years
    return add_months(row.award_published_on or row.awarded_on, months=12 * years)


def purchaser_of(session: Session, *, project: str) -> str | None:
    """Return the purchaser's name in the project's first procurement that is not void, ``None`` before there is one."""
    return session.exec(
        select(Procurement.purchaser)
        .where(col(Procurement.project_id) == project, col(Procurement.state) != "void")
        .order_by(col(Procurement.id))
    ).first()


def steps_of(session: Session, row: Procurement) -> tuple[MethodStep, ...]:
    """Return the path of methods, first choice first."""
    statement = select(MethodStep).where(col(MethodStep.procurement_id) == row.id).order_by(col(MethodStep.ordinal))
    return tuple(session.exec(statement).all())


def is_converted(session: Session, row: Procurement) -> bool:
    """Say whether the method was changed with approval after a failed tender."""
    return any(step.after_failure for step in steps_of(session, row))


def bids_of(session: Session, row: Procurement, *, round: int | None = None) -> tuple[Bid, ...]:
    """Return the bids of one round, or of all, in the order of round and organisation."""
    statement = select(Bid).where(col(Bid.procurement_id) == row.id)
    if round is not None:
        statement = statement.where(col(Bid.round) == round)
    return tuple(session.exec(statement.order_by(col(Bid.round), col(Bid.organisation_id))).all())


def draw_of(row: Procurement) -> DrawLine | None:
    """Return the last expert draw, ``None`` when there was none."""
    if not row.draw:
        return None
    return DrawLine.model_validate({name: row.draw[name] for name in DrawLine.model_fields})


def organisation_of(session: Session, reference: str) -> Organisation:
    """Return an organisation by id, or by its exact name. Raises ``Refusal`` code ``kernel.not_found``."""
    row = session.get(Organisation, reference)
    if row is None:
        named = session.exec(select(Organisation).where(col(Organisation.name) == "".join(reference.split()))).all()
        row = named[0] if len(named) == 1 else None
    return found(row, kind="organisation", id=reference)


def _method_line(step: MethodStep) -> MethodLine:
    return MethodLine(
        on=step.chosen_on,
        method=step.method,
        reason=step.reason,
        approver=step.approver,
        after_failure=step.after_failure,
        rule=step.rule,
    )


def _bid_line(session: Session, row: Procurement, bid: Bid) -> BidLine:
    sealed = bid.round == row.round and row.state == "noticed" and row.bidding_closed_on is None
    return BidLine(
        round=bid.round,
        organisation=bid.organisation_id,
        name=organisation_of(session, bid.organisation_id).name,
        price=None if sealed or bid.price_fen is None else Money(bid.price_fen),
        substantive=bid.substantive,
        void_reason=bid.void_reason,
        offer=None if bid.offer_fen is None else Money(bid.offer_fen),
        responsive=bid.responsive,
    )
