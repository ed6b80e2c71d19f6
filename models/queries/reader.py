"""What a query is given: a read session, the policy book and calendar, who asks, and the date it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlmodel import Session

from models.core.actors import Actor
from models.core.calendar import WorkCalendar
from models.core.errors import Refusal
from models.core.messages import sentence
from models.policy.resolver import PolicyBook
from models.ports import PlanSolver, Vault
from models.tables.kernel import Project

Row = TypeVar("Row")


@dataclass(frozen=True)
class Reader:
    """Read access for one query; nothing done through it is kept. ``region`` is the one this deployment serves."""

    session: Session
    policies: PolicyBook
    calendar: WorkCalendar
    vault: Vault
    actor: Actor
    as_of: date
    region: str
    solver: PlanSolver


def project_of(session: Session, project_id: str) -> Project:
    """Return a project. Raises ``Refusal`` code ``kernel.not_found`` (rule ``SYS-NOT-FOUND``)."""
    return found(session.get(Project, project_id), kind="project", id=project_id)


def found(row: Row | None, *, kind: str, id: str) -> Row:
    """Return a row that must exist. Raises ``Refusal`` code ``kernel.not_found`` naming the kind and the id."""
    if row is None:
        raise Refusal("kernel.not_found", rule="SYS-NOT-FOUND", facts={"thing": sentence(f"thing.{kind}"), "id": id})
    return row
