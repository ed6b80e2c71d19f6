"""Commands of the contact register: at which address an account is told what is due, for which role and unit.

Addresses are sealed on arrival and opened only where a message leaves (``infra.mailer``); events name accounts only.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session, col, select

from models.commands import events
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role, is_account
from models.core.errors import Conflict, Refusal
from models.core.ids import derive_id
from models.core.instants import written
from models.core.registry import command
from models.queries.reader import found
from models.queries.units import root_unit, units_on
from models.rules.alerts import OWN_ONLY
from models.tables.alerts import AlertMessage, AlertReceipt, Contact
from models.tables.kernel import Alert, WorkItem
from models.tables.procurement import Organisation, Procurement

STREAM: Final = ("alerts", "contacts")

Address = Annotated[str, StringConstraints(min_length=3, max_length=200, pattern=r"^[^\s\x00-\x1f]+$")]


class ContactKept(BaseModel):
    """The contact, and how many messages that came back will now be sent to the new address."""

    model_config = ConfigDict(frozen=True)

    id: str
    sent_again: int = 0


@command("work.register_contact", roles=CIVIL_AFFAIRS, clause="SYS-WORK")
def register_contact(
    ctx: Context,
    *,
    account: Annotated[str, Field(min_length=1, max_length=64, description="登录账号")],
    role: Annotated[Role, Field(description="办理角色")],
    address: Annotated[Address, Field(description="邮箱地址或消息通道中的账号")],
    unit: Annotated[str, Field(max_length=120, description="区划代码、统一社会信用代码或购买主体名称")] = "",
    supervises: Annotated[bool, Field(description="是否为上级负责人(只在逾期后提醒)")] = False,
) -> ContactKept:
    """Register where an account is told what is due, or give it another address; what came back is sent there again.

    Without ``unit`` the contact answers for the whole region, or, in roles of many bodies, for what names its account.
    Raises ``Refusal`` ``contact.account_malformed`` (SYS-ACTOR), ``contact.unit_unknown`` (SYS-WORK).
    """
    if not is_account(account):
        raise Refusal("contact.account_malformed", rule="SYS-ACTOR")
    vault = ctx.services.vault
    with ctx.writing() as session:
        place = _place(session, ctx, role=role, unit=unit, account=account)
        name = derive_id("contact", account, role, place)
        row = session.get(Contact, name)
        if row is None:
            row = Contact(
                id=name,
                account=account,
                role=role,
                unit=place,
                supervises=supervises,
                address_sealed="",
                address_hash="",
                registered_on=ctx.as_of,
            )
        if row.until_on is not None or row.supervises is not supervises:
            row.registered_on = ctx.as_of
        row.supervises, row.until_on = supervises, None
        row.address_sealed, row.address_hash = vault.seal(address), vault.lookup(address)
        session.add(row)
        session.flush()
        again = _send_again(session, ctx, contact=name)
        _record(session, ctx, row, "contact.registered")
        return ContactKept(id=name, sent_again=again)


@command("work.retire_contact", roles=CIVIL_AFFAIRS, clause="SYS-WORK")
def retire_contact(ctx: Context, *, contact: Annotated[str, Field(description="联系人编号")]) -> ContactKept:
    """Take a contact out from today on; what waits for it is withdrawn.

    Raises ``Conflict`` ``contact.retired``, ``Refusal`` ``kernel.not_found``.
    """
    with ctx.writing() as session:
        row = found(session.get(Contact, contact), kind="contact", id=contact)
        if row.until_on is not None:
            raise Conflict("contact.retired", rule="SYS-ALREADY-DONE", facts={"on": row.until_on.isoformat()})
        row.until_on = ctx.as_of
        session.add(row)
        waiting = select(AlertMessage).where(
            col(AlertMessage.contact_id) == contact, col(AlertMessage.status) == "rendered"
        )
        for message in session.exec(waiting).all():
            message.status, message.settled_on = "withdrawn", ctx.as_of
            session.add(message)
        _record(session, ctx, row, "contact.retired")
        return ContactKept(id=contact)


def _place(session: Session, ctx: Context, *, role: Role, unit: str, account: str) -> str:
    """Return the unit a contact answers for. Raises ``Refusal`` ``contact.unit_unknown`` for one nobody knows."""
    if role in OWN_ONLY:
        if not unit or _is_body(session, role=role, unit=unit):
            return unit or account
    else:
        root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
        if not unit or unit in units_on(session, root=root, on=ctx.as_of):
            return unit or root.code
    raise Refusal("contact.unit_unknown", rule="SYS-WORK", facts={"unit": unit, "role": ROLE_NAMES[role]})


def _is_body(session: Session, *, role: Role, unit: str) -> bool:
    if role is Role.PURCHASER:
        known = select(Procurement.id).where(col(Procurement.purchaser) == unit)
    else:
        known = select(Organisation.id).where(col(Organisation.uscc) == unit)
    return session.exec(known.limit(1)).first() is not None


def _send_again(session: Session, ctx: Context, *, contact: str) -> int:
    """Make due again what came back from the old address and still waits for somebody to act."""
    waiting = (
        select(AlertReceipt.message_id)
        .join(Alert, col(Alert.id) == col(AlertReceipt.alert_id))
        .join(WorkItem, col(WorkItem.id) == col(Alert.work_item_id))
        .where(col(WorkItem.status) == "open", col(WorkItem.due_on) == col(Alert.due_on))
    )
    rows = session.exec(
        select(AlertMessage).where(
            col(AlertMessage.contact_id) == contact,
            col(AlertMessage.status) == "bounced",
            col(AlertMessage.id).in_(waiting),
        )
    ).all()
    for row in rows:
        row.status, row.attempts, row.settled_on = "rendered", 0, None
        row.next_attempt_at = written(ctx.services.clock.now())
        session.add(row)
    return len(rows)


def _record(session: Session, ctx: Context, row: Contact, type_: str) -> None:
    payload = {"contact_id": row.id, "account": row.account, "role": row.role, "supervises": row.supervises}
    events.append(session, ctx, stream_kind=STREAM[0], stream_id=STREAM[1], type=type_, payload=payload)
