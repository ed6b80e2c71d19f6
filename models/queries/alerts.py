"""Reads of the delivery of alerts: what has no receipt yet, what reached nobody, and what went out to whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import and_, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.registry import query
from models.queries.hearers import chunks
from models.queries.reader import Reader
from models.rules.alerts import SUPERVISOR, Raised, Reachable, Suppressed
from models.tables.alerts import AlertMessage, AlertReceipt, Contact
from models.tables.kernel import Alert, WorkItem


class ContactLine(BaseModel):
    """A contact as the office sees it: never the address. ``bounced``: the last message to it came back."""

    model_config = ConfigDict(frozen=True)

    id: str
    account: str
    role: str
    unit: str
    supervises: bool
    registered_on: date
    bounced: bool


class ReceiptLine(BaseModel):
    """One alert for one account. ``status``: rendered, possibly_sent (handed to the channel, the answer never noted),
    sent, bounced, withdrawn or suppressed.

    ``because`` is why it is suppressed; of a rendered one what the channel said last, which need not tell a wrong
    address from an outage. ``unconfirmed``: it may have gone out once more than is noted. ``late``: its day was missed,
    or it left on a later day than it was raised.
    """

    model_config = ConfigDict(frozen=True)

    alert: str
    account: str
    level: str
    kind: str
    project: str | None
    due_on: date
    raised_on: date
    status: str
    because: str | None
    settled_on: date | None
    late: bool
    unconfirmed: bool
    message: str | None


@query("work.contacts", roles=(*CIVIL_AFFAIRS, Role.DISCIPLINE_SUPERVISION, Role.AUDIT_BODY), clause="SYS-WORK")
def contact_lines(reader: Reader) -> tuple[ContactLine, ...]:
    """Return the contacts in force, by role, unit and account; addresses stay sealed."""
    since = aliased(AlertMessage)
    taken = select(since.id).where(
        since.contact_id == col(AlertMessage.contact_id),
        since.status == "sent",
        since.settled_on >= col(AlertMessage.settled_on),
    )
    came_back = select(AlertMessage.contact_id).where(col(AlertMessage.status) == "bounced", ~taken.exists())
    bounced = set(reader.session.exec(came_back))
    return tuple(
        ContactLine(**row.model_dump(include=set(ContactLine.model_fields)), bounced=row.id in bounced)
        for row in sorted(_in_force(reader.session), key=lambda one: (one.role, one.unit, one.account))
    )


@query(
    "work.receipts",
    roles=(*CIVIL_AFFAIRS, Role.DISCIPLINE_SUPERVISION, Role.AUDIT_BODY, Role.SYSTEM),
    clause="SYS-WORK",
)
def receipts(
    reader: Reader,
    *,
    project: Annotated[str, Field(description="项目编号；不填为全部")] = "",
    raised_from: Annotated[date | None, Field(description="只看这一天及以后的提醒")] = None,
) -> tuple[ReceiptLine, ...]:
    """Return the receipts of alerts, the oldest first: to whom, on which level, and what became of it."""
    statement = (
        select(AlertReceipt, Alert, WorkItem, AlertMessage)
        .join(Alert, col(Alert.id) == col(AlertReceipt.alert_id))
        .join(WorkItem, col(WorkItem.id) == col(Alert.work_item_id))
        .outerjoin(AlertMessage, col(AlertMessage.id) == col(AlertReceipt.message_id))
        .order_by(col(Alert.raised_on), col(Alert.id), col(AlertReceipt.account))
    )
    if project:
        statement = statement.where(col(WorkItem.project_id) == project)
    if raised_from is not None:
        statement = statement.where(col(Alert.raised_on) >= raised_from)
    return tuple(_line(*row) for row in reader.session.exec(statement).all())


def _line(receipt: AlertReceipt, alert: Alert, item: WorkItem, message: AlertMessage | None) -> ReceiptLine:
    settled = message.settled_on if message else receipt.written_on
    status, because = _fate(receipt, item, message)
    return ReceiptLine(
        alert=alert.id,
        account=receipt.account,
        level=alert.level,
        kind=item.kind,
        project=item.project_id,
        due_on=alert.due_on,
        raised_on=alert.raised_on,
        status=status,
        because=because,
        settled_on=settled,
        late=alert.late or (settled is not None and settled > alert.raised_on),
        unconfirmed=message is not None and message.unconfirmed,
        message=receipt.message_id,
    )


def _fate(receipt: AlertReceipt, item: WorkItem, message: AlertMessage | None) -> tuple[str, str | None]:
    """Return what became of an alert for an account, and why."""
    if message is None:
        return "suppressed", receipt.suppressed
    dropped = [line.get("dropped") for line in message.lines if line["item"] == item.id]
    if dropped and all(dropped):
        return "suppressed", dropped[0]
    if message.status != "rendered":
        return message.status, None
    broken_off = message.unconfirmed or message.lease_until is not None
    return ("possibly_sent" if broken_off else "rendered"), message.last_error


def contacts(session: Session) -> tuple[Reachable, ...]:
    """Return the contacts in force as the rules see them."""
    return tuple(
        Reachable(row.id, row.account, row.role, row.unit, row.supervises, row.registered_on)
        for row in _in_force(session)
    )


def _in_force(session: Session) -> Sequence[Contact]:
    return session.exec(select(Contact).where(col(Contact.until_on).is_(None)).order_by(col(Contact.id))).all()


def without_receipt(session: Session) -> list[tuple[Alert, WorkItem]]:
    """Return the alerts nobody has a receipt of, with their items, the oldest first."""
    told = select(AlertReceipt.alert_id).where(col(AlertReceipt.alert_id) == col(Alert.id)).exists()
    rows = session.exec(
        select(Alert, WorkItem)
        .join(WorkItem, col(WorkItem.id) == col(Alert.work_item_id))
        .where(~told)
        .order_by(col(Alert.raised_on), col(Alert.id))
    ).all()
    return list(rows)


def overdue(session: Session, *, on: date) -> list[WorkItem]:
    """Return the open items whose due date is past, the oldest first."""
    statement = select(WorkItem).where(col(WorkItem.status) == "open", col(WorkItem.due_on) < on)
    return list(session.exec(statement.order_by(col(WorkItem.due_on), col(WorkItem.id))).all())


def escalated(session: Session) -> frozenset[str]:
    """Return the open items whose supervisor was told, for their present due date."""
    statement = (
        select(WorkItem.id)
        .join(Alert, col(Alert.work_item_id) == col(WorkItem.id))
        .where(
            col(WorkItem.status) == "open",
            col(Alert.level) == SUPERVISOR,
            col(Alert.due_on) == col(WorkItem.due_on),
        )
    )
    return frozenset(session.exec(statement).all())


def last_digests(session: Session) -> dict[str, date]:
    """Return account → the day of its last digest."""
    statement = select(AlertMessage.account, func.max(AlertMessage.rendered_on)).where(col(AlertMessage.digest))
    return dict(session.exec(statement.group_by(col(AlertMessage.account))).all())


def as_raised(alert: Alert, item: WorkItem) -> Raised:
    """Return an alert as the rules see it."""
    return Raised(
        id=alert.id,
        item=item.id,
        level=alert.level,
        due_on=alert.due_on,
        raised_on=alert.raised_on,
        open=item.status == "open",
        item_due_on=item.due_on,
    )


def items_named(session: Session, names: Iterable[str]) -> dict[str, WorkItem]:
    """Return id → work item."""
    found = (session.exec(select(WorkItem).where(col(WorkItem.id).in_(chunk))).all() for chunk in chunks(names))
    return {item.id: item for rows in found for item in rows}


def in_doubt(session: Session, *, on: date) -> tuple[int, int]:
    """Return how many open items have an alert raised up to a date without a receipt, and how many messages wait."""
    told = select(AlertReceipt.alert_id).where(col(AlertReceipt.alert_id) == col(Alert.id)).exists()
    untold = len(session.exec(select(Alert.id).where(~told, col(Alert.raised_on) <= on)).all())
    waiting = select(AlertMessage.id).where(col(AlertMessage.status) == "rendered", col(AlertMessage.rendered_on) <= on)
    return untold, len(session.exec(waiting).all())


def unheard(session: Session) -> list[tuple[Alert, WorkItem]]:
    """Return the newest alerts of open items that reached nobody: no contact, or messages came back or were withdrawn.

    What concerns the delivery itself is left out, else it would never come to rest.
    """
    of_item = (col(WorkItem.id) == col(Alert.work_item_id), col(WorkItem.due_on) == col(Alert.due_on))
    newer = aliased(Alert)
    reached = (
        select(AlertReceipt.alert_id)
        .outerjoin(AlertMessage, col(AlertMessage.id) == col(AlertReceipt.message_id))
        .where(
            col(AlertReceipt.alert_id) == col(Alert.id),
            or_(
                col(AlertReceipt.suppressed) != Suppressed.NO_CONTACT,
                col(AlertMessage.status).in_(("rendered", "sent", "suppressed")),
            ),
        )
    )
    rows = session.exec(
        select(Alert, WorkItem)
        .join(WorkItem, and_(*of_item))
        .where(
            col(WorkItem.status) == "open",
            ~col(WorkItem.kind).startswith("alerts."),
            select(AlertReceipt.alert_id).where(col(AlertReceipt.alert_id) == col(Alert.id)).exists(),
            ~reached.exists(),
            ~select(newer.id)
            .where(
                newer.work_item_id == col(Alert.work_item_id),
                newer.due_on == col(Alert.due_on),
                (newer.level == SUPERVISOR) == (col(Alert.level) == SUPERVISOR),
                newer.raised_on > col(Alert.raised_on),
            )
            .exists(),
        )
        .order_by(col(Alert.raised_on), col(Alert.id))
    ).all()
    return list(rows)


def alerted(session: Session) -> list[tuple[WorkItem, str]]:
    """Return the open items that were alerted for their present due date, each with every level of its alerts.

    What concerns the delivery itself is left out, else it would never come to rest.
    """
    rows = session.exec(
        select(WorkItem, Alert.level)
        .join(Alert, and_(col(Alert.work_item_id) == col(WorkItem.id), col(Alert.due_on) == col(WorkItem.due_on)))
        .where(col(WorkItem.status) == "open", ~col(WorkItem.kind).startswith("alerts."))
    ).all()
    return list(rows)


def accounts_told(session: Session, alerts: Iterable[str]) -> defaultdict[str, set[str]]:
    """Return alert → the accounts that have a receipt of it, whatever became of it."""
    told = defaultdict[str, set[str]](set)
    for chunk in chunks(alerts):
        statement = select(AlertReceipt.alert_id, AlertReceipt.account)
        for alert, account in session.exec(statement.where(col(AlertReceipt.alert_id).in_(chunk))):
            told[alert].add(account)
    return told


def receipted_on(session: Session, *, on: date) -> list[tuple[Alert, WorkItem, set[str]]]:
    """Return the alerts raised or receipted on a day that have a receipt, with the accounts that have one."""
    rows = session.exec(
        select(Alert, WorkItem)
        .join(WorkItem, col(WorkItem.id) == col(Alert.work_item_id))
        .where(
            col(Alert.id).in_(
                select(AlertReceipt.alert_id)
                .join(Alert, col(Alert.id) == col(AlertReceipt.alert_id))
                .where(or_(col(AlertReceipt.written_on) == on, col(Alert.raised_on) == on))
            )
        )
    ).all()
    told = accounts_told(session, [alert.id for alert, _ in rows])
    return [(alert, item, told[alert.id]) for alert, item in rows]


def bounced(session: Session) -> set[str]:
    """Return the contacts in force whose message came back and tells of something that is still open."""
    rows = session.exec(
        select(AlertMessage.contact_id)
        .join(AlertReceipt, col(AlertReceipt.message_id) == col(AlertMessage.id))
        .join(Alert, col(Alert.id) == col(AlertReceipt.alert_id))
        .join(WorkItem, col(WorkItem.id) == col(Alert.work_item_id))
        .join(Contact, col(Contact.id) == col(AlertMessage.contact_id))
        .where(col(AlertMessage.status) == "bounced", col(WorkItem.status) == "open", col(Contact.until_on).is_(None))
    ).all()
    return set(rows)
