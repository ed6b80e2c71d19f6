"""Claiming and settling outbox messages for the relay. A claim is a lease: a relay that dies gives it back in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from sqlalchemy import or_
from sqlmodel import col, select

from models.context import Context
from models.core.actors import Role
from models.core.instants import written
from models.core.registry import command
from models.queries.reader import found
from models.tables.kernel import Outbox

LEASE: Final = timedelta(minutes=10)
MAX_ATTEMPTS: Final = 20
"""Attempts after which a message that fails of itself waits for a person: ten days of doubling waits."""

LONGEST_OUTAGE_WAIT: Final = timedelta(minutes=15)
"""What was sent to a server that is away goes out soon after it is back, however long it was away."""

LONGEST_FAILURE_WAIT: Final = timedelta(days=1)


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
    instant = written(now)
    with ctx.writing() as session:
        rows = session.exec(
            select(Outbox)
            .where(
                col(Outbox.status) == "pending",
                col(Outbox.next_attempt_at) <= instant,
                or_(col(Outbox.lease_until).is_(None), col(Outbox.lease_until) < instant),
            )
            .order_by(col(Outbox.position))
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            row.lease_until = written(now + LEASE)
            row.attempts += 1
            session.add(row)
        return tuple(Message(row.id, row.event_id, row.route, row.occurred_on) for row in rows)


@command("outbox.settle", roles=(Role.SYSTEM,), clause="SYS-OUTBOX")
def settle(ctx: Context, *, message: str, outcome: Literal["sent", "failed", "away"], error_code: str = "") -> str:
    """Mark a message sent, or give it back: it is due again after 1, 2, 4 … minutes.

    What ``failed`` waits up to a day between attempts and stays ``stuck`` after twenty; when only a server was ``away``
    it waits a quarter of an hour at most and is never given up.
    """
    with ctx.writing() as session:
        row = found(
            session.exec(select(Outbox).where(col(Outbox.id) == message)).one_or_none(), kind="message", id=message
        )
        row.lease_until = None
        if outcome == "sent":
            row.status = "sent"
        else:
            row.last_error = error_code
            row.status = "stuck" if outcome == "failed" and row.attempts >= MAX_ATTEMPTS else "pending"
            longest = LONGEST_OUTAGE_WAIT if outcome == "away" else LONGEST_FAILURE_WAIT
            row.next_attempt_at = written(ctx.services.clock.now() + _wait(row.attempts, longest))
        session.add(row)
        return row.status


def _wait(attempts: int, longest: timedelta) -> timedelta:
    doublings = min(max(attempts - 1, 0), 20)
    return min(longest, timedelta(minutes=2**doublings))
