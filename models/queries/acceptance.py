"""Reads of acceptance (S15): projects whose clocks are not open, the latest conclusion, and the view of its paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, func, select

from models.core.actors import Role
from models.core.registry import query
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, found, project_of
from models.rules import acceptance as rules
from models.rules.delivery import Reach
from models.rules.evaluation import Verdict
from models.tables.acceptance import AcceptanceConclusion, AcceptanceProblem, FinalAccountAudit, SelfCheck
from models.tables.kernel import Event, Project, WorkItem
from models.tables.needs import NeedsAssessment, Person, Selection, Survey

CLOCK_STATES = ("completed", "self_checked", "not_accepted")


class ProblemLine(BaseModel):
    """A problem a conclusion named: whose it is, until when, and whether it is mended."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    owner: str
    due_on: date
    resolved_on: date | None


class NeedsChange(BaseModel):
    """How needs stand after the service, by the indicators of the beginning (ZY-27); persons, each counted once."""

    model_config = ConfigDict(frozen=True)

    survey: str
    indicators: str
    compared: int
    improved: int
    worsened: int


class Conclusion(BaseModel):
    """The latest conclusion of the comprehensive acceptance."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    outcome: str
    concluded_on: date
    self_checked_on: date
    days_late: int
    party_scores: dict[str, Decimal]
    total: Decimal
    grade: str
    grade_name: str
    pay_ratio: Decimal
    asked: int
    satisfied: int
    satisfaction_percent: Decimal | None
    served: int
    target: int | None
    problems: tuple[ProblemLine, ...]
    needs_change: NeedsChange | None
    announced_on: date | None


@query("acceptance.projects_without_clocks", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-95")
def projects_without_clocks(reader: Reader) -> tuple[str, ...]:
    """Return the completed, not yet accepted projects whose acceptance clock is not open or provisional, sorted."""
    opened = (
        select(WorkItem.id)
        .where(col(WorkItem.kind) == rules.COMPREHENSIVE, col(WorkItem.subject_id) == col(Project.id))
        .where(~col(WorkItem.provisional))
        .exists()
    )
    rows = reader.session.exec(
        select(Project.id).where(col(Project.state).in_(CLOCK_STATES), ~opened).order_by(col(Project.id))
    ).all()
    return tuple(rows)


@query("acceptance.conclusion", roles=EVERYONE_INSIDE, clause="ZY-97")
def conclusion(reader: Reader, *, project: str) -> Conclusion | None:
    """Return the latest conclusion of a project, ``None`` when there is none yet."""
    session = reader.session
    row = project_of(session, project)
    latest = latest_conclusion(session, project=project)
    if latest is None:
        return None
    checked = session.get(SelfCheck, latest.self_check_id)
    assert checked is not None
    policy = reader.policies.resolve(region=row.region, on=latest.concluded_on)
    problems = session.exec(
        select(AcceptanceProblem)
        .where(col(AcceptanceProblem.conclusion_id) == latest.id)
        .order_by(col(AcceptanceProblem.ordinal))
    ).all()
    return Conclusion(
        **latest.model_dump(include=_AS_THEY_ARE),
        project=project,
        self_checked_on=checked.submitted_on,
        days_late=checked.days_late,
        party_scores={party: Decimal(score) for party, score in latest.party_scores.items()},
        grade_name=policy.evaluation.grade_names[latest.grade],
        satisfaction_percent=reported_satisfaction(latest),
        problems=tuple(ProblemLine(**one.model_dump(include=set(ProblemLine.model_fields))) for one in problems),
        needs_change=NeedsChange(**latest.needs_change) if latest.needs_change else None,
    )


def reported_satisfaction(concluded: AcceptanceConclusion) -> Decimal | None:
    """Return the satisfaction rate a conclusion rests on in percent, ``None`` for one that overturned another."""
    if not concluded.asked:
        return None
    return rules.satisfaction_percent(asked=concluded.asked, satisfied=concluded.satisfied)


_AS_THEY_ARE = {
    "id",
    "outcome",
    "concluded_on",
    "total",
    "grade",
    "pay_ratio",
    "asked",
    "satisfied",
    "served",
    "target",
    "announced_on",
}


def latest_conclusion(session: Session, *, project: str) -> AcceptanceConclusion | None:
    """Return the newest conclusion of a project."""
    return session.exec(
        select(AcceptanceConclusion)
        .where(col(AcceptanceConclusion.project_id) == project)
        .order_by(col(AcceptanceConclusion.round).desc())
    ).first()


def unannounced(session: Session, *, before: AcceptanceConclusion) -> list[AcceptanceConclusion]:
    """Return the conclusions before one whose result does not stand in public, the oldest first."""
    return list(
        session.exec(
            select(AcceptanceConclusion)
            .where(
                col(AcceptanceConclusion.project_id) == before.project_id,
                col(AcceptanceConclusion.round) < before.round,
                col(AcceptanceConclusion.announced_on).is_(None),
            )
            .order_by(col(AcceptanceConclusion.round))
        ).all()
    )


def grade_of(session: Session, *, project: str) -> str | None:
    """Return the grade of the newest conclusion, ``None`` when there is none."""
    latest = latest_conclusion(session, project=project)
    return latest.grade if latest else None


def latest_self_check(session: Session, *, project: str) -> SelfCheck | None:
    """Return the newest self-check of a project."""
    return session.exec(
        select(SelfCheck).where(col(SelfCheck.project_id) == project).order_by(col(SelfCheck.round).desc())
    ).first()


def satisfaction_of_year(session: Session, *, region: str, year: int) -> tuple[int, int] | None:
    """Return (asked, satisfied) over all conclusions of a year in a region, ``None`` where nobody was asked."""
    asked, satisfied = session.exec(
        select(func.sum(AcceptanceConclusion.asked), func.sum(AcceptanceConclusion.satisfied))
        .join(Project, col(Project.id) == col(AcceptanceConclusion.project_id))
        .where(col(Project.region) == region)
        .where(col(AcceptanceConclusion.concluded_on).between(date(year, 1, 1), date(year, 12, 31)))
    ).one()
    return (int(asked), int(satisfied)) if asked else None


def open_audit(session: Session, *, project: str) -> FinalAccountAudit | None:
    """Return the audit of the final accounts that was ordered and has not reported (ZY-100)."""
    return session.exec(
        select(FinalAccountAudit).where(
            col(FinalAccountAudit.project_id) == project, col(FinalAccountAudit.reported_on).is_(None)
        )
    ).first()


def baseline_indicators(session: Session, row: Project) -> frozenset[str]:
    """Return the versions of the needs indicators in the surveys a project rests on."""
    surveys = session.exec(select(Survey).where(col(Survey.id).in_(row.details.get("needs", ())))).all()
    return frozenset(one.indicator_version for one in surveys)


def needs_change(session: Session, row: Project, *, survey: str | None) -> NeedsChange | None:
    """Compare the needs of people assessed in a project's own surveys and again in ``survey``; ``None`` without one.

    Of a project with selected recipients only those count. Raises ``Refusal`` ``kernel.not_found``.
    """
    if survey is None:
        return None
    after = found(session.get(Survey, survey), kind="survey", id=survey)
    statement = (
        select(Person.id, Person.max_level, NeedsAssessment.max_level)
        .join(NeedsAssessment, col(NeedsAssessment.person_id) == col(Person.id))
        .where(
            col(Person.survey_id) == survey,
            col(NeedsAssessment.survey_id).in_(row.details.get("needs", ())),
            col(NeedsAssessment.survey_id) != survey,
        )
        .order_by(col(NeedsAssessment.superseded_on))
    )
    chosen = select(Selection.person_id).where(col(Selection.project_id) == row.id)
    if session.exec(chosen.limit(1)).first() is not None:
        statement = statement.where(col(Person.id).in_(chosen))
    levels = {person: (now, before) for person, now, before in session.exec(statement).all()}
    return NeedsChange(
        survey=survey,
        indicators=after.indicator_version,
        compared=len(levels),
        improved=sum(now < before for now, before in levels.values()),
        worsened=sum(now > before for now, before in levels.values()),
    )


def completed_on(session: Session, *, project: str) -> date | None:
    """Return the day a project was completed, ``None`` when it is not."""
    return session.exec(
        select(col(Event.occurred_at))
        .where(col(Event.stream_kind) == "project", col(Event.stream_id) == project)
        .where(col(Event.type) == "project.completed")
        .order_by(col(Event.seq).desc())
    ).first()


def clock_began(session: Session, *, project: str) -> date | None:
    """Return the day from which the clocks run: the last refused acceptance, else completion; ``None`` before that."""
    latest = latest_conclusion(session, project=project)
    if latest is not None and latest.outcome == rules.Outcome.NOT_ACCEPTED:
        return latest.concluded_on
    return completed_on(session, project=project)


class Problem(BaseModel):
    """A problem to be mended: what, whose, until when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, Field(min_length=2, max_length=500, description="问题")]
    owner: Annotated[Role, Field(description="责任方")] = Role.CONTRACTOR
    due_on: Annotated[date, Field(description="整改期限")]


@dataclass(frozen=True)
class Judged:
    """What a conclusion says: the self-check it rests on, scores, verdict, satisfaction, reach, problems."""

    outcome: rules.Outcome
    self_check_id: str
    self_checked_on: date
    indicators: Sequence[Mapping[str, Any]]
    purchaser_scores: Mapping[str, Decimal]
    recipient_scores: Mapping[str, Decimal]
    party_scores: Mapping[str, Decimal]
    verdict: Verdict
    asked: int
    satisfied: int
    reach: Reach
    opinion: str
    problems: Sequence[Problem]
    needs_change: NeedsChange | None = None
    warnings: Sequence[str] = ()
