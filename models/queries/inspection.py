"""Reads of random inspection (S13): the projects by risk, the round as it stands, orders, the key-supervision list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, true
from sqlmodel import Session, col, select

from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.monitoring import contractor_names
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, found
from models.rules import inspection as rules
from models.tables.kernel import Project
from models.tables.monitoring import (
    CheckFinding,
    FollowUp,
    Inspection,
    InspectionRound,
    KeySupervision,
    RectificationOrder,
    Supervision,
)
from models.tables.ticket import Ticket


def strata(session: Session, *, policy: Policy, on: date) -> dict[str, str]:
    """Return every project in progress of the region with its risk stratum."""
    rows = session.exec(
        select(Project.id).where(col(Project.region) == policy.region, col(Project.state) == "in_progress")
    ).all()
    key = {row.project_id for row in key_rows(session, on=on)}
    risky = _open_of(session, CheckFinding), _open_of(session, RectificationOrder)
    return {
        project: rules.stratum_of(
            on_key_list=project in key,
            open_findings=sum(counts.get(project, 0) for counts in risky),
            policy=policy,
        )
        for project in rows
    }


def _open_of(session: Session, table: Any) -> dict[str, int]:
    statement = select(table.project_id, func.count()).where(table.closed_on.is_(None)).group_by(table.project_id)
    return dict(session.exec(statement).all())


def key_rows(session: Session, *, on: date) -> Sequence[KeySupervision]:
    """Return the entries of the key-supervision list that stand on a day."""
    return session.exec(
        select(KeySupervision)
        .where(
            col(KeySupervision.since_on) <= on,
            col(KeySupervision.until_on) > on,
            col(KeySupervision.ended_on).is_(None),
        )
        .order_by(col(KeySupervision.since_on), col(KeySupervision.id))
    ).all()


def contractors(session: Session, *, projects: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return project → the names of its contractors: whoever is tied to one does not inspect it."""
    return {project: frozenset(contractor_names(session, project=project)) for project in projects}


def inspections_of(session: Session, round_id: str) -> Sequence[Inspection]:
    """Return the inspections of a round, by project."""
    return session.exec(
        select(Inspection).where(col(Inspection.round_id) == round_id).order_by(col(Inspection.project_id))
    ).all()


def result_lines(session: Session, round_id: str) -> list[list[dict[str, Any]]]:
    """Return the public table of a round: project, when, by how many, how many problems, how many put right."""
    lines = []
    for number, row in enumerate(inspections_of(session, round_id), start=1):
        orders = session.exec(select(RectificationOrder).where(col(RectificationOrder.source) == row.id)).all()
        closed = sum(order.closed_on is not None for order in orders)
        texts = (
            str(number),
            session.get_one(Project, row.project_id).name,
            row.inspected_on.isoformat() if row.inspected_on else "",
            str(len(row.inspectors)),
            str(row.problems),
            sentence("monitoring.inspection.orders", {"orders": len(orders), "closed": closed}),
        )
        lines.append([{"text": text} for text in texts])
    return lines


def is_source(session: Session, *, project: str, source: str) -> bool:
    """Say whether an id is something of this project that an order to rectify may rest on."""
    row: Any
    for table in (Inspection, CheckFinding, Supervision, FollowUp, Ticket):
        row = session.get(table, source)
        if row is not None:
            return bool(row.project_id == project)
    return False


class InspectionShown(BaseModel):
    """One drawn project: its stratum, how many inspectors, when inspected, how many problems."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    stratum: str
    inspectors: tuple[str, ...]
    inspected_on: date | None
    problems: int


class RoundShown(BaseModel):
    """A round of random inspection; ``population`` and ``drawn`` by stratum."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    opened_on: date
    drawn_on: date | None
    published_on: date | None
    publish_due_on: date | None
    population: dict[str, int]
    drawn: dict[str, int]
    seed_commitment: str
    roster_digest: str
    inspections: tuple[InspectionShown, ...]


@query("monitoring.inspection_round", roles=EVERYONE_INSIDE, clause="ZY-87")
def inspection_round(reader: Reader, *, round: str) -> RoundShown:
    """Return a round of inspection as it stands: rosters by stratum, who was drawn, what is recorded and public."""
    row = found(reader.session.get(InspectionRound, round), kind="inspection_round", id=round)
    kept = list(row.targets.values())
    return RoundShown(
        id=row.id,
        title=row.title,
        opened_on=row.opened_on,
        drawn_on=row.drawn_on,
        published_on=row.published_on,
        publish_due_on=row.publish_due_on,
        population={name: kept.count(name) for name in rules.STRATA if name in kept},
        drawn=dict(row.sizes),
        seed_commitment=row.seed_commitment,
        roster_digest=row.roster_digest,
        inspections=tuple(
            InspectionShown(
                id=one.id,
                project=one.project_id,
                stratum=one.stratum,
                inspectors=tuple(one.inspectors),
                inspected_on=one.inspected_on,
                problems=one.problems,
            )
            for one in inspections_of(reader.session, row.id)
        ),
    )


class OrderShown(BaseModel):
    """One order to rectify: due, answered, re-checked, closed; ``overdue`` while open after its due date."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    source: str
    problem: str
    demand: str
    ordered_on: date
    due_on: date
    replied_on: date | None
    closed_on: date | None
    rounds: int
    sent_back: tuple[dict[str, Any], ...]
    late: bool
    overdue: bool


@query("monitoring.orders", roles=EVERYONE_INSIDE, clause="ZY-88")
def orders(reader: Reader, *, project: str = "", open_only: bool = False) -> tuple[OrderShown, ...]:
    """Return the orders to rectify, oldest first, each tracked to its closing (ZY-88, FZ-76)."""
    rows = reader.session.exec(
        select(RectificationOrder)
        .where(
            col(RectificationOrder.project_id) == project if project else true(),
            col(RectificationOrder.closed_on).is_(None) if open_only else true(),
        )
        .order_by(col(RectificationOrder.ordered_on), col(RectificationOrder.id))
    ).all()
    return tuple(
        OrderShown(
            id=row.id,
            project=row.project_id,
            source=row.source,
            problem=row.problem,
            demand=row.demand,
            ordered_on=row.ordered_on,
            due_on=row.due_on,
            replied_on=row.replied_on,
            closed_on=row.closed_on,
            rounds=row.rounds,
            sent_back=tuple(row.sent_back),
            late=row.late,
            overdue=row.closed_on is None and row.due_on < reader.as_of,
        )
        for row in rows
    )


class KeyProject(BaseModel):
    """One entry of the key-supervision list, and what follows from it: the share drawn in each round."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    name: str
    reason: str
    source: str
    since_on: date
    until_on: date
    inspection_rate: str


@query("monitoring.key_projects", roles=EVERYONE_INSIDE, clause="SYS-KEY-SUPERVISION")
def key_projects(reader: Reader) -> tuple[KeyProject, ...]:
    """Return who is under key supervision today, why, since when, until when."""
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    rate = str(policy.monitoring.risk_rates[rules.KEY])
    return tuple(
        KeyProject(
            id=row.id,
            project=row.project_id,
            name=reader.session.get_one(Project, row.project_id).name,
            reason=row.reason,
            source=row.source,
            since_on=row.since_on,
            until_on=row.until_on,
            inspection_rate=rate,
        )
        for row in key_rows(reader.session, on=reader.as_of)
    )
