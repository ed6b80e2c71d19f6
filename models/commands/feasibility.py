"""Commands of feasibility (S04): benchmark notes, requirements, content review, costing, and the appraisal.

Only the appraisal moves the project: positive makes it a candidate, negative sends it back with its grounds. Every act
is a row of its own and an event on the project's chain; a content review that finds a government duty is refused, and
the refused attempt is kept by the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import events, transition, work
from models.commands.application import APPRAISAL_DUE
from models.commands.feasibility_tables import BalanceRow, PurchaseItem, RiskRow, check_tables
from models.commands.ledger import Bounded
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.queries.application import newest_application
from models.queries.decision import acts_since_voided
from models.queries.feasibility import newest
from models.queries.reader import found, project_of
from models.queries.review import objection_upheld
from models.rules import feasibility as rules
from models.rules import lifecycle
from models.rules.application import check_reviewed
from models.rules.feasibility_content import check_content
from models.rules.feasibility_order import check_order
from models.rules.lifecycle import Thing
from models.rules.publicity import check_reviewed_anew
from models.tables.application import Application
from models.tables.feasibility import Appraisal, Benchmark, ContentReview, CostEstimate, Requirement
from models.tables.kernel import Project

PREPARING: Final = ("in_library", "submitted", "returned")
"""Project states in which the preparation is recorded; an appraisal closes it."""

_REVIEWED: Final = "reviewed"
_UNDER_PANEL: Final = ("under_review", _REVIEWED)
"""Further ones where the panel goes first."""

_PLANNERS: Final = (*CIVIL_AFFAIRS, Role.PURCHASER)

Wording = Annotated[str, Field(max_length=5_000)]


class _Argument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Comparator(_Argument):
    """A price for the same kind of service elsewhere."""

    place: Annotated[str, Field(min_length=1, max_length=100, description="外地名称")]
    note: Annotated[str, Field(min_length=1, max_length=2_000, description="价格标准说明")]


class AppraisalFinding(_Argument):
    """A conclusion of the appraisal and its reason."""

    positive: Annotated[bool, Field(description="结论是否肯定")]
    reason: Annotated[str, Field(min_length=1, max_length=5_000, description="理由")]


class Recorded(BaseModel):
    """The new row."""

    model_config = ConfigDict(frozen=True)

    id: str


class Reviewed(BaseModel):
    """The new review and its warnings."""

    model_config = ConfigDict(frozen=True)

    id: str
    warnings: tuple[str, ...]


class CostEstimated(BaseModel):
    """The costing; ``total`` in fen."""

    model_config = ConfigDict(frozen=True)

    id: str
    total: Money


class Appraised(BaseModel):
    """What the appraisal came to: ``positive`` or ``negative`` with the codes it rests on."""

    model_config = ConfigDict(frozen=True)

    id: str
    outcome: str
    grounds: tuple[str, ...]
    major: bool
    state: str


@command("feasibility.record_benchmark", roles=_PLANNERS, clause="HS-02")
def record_benchmark(
    ctx: Context,
    *,
    project: str,
    places: Annotated[tuple[str, ...], Field(max_length=50, description="学习的地方或部门")],
    notes: Annotated[Wording, Field(description="情况记录")],
) -> Recorded:
    """Record what was learnt in other places and from other departments. Raises ``feasibility.benchmark_empty``."""
    with ctx.writing() as session:
        row = _preparing(session, ctx, project)
        rules.check_benchmark(places=places, notes=notes, policy=ctx.policy(region=row.region))
        act = Benchmark(
            **_head(session, ctx, Benchmark, project), places=list(places), notes=notes, recorded_on=ctx.as_of
        )
        return _record(session, ctx, act, "benchmark_recorded", {"places": len(places), "notes_digest": digest(notes)})


@command("feasibility.specify_requirements", roles=_PLANNERS, clause="HS-08")
def specify_requirements(
    ctx: Context,
    *,
    project: str,
    time: Annotated[Wording, Field(description="服务时间")] = "",
    content: Annotated[Wording, Field(description="服务内容")] = "",
    form: Annotated[Wording, Field(description="服务形式")] = "",
    unit_qualification: Annotated[Wording, Field(description="提供服务的单位资质")] = "",
    staff_qualification: Annotated[Wording, Field(description="参与的专业人员资格")] = "",
    expected_effect: Annotated[Wording, Field(description="预期效果")] = "",
    steps: Annotated[Wording, Field(description="实施步骤与计划")] = "",
    guided_by: Annotated[tuple[str, ...], Field(max_length=20, description="指导专家所在单位")] = (),
    guidance: Annotated[Wording, Field(description="专家指导内容")] = "",
) -> Recorded:
    """State what is required of the service, and what experts from outside said on the design.

    Raises ``feasibility.requirement_incomplete`` (HS-08, HS-09), ``feasibility.guidance_incomplete`` (HS-11).
    """
    items = {
        "time": time,
        "content": content,
        "form": form,
        "unit_qualification": unit_qualification,
        "staff_qualification": staff_qualification,
        "expected_effect": expected_effect,
        "steps": steps,
    }
    with ctx.writing() as session:
        row = _preparing(session, ctx, project)
        policy = ctx.policy(region=row.region)
        rules.check_requirement(items=items, policy=policy)
        rules.check_guidance(guided_by=guided_by, guidance=guidance, policy=policy)
        act = Requirement(
            **_head(session, ctx, Requirement, project),
            items=items,
            guided_by=list(guided_by),
            guidance=guidance,
            specified_on=ctx.as_of,
        )
        payload = {"items_digest": digest(items), "guided_by": len(guided_by)}
        return _record(session, ctx, act, "requirements_specified", payload)


@command("feasibility.review_content", roles=(*_PLANNERS, Role.FINANCE_BUREAU), clause="HS-12")
def review_content(
    ctx: Context,
    *,
    project: str,
    items: Annotated[tuple[PurchaseItem, ...], Field(max_length=200, description="购买内容")],
    purchaser_level: Annotated[
        Literal["", "province", "city", "county", "township"], Field(description="购买主体层级")
    ] = "",
) -> Reviewed:
    """Review what is to be bought; nothing that is the government's own task may stand among it.

    Raises ``Refusal`` ``feasibility.government_duty`` (HS-12, BJ-12, BJ-13) naming every such item,
    ``feasibility.content_refused`` (BJ-10, BJ-11, BJ-25, AH-01, ZY-03, ZY-06, FZ-05, FZ-28).
    """
    with ctx.writing() as session:
        row = _preparing(session, ctx, project)
        policy = ctx.policy(region=row.region)
        warnings = check_content(
            items=tuple(item.content() for item in items), policy=policy, payer=row.payer, level=purchaser_level
        )
        act = ContentReview(
            **_head(session, ctx, ContentReview, project),
            items=[item.model_dump(exclude_defaults=True) for item in items],
            warnings=list(warnings),
            policy_digest=policy.digest,
            reviewed_on=ctx.as_of,
        )
        payload = {
            "items": [item.code for item in items],
            "warnings": len(warnings),
            "policy_digest": policy.digest,
        }
        return Reviewed(id=_record(session, ctx, act, "content_reviewed", payload).id, warnings=warnings)


@command("feasibility.estimate_cost", roles=(*_PLANNERS, Role.FINANCE_BUREAU), clause="HS-25")
def estimate_cost(
    ctx: Context,
    *,
    project: str,
    inputs: Annotated[dict[str, Bounded], Field(min_length=1, max_length=30, description="测算因素")],
    comparators: Annotated[tuple[Comparator, ...], Field(max_length=30, description="外地同类服务价格标准")],
    consulted: Annotated[tuple[str, ...], Field(max_length=30, description="征求意见的部门")],
    total: Annotated[Bounded, Field(description="测算总额")],
) -> CostEstimated:
    """Estimate the cost from prices, wages, taxes and fees; the total is the sum of the inputs.

    Raises ``Refusal`` ``feasibility.cost_total_differs``, ``feasibility.costing_incomplete`` (HS-23, HS-24, HS-25).
    """
    with ctx.writing() as session:
        row = _preparing(session, ctx, project)
        policy = ctx.policy(region=row.region)
        rules.check_costing(
            inputs=inputs, comparators=len(comparators), consulted=consulted, total=total, policy=policy
        )
        act = CostEstimate(
            **_head(session, ctx, CostEstimate, project),
            inputs={code: amount.fen for code, amount in inputs.items()},
            comparators=[item.model_dump() for item in comparators],
            consulted=list(consulted),
            total_fen=total.fen,
            estimated_on=ctx.as_of,
        )
        payload = {
            "inputs_fen": act.inputs,
            "total_fen": act.total_fen,
            "comparators": len(comparators),
            "consulted": act.consulted,
        }
        return CostEstimated(id=_record(session, ctx, act, "cost_estimated", payload).id, total=total)


@command("feasibility.appraise", roles=CIVIL_AFFAIRS, clause="ZY-63")
def appraise(
    ctx: Context,
    *,
    project: str,
    findings: Annotated[dict[str, AppraisalFinding], Field(description="论证结论")],
    fiscal_capacity: Annotated[AppraisalFinding | None, Field(description="财政承受能力")] = None,
    funding_balance: Annotated[Wording, Field(description="资金平衡方案")] = "",
    risks: Annotated[Wording, Field(description="可能形成的重大风险隐患")] = "",
    major: Annotated[bool, Field(description="是否重大项目")] = False,
    stability: Annotated[Wording, Field(description="社会稳定风险评估")] = "",
    balance: Annotated[tuple[BalanceRow, ...], Field(max_length=200, description="资金平衡表")] = (),
    risk_register: Annotated[tuple[RiskRow, ...], Field(max_length=100, description="风险清单")] = (),
) -> Appraised:
    """Appraise an application: a candidate when every conclusion is positive, else back with its grounds.

    ``balance`` and ``risk_register`` stand in for the wordings ``funding_balance`` and ``risks``. Raises ``Refusal``
    for what an appraisal lacks (ZY-63, ZY-05, FZ-27, ZY-64, ZY-65), ``feasibility.balance_uneven``,
    ``feasibility.risks_incomplete`` and, for a positive one, for preparation that is not on file (HS-02, HS-08, HS-12,
    HS-23); ``publicity.review_first`` on a review that an upheld objection overthrew (ZY-24).
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        check_order(command=ctx.command, state=row.state, entered=ctx.policy(region=row.region, on=row.entered_on))
        check_tables(balance, risk_register, policy=ctx.policy(region=row.region))
        upheld = row.state == _REVIEWED and objection_upheld(session, project)
        check_reviewed_anew(upheld=upheld, policy=ctx.policy(region=row.region))
        application = found(newest_application(session, project), kind="application", id=project)
        act = Appraisal(
            **_head(session, ctx, Appraisal, project),
            application_id=application.id,
            payer=row.payer,
            findings={code: item.model_dump() for code, item in findings.items()},
            assessments={
                "fiscal_capacity": fiscal_capacity.reason if fiscal_capacity else "",
                "funding_balance_plan": funding_balance or (sentence("feasibility.see_balance") if balance else ""),
                "major_risk": risks or (sentence("feasibility.see_risks") if risk_register else ""),
                "stability": stability,
            },
            balance=[line.kept() for line in balance],
            risks=[risk.model_dump() for risk in risk_register],
            fiscal_capacity_positive=fiscal_capacity.positive if fiscal_capacity else None,
            major=major,
            outcome="",
            grounds=[],
            policy_digest="",
            appraised_on=ctx.as_of,
        )
        _conclude(session, ctx, row=row, application=application, act=act)
        session.add(act)
        work.close_item(session, ctx, kind=APPRAISAL_DUE, subject_id=application.id)
        transition.apply(session, ctx, row, payload=_appraisal_payload(act, application.id), outcome=act.outcome)
        return Appraised(
            id=act.id,
            outcome=act.outcome,
            grounds=tuple(act.grounds),
            major=act.major,
            state=f"project.{row.state}",
        )


def _conclude(session: Session, ctx: Context, *, row: Project, application: Application, act: Appraisal) -> None:
    """Fill in what the appraisal comes to. Raises what ``rules.appraise`` and ``rules.check_prepared`` raise."""
    policy = ctx.policy(region=row.region)
    check_reviewed(pinned=application.guide_id is not None, accepted=application.accepted_on is not None, policy=policy)
    cost = newest(session, CostEstimate, row.id)
    positive = act.fiscal_capacity_positive
    concluded = rules.appraise(
        findings={code: rules.Finding(item["positive"], item["reason"]) for code, item in act.findings.items()},
        fiscal_capacity=None if positive is None else rules.Finding(positive, act.assessments[rules.FISCAL]),
        assessments=act.assessments,
        major=act.major,
        stability=act.assessments["stability"],
        payer=row.payer,
        amount=Money(max(cost.total_fen if cost else 0, application.total_fen)),
        policy=policy,
    )
    if concluded.outcome == "positive":
        rules.check_prepared(prepared=_prepared(session, row.id), policy=policy)
    act.outcome, act.grounds, act.major = concluded.outcome, list(concluded.grounds), concluded.major
    act.policy_digest = policy.digest


def _preparing(session: Session, ctx: Context, project: str) -> Project:
    row = project_of(session, project)
    first = ctx.policy(region=row.region, on=row.entered_on).feasibility.before_review
    allowed = PREPARING if first else (*PREPARING, *_UNDER_PANEL)
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=allowed)
    return row


_Act = Benchmark | Requirement | ContentReview | CostEstimate | Appraisal


def _head(session: Session, ctx: Context, act: type[Any], project: str) -> dict[str, Any]:
    """Return id, project and ordinal of the next row of an act."""
    previous = newest(session, act, project)
    return {
        "id": ctx.new_id("fea", project),
        "project_id": project,
        "ordinal": previous.ordinal + 1 if previous else 1,
    }


def _record(session: Session, ctx: Context, act: _Act, what: str, payload: Mapping[str, object]) -> Recorded:
    session.add(act)
    events.on_project(
        session, ctx, act.project_id, f"feasibility.{what}", {"id": act.id, "ordinal": act.ordinal, **payload}
    )
    return Recorded(id=act.id)


def _prepared(session: Session, project: str) -> rules.Prepared:
    acts = acts_since_voided(session, project)
    return rules.Prepared(
        benchmark=newest(session, Benchmark, project) is not None,
        requirement=newest(session, Requirement, project) is not None,
        content_review="feasibility.content_reviewed" in acts,
        cost_estimate="feasibility.cost_estimated" in acts,
    )


def _appraisal_payload(act: Appraisal, application: str) -> dict[str, object]:
    return {
        "appraisal_id": act.id,
        "application_id": application,
        "outcome": act.outcome,
        "grounds": act.grounds,
        "major": act.major,
        "findings": {code: item["positive"] for code, item in act.findings.items()},
        "fiscal_capacity_positive": act.fiscal_capacity_positive,
        "reasons_digest": digest([act.findings, act.assessments]),
        "tables_digest": digest([act.balance, act.risks]),
    }
