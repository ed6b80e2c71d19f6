"""Reads of the midterm evaluation (S14): who owes one, what was assessed and decided, who would be nobody's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.money import Money
from models.core.periods import Period
from models.core.registry import query
from models.queries.application import newest_application
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.rules import midterm as rules
from models.tables.contract import Contract
from models.tables.delivery import CasePlan, DeliveryReferral, ServiceRecord
from models.tables.kernel import Event, Project
from models.tables.midterm import MidtermAssessment, MidtermDecision

STARTED = "project.started"


class MidtermStatus(BaseModel):
    """What a project owes and what was done: the window (both days inside) is unset for one that owes nothing.

    ``effective`` is the disposition that was decided, ``None`` while nothing was.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    state: str
    owed: bool
    window_from: date | None
    window_to: date | None
    recommended: str | None
    timing: str | None
    effective: str | None
    loss: Money | None
    released: Money
    handed_over: Money
    recipients: int
    unowned: int


@query("midterm.status", roles=EVERYONE_INSIDE, clause="ZY-101")
def status(reader: Reader, *, project: str) -> MidtermStatus:
    """Return the midterm evaluation of a project: its window, what was found, what was decided."""
    session = reader.session
    row = project_of(session, project)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    started = started_on(session, project)
    window = rules.window_of(term=term_of(session, project), started_on=started, policy=policy) if started else None
    assessed = newest_assessment(session, project)
    decided = decision_on(session, assessed.id) if assessed else None
    return MidtermStatus(
        project=project,
        state=f"project.{row.state}",
        owed=window is not None,
        window_from=window.start if window else None,
        window_to=window.last_day if window else None,
        recommended=assessed.recommendation if assessed else None,
        timing=assessed.timing if assessed else None,
        effective=decided.disposition if decided else None,
        loss=Money(assessed.loss_fen) if assessed and assessed.loss_fen is not None else None,
        released=Money(decided.released_fen if decided else 0),
        handed_over=Money(decided.handed_fen if decided else 0),
        recipients=decided.recipients if decided else 0,
        unowned=len(unowned(session, project)),
    )


def started_on(session: Session, project: str) -> date | None:
    """Return the day on which a project was started, ``None`` before."""
    statement = select(col(Event.occurred_at)).where(
        col(Event.stream_kind) == "project", col(Event.stream_id) == project, col(Event.type) == STARTED
    )
    return session.exec(statement.order_by(col(Event.seq))).first()


def deferred_since(session: Session, project: Project) -> date | None:
    """Return since when a project is deferred, ``None`` when it is not."""
    if project.state != "deferred":
        return None
    statement = select(col(Event.occurred_at)).where(
        col(Event.stream_kind) == "project", col(Event.stream_id) == project.id, col(Event.type) == "project.deferred"
    )
    return session.exec(statement.order_by(col(Event.seq).desc())).first()


def term_of(session: Session, project: str) -> Period | None:
    """Return the longest period that the application or the contracts give a project, ``None`` when none does.

    The application names its last day, a contract the first day after it.
    """
    terms = [Period(row.starts_on, row.ends_on) for row in _contracts(session, project)]
    spans = [Period(min(one.start for one in terms), max(one.end or one.start for one in terms))] if terms else []
    application = newest_application(session, project)
    if application is not None and application.starts_on and application.ends_on:
        spans.append(Period.through(application.starts_on, application.ends_on))
    return max(spans, key=lambda span: span.days, default=None)


def _contracts(session: Session, project: str) -> Iterable[Contract]:
    return session.exec(select(Contract).where(col(Contract.project_id) == project)).all()


def newest_assessment(session: Session, project: str) -> MidtermAssessment | None:
    """Return the newest assessment of a project, ``None`` before there is one."""
    statement = select(MidtermAssessment).where(col(MidtermAssessment.project_id) == project)
    return session.exec(statement.order_by(col(MidtermAssessment.ordinal).desc())).first()


def decision_on(session: Session, assessment: str) -> MidtermDecision | None:
    """Return the re-decision on an assessment, ``None`` while it is open."""
    return session.exec(select(MidtermDecision).where(col(MidtermDecision.assessment_id) == assessment)).one_or_none()


def owing(session: Session, *, started_by: date) -> list[tuple[Project, date]]:
    """Return the live projects started by a day that nobody assessed yet, each with the day it was started."""
    assessed = select(MidtermAssessment.id).where(col(MidtermAssessment.project_id) == col(Project.id)).exists()
    rows = session.exec(
        select(Project, col(Event.occurred_at))
        .join(Event, (col(Event.stream_id) == col(Project.id)) & (col(Event.stream_kind) == "project"))
        .where(
            col(Project.state).in_(("in_progress", "deferred")),
            col(Event.type) == STARTED,
            col(Event.occurred_at) <= started_by,
            ~assessed,
        )
        .order_by(col(Project.id))
    ).all()
    return [(project, started) for project, started in rows]


def unowned(session: Session, project: str) -> frozenset[str]:
    """Return the people a project serves or planned to serve that were not referred to anybody by name."""
    served = session.exec(
        select(ServiceRecord.person_id).where(col(ServiceRecord.project_id) == project).distinct()
    ).all()
    planned = session.exec(select(CasePlan.person_id).where(col(CasePlan.project_id) == project).distinct()).all()
    referred: set[str] = set()
    rows = session.exec(select(DeliveryReferral).where(col(DeliveryReferral.project_id) == project)).all()
    for row in rows:
        referred.update(row.person_ids)
    return frozenset({*served, *planned} - referred)


def demanded(session: Session, *, line: str, contract: str) -> Money | None:
    """Return what re-decisions demand back of a contract under a plan line, ``None`` when they demand nothing."""
    project = session.exec(select(Contract.project_id).where(col(Contract.id) == contract)).one_or_none()
    rows: list[dict[str, Any]] = [
        one
        for decided in session.exec(select(MidtermDecision).where(col(MidtermDecision.project_id) == project)).all()
        for one in decided.demanded
        if one["plan_line"] == line and one["contract"] == contract
    ]
    return Money(sum(one["amount_fen"] for one in rows)) if rows else None
