"""Needs that are due again (FZ-19): one work item a person, opened for all of them at once.

Called by the daily deadline sweep. Soft: a need that waits warns and alerts, it never blocks a service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, literal, select, update
from sqlmodel import Session, col

from models.commands.needs_people import REASSESS
from models.context import Context
from models.core.actors import Role
from models.core.registry import command
from models.rules.force import binding
from models.rules.needs_assessment import REASSESS as RULES
from models.tables.kernel import WorkItem
from models.tables.needs import Person


@dataclass(frozen=True)
class ReassessmentsOpened:
    """How many work items were opened, and how many of them again."""

    opened: int
    again: int


@command("needs.open_reassessments", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE, Role.COUNTY_BUREAU), clause="FZ-19")
def open_reassessments(ctx: Context) -> ReassessmentsOpened:
    """Open the work item of every person whose need comes due within the first alert, in the regions that ask for it.

    Called again it opens nothing twice; an item closed by a newer assessment opens again when that one is due.
    """
    opened = again = 0
    with ctx.writing() as session:
        regions = session.execute(select(col(Person.region)).distinct().order_by(col(Person.region))).scalars().all()
        for region in regions:
            rule = binding(policy=ctx.policy(region=region), rules=RULES)
            if rule is not None:
                again += _reopen(session, ctx, region=region)
                opened += _open(session, ctx, region=region, clause=rule)
    return ReassessmentsOpened(opened=opened + again, again=again)


def _open(session: Session, ctx: Context, *, region: str, clause: str) -> int:
    columns = {
        "id": literal("work-") + col(Person.id),
        "kind": literal(REASSESS),
        "role": literal(Role.TOWNSHIP.value),
        "subject_kind": literal("person"),
        "subject_id": col(Person.id),
        "opened_on": literal(ctx.as_of),
        "due_on": col(Person.reassess_due_on),
        "provisional": literal(True),
        "clause": literal(clause),
        "resolves_with": literal("needs.assess_person"),
        "status": literal("open"),
    }
    there = select(col(WorkItem.id)).where(col(WorkItem.kind) == REASSESS, col(WorkItem.subject_id) == col(Person.id))
    due = select(*columns.values()).where(
        col(Person.region) == region, col(Person.reassess_due_on) <= _horizon(ctx), ~there.exists()
    )
    return _count(session, insert(WorkItem).from_select(list(columns), due))


def _reopen(session: Session, ctx: Context, *, region: str) -> int:
    """Open again the closed items of people whose newest assessment comes due."""
    person = (col(Person.id) == col(WorkItem.subject_id), col(Person.region) == region)
    due_on = select(col(Person.reassess_due_on)).where(*person).scalar_subquery()
    return _count(
        session,
        update(WorkItem)
        .where(
            col(WorkItem.kind) == REASSESS,
            col(WorkItem.status) != "open",
            select(col(Person.id)).where(*person, col(Person.reassess_due_on) <= _horizon(ctx)).exists(),
        )
        .values(status="open", closed_on=None, moved_on=ctx.as_of, due_on=due_on),
    )


def _horizon(ctx: Context) -> date:
    return ctx.as_of + timedelta(days=max(ctx.policy(region="cn").alerts.ladder_days, default=0))


def _count(session: Session, statement: Any) -> int:
    options = {"preserve_rowcount": True, "synchronize_session": False}  # else PostgreSQL says -1
    result: Any = session.execute(statement, execution_options=options)
    return int(result.rowcount)
