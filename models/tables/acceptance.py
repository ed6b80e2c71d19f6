"""Tables of acceptance (S15): self-checks, conclusions of the comprehensive acceptance, problems to be mended.

Written by ``commands.acceptance``; the newest conclusion's grade decides the last payment. Scores are decimal text.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel


class SelfCheck(SQLModel, table=True):
    """One self-check of the contractor (ZY-95, ZY-96); after a refused acceptance the next ``round`` follows.

    ``indicators`` rows are {name, target, actual, score, evidence, deviation, ratio}; ``instruments`` is code → which
    version, ``attached`` code → document; ``days_late`` counts from its clock, 0 when in time.
    """

    __tablename__ = "self_check"
    __table_args__ = (UniqueConstraint("project_id", "round"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    round: int
    indicators: list[dict[str, Any]] = Field(sa_type=JSON)
    instruments: dict[str, str] = Field(sa_type=JSON)
    attached: dict[str, str] = Field(sa_type=JSON)
    spent_fen: int = Field(sa_type=BigInteger)
    document_id: str
    submitted_on: date
    days_late: int


class AcceptanceConclusion(SQLModel, table=True):
    """One conclusion of the comprehensive acceptance (D22). ``party_scores`` is party → points, ``total`` weighted.

    ``outcome`` is accepted or not_accepted; ``pay_ratio`` the share of the result-linked instalment the grade earns;
    ``served`` and ``target`` are distinct persons; ``needs_change`` (ZY-27) is {survey, indicators, compared, improved,
    worsened}, empty where needs were not assessed again; ``announced_on`` is when the result stood in public.
    """

    __tablename__ = "acceptance_conclusion"
    __table_args__ = (UniqueConstraint("project_id", "round"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    round: int
    self_check_id: str = Field(foreign_key="self_check.id")
    outcome: str
    purchaser_scores: dict[str, str] = Field(sa_type=JSON)
    recipient_scores: dict[str, str] = Field(sa_type=JSON)
    party_scores: dict[str, str] = Field(sa_type=JSON)
    total: str
    grade: str
    pay_ratio: str
    asked: int
    satisfied: int
    served: int
    target: int | None = None
    concluded_on: date
    policy_digest: str
    document_id: str
    needs_change: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    announced_on: date | None = None


class AcceptanceProblem(SQLModel, table=True):
    """A problem a conclusion named, to be mended by an owner until a day (ZY-99); its clock is a work item."""

    __tablename__ = "acceptance_problem"
    __table_args__ = (UniqueConstraint("conclusion_id", "ordinal"),)

    id: str = Field(primary_key=True)
    conclusion_id: str = Field(foreign_key="acceptance_conclusion.id")
    project_id: str = Field(foreign_key="project.id", index=True)
    ordinal: int
    text: str
    owner: str
    due_on: date
    resolved_on: date | None = None
    resolution: str | None = None


class FinalAccountAudit(SQLModel, table=True):
    """An audit of the final accounts that was ordered before acceptance (ZY-100); money in fen once it has reported."""

    __tablename__ = "final_account_audit"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    ordinal: int
    organisation_id: str = Field(foreign_key="organisation.id")
    qualification: str
    reason: str
    ordered_on: date
    reported_on: date | None = None
    verified_fen: int | None = Field(default=None, sa_type=BigInteger)
    document_id: str | None = None
