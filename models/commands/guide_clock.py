"""The office's own clocks (ZY-16): each step of the pinned guide has a limit, and an overrun is the office's.

``sweep_clocks`` is run by the daily sweep. It opens and closes the work items of the steps behind the application (the
steps of the application itself run from its submission) and enters every overrun in the ledger of breaches, with an
event on the region's chain of breaches, never on the applicant's project.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from pydantic import Field
from sqlmodel import Session, col, func, or_, select

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
from models.tables.application import Application
from models.tables.guide import ApplicationGuide, OfficeBreach
from models.tables.kernel import Event, Project, WorkItem
from models.tables.publicity import PublicityNotice

STREAM: Final = "office_breach"
_PREFIX: Final = "guide.step."
_PASSED: Final = "passed"


@dataclass(frozen=True)
class SweptClocks:
    """How many step clocks were opened and closed, and how many overruns were entered."""

    opened: int
    closed: int
    breaches: int


@dataclass(frozen=True)
class BreachesIssued:
    """The ledger as filed, and how many overruns it holds."""

    document: str
    rows: int


@dataclass(frozen=True)
class _Clock:
    """A step that runs while a project stands in ``states``, from the last of ``starts`` to the last of ``ends``;
    without ``starts`` from the day the notice closed."""

    step: str
    states: tuple[str, ...]
    starts: tuple[str, ...]
    ends: tuple[str, ...]


_CLOCKS: Final = {
    clock.step: clock
    for clock in (
        _Clock("review", ("candidate", "under_review"), ("project.appraised",), ("project.reviewed",)),
        _Clock("decision", ("on_publicity",), (), ("project.decided", "project.rejected", "project.objected")),
        _Clock("approval", ("decided",), ("project.decided",), ("project.approved",)),
    )
}


@command("guide.sweep_clocks", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-16")
def sweep_clocks(ctx: Context) -> SweptClocks:
    """Open and close the clocks of review, decision and approval, and enter what the office overran."""
    with ctx.writing() as session:
        running = {(one.step, one.application): one for one in _running(session)}
        opened = sum(_open(session, ctx, one) for one in running.values())
        closed = 0
        for item in session.exec(
            select(WorkItem).where(col(WorkItem.kind).startswith(_PREFIX), col(WorkItem.status) == "open")
        ).all():
            clock = _CLOCKS[item.kind.removeprefix(_PREFIX)]
            if (clock.step, item.subject_id) not in running and item.project_id:
                # the day the office acted, not the day of this sweep
                item.status, item.closed_on = "done", _last(session, item.project_id, clock.ends) or ctx.as_of
                session.add(item)
                closed += 1
        session.flush()
        return SweptClocks(opened=opened, closed=closed, breaches=_enter_breaches(session, ctx))


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


@dataclass(frozen=True)
class _Running:
    step: str
    application: str
    project: str
    region: str
    since: date
    limit: int


def _running(session: Session) -> Iterable[_Running]:
    """Yield every step that runs now on a case pinned to a guide."""
    states = {state: clock for clock in _CLOCKS.values() for state in clock.states}
    rows = session.exec(
        select(Project, Application, ApplicationGuide)
        .join(Application, col(Application.project_id) == col(Project.id))
        .join(ApplicationGuide, col(ApplicationGuide.id) == col(Application.guide_id))
        .where(col(Project.state).in_(list(states)))
        .order_by(col(Project.id), col(Application.revision))
    ).all()
    for project, application, guide in {row[0].id: row for row in rows}.values():
        clock = states[project.state]
        since = _last(session, project.id, clock.starts) if clock.starts else _shown(session, project.id)
        limit = guide.content["time_limits"].get(clock.step)
        if since is not None and limit is not None:
            yield _Running(clock.step, application.id, project.id, project.region, since, limit)


def _last(session: Session, project: str, types: tuple[str, ...]) -> date | None:
    return session.exec(
        select(func.max(Event.occurred_at)).where(
            col(Event.stream_kind) == events.PROJECT_STREAM,
            col(Event.stream_id) == project,
            col(Event.type).in_(types),
        )
    ).one()


def _shown(session: Session, project: str) -> date | None:
    """Return the day a project's notice closed without an upheld objection: the decision is due from then."""
    notice = session.exec(
        select(PublicityNotice)
        .where(col(PublicityNotice.project_id) == project)
        .order_by(col(PublicityNotice.ordinal).desc())
        .limit(1)
    ).one_or_none()
    return notice.closed_on if notice is not None and notice.result == _PASSED else None


def _open(session: Session, ctx: Context, one: _Running) -> bool:
    kind = f"{_PREFIX}{one.step}"
    known = select(WorkItem.id).where(col(WorkItem.kind) == kind, col(WorkItem.subject_id) == one.application)
    if session.exec(known).first() is not None:
        return False
    due = ctx.services.calendar.add_working_days(one.since, days=one.limit)
    for step, resolver in (
        ("review", "review.close_round"),
        ("decision", "decision.decide"),
        ("approval", "decision.approve"),
    ):
        if step == one.step:
            work.open_item(
                session,
                ctx,
                kind=kind,
                role=Role.EVALUATION_OFFICE,
                subject_kind="application",
                subject_id=one.application,
                project_id=one.project,
                due_on=due.date,
                provisional=due.provisional,
                clause=binding(policy=ctx.policy(region=one.region), rules=("ZY-16", "SYS-STEP-LIMIT")) or "",
                resolves_with=resolver,
            )
    return True


def _enter_breaches(session: Session, ctx: Context) -> int:
    """Enter every limit that was overrun and is not in the ledger yet, one row and one event each: limits the source
    sets (ZY-16), and those of a published guide."""
    pinned = select(Application.id).where(col(Application.guide_id).is_not(None))
    late = session.exec(
        select(WorkItem)
        .where(or_(col(WorkItem.clause) == "ZY-16", col(WorkItem.subject_id).in_(pinned)))
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
        _enter(session, ctx, item)
    return len(late)


def _enter(session: Session, ctx: Context, item: WorkItem) -> None:
    project = session.get(Project, item.project_id) if item.project_id else None
    application = session.get(Application, item.subject_id)
    region = project.region if project else ctx.services.region
    step = item.kind.rpartition(".")[2]
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
        },
    )
    session.add(
        OfficeBreach(
            work_item_id=item.id,
            region=region,
            step=step,
            project_id=item.project_id,
            guide_id=application.guide_id if application else None,
            role=item.role,
            due_on=item.due_on,
            raised_on=ctx.as_of,
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
                "raised_on": row.raised_on.isoformat(),
            }
            for number, row in enumerate(rows, start=1)
        ],
    }
