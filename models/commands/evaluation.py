"""Commands of evaluation (S16): outcomes, the local price standard, the result evaluation.

Third-party evaluations are ``commands.third_party``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import events, project_papers, transition, work
from models.commands.ledger import Amount
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.hashing import digest
from models.core.registry import Once, command
from models.queries import evaluation as reads
from models.queries.acceptance import grade_of
from models.queries.reader import project_of
from models.rules import evaluation as rules
from models.rules import lifecycle
from models.rules.acceptance import EVALUATE
from models.rules.lifecycle import Thing
from models.tables.evaluation import Outcome, PriceStandard, ResultEvaluation
from models.tables.kernel import Project

_MEASURED_STATES: Final = ("in_progress", "completed", "self_checked", "not_accepted", "accepted", "evaluated")

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Figure = Annotated[Decimal, Field(max_digits=15, decimal_places=4)]
Count = Annotated[int, Field(ge=0, le=10**12)]


class OutcomeGiven(BaseModel):
    """One measured outcome: figures before and after, or ``counts`` that add up; ``approximate`` is of both figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=80, description="指标名称")]
    unit: Annotated[str, Field(max_length=20, description="单位")] = ""
    before: Annotated[Figure | None, Field(description="服务前")] = None
    after: Annotated[Figure | None, Field(description="服务后")] = None
    approximate: Annotated[bool, Field(description="均为约数")] = False
    approximate_before: Annotated[bool, Field(description="服务前为约数")] = False
    approximate_after: Annotated[bool, Field(description="服务后为约数")] = False
    counts: Annotated[dict[str, Count], Field(description="各项人数")] = Field(default_factory=dict)
    note: Annotated[str, Field(max_length=200, description="说明")] = ""


class PriceItem(BaseModel):
    """One line of the price standard: what is priced, per what, at how much."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=80, description="服务项目")]
    unit: Annotated[str, Field(min_length=1, max_length=20, description="计价单位")]
    price: Annotated[Amount, Field(description="单价")]


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class OutcomesRecorded(_Result):
    """What the outcomes came to: name → worded change, name → sum of counts; ``id`` is the project."""

    id: str
    outcomes: int
    changes: dict[str, str]
    totals: dict[str, int]


class PriceStandardSet(_Result):
    """The new version of the region's price standard."""

    id: str
    version: int


class Evaluated(_Result):
    """The result evaluation and where the project stands."""

    id: str
    state: str
    document: str


@command(
    "evaluation.record_outcomes", roles=(Role.PURCHASER, *CIVIL_AFFAIRS), clause="HS-48", once_a_day=Once.BY_ANYONE
)
def record_outcomes(
    ctx: Context,
    *,
    project: str,
    outcomes: Annotated[tuple[OutcomeGiven, ...], Field(min_length=1, description="成效指标")],
) -> OutcomesRecorded:
    """Record measured outcomes; one named again becomes its next revision. Counts are summed, never capped (HS-50).

    Raises ``Refusal`` ``evaluation.outcome_empty``, ``evaluation.outcome_twice``, ``lifecycle.not_in_state``.
    """
    rules.check_outcomes(
        names=tuple(one.name for one in outcomes),
        empty=tuple(one.name for one in outcomes if not one.counts and (one.before is None or one.after is None)),
    )
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=_MEASURED_STATES)
        revisions = {one.name: one.revision for one in reads.outcomes_of(session, project=project)}
        filed = [
            _outcome(ctx, project, one, ordinal=ordinal, revision=revisions.get(one.name, 0) + 1)
            for ordinal, one in enumerate(outcomes, start=1)
        ]
        session.add_all(filed)
        figures = digest([one.model_dump(exclude={"id"}, mode="json") for one in filed])
        payload = {"outcomes": [one.id for one in filed], "digest": figures}
        events.on_project(session, ctx, row.id, "evaluation.outcomes_recorded", payload)
        lines = [reads.line_of(one) for one in filed]
        return OutcomesRecorded(
            id=project,
            outcomes=len(lines),
            changes={line.name: line.change for line in lines if line.change is not None},
            totals={line.name: line.total for line in lines if line.total is not None},
        )


def _outcome(ctx: Context, project: str, given: OutcomeGiven, *, ordinal: int, revision: int) -> Outcome:
    approximate = given.approximate or given.approximate_before or given.approximate_after
    change = None
    if given.before is not None and given.after is not None:
        change = rules.change(before=given.before, after=given.after, approximate=approximate)
    return Outcome(
        id=ctx.new_id("out", project, given.name),
        project_id=project,
        name=given.name,
        revision=revision,
        ordinal=ordinal,
        unit=given.unit,
        before=_text(given.before),
        after=_text(given.after),
        approximate_before=given.approximate or given.approximate_before,
        approximate_after=given.approximate or given.approximate_after,
        change_percent=str(change.percent) if change else None,
        approximate=approximate,
        counts=dict(given.counts),
        count_total=sum(given.counts.values()) if given.counts else None,
        note=given.note,
        recorded_on=ctx.as_of,
    )


def _text(figure: Decimal | None) -> str | None:
    return None if figure is None else f"{figure:f}"


@command(
    "evaluation.set_price_standard",
    roles=(Role.FINANCE_BUREAU, *CIVIL_AFFAIRS),
    clause="HS-52",
    once_a_day=Once.BY_ANYONE,
)
def set_price_standard(
    ctx: Context,
    *,
    project: str,
    items: Annotated[tuple[PriceItem, ...], Field(min_length=1, description="价格标准")],
) -> PriceStandardSet:
    """Set the next version of the region's price standard from what an accepted project taught (HS-52).

    Raises ``Refusal`` ``lifecycle.not_in_state``.
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=rules.PRICED_STATES)
        last = session.exec(
            select(func.max(PriceStandard.version)).where(col(PriceStandard.region) == row.region)
        ).one()
        standard = PriceStandard(
            id=ctx.new_id("prc", row.region),
            region=row.region,
            version=(last or 0) + 1,
            project_id=project,
            items=[{"name": item.name, "unit": item.unit, "price_fen": item.price.fen} for item in items],
            set_on=ctx.as_of,
        )
        session.add(standard)
        payload = {
            "price_standard_id": standard.id,
            "region": row.region,
            "version": standard.version,
            "items": len(items),
            "digest": digest(standard.items),
        }
        events.on_project(session, ctx, row.id, "evaluation.price_standard_set", payload)
        return PriceStandardSet(id=standard.id, version=standard.version)


@command("evaluation.conclude", roles=CIVIL_AFFAIRS, clause="ZY-29")
def conclude(
    ctx: Context,
    *,
    project: str,
    effects: Annotated[dict[Code, Annotated[str, Field(max_length=1000)]], Field(description="各方面效果")],
    recommendations: Annotated[tuple[str, ...], Field(description="对后续项目的建议")] = (),
) -> Evaluated:
    """Evaluate the result of an accepted project by its effects, with recommendations for later ones.

    Raises ``Refusal`` ``evaluation.effects_wrong`` (ZY-29), ``evaluation.no_recommendation`` (ZY-30).
    """
    advice = tuple(text.strip() for text in recommendations if text.strip())
    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        rules.check_effects(effects=effects, recommendations=advice, policy=policy)
        told = {code: effects[code] for code in policy.evaluation.dimensions}
        view = reads.result_view(
            sheet=project_papers.sheet(session, ctx, row, sources=reads.RESULT_SOURCES),
            policy=policy,
            effects=told,
            recommendations=advice,
            outcomes=reads.outcomes_of(session, project=project),
            grade=grade_of(session, project=project),
        )
    printed = project_papers.printed(ctx, kind="evaluation_report", view=view)
    with ctx.writing() as session:
        row = project_of(session, project)
        result = ResultEvaluation(
            id=ctx.new_id("rev", project),
            project_id=project,
            effects=told,
            recommendations=list(advice),
            evaluated_on=ctx.as_of,
            policy_digest=policy.digest,
            document_id=project_papers.filed(session, ctx, project=project, stage="evaluation", printed=printed),
        )
        return _evaluated(session, ctx, row, result)


def _evaluated(session: Session, ctx: Context, row: Project, result: ResultEvaluation) -> Evaluated:
    session.add(result)
    work.close_item(session, ctx, kind=EVALUATE, subject_id=row.id)
    payload = {
        "evaluation_id": result.id,
        "document_id": result.document_id,
        "recommendations": len(result.recommendations),
    }
    transition.apply(session, ctx, row, payload=payload)
    return Evaluated(id=result.id, state=f"project.{row.state}", document=result.document_id)
