"""Tables of the quarterly plan's proposals (S09): what was computed from what, and which scenario was taken.

Both are append-only. A proposal moves no money; plan lines stand in ``tables.funding``.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class PlanProposal(SQLModel, table=True):
    """One computation of a batch. ``inputs`` is the whole programme, ``scenarios`` what was found, both as canonical
    JSON with their digests; ``given`` what the office stated (ceilings, standings)."""

    __tablename__ = "plan_proposal"
    __table_args__ = (UniqueConstraint("quarter", "batch", "version"),)

    id: str = Field(primary_key=True)
    region: str
    quarter: str
    batch: int
    version: int
    given: dict[str, Any] = Field(sa_type=JSON)
    inputs: dict[str, Any] = Field(sa_type=JSON)
    input_digest: str = Field(max_length=SHA256_LENGTH)
    scenarios: list[dict[str, Any]] = Field(sa_type=JSON)
    result_digest: str = Field(max_length=SHA256_LENGTH)
    policy_digest: str
    document_id: str
    proposed_on: date


class PlanAdoption(SQLModel, table=True):
    """The scenario of a proposal that was taken over into plan lines; a batch takes one."""

    __tablename__ = "plan_adoption"
    __table_args__ = (UniqueConstraint("quarter", "batch"),)

    id: str = Field(primary_key=True)
    proposal_id: str = Field(foreign_key="plan_proposal.id")
    scenario: str
    quarter: str
    batch: int
    lines: list[str] = Field(sa_type=JSON)
    adopted_on: date
