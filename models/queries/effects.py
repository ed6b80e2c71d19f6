"""Reads of what results changed (S16): effects with the conclusion they cite, and the credit ledger of contractors."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.core.actors import INSIDE
from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.purchasing import past_results, ratings_of
from models.queries.reader import Reader
from models.tables.acceptance import AcceptanceConclusion
from models.tables.incentive import EvaluationEffect
from models.tables.procurement import Organisation
from models.tables.purchasing import Debarment


class EffectRow(BaseModel):
    """One effect: what of which target changed from what to what, under which rule, by which conclusion and grade."""

    model_config = ConfigDict(frozen=True)

    id: str
    conclusion: str
    grade: str
    concluded_on: date
    project: str
    kind: str
    name: str
    target_kind: str
    target: str
    before: str
    after: str
    rule: str
    source: str
    recorded_on: date


@query("evaluation.effects", roles=INSIDE, clause="ZY-98")
def effects(
    reader: Reader,
    *,
    project: Annotated[str | None, Field(description="项目编号;不填为全部")] = None,
    target: Annotated[str | None, Field(description="合同、单位或者区划编号;不填为全部")] = None,
) -> tuple[EffectRow, ...]:
    """Return the effects of results in the order they were recorded, of one project or on one target."""
    statement = select(EvaluationEffect, AcceptanceConclusion).join(
        AcceptanceConclusion, col(AcceptanceConclusion.id) == col(EvaluationEffect.conclusion_id)
    )
    if project is not None:
        statement = statement.where(col(EvaluationEffect.project_id) == project)
    if target is not None:
        statement = statement.where(col(EvaluationEffect.target_id) == target)
    rows = reader.session.exec(
        statement.order_by(col(EvaluationEffect.recorded_on), col(EvaluationEffect.kind), col(EvaluationEffect.id))
    )
    return tuple(
        EffectRow(
            id=row.id,
            conclusion=end.id,
            grade=end.grade,
            concluded_on=end.concluded_on,
            project=row.project_id,
            kind=row.kind,
            name=sentence(f"evaluation.effect.{row.kind}"),
            target_kind=row.target_kind,
            target=row.target_id,
            before=row.before,
            after=row.after,
            rule=row.rule,
            source=row.source_id,
            recorded_on=row.recorded_on,
        )
        for row, end in rows
    )


def credit_lines(session: Session, *, policy: Policy) -> tuple[tuple[str, ...], ...]:
    """Return the lines of the credit ledger (L13), an organisation's results first, then its bars.

    Each line: name, credit code, project, grade, concluded on, star, barred from, until, number of the decision.
    """
    lines: list[tuple[str, ...]] = []
    for one in session.exec(select(Organisation).order_by(col(Organisation.name), col(Organisation.id))):
        ratings = ratings_of(session, one.id)
        levels = policy.procurement.credit_levels or {}
        star = levels.get(ratings[-1].level, ratings[-1].level) if ratings else ""
        head = (one.name, one.uscc or "")
        names = policy.evaluation.grade_names
        own = [
            (*head, end.project, names.get(end.grade, end.grade), end.concluded_on.isoformat(), star, "", "", "")
            for end in past_results(session, one.id)
        ]
        bars = session.exec(
            select(Debarment).where(col(Debarment.organisation_id) == one.id).order_by(col(Debarment.from_on))
        )
        own += [
            (*head, "", "", "", star, bar.from_on.isoformat(), (bar.lifted_on or bar.until_on).isoformat(), bar.number)
            for bar in bars
        ]
        if star and not own:
            own.append((*head, "", "", "", star, "", "", ""))
        lines += own
    return tuple(lines)
