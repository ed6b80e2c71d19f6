"""Reads of feasibility (S04): what is on file of a project's preparation; the newest row of each act counts."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.money import Money
from models.core.registry import query
from models.queries.application import newest_application, substance
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.tables.feasibility import (
    Appraisal,
    Benchmark,
    ContentReview,
    CostEstimate,
    CountyOpinion,
    FeasibilityReport,
    Formality,
    FormalitySet,
    Requirement,
)
from models.tables.kernel import Project

Act = TypeVar(
    "Act",
    Benchmark,
    Requirement,
    ContentReview,
    CostEstimate,
    Appraisal,
    FeasibilityReport,
    CountyOpinion,
    Formality,
    FormalitySet,
)


class FeasibilityRecord(BaseModel):
    """The newest of each act, ``None`` where there is none. ``findings`` is code → {positive, reason}."""

    model_config = ConfigDict(frozen=True)

    benchmark_places: tuple[str, ...] | None = None
    benchmark_notes: str | None = None
    requirement: dict[str, str] | None = None
    guided_by: tuple[str, ...] | None = None
    guidance: str | None = None
    content: tuple[dict[str, Any], ...] | None = None
    content_warnings: tuple[str, ...] | None = None
    cost_inputs: dict[str, Money] | None = None
    cost_comparators: tuple[dict[str, Any], ...] | None = None
    cost_consulted: tuple[str, ...] | None = None
    cost_total: Money | None = None
    findings: dict[str, Any] | None = None
    assessments: dict[str, str] | None = None
    balance: tuple[dict[str, Any], ...] | None = None
    risks: tuple[dict[str, Any], ...] | None = None
    major: bool | None = None
    outcome: str | None = None
    grounds: tuple[str, ...] | None = None
    appraised_on: date | None = None


def newest(session: Session, act: type[Act], project_id: str) -> Act | None:
    """Return the project's newest row of one act, ``None`` when there is none."""
    return session.exec(
        select(act).where(col(act.project_id) == project_id).order_by(col(act.ordinal).desc()).limit(1)
    ).one_or_none()


def appraisals_in_force(session: Session, project_id: str) -> list[Appraisal]:
    """Return the appraisals of a project that no modification voided, newest first."""
    return list(
        session.exec(
            select(Appraisal)
            .where(col(Appraisal.project_id) == project_id, col(Appraisal.voided_on).is_(None))
            .order_by(col(Appraisal.ordinal).desc())
        ).all()
    )


def standing_appraisal(session: Session, project: Project) -> Appraisal | None:
    """Return the newest appraisal if it stands for the project as it is: its payer, its texts and its budget."""
    last = newest(session, Appraisal, project.id)
    if last is None or last.voided_on is not None or last.payer != project.payer:
        return None
    current = newest_application(session, project.id)
    same = current is not None and substance(session, current.id) == substance(session, last.application_id)
    return last if same else None


@query("feasibility.record", roles=EVERYONE_INSIDE, clause="ZY-62")
def record(reader: Reader, *, project: str) -> FeasibilityRecord:
    """Return what a project's preparation and appraisal have on file."""
    session = reader.session
    project_of(session, project)
    benchmark, requirement = newest(session, Benchmark, project), newest(session, Requirement, project)
    content, cost = newest(session, ContentReview, project), newest(session, CostEstimate, project)
    appraisal = newest(session, Appraisal, project)
    facts: dict[str, Any] = {}
    if benchmark:
        facts |= {"benchmark_places": tuple(benchmark.places), "benchmark_notes": benchmark.notes}
    if requirement:
        facts |= {
            "requirement": requirement.items,
            "guided_by": tuple(requirement.guided_by),
            "guidance": requirement.guidance,
        }
    if content:
        facts |= {"content": tuple(content.items), "content_warnings": tuple(content.warnings)}
    if cost:
        facts |= {
            "cost_inputs": {code: Money(fen) for code, fen in cost.inputs.items()},
            "cost_comparators": tuple(cost.comparators),
            "cost_consulted": tuple(cost.consulted),
            "cost_total": Money(cost.total_fen),
        }
    if appraisal:
        facts |= {
            "findings": appraisal.findings,
            "assessments": appraisal.assessments,
            "balance": tuple(appraisal.balance),
            "risks": tuple(appraisal.risks),
            "major": appraisal.major,
            "outcome": appraisal.outcome,
            "grounds": tuple(appraisal.grounds),
            "appraised_on": appraisal.appraised_on,
        }
    return FeasibilityRecord(**facts)
