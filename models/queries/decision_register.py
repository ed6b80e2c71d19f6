"""Reads around the approvals (S08): the register of numbers, the implementation-plan ledger, the trail of approvals.

The ledger is read from the approvals in force, so a project stands in it from its approval on (ZY-75).
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select

from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import query
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.rules.bodies import body_name
from models.rules.lifecycle import TRANSITIONS, Thing
from models.tables.decision import Approval, DocumentRegister
from models.tables.funding import PlanLine
from models.tables.kernel import Event, Project

_OVERSEERS: Final = (*CIVIL_AFFAIRS, Role.FINANCE_BUREAU, Role.DRC, Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION)
_APPROVAL_STAGES: Final = ("application.", "feasibility.", "review.", "publicity.", "decision.", "library.")


class NumberLine(BaseModel):
    """One number of the register; a voided one says when and why."""

    model_config = ConfigDict(frozen=True)

    doc_no: str
    series: str
    seq: int
    issuer: str
    project: str | None
    name: str | None
    issued_on: date
    voided_on: date | None
    reason: str | None


class PlanRow(BaseModel):
    """An approved project in the implementation-plan ledger; ``awaiting`` while it has no plan line."""

    model_config = ConfigDict(frozen=True)

    project: str
    name: str
    doc_no: str
    approved_on: date
    amounts: dict[str, Money]
    lines: dict[str, int]
    awaiting: bool


class TrailLine(BaseModel):
    """One step of a project's way to its approval: the act, who did it, when, from where to where."""

    model_config = ConfigDict(frozen=True)

    seq: int
    on: date
    command: str
    act: str
    actor: str
    before: str
    after: str
    policy_digest: str | None


@query("decision.register", roles=_OVERSEERS, clause="ZY-70")
def register(reader: Reader, *, year: int, series: str = "") -> tuple[NumberLine, ...]:
    """Return the numbers a region gave out in a year, series by series, each without a gap."""
    statement = select(DocumentRegister).where(
        col(DocumentRegister.year) == year, col(DocumentRegister.issuer).startswith(f"{reader.region}/")
    )
    if series:
        statement = statement.where(col(DocumentRegister.authority) == series)
    rows = reader.session.exec(
        statement.order_by(col(DocumentRegister.issuer), col(DocumentRegister.authority), col(DocumentRegister.seq))
    ).all()
    names = dict(
        reader.session.exec(
            select(Project.id, Project.name).where(col(Project.id).in_([row.project_id for row in rows]))
        ).all()
    )
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    return tuple(
        NumberLine(
            doc_no=row.doc_no,
            series=row.authority,
            seq=row.seq,
            issuer=body_name(policy=policy, role=Role(row.issuer.partition("/")[2])),
            project=row.project_id,
            name=names.get(row.project_id or ""),
            issued_on=row.issued_on,
            voided_on=row.voided_on,
            reason=row.void_reason,
        )
        for row in rows
    )


def register_view(reader: Reader, *, year: int, series: str, rehearsal: bool) -> dict[str, Any]:
    """Return the view of ``number_register_xlsx``."""
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    lines = register(reader, year=year, series=series)
    return {
        "title": sentence("decision.register.title", {"year": year}),
        "issuer": body_name(policy=policy, role=Role(policy.decision.approval_issuer)),
        "date": reader.as_of.isoformat(),
        "rehearsal": rehearsal,
        "synthetic_fields": [],
        "rows": [
            {
                "seq": str(number),
                "doc_no": line.doc_no,
                "issuer": line.issuer,
                "project": line.name or "—",
                "issued_on": line.issued_on.isoformat(),
                "state": sentence("decision.register.voided" if line.voided_on else "decision.register.valid"),
                "voided_on": line.voided_on.isoformat() if line.voided_on else "—",
                "reason": line.reason or "—",
            }
            for number, line in enumerate(lines, start=1)
        ],
    }


@query("decision.implementation_ledger", roles=_OVERSEERS, clause="ZY-75")
def implementation_ledger(reader: Reader, *, awaiting_only: bool = False) -> tuple[PlanRow, ...]:
    """Return every approved project of the region with its plan lines by state, oldest approval first (ZY-75)."""
    approved = reader.session.exec(
        select(Approval, Project)
        .join(Project, col(Project.id) == col(Approval.project_id))
        .where(col(Approval.voided_on).is_(None), col(Project.region) == reader.region)
        .order_by(col(Approval.approved_on), col(Approval.id))
    ).all()
    states: dict[str, list[str]] = {}
    for project, state in reader.session.exec(
        select(PlanLine.project_id, PlanLine.state).where(col(PlanLine.cancelled_on).is_(None))
    ).all():
        states.setdefault(project, []).append(state)
    rows = (
        PlanRow(
            project=project.id,
            name=project.name,
            doc_no=approval.doc_no,
            approved_on=approval.approved_on,
            amounts={channel: Money(fen) for channel, fen in approval.amounts.items()},
            lines={state: states.get(project.id, []).count(state) for state in sorted(set(states.get(project.id, [])))},
            awaiting=project.id not in states,
        )
        for approval, project in approved
    )
    return tuple(row for row in rows if row.awaiting or not awaiting_only)


@query("decision.trail", roles=EVERYONE_INSIDE, clause="BJ-79")
def trail(reader: Reader, *, project: str) -> tuple[TrailLine, ...]:
    """Return every step of a project up to its approval, voided ones included: act, actor, day, policy (BJ-79)."""
    project_of(reader.session, project)
    moves = {move.event for move in TRANSITIONS if move.thing is Thing.PROJECT}
    rows = reader.session.exec(
        select(Event)
        .where(col(Event.stream_kind) == "project", col(Event.stream_id) == project, col(Event.type).in_(moves))
        .order_by(col(Event.seq))
    ).all()
    return tuple(
        TrailLine(
            seq=row.seq,
            on=row.occurred_at,
            command=row.payload["command"],
            act=sentence(f"command.{row.payload['command']}"),
            actor=row.actor,
            before=row.payload["from"],
            after=row.payload["to"],
            policy_digest=row.payload.get("policy_digest"),
        )
        for row in rows
        if row.payload["command"].startswith(_APPROVAL_STAGES)
    )
