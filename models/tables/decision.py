"""Tables of decision and approval (S07, S08), and the register that gives issued papers their numbers."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class Decision(SQLModel, table=True):
    """One decision opinion: who gave it under which authority, on what basis. ``override_citation`` (ZY-74) is the
    national or provincial rule that let another body decide."""

    __tablename__ = "decision"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    outcome: str
    payer: str
    authority: str
    decided_by: str
    basis: str
    meeting_no: str
    override_citation: str | None = None
    decided_on: date
    policy_digest: str


class DocumentRegister(SQLModel, table=True):
    """One number given out: (register, year, seq) without gaps; a voided number stays and is never given again."""

    __tablename__ = "document_register"
    __table_args__ = (UniqueConstraint("register", "year", "seq"),)

    id: str = Field(primary_key=True)
    authority: str = Field(sa_column=Column("register", String, nullable=False))  # pydantic keeps "register" to itself
    year: int
    seq: int
    doc_no: str
    project_id: str | None = None
    sha256: str = Field(max_length=SHA256_LENGTH)
    issued_on: date
    voided_on: date | None = None


class Approval(SQLModel, table=True):
    """The approval of a project: number, conditions, amounts by channel in fen (never pooled, ZY-10)."""

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("project_id"), UniqueConstraint("doc_no"))

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    decision_id: str = Field(foreign_key="decision.id")
    doc_no: str
    conditions: list[str] = Field(sa_column=Column(JSON, nullable=False))
    amounts: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    total_fen: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    document_id: str
    approved_on: date
    policy_digest: str
