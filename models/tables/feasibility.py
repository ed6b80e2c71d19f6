"""Tables of feasibility (S04): what was learnt elsewhere, required, reviewed, costed, appraised. The newest row counts.

Written by ``commands.feasibility``; each row is one act and stays, so that the path to a decision can be read later.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class Benchmark(SQLModel, table=True):
    """Notes from places and departments that were visited or asked before planning (HS-02)."""

    __tablename__ = "feasibility_benchmark"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    places: list[str] = Field(sa_type=JSON)
    notes: str
    recorded_on: date


class Requirement(SQLModel, table=True):
    """The requirement specification (HS-08, HS-09): ``items`` is item code → wording.

    ``guided_by`` are the units whose experts guided the design, ``guidance`` what they said (HS-11).
    """

    __tablename__ = "feasibility_requirement"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    items: dict[str, str] = Field(sa_type=JSON)
    guided_by: list[str] = Field(default_factory=list, sa_type=JSON)
    guidance: str = ""
    specified_on: date


class ContentReview(SQLModel, table=True):
    """A content review that found no government duty among the items to be bought (HS-12)."""

    __tablename__ = "feasibility_content_review"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    items: list[dict[str, Any]] = Field(sa_type=JSON)
    warnings: list[str] = Field(default_factory=list, sa_type=JSON)
    policy_digest: str
    reviewed_on: date


class CostEstimate(SQLModel, table=True):
    """A costing (HS-23 to HS-25): ``inputs`` is input code → fen, and their sum is ``total_fen``."""

    __tablename__ = "feasibility_cost_estimate"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    inputs: dict[str, int] = Field(sa_type=JSON)
    comparators: list[dict[str, Any]] = Field(sa_type=JSON)
    consulted: list[str] = Field(sa_type=JSON)
    total_fen: int = Field(sa_type=BigInteger)
    estimated_on: date


class Appraisal(SQLModel, table=True):
    """An appraisal (评估论证, ZY-62 to ZY-65): findings, attached assessments, and what it came to.

    ``findings`` is finding code → {positive, reason}; ``assessments`` code → wording; ``balance`` and ``risks`` the
    lines of the balance table (fen) and of the register of risks; ``outcome`` positive or negative; ``grounds`` the
    codes that were negative. It stands for the revision ``application_id`` and the ``payer`` it was made for, until
    ``voided_on``: a change of either is appraised anew.
    """

    __tablename__ = "feasibility_appraisal"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    application_id: str = Field(foreign_key="application.id")
    payer: str
    findings: dict[str, Any] = Field(sa_type=JSON)
    assessments: dict[str, str] = Field(sa_type=JSON)
    balance: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    risks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    fiscal_capacity_positive: bool | None = None
    major: bool
    outcome: str
    grounds: list[str] = Field(sa_type=JSON)
    policy_digest: str
    appraised_on: date
    voided_on: date | None = None


class FeasibilityReport(SQLModel, table=True):
    """One version of the feasibility report (D05): its chapters, tables and annex, and the digest of the paper.

    ``outline_digest`` pins the version of the outline it was checked against, ``appraisal_id`` the appraisal it rests
    on. ``sha256`` is what the county's opinion is pinned to; the paper names the digest of its attachment, so that one
    digest covers both.
    """

    __tablename__ = "feasibility_report"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    appraisal_id: str = Field(foreign_key="feasibility_appraisal.id")
    author: str
    chapters: dict[str, str] = Field(sa_type=JSON)
    balance: list[dict[str, Any]] = Field(sa_type=JSON)
    risks: list[dict[str, Any]] = Field(sa_type=JSON)
    stability: str
    outline_source: str
    outline_since: str
    outline_digest: str = Field(max_length=SHA256_LENGTH)
    warnings: list[str] = Field(sa_type=JSON)
    sha256: str = Field(max_length=SHA256_LENGTH)
    document_id: str = Field(foreign_key="document.id")
    attachment_id: str | None = Field(default=None, foreign_key="document.id")
    policy_digest: str
    compiled_on: date


class CountyOpinion(SQLModel, table=True):
    """The county government's opinion (D06), pinned to the digest of the report it was given on (ZY-67)."""

    __tablename__ = "feasibility_county_opinion"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    report_id: str = Field(foreign_key="feasibility_report.id")
    report_sha256: str = Field(max_length=SHA256_LENGTH)
    positive: bool
    opinion: str
    conditions: list[str] = Field(sa_type=JSON)
    number: str
    document_id: str = Field(foreign_key="document.id")
    scan_id: str | None = Field(default=None, foreign_key="document.id")
    given_on: date


class Formality(SQLModel, table=True):
    """One formality of a project: the paper that shows it, or why it does not apply. The newest of a code counts."""

    __tablename__ = "feasibility_formality"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    code: str
    number: str
    issued_on: date | None = None
    not_applicable: str
    document_id: str | None = Field(default=None, foreign_key="document.id")
    recorded_on: date


class FormalitySet(SQLModel, table=True):
    """A complete checklist (L05, ZY-68): ``items`` is formality code → id of the row that answers it."""

    __tablename__ = "feasibility_formality_set"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    items: dict[str, str] = Field(sa_type=JSON)
    document_id: str = Field(foreign_key="document.id")
    policy_digest: str
    completed_on: date
