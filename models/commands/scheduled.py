"""Scheduled supervision (S13): what policy schedules becomes work items, and what is on file closes them.

A daily sweep opens each period of each schedule once, whatever outage lay between; ``settle`` is called by every
command that may satisfy one. Due rows are work items: the deadline sweep alerts them like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import events, work
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.registry import command
from models.policy.schema import Policy
from models.policy.supervision import Schedule
from models.queries import supervision as reads
from models.rules import supervision as rules
from models.rules.supervision import Turn
from models.tables.contract import Contract
from models.tables.kernel import Project, WorkItem

KIND: Final = "monitoring.scheduled"
_RESOLVED_BY: Final = {
    "supervision": "monitoring.record_supervision",
    "phase": "monitoring.record_supervision",
    "report": "monitoring.file_report",
    "follow_up": "monitoring.draw_follow_up",
    "inspection": "monitoring.open_inspection",
    "attendance": "monitoring.record_attendance",
}
_RUNNING: Final = ("running",)


class SupervisionOpened(BaseModel):
    """How many periods of supervision are newly owed."""

    model_config = ConfigDict(frozen=True)

    opened: int


@dataclass(frozen=True)
class _Owed:
    """One period somebody owes: ``subject`` is the project, or the region itself."""

    code: str
    schedule: Schedule
    subject: str
    project: str | None
    period: str
    role: Role
    due_on: date

    @property
    def key(self) -> str:
        return f"{self.subject}:{self.code}:{self.role}:{self.period}"


@command("monitoring.open_due", roles=(Role.SYSTEM, *CIVIL_AFFAIRS), clause="ZY-88")
def open_due(ctx: Context) -> SupervisionOpened:
    """Open what supervision is owed now: for each running project, each phase, and for the region; each once.

    What is owed while a contract runs is due by its last day; what is due later than it should be is moved forward.
    """
    policy = ctx.policy(region=ctx.services.region)
    opened = 0
    with ctx.writing() as session:
        columns = select(col(WorkItem.subject_id), col(WorkItem.status), col(WorkItem.due_on))
        known = {key: (status, due) for key, status, due in session.exec(columns.where(col(WorkItem.kind) == KIND))}
        for owed in _owed(session, ctx, policy):
            if owed.key in known:
                status, due_on = known[owed.key]
                if status == "open" and owed.due_on < due_on:
                    work.move_item(session, ctx, kind=KIND, subject_id=owed.key, due_on=owed.due_on)
                continue
            work.open_item(
                session,
                ctx,
                kind=KIND,
                role=owed.role,
                subject_kind="project" if owed.project else "region",
                subject_id=owed.key,
                project_id=owed.project,
                due_on=owed.due_on,
                clause=owed.schedule.rule,
                resolves_with=_RESOLVED_BY[owed.schedule.act],
                note=owed.schedule.title,
            )
            opened += 1
        if opened:
            payload = {"opened": opened, "policy_digest": policy.digest}
            events.append(
                session,
                ctx,
                stream_kind="monitoring",
                stream_id=policy.region,
                type="monitoring.supervision_due",
                payload=payload,
            )
    return SupervisionOpened(opened=opened)


def _owed(session: Session, ctx: Context, policy: Policy) -> Iterator[_Owed]:
    schedules = policy.monitoring.schedules or {}
    rows = session.exec(
        select(Project).where(col(Project.region) == policy.region, col(Project.state).in_(sorted(rules.SUPERVISED)))
    ).all()
    for code, schedule in schedules.items():
        if rules.of_region(schedule):
            yield from _of_region(session, ctx, policy, code, schedule)
        elif schedule.act == "phase":
            for row in rows:
                yield from _of_phases(session, ctx, policy, code, schedule, row)
        else:
            for row in rows:
                yield from _of_project(session, ctx, policy, code, schedule, row)


def _of_region(session: Session, ctx: Context, policy: Policy, code: str, schedule: Schedule) -> Iterator[_Owed]:
    """Inspections begin with the first contract that ran here under the schedule."""
    since: date | None = session.exec(
        select(func.min(Contract.starts_on))
        .join(Project, col(Project.id) == col(Contract.project_id))
        .where(col(Project.region) == policy.region)
    ).one()
    if since is None:
        return
    began = max(since, policy.leaf("monitoring.schedules").effective.from_)
    for turn in _open_turns(session, ctx, policy, schedule, policy.region, began):
        yield from _each(code, schedule, policy.region, None, turn)


def _of_project(
    session: Session, ctx: Context, policy: Policy, code: str, schedule: Schedule, row: Project
) -> Iterator[_Owed]:
    running = session.exec(
        select(Contract).where(col(Contract.project_id) == row.id, col(Contract.state).in_(_RUNNING))
    ).all()
    if schedule.act == "attendance":
        running = [one for one in running if one.key_posts]
    if running:
        since, last = min(one.starts_on for one in running), _last_day(running)
        for turn in _open_turns(session, ctx, policy, schedule, row.id, since):
            yield from _each(code, schedule, row.id, row.id, replace(turn, last=max(turn.first, min(turn.last, last))))


def _last_day(running: Iterable[Contract]) -> date:
    return max(one.ends_on for one in running) - timedelta(days=1)


def _open_turns(
    session: Session, ctx: Context, policy: Policy, schedule: Schedule, subject: str, since: date
) -> Iterator[Turn]:
    months = rules.months_of(schedule=schedule, policy=policy)
    for turn in rules.turns(since=since, as_of=ctx.as_of, months=months):
        if not reads.is_satisfied(session, schedule=schedule, subject=subject, turn=turn):
            yield turn


def _each(code: str, schedule: Schedule, subject: str, project: str | None, turn: Turn) -> Iterator[_Owed]:
    for role in schedule.lead:
        yield _Owed(code, schedule, subject, project, turn.first.isoformat(), role, turn.last)


def _of_phases(
    session: Session, ctx: Context, policy: Policy, code: str, schedule: Schedule, row: Project
) -> Iterator[_Owed]:
    acts = reads.acts_of(session, project=row.id)
    months = rules.months_of(schedule=schedule, policy=policy)
    running = session.exec(
        select(Contract).where(col(Contract.project_id) == row.id, col(Contract.state).in_(_RUNNING))
    ).all()
    for phase, over in rules.phases_owed(state=row.state, acts=acts, policy=policy):
        due = ctx.as_of + timedelta(days=policy.monitoring.rectification_days)
        if not over:
            due = next(iter(rules.turns(since=ctx.as_of, as_of=ctx.as_of, months=months))).last
            due = max(ctx.as_of, min(due, _last_day(running))) if running else due
        for role in schedule.lead:
            yield _Owed(code, schedule, row.id, row.id, phase, role, due)


def settle(session: Session, ctx: Context, *, project: str | None) -> int:
    """Close the open periods of a project (``None``: of the region) that what is on file satisfies by now."""
    session.flush()
    policy = ctx.policy(region=ctx.services.region)
    schedules = policy.monitoring.schedules or {}
    belonging = col(WorkItem.project_id) == project if project else col(WorkItem.project_id).is_(None)
    items = session.exec(
        select(WorkItem).where(col(WorkItem.kind) == KIND, col(WorkItem.status) == "open", belonging)
    ).all()
    closed = 0
    for item in items:
        subject, code, _role, period = item.subject_id.split(":")
        schedule = schedules.get(code)
        if schedule is not None and _is_done(session, ctx, policy, schedule, subject, period):
            work.close_item(session, ctx, kind=KIND, subject_id=item.subject_id)
            closed += 1
    return closed


def _is_done(session: Session, ctx: Context, policy: Policy, schedule: Schedule, subject: str, period: str) -> bool:
    """A period that is over is satisfied by what comes late, too: it then stands as done late."""
    if schedule.act == "phase":
        return period in {act.phase for act in reads.acts_of(session, project=subject)}
    first = date.fromisoformat(period)
    months = rules.months_of(schedule=schedule, policy=policy)
    turn = next(iter(rules.turns(since=first, as_of=first, months=months)))
    return reads.is_satisfied(session, schedule=schedule, subject=subject, turn=Turn(first, max(turn.last, ctx.as_of)))
