"""Tables of evaluation (S16): third-party evaluations, outcomes, the local price standard, the result evaluation.

Written by ``commands.evaluation``; third-party evaluations are read by monitoring and acceptance. Scores are
decimal text.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel


class ThirdPartyEvaluation(SQLModel, table=True):
    """One evaluation by a third party, one a phase (HS-35). ``scores`` is dimension → points, ``total`` their mean."""

    __tablename__ = "third_party_evaluation"
    __table_args__ = (UniqueConstraint("project_id", "phase"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    phase: str
    organisation_id: str = Field(foreign_key="organisation.id")
    scores: dict[str, str] = Field(sa_type=JSON)
    total: str
    policy_digest: str
    evaluated_on: date
    document_id: str
    report_document_id: str | None = None


class Outcome(SQLModel, table=True):
    """One measured outcome; a corrected one is the next ``revision``. Figures are decimal text, as given.

    ``change_percent`` is text like ``-58.3``, whole when ``approximate``; ``counts`` holds parts that add up to
    ``count_total`` (HS-50).
    """

    __tablename__ = "outcome"
    __table_args__ = (UniqueConstraint("project_id", "name", "revision"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    name: str
    revision: int
    ordinal: int
    unit: str
    before: str | None = None
    after: str | None = None
    approximate_before: bool
    approximate_after: bool
    change_percent: str | None = None
    approximate: bool
    counts: dict[str, int] = Field(sa_type=JSON)
    count_total: int | None = None
    note: str
    recorded_on: date


class PriceStandard(SQLModel, table=True):
    """One version of a region's local price standard, drawn from an audited project (HS-52). Prices in fen."""

    __tablename__ = "price_standard"
    __table_args__ = (UniqueConstraint("region", "version"),)

    id: str = Field(primary_key=True)
    region: str
    version: int
    project_id: str = Field(foreign_key="project.id", index=True)
    items: list[dict[str, Any]] = Field(sa_type=JSON)
    set_on: date


class ResultEvaluation(SQLModel, table=True):
    """The result evaluation of a project (ZY-29): effect code → wording, and recommendations for later ones (ZY-30)."""

    __tablename__ = "result_evaluation"
    __table_args__ = (UniqueConstraint("project_id"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    effects: dict[str, str] = Field(sa_type=JSON)
    recommendations: list[str] = Field(sa_type=JSON)
    evaluated_on: date
    policy_digest: str
    document_id: str


class PerformancePlan(SQLModel, table=True):
    """What a project is to reach and how that will be judged (BJ-38, AH-28, AH-29); a later one is the next revision.

    ``goals`` is goal code → {name, unit, target, precise}; ``late`` when a contractor had been chosen before.
    """

    __tablename__ = "performance_plan"
    __table_args__ = (UniqueConstraint("project_id", "revision"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    revision: int
    goals: dict[str, dict[str, Any]] = Field(sa_type=JSON)
    means: str
    method: str
    path: str
    late: bool
    set_on: date


class GoalResult(SQLModel, table=True):
    """What was reached of a plan's goals at one time: goal code → figure as decimal text; ``phase`` is run or end."""

    __tablename__ = "goal_result"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    plan_id: str = Field(foreign_key="performance_plan.id")
    ordinal: int
    phase: str
    reached: dict[str, str] = Field(sa_type=JSON)
    recorded_on: date


class EvaluationStandard(SQLModel, table=True):
    """One version of a region's evaluation standard (HS-53, BJ-39): item code → {name, weight as text}."""

    __tablename__ = "evaluation_standard"
    __table_args__ = (UniqueConstraint("region", "version"),)

    id: str = Field(primary_key=True)
    region: str
    version: int
    project_id: str | None = Field(default=None, foreign_key="project.id")
    items: dict[str, dict[str, str]] = Field(sa_type=JSON)
    set_on: date
    policy_digest: str
