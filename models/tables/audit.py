"""Tables of audit filing (S17): one filing and at most one receipt for each project and body (ZY-31).

Written by ``commands.audit`` only; the unique keys keep a repeated sweep and a double click from filing twice.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel


class AuditFiling(SQLModel, table=True):
    """A project's hand-over list for one body: ``items`` documents, receipt wanted by ``due_on``."""

    __tablename__ = "audit_filing"
    __table_args__ = (UniqueConstraint("project_id", "body"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    body: str
    items: int
    filed_on: date
    due_on: date
    provisional: bool
    policy_digest: str
    document_id: str


class AuditReceipt(SQLModel, table=True):
    """What a body gave back: its number and date; ``recorded_by`` is the role, the body's own or the office's."""

    __tablename__ = "audit_receipt"
    __table_args__ = (UniqueConstraint("project_id", "body"),)

    id: str = Field(primary_key=True)
    filing_id: str = Field(foreign_key="audit_filing.id")
    project_id: str = Field(foreign_key="project.id", index=True)
    body: str
    receipt_no: str
    received_on: date
    recorded_on: date
    recorded_by: str
    document_id: str | None = None
