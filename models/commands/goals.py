"""Commands on performance goals and evaluation standards (S16): set before, tracked during, judged after.

Goals stand beside the project, not in its contract: what a contract promises is ``commands.contract``. A standard is
versioned by region; the newest is what later evaluations start from.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, func, select

from models.commands import events
from models.commands.ledger import locked
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.hashing import digest
from models.core.registry import Once, command
from models.queries.chains import types_of
from models.queries.goals import newest_plan, newest_standard
from models.queries.reader import project_of
from models.rules import goals as rules
from models.rules import lifecycle
from models.tables.evaluation import EvaluationStandard, GoalResult, PerformancePlan
from models.tables.kernel import Project

_SETTING: Final = (Role.PURCHASER, *CIVIL_AFFAIRS)
_AWARDED: Final = "procurement.awarded"
_EVENTS: Final = {rules.RUN: "evaluation.goals_tracked", rules.END: "evaluation.goals_evaluated"}
_Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Figure = Annotated[Decimal, Field(max_digits=15, decimal_places=4)]
_Words = Annotated[str, Field(max_length=500)]


class Goal(BaseModel):
    """One goal; ``precise``: it is about reaching the right people with the right help."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=80, description="绩效目标")]
    target: Annotated[_Figure, Field(description="目标值")]
    unit: Annotated[str, Field(max_length=20, description="单位")] = ""
    precise: Annotated[bool, Field(description="体现精准救助")] = False


class Item(BaseModel):
    """One item of a standard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=80, description="评价项目")]
    weight: Annotated[Decimal, Field(ge=0, le=1, max_digits=5, decimal_places=4, description="权重")]


class GoalsKept(BaseModel):
    """The plan and its revision; ``late``: a contractor had been chosen before there were goals."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int
    late: bool


class ResultsKept(BaseModel):
    """What was recorded, and which goals were reached."""

    model_config = ConfigDict(frozen=True)

    id: str
    reached: tuple[str, ...]


class StandardKept(BaseModel):
    """The new version of the region's standard."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int


@command("evaluation.set_goals", roles=_SETTING, clause="BJ-38", once_a_day=Once.BY_ANYONE)
def set_goals(
    ctx: Context,
    *,
    project: str,
    goals: Annotated[dict[_Code, Goal], Field(min_length=1, description="绩效目标(代码: 目标)")],
    means: Annotated[_Words, Field(description="评价手段")] = "",
    method: Annotated[_Words, Field(description="评价方法")] = "",
    path: Annotated[_Words, Field(description="评价路径")] = "",
) -> GoalsKept:
    """Set what a project is to reach and how it will be judged; before a contractor is chosen, else it says so.

    Raises ``Refusal`` ``evaluation.goal_not_precise`` (BJ-38), ``evaluation.how_missing`` (AH-29), ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = locked(session, Project, project, kind="project")
        lifecycle.check_not_archived(command=ctx.command, state=row.state)
        precise = sum(one.precise for one in goals.values())
        how = {"means": means, "method": method, "path": path}
        rules.check_goals(precise=precise, how=how, policy=ctx.policy(region=row.region))
        last = newest_plan(session, project)
        plan = PerformancePlan(
            id=ctx.new_id("pfp", project),
            project_id=project,
            revision=last.revision + 1 if last else 1,
            goals={code: one.model_dump(mode="json") for code, one in goals.items()},
            means=means,
            method=method,
            path=path,
            late=_AWARDED in types_of(session, project),
            set_on=ctx.as_of,
        )
        session.add(plan)
        session.flush()
        payload = {"plan_id": plan.id, "goals": len(goals), "precise": precise, "late": plan.late}
        events.on_project(session, ctx, project, "evaluation.goals_set", payload | {"digest": digest(plan.goals)})
        return GoalsKept(id=plan.id, revision=plan.revision, late=plan.late)


@command("evaluation.record_goals", roles=(*_SETTING, Role.THIRD_PARTY_EVALUATOR), clause="AH-28")
def record_goals(
    ctx: Context,
    *,
    project: str,
    phase: Annotated[Literal["run", "end"], Field(description="run 运行监控,end 评价")],
    values: Annotated[dict[_Code, _Figure], Field(min_length=1, description="目标代码: 完成值")],
) -> ResultsKept:
    """Record what was reached of every goal, while the project runs or after it.

    Raises ``Refusal`` ``evaluation.no_goals``, ``evaluation.goals_differ`` (AH-28), ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = locked(session, Project, project, kind="project")
        lifecycle.check_not_archived(command=ctx.command, state=row.state)
        plan = newest_plan(session, project)
        goals = plan.goals if plan else {}
        rules.check_results(goals=goals, given=values, policy=ctx.policy(region=row.region))
        assert plan is not None  # no goals were refused before
        before = select(func.count()).where(col(GoalResult.project_id) == project)
        result = GoalResult(
            id=ctx.new_id("gol", project),
            project_id=project,
            plan_id=plan.id,
            ordinal=int(session.exec(before).one()) + 1,
            phase=phase,
            reached={code: f"{value:f}" for code, value in values.items()},
            recorded_on=ctx.as_of,
        )
        session.add(result)
        reached = tuple(code for code in goals if values[code] >= Decimal(goals[code]["target"]))
        payload = {"result_id": result.id, "plan_id": plan.id, "goals": len(goals), "reached": len(reached)}
        events.on_project(session, ctx, project, _EVENTS[phase], payload)
        return ResultsKept(id=result.id, reached=reached)


@command("evaluation.set_standard", roles=(*CIVIL_AFFAIRS, Role.FINANCE_BUREAU), clause="HS-53")
def set_standard(
    ctx: Context,
    *,
    items: Annotated[dict[_Code, Item], Field(min_length=2, description="评价项目(代码: 项目)")],
    project: Annotated[str | None, Field(description="总结自哪个项目")] = None,
) -> StandardKept:
    """Set the next version of the region's evaluation standard, from what a project taught.

    Raises ``Refusal`` ``evaluation.weights_sum``, ``evaluation.weights_order`` (BJ-39, HS-43), ``kernel.not_found``.
    """
    policy = ctx.policy(region=ctx.services.region)
    rules.check_weights(weights={code: one.weight for code, one in items.items()}, policy=policy)
    with ctx.writing() as session:
        if project is not None:
            project_of(session, project)
        last = newest_standard(session, policy.region)
        standard = EvaluationStandard(
            id=ctx.new_id("std", policy.region),
            region=policy.region,
            version=last.version + 1 if last else 1,
            project_id=project,
            items={code: one.model_dump(mode="json") for code, one in items.items()},
            set_on=ctx.as_of,
            policy_digest=policy.digest,
        )
        session.add(standard)
        payload = {"standard_id": standard.id, "version": standard.version, "digest": digest(standard.items)}
        if project is not None:
            payload["project"] = project
        events.append(
            session,
            ctx,
            stream_kind="evaluation_standard",
            stream_id=policy.region,
            type="evaluation.standard_set",
            payload=payload,
        )
        return StandardKept(id=standard.id, version=standard.version)
