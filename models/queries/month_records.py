"""A month of service records as the monthly checks read it: the newest revision of each service (S13).

Shared by ``queries.monthly_checks``, ``queries.promised_hours`` and ``queries.counted_twice``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy import Subquery as Sub
from sqlalchemy.orm import aliased

from models.core.periods import Period, add_months
from models.tables.delivery import ServiceRecord

SERVICE: Final = ("contract_id", "person_id", "served_on", "starts_at", "ends_at", "item", "staff_ref")
"""What tells one service from another, and by whom it was done."""

KEY: Final = ("contract_id", "person_id", "item")
"""What a promise is about."""


@dataclass(frozen=True)
class Month:
    """A calendar month: its first day and the first day after it."""

    first: date

    @property
    def after(self) -> date:
        """Return the first day after the month."""
        return add_months(self.first, months=1)

    @property
    def period(self) -> Period:
        """Return its days."""
        return Period(self.first, self.after)

    @property
    def label(self) -> str:
        """Return the month as written: ``2025-04``."""
        return self.first.isoformat()[:7]


def previous_month(on: date) -> Month:
    """Return the month before the one a day is in."""
    return Month((on.replace(day=1) - timedelta(days=1)).replace(day=1))


def newest_of(month: Month) -> tuple[Any, ColumnElement[bool], Sub]:
    """Return the record, the condition that it is of the month, the newest and not withdrawn, and the corrections."""
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
    standing = and_(record.revision == func.coalesce(newest.c.revision, 0), record.minutes > 0)
    return record, and_(_within(record, month), standing), newest


def _within(record: Any, month: Month) -> ColumnElement[bool]:
    return and_(record.served_on >= month.first, record.served_on < month.after)


def same(record: Any, newest: Sub) -> ColumnElement[bool]:
    """Return the condition that a correction is of this record's service."""
    return and_(
        newest.c.contract_id == record.contract_id,
        newest.c.person_id == record.person_id,
        newest.c.served_on == record.served_on,
        newest.c.starts_at == record.starts_at,
    )
