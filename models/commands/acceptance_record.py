"""Commands around the conclusion of acceptance (S15): the audit of the final accounts before it, the publication of its
result after it.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import documents, events, organisations, work
from models.commands.ledger import NotNegative
from models.commands.publicity_papers import Printer
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.errors import Conflict, Refusal
from models.core.hashing import canonical_json
from models.core.identifiers import parse_credit_code
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.ports import Zone
from models.queries import acceptance as reads
from models.queries.monitoring import contractor_names, contractors_of
from models.queries.reader import project_of
from models.rules import lifecycle
from models.rules.acceptance import ANNOUNCE
from models.rules.force import binding
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.tables.acceptance import AcceptanceConclusion, AcceptanceProblem, FinalAccountAudit
from models.tables.kernel import Project

_STAGE: Final = "acceptance"
_ACTING: Final = (*CIVIL_AFFAIRS, Role.PURCHASER)


class Auditor(BaseModel):
    """The consultant that audits: name, social credit code where known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=120, description="咨询单位名称")]
    uscc: Annotated[
        Annotated[str, AfterValidator(lambda text: parse_credit_code(text).code)] | None,
        Field(description="统一社会信用代码"),
    ] = None


class AuditKept(BaseModel):
    """The audit of the final accounts, and its report once there is one."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str | None = None


class ResultPublished(BaseModel):
    """The conclusion whose result stands in public, and the public record."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str


@command("acceptance.order_audit", roles=_ACTING, clause="ZY-100")
def order_audit(
    ctx: Context,
    *,
    project: str,
    auditor: Annotated[Auditor, Field(description="咨询单位")],
    qualification: Annotated[str, Field(min_length=2, max_length=200, description="相关行业水平(资质)")],
    reason: Annotated[str, Field(min_length=2, max_length=500, description="委托理由")],
) -> AuditKept:
    """Order an audit of the final accounts, after completion and before the conclusion; nobody has to (ZY-100).

    Raises ``Refusal`` ``lifecycle.not_in_state``, ``acceptance.auditor_not_independent``, ``Conflict``
    ``acceptance.audit_ordered``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = project_of(session, project)
        allowed = frozenset(reads.CLOCK_STATES)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=allowed)
        if reads.open_audit(session, project=project) is not None:
            raise Conflict("acceptance.audit_ordered", rule="SYS-ALREADY-DONE")
        body = organisations.known_or_new(session, ctx, name=auditor.name, uscc=auditor.uscc, kind="auditor")
        if body.id in {one.id for one in contractors_of(session, project=project)}:
            raise Refusal("acceptance.auditor_not_independent", rule="SYS-INDEPENDENT")
        before = select(func.count()).where(col(FinalAccountAudit.project_id) == project)
        audit = FinalAccountAudit(
            id=ctx.new_id("faa", project),
            project_id=project,
            ordinal=int(session.exec(before).one()) + 1,
            organisation_id=body.id,
            qualification=qualification,
            reason=reason,
            ordered_on=ctx.as_of,
        )
        session.add(audit)
        events.on_project(
            session, ctx, project, "acceptance.audit_ordered", {"audit_id": audit.id, "organisation_id": body.id}
        )
        return AuditKept(id=audit.id)


@command("acceptance.record_audit", roles=_ACTING, clause="ZY-100")
def record_audit(
    ctx: Context,
    *,
    project: str,
    report: Annotated[Upload, Field(description="审计报告")],
    verified: Annotated[NotNegative, Field(description="审定金额")],
) -> AuditKept:
    """File the report of the audit that was ordered. Raises ``Refusal`` ``acceptance.audit_missing`` (ZY-100)."""
    with ctx.writing() as session:
        audit = reads.open_audit(session, project=project_of(session, project).id)
        if audit is None:
            raise Refusal("acceptance.audit_missing", rule="SYS-NOT-FOUND")
        document = documents.file_upload(
            session,
            ctx,
            stored=report,
            project_id=project,
            stage=_STAGE,
            kind="final_account_audit",
            title=report.name,
            issuer=ROLE_NAMES[ctx.actor.role],
        )
        audit.reported_on, audit.verified_fen, audit.document_id = ctx.as_of, verified.fen, document.id
        session.add(audit)
        payload = {"audit_id": audit.id, "verified_fen": verified.fen, "document_sha256": document.sha256}
        events.on_project(session, ctx, project, "acceptance.audit_reported", payload)
        return AuditKept(id=audit.id, document=document.id)


@command("acceptance.publish_result", roles=_ACTING, clause="LAW-ZFCGTL-45")
def publish_result(
    ctx: Context,
    *,
    project: str,
    sites: Annotated[tuple[str, ...], Field(min_length=1, description="公告网站或场所")],
) -> ResultPublished:
    """Put the result of the latest conclusion in public: outcome, grade, satisfaction, number of problems; no persons.

    Earlier ones that were not published yet stand in the same record, with outcome and day.
    Raises ``Refusal`` ``acceptance.not_concluded``, ``Conflict`` ``acceptance.result_published``, ``DataFault``
    ``publicity.leak``.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        record = _result(session, ctx, row, _unpublished(session, project), sites)
        Printer.of(session, ctx).check(record)
    stored = documents.keep(ctx, data=canonical_json(record), media_type="application/json", zone=Zone.PUBLIC)
    with ctx.writing() as session:
        concluded = _unpublished(session, project)
        document = documents.file_upload(
            session,
            ctx,
            stored=stored,
            project_id=project,
            stage=_STAGE,
            kind="acceptance_result",
            title=sentence("acceptance.result.title", {"project": row.name}),
            issuer=ROLE_NAMES[ctx.actor.role],
        )
        for one in (*reads.unannounced(session, before=concluded), concluded):
            one.announced_on = ctx.as_of
            session.add(one)
            work.close_item(session, ctx, kind=ANNOUNCE, subject_id=one.id)
        rule = binding(policy=ctx.policy(region=row.region), rules=("BJ-40", "LAW-ZFCGTL-45"))
        payload = {
            "conclusion_id": concluded.id,
            "sites": len(sites),
            "document_sha256": document.sha256,
            "rule": rule,
        }
        events.on_project(session, ctx, project, "acceptance.result_published", payload)
        return ResultPublished(id=concluded.id, document=document.id)


def _unpublished(session: Session, project: str) -> AcceptanceConclusion:
    concluded = reads.latest_conclusion(session, project=project)
    if concluded is None:
        raise Refusal("acceptance.not_concluded", rule="SYS-NOT-FOUND")
    if concluded.announced_on is not None:
        facts = {"on": concluded.announced_on.isoformat()}
        raise Conflict("acceptance.result_published", rule="SYS-ALREADY-DONE", facts=facts)
    return concluded


def _result(
    session: Session, ctx: Context, row: Project, concluded: AcceptanceConclusion, sites: tuple[str, ...]
) -> dict[str, Any]:
    problems = select(func.count()).where(col(AcceptanceProblem.conclusion_id) == concluded.id)
    return {
        "project": row.name,
        "contractors": list(contractor_names(session, project=row.id)),
        "outcome": concluded.outcome,
        "grade": ctx.policy(region=row.region, on=concluded.concluded_on).evaluation.grade_names[concluded.grade],
        "concluded_on": concluded.concluded_on.isoformat(),
        "asked": concluded.asked,
        "satisfied": concluded.satisfied,
        "satisfaction_percent": None if (rate := reads.reported_satisfaction(concluded)) is None else str(rate),
        "problems": int(session.exec(problems).one()),
        "earlier": [
            {"outcome": one.outcome, "concluded_on": one.concluded_on.isoformat()}
            for one in reads.unannounced(session, before=concluded)
        ],
        "sites": list(sites),
        "published_on": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
    }
