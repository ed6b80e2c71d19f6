"""Reads of performance goals and evaluation standards (S16)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import INSIDE
from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.reader import Reader, project_of
from models.rules.evaluation import SheetItem
from models.tables.evaluation import EvaluationStandard, GoalResult, PerformancePlan


class GoalLine(BaseModel):
    """One goal, from its target to what was reached while the project ran and at its end."""

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    unit: str
    precise: bool
    target: Decimal
    run: Decimal | None
    end: Decimal | None
    reached: bool | None


class Goals(BaseModel):
    """The goals of a project, how they are judged, and the region's newest standard."""

    model_config = ConfigDict(frozen=True)

    project: str
    revision: int
    late: bool
    set_on: date | None
    means: str
    method: str
    path: str
    goals: tuple[GoalLine, ...]
    standard_version: int
    standard: dict[str, dict[str, Any]]


@query("evaluation.goals", roles=INSIDE, clause="AH-28")
def goals(reader: Reader, *, project: str) -> Goals:
    """Return goals, their tracking and their result side by side; revision 0 where none were set."""
    row = project_of(reader.session, project)
    plan = newest_plan(reader.session, project)
    standard = newest_standard(reader.session, row.region)
    found = {} if plan is None else _results(reader.session, plan)
    return Goals(
        project=project,
        revision=plan.revision if plan else 0,
        late=plan.late if plan else False,
        set_on=plan.set_on if plan else None,
        means=plan.means if plan else "",
        method=plan.method if plan else "",
        path=plan.path if plan else "",
        goals=tuple(_line(code, given, found) for code, given in (plan.goals if plan else {}).items()),
        standard_version=standard.version if standard else 0,
        standard=dict(standard.items) if standard else {},
    )


def _results(session: Session, plan: PerformancePlan) -> dict[str, dict[str, str]]:
    """Return phase → goal code → figure, the last one recorded of each phase."""
    rows = session.exec(select(GoalResult).where(col(GoalResult.plan_id) == plan.id).order_by(col(GoalResult.ordinal)))
    return {row.phase: row.reached for row in rows}


def _line(code: str, given: dict[str, Any], found: dict[str, dict[str, str]]) -> GoalLine:
    run, end = (found.get(phase, {}).get(code) for phase in ("run", "end"))
    target = Decimal(given["target"])
    return GoalLine(
        code=code,
        name=given["name"],
        unit=given["unit"],
        precise=given["precise"],
        target=target,
        run=None if run is None else Decimal(run),
        end=None if end is None else Decimal(end),
        reached=None if end is None else Decimal(end) >= target,
    )


def newest_plan(session: Session, project: str) -> PerformancePlan | None:
    """Return the newest revision of a project's goals."""
    rows = select(PerformancePlan).where(col(PerformancePlan.project_id) == project)
    return session.exec(rows.order_by(col(PerformancePlan.revision).desc())).first()


def performance_sheet(session: Session, *, region: str, policy: Policy) -> dict[str, SheetItem]:
    """Return the items of the performance sheet: the region's newest standard, else the sheet of its policy."""
    standard = newest_standard(session, region)
    if standard is not None:
        return {code: SheetItem(item["name"], Decimal(item["weight"])) for code, item in standard.items.items()}
    weights = policy.evaluation.sheet_weights
    return {code: SheetItem(sentence(f"evaluation.item.{code}"), weight) for code, weight in weights.items()}


def newest_standard(session: Session, region: str) -> EvaluationStandard | None:
    """Return the newest evaluation standard of a region."""
    rows = select(EvaluationStandard).where(col(EvaluationStandard.region) == region)
    return session.exec(rows.order_by(col(EvaluationStandard.version).desc())).first()
