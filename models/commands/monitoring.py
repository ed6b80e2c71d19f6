"""The command of monitoring (S13): one record on one line of supervision, with its paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import events, project_papers, scheduled
from models.context import Context
from models.core.registry import Once, command
from models.queries import monitoring as reads
from models.queries.procurement import purchaser_of
from models.queries.reader import project_of
from models.rules import monitoring as rules
from models.rules.lifecycle import Thing, check_state_in, states
from models.rules.masking import check_impersonal
from models.tables.kernel import Project
from models.tables.monitoring import Supervision

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Finding = Annotated[str, Field(min_length=1, max_length=500, coerce_numbers_to_str=True)]


@dataclass(frozen=True)
class _Act:
    line: str
    method: str
    findings: dict[str, str]
    on_behalf: str
    joint: tuple[str, ...]


class SupervisionRecorded(BaseModel):
    """The new record; ``phase`` is the project's phase that day, ``missing`` the lines still without a record."""

    model_config = ConfigDict(frozen=True)

    id: str
    phase: str
    document: str
    missing: tuple[str, ...]


@command(
    "monitoring.record_supervision",
    roles=tuple(sorted({role for roles in rules.LINE_ROLES.values() for role in roles} | {rules.CLERK})),
    clause="HS-29",
    once_a_day=Once.BY_SENDER,
)
def record_supervision(
    ctx: Context,
    *,
    project: str,
    line: Annotated[str, Field(description="监管线")],
    method: Annotated[str, Field(description="监督方式")],
    findings: Annotated[dict[Code, Finding], Field(description="检查情况")],
    on_behalf: Annotated[str, Field(max_length=200, description="代录说明")] = "",
    joint: Annotated[tuple[str, ...], Field(max_length=20, description="联合开展监督的部门或上下级单位")] = (),
) -> SupervisionRecorded:
    """Record one act of supervision: on a line, by a method, with what it found (code → wording).

    Raises ``Refusal`` ``monitoring.*`` (HS-29, HS-31, HS-34, HS-39, HS-40, SYS-LINE-ROLE, SYS-ON-BEHALF).
    Words with a personal number in them are refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason="\n".join((*findings.values(), on_behalf)))
    act = _Act(line, method, dict(findings), on_behalf, joint)
    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        role = ctx.actor.role
        rules.check_record(line=line, method=method, findings=findings, role=role, on_behalf=on_behalf, policy=policy)
        _check_open(ctx, row)
        view = reads.record_view(
            sheet=project_papers.sheet(session, ctx, row, sources=reads.SOURCES),
            policy=policy,
            line=line,
            method=method,
            findings=findings,
            role=role,
            on_behalf=on_behalf,
            phase=rules.phase_of(state=row.state),
            contractors=reads.contractor_names(session, project=project),
            purchaser=purchaser_of(session, project=project),
        )
    printed = project_papers.printed(ctx, kind="supervision_record", view=view)
    with ctx.writing() as session:
        row = project_of(session, project)
        _check_open(ctx, row)
        document = project_papers.filed(session, ctx, project=project, stage="monitoring", printed=printed)
        record = _file(session, ctx, row, act, document)
        scheduled.settle(session, ctx, project=project)
        missing = reads.coverage_of(session, project=project, policy=policy).missing
        return SupervisionRecorded(id=record.id, phase=record.phase, document=document, missing=missing)


def _check_open(ctx: Context, row: Project) -> None:
    allowed = [state for state in states(Thing.PROJECT) if state not in rules.CLOSED_STATES]
    check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=allowed)


def _file(session: Session, ctx: Context, row: Project, act: _Act, document: str) -> Supervision:
    record = Supervision(
        id=ctx.new_id("sup", row.id, act.line),
        project_id=row.id,
        line=act.line,
        phase=rules.phase_of(state=row.state),
        method=act.method,
        findings=act.findings,
        recorded_by=ctx.actor.role,
        on_behalf=act.on_behalf or None,
        joint=list(act.joint),
        inspected_on=ctx.as_of,
        document_id=document,
    )
    session.add(record)
    events.on_project(
        session,
        ctx,
        row.id,
        "monitoring.supervised",
        {
            "supervision_id": record.id,
            "line": record.line,
            "method": record.method,
            "findings": sorted(record.findings),
            "phase": record.phase,
            "on_behalf": bool(act.on_behalf),
            **({"joint": len(act.joint)} if act.joint else {}),
            "document_id": document,
            "policy_digest": ctx.policy(region=row.region).digest,
        },
    )
    return record
