"""The command that compiles the feasibility report (S04): chapters by the outline, tables, the paper and its digest.

The report rests on the newest appraisal, while that stands for the project as it is. A later version has another
digest, so the county's opinion on an earlier one no longer counts (``rules.feasibility_set``). Moves no state.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, project_papers
from models.commands.feasibility_tables import BalanceRow, RiskRow, check_tables, line_of
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.bodies import acting_body
from models.queries.decision import applied_amounts
from models.queries.feasibility import newest, standing_appraisal
from models.queries.feasibility_papers import REPORT_SOURCES, report_view
from models.queries.reader import project_of
from models.rules import feasibility_report as rules
from models.rules import lifecycle
from models.rules.feasibility_set import REPORT
from models.rules.lifecycle import Thing
from models.tables.feasibility import FeasibilityReport
from models.tables.kernel import Project

STATES: Final = ("candidate", "under_review", "reviewed", "on_publicity", "objection")
"""Project states in which the decision set is put together: appraised, not yet decided."""

_EARLIER: Final = ("submitted", "returned")
ATTACHMENT: Final = "feasibility_report_attachment"
Text = Annotated[str, Field(max_length=20_000)]


class Compiled(BaseModel):
    """The new version: the digest of its paper (the opinion is pinned to it), its document, and warnings."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    sha256: str
    document: str
    warnings: tuple[str, ...]


@command("feasibility.compile_report", roles=CIVIL_AFFAIRS, clause="ZY-61")
def compile_report(
    ctx: Context,
    *,
    project: str,
    author: Annotated[str, Field(min_length=2, max_length=200, description="编制单位")],
    chapters: Annotated[dict[str, Text], Field(max_length=60, description="各章内容(章代码: 正文)")],
    balance: Annotated[tuple[BalanceRow, ...], Field(max_length=200, description="资金平衡表")] = (),
    risk_register: Annotated[tuple[RiskRow, ...], Field(max_length=100, description="风险清单")] = (),
    stability: Annotated[Text, Field(description="社会稳定风险评估")] = "",
    attachment: Annotated[Upload | None, Field(description="报告附件")] = None,
) -> Compiled:
    """Compile the feasibility report of an appraised project; what the appraisal brought along need not be repeated.

    Raises ``Refusal`` ``feasibility.not_appraised`` (ZY-66), ``feasibility.chapters_wrong`` (ZY-61),
    ``feasibility.balance_uneven``, ``feasibility.risks_incomplete``, ``feasibility.annexes_missing`` (ZY-64, ZY-65),
    ``SYS-STATE``.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        lifecycle.check_state_in(
            thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=(*_EARLIER, *STATES)
        )
        check_tables(balance, risk_register, policy=policy)
        draft = FeasibilityReport(
            id=ctx.new_id("fea", project),
            project_id=project,
            ordinal=0,
            appraisal_id="",
            author=author,
            chapters={code: text.strip() for code, text in chapters.items()},
            balance=[line.kept() for line in balance],
            risks=[risk.model_dump() for risk in risk_register],
            stability=stability,
            outline_source="",
            outline_since="",
            outline_digest="",
            warnings=[],
            sha256="",
            document_id="",
            policy_digest=policy.digest,
            compiled_on=ctx.as_of,
        )
        view = _completed(session, ctx, row, draft, attachment=attachment)
    printed = project_papers.printed(ctx, kind=REPORT, view=view)
    draft.sha256 = printed.paper.stored.sha256
    with ctx.writing() as session:
        _file_attachment(session, ctx, row, draft, attachment, issuer=printed.issuer)
        draft.document_id = project_papers.filed(session, ctx, project=project, stage="feasibility", printed=printed)
        session.add(draft)
        _announce(session, ctx, draft)
        return _compiled(draft)


def _compiled(report: FeasibilityReport) -> Compiled:
    return Compiled(
        id=report.id,
        version=report.ordinal,
        sha256=report.sha256,
        document=report.document_id,
        warnings=tuple(report.warnings),
    )


def _completed(
    session: Session, ctx: Context, project: Project, draft: FeasibilityReport, *, attachment: Upload | None
) -> dict[str, Any]:
    """Fill in what the draft takes from the appraisal and the outline; return its view. Raises as the command."""
    policy = ctx.policy(region=project.region)
    appraisal, previous = standing_appraisal(session, project), newest(session, FeasibilityReport, project.id)
    if appraisal is not None:
        draft.balance, draft.risks = draft.balance or appraisal.balance, draft.risks or appraisal.risks
        draft.stability = draft.stability.strip() or appraisal.assessments.get("stability", "")
    rules.check_basis(
        basis=rules.Basis(
            appraisal=appraisal.outcome if appraisal else None,
            balance=bool(draft.balance),
            risks=bool(draft.risks),
            major=bool(appraisal and appraisal.major),
            stability=draft.stability,
        ),
        policy=policy,
    )
    assert appraisal is not None  # check_basis refuses a project without one
    rules.check_chapters(chapters=draft.chapters, policy=policy)
    outline = rules.outline_of(policy=policy)
    draft.ordinal, draft.appraisal_id = previous.ordinal + 1 if previous else 1, appraisal.id
    draft.outline_source, draft.outline_since, draft.outline_digest = outline.source, outline.since, outline.digest
    applied = applied_amounts(session, project_id=project.id, policy=policy)
    lines = tuple(line_of(line) for line in draft.balance)
    draft.warnings = list(rules.balance_warnings(lines=lines, applied=applied, policy=policy))
    named = {"name": attachment.name, "sha256": attachment.sha256} if attachment else None
    return report_view(
        sheet=project_papers.sheet(session, ctx, project, sources=REPORT_SOURCES),
        policy=policy,
        report=draft,
        appraisal=appraisal,
        applied=Money.total(applied.values()),
        issuer=_issuer(session, ctx, project, policy),
        attachments=[sentence("feasibility.report.attachment", named)] if named else [],
    )


def _issuer(session: Session, ctx: Context, project: Project, policy: Policy) -> str:
    return acting_body(session, role=ctx.actor.role, policy=policy, project=project.id)


def _file_attachment(
    session: Session, ctx: Context, project: Project, draft: FeasibilityReport, file: Upload | None, *, issuer: str
) -> None:
    if file is not None:
        draft.attachment_id = documents.file_upload(
            session,
            ctx,
            stored=file,
            project_id=project.id,
            stage="feasibility",
            kind=ATTACHMENT,
            title=sentence("feasibility.report.attachment_title", {"project": project.name}),
            issuer=issuer,
        ).id


def _announce(session: Session, ctx: Context, report: FeasibilityReport) -> None:
    events.on_project(
        session,
        ctx,
        report.project_id,
        "feasibility.report_compiled",
        {
            "id": report.id,
            "ordinal": report.ordinal,
            "appraisal_id": report.appraisal_id,
            "sha256": report.sha256,
            "chapters_digest": digest(report.chapters),
            "outline_digest": report.outline_digest,
            "policy_digest": report.policy_digest,
            "balance_lines": len(report.balance),
            "risks": len(report.risks),
            "document_id": report.document_id,
        },
    )
