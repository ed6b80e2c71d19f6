"""Reads of the monthly checks (S13, domain.md §4-T): four questions auditors ask, each one statement over a month.

Set-based: what comes back is one line a contract, however many service records there are. Called by
``commands.monthly_checks``; ``commands.check_ledger`` asks ``faults`` for the services themselves. Nothing here names a
person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, distinct, func, or_, select
from sqlalchemy import Subquery as Sub
from sqlmodel import Session, col

from models.queries.counted_twice import paid_twice, twice
from models.queries.month_records import KEY, SERVICE, Month, newest_of, same
from models.queries.promised_hours import lacking, short_of, stretches
from models.tables.contract import Contract
from models.tables.delivery import DeliveryStaff, PlanItem
from models.tables.kernel import Project

NEED_MISMATCH: Final = "need_mismatch"
HOURS_SHORT: Final = "hours_below_contract"
DOUBLE: Final = "duplicate_payment"
UNCERTIFIED: Final = "uncertified_staff"


@dataclass(frozen=True)
class Found:
    """What one check found on one contract: records (or plan items, payments), persons, minutes short, fen twice.

    ``days`` are those of the month on which the contract was performed, 0 where that was all of them.
    """

    records: int = 0
    persons: int = 0
    minutes: int = 0
    amount_fen: int = 0
    days: int = 0

    def __add__(self, other: Found) -> Found:
        return Found(
            self.records + other.records,
            self.persons + other.persons,
            self.minutes + other.minutes,
            self.amount_fen + other.amount_fen,
            self.days or other.days,
        )


@dataclass(frozen=True)
class Fault:
    """One thing at fault behind a finding: a service, or (hours short) what one person was promised and given."""

    check: str
    contract: str
    person: str = ""
    on: date | None = None
    start: str = ""
    end: str = ""
    item: str = ""
    staff: str = ""
    promised: int = 0
    given: int = 0
    amount_fen: int = 0


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
    partly = stretches(session, month=month)
    short = short_of(month, partly)
    for contract, items, persons, minutes in session.execute(_by_contract(short, func.sum(lacking(short)))):
        days = sum(one.days for one in partly.get(contract, ()))
        found[HOURS_SHORT, contract] = Found(items, persons, minutes, days=days)
    for doubles in twice(session, month):
        for contract, records, persons in session.execute(_by_contract(doubles)):
            found[DOUBLE, contract] += Found(records, persons)
    again = paid_twice(month)
    amounts = select(again.c.contract_id, func.count(), func.sum(again.c.amount_fen)).group_by(again.c.contract_id)
    for contract, payments, amount in session.execute(amounts):
        found[DOUBLE, contract] += Found(payments, amount_fen=int(amount))
    return MonthChecked({key: one for key, one in found.items() if one.records}, bare)


def faults(session: Session, *, month: Month, contracts: Collection[str]) -> Iterator[Fault]:
    """Yield every service, promise and payment of these contracts that the checks of a month find at fault."""
    judged = _judged(month)
    for check, flag in ((NEED_MISMATCH, judged.c.off), (UNCERTIFIED, judged.c.bad)):
        yield from _at_fault(session, check, judged, flag == 1, contracts)
    short = short_of(month, stretches(session, month=month))
    columns = (*(short.c[name] for name in KEY), short.c.promised, short.c.given)
    lines = select(*columns).where(short.c.contract_id.in_(contracts)).order_by(*(short.c[name] for name in KEY))
    for contract, person, item, promised, given in session.execute(lines):
        yield Fault(HOURS_SHORT, contract, person, item=item, promised=int(promised), given=int(given))
    for doubles in twice(session, month):
        yield from _at_fault(session, DOUBLE, doubles, doubles.c.contract_id.is_not(None), contracts)
    again = paid_twice(month)
    paid = select(again).where(again.c.contract_id.in_(contracts)).order_by(again.c.paid_on, again.c.contract_id)
    for contract, on, amount in session.execute(paid):
        yield Fault(DOUBLE, contract, on=on, amount_fen=int(amount))


def _at_fault(
    session: Session, check: str, rows: Sub, flag: ColumnElement[bool], contracts: Collection[str]
) -> Iterator[Fault]:
    columns = [rows.c[name] for name in SERVICE]
    lines = select(*columns).where(flag, rows.c.contract_id.in_(contracts)).order_by(*columns)
    for contract, person, on, start, end, item, staff in session.execute(lines):
        yield Fault(check, contract, person, on, start, end, item, staff)


def _by_contract(rows: Sub, *more: Any) -> Any:
    counts = (func.count(), func.count(distinct(rows.c.person_id)))
    return select(rows.c.contract_id, *counts, *more).group_by(rows.c.contract_id)


def _services(month: Month) -> Any:
    """Services outside the plan of their person, or by staff without a valid certificate that day, by contract."""
    judged = _judged(month)
    return select(
        judged.c.contract_id,
        func.max(judged.c.planned),
        func.sum(judged.c.off),
        func.count(distinct(case((judged.c.off == 1, judged.c.person_id)))),
        func.sum(judged.c.bad),
        func.count(distinct(case((judged.c.bad == 1, judged.c.person_id)))),
    ).group_by(judged.c.contract_id)


def _judged(month: Month) -> Sub:
    """Every service of the month: whether its contract has a plan, whether it is off it, whether its staff may not."""
    record, of_month, newest = newest_of(month)
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
            *(getattr(record, name) for name in SERVICE),
            case((planned.c.contract_id.is_not(None), 1), else_=0).label("planned"),
            case((off, 1), else_=0).label("off"),
            case((bad, 1), else_=0).label("bad"),
        )
        .select_from(record)
        .outerjoin(newest, same(record, newest))
        .outerjoin(planned, planned.c.contract_id == record.contract_id)
        .outerjoin(plan, _of_plan(plan, record))
        .outerjoin(DeliveryStaff, staff)
        .where(of_month)
        .subquery("judged")
    )


def _plan() -> Sub:
    key = (col(PlanItem.contract_id), col(PlanItem.person_id), col(PlanItem.item))
    return select(*key, func.min(col(PlanItem.from_on)).label("from_on")).group_by(*key).subquery("plan")


def _of_plan(held: Sub, other: Any) -> ColumnElement[bool]:
    return and_(held.c.contract_id == other.contract_id, held.c.person_id == other.person_id, held.c.item == other.item)


def projects_of(session: Session, *, contracts: Collection[str], region: str) -> dict[str, str]:
    """Return contract → project, of the contracts of a region."""
    statement = (
        select(col(Contract.id), col(Contract.project_id))
        .join(Project, col(Project.id) == col(Contract.project_id))
        .where(col(Project.region) == region)
    )
    return {contract: project for contract, project in session.execute(statement) if contract in contracts}
