"""Tables of decision and approval (S07, S08): opinions, approvals, the register that gives issued papers their numbers,
who pays which share, the mechanism's meetings and office, modifications, and the formalities before a start.

Written by ``commands.decision*`` and ``commands.register``. Nothing is ever deleted: what no longer holds is voided.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class Decision(SQLModel, table=True):
    """One decision opinion: who gave it under which authority, on what basis. ``override_citation`` (ZY-74) is the
    national or provincial rule that let another body decide, of ``override_level``. ``voided_on`` when the project was
    modified after it."""

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
    override_level: str | None = None
    document_id: str | None = None
    decided_on: date
    voided_on: date | None = None
    policy_digest: str


class DocumentRegister(SQLModel, table=True):
    """One number given out: (issuer, register, year, seq) without gaps; a voided number stays with its reason and is
    never given again. ``issuer`` is ``<region>/<role>``, ``register`` the series (机关代字)."""

    __tablename__ = "document_register"
    __table_args__ = (UniqueConstraint("issuer", "register", "year", "seq"),)

    id: str = Field(primary_key=True)
    issuer: str
    authority: str = Field(sa_column=Column("register", String, nullable=False))  # pydantic keeps "register" to itself
    year: int
    seq: int
    doc_no: str
    project_id: str | None = None
    sha256: str = Field(max_length=SHA256_LENGTH)
    issued_on: date
    voided_on: date | None = None
    void_reason: str | None = None


class Approval(SQLModel, table=True):
    """The approval of a project: number, conditions, amounts by channel in fen (never pooled, ZY-10).

    A project has one that is not voided; a later one takes the next number.
    """

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int = 1
    decision_id: str = Field(foreign_key="decision.id")
    doc_no: str
    conditions: list[str] = Field(sa_type=JSON)
    amounts: dict[str, Any] = Field(sa_type=JSON)
    total_fen: int | None = Field(default=None, sa_type=BigInteger)
    document_id: str
    approved_on: date
    policy_digest: str
    voided_on: date | None = None


class FunderShare(SQLModel, table=True):
    """What one payer bears of a project, in a sub-ledger of its own (ZY-10, ZY-73). Shares written together bear one
    ``ordinal``, the highest counts. ``account`` is the account with which an enterprise acts (ZY-72)."""

    __tablename__ = "funder_share"
    __table_args__ = (UniqueConstraint("project_id", "ordinal", "position"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    position: int
    party: str
    name: str
    credit_code: str | None = None
    account: str | None = None
    channel: str
    sub_ledger: str
    amount_fen: int = Field(sa_type=BigInteger)
    recorded_on: date


class MechanismMeeting(SQLModel, table=True):
    """One meeting of the review and acceptance mechanism (ZY-11). ``attendance`` is {role, unit, persons}, no names."""

    __tablename__ = "mechanism_meeting"
    __table_args__ = (UniqueConstraint("region", "meeting_no"),)

    id: str = Field(primary_key=True)
    region: str
    meeting_no: str
    held_on: date
    chaired_by: str
    attendance: list[dict[str, Any]] = Field(sa_type=JSON)
    matters: list[str] = Field(sa_type=JSON)
    document_id: str
    recorded_on: date
    policy_digest: str


class OfficeRoster(SQLModel, table=True):
    """One version of who makes up the mechanism's office (ZY-12); ``members`` are {kind, unit, lead}, units only."""

    __tablename__ = "office_roster"
    __table_args__ = (UniqueConstraint("region", "version"),)

    id: str = Field(primary_key=True)
    region: str
    version: int
    members: list[dict[str, Any]] = Field(sa_type=JSON)
    recorded_on: date
    policy_digest: str


class ProjectModification(SQLModel, table=True):
    """One modification of a project under way to its approval, or approved: what changed (``diff`` path → before and
    after), why, which parts it voided, and the state the project then stood in."""

    __tablename__ = "project_modification"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    reason: str
    kinds: list[str] = Field(sa_type=JSON)
    diff: dict[str, Any] = Field(sa_type=JSON)
    parts: list[str] = Field(sa_type=JSON)
    back_to: str
    modified_on: date
    policy_digest: str


class VoidedPaper(SQLModel, table=True):
    """A paper that no longer counts. The document and its bytes stay; this row is the mark on it."""

    __tablename__ = "voided_paper"

    document_id: str = Field(primary_key=True, foreign_key="document.id")
    project_id: str = Field(foreign_key="project.id")
    modification_id: str | None = Field(default=None, foreign_key="project_modification.id")
    reason: str
    voided_on: date


class StartFormality(SQLModel, table=True):
    """One formality completed before a project may start (ZY-76): its code, its reference, its paper.

    The newest version of a code counts; ``reason`` says why it replaced the one before.
    """

    __tablename__ = "start_formality"
    __table_args__ = (UniqueConstraint("project_id", "code", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    code: str
    ordinal: int = 1
    reference: str
    reason: str = ""
    document_id: str
    completed_on: date
