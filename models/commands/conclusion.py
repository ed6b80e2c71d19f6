"""The command of the comprehensive acceptance (S15): evidence checked, scores weighed, a grade, problems assigned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import acceptance_clock, effects, project_papers, transition, work
from models.context import Context
from models.core.actors import Role
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries import acceptance as reads
from models.queries.acceptance import Judged, Problem
from models.queries.acceptance_papers import SOURCES, conclusion_view
from models.queries.chains import types_of
from models.queries.delivery import progress
from models.queries.evaluation import omission_sentence, omissions_of, third_party_of
from models.queries.goals import performance_sheet
from models.queries.monitoring import contractor_names, coverage_of
from models.queries.procurement import purchaser_of
from models.queries.reader import project_of
from models.rules import acceptance as rules
from models.rules import evaluation, lifecycle, monitoring
from models.rules.acceptance import ANNOUNCE, COMPREHENSIVE, EVALUATE, PROBLEM, Outcome
from models.rules.bodies import body_name
from models.rules.delivery import reach
from models.rules.evaluation import SheetItem
from models.rules.lifecycle import Thing
from models.rules.steps import check_step
from models.tables.acceptance import AcceptanceConclusion, AcceptanceProblem
from models.tables.kernel import Project

_PROBLEM_SOURCE: Final = "acceptance.conclusion_feeds_next_batch"
"""The leaf whose source also asks for problems to be mended (ZY-98, ZY-99 are one sentence)."""

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Scores = dict[Code, Annotated[Decimal, Field(max_digits=15, decimal_places=4)]]


class Satisfaction(BaseModel):
    """A satisfaction survey among recipients: how many were asked, how many were satisfied."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: Annotated[int, Field(ge=1, le=10**12, description="调查人数")]
    satisfied: Annotated[int, Field(ge=0, le=10**12, description="满意人数")]


class Concluded(BaseModel):
    """The conclusion: total, grade, the share of the last instalment it earns, and where the project stands."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    total: Decimal
    grade: str
    pay_ratio: Decimal
    document: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


@command(
    "acceptance.conclude",
    roles=(Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.EVALUATION_OFFICE, Role.PURCHASER),
    clause="ZY-97",
)
def conclude(
    ctx: Context,
    *,
    project: str,
    purchaser_scores: Annotated[Scores, Field(description="购买主体考核评分")],
    recipient_scores: Annotated[Scores, Field(description="服务对象评价评分")],
    satisfaction: Annotated[Satisfaction, Field(description="满意度")],
    outcome: Annotated[Outcome, Field(description="验收结论")],
    problems: Annotated[tuple[Problem, ...], Field(description="问题")] = (),
    recipients_opinion: Annotated[str, Field(max_length=500, description="救助对象意见")] = "",
    reassessed_in: Annotated[str | None, Field(description="服务后按同一指标复评的摸底编号")] = None,
) -> Concluded:
    """Conclude the comprehensive acceptance: evidence complete, scores weighed, grade given, problems assigned.

    The result becomes due to be published; recipients not heard in words and an audit of the final accounts that has
    not reported (ZY-100) are warned of. Raises ``Refusal`` ``acceptance.not_reassessed`` and
    ``acceptance.indicators_changed`` (ZY-27), ``acceptance.self_check_missing`` (ZY-97),
    ``acceptance.problem_wrong`` (ZY-99), ``procurement.step_missing`` (BJ-24),
    ``evaluation.missing`` (HS-35), ``monitoring.line_missing`` (HS-29), ``monitoring.no_fund_check`` (HS-32),
    ``monitoring.no_satisfaction_survey`` (HS-33), ``evaluation.sheet_wrong``,
    ``evaluation.party_missing`` (HS-41), ``acceptance.target_missed`` (HS-06), ``acceptance.grade_fails``.
    """
    given = _Given(
        purchaser_scores, recipient_scores, satisfaction, outcome, problems, recipients_opinion, reassessed_in
    )
    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        rules.check_problems(problems=[(one.owner, one.due_on) for one in problems], on=ctx.as_of, policy=policy)
        rules.check_self_checked(state=row.state, policy=policy)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        _check_evidence(session, row, policy)
        judged = _judge(session, ctx, row, given, policy)
        rules.check_outcome(outcome=outcome, verdict=judged.verdict, reach=judged.reach, policy=policy)
        view = conclusion_view(
            sheet=project_papers.sheet(session, ctx, row, sources=SOURCES),
            policy=policy,
            judged=judged,
            contractors=contractor_names(session, project=project),
            issuer=body_name(policy=policy, role=ctx.actor.role, purchaser=purchaser_of(session, project=project)),
        )
    printed = project_papers.printed(ctx, kind="acceptance_conclusion", view=view)
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        document = project_papers.filed(session, ctx, project=project, stage="acceptance", printed=printed)
        return _file(session, ctx, row, judged, document=document, policy=policy)


@dataclass(frozen=True)
class _Given:
    purchaser: Scores
    recipient: Scores
    satisfaction: Satisfaction
    outcome: Outcome
    problems: tuple[Problem, ...]
    opinion: str
    reassessed_in: str | None


def _check_evidence(session: Session, row: Project, policy: Policy) -> None:
    check_step(step="project.accepted", happened=types_of(session, row.id), policy=policy)
    held = [one.phase for one in third_party_of(session, project=row.id)]
    omitted = [one.phase for one in omissions_of(row)]
    evaluation.check_third_party(phases=(*held, *omitted), policy=policy)
    monitoring.check_coverage(found=coverage_of(session, project=row.id, policy=policy), policy=policy)


def _purchaser_score(given: _Given, sheet: Mapping[str, SheetItem] | None) -> Decimal | None:
    """Return the purchaser's score: weighted on the performance sheet (``sheet``), on any other the plain mean."""
    return _mean(given.purchaser) if sheet is None else evaluation.weighted(scores=given.purchaser, sheet=sheet)


def _check_sheets(given: _Given, policy: Policy, weighed: Mapping[str, SheetItem] | None) -> None:
    rules.check_satisfaction(asked=given.satisfaction.asked, satisfied=given.satisfaction.satisfied)
    named = {code: item.name for code, item in weighed.items()} if weighed else policy.evaluation.purchaser_items
    sheets = (
        (given.purchaser, named, "evaluation.sheet.purchaser", "HS-42"),
        (given.recipient, policy.monitoring.recipient_items, "evaluation.sheet.recipient", "HS-39"),
    )
    for scores, items, sheet, rule in sheets:
        if scores or items:
            evaluation.check_sheet(scores=scores, items=items, sheet=sheet, rules=(rule,), policy=policy)


def _judge(session: Session, ctx: Context, row: Project, given: _Given, policy: Policy) -> Judged:
    sheet: Mapping[str, SheetItem] | None = performance_sheet(session, region=row.region, policy=policy)
    if not evaluation.is_performance_sheet(scores=given.purchaser, sheet=sheet or {}, policy=policy):
        sheet = None
    _check_sheets(given, policy, sheet)
    third_party = tuple(Decimal(one.total) for one in third_party_of(session, project=row.id))
    party_scores = rules.party_means(
        third_party=third_party, purchaser=_purchaser_score(given, sheet), recipient=_mean(given.recipient)
    )
    evaluation.check_parties(parties=tuple(party_scores), policy=policy)
    asked, satisfied = given.satisfaction.asked, given.satisfaction.satisfied
    change = reads.needs_change(session, row, survey=given.reassessed_in)
    rules.check_same_indicators(
        baseline=reads.baseline_indicators(session, row),
        after=change.indicators if change else None,
        compared=change.compared if change else 0,
        policy=policy,
    )
    counted = progress(ctx.reader(session), project=row.id)
    self_check = reads.latest_self_check(session, project=row.id)
    assert self_check is not None  # by the state that was checked before
    return Judged(
        outcome=given.outcome,
        self_check_id=self_check.id,
        self_checked_on=self_check.submitted_on,
        indicators=self_check.indicators,
        purchaser_scores=given.purchaser,
        recipient_scores=given.recipient,
        party_scores=party_scores,
        verdict=evaluation.judge(party_scores=party_scores, asked=asked, satisfied=satisfied, policy=policy),
        asked=asked,
        satisfied=satisfied,
        reach=reach(served=counted.served, target=counted.target),
        opinion=given.opinion,
        problems=given.problems,
        needs_change=change,
        warnings=_warnings(session, ctx, row, given, policy),
    )


def _fallen(session: Session, ctx: Context, row: Project, given: _Given, policy: Policy) -> list[str]:
    """Return the warning that fewer were satisfied than among all asked the year before (BJ-05)."""
    before = reads.satisfaction_of_year(session, region=row.region, year=ctx.as_of.year - 1)
    now = given.satisfaction
    if before is None or not rules.has_fallen(before=before, asked=now.asked, satisfied=now.satisfied, policy=policy):
        return []
    percent = rules.satisfaction_percent(asked=now.asked, satisfied=now.satisfied)
    was = rules.satisfaction_percent(asked=before[0], satisfied=before[1])
    return [sentence("acceptance.warning.fallen", {"rule": "BJ-05", "now": str(percent), "was": str(was)})]


def _warnings(session: Session, ctx: Context, row: Project, given: _Given, policy: Policy) -> tuple[str, ...]:
    """Return what does not block: recipients heard in figures only, an audit that was ordered and has not reported."""
    audit = reads.open_audit(session, project=row.id)
    said = _fallen(session, ctx, row, given, policy)
    if policy.acceptance.recipients_invited and not given.opinion:
        said.append(sentence("acceptance.warning.no_opinion", {"rule": "LAW-ZFCGTL-45"}))
    if policy.acceptance.audit_before and audit is not None:
        said.append(sentence("acceptance.warning.audit_open", {"rule": "ZY-100", "on": audit.ordered_on}))
    return (*(omission_sentence(one, policy=policy) for one in omissions_of(row)), *said)


def _mean(scores: Scores) -> Decimal | None:
    return evaluation.mean(scores=tuple(scores.values())) if scores else None


def _file(session: Session, ctx: Context, row: Project, judged: Judged, *, document: str, policy: Policy) -> Concluded:
    previous = reads.latest_conclusion(session, project=row.id)
    concluded = _conclusion(session, ctx, row, judged, document=document, policy=policy)
    session.add(concluded)
    session.flush()
    effects.after_conclusion(session, ctx, concluded, previous=previous, policy=policy)
    problems = tuple(
        _open_problem(session, ctx, concluded, ordinal, problem, clause=policy.clause(_PROBLEM_SOURCE))
        for ordinal, problem in enumerate(judged.problems, start=1)
    )
    if judged.outcome is Outcome.ACCEPTED:
        work.close_item(session, ctx, kind=COMPREHENSIVE, subject_id=row.id)
        _open_evaluation(session, ctx, row.id, policy)
    if policy.acceptance.result_announced:
        open_announcement(session, ctx, concluded, policy)
    payload = _payload(concluded, row, problems=problems, warnings=len(judged.warnings))
    transition.apply(session, ctx, row, payload=payload, outcome=judged.outcome)
    if judged.outcome is Outcome.NOT_ACCEPTED:
        acceptance_clock.restart(session, ctx, row)
    return Concluded(
        id=concluded.id,
        state=f"project.{row.state}",
        total=judged.verdict.total,
        grade=concluded.grade,
        pay_ratio=judged.verdict.pay_ratio,
        document=document,
        problems=problems,
        warnings=tuple(judged.warnings),
    )


def _payload(
    concluded: AcceptanceConclusion, row: Project, *, problems: tuple[str, ...], warnings: int
) -> dict[str, Any]:
    return {
        "conclusion_id": concluded.id,
        "self_check_id": concluded.self_check_id,
        "total": concluded.total,
        "grade": concluded.grade,
        "pay_ratio": concluded.pay_ratio,
        "asked": concluded.asked,
        "satisfied": concluded.satisfied,
        "served": concluded.served,
        "target": concluded.target,
        "problems": list(problems),
        "third_party_omitted": [one.phase for one in omissions_of(row)],
        "needs_change": concluded.needs_change,
        "warnings": warnings,
        "document_id": concluded.document_id,
    }


def _open_evaluation(session: Session, ctx: Context, project: str, policy: Policy) -> None:
    """Open what an accepted project waits for next (ZY-29): without it nothing is filed with the auditors (ZY-31)."""
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.audit.filing_working_days)
    item = work.open_item(
        session,
        ctx,
        kind=EVALUATE,
        role=Role.CITY_BUREAU,
        subject_kind="project",
        subject_id=project,
        project_id=project,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause("audit.filing_working_days"),
        resolves_with="evaluation.conclude",
    )
    if item.status != "open":  # accepted anew
        work.move_item(session, ctx, kind=EVALUATE, subject_id=project, due_on=due.date, provisional=due.provisional)


def open_announcement(session: Session, ctx: Context, concluded: AcceptanceConclusion, policy: Policy) -> None:
    """Open the duty to put a conclusion in public (LAW-ZFCGTL-45, BJ-40)."""
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=max(policy.evaluation.publish_working_days, 1))
    work.open_item(
        session,
        ctx,
        kind=ANNOUNCE,
        role=Role.CITY_BUREAU,
        subject_kind="acceptance_conclusion",
        subject_id=concluded.id,
        project_id=concluded.project_id,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause("acceptance.result_announced"),
        resolves_with="acceptance.publish_result",
    )


def _conclusion(
    session: Session, ctx: Context, row: Project, judged: Judged, *, document: str, policy: Policy
) -> AcceptanceConclusion:
    last = reads.latest_conclusion(session, project=row.id)
    verdict = judged.verdict
    return AcceptanceConclusion(
        id=ctx.new_id("acc", row.id),
        project_id=row.id,
        round=last.round + 1 if last else 1,
        self_check_id=judged.self_check_id,
        outcome=judged.outcome,
        purchaser_scores={code: str(score) for code, score in judged.purchaser_scores.items()},
        recipient_scores={code: str(score) for code, score in judged.recipient_scores.items()},
        party_scores={party: str(score) for party, score in judged.party_scores.items()},
        total=str(verdict.total),
        grade=verdict.grade,
        pay_ratio=str(verdict.pay_ratio),
        asked=judged.asked,
        satisfied=judged.satisfied,
        served=judged.reach.served,
        target=judged.reach.target,
        concluded_on=ctx.as_of,
        policy_digest=policy.digest,
        document_id=document,
        needs_change=judged.needs_change.model_dump() if judged.needs_change else {},
    )


def _open_problem(
    session: Session, ctx: Context, concluded: AcceptanceConclusion, ordinal: int, named: Problem, *, clause: str
) -> str:
    problem = AcceptanceProblem(
        id=ctx.new_id("prb", concluded.id, str(ordinal)),
        conclusion_id=concluded.id,
        project_id=concluded.project_id,
        ordinal=ordinal,
        text=named.text,
        owner=named.owner,
        due_on=named.due_on,
    )
    session.add(problem)
    work.open_item(
        session,
        ctx,
        kind=PROBLEM,
        role=named.owner,
        subject_kind="acceptance_problem",
        subject_id=problem.id,
        project_id=concluded.project_id,
        due_on=named.due_on,
        clause=clause,
        resolves_with="acceptance.resolve_problem",
    )
    return problem.id
