"""Reads of draws: where the record of a draw lies, and what was published before it. Anybody inside may check one."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.errors import Refusal
from models.core.registry import query
from models.queries.reader import Reader
from models.tables.draw import DrawCommitment
from models.tables.kernel import Document
from models.tables.monitoring import InspectionRound
from models.tables.procurement import Procurement
from models.tables.review import ReviewRound, ReviewSeat

_CHECKERS = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.COUNTY_BUREAU,
    Role.PURCHASER,
    Role.TENDER_AGENCY,
    Role.FINANCE_BUREAU,
    Role.DISCIPLINE_SUPERVISION,
    Role.AUDIT_BODY,
    Role.SYSTEM,
)


class DrawRecord(BaseModel):
    """The stored record of a draw (JSON, by digest), and the commitment with the day of its event."""

    model_config = ConfigDict(frozen=True)

    subject: str
    sha256: str
    seed_commitment: str
    committed_on: date


@query("draw.record", roles=_CHECKERS, clause="SYS-DRAW")
def record(reader: Reader, *, subject: str) -> DrawRecord:
    """Return where the record of a draw lies; ``subject`` is a review round, a procurement, a round of inspection, or
    the draw of a substitute by its own id (``review.round`` names it beside the seat).

    Raises ``Refusal`` ``draw.not_drawn`` when nothing was drawn under it.
    """
    session = reader.session
    places = (_of_round, _of_procurement, _of_inspection, _of_substitute)
    found = next((one for place in places if (one := place(session, subject)) is not None), None)
    if found is None:
        raise Refusal("draw.not_drawn", rule="SYS-DRAW", facts={"subject": subject})
    sha256, commitment = found
    kept = session.exec(select(DrawCommitment).where(col(DrawCommitment.commitment) == commitment)).one()
    return DrawRecord(subject=subject, sha256=sha256, seed_commitment=commitment, committed_on=kept.committed_on)


def _of_round(session: Session, subject: str) -> tuple[str, str] | None:
    row = session.get(ReviewRound, subject)
    return (session.get_one(Document, row.protocol_document_id).sha256, row.seed_commitment) if row else None


def _of_procurement(session: Session, subject: str) -> tuple[str, str] | None:
    row = session.get(Procurement, subject)
    return (row.draw["protocol_sha256"], row.draw["seed_commitment"]) if row and row.draw else None


def _of_inspection(session: Session, subject: str) -> tuple[str, str] | None:
    row = session.get(InspectionRound, subject)
    if row is None or row.protocol_document_id is None:
        return None
    return session.get_one(Document, row.protocol_document_id).sha256, row.seed_commitment


def _of_substitute(session: Session, subject: str) -> tuple[str, str] | None:
    seat = session.exec(select(ReviewSeat).where(col(ReviewSeat.draw_id) == subject)).one_or_none()
    if seat is None:
        return None
    kept = session.exec(select(DrawCommitment).where(col(DrawCommitment.draw_id) == subject)).one()
    return session.get_one(Document, str(seat.protocol_document_id)).sha256, kept.commitment
