"""Reads of promised hours (S13): what the plan items of a month promise, by the day, and what was given.

One statement over a month, whatever number of people; used by ``queries.monthly_checks`` alone. Which days count is
``rules.monthly_checks``.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, and_, case, cast, extract, func, or_, select, values
from sqlalchemy import Subquery as Sub
from sqlalchemy import column as named
from sqlmodel import Session, col

from models.core.periods import Period
from models.queries.delivery import completed_on
from models.queries.midterm import deferrals
from models.queries.month_records import KEY, Month, newest_of, same
from models.rules.monthly_checks import in_force
from models.rules.succession import GONE, REFERRED
from models.tables.contract import Contract
from models.tables.delivery import PlanItem, RecipientOwner


def stretches(session: Session, *, month: Month) -> dict[str, tuple[Period, ...]]:
    """Return contract → the stretches of a month in which it was performed, of those that were not all the month.

    A contract ends with its term, the day after it was completed, or on the day it was terminated; while its project
    is deferred nothing is owed.
    """
    rows = session.execute(
        select(
            col(Contract.id), col(Contract.project_id), col(Contract.starts_on), col(Contract.ends_on),
            col(Contract.terminated_on), col(Contract.state),
        ).where(col(Contract.starts_on) < month.after, col(Contract.ends_on) > month.first)
    ).all()  # fmt: skip
    completed = completed_on(session, projects={row.project_id for row in rows if row.state == "ended"})
    deferred = deferrals(session)
    found: dict[str, tuple[Period, ...]] = {}
    for row in rows:
        over = row.terminated_on or (completed[row.id] + timedelta(days=1) if row.id in completed else row.ends_on)
        term = Period(row.starts_on, min(over, row.ends_on)) if row.starts_on < over else None
        days = in_force(month=month.period, term=term, interrupted=deferred.get(row.project_id, ()))
        if days != (month.period,):
            found[row.id] = days
    return found


def short_of(month: Month, partly: dict[str, tuple[Period, ...]]) -> Sub:
    """What a person was promised of an item in the month and did not get: by the day where it was not all the month."""
    owed, done = _owed(month, partly), _done(month)
    given = func.coalesce(done.c.minutes, 0)
    return (
        select(*(owed.c[name] for name in KEY), owed.c.minutes.label("promised"), given.label("given"))
        .select_from(owed)
        .outerjoin(done, and_(*(done.c[name] == owed.c[name] for name in KEY)))
        .where(given < owed.c.minutes)
        .subquery("short")
    )


def lacking(short: Sub) -> ColumnElement[int]:
    """Return the minutes a promise lacks."""
    return short.c.promised - short.c.given


def _owed(month: Month, partly: dict[str, tuple[Period, ...]]) -> Sub:
    """Minutes owed by contract, person and item: each promise for its days among those the contract was performed.

    Days are told by their number in the month, the first day after it by the number after the last.
    """
    last = month.period.days + 1
    version = _versions(month)
    piece = _pieces(partly, last)
    begins = _later(version.c.begins, func.coalesce(piece.c.begins, 1))
    ends = _earlier(version.c.ends, func.coalesce(piece.c.ends, last))
    minutes = func.sum(case((ends > begins, version.c.minutes_month * (ends - begins)), else_=0)) // (last - 1)
    in_term = and_(
        col(Contract.id) == version.c.contract_id,
        col(Contract.starts_on) < month.after,
        col(Contract.ends_on) > month.first,
        or_(col(Contract.terminated_on).is_(None), col(Contract.terminated_on) > month.first),
    )
    key = [version.c[name] for name in KEY]
    return (
        select(*key, minutes.label("minutes"))
        .select_from(version)
        .join(Contract, in_term)
        .outerjoin(piece, piece.c.contract_id == version.c.contract_id)
        .where(version.c.minutes_month.is_not(None))
        .group_by(*key)
        .subquery("owed")
    )


def _versions(month: Month) -> Sub:
    """Every promise with the days of the month it stands for: until a later version begins, or its person has left."""
    key = [col(getattr(PlanItem, name)) for name in KEY]
    order = col(PlanItem.version)
    following = func.min(col(PlanItem.from_on)).over(partition_by=key, order_by=order, rows=(1, None))
    begins = case((col(PlanItem.from_on) <= month.first, 1), else_=_number(col(PlanItem.from_on)))
    columns = (*key, col(PlanItem.project_id), col(PlanItem.minutes_month))
    held = (
        select(*columns, begins.label("begins"), following.label("following"))
        .where(col(PlanItem.from_on) < month.after)
        .subquery("held")
    )
    left = _left(month)
    until = case(
        (held.c.following < left.c.since, held.c.following), else_=func.coalesce(left.c.since, held.c.following)
    )
    ends = case((until.is_(None), month.period.days + 1), (until <= month.first, 1), else_=_number(until))
    return (
        select(*(held.c[name] for name in (*KEY, "minutes_month", "begins")), ends.label("ends"))
        .select_from(held)
        .outerjoin(left, and_(left.c.project_id == held.c.project_id, left.c.person_id == held.c.person_id))
        .subquery("version")
    )


def _left(month: Month) -> Sub:
    """Since when somebody gets no service of a project any more: gone, or handed over to another unit."""
    person = (col(RecipientOwner.project_id), col(RecipientOwner.person_id))
    return (
        select(*person, func.min(col(RecipientOwner.since)).label("since"))
        .where(col(RecipientOwner.kind).in_((GONE, REFERRED)), col(RecipientOwner.since) < month.after)
        .group_by(*person)
        .subquery("gone")
    )


def _number(day: Any) -> ColumnElement[int]:
    return cast(extract("day", day), Integer)


def _later(one: Any, other: Any) -> Any:
    return case((one > other, one), else_=other)


def _earlier(one: Any, other: Any) -> Any:
    return case((one < other, one), else_=other)


def _pieces(partly: dict[str, tuple[Period, ...]], last: int) -> Any:
    """The stretches as rows; a contract that was performed on no day has an empty one."""
    rows = [("", 1, 1)]
    for contract, days in partly.items():
        rows += [(contract, one.start.day, one.end.day if one.end and one.end.day > 1 else last) for one in days]
        rows += [] if days else [(contract, 1, 1)]
    columns = (named("contract_id", String), named("begins", Integer), named("ends", Integer))
    return values(*columns, name="piece").data(rows).cte("piece")


def _done(month: Month) -> Sub:
    """Return the minutes served in a month, by contract, person and item."""
    record, of_month, newest = newest_of(month)
    key = (record.contract_id, record.person_id, record.item)
    return (
        select(*key, func.sum(record.minutes).label("minutes"))
        .select_from(record)
        .outerjoin(newest, same(record, newest))
        .where(of_month)
        .group_by(*key)
        .subquery("done")
    )
