"""Reads around a purchase (S10): lists in force, bars, notices, checks, what is known of each bidder, yearly shares."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import exists, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select

from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.money import Money
from models.core.registry import query
from models.queries.procurement import bids_of, organisation_of
from models.queries.reader import Reader, found, project_of
from models.rules.acceptance import Outcome
from models.rules.purchase_gates import sample_period, unwatched
from models.tables.acceptance import AcceptanceConclusion
from models.tables.contract import Contract
from models.tables.kernel import WorkItem
from models.tables.procurement import Organisation, Procurement
from models.tables.purchasing import (
    AgencyConduct,
    AgencyEngagement,
    CreditRating,
    Debarment,
    Dispute,
    PurchaseCheck,
    PurchaseList,
    PurchaseNotice,
    TenderDocuments,
)

READERS = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.COUNTY_BUREAU,
    Role.FINANCE_BUREAU,
    Role.PURCHASER,
    Role.TENDER_AGENCY,
    Role.DISCIPLINE_SUPERVISION,
    Role.AUDIT_BODY,
)
SAMPLE = "procurement.sample"
_SOCIAL_ORG = "social_org"
TERMINATED = "terminated"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


def current_list(session: Session, *, region: str, kind: str, year: int) -> PurchaseList | None:
    """Return the newest version of a list for a year; the catalogue and the template of an earlier year go on."""
    statement = select(PurchaseList).where(col(PurchaseList.region) == region, col(PurchaseList.kind) == kind)
    if kind == "annual_plan":
        statement = statement.where(col(PurchaseList.year) == year)
    else:
        statement = statement.where(col(PurchaseList.year) <= year)
    newest = statement.order_by(col(PurchaseList.year).desc(), col(PurchaseList.version).desc())
    return session.exec(newest).first()


def codes_of(row: PurchaseList | None) -> frozenset[str] | None:
    """Return the codes on a list, ``None`` when there is none."""
    return None if row is None else frozenset(str(item["code"]) for item in row.items)


def barred_until(session: Session, *, organisation: str, on: date) -> date | None:
    """Return the day the last bar in force on a day ends (itself free again), ``None`` when none is in force."""
    rows = session.exec(
        select(Debarment).where(
            col(Debarment.organisation_id) == organisation,
            col(Debarment.from_on) <= on,
            col(Debarment.until_on) > on,
            or_(col(Debarment.lifted_on).is_(None), col(Debarment.lifted_on) > on),
        )
    ).all()
    return max((row.until_on for row in rows), default=None)


def ratings_of(session: Session, organisation: str) -> tuple[CreditRating, ...]:
    """Return the credit ratings of an organisation, the first given first."""
    statement = select(CreditRating).where(col(CreditRating.organisation_id) == organisation)
    return tuple(session.exec(statement.order_by(col(CreditRating.ordinal))).all())


def notice_of(session: Session, procurement: str, *, kind: str) -> PurchaseNotice | None:
    """Return the newest public notice of a kind."""
    return session.exec(
        select(PurchaseNotice)
        .where(col(PurchaseNotice.procurement_id) == procurement, col(PurchaseNotice.kind) == kind)
        .order_by(col(PurchaseNotice.ordinal).desc())
    ).first()


def notices_count(session: Session, procurement: str) -> int:
    """Return how many public notices of a purchase stand."""
    return int(session.exec(select(func.count()).where(col(PurchaseNotice.procurement_id) == procurement)).one())


def documents_of(session: Session, procurement: str) -> TenderDocuments | None:
    """Return the newest version of the tender documents."""
    return session.exec(
        select(TenderDocuments)
        .where(col(TenderDocuments.procurement_id) == procurement)
        .order_by(col(TenderDocuments.version).desc())
    ).first()


def checks_of(session: Session, procurement: str) -> tuple[PurchaseCheck, ...]:
    """Return the checks of a purchase, the first made first."""
    statement = select(PurchaseCheck).where(col(PurchaseCheck.procurement_id) == procurement)
    return tuple(session.exec(statement.order_by(col(PurchaseCheck.ordinal))).all())


def engagements_of(session: Session, procurement: str) -> tuple[AgencyEngagement, ...]:
    """Return the agencies engaged for a purchase."""
    statement = select(AgencyEngagement).where(col(AgencyEngagement.procurement_id) == procurement)
    return tuple(session.exec(statement.order_by(col(AgencyEngagement.id))).all())


def conduct_of(session: Session, engagement: str) -> tuple[AgencyConduct, ...]:
    """Return the entries of an agency's record in order."""
    statement = select(AgencyConduct).where(col(AgencyConduct.engagement_id) == engagement)
    return tuple(session.exec(statement.order_by(col(AgencyConduct.ordinal))).all())


def suspended_until(session: Session, procurement: str) -> date | None:
    """Return the day from which a purchase may go on, of the complaints not yet decided."""
    until = (row.suspended_until for row in disputes_open(session, procurement))
    return max((day for day in until if day is not None), default=None)


def disputes_open(session: Session, procurement: str) -> tuple[Dispute, ...]:
    """Return the disputes about a purchase that nobody answered yet."""
    statement = select(Dispute).where(col(Dispute.procurement_id) == procurement, col(Dispute.answered_on).is_(None))
    return tuple(session.exec(statement.order_by(col(Dispute.id))).all())


@query("procurement.samples_due", roles=(Role.SYSTEM, *CIVIL_AFFAIRS), clause="ZY-83")
def samples_due(reader: Reader) -> tuple[str, ...]:
    """Return the first day of every period that is over and whose new tender documents nobody sampled (ZY-83)."""
    months = reader.policies.resolve(region=reader.region, on=reader.as_of).procurement.sampling_months
    owed = reader.session.exec(
        select(WorkItem.subject_id)
        .where(col(WorkItem.kind) == SAMPLE, col(WorkItem.status) == "open")
        .order_by(col(WorkItem.subject_id))
    ).all()
    firsts = (date.fromisoformat(subject.rpartition(":")[2]) for subject in owed)
    return tuple(first.isoformat() for first in firsts if sample_period(on=first, months=months)[1] < reader.as_of)


class PastResult(_Model):
    """How an earlier contract of a bidder ended: which project, on what kind of service, with what grade, when.

    ``accepted``: whether the project was; what was not accepted is no merit, whatever its grade.
    """

    project: str
    category: str
    grade: str
    accepted: bool
    concluded_on: date


class KnownBidder(_Model):
    """What is on record of a bidder: results of earlier contracts (BJ-41, AH-31), bars, credit and what follows."""

    organisation: str
    name: str
    results: tuple[PastResult, ...]
    barred_until: date | None
    credit: str | None
    measure: str | None


def past_results(session: Session, organisation: str) -> tuple[PastResult, ...]:
    """Return the conclusion that stands of each project an organisation carried out, the newest first.

    One that a later round replaced counts no more; a contract that was terminated did not bring the result about.
    """
    later = aliased(AcceptanceConclusion)
    replaced = exists().where(
        col(later.project_id) == col(AcceptanceConclusion.project_id),
        col(later.round) > col(AcceptanceConclusion.round),
    )
    rows = session.exec(
        select(AcceptanceConclusion, Procurement)
        .join(Contract, col(Contract.project_id) == col(AcceptanceConclusion.project_id))
        .join(Procurement, col(Procurement.id) == col(Contract.procurement_id))
        .where(col(Contract.organisation_id) == organisation, col(Contract.state) != TERMINATED)
        .where(col(AcceptanceConclusion.concluded_on) >= col(Contract.starts_on), ~replaced)
        .order_by(col(AcceptanceConclusion.concluded_on).desc(), col(AcceptanceConclusion.id))
    ).all()
    return tuple(
        PastResult(
            project=end.project_id,
            category=buy.category,
            grade=end.grade,
            accepted=end.outcome == Outcome.ACCEPTED,
            concluded_on=end.concluded_on,
        )
        for end, buy in rows
    )


@query("procurement.bidders", roles=READERS, clause="BJ-41")
def bidders(reader: Reader, *, procurement: str) -> tuple[KnownBidder, ...]:
    """Return what is known of every bidder of a purchase, for the choice among them (BJ-41, AH-31)."""
    session = reader.session
    row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
    known: list[Organisation] = [
        organisation_of(session, id_) for id_ in dict.fromkeys(bid.organisation_id for bid in bids_of(session, row))
    ]
    return tuple(_known(reader, one) for one in known)


def _known(reader: Reader, one: Organisation) -> KnownBidder:
    ratings = ratings_of(reader.session, one.id)
    return KnownBidder(
        organisation=one.id,
        name=one.name,
        results=past_results(reader.session, one.id),
        barred_until=barred_until(reader.session, organisation=one.id, on=reader.as_of),
        credit=ratings[-1].level if ratings else None,
        measure=ratings[-1].measure if ratings else None,
    )


class BarLine(_Model):
    """One bar of the register."""

    id: str
    organisation: str
    name: str
    from_on: date
    until_on: date
    authority: str
    number: str
    rule: str
    lifted_on: date | None
    in_force: bool


@query("procurement.bars", roles=READERS, clause="BJ-52")
def bars(reader: Reader) -> tuple[BarLine, ...]:
    """Return the register of bars, the newest first, each with its source and end."""
    rows = reader.session.exec(select(Debarment).order_by(col(Debarment.from_on).desc(), col(Debarment.id))).all()
    return tuple(
        BarLine(
            id=row.id,
            organisation=row.organisation_id,
            name=organisation_of(reader.session, row.organisation_id).name,
            from_on=row.from_on,
            until_on=row.until_on,
            authority=row.authority,
            number=row.number,
            rule=row.rule,
            lifted_on=row.lifted_on,
            in_force=row.from_on <= reader.as_of < (row.lifted_on or row.until_on),
        )
        for row in rows
    )


class Share(_Model):
    """How much of the year's new purchase spend went to social organisations; ``share`` and ``least`` in percent."""

    year: int
    awarded: Money
    social_orgs: Money
    share: str | None
    least: str | None
    enough: bool | None


def social_share(session: Session, *, year: int) -> tuple[Money, Money]:
    """Return the new purchase spend awarded in a year, and the part of it awarded to social organisations."""
    rows = session.exec(
        select(Procurement.award_fen, Organisation.kind)
        .join(Organisation, col(Organisation.id) == col(Procurement.winner_organisation_id))
        .where(col(Procurement.state) == "awarded", col(Procurement.new_spend).is_(True))
        .where(col(Procurement.budget_year) == year)
    ).all()
    every = sum(fen or 0 for fen, _ in rows)
    return Money(every), Money(sum(fen or 0 for fen, kind in rows if kind == _SOCIAL_ORG))


@query("procurement.social_share", roles=READERS, clause="AH-19")
def social_org_share(reader: Reader, *, year: Annotated[int, Field(ge=2000, le=2999, description="年度")]) -> Share:
    """Return the share of social organisations in the year's new purchase spend, against the least one (AH-19)."""
    every, theirs = social_share(reader.session, year=year)
    least = reader.policies.resolve(region=reader.region, on=reader.as_of).funding.social_org_ratio_min
    return Share(
        year=year,
        awarded=every,
        social_orgs=theirs,
        share=f"{theirs.fen * 100 / every.fen:.2f}" if every.fen else None,
        least=None if least is None else str(least * 100),
        enough=None if least is None or not every.fen else theirs.fen >= least * every.fen,
    )


class Watch(_Model):
    """The supervision of a purchase: its checks, and the checkpoints and parties nothing was recorded of yet."""

    checks: tuple[str, ...]
    open_orders: tuple[str, ...]
    unwatched: tuple[tuple[str, str], ...]


@query("procurement.watch", roles=READERS, clause="ZY-85")
def watch(reader: Reader, *, procurement: str) -> Watch:
    """Return which checkpoints and parties of a purchase were supervised, and which orders stand open."""
    session = reader.session
    row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
    policy = reader.policies.resolve(region=project_of(session, row.project_id).region, on=reader.as_of)
    checks = checks_of(session, procurement)
    seen = frozenset((one.checkpoint, one.party) for one in checks if one.kind == "supervision")
    return Watch(
        checks=tuple(one.id for one in checks),
        open_orders=tuple(one.id for one in checks if one.rectify_by is not None and one.rectified_on is None),
        unwatched=unwatched(seen=seen, by_agency=bool(engagements_of(session, row.id)), policy=policy),
    )
