"""The read of work items: who must act, on what, by when, under which clause. Writes nothing, names no person."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import ColumnElement, false, or_
from sqlmodel import col, select

from models.core.actors import INSIDE, Role
from models.core.registry import query
from models.queries.reader import Reader
from models.queries.work_arguments import arguments_of
from models.tables.kernel import Alert, WorkItem
from models.tables.review import Expert, ReviewSeat

_SEE_PANELS: Final = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.DISCIPLINE_SUPERVISION,
    Role.AUDIT_BODY,
    Role.SYSTEM,
)


class OpenItem(BaseModel):
    """One open work item; ``alert`` is the level of the last alert for its present due date, ``note`` what was found
    (both ``None`` where there is none). ``given`` are the arguments of the resolving command that the item knows."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    role: str
    subject: str
    project: str | None
    due_on: date
    provisional: bool
    clause: str
    resolves_with: str
    given: dict[str, str | list[str]]
    alert: str | None
    note: str | None


@query("work.list", roles=INSIDE, clause="SYS-WORK")
def open_items(
    reader: Reader,
    *,
    role: Annotated[
        Role | None, BeforeValidator(lambda given: given or None), Field(description="办理角色；不填为全部")
    ] = None,
    due_by: Annotated[date | None, Field(description="只看这一天及以前到期的")] = None,
) -> tuple[OpenItem, ...]:
    """Return the open work items, the first due first; those of one role, or due by a day, where given."""
    wanted: list[ColumnElement[bool]] = []
    if role is not None:
        wanted.append(col(WorkItem.role) == role)
    if due_by is not None:
        wanted.append(col(WorkItem.due_on) <= due_by)
    return waiting(reader, *wanted)


def waiting(reader: Reader, *wanted: ColumnElement[bool]) -> tuple[OpenItem, ...]:
    """Return the open work items that fit every condition and that the reader may see, the first due first."""
    statement = select(WorkItem).where(col(WorkItem.status) == "open", *wanted)
    if reader.actor.role not in _SEE_PANELS:
        statement = statement.where(or_(col(WorkItem.subject_kind) != "review_seat", _own_seat(reader)))
    rows = reader.session.exec(statement.order_by(col(WorkItem.due_on), col(WorkItem.id))).all()
    levels = _levels(reader)
    return tuple(
        OpenItem(
            id=row.id,
            kind=row.kind,
            role=row.role,
            subject=row.subject_id,
            project=row.project_id,
            due_on=row.due_on,
            provisional=row.provisional,
            clause=row.clause,
            resolves_with=row.resolves_with,
            given=arguments_of(reader.session, row),
            alert=levels.get(row.id),
            note=row.note,
        )
        for row in rows
    )


def _own_seat(reader: Reader) -> ColumnElement[bool]:
    """Return the condition that an item is about the reader's own seat: how many of a panel still have to score is for
    the office to know.
    """
    seats = (
        select(ReviewSeat.id)
        .join(Expert, col(Expert.id) == col(ReviewSeat.expert_id))
        .where(or_(col(Expert.id) == reader.actor.id, col(Expert.account) == reader.actor.id))
    )
    if reader.actor.role is not Role.EXPERT:
        return false()
    return col(WorkItem.subject_id).in_(seats)


def _levels(reader: Reader) -> dict[str, str]:
    """Return work item → level of its last alert, of open items and their present due date."""
    statement = (
        select(Alert.work_item_id, Alert.level)
        .join(WorkItem, col(WorkItem.id) == col(Alert.work_item_id))
        .where(col(WorkItem.status) == "open", col(Alert.due_on) == col(WorkItem.due_on))
        .order_by(col(Alert.raised_on), col(Alert.id))
    )
    return dict(reader.session.exec(statement).all())
