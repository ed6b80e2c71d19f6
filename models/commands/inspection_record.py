"""The commands on one drawn inspection: its record by whoever was drawn, and who steps in for somebody kept from it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events, project_papers, scheduled, work
from models.commands.inspection import PUBLISH, TASK
from models.commands.monitoring import Code, Finding
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict
from models.core.registry import command
from models.policy.schema import Policy
from models.queries import monitoring as reads
from models.queries.inspection import inspections_of
from models.queries.procurement import purchaser_of
from models.queries.reader import found, project_of
from models.rules import inspection as rules
from models.rules import monitoring
from models.rules.masking import check_impersonal
from models.tables.kernel import Project
from models.tables.monitoring import Inspection, InspectionRound, Supervision

_LINE = "purchaser"


class InspectionRecorded(BaseModel):
    """The recorded inspection, its supervision record and paper; ``open`` are those of the round still to do."""

    model_config = ConfigDict(frozen=True)

    id: str
    supervision: str
    document: str
    problems: int
    open: int


@command("monitoring.record_inspection", roles=(*CIVIL_AFFAIRS, Role.FINANCE_BUREAU, Role.EXPERT), clause="ZY-87")
def record_inspection(
    ctx: Context,
    *,
    inspection: Annotated[str, Field(description="抽查任务编号")],
    method: Annotated[str, Field(description="监督方式")],
    findings: Annotated[dict[Code, Finding], Field(min_length=1, description="检查情况")],
    problems: Annotated[int, Field(ge=0, le=1000, description="发现问题数")],
) -> InspectionRecorded:
    """Record what a drawn inspector found; ``monitoring.order_rectification`` orders problems to be put right.

    Raises ``Refusal`` ``monitoring.not_drawn`` (ZY-87), ``monitoring.method_unknown``, ``monitoring.finding_unknown``;
    ``Conflict`` ``monitoring.inspected_already``.
    Words with a personal number in them are refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason="\n".join(findings.values()))
    with ctx.reading() as session:
        row = _open(session, inspection)
        project = project_of(session, row.project_id)
        policy = ctx.policy(region=project.region)
        rules.check_drawn_inspector(actor=ctx.actor.id, drawn=row.inspectors, policy=policy)
        _check(method, findings, policy)
        view = reads.record_view(
            sheet=project_papers.sheet(session, ctx, project, sources=reads.SOURCES),
            policy=policy,
            line=_LINE,
            method=method,
            findings=findings,
            role=ctx.actor.role,
            on_behalf="",
            phase=monitoring.phase_of(state=project.state),
            contractors=reads.contractor_names(session, project=project.id),
            purchaser=purchaser_of(session, project=project.id),
        )
    printed = project_papers.printed(ctx, kind="supervision_record", view=view)
    with ctx.writing() as session:
        row = _open(session, inspection)
        document = project_papers.filed(session, ctx, project=row.project_id, stage="monitoring", printed=printed)
        record = _supervision(ctx, project_of(session, row.project_id), row, method, dict(findings), document)
        session.add(record)
        session.flush()
        row.inspected_on, row.problems = ctx.as_of, problems
        row.findings, row.supervision_id = dict(findings), record.id
        session.add(row)
        work.close_item(session, ctx, kind=TASK, subject_id=row.id)
        _tell(session, ctx, row, document)
        scheduled.settle(session, ctx, project=row.project_id)
        left = _owe_publication(session, ctx, row.round_id)
        return InspectionRecorded(id=row.id, supervision=record.id, document=document, problems=problems, open=left)


class InspectorReplaced(BaseModel):
    """Who inspects now, and who may still step in."""

    model_config = ConfigDict(frozen=True)

    id: str
    inspectors: tuple[str, ...]
    alternates: tuple[str, ...]


@command("monitoring.replace_inspector", roles=CIVIL_AFFAIRS, clause="ZY-87")
def replace_inspector(
    ctx: Context,
    *,
    inspection: Annotated[str, Field(description="抽查任务编号")],
    inspector: Annotated[str, Field(description="不能参加的检查人员账号")],
    reason: Annotated[str, Field(min_length=4, max_length=300, description="理由(不写个人信息)")],
) -> InspectorReplaced:
    """Let the next one drawn step in for an inspector who cannot take part: nobody chooses who.

    Raises ``Refusal`` ``monitoring.inspector_unknown``, ``monitoring.no_alternate`` (ZY-87); ``Conflict``
    ``monitoring.inspected_already``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = _open(session, inspection)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        rules.check_replaceable(out=inspector, drawn=row.inspectors, alternates=row.alternates, policy=policy)
        stand_in, *left = row.alternates
        row.inspectors = [stand_in if one == inspector else one for one in row.inspectors]
        row.alternates = left
        step = {"out": inspector, "in": stand_in, "on": ctx.as_of.isoformat(), "by": str(ctx.actor), "reason": reason}
        row.replaced = [*row.replaced, step]
        session.add(row)
        payload = {"inspection": row.id, "round": row.round_id, "replaced": len(row.replaced)}
        events.on_project(session, ctx, row.project_id, "monitoring.inspector_replaced", payload)
        return InspectorReplaced(id=row.id, inspectors=tuple(row.inspectors), alternates=tuple(left))


def _tell(session: Session, ctx: Context, row: Inspection, document: str) -> None:
    events.on_project(
        session,
        ctx,
        row.project_id,
        "monitoring.inspected",
        {
            "inspection": row.id,
            "round": row.round_id,
            "problems": row.problems,
            "document_id": document,
        },
    )


def _open(session: Session, inspection: str) -> Inspection:
    row = found(session.get(Inspection, inspection, with_for_update=True), kind="inspection", id=inspection)
    if row.inspected_on is not None:
        facts = {"on": row.inspected_on.isoformat()}
        raise Conflict("monitoring.inspected_already", rule="SYS-ALREADY-DONE", facts=facts)
    return row


def _check(method: str, findings: dict[str, str], policy: Policy) -> None:
    monitoring.check_record(
        line=_LINE, method=method, findings=findings, role=Role.CITY_BUREAU, on_behalf="", policy=policy
    )


def _supervision(
    ctx: Context, project: Project, row: Inspection, method: str, findings: dict[str, str], document: str
) -> Supervision:
    return Supervision(
        id=ctx.new_id("sup", row.id),
        project_id=project.id,
        line=_LINE,
        phase=monitoring.phase_of(state=project.state),
        method=method,
        findings=findings,
        recorded_by=ctx.actor.role,
        on_behalf=None,
        inspected_on=ctx.as_of,
        document_id=document,
    )


def _owe_publication(session: Session, ctx: Context, round_id: str) -> int:
    """Return how many inspections are left; after the last one the results are to be published."""
    session.flush()
    left = sum(one.inspected_on is None for one in inspections_of(session, round_id))
    if left:
        return left
    row = session.exec(select(InspectionRound).where(col(InspectionRound.id) == round_id)).one()
    policy = ctx.policy(region=row.region)
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.monitoring.publish_working_days)
    row.publish_due_on = due.date
    session.add(row)
    work.open_item(
        session,
        ctx,
        kind=PUBLISH,
        role=Role.EVALUATION_OFFICE,
        subject_kind="inspection_round",
        subject_id=row.id,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause("monitoring.publish_working_days"),
        resolves_with="monitoring.publish_inspection",
    )
    return 0
