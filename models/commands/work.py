"""Work items and their alerts: rows with a due date instead of sleeping flows (architecture, decision 2).

``open_item`` and ``close_item`` are called by commands in their transaction; ``sweep_deadlines`` is the one set-based
command behind the daily sweeps: whatever outage lay between, each item gets one alert a level, late ones marked late,
and one more every so many days while it stays overdue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, insert, literal, select
from sqlalchemy.sql.elements import SQLCoreOperations
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.ids import derive_id
from models.core.registry import command
from models.rules.alerts import OVERDUE, SUPERVISOR
from models.tables.kernel import Alert, WorkItem


def open_item(
    session: Session,
    ctx: Context,
    *,
    kind: str,
    role: Role,
    subject_kind: str,
    subject_id: str,
    due_on: date,
    clause: str,
    resolves_with: str,
    project_id: str | None = None,
    provisional: bool = False,
    note: str | None = None,
) -> WorkItem:
    """Open a work item, or return the one that is already there for this kind and subject; ``note``: what was found."""
    found = _find(session, kind=kind, subject_id=subject_id)
    if found is not None:
        return found
    item = WorkItem(
        id=derive_id("work", kind, subject_id),
        kind=kind,
        role=role,
        subject_kind=subject_kind,
        subject_id=subject_id,
        project_id=project_id,
        opened_on=ctx.as_of,
        due_on=due_on,
        provisional=provisional,
        clause=clause,
        resolves_with=resolves_with,
        status="open",
        note=note,
    )
    session.add(item)
    session.flush()
    return item


def close_item(session: Session, ctx: Context, *, kind: str, subject_id: str) -> None:
    """Close a work item if it is open; an item that never was is no fault (a region may not ask for it)."""
    found = _find(session, kind=kind, subject_id=subject_id)
    if found is not None and found.status == "open":
        found.status, found.closed_on = "done", ctx.as_of
        session.add(found)


def move_item(
    session: Session, ctx: Context, *, kind: str, subject_id: str, due_on: date, provisional: bool = False
) -> None:
    """Give a work item another due date and open it again: what it waited for took up the time (a paused notice).

    Its ladder of alerts begins anew for that date; the levels told for the old one are not told again.
    """
    found = _find(session, kind=kind, subject_id=subject_id)
    if found is None:
        return
    if found.status != "open" or found.due_on != due_on:
        found.moved_on = ctx.as_of
    found.status, found.closed_on, found.due_on, found.provisional = "open", None, due_on, provisional
    session.add(found)


def _find(session: Session, *, kind: str, subject_id: str) -> WorkItem | None:
    return session.exec(
        select_rows(WorkItem).where(col(WorkItem.kind) == kind, col(WorkItem.subject_id) == subject_id)
    ).one_or_none()


@dataclass(frozen=True)
class SweepResult:
    """How many alerts a sweep raised, and how many of them late."""

    alerts: int
    late: int


@command("work.sweep_deadlines", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="SYS-SWEEP")
def sweep_deadlines(ctx: Context, *, kinds: tuple[str, ...] = (), overdue_only: bool = False) -> SweepResult:
    """Raise the alert of every open work item that reached a level of the ladder and has none for it yet.

    ``kinds`` limits the sweep to work items of these kinds (all when empty). An item gets the alert of the level it has
    reached, not of those it passed during an outage; the ladder (days before the due date) is national policy. What
    stays overdue is told again every ``alerts.overdue_repeat_days``, and ``alerts.supervisor_days`` after it was first
    told, to those who supervise.
    """
    with ctx.writing() as session:
        late_before = _late_today(session, ctx)
        raised = sum(_inserted(session, due) for due in _due(ctx, kinds=kinds, overdue_only=overdue_only))
        late = _late_today(session, ctx) - late_before
        if raised:
            events.append(
                session,
                ctx,
                stream_kind="alerts",
                stream_id="deadlines",
                type="alerts.raised",
                payload={"alerts": raised, "late": late, "as_of": ctx.as_of.isoformat()},
            )
    return SweepResult(alerts=raised, late=late)


def unraised(session: Session, ctx: Context) -> int:
    """Return how many alerts a sweep of this day would still raise; items opened or moved today wait for tomorrow's."""
    before = (due.statement.where(dated_on() < ctx.as_of).subquery() for due in _due(ctx))
    return sum(int(session.execute(select(func.count()).select_from(due)).scalar_one()) for due in before)


@dataclass(frozen=True)
class _Level:
    """One rung: items due in [due_from, due_until] have reached it; those due before due_until reached it earlier."""

    name: str
    due_from: date
    due_until: date


@dataclass(frozen=True)
class _Due:
    """The alerts that are due and not raised: the columns filled, and the statement that finds them."""

    columns: tuple[str, ...]
    statement: Select[Any]


def _due(ctx: Context, *, kinds: tuple[str, ...] = (), overdue_only: bool = False) -> list[_Due]:
    """Return what a sweep raises, in its order: what is told again first, so that no first alert counts as a last."""
    alerts = ctx.policy(region="cn").alerts
    ladder = () if overdue_only else sorted(alerts.ladder_days, reverse=True)
    levels = [
        _Level(
            name=str(days),
            due_from=ctx.as_of + timedelta(days=ladder[index + 1] + 1 if index + 1 < len(ladder) else 0),
            due_until=ctx.as_of + timedelta(days=days),
        )
        for index, days in enumerate(ladder)
    ]
    levels.append(_Level(name=OVERDUE, due_from=date.min, due_until=ctx.as_of - timedelta(days=1)))
    again = [_again(ctx, kinds=kinds, days=alerts.overdue_repeat_days)] if alerts.overdue_repeat_days else []
    reached = [_reached(ctx, kinds=kinds, level=level) for level in levels]
    return [*again, *reached, _escalated(ctx, kinds=kinds, days=max(alerts.supervisor_days, 1))]


def _reached(ctx: Context, *, kinds: tuple[str, ...], level: _Level) -> _Due:
    # what was opened or moved since the last daily sweep was not missed, however near its due date
    late = and_(col(WorkItem.due_on) < level.due_until, dated_on() < ctx.as_of - timedelta(days=1))
    reached = col(WorkItem.due_on).between(level.due_from, level.due_until)
    return _alerts(ctx, level.name, late, reached, _not_raised(level.name), kinds=kinds)


def dated_on() -> ColumnElement[date]:
    """Return the day an item got its present due date: nothing could be told of it before."""
    return func.coalesce(col(WorkItem.moved_on), col(WorkItem.opened_on))


def _not_raised(level: str) -> ColumnElement[bool]:
    raised = (
        col(Alert.work_item_id) == col(WorkItem.id),
        col(Alert.level) == level,
        col(Alert.due_on) == col(WorkItem.due_on),
    )
    return ~select(col(Alert.id)).where(*raised).exists()


def _escalated(ctx: Context, *, kinds: tuple[str, ...], days: int) -> _Due:
    """Find every open item that was told to be overdue ``days`` ago: now the supervisor is told, once."""
    first = (
        select(func.min(Alert.raised_on))
        .where(
            col(Alert.work_item_id) == col(WorkItem.id),
            col(Alert.due_on) == col(WorkItem.due_on),
            col(Alert.level).startswith(OVERDUE),
        )
        .scalar_subquery()
    )
    passed = ctx.as_of - timedelta(days=days)
    overdue = col(WorkItem.due_on) < passed
    return _alerts(ctx, SUPERVISOR, first < passed, overdue, first <= passed, _not_raised(SUPERVISOR), kinds=kinds)


def _again(ctx: Context, *, kinds: tuple[str, ...], days: int) -> _Due:
    """Find every open item whose last alert since it was overdue is ``days`` or more ago."""
    last = (
        select(func.max(Alert.raised_on))
        .where(
            col(Alert.work_item_id) == col(WorkItem.id),
            col(Alert.due_on) == col(WorkItem.due_on),
            col(Alert.level).startswith(OVERDUE),
        )
        .scalar_subquery()
    )
    return _alerts(
        ctx,
        f"{OVERDUE}-{ctx.as_of.isoformat()}",
        last < ctx.as_of - timedelta(days=days),
        col(WorkItem.due_on) < ctx.as_of,
        last <= ctx.as_of - timedelta(days=days),
        kinds=kinds,
    )


def _alerts(
    ctx: Context, level: str, late: ColumnElement[bool], *conditions: ColumnElement[bool], kinds: tuple[str, ...]
) -> _Due:
    columns: dict[str, SQLCoreOperations[Any]] = {
        "id": literal("alert-") + col(WorkItem.id) + literal(f"-{level}-") + cast(col(WorkItem.due_on), String),
        "work_item_id": col(WorkItem.id),
        "level": literal(level),
        "due_on": col(WorkItem.due_on),
        "raised_on": literal(ctx.as_of),
        "late": late,
    }
    statement = select(*columns.values()).where(col(WorkItem.status) == "open", *conditions)
    return _Due(tuple(columns), statement.where(col(WorkItem.kind).in_(kinds)) if kinds else statement)


def _inserted(session: Session, due: _Due) -> int:
    """Insert the alerts that are due and return how many there were."""
    statement = insert(Alert).from_select(list(due.columns), due.statement)
    result = session.execute(statement, execution_options={"preserve_rowcount": True})  # else PostgreSQL says -1
    return int(result.rowcount)  # type: ignore[attr-defined]  # an INSERT yields a CursorResult


def _late_today(session: Session, ctx: Context) -> int:
    late = select(func.count()).select_from(Alert).where(col(Alert.raised_on) == ctx.as_of, col(Alert.late))
    return int(session.execute(late).scalar_one())
