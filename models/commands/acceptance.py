"""Commands of acceptance (S15) around the conclusion: the two clocks, the contractor's self-check, problems mended.

The comprehensive conclusion itself is ``commands.conclusion``.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events, transition, work
from models.commands.ledger import NotNegative
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.calendar import Due
from models.core.errors import Conflict
from models.core.malformed import malformed
from models.core.registry import command
from models.policy.schema import Policy
from models.queries import acceptance as reads
from models.queries.reader import found, project_of
from models.rules import acceptance as rules
from models.rules import lifecycle
from models.rules.acceptance import COMPREHENSIVE, PROBLEM, SELF_CHECK
from models.rules.lifecycle import Thing
from models.tables.acceptance import AcceptanceProblem, SelfCheck
from models.tables.kernel import Project, WorkItem

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


def _writable(text: str) -> str:
    if rules.is_too_long(text):
        raise malformed("figure.too_long")
    return text


Figure = Annotated[str, Field(min_length=1, max_length=80, coerce_numbers_to_str=True), AfterValidator(_writable)]


class IndicatorGiven(BaseModel):
    """One indicator of the self-check; ``target`` is left out where none was set. Plain numbers give a ratio."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=80, description="指标名称")]
    target: Annotated[Figure | None, Field(description="目标值")] = None
    actual: Annotated[Figure | None, Field(description="完成值")] = None


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class ClocksOpened(_Result):
    """How many clocks were opened now, and when the two are due; ``id`` is the project."""

    id: str
    opened: int
    self_check_due: date
    comprehensive_due: date


class SelfChecked(_Result):
    """The self-check: by how many days it was late (0 when in time), and where the project stands."""

    id: str
    days_late: int
    state: str


class ProblemResolved(_Result):
    """The problem that is mended."""

    id: str


@command("acceptance.open_clocks", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-95")
def open_clocks(ctx: Context, *, project: str) -> ClocksOpened:
    """Open the two clocks of a completed project: the contractor's self-check and the comprehensive acceptance.

    Called again it opens nothing twice; what a project has already passed is not opened. Raises ``Refusal``
    ``lifecycle.not_in_state`` before completion.
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        done = reads.completed_on(session, project=project)
        if done is None:
            raise lifecycle.not_in_state(
                thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=reads.CLOCK_STATES
            )
        policy = ctx.policy(region=row.region, on=done)
        kept = {SELF_CHECK: row.state == "completed", COMPREHENSIVE: row.state in reads.CLOCK_STATES}
        due = {kind: _due(ctx, kind, done=done, policy=policy) for kind in kept}
        before = _clocks(session, project)
        for kind in (kind for kind, wanted in kept.items() if wanted):
            _open(session, ctx, project, kind, due=due[kind], policy=policy)
        opened = sorted(_clocks(session, project) - before)
        if opened:
            payload = {kind.partition(".")[2]: due[kind].date.isoformat() for kind in opened}
            events.on_project(session, ctx, project, "acceptance.clocks_opened", payload)
        return ClocksOpened(
            id=project,
            opened=len(opened),
            self_check_due=due[SELF_CHECK].date,
            comprehensive_due=due[COMPREHENSIVE].date,
        )


def _due(ctx: Context, kind: str, *, done: date, policy: Policy) -> Due:
    return rules.due_of(kind=kind, completed_on=done, calendar=ctx.services.calendar, policy=policy)


def _clocks(session: Session, project: str) -> set[str]:
    return set(
        session.exec(
            select(WorkItem.kind).where(
                col(WorkItem.subject_id) == project, col(WorkItem.kind).in_((SELF_CHECK, COMPREHENSIVE))
            )
        ).all()
    )


def _open(session: Session, ctx: Context, project: str, kind: str, *, due: Due, policy: Policy) -> None:
    self_check = kind == SELF_CHECK
    work.open_item(
        session,
        ctx,
        kind=kind,
        role=Role.CONTRACTOR if self_check else Role.CITY_BUREAU,
        subject_kind="project",
        subject_id=project,
        project_id=project,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause(f"{kind}_months"),
        resolves_with="acceptance.submit_self_check" if self_check else "acceptance.conclude",
    )


@command("acceptance.submit_self_check", roles=(Role.CONTRACTOR, Role.EVALUATION_OFFICE), clause="ZY-95")
def submit_self_check(
    ctx: Context,
    *,
    project: str,
    indicators: Annotated[tuple[IndicatorGiven, ...], Field(min_length=1, description="自查指标")],
    spent: Annotated[NotNegative, Field(description="项目支出")],
    instruments: Annotated[dict[Code, str] | None, Field(description="所附评估指标和绩效评价表")] = None,
) -> SelfChecked:
    """File the contractor's self-check of a completed project; after a refused acceptance, file it again.

    A late one is recorded as late, never refused. Raises ``Refusal`` ``acceptance.instruments_wrong`` (ZY-96).
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        policy = ctx.policy(region=row.region)
        attached = dict(instruments or {})
        rules.check_instruments(instruments=attached, policy=policy)
        last = reads.latest_self_check(session, project=project)
        check = SelfCheck(
            id=ctx.new_id("slf", project),
            project_id=project,
            round=last.round + 1 if last else 1,
            indicators=[_indicator(one) for one in indicators],
            instruments=attached,
            spent_fen=spent.fen,
            submitted_on=ctx.as_of,
            days_late=0 if last else _days_late(session, ctx, row),
        )
        session.add(check)
        work.close_item(session, ctx, kind=SELF_CHECK, subject_id=project)
        transition.apply(session, ctx, row, payload=_payload(check), outcome="again" if last else "")
        return SelfChecked(id=check.id, days_late=check.days_late, state=f"project.{row.state}")


def _payload(check: SelfCheck) -> dict[str, Any]:
    return {
        "self_check_id": check.id,
        "indicators": len(check.indicators),
        "instruments": sorted(check.instruments),
        "spent_fen": check.spent_fen,
        "days_late": check.days_late,
    }


def _indicator(given: IndicatorGiven) -> dict[str, Any]:
    ratio = rules.ratio(target=given.target, actual=given.actual)
    return {**given.model_dump(), "ratio": None if ratio is None else str(ratio)}


def _days_late(session: Session, ctx: Context, row: Project) -> int:
    done = reads.completed_on(session, project=row.id)
    assert done is not None  # a self-check follows completion by the transition table
    due = _due(ctx, SELF_CHECK, done=done, policy=ctx.policy(region=row.region, on=done))
    return max((ctx.as_of - due.date).days, 0)


@command("acceptance.resolve_problem", roles=(Role.CONTRACTOR, Role.PURCHASER, *CIVIL_AFFAIRS), clause="ZY-99")
def resolve_problem(
    ctx: Context,
    *,
    problem: str,
    result: Annotated[str, Field(min_length=2, max_length=500, description="整改结果")],
) -> ProblemResolved:
    """Record that a problem named by a conclusion is mended, and close its work item.

    Raises ``Conflict`` ``acceptance.problem_resolved`` when it was before.
    """
    with ctx.writing() as session:
        row = found(session.get(AcceptanceProblem, problem), kind="problem", id=problem)
        if row.resolved_on is not None:
            facts = {"on": row.resolved_on.isoformat()}
            raise Conflict("acceptance.problem_resolved", rule="SYS-ALREADY-DONE", facts=facts)
        row.resolved_on, row.resolution = ctx.as_of, result
        session.add(row)
        work.close_item(session, ctx, kind=PROBLEM, subject_id=problem)
        events.on_project(session, ctx, row.project_id, "acceptance.problem_resolved", {"problem_id": problem})
        return ProblemResolved(id=problem)
