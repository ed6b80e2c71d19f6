"""Reads of tickets: the list without a word of what was said, and the counts by unit and kind."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, func, select

from models.core.actors import Role
from models.core.registry import query
from models.queries.reader import Reader
from models.tables.ticket import Ticket, TicketTransfer

_INSIDE: Final = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.COUNTY_BUREAU,
    Role.COUNTY_GOVERNMENT,
    Role.TOWNSHIP,
    Role.AUDIT_BODY,
    Role.DISCIPLINE_SUPERVISION,
)


class TicketRow(BaseModel):
    """One ticket: dates and accounts, never who asked or what. ``status`` is a code of ``ticket.status``."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    title: str
    rule: str
    unit: str
    owner: str
    backup: str
    opened_on: date
    due_on: date
    status: str
    notified_on: date | None
    missing_items: int
    handovers: int
    answered_on: date | None
    closed_on: date | None
    synthetic: bool
    project: str | None = None


@query("ticket.list", roles=_INSIDE, clause="SYS-TICKET")
def tickets(
    reader: Reader,
    *,
    kind: Annotated[str | None, Field(description="工单类别代码;不填为全部")] = None,
    unit: Annotated[str | None, Field(description="区划代码;不填为全部")] = None,
    project: Annotated[str | None, Field(description="所涉项目编号;不填为全部")] = None,
    limit: Annotated[int, Field(ge=1, le=5000, description="至多返回的件数")] = 1000,
    offset: Annotated[int, Field(ge=0, description="跳过的件数")] = 0,
) -> tuple[TicketRow, ...]:
    """Return the tickets, the first opened first."""
    return standing(reader, kind=kind, unit=unit, project=project, limit=limit, offset=offset)


def standing(
    reader: Reader,
    *,
    kind: str | None = None,
    unit: str | None = None,
    project: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[TicketRow, ...]:
    """Return the tickets, all of them without ``limit``; what ``ticket.list`` answers and the ledger prints."""
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    titles = {code: one.title for code, one in (policy.tickets.kinds or {}).items()}
    statement = select(Ticket)
    if kind is not None:
        statement = statement.where(col(Ticket.kind) == kind)
    if unit is not None:
        statement = statement.where(col(Ticket.unit_code) == unit)
    if project is not None:
        statement = statement.where(col(Ticket.project_id) == project)
    found = reader.session.exec(
        statement.order_by(col(Ticket.opened_on), col(Ticket.id)).limit(limit).offset(offset)
    ).all()
    counted = select(TicketTransfer.ticket_id, func.count()).group_by(col(TicketTransfer.ticket_id))
    handovers = dict(reader.session.exec(counted).all())
    return tuple(
        TicketRow(
            id=row.id,
            kind=row.kind,
            title=titles.get(row.kind, row.kind),
            rule=row.rule,
            unit=row.unit_code,
            owner=row.owner,
            backup=row.backup,
            opened_on=row.opened_on,
            due_on=row.due_on,
            status=_status(row, reader.as_of),
            notified_on=row.notified_on,
            missing_items=row.missing_items,
            handovers=handovers.get(row.id, 0),
            answered_on=row.answered_on,
            closed_on=row.closed_on,
            synthetic=row.synthetic,
            project=row.project_id,
        )
        for row in found
    )


def _status(row: Ticket, as_of: date) -> str:
    if row.closed_on is not None:
        return "closed_late" if row.late else "closed"
    return "overdue" if row.due_on < as_of else "open"


class TicketCount(BaseModel):
    """How the tickets of one unit and kind stand; the four counts add up to ``total``."""

    model_config = ConfigDict(frozen=True)

    unit: str
    kind: str
    total: int
    closed: int
    closed_late: int
    overdue: int
    open: int


@query("ticket.counts", roles=_INSIDE, clause="SYS-TICKET")
def counts(reader: Reader) -> tuple[TicketCount, ...]:
    """Return the counts by unit and kind."""
    found: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in standing(reader):
        found[row.unit, row.kind][row.status] += 1
    return tuple(
        TicketCount(
            unit=unit,
            kind=kind,
            total=sum(each.values()),
            closed=each["closed"],
            closed_late=each["closed_late"],
            overdue=each["overdue"],
            open=each["open"],
        )
        for (unit, kind), each in sorted(found.items())
    )
