"""Reads of what results changed (S16): effects with the conclusion they cite, and the credit ledger of contractors."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.core.actors import INSIDE
from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.purchasing import past_results, ratings_of
from models.queries.reader import Reader
from models.rules.effects import BAN, STAR, TIE_BREAK
from models.tables.acceptance import AcceptanceConclusion
from models.tables.incentive import EvaluationEffect
from models.tables.procurement import Organisation
from models.tables.purchasing import CreditRating, Debarment


class EffectRow(BaseModel):
    """One effect: what of which target changed from what to what, under which rule, by which conclusion and grade.

    It holds from ``starts_on``, and on the day ``ends_on`` no more (``None``: no end is known): the next effect of the
    same kind on the target took its place, a bar ran out, another star was given. ``stands`` says whether the
    conclusion it cites is still the newest of the project: a bar that cites another is for its authority to look at.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    conclusion: str
    grade: str
    concluded_on: date
    stands: bool
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
    starts_on: date
    ends_on: date | None


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
    ).all()
    terms = _terms(reader.session, {row.target_id for row, _ in rows})
    newest = select(AcceptanceConclusion.project_id, func.max(AcceptanceConclusion.round))
    rounds = dict(reader.session.exec(newest.group_by(col(AcceptanceConclusion.project_id))).all())
    return tuple(
        EffectRow(
            id=row.id,
            conclusion=end.id,
            grade=end.grade,
            concluded_on=end.concluded_on,
            stands=end.round == rounds[row.project_id],
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
            starts_on=terms[row.id][0],
            ends_on=terms[row.id][1],
        )
        for row, end in rows
    )


def _terms(session: Session, targets: Collection[str]) -> dict[str, tuple[date, date | None]]:
    """Return effect → (first day, day from which it holds no more) of every effect on some targets.

    The order is that of the rounds of a project: two conclusions of one day do not count for one.
    """
    rows = session.exec(
        select(EvaluationEffect, AcceptanceConclusion.round)
        .join(AcceptanceConclusion, col(AcceptanceConclusion.id) == col(EvaluationEffect.conclusion_id))
        .where(col(EvaluationEffect.target_id).in_(targets))
        .order_by(col(EvaluationEffect.recorded_on), col(AcceptanceConclusion.round), col(EvaluationEffect.id))
    ).all()
    bars = {row.id: row for row in session.exec(select(Debarment).where(col(Debarment.organisation_id).in_(targets)))}
    stars = session.exec(
        select(CreditRating)
        .where(col(CreditRating.organisation_id).in_(targets))
        .order_by(col(CreditRating.organisation_id), col(CreditRating.ordinal))
    ).all()
    followed = {
        one.id: after.rated_on for one, after in pairwise(stars) if one.organisation_id == after.organisation_id
    }
    found: dict[str, tuple[date, date | None]] = {}
    last: dict[tuple[str, str, str], str] = {}
    for row, _round in rows:
        day, bar = row.recorded_on, bars.get(row.source_id)
        if row.kind == BAN:  # a bar, or the event that lifted one
            found[row.id] = (bar.from_on, bar.lifted_on or bar.until_on) if bar else (day, day)
            continue
        found[row.id] = (day, followed.get(row.source_id))
        place = (row.kind, row.target_id, row.project_id if row.kind == TIE_BREAK else "")
        if row.kind != STAR and place in last:
            found[last[place]] = (found[last[place]][0], day)
        last[place] = row.id
    return found


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
