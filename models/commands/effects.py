"""What results change, on record (S16): every effect is a row traced to the conclusion it cites.

``after_conclusion`` is called by ``commands.conclusion`` in its transaction; ratings and bars are traced by a command
of their own, because another authority decides them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events
from models.commands.key_supervision import list_poor
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict, Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.acceptance import latest_conclusion
from models.queries.effects import credit_lines
from models.queries.monitoring import contractors_of
from models.queries.purchasing import TERMINATED, ratings_of
from models.queries.reader import found, project_of
from models.rules.acceptance import Outcome
from models.rules.bodies import body_name
from models.rules.effects import BAN, NONE, STAR, Effect, Result, effects_of
from models.rules.evaluation import lowest_grade
from models.rules.force import binding
from models.tables.acceptance import AcceptanceConclusion
from models.tables.contract import Contract
from models.tables.incentive import EvaluationEffect
from models.tables.purchasing import CreditRating, Debarment

_HEADS: Final = ("name", "uscc", "project", "grade", "concluded_on", "star", "from_on", "until_on", "number")


def after_conclusion(
    session: Session,
    ctx: Context,
    concluded: AcceptanceConclusion,
    *,
    previous: AcceptanceConclusion | None,
    policy: Policy,
) -> None:
    """Record what a new conclusion changes; ``previous`` is the one before.

    It speaks of who carried the project out: a contract that was terminated earns and loses nothing by it.
    """
    contracts = session.exec(
        select(Contract)
        .where(col(Contract.project_id) == concluded.project_id, col(Contract.state) != TERMINATED)
        .order_by(col(Contract.id))
    ).all()
    found_effects = effects_of(
        result=_result(concluded),
        previous=_result(previous) if previous else None,
        project=concluded.project_id,
        contracts=[one.id for one in contracts],
        contractors=dict.fromkeys(one.organisation_id for one in contracts),
        policy=policy,
    )
    record(session, ctx, concluded, effects=found_effects, source=concluded.id)
    if concluded.grade == lowest_grade(policy=policy):
        facts = {"grade": policy.evaluation.grade_names[concluded.grade], "total": concluded.total}
        list_poor(
            session,
            ctx,
            project=concluded.project_id,
            region=policy.region,
            reason=sentence("evaluation.key_reason" if concluded.party_scores else "evaluation.key_overturned", facts),
            source=concluded.id,
        )


def _result(concluded: AcceptanceConclusion) -> Result:
    return Result(concluded.grade, accepted=concluded.outcome == Outcome.ACCEPTED)


def after_lifting(session: Session, ctx: Context, bar: Debarment, *, source: str) -> None:
    """Record that a bar traced to a conclusion ended before its day; called by ``commands.debarment``.

    ``source`` is the event of the lifting.
    """
    traced = session.exec(select(EvaluationEffect).where(col(EvaluationEffect.source_id) == bar.id)).first()
    if traced is not None and bar.lifted_on is not None:
        cited = session.get_one(AcceptanceConclusion, traced.conclusion_id)
        lifted = bar.lifted_on.isoformat()
        effect = Effect(BAN, "organisation", bar.organisation_id, bar.until_on.isoformat(), lifted, bar.rule)
        record(session, ctx, cited, effects=(effect,), source=source)


def record(
    session: Session, ctx: Context, concluded: AcceptanceConclusion, *, effects: Iterable[Effect], source: str
) -> tuple[str, ...]:
    """Write effects of a conclusion and their event in the project's chain; return their ids."""
    rows = [
        EvaluationEffect(
            id=ctx.new_id("eff", concluded.id, one.kind, one.target, source),
            conclusion_id=concluded.id,
            project_id=concluded.project_id,
            kind=one.kind,
            target_kind=one.target_kind,
            target_id=one.target,
            before=one.before,
            after=one.after,
            rule=one.rule,
            source_id=source,
            recorded_on=ctx.as_of,
        )
        for one in effects
    ]
    session.add_all(rows)
    ids = tuple(row.id for row in rows)
    events.on_project(
        session,
        ctx,
        concluded.project_id,
        "evaluation.effects_recorded",
        {"conclusion_id": concluded.id, "source_id": source, "effects": list(ids)},
    )
    session.flush()
    return ids


class Traced(BaseModel):
    """The effect now on record."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    before: str
    after: str


@command("evaluation.trace_effect", roles=(*CIVIL_AFFAIRS, Role.FINANCE_BUREAU), clause="BJ-52")
def trace_effect(
    ctx: Context,
    *,
    conclusion: Annotated[str, Field(description="验收结论编号")],
    record_id: Annotated[str, Field(description="信用评定或者禁入记录编号")],
) -> Traced:
    """Trace a credit rating or a bar to the conclusion it rests on.

    Raises ``Refusal`` ``kernel.not_found``, ``evaluation.other_contractor`` for an organisation that did not carry out
    the project, ``evaluation.effect_before`` for a record older than the conclusion,
    ``evaluation.conclusion_replaced`` for one that counts no more; ``Conflict`` ``evaluation.traced``.
    """
    with ctx.writing() as session:
        row = found(session.get(AcceptanceConclusion, conclusion), kind="conclusion", id=conclusion)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        newest = latest_conclusion(session, project=row.project_id)
        if newest is not None and newest.id != row.id:
            facts = {"conclusion": newest.id, "on": newest.concluded_on.isoformat()}
            raise Refusal("evaluation.conclusion_replaced", rule="SYS-EFFECT", facts=facts)
        rating = _known(session, record_id)
        if rating.organisation_id not in {one.id for one in contractors_of(session, project=row.project_id)}:
            raise Refusal("evaluation.other_contractor", rule="SYS-EFFECT")
        if (rating.rated_on if isinstance(rating, CreditRating) else rating.entered_on) < row.concluded_on:
            raise Refusal("evaluation.effect_before", rule="SYS-EFFECT", facts={"on": row.concluded_on.isoformat()})
        held = select(EvaluationEffect.id).where(col(EvaluationEffect.source_id) == record_id)
        if session.exec(held).first() is not None:
            raise Conflict("evaluation.traced", rule="SYS-ALREADY-DONE")
        effect = _effect(session, rating, policy)
        (id_,) = record(session, ctx, row, effects=(effect,), source=record_id)
        return Traced(id=id_, kind=effect.kind, before=effect.before, after=effect.after)


def _known(session: Session, record_id: str) -> CreditRating | Debarment:
    rating = session.get(CreditRating, record_id)
    if rating is not None:
        return rating
    return found(session.get(Debarment, record_id), kind="credit_record", id=record_id)


def _effect(session: Session, rating: CreditRating | Debarment, policy: Policy) -> Effect:
    if isinstance(rating, Debarment):
        return Effect(BAN, "organisation", rating.organisation_id, NONE, rating.until_on.isoformat(), rating.rule)
    before = [one.level for one in ratings_of(session, rating.organisation_id) if one.ordinal < rating.ordinal]
    rule = binding(policy=policy, rules=("AH-32", "SYS-EFFECT")) or ""
    last = before[-1] if before else NONE
    return Effect(STAR, "organisation", rating.organisation_id, last, rating.level, rule)


class CreditLedgerIssued(BaseModel):
    """The filed workbook."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    rows: int


@command("evaluation.issue_credit_ledger", roles=CIVIL_AFFAIRS, clause="AH-32")
def issue_credit_ledger(ctx: Context) -> CreditLedgerIssued:
    """Print the credit and bar ledger of every contractor (L13) as xlsx and file it.

    Raises ``Refusal`` ``evaluation.ledger_empty`` (SYS-EMPTY-LEDGER).
    """
    policy = ctx.policy(region=ctx.services.region)
    with ctx.reading() as session:
        lines = credit_lines(session, policy=policy)
    if not lines:
        raise Refusal("evaluation.ledger_empty", rule="SYS-EMPTY-LEDGER")
    title = sentence("evaluation.ledger.title")
    issuer = body_name(policy=policy, role=ctx.actor.role)
    view: dict[str, Any] = {
        "title": title,
        "issuer": issuer,
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [sentence("book.synthetic")] if ctx.services.rehearsal else [],
        "rows": [],
        "heads": [sentence(f"evaluation.ledger.{name}") for name in _HEADS],
        "lines": [[{"text": text} for text in line] for line in lines],
    }
    paper = documents.render(ctx, kind="credit_ledger_xlsx", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        document = documents.file_paper(
            session, ctx, paper=paper, project_id=None, stage="evaluation", title=title, issuer=issuer
        )
        return CreditLedgerIssued(id=document.id, sha256=document.sha256, rows=len(lines))
