"""The two acceptance clocks (S15): the contractor's self-check and the bureau's comprehensive acceptance (ZY-95).

They run from completion, of all contracts together, whoever pays; after a refused acceptance both run anew from that
day, so that it is again somebody's turn. No source sets the second term; the first one's months are taken.
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.commands import events, work
from models.context import Context
from models.core.actors import Role
from models.core.calendar import Due
from models.core.registry import command
from models.queries import acceptance as reads
from models.queries.reader import project_of
from models.rules import acceptance as rules
from models.rules import lifecycle
from models.rules.acceptance import COMPREHENSIVE, SELF_CHECK
from models.rules.lifecycle import Thing
from models.tables.kernel import Project, WorkItem

_CHECK_STATES = ("completed", "not_accepted")


class ClocksOpened(BaseModel):
    """How many clocks were opened or set anew now, and when the two are due; ``id`` is the project."""

    model_config = ConfigDict(frozen=True)

    id: str
    opened: int
    self_check_due: date
    comprehensive_due: date


@command("acceptance.open_clocks", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-95")
def open_clocks(ctx: Context, *, project: str) -> ClocksOpened:
    """Open the two clocks of a completed project: the contractor's self-check and the comprehensive acceptance.

    Called again it opens nothing twice; what a project has already passed is not opened. A provisional due date is
    counted anew: the missing year may be published. Raises ``Refusal`` ``lifecycle.not_in_state`` before completion.
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        began = reads.clock_began(session, project=project)
        if began is None:
            raise lifecycle.not_in_state(
                thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=reads.CLOCK_STATES
            )
        due = {kind: _due(ctx, row, kind, began=began) for kind in (SELF_CHECK, COMPREHENSIVE)}
        known = session.exec(
            select(WorkItem).where(col(WorkItem.subject_id) == project, col(WorkItem.kind).in_(due))
        ).all()
        settled = {
            one.kind for one in known if not one.provisional or due[one.kind] == Due(one.due_on, provisional=True)
        }
        running = {SELF_CHECK: row.state in _CHECK_STATES, COMPREHENSIVE: row.state in reads.CLOCK_STATES}
        opened = [kind for kind in due if running[kind] and kind not in settled]
        for kind in opened:
            _wind(session, ctx, row, kind, due=due[kind], began=began)
        _tell(session, ctx, project, {kind: due[kind] for kind in opened})
        return ClocksOpened(
            id=project,
            opened=len(opened),
            self_check_due=due[SELF_CHECK].date,
            comprehensive_due=due[COMPREHENSIVE].date,
        )


def restart(
    session: Session, ctx: Context, row: Project, *, kinds: tuple[str, ...] = (SELF_CHECK, COMPREHENSIVE)
) -> None:
    """Wind clocks up anew for a project whose acceptance was refused, or overturned, today."""
    due = {kind: _due(ctx, row, kind, began=ctx.as_of) for kind in kinds}
    for kind, end in due.items():
        _wind(session, ctx, row, kind, due=end, began=ctx.as_of)
    _tell(session, ctx, row.id, due)


def days_late(session: Session, ctx: Context, row: Project) -> int:
    """Return by how many days a self-check of today misses its clock, 0 when in time."""
    began = reads.clock_began(session, project=row.id)
    assert began is not None  # a self-check follows completion by the transition table
    return max((ctx.as_of - _due(ctx, row, SELF_CHECK, began=began).date).days, 0)


def _due(ctx: Context, row: Project, kind: str, *, began: date) -> Due:
    policy = ctx.policy(region=row.region, on=began)
    return rules.due_of(kind=kind, completed_on=began, calendar=ctx.services.calendar, policy=policy)


def _wind(session: Session, ctx: Context, row: Project, kind: str, *, due: Due, began: date) -> None:
    self_check = kind == SELF_CHECK
    item = work.open_item(
        session,
        ctx,
        kind=kind,
        role=Role.CONTRACTOR if self_check else Role.CITY_BUREAU,
        subject_kind="project",
        subject_id=row.id,
        project_id=row.id,
        due_on=due.date,
        provisional=due.provisional,
        clause=ctx.policy(region=row.region, on=began).clause(f"{kind}_months"),
        resolves_with="acceptance.submit_self_check" if self_check else "acceptance.conclude",
    )
    if item.opened_on == ctx.as_of and item.moved_on is None:
        item.opened_on = began  # opened late it runs all the same, and what was not told meanwhile is late
        session.add(item)
    work.move_item(session, ctx, kind=kind, subject_id=row.id, due_on=due.date, provisional=due.provisional)


def _tell(session: Session, ctx: Context, project: str, due: dict[str, Due]) -> None:
    if due:
        payload = {kind.partition(".")[2]: end.date.isoformat() for kind, end in sorted(due.items())}
        events.on_project(session, ctx, project, "acceptance.clocks_opened", payload)
