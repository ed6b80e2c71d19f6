"""Ledgers of purchases (S10): agency records (ZY-82), versions of lists, suppliers' remedies, words opened."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from models.core.actors import Role
from models.core.registry import query
from models.queries.procurement import organisation_of
from models.queries.purchasing import READERS, conduct_of, current_list, engagements_of
from models.queries.reader import Reader, found
from models.tables.procurement import Procurement
from models.tables.purchasing import Dispute

_JUDGES = (
    Role.FINANCE_BUREAU,
    Role.PURCHASER,
    Role.CITY_BUREAU,
    Role.COUNTY_BUREAU,
    Role.TENDER_AGENCY,
    Role.DISCIPLINE_SUPERVISION,
    Role.AUDIT_BODY,
)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class ConductLine(_Model):
    """One entry: who of the staff (by number) did what at which checkpoint, and whether that was proper."""

    staff: str
    checkpoint: str
    conduct: str
    proper: bool
    on: date


class AgencyRecord(_Model):
    """The record of one engagement: agency, staff with duties, entries, assessment once it is closed."""

    id: str
    agency: str
    staff: dict[str, str]
    engaged_on: date
    entries: tuple[ConductLine, ...]
    closed_on: date | None
    assessment: str | None


@query("procurement.agency_records", roles=READERS, clause="ZY-82")
def agency_records(reader: Reader, *, procurement: str) -> tuple[AgencyRecord, ...]:
    """Return the agency records of a purchase, one an engagement (ZY-82)."""
    session = reader.session
    row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
    return tuple(
        AgencyRecord(
            id=one.id,
            agency=organisation_of(session, one.organisation_id).name,
            staff=one.staff,
            engaged_on=one.engaged_on,
            entries=tuple(
                ConductLine(
                    staff=entry.staff_ref,
                    checkpoint=entry.checkpoint,
                    conduct=entry.conduct,
                    proper=entry.proper,
                    on=entry.noted_on,
                )
                for entry in conduct_of(session, one.id)
            ),
            closed_on=one.closed_on,
            assessment=one.assessment,
        )
        for one in engagements_of(session, row.id)
    )


class ListLine(_Model):
    """One row of a list; ``amount_fen`` is ``None`` where none is stated."""

    code: str
    name: str
    category: str
    amount_fen: int | None
    text: str


class PurchaseListShown(_Model):
    """The version of a list in force for a year, with the reply of finance it rests on."""

    kind: str
    year: int
    version: int
    published_on: date
    finance_reply: str | None
    items: tuple[ListLine, ...]


@query("procurement.list", roles=READERS, clause="BJ-27")
def purchase_list(
    reader: Reader,
    *,
    kind: Annotated[Literal["catalogue", "annual_plan", "template"], Field(description="清单")],
    year: Annotated[int, Field(ge=2000, le=2999, description="年度")],
) -> PurchaseListShown | None:
    """Return the version of a list in force for a year, ``None`` where none was published."""
    row = current_list(reader.session, region=reader.region, kind=kind, year=year)
    if row is None:
        return None
    return PurchaseListShown(
        kind=row.kind,
        year=row.year,
        version=row.version,
        published_on=row.published_on,
        finance_reply=row.finance_reply,
        items=tuple(
            ListLine(
                code=item["code"],
                name=item["name"],
                category=item["category"],
                amount_fen=item["amount"],
                text=item["text"],
            )
            for item in row.items
        ),
    )


class DisputeLine(_Model):
    """One dispute with the supplier's words and the answer, for those who answer or watch it."""

    id: str
    kind: str
    organisation: str
    raised_on: date
    due_on: date
    matter: str
    answered_on: date | None
    upheld: bool | None
    answer: str | None
    suspended_until: date | None


@query("procurement.disputes", roles=_JUDGES, clause="LAW-ZFCG-53")
def disputes(reader: Reader, *, procurement: str) -> tuple[DisputeLine, ...]:
    """Return queries, challenges and complaints about a purchase, the first raised first, with their words opened."""
    session, vault = reader.session, reader.vault
    rows = session.exec(
        select(Dispute)
        .where(col(Dispute.procurement_id) == procurement)
        .order_by(col(Dispute.raised_on), col(Dispute.id))
    ).all()
    return tuple(
        DisputeLine(
            id=row.id,
            kind=row.kind,
            organisation=organisation_of(session, row.organisation_id).name,
            raised_on=row.raised_on,
            due_on=row.due_on,
            matter=vault.open(row.matter_sealed),
            answered_on=row.answered_on,
            upheld=row.upheld,
            answer=None if row.answer_sealed is None else vault.open(row.answer_sealed),
            suspended_until=row.suspended_until,
        )
        for row in rows
    )
