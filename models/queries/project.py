"""Reads about one project as a whole: where it stands and how it came there."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.registry import query
from models.queries.reader import Reader, project_of
from models.queries.review_veil import veil, veiled_rounds
from models.tables.contract import Contract
from models.tables.funding import PlanLine
from models.tables.kernel import Event, Project
from models.tables.procurement import Procurement

EVERYONE_INSIDE = tuple(role for role in Role if role is not Role.PUBLIC)


class ProjectStatus(BaseModel):
    """Where a project stands. ``state`` is that of the thing that moved last, as ``<thing>.<state>``; ``predecessor``
    is the project it follows on or replaces."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    region: str
    state: str
    states: dict[str, list[str]]
    moved_on: date
    policy_digest: str
    synthetic: bool
    predecessor: str | None = None


class HistoryLine(BaseModel):
    """One event of a project's chain."""

    model_config = ConfigDict(frozen=True)

    seq: int
    on: date
    type: str
    actor: str
    payload: dict[str, Any]
    hash: str


@query("project.status", roles=EVERYONE_INSIDE, clause="SYS-STATUS")
def status(reader: Reader, *, project: str) -> ProjectStatus:
    """Return the state of a project and of its plan lines, procurements and contracts."""
    row = project_of(reader.session, project)
    moves = [line for line in history(reader, project=project) if "to" in line.payload]
    last = moves[-1]
    return ProjectStatus(
        id=row.id,
        name=row.name,
        region=row.region,
        state=f"{last.type.split('.', 1)[0]}.{last.payload['to']}",
        states=states_of(reader.session, row),
        moved_on=last.on,
        policy_digest=row.policy_digest,
        synthetic=row.synthetic,
        predecessor=row.predecessor_id,
    )


def states_of(session: Session, project: Project) -> dict[str, list[str]]:
    """Return thing → the states of a project and of its plan lines, procurements and contracts."""
    states: dict[str, list[str]] = {"project": [project.state]}
    parts: tuple[tuple[str, type[PlanLine | Procurement | Contract]], ...] = (
        ("plan_line", PlanLine),
        ("procurement", Procurement),
        ("contract", Contract),
    )
    for thing, model in parts:
        states[thing] = list(
            session.exec(select(model.state).where(col(model.project_id) == project.id).order_by(col(model.id)))
        )
    return states


@query("project.history", roles=EVERYONE_INSIDE, clause="SYS-HISTORY")
def history(reader: Reader, *, project: str) -> tuple[HistoryLine, ...]:
    """Return the event chain of a project, oldest first.

    Who sits on the panel of a sealed round, and who handed in a sheet, is not told to the panel or to anybody it judges
    before the round is closed; the chain itself is whole.
    """
    project_of(reader.session, project)
    veiled = veiled_rounds(reader, project)
    rows = reader.session.exec(
        select(Event)
        .where(col(Event.stream_kind) == "project", col(Event.stream_id) == project)
        .order_by(col(Event.seq))
    ).all()
    return tuple(
        HistoryLine(
            seq=row.seq,
            on=row.occurred_at,
            type=row.type,
            actor=row.actor.partition(":")[0] if row.payload.get("round_id") in veiled else row.actor,
            payload=veil(row.payload) if row.payload.get("round_id") in veiled else row.payload,
            hash=row.hash,
        )
        for row in rows
        if row.type != "review.score_submitted" or row.payload.get("round_id") not in veiled
    )
