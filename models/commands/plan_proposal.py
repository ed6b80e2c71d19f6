"""Commands of the quarterly plan's proposal (S09): compute the scenarios of a batch, by hand or on the policy's day.

A proposal moves no money: it keeps what was computed from what. Taking one over is ``commands.plan_adoption``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, work
from models.commands.funding import BUREAUS
from models.commands.ledger import Amount
from models.commands.plan_scenario_papers import scenario_view
from models.context import Context
from models.core.actors import Role
from models.core.errors import LifecycleError, Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.periods import Period, Quarter
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.incentive import agreed_standings
from models.queries.plan_candidates import Basis
from models.queries.plan_proposal import (
    build,
    newest_proposal,
    plans_in,
    stored,
    view_of,
)
from models.rules.bodies import batch_name, body_name
from models.rules.funding import check_batch_open, check_channel
from models.rules.plan_candidates import Standing, check_standing
from models.rules.plan_programme import Ceiling, Instance, Plan, check_carry_over
from models.rules.plan_search import solve_plan
from models.tables.funding import PlanLine
from models.tables.plan import PlanProposal

PROPOSAL_ITEM: Final = "funding.proposal"
BLOCKED_ITEM: Final = "funding.proposal_blocked"
PLAN_STREAM: Final = "plan"
Given = dict[str, list[dict[str, Any]]]
"""What the office stated of a batch: ceilings and standings, as the proposal keeps them."""
_FIRST_BATCH: Final = 1
_NOT_OUT: Final = ("drafted", "signed")


class ChannelCeiling(BaseModel):
    """What of a channel may go out in this batch at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: Annotated[str, Field(description="资金渠道")]
    amount: Annotated[Amount, Field(description="本批可下达额度")]


class UnitStanding(BaseModel):
    """What a unit earned in the last batch (ZY-110, ZY-111)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Annotated[str, Field(description="县级单位代码")]
    effect: Annotated[str, Field(description="奖惩结果：tilt 倾斜、less 少安排、none 不安排")]
    met: Annotated[tuple[str, ...], Field(description="已满足的条件代码")] = ()
    reason: Annotated[str, Field(max_length=500, description="理由")] = ""


class Scenario(BaseModel):
    """One scenario in short."""

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    projects: int
    people: int
    amount: Money
    gap: str


class Proposed(BaseModel):
    """A proposal; ``version`` counts within its batch, the same facts give no further one."""

    model_config = ConfigDict(frozen=True)

    id: str
    quarter: str
    batch: int
    version: int
    candidates: int
    scenarios: tuple[Scenario, ...]
    result_digest: str


class Prepared(BaseModel):
    """Which proposal the scheduled run made or found; empty before the policy's day or with nothing to plan."""

    model_config = ConfigDict(frozen=True)

    proposal: str = ""
    candidates: int = 0


@command("funding.propose_plan", roles=BUREAUS, clause="ZY-78")
def propose_plan(
    ctx: Context,
    *,
    quarter: Annotated[Quarter, Field(description="下达季度")],
    batch: Annotated[int, Field(ge=1, le=99, description="批次")],
    ceilings: Annotated[tuple[ChannelCeiling, ...], Field(max_length=50, description="各渠道本批额度")] = (),
    standings: Annotated[tuple[UnitStanding, ...], Field(max_length=1000, description="各单位奖惩")] = (),
) -> Proposed:
    """Compute the scenarios of a batch from every project that may be planned and the money there is.

    The same facts give the same proposal, byte for byte, and no second one. Raises ``Refusal``
    ``funding.no_candidates``, ``funding.carry_over_short`` (ZY-78), ``funding.tilt_without_conditions`` (ZY-110),
    ``funding.sanction_without_reason``, ``funding.sanction_unfounded`` (ZY-111), ``funding.batch_issued`` (ZY-77).
    """
    with ctx.reading() as session:
        agreed = agreed_standings(session, quarter=str(quarter), batch=batch)
    given = {
        "ceilings": [{"channel": one.channel, "amount": one.amount.fen} for one in ceilings],
        "standings": [one.model_dump(mode="json") for one in standings] or agreed,
    }
    _check_given(ctx, quarter, ceilings, standings)
    return _propose(ctx, quarter, batch, given)


def tell_blocked(session: Session, ctx: Context, _arguments: BaseModel, fault: LifecycleError) -> None:
    """Tell the office that the scheduled run could not prepare the draft, and why, once until a proposal is made."""
    quarter = Quarter.of(ctx.as_of)
    work.open_item(
        session,
        ctx,
        kind=BLOCKED_ITEM,
        role=Role.EVALUATION_OFFICE,
        subject_kind="plan_batch",
        subject_id=batch_id(quarter, _FIRST_BATCH),
        due_on=ctx.as_of,
        clause=fault.rule or "SYS-PLAN-PROPOSAL",
        resolves_with="funding.propose_plan",
        note=fault.message,
    )


@command("funding.prepare_proposal", roles=(Role.SYSTEM, *BUREAUS), clause="ZY-77", refused=tell_blocked)
def prepare_proposal(ctx: Context) -> Prepared:
    """Compute the draft proposal of the plan's present period once, from the policy's day on, and open the office's
    to-do.

    What was proposed or issued in the period is left as it is; a further batch is proposed by hand. What keeps it from
    a draft is a to-do of the office, too (ZY-78: money that does not carry on what was begun).
    """
    quarter = Quarter.of(ctx.as_of)
    policy = ctx.policy(region=ctx.services.region)
    period = Period.aligned(ctx.as_of, months=policy.funding.plan_months)
    if ctx.as_of < period.start + timedelta(days=policy.funding.plan_preparation_day - 1):
        return Prepared()
    with ctx.reading() as session:
        quarters = (str(Quarter.of(period.start)), str(quarter))
        row = _proposed_in(session, *quarters)
        if row is not None:
            return Prepared(proposal=row.id, candidates=len(row.inputs["candidates"]))
        if _is_issued_in(session, *quarters):
            return Prepared()
        agreed = agreed_standings(session, quarter=str(quarter), batch=_FIRST_BATCH)
        given: Given = {"ceilings": [], "standings": agreed}
        if not instance_now(session, ctx, quarter, _FIRST_BATCH, given).candidates:
            return Prepared()
    made = _propose(ctx, quarter, _FIRST_BATCH, given)
    return Prepared(proposal=made.id, candidates=made.candidates)


def _check_given(
    ctx: Context, quarter: Quarter, ceilings: tuple[ChannelCeiling, ...], standings: tuple[UnitStanding, ...]
) -> None:
    policy = ctx.policy(region=ctx.services.region, on=quarter.first_day)
    for ceiling in ceilings:
        check_channel(channel=ceiling.channel, note=ceiling.channel, policy=policy)
    for one in standings:
        check_standing(standing=_standing(one.model_dump()), policy=policy)


def _propose(ctx: Context, quarter: Quarter, batch: int, given: Given) -> Proposed:
    policy = ctx.policy(region=ctx.services.region, on=quarter.first_day)
    with ctx.reading() as session:
        check_open(session, ctx, quarter, batch)
        instance = instance_now(session, ctx, quarter, batch, given)
        newest = newest_proposal(session, quarter=str(quarter), batch=batch)
    if not instance.candidates:
        raise Refusal("funding.no_candidates", rule="SYS-PLAN-PROPOSAL", facts={"quarter": str(quarter)})
    check_carry_over(instance=instance, policy=policy)
    inputs = stored(instance)
    if newest is not None and newest.input_digest == digest(inputs):
        return _told(newest, policy)
    plans = tuple(solve_plan(instance=instance, aim=aim, solve=ctx.services.solver.solve) for aim in instance.aims)
    version = (newest.version if newest else 0) + 1
    row = _row(ctx, quarter, batch, version=version, given=given, inputs=inputs, plans=plans, policy=policy)
    with ctx.reading() as session:
        view = scenario_view(session, ctx, instance=instance, plans=plans, row=row, policy=policy)
    paper = documents.render(ctx, kind="plan_scenarios_xlsx", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        _keep(session, ctx, row=row, paper=paper, policy=policy)
    return _told(row, policy)


def _row(
    ctx: Context,
    quarter: Quarter,
    batch: int,
    *,
    version: int,
    given: Given,
    inputs: dict[str, Any],
    plans: tuple[Plan, ...],
    policy: Policy,
) -> PlanProposal:
    scenarios = stored(plans)
    return PlanProposal(
        id=ctx.new_id("ppr", str(quarter), str(batch)),
        region=policy.region,
        quarter=str(quarter),
        batch=batch,
        version=version,
        given=given,
        inputs=inputs,
        input_digest=digest(inputs),
        scenarios=scenarios,
        result_digest=digest(scenarios),
        policy_digest=policy.digest,
        document_id="",
        proposed_on=ctx.as_of,
    )


def _keep(session: Session, ctx: Context, *, row: PlanProposal, paper: documents.Paper, policy: Policy) -> None:
    filed = documents.file_paper(
        session,
        ctx,
        paper=paper,
        project_id=None,
        stage="funding",
        title=sentence("funding.scenarios.title", {"batch": batch_name(row.quarter, row.batch)}),
        issuer=body_name(policy=policy, role=Role.EVALUATION_OFFICE),
    )
    row.document_id = filed.id
    session.add(row)
    quarter = Quarter.parse(row.quarter)
    events.append(
        session,
        ctx,
        stream_kind=PLAN_STREAM,
        stream_id=batch_id(quarter, row.batch),
        type="funding.plan_proposed",
        payload={
            "proposal_id": row.id,
            "version": row.version,
            "input_digest": row.input_digest,
            "result_digest": row.result_digest,
            "policy_digest": row.policy_digest,
            "document_id": filed.id,
        },
    )
    work.close_item(session, ctx, kind=BLOCKED_ITEM, subject_id=batch_id(quarter, row.batch))
    work.open_item(
        session,
        ctx,
        kind=PROPOSAL_ITEM,
        role=Role.EVALUATION_OFFICE,
        subject_kind="plan_batch",
        subject_id=batch_id(quarter, row.batch),
        due_on=max(quarter.last_day, ctx.as_of),
        clause=policy.clause("funding.plan_months"),
        resolves_with="funding.adopt_scenario",
    )


def check_open(session: Session, ctx: Context, quarter: Quarter, batch: int) -> None:
    """Refuse a batch that is out (``funding.batch_issued``, ZY-77)."""
    states = tuple(line.state for line in _batch_lines(session, quarter) if line.batch == batch)
    check_batch_open(states=states, policy=ctx.policy(region=ctx.services.region, on=quarter.first_day))


def _proposed_in(session: Session, first: str, last: str) -> PlanProposal | None:
    return session.exec(
        select(PlanProposal)
        .where(col(PlanProposal.quarter) >= first, col(PlanProposal.quarter) <= last)
        .order_by(col(PlanProposal.quarter), col(PlanProposal.batch), col(PlanProposal.version).desc())
    ).first()


def _is_issued_in(session: Session, first: str, last: str) -> bool:
    out = select(PlanLine.id).where(
        col(PlanLine.quarter) >= first,
        col(PlanLine.quarter) <= last,
        col(PlanLine.cancelled_on).is_(None),
        col(PlanLine.state).not_in(_NOT_OUT),
    )
    return session.exec(out).first() is not None


def _batch_lines(session: Session, quarter: Quarter) -> list[PlanLine]:
    return list(
        session.exec(
            select(PlanLine).where(col(PlanLine.quarter) == str(quarter), col(PlanLine.cancelled_on).is_(None))
        )
    )


def instance_now(session: Session, ctx: Context, quarter: Quarter, batch: int, given: Given) -> Instance:
    """Return the programme of a batch as the records stand today, with what the office stated."""
    region = ctx.services.region
    return build(
        session,
        policies=ctx.services.policies,
        policy=ctx.policy(region=region, on=quarter.first_day),
        basis=Basis(region, quarter, ctx.as_of, batch=batch),
        standings=tuple(_standing(one) for one in given["standings"]),
        ceilings=tuple(Ceiling(one["channel"], one["amount"]) for one in given["ceilings"]),
        taken={(line.project_id, line.channel) for line in _batch_lines(session, quarter) if line.batch == batch},
    )


def _standing(given: dict[str, Any]) -> Standing:
    return Standing(given["unit"], given["effect"], tuple(given["met"]), given["reason"])


def batch_id(quarter: Quarter, batch: int) -> str:
    """Return a batch as streams and to-dos name it: ``2026Q3-1``."""
    return f"{quarter}-{batch}"


def _told(row: PlanProposal, policy: Policy) -> Proposed:
    views = [view_of(plan, policy) for plan in plans_in(row)]
    return Proposed(
        id=row.id,
        quarter=row.quarter,
        batch=row.batch,
        version=row.version,
        candidates=len(row.inputs["candidates"]),
        scenarios=tuple(
            Scenario(
                code=one.code,
                name=one.name,
                projects=one.projects,
                people=one.people,
                amount=Money.total(one.money.values()),
                gap=str(one.gap),
            )
            for one in views
        ),
        result_digest=row.result_digest,
    )
