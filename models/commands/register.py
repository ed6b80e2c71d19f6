"""The register of document numbers (文号): one row a number, gap-free per issuer, series (机关代字) and year.

``upcoming`` tells the next number so that a paper can be printed with it; ``enter`` takes it inside the write
transaction. A number that somebody else took meanwhile ends as ``Conflict``, never as a gap or a double: who tries
again gets the next. ``void`` marks a number; it stays and is never given again.
"""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict
from models.core.identifiers import DocumentNumber
from models.rules.decision_records import check_number_stands
from models.tables.decision import DocumentRegister


def issuer_key(*, region: str, role: Role) -> str:
    """Return how the register names an issuing body: ``520300/evaluation_office``."""
    return f"{region}/{role}"


def upcoming(session: Session, *, issuer: str, authority: str, year: int) -> DocumentNumber:
    """Return the number after the last one an issuer gave out in a series and year, voided ones counted."""
    last = session.exec(
        select(func.max(DocumentRegister.seq)).where(
            col(DocumentRegister.issuer) == issuer,
            col(DocumentRegister.authority) == authority,
            col(DocumentRegister.year) == year,
        )
    ).one()
    return DocumentNumber(authority, year, (last or 0) + 1)


def enter(
    session: Session, ctx: Context, *, issuer: str, number: DocumentNumber, project_id: str | None, sha256: str
) -> None:
    """Take a number for a printed paper. Raises ``Conflict`` when it is no longer the next one."""
    if upcoming(session, issuer=issuer, authority=number.authority, year=number.year) != number:
        raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
    session.add(
        DocumentRegister(
            id=ctx.new_id("num", issuer, str(number)),
            issuer=issuer,
            authority=number.authority,
            year=number.year,
            seq=number.serial,
            doc_no=str(number),
            project_id=project_id,
            sha256=sha256,
            issued_on=ctx.as_of,
        )
    )
    session.flush()


def void(session: Session, ctx: Context, *, row: DocumentRegister, reason: str) -> None:
    """Void a number with the reason. Raises ``Refusal`` ``decision.number_voided`` the second time."""
    check_number_stands(doc_no=row.doc_no, voided_on=row.voided_on)
    row.voided_on, row.void_reason = ctx.as_of, reason
    session.add(row)
