"""Commands that hand messages out and note how they went; the sending itself is ``infra.mailer``, between the two.

A message is looked through once more right before it leaves: what was done, moved or told anew meanwhile is not told.
What was sent and not settled (a crash between the two) is sent once more under the same number, and its receipt says
so; nothing else ever leaves twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import or_
from sqlmodel import Session, col, select

from models.commands import alert_texts, events
from models.commands.alert_texts import Line
from models.commands.alerts import STREAM
from models.context import Context
from models.core.actors import Role
from models.core.instants import written
from models.core.registry import command
from models.queries.alerts import items_named
from models.queries.reader import found
from models.rules import alerts as rules
from models.rules.alerts import Raised
from models.tables.alerts import AlertMessage, Contact

LEASE: Final = timedelta(minutes=10)
LONGEST_WAIT: Final = {"away": timedelta(minutes=15), "deferred": timedelta(days=1)}
"""What waits for a server goes out soon after it is back; one recipient put off is tried less and less often."""


@dataclass(frozen=True)
class Mail:
    """A claimed message with its sealed address."""

    id: str
    attempt: int
    title: str
    body: str
    address_sealed: str


@command("work.claim_message", roles=(Role.SYSTEM,), clause="SYS-WORK")
def claim_message(ctx: Context) -> Mail | None:
    """Lease the message that is due and was tried least; ``None`` when there is none another sender has not leased.

    One that tells nothing any more is not handed out: it is suppressed, and each of its lines says why.
    """
    now = ctx.services.clock.now()
    with ctx.writing() as session:
        while (row := _next(session, now)) is not None:
            session.add(row)
            row.unconfirmed = row.unconfirmed or row.lease_until is not None
            row.lease_until = None
            if lines := _looked_through(session, ctx, row):
                row.lease_until = written(now + LEASE)
                row.attempts += 1
                text = alert_texts.text_of(ctx, number=row.id, lines=lines, digest=row.digest)
                row.title, row.body = text.title, text.body
                contact = session.get_one(Contact, row.contact_id)
                return Mail(row.id, row.attempts, row.title, row.body, contact.address_sealed)
            _settle(session, ctx, row, "suppressed")
            session.flush()
        return None


def _next(session: Session, now: datetime) -> AlertMessage | None:
    """Return the message to try: what fails over and over again does not hold up what was never tried."""
    return session.exec(
        select(AlertMessage)
        .where(
            col(AlertMessage.status) == "rendered",
            col(AlertMessage.next_attempt_at) <= written(now),
            or_(col(AlertMessage.lease_until).is_(None), col(AlertMessage.lease_until) < written(now)),
        )
        .order_by(col(AlertMessage.attempts), col(AlertMessage.next_attempt_at), col(AlertMessage.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def _looked_through(session: Session, ctx: Context, row: AlertMessage) -> list[Line]:
    """Return the lines that still hold, late when their day is over, and note on the others why they do not."""
    items = items_named(session, {line["item"] for line in row.lines})
    later, late = _told_later(session, row), row.rendered_on < ctx.as_of
    looked, holding = [], []
    for line in row.lines:
        item = items[line["item"]]
        raised = Raised(
            id=row.id,
            item=item.id,
            level="",
            due_on=date.fromisoformat(line["due_on"]),
            raised_on=row.rendered_on,
            open=item.status == "open",
            item_due_on=item.due_on,
        )
        because = line.get("dropped") or rules.untold(alert=raised, newest=later.get(_key(line), row.id))
        looked.append(line | ({"dropped": str(because)} if because else {"late": line["late"] or late}))
        if because is None:
            holding.append(alert_texts.line_of(item, looked[-1]))
    row.lines = looked
    return holding


def _key(line: dict[str, Any]) -> tuple[str, bool]:
    return line["item"], line["supervisor"]


def _told_later(session: Session, row: AlertMessage) -> dict[tuple[str, bool], str]:
    """Return (item, for supervisors) → a message of a later day to the same account that tells it."""
    messages = session.exec(
        select(AlertMessage).where(
            col(AlertMessage.account) == row.account,
            col(AlertMessage.rendered_on) > row.rendered_on,
            col(AlertMessage.status).in_(("rendered", "sent")),
        )
    ).all()
    return {_key(line): message.id for message in messages for line in message.lines if "dropped" not in line}


@command("work.settle_message", roles=(Role.SYSTEM,), clause="SYS-WORK")
def settle_message(
    ctx: Context, *, message: str, outcome: Literal["sent", "bounced", "deferred", "away"], error_code: str = ""
) -> str:
    """Note that a message was sent or came back, or give it back: it is due again after 1, 2, 4 … minutes.

    What was sent or came back stays so: settled twice it changes nothing.
    """
    with ctx.writing() as session:
        row = found(session.get(AlertMessage, message), kind="message", id=message)
        if row.status != "rendered":
            return row.status
        row.lease_until, row.last_error = None, error_code or None
        if outcome in LONGEST_WAIT:
            wait = timedelta(minutes=2 ** min(max(row.attempts - 1, 0), 20))
            row.next_attempt_at = written(ctx.services.clock.now() + min(wait, LONGEST_WAIT[outcome]))
        else:
            _settle(session, ctx, row, outcome)
        session.add(row)
        return row.status


def _settle(session: Session, ctx: Context, row: AlertMessage, outcome: str) -> None:
    row.status, row.settled_on = outcome, ctx.as_of
    told = {"message": row.id, "account": row.account, "attempts": row.attempts, "unconfirmed": row.unconfirmed}
    events.append(session, ctx, stream_kind=STREAM[0], stream_id=STREAM[1], type=f"alerts.{outcome}", payload=told)
