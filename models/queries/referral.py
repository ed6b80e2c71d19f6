"""Reads of referrals to another department: where each stands and what it still waits for; people are ids only."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from models.core.actors import Role
from models.core.registry import query
from models.queries.needs import ASSESSORS
from models.queries.reader import Reader
from models.rules.referral import CLOSED
from models.tables.referral import DepartmentReferral


class ReferralRow(BaseModel):
    """One referral; ``overdue`` when the step it waits for is late on the day of the question."""

    model_config = ConfigDict(frozen=True)

    id: str
    person: str
    item: str
    from_unit: str
    department: str
    status: str
    sent_on: date
    accept_due_on: date
    return_due_on: date
    accepted_on: date | None
    returned_on: date | None
    outcome: str
    closed_on: date | None
    packet: str
    overdue: bool


@query("referral.list", roles=(*ASSESSORS, Role.AUDIT_BODY), clause="FZ-37")
def referrals(
    reader: Reader, *, open_only: Annotated[bool, Field(description="只看未办结的")] = True
) -> tuple[ReferralRow, ...]:
    """Return the referrals of the region, oldest first."""
    statement = select(DepartmentReferral).where(col(DepartmentReferral.region) == reader.region)
    if open_only:
        statement = statement.where(col(DepartmentReferral.status) != CLOSED)
    rows = reader.session.exec(statement.order_by(col(DepartmentReferral.sent_on), col(DepartmentReferral.id))).all()
    return tuple(_row(row, reader.as_of) for row in rows)


def _row(row: DepartmentReferral, on: date) -> ReferralRow:
    waits = row.returned_on is None
    late = waits and (on > row.return_due_on or (row.accepted_on is None and on > row.accept_due_on))
    return ReferralRow(
        id=row.id,
        person=row.person_id,
        item=row.item,
        from_unit=row.from_unit,
        department=row.department,
        status=row.status,
        sent_on=row.sent_on,
        accept_due_on=row.accept_due_on,
        return_due_on=row.return_due_on,
        accepted_on=row.accepted_on,
        returned_on=row.returned_on,
        outcome=row.outcome,
        closed_on=row.closed_on,
        packet=row.packet_document_id,
        overdue=late,
    )
