"""What the monthly checks found, as people inside read it (S13): the findings, and the services behind each.

Nobody is named: people are ledger ids. Printed by ``commands.check_ledger``.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import false, true
from sqlmodel import col, select

from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader
from models.tables.kernel import WorkItem
from models.tables.monitoring import CheckFinding

RECHECK: Final = "monitoring.month_recheck"
"""The due row of a month to be checked again; its subject is the month."""


@query("monitoring.months_to_recheck", roles=(*CIVIL_AFFAIRS, Role.SYSTEM), clause="SYS-MONTHLY-CHECK")
def months_to_recheck(reader: Reader) -> tuple[str, ...]:
    """Return the first days of the months that records came for after they were checked."""
    waiting = select(WorkItem.subject_id).where(col(WorkItem.kind) == RECHECK, col(WorkItem.status) == "open")
    months = reader.session.exec(waiting.order_by(col(WorkItem.subject_id))).all()
    return tuple(f"{month}-01" for month in months)


class FindingShown(BaseModel):
    """One finding of a month: what is at fault and how much, due when, closed how. No person is named.

    ``days``: the hours were judged by so many days of the month; 0 where by all of them.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    month: str
    check: str
    name: str
    project: str
    contract: str
    records: int
    persons: int
    minutes: int
    amount_fen: int
    days: int
    found_on: date
    due_on: date
    overdue: bool
    closed_on: date | None
    outcome: str


class Findings(BaseModel):
    """The findings asked for, and how many of them are open."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[FindingShown, ...] = Field(description="核查结果")
    open: int


@query("monitoring.check_findings", roles=EVERYONE_INSIDE, clause="SYS-MONTHLY-CHECK")
def check_findings(reader: Reader, *, month: str = "", project: str = "", open_only: bool = False) -> Findings:
    """Return what the monthly checks found, newest month first."""
    statement = select(CheckFinding).where(
        col(CheckFinding.month) == month if month else true(),
        col(CheckFinding.project_id) == project if project else true(),
        col(CheckFinding.closed_on).is_(None) if open_only else ~false(),
    )
    ordered = statement.order_by(col(CheckFinding.month).desc(), col(CheckFinding.check_code), col(CheckFinding.id))
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    shown = tuple(_shown(row, policy, reader.as_of) for row in reader.session.exec(ordered).all())
    return Findings(findings=shown, open=sum(one.closed_on is None for one in shown))


def _shown(row: CheckFinding, policy: Policy, on: date) -> FindingShown:
    return FindingShown(
        id=row.id,
        month=row.month,
        check=row.check_code,
        name=policy.monitoring.audit_checks.get(row.check_code, row.check_code),
        project=row.project_id,
        contract=row.contract_id,
        records=row.records,
        persons=row.persons,
        minutes=row.minutes,
        amount_fen=row.amount_fen,
        days=row.days,
        found_on=row.found_on,
        due_on=row.due_on,
        overdue=row.closed_on is None and row.due_on < on,
        closed_on=row.closed_on,
        outcome=row.outcome,
    )
