"""What was asked about a project and refused: read with its history, for a page tells also why nothing happened.

``project_named`` finds the project a call is about when the call is kept as an attempt (``commands.door``). Attempts
are not in the event chain and their input stays sealed; what is told here is which rule said no, to which role, when.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import ROLE_NAMES, Role
from models.core.messages import sentence
from models.rules.citing import written_clause
from models.rules.register import register
from models.tables.acceptance import AcceptanceProblem
from models.tables.contract import Contract
from models.tables.funding import PlanLine
from models.tables.kernel import Attempt, Project
from models.tables.monitoring import CheckFinding, RectificationOrder
from models.tables.procurement import Procurement
from models.tables.publicity import Objection, PublicityNotice
from models.tables.recovery import MisuseCase
from models.tables.review import ReviewRound

_DOOR: Final = "door."
"""Codes of calls that never reached a gate: a role that may not, an argument that is not one."""
_ID: Final = re.compile(r"[A-Za-z0-9._:/-]{1,100}")
_OF_A_PROJECT: Final[Mapping[str, Any]] = {
    "contract": Contract,
    "plan_line": PlanLine,
    "procurement": Procurement,
    "round": ReviewRound,
    "notice": PublicityNotice,
    "case": MisuseCase,
    "problem": AcceptanceProblem,
    "finding": CheckFinding,
    "order": RectificationOrder,
}
"""Argument → the table of what it names, each row of which belongs to a project."""


class Refused(BaseModel):
    """One call that was not carried out: when, by which role, on which clause, and what was missing, in words (what the
    rule asks, where the call left none)."""

    model_config = ConfigDict(frozen=True)

    on: date
    command: str
    label: str
    role: str
    rule: str
    clause: str
    missing: tuple[str, ...]


def project_named(session: Session, arguments: Mapping[str, Any]) -> str | None:
    """Return the id of the project that a call's arguments name, themselves or by a thing of it; ``None`` for none.

    The arguments are as they came: what is no id is not asked of the database, which may not take it.
    """
    project = _row(session, Project, arguments.get("project"))
    if project is not None:
        return str(project.id)
    objection = _row(session, Objection, arguments.get("objection"))
    if objection is not None:
        return str(session.get_one(PublicityNotice, objection.notice_id).project_id)
    for name, table in _OF_A_PROJECT.items():
        row = _row(session, table, arguments.get(name))
        if row is not None:
            return str(row.project_id)
    return None


def _row(session: Session, table: Any, id_: object) -> Any:
    """Return what an argument names, ``None`` where it names nothing there is."""
    return session.get(table, id_) if isinstance(id_, str) and _ID.fullmatch(id_) else None


def refused(session: Session, *, project: str) -> tuple[Refused, ...]:
    """Return what a gate refused about a project, oldest first."""
    about = select(Attempt).where(col(Attempt.project_id) == project, ~col(Attempt.code).startswith(_DOOR))
    gists = {entry.id: (entry.gist,) for entry in register()}
    rows = session.exec(about.order_by(col(Attempt.as_of), col(Attempt.recorded_at), col(Attempt.id))).all()
    return tuple(
        Refused(
            on=row.as_of,
            command=row.command,
            label=sentence(f"command.{row.command}"),
            role=ROLE_NAMES[Role(row.actor.partition(":")[0])],
            rule=row.rule or "",
            clause=written_clause(row.rule) if row.rule else "",
            missing=tuple(str(detail["problem"]) for detail in row.details) or gists.get(row.rule or "", ()),
        )
        for row in rows
    )
