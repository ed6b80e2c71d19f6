"""The office's own clocks (ZY-16): each step of the pinned guide has a limit, and an overrun is the office's.

``sweep_clocks`` is run by the daily sweep. Every entry of a step behind the application is a clock of its own, keyed by
the event that started it and read off the project's events (the steps of the application itself run from its
submission). Every overrun is entered in the ledger of breaches, also when step and overrun ended between two sweeps,
with an event on the region's chain of breaches, never on the applicant's project.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from models.commands import documents, events, work
from models.context import Context
from models.core.actors import HANDLERS, ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.messages import catalogue, sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.guide import Breach, overruns
from models.rules.bodies import body_name
from models.rules.force import binding
from models.rules.guide_clock import EVENTS, LAST_STARTS, Happened, Run, runs
from models.tables.application import Application
from models.tables.guide import ApplicationGuide, OfficeBreach
from models.tables.kernel import Event, Project, WorkItem

STREAM: Final = "office_breach"
_PREFIX: Final = "guide.step."
_CLOCK: Final = "guide_clock"
"""The kind of a clock's subject: the event that started it."""
_PINNING: Final = ("project.submitted", "project.application_superseded")
_UNDECIDED: Final = (
    "submitted",
    "returned",
    "candidate",
    "under_review",
    "reviewed",
    "on_publicity",
    "objection",
    "decided",
    "withdrawn",
)
_RESOLVERS: Final = {
    "appraisal": "feasibility.appraise",
    "county_opinion": "feasibility.give_opinion",
    "review": "review.close_round",
    "decision": "decision.decide",
    "approval": "decision.approve",
}


@dataclass(frozen=True)
class SweptClocks:
    """How many step clocks were opened and closed since the last sweep, and how many overruns were entered."""

    opened: int
    closed: int
    breaches: int


@dataclass(frozen=True)
class BreachesIssued:
    """The ledger as filed, and how many overruns it holds."""

    document: str
    rows: int


@dataclass(frozen=True)
class _Timed:
    """A run of a project's step, and the limit (working days) the guide of that time set."""

    run: Run
    project: Project
    guide: str
    limit: int


@command("guide.sweep_clocks", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-16")
def sweep_clocks(ctx: Context) -> SweptClocks:
    """Bring the clocks of every step up to what happened, and enter what the office overran."""
    with ctx.writing() as session:
        known = {
            (item.kind, item.subject_id): item
            for item in session.exec(
                select(WorkItem).where(
                    col(WorkItem.subject_kind) == _CLOCK,
                    col(WorkItem.project_id).in_(select(Project.id).where(*_may_have_moved())),
                )
            ).all()
        }
        timed = tuple(_timed(session, ctx))
        opened = closed = 0
        for one in timed:
            item = known.get((_PREFIX + one.run.step, one.run.event))
            if item is None:
                item = _opened(session, ctx, one)
                opened += 1
            closed += _brought_up(session, ctx, item, one)
        session.flush()
        guides = {one.run.event: one.guide for one in timed}
        return SweptClocks(opened=opened, closed=closed, breaches=_enter_breaches(session, ctx, guides))


@command("guide.issue_breaches", roles=HANDLERS, clause="ZY-16")
def issue_breaches(
    ctx: Context, *, since: Annotated[date | None, Field(description="只列这一天及以后记入的")] = None
) -> BreachesIssued:
    """Print the ledger of the office's overruns as xlsx. Raises ``Refusal`` ``guide.no_breaches`` (SYS-EMPTY)."""
    policy = ctx.policy(region=ctx.services.region)
    with ctx.reading() as session:
        rows = overruns(session, calendar=ctx.services.calendar, on=ctx.as_of, since=since)
    if not rows:
        raise Refusal("guide.no_breaches", rule="SYS-EMPTY")
    view = _ledger(ctx, rows, policy)
    paper = documents.render(ctx, kind="office_breaches_xlsx", view=view)
    with ctx.writing() as session:
        filed = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=None,
            stage="application",
            title=view["title"],
            issuer=view["issuer"],
        )
        return BreachesIssued(document=filed.id, rows=len(rows))


def _timed(session: Session, ctx: Context) -> Iterator[_Timed]:
    """Yield every run of the projects that may have moved since the last sweep, with the limit its guide set."""
    told = session.exec(
        select(Project, Event)
        .join(Event, col(Event.stream_id) == col(Project.id))
        .where(col(Event.stream_kind) == events.PROJECT_STREAM, col(Event.type).in_([*EVENTS, *_PINNING]))
        .where(*_may_have_moved())
        .order_by(col(Project.id), col(Event.seq))
    ).all()
    for _, rows in groupby(told, key=lambda row: row[0].id):
        project, happened = _unzipped(rows)
        pinned: dict[str, str | None] = {}
        guide: str | None = None
        for event in happened:
            guide = event.payload.get("guide_id") if event.type in _PINNING else guide
            pinned[event.event_id] = guide
        first = ctx.policy(region=project.region, on=project.entered_on).feasibility.before_review
        facts = tuple(Happened(one.event_id, one.type, one.occurred_at) for one in happened)
        for run in runs(events=facts, panel_first=not first):
            under = pinned[run.event]
            limit = session.get_one(ApplicationGuide, under).content["time_limits"].get(run.step) if under else None
            if under is not None and limit is not None:
                yield _Timed(run, project, under, limit)


def _unzipped(rows: Iterator[Any]) -> tuple[Project, list[Event]]:
    pairs = list(rows)
    return pairs[0][0], [event for _, event in pairs]


def _may_have_moved() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on projects under a guide that are not settled: still under way, or with a start of the
    last steps of which no clock has run its course.
    """
    settled = select(WorkItem.subject_id).where(col(WorkItem.subject_kind) == _CLOCK, col(WorkItem.status) == "done")
    started = select(Event.stream_id).where(
        col(Event.stream_kind) == events.PROJECT_STREAM,
        col(Event.type).in_(LAST_STARTS),
        col(Event.event_id).not_in(settled),
    )
    return (
        col(Project.id).in_(select(Application.project_id).where(col(Application.guide_id).is_not(None))),
        or_(col(Project.state).in_(_UNDECIDED), col(Project.id).in_(started)),
    )


def _opened(session: Session, ctx: Context, one: _Timed) -> WorkItem:
    step = one.run.step
    due = ctx.services.calendar.add_working_days(one.run.started_on, days=one.limit)
    policy = ctx.policy(region=one.project.region)
    item = work.open_item(
        session,
        ctx,
        kind=_PREFIX + step,
        role=Role.COUNTY_GOVERNMENT if step == "county_opinion" else Role.EVALUATION_OFFICE,
        subject_kind=_CLOCK,
        subject_id=one.run.event,
        project_id=one.project.id,
        due_on=due.date,
        provisional=due.provisional,
        clause=binding(policy=policy, rules=("ZY-16", "SYS-STEP-LIMIT")) or "",
        resolves_with=_RESOLVERS[step],
    )
    item.opened_on, item.moved_on = one.run.started_on, ctx.as_of  # runs from what happened, known since this sweep
    return item


def _brought_up(session: Session, ctx: Context, item: WorkItem, one: _Timed) -> bool:
    """Give an open clock its due date as the calendar stands now, stop it when its run has ended; say if it stopped."""
    if item.status != "open":
        return False
    due = ctx.services.calendar.add_working_days(one.run.started_on, days=one.limit)
    item.due_on, item.provisional = due.date, due.provisional
    if one.run.ended_on is not None:
        item.status, item.closed_on = "done", one.run.ended_on
    session.add(item)
    return item.status != "open"


def _enter_breaches(session: Session, ctx: Context, guides: dict[str, str]) -> int:
    """Enter every limit that was overrun and is not in the ledger yet, one row and one event each: limits the source
    sets (ZY-16), and those of a published guide. ``guides`` is clock → its guide."""
    pinned = select(Application.id).where(col(Application.guide_id).is_not(None))
    late = session.exec(
        select(WorkItem)
        .where(
            or_(
                col(WorkItem.clause) == "ZY-16",
                col(WorkItem.subject_kind) == _CLOCK,
                col(WorkItem.subject_id).in_(pinned),
            )
        )
        .where(
            or_(
                (col(WorkItem.status) == "open") & (col(WorkItem.due_on) < ctx.as_of),
                col(WorkItem.closed_on) > col(WorkItem.due_on),
            )
        )
        .where(col(WorkItem.id).not_in(select(OfficeBreach.work_item_id)))
        .order_by(col(WorkItem.due_on), col(WorkItem.id))
    ).all()
    for item in late:
        _enter(session, ctx, item, guide=guides.get(item.subject_id))
    return len(late)


def _enter(session: Session, ctx: Context, item: WorkItem, *, guide: str | None) -> None:
    project = session.get(Project, item.project_id) if item.project_id else None
    application = session.get(Application, item.subject_id)
    region = project.region if project else ctx.services.region
    step = item.kind.rpartition(".")[2]
    late = ctx.as_of > item.due_on + timedelta(days=1)  # it could have been entered the day after
    event = events.append(
        session,
        ctx,
        stream_kind=STREAM,
        stream_id=region,
        type="guide.limit_overrun",
        payload={
            "work_item_id": item.id,
            "step": step,
            "project_id": item.project_id,
            "role": item.role,
            "due_on": item.due_on.isoformat(),
            "closed_on": item.closed_on.isoformat() if item.closed_on else None,
            "rule": item.clause,
            "late": late,
        },
    )
    session.add(
        OfficeBreach(
            work_item_id=item.id,
            region=region,
            step=step,
            project_id=item.project_id,
            guide_id=application.guide_id if application else guide,
            role=item.role,
            due_on=item.due_on,
            raised_on=ctx.as_of,
            late=late,
            event_id=event.event_id,
        )
    )


def _ledger(ctx: Context, rows: tuple[Breach, ...], policy: Policy) -> dict[str, Any]:
    return {
        "title": sentence("guide.breaches_title", {"region": policy.region_name}),
        "issuer": body_name(policy=policy, role=ctx.actor.role),
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [],
        "rows": [
            {
                "seq": str(number),
                "step": sentence(f"guide.step.{row.step}") if f"guide.step.{row.step}" in catalogue() else row.step,
                "project": row.project or "",
                "role": ROLE_NAMES[Role(row.role)],
                "due_on": row.due_on.isoformat(),
                "closed_on": row.closed_on.isoformat() if row.closed_on else sentence("guide.still_open"),
                "days": str(row.working_days_late),
                "raised_on": sentence("guide.raised_late", {"day": row.raised_on.isoformat()})
                if row.late
                else row.raised_on.isoformat(),
            }
            for number, row in enumerate(rows, start=1)
        ],
    }
