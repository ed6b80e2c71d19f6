"""Preparing the quarterly plan (S09): the to-dos that the daily flow ``funding-prepare-quarterly-plan`` opens.

Drafting, signing and issuing are ``commands.funding``; this never touches money.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select

from models.commands import work
from models.commands.funding import BUREAUS, PLAN_ITEM
from models.context import Context
from models.core.actors import Role
from models.core.periods import Period
from models.core.registry import command
from models.tables.funding import PlanLine
from models.tables.kernel import Project


class QuarterPrepared(BaseModel):
    """How many approved projects wait for their first plan line; each has a work item."""

    model_config = ConfigDict(frozen=True)

    waiting: int


@command("funding.prepare_quarter", roles=(Role.SYSTEM, *BUREAUS), clause="ZY-77")
def prepare_quarter(ctx: Context) -> QuarterPrepared:
    """Open a work item for every approved project without a plan line, due on the last day of the plan's period.

    Nothing is opened before policy's day of the period; from then on every call opens what is missing, so that a day
    without a scheduler, or a project approved later, is not forgotten. Drafting a plan line closes the item.
    """
    policy = ctx.policy(region=ctx.services.region)
    period = Period.aligned(ctx.as_of, months=policy.funding.plan_months)
    if ctx.as_of < period.start + timedelta(days=policy.funding.plan_preparation_day - 1):
        return QuarterPrepared(waiting=0)
    planned = (
        select(PlanLine.id)
        .where(col(PlanLine.project_id) == col(Project.id), col(PlanLine.cancelled_on).is_(None))
        .exists()
    )
    with ctx.writing() as session:
        waiting = session.exec(
            select(Project.id).where(col(Project.state) == "approved", ~planned).order_by(col(Project.id))
        ).all()
        for project in waiting:
            due_on = period.last_day or ctx.as_of
            item = work.open_item(
                session,
                ctx,
                kind=PLAN_ITEM,
                role=Role.CITY_BUREAU,
                subject_kind="project",
                subject_id=project,
                project_id=project,
                due_on=due_on,
                clause=policy.clause("funding.plan_months"),
                resolves_with="funding.draft_plan",
            )
            if item.status != "open":  # its line was cancelled since
                work.move_item(session, ctx, kind=PLAN_ITEM, subject_id=project, due_on=due_on)
    return QuarterPrepared(waiting=len(waiting))
