"""Reads of the monthly checks (S13, domain.md §4-T): four questions auditors ask, each one statement over a month.

Set-based: what comes back is one line a contract, however many service records there are. Only the newest revision of a
record counts. Called by ``commands.monthly_checks`` and by the office's list; nothing here names a person.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, case, distinct, false, func, or_, select, true
from sqlalchemy import Subquery as Sub
from sqlalchemy.orm import aliased
from sqlmodel import Session, col
from sqlmodel import select as rows_of

from models.core.periods import add_months
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader
from models.tables.contract import Contract
from models.tables.delivery import DeliveryStaff, PlanItem, ServiceRecord
from models.tables.funding import Payment
from models.tables.kernel import Project
from models.tables.monitoring import CheckFinding

NEED_MISMATCH: Final = "need_mismatch"
HOURS_SHORT: Final = "hours_below_contract"
DOUBLE: Final = "duplicate_payment"
UNCERTIFIED: Final = "uncertified_staff"


@dataclass(frozen=True)
class Found:
    """What one check found on one contract: records (or plan items, payments), persons, minutes short, fen twice."""

    records: int = 0
    persons: int = 0
    minutes: int = 0
    amount_fen: int = 0

    def __add__(self, other: Found) -> Found:
        return Found(
            self.records + other.records,
            self.persons + other.persons,
            self.minutes + other.minutes,
            self.amount_fen + other.amount_fen,
        )


@dataclass(frozen=True)
class Month:
    """A calendar month: its first day and the first day after it."""

    first: date

    @property
    def after(self) -> date:
        """Return the first day after the month."""
        return add_months(self.first, months=1)

    @property
    def label(self) -> str:
        """Return the month as written: ``2025-04``."""
        return self.first.isoformat()[:7]


@dataclass(frozen=True)
class MonthChecked:
    """(check, contract) → what was found, and how many contracts had services but no plan to hold them against."""

    found: dict[tuple[str, str], Found]
    contracts_without_plan: int


def checked(session: Session, *, month: Month) -> MonthChecked:
    """Return what the four checks find in a month, over all contracts."""
    found: dict[tuple[str, str], Found] = defaultdict(Found)
    bare = 0
    for contract, planned, off, off_persons, bad, bad_persons in session.execute(_services(month)):
        bare += not planned
        found[NEED_MISMATCH, contract] = Found(off or 0, off_persons)
        found[UNCERTIFIED, contract] = Found(bad or 0, bad_persons)
    for contract, items, persons, minutes in session.execute(_hours(month)):
        found[HOURS_SHORT, contract] = Found(items, persons, minutes)
    for contract, records, persons in session.execute(_overlaps(month)):
        found[DOUBLE, contract] += Found(records, persons)
    for contract, payments, amount in session.execute(_paid_twice(month)):
        found[DOUBLE, contract] += Found(payments, amount_fen=int(amount))
    return MonthChecked({key: one for key, one in found.items() if one.records}, bare)


def _newest(month: Month) -> tuple[Any, ColumnElement[bool], Sub]:
    """Return the record, the condition of being of the month and the newest, and the corrections it is joined to."""
    record: Any = aliased(ServiceRecord, name="r")
    other: Any = aliased(ServiceRecord, name="o")
    newest = (
        select(
            other.contract_id,
            other.person_id,
            other.served_on,
            other.starts_at,
            func.max(other.revision).label("revision"),
        )
        .where(other.revision > 0, _within(other, month))
        .group_by(other.contract_id, other.person_id, other.served_on, other.starts_at)
        .subquery("newest")
    )
    return record, and_(_within(record, month), record.revision == func.coalesce(newest.c.revision, 0)), newest


def _within(record: Any, month: Month) -> ColumnElement[bool]:
    return and_(record.served_on >= month.first, record.served_on < month.after)


def _same(record: Any, newest: Sub) -> ColumnElement[bool]:
    return and_(
        newest.c.contract_id == record.contract_id,
        newest.c.person_id == record.person_id,
        newest.c.served_on == record.served_on,
        newest.c.starts_at == record.starts_at,
    )


def _services(month: Month) -> Any:
    """Services outside the plan of their person, or by staff without a valid certificate that day, by contract."""
    record, of_month, newest = _newest(month)
    planned = select(col(PlanItem.contract_id)).distinct().subquery("planned")
    plan = _plan()
    off = and_(planned.c.contract_id.is_not(None), or_(plan.c.from_on.is_(None), plan.c.from_on > record.served_on))
    bad = or_(
        col(DeliveryStaff.id).is_(None),
        col(DeliveryStaff.qualified).is_(False),
        col(DeliveryStaff.certificate_until) < record.served_on,
    )
    staff = and_(col(DeliveryStaff.contract_id) == record.contract_id, col(DeliveryStaff.ref) == record.staff_ref)
    return (
        select(
            record.contract_id,
            func.max(case((planned.c.contract_id.is_not(None), 1), else_=0)),
            func.sum(case((off, 1), else_=0)),
            func.count(distinct(case((off, record.person_id)))),
            func.sum(case((bad, 1), else_=0)),
            func.count(distinct(case((bad, record.person_id)))),
        )
        .select_from(record)
        .outerjoin(newest, _same(record, newest))
        .outerjoin(planned, planned.c.contract_id == record.contract_id)
        .outerjoin(plan, _of_plan(plan, record))
        .outerjoin(DeliveryStaff, staff)
        .where(of_month)
        .group_by(record.contract_id)
    )


def _plan() -> Sub:
    key = (col(PlanItem.contract_id), col(PlanItem.person_id), col(PlanItem.item))
    return select(*key, func.min(col(PlanItem.from_on)).label("from_on")).group_by(*key).subquery("plan")


def _of_plan(held: Sub, other: Any) -> ColumnElement[bool]:
    return and_(held.c.contract_id == other.contract_id, held.c.person_id == other.person_id, held.c.item == other.item)


def _hours(month: Month) -> Any:
    """Plan items whose promised minutes were not given, of contracts whose term holds the whole month."""
    done = _done(month)
    given = func.coalesce(done.c.minutes, 0)
    whole_month = and_(
        col(Contract.starts_on) <= month.first,
        col(Contract.ends_on) >= month.after,
        or_(col(Contract.terminated_on).is_(None), col(Contract.terminated_on) >= month.after),
    )
    return (
        select(
            col(PlanItem.contract_id),
            func.count(),
            func.count(distinct(col(PlanItem.person_id))),
            func.sum(col(PlanItem.minutes_month) - given),
        )
        .join(Contract, col(Contract.id) == col(PlanItem.contract_id))
        .outerjoin(done, _of_plan(done, PlanItem))
        .where(
            col(PlanItem.minutes_month).is_not(None),
            col(PlanItem.from_on) <= month.first,
            ~_replaced(month),
            whole_month,
            given < col(PlanItem.minutes_month),
        )
        .group_by(col(PlanItem.contract_id))
    )


def _done(month: Month) -> Sub:
    """Return the minutes served in a month, by contract, person and item."""
    record, of_month, newest = _newest(month)
    key = (record.contract_id, record.person_id, record.item)
    return (
        select(*key, func.sum(record.minutes).label("minutes"))
        .select_from(record)
        .outerjoin(newest, _same(record, newest))
        .where(of_month)
        .group_by(*key)
        .subquery("done")
    )


def _replaced(month: Month) -> ColumnElement[bool]:
    """Say whether a newer version of a plan item counted from the month's first day."""
    later: Any = aliased(PlanItem, name="later")
    return (
        select(later.id)
        .where(
            later.contract_id == PlanItem.contract_id,
            later.person_id == PlanItem.person_id,
            later.item == PlanItem.item,
            later.version > PlanItem.version,
            later.from_on <= month.first,
        )
        .exists()
    )


def _overlaps(month: Month) -> Any:
    """Services that begin before an earlier one to the same person has ended, under whichever contract: paid twice."""
    record, of_month, newest = _newest(month)
    before = func.max(record.ends_at).over(
        partition_by=(record.person_id, record.served_on),
        order_by=(record.starts_at, record.contract_id),
        rows=(None, -1),
    )
    timed = (
        select(record.contract_id, record.person_id, (before > record.starts_at).label("overlaps"))
        .select_from(record)
        .outerjoin(newest, _same(record, newest))
        .where(of_month)
        .subquery("timed")
    )
    return (
        select(timed.c.contract_id, func.count(), func.count(distinct(timed.c.person_id)))
        .where(timed.c.overlaps == true())
        .group_by(timed.c.contract_id)
    )


def _paid_twice(month: Month) -> Any:
    """Payments of the month with the contract, amount and basis of an earlier one."""
    earlier: Any = aliased(Payment, name="earlier")
    again = (
        select(earlier.id)
        .where(
            earlier.contract_id == Payment.contract_id,
            earlier.amount_fen == Payment.amount_fen,
            earlier.basis == Payment.basis,
            or_(
                earlier.paid_on < Payment.paid_on,
                and_(earlier.paid_on == Payment.paid_on, earlier.id < Payment.id),
            ),
        )
        .exists()
    )
    return (
        select(col(Payment.contract_id), func.count(), func.sum(col(Payment.amount_fen)))
        .where(col(Payment.paid_on) >= month.first, col(Payment.paid_on) < month.after, again)
        .group_by(col(Payment.contract_id))
    )


def projects_of(session: Session, *, contracts: set[str], region: str) -> dict[str, str]:
    """Return contract → project, of the contracts of a region."""
    statement = (
        rows_of(Contract.id, Contract.project_id)
        .join(Project, col(Project.id) == col(Contract.project_id))
        .where(col(Project.region) == region)
    )
    return {contract: project for contract, project in session.exec(statement).all() if contract in contracts}


def previous_month(on: date) -> Month:
    """Return the month before the one a day is in."""
    return Month((on.replace(day=1) - timedelta(days=1)).replace(day=1))


class FindingShown(BaseModel):
    """One finding of a month: what is at fault and how much, due when, closed how. No person is named."""

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
    statement = rows_of(CheckFinding).where(
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
        due_on=row.due_on,
        overdue=row.closed_on is None and row.due_on < on,
        closed_on=row.closed_on,
        outcome=row.outcome,
    )
