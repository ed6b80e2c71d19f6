"""Reads of recovery (SX1): where a case of misused money stands, and what its papers say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.reader import Reader, found
from models.rules.recovery import OPENED, Standing
from models.tables.recovery import MisuseCase, MisuseFine, MisuseStep

READERS: Final = (*CIVIL_AFFAIRS, Role.FINANCE_BUREAU, Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION)


class StepTaken(BaseModel):
    """One step: code, name, day, its paper, the day it set, the money that came, its number."""

    model_config = ConfigDict(frozen=True)

    step: str
    name: str
    on: date
    document: str | None
    due_on: date | None
    amount: Money | None
    number: str | None


class Fined(BaseModel):
    """One fine and the article it rests on."""

    model_config = ConfigDict(frozen=True)

    number: str
    multiple: str
    amount: Money
    clause: str
    decided_on: date


class Case(BaseModel):
    """A case of misuse with everything done about it."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    kind: str
    unit: str
    amount: Money
    repaid: Money
    owed: Money
    event_on: date
    found_on: date
    due_on: date | None
    officer_involved: bool
    step: str
    closed_on: date | None
    steps: tuple[StepTaken, ...]
    fines: tuple[Fined, ...]


@query("recovery.case", roles=READERS, clause="ZY-113")
def case(reader: Reader, *, case: Annotated[str, Field(description="案件编号")]) -> Case:
    """Return one case. Raises ``Refusal`` ``kernel.not_found``."""
    return _case(reader, found(reader.session.get(MisuseCase, case), kind="misuse_case", id=case))


@query("recovery.cases", roles=READERS, clause="ZY-113")
def cases(reader: Reader, *, open_only: Annotated[bool, Field(description="只列未办结的")] = False) -> tuple[Case, ...]:
    """Return the cases of the region, the one found first at the beginning."""
    statement = select(MisuseCase).order_by(col(MisuseCase.found_on), col(MisuseCase.id))
    if open_only:
        statement = statement.where(col(MisuseCase.closed_on).is_(None))
    return tuple(_case(reader, row) for row in reader.session.exec(statement))


def _case(reader: Reader, row: MisuseCase) -> Case:
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    fines = reader.session.exec(
        select(MisuseFine).where(col(MisuseFine.case_id) == row.id).order_by(col(MisuseFine.decided_on))
    )
    return Case(
        id=row.id,
        project=row.project_id,
        kind=policy.recovery.kinds.get(row.kind, row.kind),
        unit=row.unit,
        amount=Money(row.amount_fen),
        repaid=Money(row.repaid_fen),
        owed=Money(row.amount_fen - row.repaid_fen),
        event_on=row.event_on,
        found_on=row.found_on,
        due_on=row.due_on,
        officer_involved=row.officer_involved,
        step=row.step,
        closed_on=row.closed_on,
        steps=tuple(_step(one, policy) for one in steps_of(reader.session, row.id)),
        fines=tuple(
            Fined(
                number=one.number,
                multiple=one.multiple,
                amount=Money(one.amount_fen),
                clause=one.clause,
                decided_on=one.decided_on,
            )
            for one in fines
        ),
    )


def _step(one: MisuseStep, policy: Policy) -> StepTaken:
    return StepTaken(
        step=one.step,
        name=policy.recovery.ladder.get(one.step) or sentence(f"recovery.step.{one.step}"),
        on=one.taken_on,
        document=one.document_id,
        due_on=one.due_on,
        amount=None if one.amount_fen is None else Money(one.amount_fen),
        number=one.number,
    )


def steps_of(session: Session, case: str) -> tuple[MisuseStep, ...]:
    """Return the steps of a case in their order."""
    rows = session.exec(select(MisuseStep).where(col(MisuseStep.case_id) == case).order_by(col(MisuseStep.ordinal)))
    return tuple(rows.all())


def standing_of(session: Session, row: MisuseCase) -> Standing:
    """Return where a case stands, as its rules ask."""
    return Standing(
        taken=frozenset({OPENED, *(one.step for one in steps_of(session, row.id))}),
        amount=Money(row.amount_fen),
        repaid=Money(row.repaid_fen),
        due_on=row.due_on,
        officer=row.officer_involved,
    )


def notice_view(
    *, step: str, row: MisuseCase, head: Mapping[str, Any], receiver: str, facts: Mapping[str, object], policy: Policy
) -> dict[str, Any]:
    """Return the view of a paper of the ladder: notice of interview, order, start of recovery, hand-over.

    ``head`` is the paper's own head; ``facts`` are what this step adds, code → text.
    """
    kind = policy.recovery.kinds[row.kind]
    said = {
        "unit": row.unit,
        "kind": kind,
        "amount": str(Money(row.amount_fen)),
        "clause": policy.clause("recovery.ladder"),
    }
    lines = {"case": row.id, "unit": row.unit, "kind": kind, "amount": f"{Money(row.amount_fen)}", **facts}
    return {
        **head,
        "addressee": receiver,
        "paras": [sentence(f"recovery.paper.{step}.text", said)],
        "facts": [{"label": sentence(f"recovery.paper.{code}"), "value": str(text)} for code, text in lines.items()],
        "closing": [sentence(f"recovery.paper.{step}.closing")],
    }
