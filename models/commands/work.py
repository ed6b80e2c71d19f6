"""Work items and their alerts: rows with a due date instead of sleeping flows (architecture, decision 2).

``open_item`` and ``close_item`` are called by commands in their transaction; ``sweep_deadlines`` is the one set-based
command behind the daily sweeps: whatever outage lay between, each item gets one alert a level, late ones marked late,
and one more every so many days while it stays overdue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Select, String, and_, cast, func, insert, literal, select
from sqlalchemy.sql.elements import SQLCoreOperations
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.ids import derive_id
from models.core.registry import command
from models.tables.kernel import Alert, WorkItem

OVERDUE: Final = "overdue"


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
) -> WorkItem:
    """Open a work item, or return the one that is already there for this kind and subject."""
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


def move_item(session: Session, *, kind: str, subject_id: str, due_on: date, provisional: bool = False) -> None:
    """Give a work item another due date and open it again: what it waited for took up the time (a paused notice)."""
    found = _find(session, kind=kind, subject_id=subject_id)
    if found is not None:
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
    stays overdue is told again every ``alerts.overdue_repeat_days``.
    """
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
    with ctx.writing() as session:
        late_before = _late_today(session, ctx)
        raised = _repeat(session, ctx, kinds=kinds, days=alerts.overdue_repeat_days)
        raised += sum(_raise_level(session, ctx, kinds=kinds, level=level) for level in levels)
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


@dataclass(frozen=True)
class _Level:
    """One rung: items due in [due_from, due_until] have reached it; those due before due_until reached it earlier."""

    name: str
    due_from: date
    due_until: date


def _raise_level(session: Session, ctx: Context, *, kinds: tuple[str, ...], level: _Level) -> int:
    columns: dict[str, SQLCoreOperations[Any]] = {
        "id": literal("alert-") + col(WorkItem.id) + literal(f"-{level.name}-") + cast(col(WorkItem.due_on), String),
        "work_item_id": col(WorkItem.id),
        "level": literal(level.name),
        "due_on": col(WorkItem.due_on),
        "raised_on": literal(ctx.as_of),
        # an item opened since the last daily sweep was not missed, however near its due date
        "late": and_(col(WorkItem.due_on) < level.due_until, col(WorkItem.opened_on) < ctx.as_of - timedelta(days=1)),
    }
    raised = (
        col(Alert.work_item_id) == col(WorkItem.id),
        col(Alert.level) == level.name,
        col(Alert.due_on) == col(WorkItem.due_on),
    )
    due = select(*columns.values()).where(
        col(WorkItem.status) == "open",
        col(WorkItem.due_on).between(level.due_from, level.due_until),
        ~select(col(Alert.id)).where(*raised).exists(),
    )
    if kinds:
        due = due.where(col(WorkItem.kind).in_(kinds))
    return _inserted(session, columns, due)


def _repeat(session: Session, ctx: Context, *, kinds: tuple[str, ...], days: int) -> int:
    """Tell again of every open item whose last alert since it was overdue is ``days`` or more ago; 0 days: never."""
    if not days:
        return 0
    last = (
        select(func.max(Alert.raised_on))
        .where(
            col(Alert.work_item_id) == col(WorkItem.id),
            col(Alert.due_on) == col(WorkItem.due_on),
            col(Alert.level).startswith(OVERDUE),
        )
        .scalar_subquery()
    )
    level = f"{OVERDUE}-{ctx.as_of.isoformat()}"
    columns: dict[str, SQLCoreOperations[Any]] = {
        "id": literal("alert-") + col(WorkItem.id) + literal(f"-{level}-") + cast(col(WorkItem.due_on), String),
        "work_item_id": col(WorkItem.id),
        "level": literal(level),
        "due_on": col(WorkItem.due_on),
        "raised_on": literal(ctx.as_of),
        "late": last < ctx.as_of - timedelta(days=days),
    }
    due = select(*columns.values()).where(
        col(WorkItem.status) == "open",
        col(WorkItem.due_on) < ctx.as_of,
        last <= ctx.as_of - timedelta(days=days),
    )
    if kinds:
        due = due.where(col(WorkItem.kind).in_(kinds))
    return _inserted(session, columns, due)


def _inserted(session: Session, columns: dict[str, SQLCoreOperations[Any]], due: Select[Any]) -> int:
    """Insert the selected alerts and return how many there were."""
    statement = insert(Alert).from_select(list(columns), due)
    result = session.execute(statement, execution_options={"preserve_rowcount": True})  # else PostgreSQL says -1
    return int(result.rowcount)  # type: ignore[attr-defined]  # an INSERT yields a CursorResult


def _late_today(session: Session, ctx: Context) -> int:
    late = select(func.count()).select_from(Alert).where(col(Alert.raised_on) == ctx.as_of, col(Alert.late))
    return int(session.execute(late).scalar_one())
