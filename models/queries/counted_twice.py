"""Reads of what is counted or paid twice (S13): services of a month that overlap or repeat, payments made again.

Whoever may be served under two contracts is one human being by the hash of the ID number, whatever the region. Used by
``queries.monthly_checks`` alone.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Subquery as Sub
from sqlalchemy import and_, distinct, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from models.queries.month_records import SERVICE, Month, newest_of, same
from models.tables.contract import Contract
from models.tables.funding import Payment
from models.tables.needs import Person, Selection


def twice(session: Session, month: Month) -> list[Sub]:
    """Services counted twice: what overlaps an earlier one to the same person, and under two contracts also the same
    item given again on a day. Whoever may be served under two contracts is looked at by the hash of the ID number.
    """
    shared = _shared(month)
    if session.execute(select(shared).limit(1)).first() is None:
        return [_overlaps(month, None)]
    return [_overlaps(month, shared), _under_two(month, shared)]


def _shared(month: Month) -> Sub:
    """People whom several projects selected, in whichever region, or one project with several contracts this month."""
    chosen = col(Selection.person_id) == col(Person.id)
    several = select(col(Person.id_hash)).join(Selection, chosen).group_by(col(Person.id_hash))
    contracts = (
        select(col(Contract.project_id))
        .where(col(Contract.starts_on) < month.after, col(Contract.ends_on) > month.first)
        .group_by(col(Contract.project_id))
        .having(func.count() > 1)
    )
    of_those = select(col(Selection.person_id)).where(col(Selection.project_id).in_(contracts))
    twice = several.having(func.count(distinct(col(Selection.project_id))) > 1)
    either = or_(col(Person.id_hash).in_(twice), col(Person.id).in_(of_those))
    return select(col(Person.id), col(Person.id_hash)).where(either).subquery("shared")


def _overlaps(month: Month, shared: Sub | None) -> Sub:
    """Services that begin before an earlier one under the same contract to the same person has ended."""
    record, of_month, newest = newest_of(month)
    before = func.max(record.ends_at).over(
        partition_by=(record.contract_id, record.person_id, record.served_on),
        order_by=record.starts_at,
        rows=(None, -1),
    )
    others = () if shared is None else (record.person_id.not_in(select(shared.c.id)),)
    timed = (
        select(*(getattr(record, name) for name in SERVICE), (before > record.starts_at).label("clash"))
        .select_from(record)
        .outerjoin(newest, same(record, newest))
        .where(of_month, *others)
        .subquery("timed")
    )
    return select(*(timed.c[name] for name in SERVICE)).where(timed.c.clash).subquery("overlap")


def _under_two(month: Month, shared: Sub) -> Sub:
    """Services of people several contracts may serve that overlap an earlier one, or repeat its item under another."""
    record, of_month, newest = newest_of(month)
    day = (shared.c.id_hash, record.served_on)
    order = (record.starts_at, record.contract_id, record.person_id)
    before = func.max(record.ends_at).over(partition_by=day, order_by=order, rows=(None, -1))
    item: dict[str, Any] = {"partition_by": (*day, record.item), "order_by": order, "rows": (None, -1)}
    first, last = (edge(record.contract_id).over(**item) for edge in (func.min, func.max))
    clash = or_(before > record.starts_at, first != record.contract_id, last != record.contract_id)
    timed = (
        select(*(getattr(record, name) for name in SERVICE), clash.label("clash"))
        .select_from(record)
        .join(shared, shared.c.id == record.person_id)
        .outerjoin(newest, same(record, newest))
        .where(of_month)
        .subquery("timed")
    )
    return select(*(timed.c[name] for name in SERVICE)).where(timed.c.clash).subquery("two")


def paid_twice(month: Month) -> Sub:
    """Payments of the month with the contract, amount and basis of an earlier one, in whichever month."""
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
        select(col(Payment.contract_id), col(Payment.paid_on), col(Payment.amount_fen))
        .where(col(Payment.paid_on) >= month.first, col(Payment.paid_on) < month.after, again)
        .subquery("again")
    )
