"""The command that takes a scenario of the quarterly plan over into plan lines (S09).

Every line goes through ``commands.funding.draft_line`` with all its guards, in one transaction or not at all, and draws
on the funds that leave every other line of the scenario its own. Must never plan on facts that changed since.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import events, work
from models.commands.funding import BUREAUS, draft_line
from models.commands.plan_proposal import PLAN_STREAM, PROPOSAL_ITEM, batch_id, check_open, instance_now
from models.context import Context
from models.core.errors import Conflict, Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.periods import Quarter
from models.core.registry import command
from models.queries.application import newest_application
from models.queries.plan_proposal import adoption_of, instance_in, newest_proposal, scenario_in, stored
from models.queries.reader import found
from models.rules.plan_limits import handed_out
from models.rules.plan_programme import Candidate, Instance, Plan
from models.rules.plan_search import as_shares
from models.tables.funding import PlanLine
from models.tables.plan import PlanAdoption, PlanProposal


class Adopted(BaseModel):
    """The plan lines drafted from a scenario and their sum."""

    model_config = ConfigDict(frozen=True)

    id: str
    lines: tuple[str, ...]
    amount: Money


@command("funding.adopt_scenario", roles=BUREAUS, clause="ZY-78")
def adopt_scenario(
    ctx: Context,
    *,
    proposal: Annotated[str, Field(description="计划建议编号")],
    scenario: Annotated[str, Field(description="方案代码")],
) -> Adopted:
    """Draft every line of a scenario and reserve its money: all of them or none.

    Raises ``Refusal`` ``funding.proposal_stale`` when a newer proposal stands or facts changed since,
    ``funding.unknown_scenario``, ``funding.scenario_empty``, and whatever a plan line is refused for; ``Conflict``
    ``funding.adopted`` the second time.
    """
    with ctx.writing() as session:
        row = found(session.get(PlanProposal, proposal), kind="plan_proposal", id=proposal)
        quarter = Quarter.parse(row.quarter)
        if adoption_of(session, quarter=row.quarter, batch=row.batch) is not None:
            raise Conflict("funding.adopted", rule="SYS-ALREADY-DONE", facts={"batch": row.batch})
        check_open(session, ctx, quarter, row.batch)
        _check_fresh(session, ctx, row)
        plan, instance = scenario_in(row, scenario), instance_in(row)
        if not plan.money:
            raise Refusal("funding.scenario_empty", rule="SYS-PLAN-PROPOSAL", facts={"scenario": scenario})
        shares = as_shares(instance=instance, lines={line.project: line.share for line in plan.lines})
        drawn = handed_out(limits=instance.limits, shares=shares)
        lines = tuple(
            draft_line(session, ctx, line, funds=drawn.get((instance.places[line.project_id], line.channel), {})).id
            for line in _lines(session, ctx, row=row, plan=plan, instance=instance)
        )
        adoption = PlanAdoption(
            id=ctx.new_id("adp", row.quarter, str(row.batch)),
            proposal_id=row.id,
            scenario=scenario,
            quarter=row.quarter,
            batch=row.batch,
            lines=list(lines),
            adopted_on=ctx.as_of,
        )
        session.add(adoption)
        _record_adoption(session, ctx, adoption=adoption, plan=plan, instance=instance)
        work.close_item(session, ctx, kind=PROPOSAL_ITEM, subject_id=batch_id(quarter, row.batch))
        return Adopted(id=adoption.id, lines=lines, amount=Money(sum(plan.money.values())))


def _check_fresh(session: Session, ctx: Context, row: PlanProposal) -> None:
    newest = newest_proposal(session, quarter=row.quarter, batch=row.batch)
    instance = instance_now(session, ctx, Quarter.parse(row.quarter), row.batch, row.given)
    if newest is None or newest.id != row.id or digest(stored(instance)) != row.input_digest:
        raise Refusal("funding.proposal_stale", rule="SYS-PLAN-PROPOSAL", facts={"version": row.version})


def _lines(session: Session, ctx: Context, *, row: PlanProposal, plan: Plan, instance: Instance) -> list[PlanLine]:
    wanted = [(line.project, channel, fen) for line in plan.lines for channel, fen in sorted(line.money.items())]
    return [_line(session, ctx, row, instance, project, channel, fen) for project, channel, fen in wanted]


def _line(
    session: Session, ctx: Context, row: PlanProposal, instance: Instance, project: str, channel: str, fen: int
) -> PlanLine:
    application = newest_application(session, project)
    return PlanLine(
        id=ctx.new_id("pln", project, channel),
        project_id=project,
        state="",
        version=0,
        policy_digest="",
        quarter=row.quarter,
        batch=row.batch,
        channel=channel,
        amount_fen=fen,
        content=_content(instance.candidates[instance.places[project]]),
        period_start=application.starts_on if application else None,
        period_end=application.ends_on if application else None,
        target=sentence("funding.scenarios.target"),
    )


def _content(one: Candidate) -> str:
    return sentence("funding.scenarios.content", {"people": one.people})


def _record_adoption(session: Session, ctx: Context, *, adoption: PlanAdoption, plan: Plan, instance: Instance) -> None:
    """Append which lines were drafted, each with the acceptance conclusion it rests on (ZY-98)."""
    cited = {one.project: one.cites for one in instance.candidates}
    events.append(
        session,
        ctx,
        stream_kind=PLAN_STREAM,
        stream_id=batch_id(Quarter.parse(adoption.quarter), adoption.batch),
        type="funding.scenario_adopted",
        payload={
            "adoption_id": adoption.id,
            "proposal_id": adoption.proposal_id,
            "scenario": adoption.scenario,
            "lines": adoption.lines,
            "amount_fen": sum(plan.money.values()),
            "cites": {line.project: cited[line.project] for line in plan.lines},
            "rule": "ZY-98",
        },
    )
