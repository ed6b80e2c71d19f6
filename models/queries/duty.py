"""Reads of duties: which are in force, and the ledger of who did what for which period and who did not (L15)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, func, select

from models.core.actors import INSIDE, Role
from models.core.periods import Period
from models.core.registry import query
from models.policy.duties import Duty
from models.policy.schema import Policy
from models.queries.reader import Reader
from models.queries.units import root_unit
from models.rules import duty as rules
from models.rules.units import Unit
from models.tables.duty import AdministrativeUnit, DutyOccurrence
from models.tables.kernel import Alert, WorkItem


class DutyInForce(BaseModel):
    """One duty as policy states it."""

    model_config = ConfigDict(frozen=True)

    duty: str
    title: str
    rule: str
    strength: str
    levels: tuple[str, ...]
    cooperating: tuple[str, ...]
    every_months: int | None
    periods: tuple[str, ...]
    evidence: tuple[str, ...]
    parts: tuple[str, ...]
    clause: str


@query("duty.in_force", roles=tuple(Role), clause="SYS-DUTY")
def in_force(reader: Reader) -> tuple[DutyInForce, ...]:
    """Return the duties in force in the region served, with the clause each rests on."""
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    return tuple(
        DutyInForce(
            duty=code,
            title=duty.title,
            rule=duty.rule,
            strength=duty.strength,
            levels=tuple(duty.lead),
            cooperating=duty.cooperating,
            every_months=duty.every_months,
            periods=tuple(window.key for window in duty.windows),
            evidence=duty.evidence,
            parts=tuple(duty.parts.values()),
            clause=policy.clause(key),
        )
        for code, (key, duty) in rules.duties_of(policy).items()
    )


class LedgerRow(BaseModel):
    """One time a duty is owed or was kept. ``status`` is a code of ``duty.status``.

    ``workdays_left`` counts workdays from today to the due date, both included; ``rolled`` says that the due date moved
    off a day off; ``alerts`` how often it was called overdue.
    """

    model_config = ConfigDict(frozen=True)

    duty: str
    title: str
    rule: str
    unit: str
    unit_name: str
    level: str
    period: str
    starts_on: date
    due_on: date | None
    rolled: bool
    provisional: bool
    workdays_left: int | None
    status: str
    held_on: date | None
    participants: int | None
    consulted: tuple[str, ...]
    documents: tuple[str, ...]
    late: bool
    late_reason: str
    ahead_of: tuple[str, ...]
    alerts: int


class DutyLedger(BaseModel):
    """The rows asked for, and their counts; ``held + missing + open + advised + logged`` is ``total``.

    ``levels_without_units`` names each ``duty/level`` that owes a duty here while no unit of that level is registered:
    nobody is missing only because nobody was registered.
    """

    model_config = ConfigDict(frozen=True)

    rows: tuple[LedgerRow, ...]
    total: int
    held: int
    late: int
    missing: int
    open: int
    missing_units: tuple[str, ...]
    levels_without_units: tuple[str, ...]


@query("duty.ledger", roles=INSIDE, clause="ZY-40")
def ledger(
    reader: Reader,
    *,
    duty: Annotated[str | None, Field(description="任务代码;不填为全部")] = None,
    period: Annotated[str | None, Field(description="所属期间;不填为全部")] = None,
    unit: Annotated[str | None, Field(description="区划代码;不填为全部")] = None,
) -> DutyLedger:
    """Return who did what for which period, and who did not, by duty, period and unit."""
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    statement = select(DutyOccurrence)
    for column, value in (
        (DutyOccurrence.duty, duty),
        (DutyOccurrence.period, period),
        (DutyOccurrence.unit_code, unit),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    order = (DutyOccurrence.starts_on, DutyOccurrence.duty, DutyOccurrence.unit_code, DutyOccurrence.ordinal)
    found = reader.session.exec(statement.order_by(*(col(one) for one in order))).all()
    units, alerts = _units(reader), _alerts(reader, found)
    known = rules.duties_of(policy)
    rows = tuple(_row(reader, one, known[one.duty][1] if one.duty in known else None, units, alerts) for one in found)
    return DutyLedger(
        rows=rows,
        total=len(rows),
        held=sum(row.held_on is not None for row in rows),
        late=sum(row.late for row in rows),
        missing=sum(row.status == "missing" for row in rows),
        open=sum(row.status == "open" for row in rows),
        missing_units=tuple(dict.fromkeys(row.unit for row in rows if row.status == "missing")),
        levels_without_units=_bare(policy, duty, units),
    )


def _bare(policy: Policy, asked: str | None, units: dict[str, Unit]) -> tuple[str, ...]:
    levels = {unit.level for unit in units.values()}
    return tuple(
        f"{code}/{level}"
        for code, (_, duty) in rules.duties_of(policy).items()
        for level in duty.lead
        if level not in levels and asked in (None, code)
    )


def _units(reader: Reader) -> dict[str, Unit]:
    """Return every unit there ever was: a ledger names those that are no more, too."""
    root = root_unit(policies=reader.policies, region=reader.region)
    rows = reader.session.exec(select(AdministrativeUnit)).all()
    return {root.code: root} | {row.code: Unit(row.code, row.name, row.level, row.parent_code) for row in rows}


def _alerts(reader: Reader, rows: Sequence[DutyOccurrence]) -> dict[str, int]:
    """Return subject of a duty → how often it was called overdue."""
    if not rows:
        return {}
    statement = (
        select(WorkItem.subject_id, func.count())
        .join(Alert, col(Alert.work_item_id) == col(WorkItem.id))
        .where(col(WorkItem.kind) == "duty", col(Alert.level).startswith("overdue"))
        .group_by(col(WorkItem.subject_id))
    )
    return dict(reader.session.exec(statement).all())


def _row(
    reader: Reader, one: DutyOccurrence, duty: Duty | None, units: dict[str, Unit], alerts: dict[str, int]
) -> LedgerRow:
    unit = units[one.unit_code]
    subject = f"{one.duty}/{one.unit_code}/{one.period}" + (f"/{one.ordinal}" if one.ordinal > 1 else "")
    left = None
    if one.held_on is None and one.due_on is not None and one.due_on >= reader.as_of:
        left = reader.calendar.working_days_in(Period.through(reader.as_of, one.due_on)).value
    return LedgerRow(
        duty=one.duty,
        title=duty.title if duty else one.duty,
        rule=one.rule,
        unit=one.unit_code,
        unit_name=unit.name,
        level=unit.level,
        period=one.period,
        starts_on=one.starts_on,
        due_on=one.due_on,
        rolled=one.due_on != one.ends_on,
        provisional=one.provisional,
        workdays_left=left,
        status=_status(one, reader.as_of),
        held_on=one.held_on,
        participants=one.participants,
        consulted=tuple(one.consulted),
        documents=tuple(one.documents),
        late=one.late,
        late_reason=one.late_reason,
        ahead_of=tuple(one.ahead_of),
        alerts=alerts.get(subject, 0),
    )


def _status(one: DutyOccurrence, as_of: date) -> str:
    if one.due_on is None:
        return "logged"
    if one.held_on is not None:
        return "held_late" if one.late else "held"
    if one.due_on >= as_of:
        return "open"
    return "missing" if one.strength == "M" else "advised"
