"""The four figures the programme is judged by where BJ-06 asks for them: each with what it counts, none a threshold."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import col

from models.core.actors import Role
from models.core.messages import sentence
from models.core.registry import query
from models.queries.matching import last_answers, newest_run
from models.queries.needs import ASSESSORS
from models.queries.needs_survey import settled_survey
from models.queries.reader import Reader
from models.rules.confirmation import CONFIRMED
from models.rules.matching import SERVED
from models.tables.needs import Person

_SELF = "self"


class Kpi(BaseModel):
    """One figure: how many of how many, and in words what that is. ``percent`` is whole, ``None`` while of nothing."""

    model_config = ConfigDict(frozen=True)

    code: str
    label: str
    count: int
    of: int
    percent: int | None


@query("needs.kpis", roles=(*ASSESSORS, Role.FINANCE_BUREAU, Role.AUDIT_BODY), clause="BJ-06")
def kpis(reader: Reader, *, survey: Annotated[str, Field(description="调查编号")]) -> tuple[Kpi, ...]:
    """Return the four figures of a survey: discovery, accuracy of the register, response, precision (BJ-06).

    What each counts is a proposal of this system, no source defines it: found before applying; assessment not overdue;
    needs that were offered a place in the newest matching; places offered that were confirmed.
    """
    settled_survey(reader.session, survey)
    people, found_first, current = reader.session.execute(
        select_columns(
            func.count(),
            func.count().filter(col(Person.discovery) != _SELF),
            func.count().filter(col(Person.reassess_due_on) >= reader.as_of),
        ).where(col(Person.survey_id) == survey)
    ).one()
    run = newest_run(reader.session, survey=survey)
    needs = run.needs if run else 0
    offered = sum(run.counts.get(reason, 0) for reason in SERVED) if run else 0
    answers = last_answers(reader.session, run.id) if run else {}
    confirmed = sum(answer == CONFIRMED for answer in answers.values())
    figures = {
        "discovery": (found_first, people),
        "accuracy": (current, people),
        "response": (offered, needs),
        "precision": (confirmed + (run.counts.get("continued", 0) if run else 0), offered),
    }
    return tuple(_kpi(code, count, of) for code, (count, of) in figures.items())


def _kpi(code: str, count: int, of: int) -> Kpi:
    percent = 100 * count // of if of else None
    return Kpi(code=code, label=sentence(f"needs.kpi.{code}"), count=count, of=of, percent=percent)
