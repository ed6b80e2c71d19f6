"""Reads of the quarterly plan's proposals (S09): scenarios side by side, and why a project is in none of them.

A proposal keeps the whole programme it was computed from, so that what is asked later is answered from the same facts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from sqlmodel import Session, col, select

from models.core.errors import Refusal
from models.core.hashing import canonical_json
from models.core.messages import sentence
from models.core.money import Money
from models.core.periods import Quarter
from models.core.registry import query
from models.policy.resolver import PolicyBook
from models.policy.schema import Policy
from models.queries.plan_candidates import Basis, facts_of
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, found
from models.rules.force import binding
from models.rules.plan_candidates import Standing, candidate_of, standings_by_unit
from models.rules.plan_left_out import BALANCE, BARRED, SHARE, LeftOut, explain
from models.rules.plan_programme import POINT, WHOLE, Ceiling, Instance, Plan, instance_of
from models.tables.plan import PlanAdoption, PlanProposal

_INSTANCE: Final = TypeAdapter(Instance)
_PLANS: Final = TypeAdapter(tuple[Plan, ...])
_RULES: Final = {
    BALANCE: ("ZY-78", "SYS-BALANCE"),
    BARRED: ("ZY-111", "SYS-INCENTIVE"),
    SHARE: ("AH-19", "SYS-SOCIAL-SHARE"),
}


class ScenarioLine(BaseModel):
    """A project in a scenario: what it gets, channel → amount, and the share of what it asks for."""

    model_config = ConfigDict(frozen=True)

    project: str
    share: Decimal
    money: dict[str, Money]


class ScenarioView(BaseModel):
    """One scenario. ``objective`` and ``bound`` are persons × points, ``floors_missed`` units with too few projects;
    ``social_ratio`` of newly arranged money, ``social_short`` what it lacks."""

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    objective: Decimal
    bound: Decimal
    gap: Decimal
    projects: int
    people: int
    money: dict[str, Money]
    floors_missed: tuple[str, ...]
    social_ratio: Decimal
    social_short: Money
    lines: tuple[ScenarioLine, ...]


class ProposalView(BaseModel):
    """A proposal: the newest of its batch unless a version is asked for; ``adopted`` is the scenario taken over."""

    model_config = ConfigDict(frozen=True)

    id: str
    quarter: str
    batch: int
    version: int
    proposed_on: date
    candidates: int
    input_digest: str
    result_digest: str
    scenarios: tuple[ScenarioView, ...]
    adopted: str | None
    document: str


class LeftOutView(BaseModel):
    """Why a project is not in a scenario: rule and reason, what of money or score would let it in."""

    model_config = ConfigDict(frozen=True)

    project: str
    rule: str
    reason: str
    money_short: dict[str, Money]
    score: Decimal
    score_needed: Decimal | None
    displaced: tuple[str, ...]


def build(
    session: Session,
    *,
    policies: PolicyBook,
    policy: Policy,
    basis: Basis,
    standings: tuple[Standing, ...] = (),
    ceilings: tuple[Ceiling, ...] = (),
    taken: Collection[tuple[str, str]] = (),
) -> Instance:
    """Return the programme of a batch as the records stand; ``taken`` are (project, channel) the batch already has."""
    facts, purses = facts_of(session, policies=policies, basis=basis)
    by_unit = standings_by_unit(standings)
    held: dict[str, set[str]] = defaultdict(set)
    for project, channel in taken:
        held[project].add(channel)
    return instance_of(
        candidates=(
            candidate_of(
                facts=one,
                quarter=basis.quarter,
                standing=by_unit.get(one.unit),
                policy=policy,
                without=frozenset(held[one.project]),
            )
            for one in facts
        ),
        purses=purses,
        ceilings=ceilings,
        policy=policy,
    )


def stored(value: Instance | tuple[Plan, ...]) -> Any:
    """Return a programme or its plans as plain JSON values."""
    plain = asdict(value) if isinstance(value, Instance) else [asdict(one) for one in value]
    return json.loads(canonical_json(plain))


def instance_in(row: PlanProposal) -> Instance:
    """Return the programme a proposal was computed from."""
    return _INSTANCE.validate_python(row.inputs)


def plans_in(row: PlanProposal) -> tuple[Plan, ...]:
    """Return the scenarios of a proposal."""
    return _PLANS.validate_python(row.scenarios)


def newest_proposal(session: Session, *, quarter: str, batch: int) -> PlanProposal | None:
    """Return the newest proposal of a batch."""
    return session.exec(
        select(PlanProposal)
        .where(col(PlanProposal.quarter) == quarter, col(PlanProposal.batch) == batch)
        .order_by(col(PlanProposal.version).desc())
    ).first()


def adoption_of(session: Session, *, quarter: str, batch: int) -> PlanAdoption | None:
    """Return what was taken over into a batch."""
    return session.exec(
        select(PlanAdoption).where(col(PlanAdoption.quarter) == quarter, col(PlanAdoption.batch) == batch)
    ).one_or_none()


@query("funding.proposal", roles=EVERYONE_INSIDE, clause="ZY-77")
def proposal(
    reader: Reader,
    *,
    quarter: Annotated[Quarter, Field(description="下达季度")],
    batch: Annotated[int, Field(ge=1, le=99, description="批次")],
) -> ProposalView:
    """Return the newest proposal of a batch with its scenarios side by side."""
    session, when = reader.session, str(quarter)
    row = found(newest_proposal(session, quarter=when, batch=batch), kind="plan_proposal", id=f"{when}-{batch}")
    adopted = adoption_of(session, quarter=when, batch=batch)
    policy = reader.policies.resolve(region=row.region, on=quarter.first_day)
    return ProposalView(
        id=row.id,
        quarter=row.quarter,
        batch=row.batch,
        version=row.version,
        proposed_on=row.proposed_on,
        candidates=len(row.inputs["candidates"]),
        input_digest=row.input_digest,
        result_digest=row.result_digest,
        scenarios=tuple(view_of(plan, policy) for plan in plans_in(row)),
        adopted=adopted.scenario if adopted and adopted.proposal_id == row.id else None,
        document=row.document_id,
    )


def view_of(plan: Plan, policy: Policy) -> ScenarioView:
    """Return a scenario as users read it."""
    unit = POINT * WHOLE
    return ScenarioView(
        code=plan.scenario,
        name=policy.funding.plan_scenario_names.get(plan.scenario, plan.scenario),
        objective=Decimal(plan.objective) / unit,
        bound=Decimal(plan.bound) / unit,
        gap=Decimal(plan.gap),
        projects=sum(1 for line in plan.lines if line.money),
        people=plan.people,
        money={code: Money(fen) for code, fen in plan.money.items()},
        floors_missed=tuple(one.unit for one in plan.floors if one.got < one.wanted),
        social_ratio=(Decimal(plan.social) / plan.new).quantize(Decimal("0.0001")) if plan.new else Decimal(0),
        social_short=Money(plan.social_short),
        lines=tuple(
            ScenarioLine(
                project=line.project,
                share=Decimal(line.share).scaleb(-4),
                money={code: Money(fen) for code, fen in line.money.items()},
            )
            for line in plan.lines
            if line.money  # what an earlier batch of the quarter gave its phase gets nothing more
        ),
    )


@query("funding.left_out", roles=EVERYONE_INSIDE, clause="ZY-78")
def left_out(
    reader: Reader,
    *,
    proposal: Annotated[str, Field(description="计划建议编号")],
    scenario: Annotated[str, Field(description="方案代码")],
    project: Annotated[str, Field(description="项目编号")],
) -> LeftOutView:
    """Return which rule keeps a candidate out of a scenario and what would let it in: so much money, or such a score.

    Raises ``Refusal`` ``funding.not_a_candidate``, ``funding.not_left_out``, ``funding.unknown_scenario``.
    """
    row = found(reader.session.get(PlanProposal, proposal), kind="plan_proposal", id=proposal)
    policy = reader.policies.resolve(region=row.region, on=Quarter.parse(row.quarter).first_day)
    instance, plan = instance_in(row), scenario_in(row, scenario)
    answer = explain(
        instance=instance,
        scenario=scenario,
        lines={line.project: line.share for line in plan.lines},
        project=project,
        score_max=int(policy.review.score_max * POINT),
        solve=reader.solver.solve,
    )
    return _worded(answer, instance, policy)


def scenario_in(row: PlanProposal, scenario: str) -> Plan:
    """Return one scenario of a proposal. Raises ``Refusal`` ``funding.unknown_scenario``."""
    plans = {plan.scenario: plan for plan in plans_in(row)}
    if scenario not in plans:
        facts = {"scenario": scenario, "known": "、".join(plans)}
        raise Refusal("funding.unknown_scenario", rule="SYS-CODE-LIST", facts=facts)
    return plans[scenario]


def _worded(answer: LeftOut, instance: Instance, policy: Policy) -> LeftOutView:
    one = instance.candidates[instance.places[answer.project]]
    facts: Mapping[str, object] = {
        "channels": "、".join(policy.funding.sources.get(code, code) for code in answer.short),
        "reason": one.reason,
        "ratio": instance.settings.social_ratio,
    }
    return LeftOutView(
        project=answer.project,
        rule=binding(policy=policy, rules=_RULES.get(answer.why, ("SYS-PLAN-PROPOSAL",))),
        reason=sentence(f"funding.left_out.{answer.why}", facts),
        money_short={code: Money(fen) for code, fen in answer.short.items()},
        score=Decimal(one.score) / POINT,
        score_needed=None if answer.score is None else Decimal(answer.score) / POINT,
        displaced=answer.displaced,
    )
