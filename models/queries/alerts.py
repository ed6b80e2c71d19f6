"""Reads of the delivery of alerts: what has no receipt yet, whose business an item is, and what went out to whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.registry import query
from models.queries.reader import Reader
from models.queries.units import units_on
from models.rules.alerts import OWN_ONLY, SUPERVISOR, Raised, Reachable, Subject, Suppressed
from models.rules.units import Unit
from models.tables.alerts import AlertMessage, AlertReceipt, Contact
from models.tables.contract import Contract
from models.tables.kernel import Alert, WorkItem
from models.tables.library import Placement
from models.tables.procurement import Organisation, Procurement
from models.tables.review import Expert, ReviewSeat
from models.tables.ticket import Ticket

_CHUNK = 500  # ids a statement, below every database's limit of parameters


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
    """One alert for one account. ``status``: rendered, sent, bounced, withdrawn or suppressed (then ``because`` why).

    ``late``: its day was missed, or it left on a later day than it was raised.
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
    message: str | None


@query("work.contacts", roles=(*CIVIL_AFFAIRS, Role.DISCIPLINE_SUPERVISION, Role.AUDIT_BODY), clause="SYS-WORK")
def contact_lines(reader: Reader) -> tuple[ContactLine, ...]:
    """Return the contacts in force, by role, unit and account; addresses stay sealed."""
    bounced = set(reader.session.exec(select(AlertMessage.contact_id).where(col(AlertMessage.status) == "bounced")))
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
    return ReceiptLine(
        alert=alert.id,
        account=receipt.account,
        level=alert.level,
        kind=item.kind,
        project=item.project_id,
        due_on=alert.due_on,
        raised_on=alert.raised_on,
        status=message.status if message else "suppressed",
        because=receipt.suppressed,
        settled_on=settled,
        late=alert.late or (settled is not None and settled > alert.raised_on),
        message=receipt.message_id,
    )


def contacts(session: Session) -> tuple[Reachable, ...]:
    """Return the contacts in force as the rules see them."""
    return tuple(Reachable(row.id, row.account, row.role, row.unit, row.supervises) for row in _in_force(session))


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


def subjects_of(session: Session, items: Iterable[WorkItem], *, root: Unit, on: date) -> dict[str, Subject]:
    """Return work item → whose business it is: its role, the units from its own up to the region, accounts named.

    In roles of many bodies the region is left out: only the body or person named hears of it.
    """
    known = {item.id: item for item in items}
    units, accounts = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    above = {code: unit.parent for code, unit in units_on(session, root=root, on=on).items()}
    _places(session, known.values(), units)
    _bodies(session, known.values(), units)
    _persons(session, known.values(), accounts)
    found = {}
    for name, item in known.items():
        own = item.role in OWN_ONLY
        here = units[name] if own else {code for unit in units[name] for code in _upwards(unit, above)} | {root.code}
        found[name] = Subject(role=item.role, units=frozenset(here), accounts=frozenset(accounts[name]))
    return found


def _upwards(unit: str, above: dict[str, str | None]) -> Iterable[str]:
    code: str | None = unit
    while code is not None:
        yield code
        code = above.get(code)


def _places(session: Session, items: Iterable[WorkItem], units: defaultdict[str, set[str]]) -> None:
    """Add the unit a duty is owed by, and that in which a project stands."""
    by_project = defaultdict[str, list[str]](list)
    for item in items:
        if item.subject_kind == "duty":
            units[item.id].update(item.subject_id.split("/")[1:2])
        elif item.project_id is not None and item.role not in OWN_ONLY:
            by_project[item.project_id].append(item.id)
    for chunk in _chunks(by_project):
        statement = select(Placement.project_id, Placement.unit_code)
        rows = session.exec(statement.where(col(Placement.project_id).in_(chunk), col(Placement.until_on).is_(None)))
        for project, unit in rows:
            for name in by_project[project]:
                units[name].add(unit)


def _bodies(session: Session, items: Iterable[WorkItem], units: defaultdict[str, set[str]]) -> None:
    """Add the contractors and the purchasers of a project, each to the items of its own role."""
    by_project = {role: defaultdict[str, list[str]](list) for role in (Role.CONTRACTOR, Role.PURCHASER)}
    for item in items:
        if item.project_id is not None and item.role in (Role.CONTRACTOR, Role.PURCHASER):
            by_project[Role(item.role)][item.project_id].append(item.id)
    for chunk in _chunks(by_project[Role.CONTRACTOR]):
        contractors = (
            select(Contract.project_id, Organisation.uscc)
            .join(Organisation, col(Organisation.id) == col(Contract.organisation_id))
            .where(col(Contract.project_id).in_(chunk), col(Organisation.uscc).is_not(None))
        )
        for project, code in session.exec(contractors):
            for name in by_project[Role.CONTRACTOR][project]:
                units[name].add(str(code))
    for chunk in _chunks(by_project[Role.PURCHASER]):
        purchasers = select(Procurement.project_id, Procurement.purchaser)
        for project, body in session.exec(purchasers.where(col(Procurement.project_id).in_(chunk))):
            for name in by_project[Role.PURCHASER][project]:
                units[name].add(body)


def _persons(session: Session, items: Iterable[WorkItem], accounts: defaultdict[str, set[str]]) -> None:
    """Add the expert of a review seat, and owner and second of a ticket."""
    seats = {item.subject_id: item.id for item in items if item.subject_kind == "review_seat"}
    tickets = {item.subject_id: item.id for item in items if item.subject_kind == "ticket"}
    for chunk in _chunks(seats):
        seated = (
            select(ReviewSeat.id, Expert.id, Expert.account)
            .join(Expert, col(Expert.id) == col(ReviewSeat.expert_id))
            .where(col(ReviewSeat.id).in_(chunk))
        )
        for seat, expert, account in session.exec(seated):
            accounts[seats[seat]].update({expert, account or expert})
    for chunk in _chunks(tickets):
        owned = select(Ticket.id, Ticket.owner, Ticket.backup).where(col(Ticket.id).in_(chunk))
        for ticket, owner, backup in session.exec(owned):
            accounts[tickets[ticket]].update({owner, backup or owner})


def _chunks(names: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(names)
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))


def in_doubt(session: Session, *, on: date) -> tuple[int, int]:
    """Return how many open items have an alert raised up to a date without a receipt, and how many messages wait."""
    told = select(AlertReceipt.alert_id).where(col(AlertReceipt.alert_id) == col(Alert.id)).exists()
    untold = len(session.exec(select(Alert.id).where(~told, col(Alert.raised_on) <= on)).all())
    waiting = select(AlertMessage.id).where(col(AlertMessage.status) == "rendered", col(AlertMessage.rendered_on) <= on)
    return untold, len(session.exec(waiting).all())


def unheard(session: Session) -> list[tuple[Alert, WorkItem]]:
    """Return the alerts of open items that nobody could be told for want of a contact.

    What concerns the delivery itself is left out, else it would never come to rest.
    """
    rows = session.exec(
        select(Alert, WorkItem)
        .join(AlertReceipt, col(AlertReceipt.alert_id) == col(Alert.id))
        .join(WorkItem, col(WorkItem.id) == col(Alert.work_item_id))
        .where(
            col(AlertReceipt.suppressed) == Suppressed.NO_CONTACT,
            col(WorkItem.status) == "open",
            ~col(WorkItem.kind).startswith("alerts."),
        )
    ).all()
    return list(rows)


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
