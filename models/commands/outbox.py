"""Claiming and settling outbox messages for the relay. A claim is a lease: a relay that dies gives it back in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from sqlalchemy import or_
from sqlmodel import col, select

from models.context import Context
from models.core.actors import Role
from models.core.registry import command
from models.queries.reader import found
from models.tables.kernel import Outbox

LEASE: Final = timedelta(minutes=10)
MAX_ATTEMPTS: Final = 20


@dataclass(frozen=True)
class Message:
    """A claimed message: its id, the event that is its idempotency key, the deployment it starts, the event's date."""

    id: str
    event_id: str
    route: str
    occurred_on: date


@command("outbox.claim", roles=(Role.SYSTEM,), clause="SYS-OUTBOX")
def claim(ctx: Context, *, limit: int = 20) -> tuple[Message, ...]:
    """Lease the oldest pending messages that are due and not leased by another relay."""
    now = ctx.services.clock.now()
    with ctx.writing() as session:
        rows = session.exec(
            select(Outbox)
            .where(
                col(Outbox.status) == "pending",
                col(Outbox.next_attempt_on) <= ctx.as_of,
                or_(col(Outbox.lease_until).is_(None), col(Outbox.lease_until) < now.isoformat(timespec="seconds")),
            )
            .order_by(col(Outbox.position))
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            row.lease_until = (now + LEASE).isoformat(timespec="seconds")
            row.attempts += 1
            session.add(row)
        return tuple(Message(row.id, row.event_id, row.route, row.occurred_on) for row in rows)


@command("outbox.settle", roles=(Role.SYSTEM,), clause="SYS-OUTBOX")
def settle(ctx: Context, *, message: str, outcome: Literal["sent", "failed"], error_code: str = "") -> str:
    """Mark a message sent, or give it back for the next day's attempt; after twenty attempts it stays ``stuck``."""
    with ctx.writing() as session:
        row = found(
            session.exec(select(Outbox).where(col(Outbox.id) == message)).one_or_none(), kind="message", id=message
        )
        row.lease_until = None
        if outcome == "sent":
            row.status = "sent"
        else:
            row.last_error = error_code
            row.status = "stuck" if row.attempts >= MAX_ATTEMPTS else "pending"
            row.next_attempt_on = ctx.as_of + timedelta(days=1)  # at the head of the queue it would hold up the others
        session.add(row)
        return row.status
