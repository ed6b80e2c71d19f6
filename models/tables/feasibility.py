"""Tables of feasibility (S04): what was learnt elsewhere, required, reviewed, costed, appraised. The newest row counts.

Written by ``commands.feasibility``; each row is one act and stays, so that the path to a decision can be read later.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, UniqueConstraint
from sqlmodel import Field, SQLModel


def _json() -> Any:
    return Column(JSON, nullable=False)


class Benchmark(SQLModel, table=True):
    """Notes from places and departments that were visited or asked before planning (HS-02)."""

    __tablename__ = "feasibility_benchmark"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    places: list[str] = Field(sa_column=_json())
    notes: str
    recorded_on: date


class Requirement(SQLModel, table=True):
    """The requirement specification (HS-08, HS-09): ``items`` is item code → wording."""

    __tablename__ = "feasibility_requirement"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    items: dict[str, str] = Field(sa_column=_json())
    specified_on: date


class ContentReview(SQLModel, table=True):
    """A content review that found no government duty among the items to be bought (HS-12)."""

    __tablename__ = "feasibility_content_review"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    items: list[dict[str, Any]] = Field(sa_column=_json())
    policy_digest: str
    reviewed_on: date


class CostEstimate(SQLModel, table=True):
    """A costing (HS-23 to HS-25): ``inputs`` is input code → fen, and their sum is ``total_fen``."""

    __tablename__ = "feasibility_cost_estimate"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    inputs: dict[str, int] = Field(sa_column=_json())
    comparators: list[dict[str, Any]] = Field(sa_column=_json())
    consulted: list[str] = Field(sa_column=_json())
    total_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    estimated_on: date


class Appraisal(SQLModel, table=True):
    """An appraisal (评估论证, ZY-62 to ZY-65): findings, attached assessments, and what it came to.

    ``findings`` is finding code → {positive, reason}; ``assessments`` code → wording; ``outcome`` positive or
    negative; ``grounds`` the codes that were negative.
    """

    __tablename__ = "feasibility_appraisal"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    findings: dict[str, Any] = Field(sa_column=_json())
    assessments: dict[str, str] = Field(sa_column=_json())
    fiscal_capacity_positive: bool | None = None
    major: bool
    outcome: str
    grounds: list[str] = Field(sa_column=_json())
    policy_digest: str
    appraised_on: date
