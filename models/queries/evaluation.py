"""Reads of evaluation (S16): what third parties scored, what changed, what it taught; and the views of both reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.messages import catalogue, sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries import papers
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.rules import evaluation as rules
from models.rules.bodies import body_name, written_date
from models.tables.evaluation import Outcome, PriceStandard, ResultEvaluation, ThirdPartyEvaluation
from models.tables.kernel import Project

OMITTED = "third_party_omitted"
"""Under this key a project keeps the omissions that were approved (HS-35)."""

THIRD_PARTY_SOURCES = ("evaluation.record_third_party", "procurement.register_bid")
RESULT_SOURCES = (
    "evaluation.record_outcomes",
    "evaluation.conclude",
    "evaluation.record_third_party",
    "acceptance.conclude",
)
_NOT_STATED: dict[str, Any] = {"stated": False}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class ThirdPartyLine(_Model):
    """One third-party evaluation: phase, date, scores by dimension, their mean."""

    phase: str
    on: date
    evaluator: str
    scores: dict[str, Decimal]
    total: Decimal


class Omission(_Model):
    """An evaluation that was not held in its time: when that was approved, by whom, why."""

    phase: str
    on: date
    approved_by: Role
    approval_no: str
    reason: str


class OutcomeLine(_Model):
    """One outcome in its newest revision. ``change`` is worded (``−58.3%``, ``约−56%``), ``total`` sums counts."""

    name: str
    unit: str
    before: str | None
    after: str | None
    change: str | None
    change_percent: Decimal | None
    approximate: bool
    counts: dict[str, int]
    total: int | None
    note: str


class PriceLine(_Model):
    """One version of the price standard that was drawn from this project."""

    version: int
    on: date
    items: tuple[dict[str, Any], ...]


class EvaluationSummary(_Model):
    """All that was evaluated of a project so far."""

    project: str
    third_party: tuple[ThirdPartyLine, ...]
    third_party_missing: tuple[str, ...]
    third_party_omitted: tuple[Omission, ...]
    outcomes: tuple[OutcomeLine, ...]
    price_standards: tuple[PriceLine, ...]
    effects: dict[str, str]
    recommendations: tuple[str, ...]


@query("evaluation.summary", roles=EVERYONE_INSIDE, clause="ZY-29")
def summary(reader: Reader, *, project: str) -> EvaluationSummary:
    """Return third-party evaluations, outcomes, price standards and the result evaluation of a project."""
    session = reader.session
    row = project_of(session, project)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    evaluations, omitted = third_party_of(session, project=project), omissions_of(row)
    standards = session.exec(
        select(PriceStandard).where(col(PriceStandard.project_id) == project).order_by(col(PriceStandard.version))
    ).all()
    result = session.exec(select(ResultEvaluation).where(col(ResultEvaluation.project_id) == project)).one_or_none()
    return EvaluationSummary(
        project=project,
        third_party=tuple(
            ThirdPartyLine(
                phase=one.phase,
                on=one.evaluated_on,
                evaluator=one.organisation_id,
                scores={code: Decimal(score) for code, score in one.scores.items()},
                total=Decimal(one.total),
            )
            for one in evaluations
        ),
        third_party_missing=tuple(
            phase
            for phase in policy.evaluation.third_party_phases or {}
            if phase not in {one.phase for one in evaluations} | {one.phase for one in omitted}
        ),
        third_party_omitted=omitted,
        outcomes=tuple(line_of(one) for one in outcomes_of(session, project=project)),
        price_standards=tuple(
            PriceLine(version=one.version, on=one.set_on, items=tuple(one.items)) for one in standards
        ),
        effects=result.effects if result else {},
        recommendations=tuple(result.recommendations) if result else (),
    )


def third_party_of(session: Session, *, project: str) -> list[ThirdPartyEvaluation]:
    """Return the third-party evaluations of a project, oldest first."""
    rows = session.exec(
        select(ThirdPartyEvaluation)
        .where(col(ThirdPartyEvaluation.project_id) == project)
        .order_by(col(ThirdPartyEvaluation.evaluated_on), col(ThirdPartyEvaluation.id))
    )
    return list(rows.all())


def omissions_of(project: Project) -> tuple[Omission, ...]:
    """Return the third-party evaluations a project was allowed to go without, in the order of their approval."""
    return tuple(Omission(**one) for one in project.details.get(OMITTED, ()))


def omission_sentence(omission: Omission, *, policy: Policy) -> str:
    """Return an omission as the conclusion and the reports say it; the reason stays on file."""
    facts = {
        "phase": (policy.evaluation.third_party_phases or {}).get(omission.phase, omission.phase),
        "on": written_date(omission.on),
        "body": body_name(policy=policy, role=omission.approved_by),
        "number": omission.approval_no or sentence("evaluation.none"),
    }
    return sentence("evaluation.paper.omitted", facts)


def outcomes_of(session: Session, *, project: str) -> list[Outcome]:
    """Return the outcomes of a project in the order they were first named, each in its newest revision."""
    rows = session.exec(
        select(Outcome).where(col(Outcome.project_id) == project).order_by(col(Outcome.revision), col(Outcome.ordinal))
    ).all()
    newest = {row.name: row for row in rows}
    return list(newest.values())


def _change(row: Outcome) -> rules.Change | None:
    if row.change_percent is None:
        return None
    return rules.Change(Decimal(row.change_percent), row.approximate)


def line_of(row: Outcome) -> OutcomeLine:
    """Return one outcome as it is read."""
    change = _change(row)
    return OutcomeLine(
        name=row.name,
        unit=row.unit,
        before=row.before,
        after=row.after,
        change=change.text if change else None,
        change_percent=change.percent if change else None,
        approximate=row.approximate,
        counts=row.counts,
        total=row.count_total,
        note=row.note,
    )


def outcome_sentence(row: Outcome) -> str:
    """Return one outcome as a report says it; figures stand as they were given, approximate ones with 约."""
    if row.count_total is not None:
        parts = "、".join(f"{_count_name(name)}{count}{row.unit}" for name, count in row.counts.items())
        return sentence(
            "evaluation.paper.sum", {"name": row.name, "total": row.count_total, "unit": row.unit, "parts": parts}
        )
    change = _change(row)
    facts = {
        "name": row.name,
        "unit": row.unit,
        "before": _figure(row.before, row.approximate_before),
        "after": _figure(row.after, row.approximate_after),
        "change": change.text if change else "",
    }
    return sentence("evaluation.paper.change" if change else "evaluation.paper.level", facts)


def _count_name(name: str) -> str:
    """Return how a part is called: a code's label where we have one, else as it was written."""
    label = f"evaluation.count.{name}"
    return sentence(label) if label in catalogue() else name


def _figure(text: str | None, approximate: bool) -> str:
    if text is None:
        return ""
    return f"{sentence('evaluation.about')}{text}" if approximate else text


def third_party_view(
    *,
    sheet: papers.Sheet,
    policy: Policy,
    phase: str,
    evaluator: str,
    contractors: Sequence[str],
    scores: Mapping[str, Decimal],
    total: Decimal,
) -> dict[str, Any]:
    """Return the view of the paper ``evaluation_report`` for one third-party evaluation."""
    cell, path = sheet.marks.cell, "evaluation.record_third_party"
    names = policy.evaluation.third_party_dimensions or {}
    phases = policy.evaluation.third_party_phases or {}
    words = {"phase": phases.get(phase, phase), "total": total, "most": policy.evaluation.score_max}
    method = {**words, "dimensions": "、".join(names.values())}
    return {
        **papers.head(
            sheet=sheet,
            title="evaluation.paper.third_party_title",
            issuer=evaluator,
            subtitle=sentence("evaluation.paper.third_party_which", words),
        ),
        "which": sentence("evaluation.paper.third_party_which", words),
        "facts": papers.facts(
            sheet=sheet,
            stage="evaluation",
            lines=(
                ("project", sheet.project.name, "library.enter_project.name"),
                ("contractor", "、".join(contractors), "procurement.register_bid.organisation"),
                ("evaluator", evaluator, f"{path}.evaluator"),
                ("evaluated_on", sheet.on.isoformat(), ""),
            ),
        ),
        "method": [sentence("evaluation.paper.third_party_method", method)],
        "scores": [_scored(sheet, names.get(code, code), code, score) for code, score in scores.items()],
        "total": cell(total, f"{path}.scores"),
        "grade": _NOT_STATED,
        "conclusion": [sentence("evaluation.paper.third_party_conclusion", words)],
        "problems": [],
    }


def _scored(sheet: papers.Sheet, name: str, code: str, score: Decimal) -> dict[str, Any]:
    return {
        "dimension": name,
        "weight": sentence("evaluation.paper.equal_weight"),
        "score": sheet.marks.cell(score, f"evaluation.record_third_party.scores.{code}"),
        "basis": sentence("evaluation.paper.third_party_basis"),
    }


def result_view(
    *,
    sheet: papers.Sheet,
    policy: Policy,
    effects: Mapping[str, str],
    recommendations: Sequence[str],
    outcomes: Sequence[Outcome],
    grade: str | None,
) -> dict[str, Any]:
    """Return the view of the paper ``evaluation_report`` for the result evaluation: effects in words, no scores."""
    names = policy.evaluation.dimensions
    told = [outcome_sentence(row) for row in outcomes]
    advice = [sentence("evaluation.paper.recommendation", {"text": text}) for text in recommendations]
    graded = sheet.marks.cell(policy.evaluation.grade_names.get(grade or ""), "acceptance.conclude")
    issuer = body_name(policy=policy, role=Role.EVALUATION_OFFICE)
    return {
        **papers.head(sheet=sheet, title="evaluation.paper.result_title", issuer=issuer),
        "which": sentence("evaluation.paper.result_which"),
        "facts": papers.facts(
            sheet=sheet, stage="evaluation", lines=(("project", sheet.project.name, "library.enter_project.name"),)
        ),
        "method": [sentence("evaluation.paper.result_method", {"dimensions": "、".join(names.values())})],
        "scores": [
            {"dimension": names[code], "weight": _NOT_STATED, "score": _NOT_STATED, "basis": text}
            for code, text in effects.items()
        ],
        "total": _NOT_STATED,
        "grade": graded,
        "conclusion": [*told, *advice] or [sentence("evaluation.paper.done")],
        "problems": [omission_sentence(one, policy=policy) for one in omissions_of(sheet.project)],
    }
