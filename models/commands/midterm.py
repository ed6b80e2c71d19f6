"""Commands of the midterm evaluation (S14): it becomes due, and what it finds and recommends is put on paper.

Nothing of the project changes here: a disposition takes effect only by ``midterm.decide`` (``midterm_decision``). Texts
stay in the rows; events hold codes, dates, amounts and digests.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, project_papers, work
from models.commands.ledger import NotNegative
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.periods import Period, add_months
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.bodies import acting_body
from models.queries.decision import newest_decision
from models.queries.midterm import begun, newest_assessment, owed_window
from models.queries.papers import Sheet, facts, head
from models.queries.reader import project_of
from models.rules import lifecycle
from models.rules import midterm as rules
from models.rules.lifecycle import Thing
from models.rules.midterm import Timing
from models.tables.kernel import Project
from models.tables.midterm import MidtermAssessment

STAGE: Final = "midterm"
ASSESS: Final = "midterm.assess"
DECIDE: Final = "midterm.decide"
_MONTHS_A_YEAR: Final = 12
_SOURCES: Final = ("midterm.assess",)
Words = Annotated[str, Field(min_length=2, max_length=2000)]


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Finding(_Given):
    """One finding of the re-evaluation with its reason (ZY-102)."""

    positive: Annotated[bool, Field(description="结论是否成立")]
    reason: Annotated[str, Field(max_length=2000, description="理由")]


class Restructuring(_Given):
    """How losses are kept small: by reorganising or replacing, what it costs, what becomes of recipients and money."""

    way: Annotated[str, Field(pattern="^(restructure|replace|other)$", description="重组、置换或者其他方式")]
    measures: Annotated[Words, Field(description="挽损、减损、止损措施")]
    loss_estimate: Annotated[NotNegative, Field(description="预计损失")]
    recipients: Annotated[Words, Field(description="服务对象安置")]
    funds: Annotated[Words, Field(description="资金处理")]


class MidtermOpened(BaseModel):
    """How many evaluations are newly due."""

    model_config = ConfigDict(frozen=True)

    opened: int


class Assessed(BaseModel):
    """The assessment: whether it came in its window, and its papers; ``plan`` is the restructuring plan."""

    model_config = ConfigDict(frozen=True)

    id: str
    recommendation: str
    timing: Timing
    document: str
    plan: str | None
    warnings: tuple[str, ...]


@command("midterm.open_due", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-101")
def open_due(ctx: Context) -> MidtermOpened:
    """Open a work item for every project longer than five years that has reached its window and was not evaluated.

    A second call opens nothing new.
    """
    leaves = ctx.policy(region=ctx.services.region).midterm
    if leaves.window_from_years is None:
        return MidtermOpened(opened=0)
    tomorrow = ctx.as_of + timedelta(days=1)  # who began on 29 February reaches the window on 28 February
    with ctx.writing() as session:
        opened = 0
        for project in begun(session, by=add_months(tomorrow, months=-_MONTHS_A_YEAR * leaves.window_from_years)):
            policy = ctx.policy(region=project.region)
            window = owed_window(session, project.id, policy)
            if window is not None and ctx.as_of >= window.start:
                opened += _open(session, ctx, project, window, policy)
        return MidtermOpened(opened=opened)


def _open(session: Session, ctx: Context, project: Project, window: Period, policy: Policy) -> bool:
    """Open the item of a project; say whether it was not there before."""
    item = work.open_item(
        session,
        ctx,
        kind=ASSESS,
        role=Role.EVALUATION_OFFICE,
        subject_kind="project",
        subject_id=project.id,
        project_id=project.id,
        due_on=window.last_day or window.start,
        clause=policy.clause("midterm.window_to_years"),
        resolves_with="midterm.assess",
    )
    return item.opened_on == ctx.as_of


def over(session: Session, ctx: Context, project: str) -> None:
    """Close what waits for the evaluation of a project that has ended or is complete: nobody can act on it any more."""
    work.close_item(session, ctx, kind=ASSESS, subject_id=project)
    last = newest_assessment(session, project)
    if last is not None:
        work.close_item(session, ctx, kind=DECIDE, subject_id=last.id)


@command("midterm.assess", roles=(*CIVIL_AFFAIRS, Role.THIRD_PARTY_EVALUATOR), clause="ZY-102")
def assess(
    ctx: Context,
    *,
    project: str,
    findings: Annotated[dict[str, Finding], Field(description="再评估的两项结论")],
    environment: Annotated[str, Field(max_length=2000, description="外部环境变化")],
    own_change: Annotated[str, Field(max_length=2000, description="项目自身变化")],
    conditions_changed: Annotated[bool, Field(description="实施条件是否发生变化")],
    recommendation: Annotated[str, Field(description="处置意见:STOP、DEFER、CONVERT、CONTINUE")],
    reason: Annotated[Words, Field(description="处置理由")],
    restructuring: Annotated[Restructuring | None, Field(description="重组、置换方案及损失估计")] = None,
    report: Annotated[Upload | None, Field(description="评估报告")] = None,
) -> Assessed:
    """Evaluate a project in the middle of its term and recommend to stop, defer, convert or continue it.

    A project that owes none, or none yet, may be evaluated when its money or conditions change. Raises ``Refusal``
    ``midterm.too_early`` (ZY-101), ``midterm.finding_missing`` (ZY-102), ``midterm.disposition_unknown`` and
    ``midterm.not_analysed`` (ZY-103), ``midterm.plan_missing`` (ZY-105), ``midterm.not_here``, ``SYS-STATE``.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=_ASSESSABLE)
        rules.check_findings(reasons={code: one.reason for code, one in findings.items()}, policy=policy)
        analysed = bool(environment.strip() and own_change.strip())
        rules.check_disposition(disposition=recommendation, analysed=analysed, policy=policy)
        rules.check_plan(
            funds_assured=findings[rules.FUNDING].positive,
            conditions_changed=conditions_changed,
            ending=recommendation in rules.ENDING,
            planned=restructuring is not None,
            policy=policy,
        )
        changed = conditions_changed or not findings[rules.FUNDING].positive
        assessment = MidtermAssessment(
            id=ctx.new_id("mid", project),
            project_id=project,
            ordinal=_ordinal(session, project),
            findings={code: one.model_dump() for code, one in findings.items()},
            environment=environment,
            own_change=own_change,
            conditions_changed=conditions_changed,
            recommendation=recommendation,
            reason=reason,
            restructuring=restructuring.model_dump(exclude={"loss_estimate"}) if restructuring else {},
            loss_fen=restructuring.loss_estimate.fen if restructuring else None,
            assessed_on=ctx.as_of,
            policy_digest=policy.digest,
            document_id="",
            **_timing(session, ctx, project, changed=changed, policy=policy),
        )
        views = _views(session, ctx, row, assessment, policy)
    papers = [project_papers.printed(ctx, kind=kind, view=view) for kind, view in views]
    return _file(ctx, assessment, papers, report=report)


_ASSESSABLE: Final = ("in_progress", "deferred")


def _ordinal(session: Session, project: str) -> int:
    last = newest_assessment(session, project)
    return last.ordinal + 1 if last else 1


def _timing(session: Session, ctx: Context, project: str, *, changed: bool, policy: Policy) -> dict[str, Any]:
    """Return the columns that tell how an assessment stands to the window of the one the project still owes."""
    window = owed_window(session, project, policy)
    timing = rules.timing(window=window, on=ctx.as_of, changed=changed, policy=policy)
    owed = window if timing is not Timing.VOLUNTARY else None
    return {
        "window_from": owed.start if owed else None,
        "window_to": owed.last_day if owed else None,
        "timing": timing,
    }


def _file(
    ctx: Context, assessment: MidtermAssessment, papers: list[project_papers.Printed], *, report: Upload | None
) -> Assessed:
    project = assessment.project_id
    with ctx.writing() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=_ASSESSABLE)
        filed = [project_papers.filed(session, ctx, project=project, stage=STAGE, printed=one) for one in papers]
        if report is not None:
            _file_report(session, ctx, row, report, policy)
        before = newest_assessment(session, project)
        assessment.document_id, assessment.plan_document_id = filed[0], filed[1] if len(filed) > 1 else None
        session.add(assessment)
        session.flush()
        work.close_item(session, ctx, kind=ASSESS, subject_id=project)
        if before is not None:  # nobody decides any more on what is assessed anew
            work.close_item(session, ctx, kind=DECIDE, subject_id=before.id)
        _await_decision(session, ctx, assessment, row, policy)
        _note(session, ctx, assessment)
        late = assessment.timing == Timing.LATE
        facts_ = {"until": str(assessment.window_to), "source": policy.clause("midterm.window_to_years")}
        return Assessed(
            id=assessment.id,
            recommendation=assessment.recommendation,
            timing=Timing(assessment.timing),
            document=assessment.document_id,
            plan=assessment.plan_document_id,
            warnings=(sentence("midterm.warning.late", facts_),) if late else (),
        )


def _file_report(session: Session, ctx: Context, row: Project, report: Upload, policy: Policy) -> None:
    documents.file_upload(
        session,
        ctx,
        stored=report,
        project_id=row.id,
        stage=STAGE,
        kind="midterm_evaluation_file",
        title=sentence("midterm.paper.report_file"),
        issuer=acting_body(session, role=ctx.actor.role, policy=policy, project=row.id),
    )


def authority_of(session: Session, project: Project, policy: Policy) -> str:
    """Return the role that decides on a project again: who decided it before, else who policy names for its payer."""
    decided = newest_decision(session, project.id)
    return decided.decided_by if decided is not None else policy.decision.authorities[project.payer]


def _await_decision(
    session: Session, ctx: Context, assessment: MidtermAssessment, project: Project, policy: Policy
) -> None:
    """Ask the authority for its re-decision: by the end of the window, at once where there is none or it is over."""
    work.open_item(
        session,
        ctx,
        kind=DECIDE,
        role=Role(authority_of(session, project, policy)),
        subject_kind="midterm_assessment",
        subject_id=assessment.id,
        project_id=project.id,
        due_on=max(assessment.window_to or ctx.as_of, ctx.as_of),
        clause=policy.clause("midterm.dispositions"),
        resolves_with="midterm.decide",
    )


def _note(session: Session, ctx: Context, row: MidtermAssessment) -> None:
    payload = {
        "assessment_id": row.id,
        "ordinal": row.ordinal,
        "positive": {code: one["positive"] for code, one in row.findings.items()},
        "conditions_changed": row.conditions_changed,
        "recommendation": row.recommendation,
        "timing": row.timing,
        "loss_fen": row.loss_fen,
        "content_digest": digest([row.findings, row.environment, row.own_change, row.reason, row.restructuring]),
        "document_id": row.document_id,
        "plan_document_id": row.plan_document_id,
    }
    events.on_project(session, ctx, row.project_id, "midterm.assessed", payload)


def _views(
    session: Session, ctx: Context, row: Project, assessment: MidtermAssessment, policy: Policy
) -> list[tuple[str, dict[str, Any]]]:
    sheet = project_papers.sheet(session, ctx, row, sources=_SOURCES)
    issuer = acting_body(session, role=ctx.actor.role, policy=policy, project=row.id)
    views = [("midterm_report", _report_view(sheet, assessment, policy, issuer=issuer))]
    if assessment.restructuring:
        views.append(("restructuring_plan", _plan_view(sheet, assessment, issuer=issuer)))
    return views


def _report_view(sheet: Sheet, row: MidtermAssessment, policy: Policy, *, issuer: str) -> dict[str, Any]:
    names = policy.midterm.findings or {}
    lines: list[tuple[str, object | None, str]] = [
        ("window", f"{row.window_from}至{row.window_to}" if row.window_from else sentence("midterm.paper.none"), ""),
        ("timing", sentence(f"midterm.timing.{row.timing}"), ""),
        ("recommendation", (policy.midterm.dispositions or {})[row.recommendation], "midterm.assess.recommendation"),
    ]
    body: list[Any] = [{"level": "h1", "text": sentence("midterm.paper.findings")}]
    for code, one in row.findings.items():
        told = sentence("midterm.paper.positive" if one["positive"] else "midterm.paper.negative")
        body.append(sentence("midterm.paper.finding", {"name": names[code], "told": told, "reason": one["reason"]}))
    for title, text in (("environment", row.environment), ("own_change", row.own_change), ("reason", row.reason)):
        body += [{"level": "h1", "text": sentence(f"midterm.paper.{title}")}, text]
    return {
        **head(sheet=sheet, title="midterm.paper.report_title", issuer=issuer),
        "facts": facts(sheet=sheet, stage=STAGE, lines=lines),
        "body": body,
    }


def _plan_view(sheet: Sheet, row: MidtermAssessment, *, issuer: str) -> dict[str, Any]:
    plan = row.restructuring
    lines: list[tuple[str, object | None, str]] = [
        ("way", sentence(f"midterm.way.{plan['way']}"), "midterm.assess.restructuring.way"),
        ("loss", Money(row.loss_fen or 0), "midterm.assess.restructuring.loss_estimate"),
    ]
    body: list[Any] = []
    for part in ("measures", "recipients", "funds"):
        body += [{"level": "h1", "text": sentence(f"midterm.paper.{part}")}, plan[part]]
    return {
        **head(sheet=sheet, title="midterm.paper.plan_title", issuer=issuer),
        "facts": facts(sheet=sheet, stage=STAGE, lines=lines),
        "body": body,
    }
