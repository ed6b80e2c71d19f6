"""Reads of audit filing (S17): what waits to be filed, and which receipts are on file."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import query
from models.queries.contract import owed_back
from models.queries.ledger import balance
from models.queries.reader import Reader, project_of
from models.queries.succession import not_referred
from models.rules.funding import Account
from models.rules.succession import ENDED
from models.tables.audit import AuditFiling, AuditReceipt
from models.tables.funding import PlanLine
from models.tables.kernel import Project

_UNDER_WAY = (Account.RESERVED, Account.PLANNED, Account.COMMITTED)
FILABLE = ("evaluated", *ENDED)
"""States in which a project goes to audit: its results were evaluated, or it ended early."""
OFFICES = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU, Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION, Role.SYSTEM)


class Filing(BaseModel):
    """One project's filing with one body; ``receipt_no`` and ``received_on`` are unset until the receipt is in."""

    model_config = ConfigDict(frozen=True)

    id: str
    body: str
    items: int
    filed_on: date
    due_on: date
    provisional: bool
    document: str
    receipt_no: str | None
    received_on: date | None


@query("audit.projects_without_filing", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-31")
def projects_without_filing(reader: Reader) -> tuple[str, ...]:
    """Return the ids of projects that have no filing yet: evaluated ones, and those that ended early once all is
    settled (until then their filing stands as a due row)."""
    session = reader.session
    filed = select(AuditFiling.project_id)
    statement = select(Project).where(col(Project.state).in_(FILABLE), col(Project.id).not_in(filed))
    rows = session.exec(statement.order_by(col(Project.id))).all()
    return tuple(row.id for row in rows if row.state not in ENDED or not unsettled(session, row.id, reader.as_of))


def unsettled(session: Session, project: str, as_of: date) -> tuple[str, ...]:
    """Return, in words, what of a project that ended early is open: money under way, claims, lines, people."""
    held = Money.total(balance(session, account=account, project=project) for account in _UNDER_WAY)
    owed = {
        "held": held,
        "left": balance(session, account=Account.REMAINING, project=project),
        "claimed": owed_back(session, project=project),
    }
    told = [sentence(f"audit.open.{code}", {"amount": str(amount)}) for code, amount in owed.items() if amount]
    lines = select(PlanLine.id).where(col(PlanLine.project_id) == project, col(PlanLine.state) != "closed")
    counts = {"lines": len(session.exec(lines).all()), "people": len(not_referred(session, project, as_of))}
    return (*told, *(sentence(f"audit.open.{code}", {"count": count}) for code, count in counts.items() if count))


@query("audit.filings", roles=OFFICES, clause="ZY-31")
def filings(reader: Reader, *, project: str) -> tuple[Filing, ...]:
    """Return the filings of a project with their receipts, by body."""
    project_of(reader.session, project)
    receipts = receipts_of(reader.session, project)
    return tuple(
        Filing(
            id=row.id,
            body=row.body,
            items=row.items,
            filed_on=row.filed_on,
            due_on=row.due_on,
            provisional=row.provisional,
            document=row.document_id,
            receipt_no=receipts[row.body].receipt_no if row.body in receipts else None,
            received_on=receipts[row.body].received_on if row.body in receipts else None,
        )
        for row in filings_of(reader.session, project).values()
    )


def filings_of(session: Session, project: str) -> dict[str, AuditFiling]:
    """Return body → filing of a project, sorted by body."""
    statement = select(AuditFiling).where(col(AuditFiling.project_id) == project).order_by(col(AuditFiling.body))
    return {row.body: row for row in session.exec(statement)}


def receipts_of(session: Session, project: str) -> dict[str, AuditReceipt]:
    """Return body → receipt of a project, sorted by body."""
    statement = select(AuditReceipt).where(col(AuditReceipt.project_id) == project).order_by(col(AuditReceipt.body))
    return {row.body: row for row in session.exec(statement)}
