"""The only writer of state. Every move of a project, plan line, procurement or contract goes through ``apply``.

Called by commands inside their write transaction. It looks the move up in ``rules.lifecycle``, checks that nobody
moved the row meanwhile, writes state and version, and appends the event to the project's chain. A fitness test forbids
any other assignment to ``state``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from models.commands import events
from models.context import Context
from models.core.errors import Conflict, Refusal
from models.rules import lifecycle
from models.rules.lifecycle import Thing
from models.tables.contract import Contract
from models.tables.funding import PlanLine
from models.tables.kernel import Event, Project
from models.tables.procurement import Procurement

Stateful = Project | PlanLine | Procurement | Contract

_THINGS: Final[dict[type[Stateful], Thing]] = {
    Project: Thing.PROJECT,
    PlanLine: Thing.PLAN_LINE,
    Procurement: Thing.PROCUREMENT,
    Contract: Thing.CONTRACT,
}


def thing_of(row: Stateful) -> Thing:
    """Return which thing a row is."""
    return _THINGS[type(row)]


def apply(session: Session, ctx: Context, row: Stateful, *, payload: Mapping[str, Any], outcome: str = "") -> Event:
    """Move ``row`` by the command of ``ctx`` and append the event to its project's chain.

    A new row (not yet in the session) must carry state ``""`` and version 0. Raises ``Refusal`` ``SYS-STATE`` when the
    table has no such move from the present state, ``SYS-DATE-ORDER`` for a move dated before the project's last one,
    ``Conflict`` when the row changed since it was read.
    """
    thing = thing_of(row)
    move = lifecycle.find(thing=thing, command=ctx.command, state=row.state, outcome=outcome)
    project_id = row.id if isinstance(row, Project) else row.project_id
    _check_order(session, ctx, project_id)
    previous = row.state
    if previous == lifecycle.UNBORN:
        row.state, row.version = move.target, 1
        session.add(row)
        session.flush()
    else:
        _swap_state(session, row, target=move.target)
    return events.on_project(
        session,
        ctx,
        project_id,
        move.event,
        {
            **payload,
            f"{thing}_id": row.id,
            "from": previous,
            "to": move.target,
            "rule": move.rule,
            "policy_digest": row.policy_digest,
        },
    )


def _check_order(session: Session, ctx: Context, project_id: str) -> None:
    """Refuse a move dated before the project's last one: waiting periods could be walked around (SYS-DATE-ORDER).

    Records that move nothing may be entered later under the day on which they were made.
    """
    last = session.exec(
        select(func.max(Event.occurred_at)).where(
            col(Event.stream_kind) == events.PROJECT_STREAM,
            col(Event.stream_id) == project_id,
            col(Event.type).in_({move.event for move in lifecycle.TRANSITIONS}),
        )
    ).one()
    if last is not None and ctx.as_of < last:
        facts = {"on": ctx.as_of.isoformat(), "last": last.isoformat()}
        raise Refusal("kernel.date_goes_back", rule="SYS-DATE-ORDER", facts=facts)


def _swap_state(session: Session, row: Stateful, *, target: str) -> None:
    model = type(row)
    session.flush()
    result = session.execute(
        update(model)
        .where(col(model.id) == row.id, col(model.version) == row.version)
        .values(state=target, version=row.version + 1)
        .execution_options(synchronize_session=False)
    )
    if result.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE yields a CursorResult
        raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
    session.refresh(row)
