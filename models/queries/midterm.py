"""Reads of the midterm evaluation (S14): who owes one, what was assessed and decided, who would be nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from pydantic import BaseModel, ConfigDict
from sqlalchemy import true
from sqlmodel import Session, col, select

from models.core.money import Money
from models.core.periods import Period
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.application import newest_application
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.queries.succession import not_referred
from models.rules import midterm as rules
from models.rules.succession import SERVING
from models.tables.contract import Contract
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
        unowned=len(not_referred(session, project, reader.as_of)),
    )


def started_on(session: Session, project: str) -> date | None:
    """Return the day on which a project was started, ``None`` before."""
    statement = select(col(Event.occurred_at)).where(
        col(Event.stream_kind) == "project", col(Event.stream_id) == project, col(Event.type) == STARTED
    )
    return session.exec(statement.order_by(col(Event.seq))).first()


def deferrals(session: Session, *, project: str = "") -> dict[str, tuple[Period, ...]]:
    """Return on which days projects were or are deferred, by project; of all projects when none is named.

    A deferral begins on the day it is decided and ends with the next re-decision; one lifted on its first day is none.
    """
    statement = (
        select(col(MidtermDecision.project_id), col(MidtermDecision.disposition), col(MidtermDecision.decided_on))
        .join(MidtermAssessment, col(MidtermAssessment.id) == col(MidtermDecision.assessment_id))
        .where(col(MidtermDecision.project_id) == project if project else true())
        .order_by(col(MidtermDecision.project_id), col(MidtermAssessment.ordinal))
    )
    found: dict[str, tuple[Period, ...]] = {}
    for of, disposition, on in session.exec(statement).all():
        before = found.get(of, ())
        if disposition == rules.Disposition.DEFER:
            found[of] = (*before, Period(on))
        elif before and before[-1].end is None:
            ended = (Period(before[-1].start, on),) if before[-1].start < on else ()
            found[of] = before[:-1] + ended
    return found


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


def owed_window(session: Session, project: str, policy: Policy) -> Period | None:
    """Return the days in which a project owes an evaluation it has not had, ``None`` when it owes none.

    One that was held before the window does not count as the one owed.
    """
    started, last = started_on(session, project), newest_assessment(session, project)
    if started is None:
        return None
    window = rules.window_of(term=term_of(session, project), started_on=started, policy=policy)
    held = window is not None and last is not None and last.assessed_on >= window.start
    return None if held else window


def begun(session: Session, *, by: date) -> Sequence[Project]:
    """Return the live projects started by a day, by id."""
    started = select(Event.event_id).where(
        col(Event.stream_kind) == "project",
        col(Event.stream_id) == col(Project.id),
        col(Event.type) == STARTED,
        col(Event.occurred_at) <= by,
    )
    live = select(Project).where(col(Project.state).in_(SERVING), started.exists())
    return session.exec(live.order_by(col(Project.id))).all()
