"""The register of document numbers (文号): one row a number, gap-free per authority code and year.

``upcoming`` tells the next number so that a paper can be printed with it; ``enter`` takes it inside the write
transaction. A number that somebody else took meanwhile ends as ``Conflict``, never as a gap or a double.
"""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.context import Context
from models.core.errors import Conflict
from models.core.identifiers import DocumentNumber
from models.tables.decision import DocumentRegister


def upcoming(session: Session, *, authority: str, year: int) -> DocumentNumber:
    """Return the number after the last one given out under an authority code in a year, voided ones counted."""
    last = session.exec(
        select(func.max(DocumentRegister.seq)).where(
            col(DocumentRegister.authority) == authority, col(DocumentRegister.year) == year
        )
    ).one()
    return DocumentNumber(authority, year, (last or 0) + 1)


def enter(session: Session, ctx: Context, *, number: DocumentNumber, project_id: str | None, sha256: str) -> None:
    """Take a number for a printed paper. Raises ``Conflict`` when it is no longer the next one."""
    if upcoming(session, authority=number.authority, year=number.year) != number:
        raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
    session.add(
        DocumentRegister(
            id=ctx.new_id("num", str(number)),
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
