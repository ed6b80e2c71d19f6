"""Appending to the event chain and writing the outbox row of a routed event, in the caller's transaction.

The only module that inserts events. Each stream (project, ledger, policy, round …) has its own chain:
``hash = sha256(canonical JSON of all other fields)``, the first ``prev_hash`` is 64 zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlmodel import Session, col, select

from models.context import Context
from models.core.chain import GENESIS, entry_hash
from models.core.ids import derive_id
from models.core.instants import written
from models.queries.chains import as_entry
from models.rules.routing import ROUTES
from models.tables.kernel import Event, Outbox, StreamHead

PROJECT_STREAM: Final = "project"
_UNNAMED: Final = frozenset({"publicity.raise_objection", "publicity.withdraw_objection"})


def append(
    session: Session, ctx: Context, *, stream_kind: str, stream_id: str, type: str, payload: Mapping[str, Any]
) -> Event:
    """Append one event to a stream and, when its type is routed, the outbox rows that carry it out.

    ``payload`` must hold ids, dates, amounts and digests only; the command and its synthetic arguments are added.
    Two writers that append at once meet the key (stream, seq): the slower ends as ``Conflict``.
    """
    head = session.exec(
        select(StreamHead)
        .where(col(StreamHead.stream_kind) == stream_kind, col(StreamHead.stream_id) == stream_id)
        .with_for_update()
    ).one_or_none()
    if head is None:
        head = StreamHead(stream_kind=stream_kind, stream_id=stream_id, seq=0, hash=GENESIS)
        session.add(head)
    facts = {**payload, "command": ctx.command}
    if ctx.synthetic:
        facts["synthetic"] = sorted(f"{ctx.command}.{path}" for path in ctx.synthetic)
    event = Event(
        stream_kind=stream_kind,
        stream_id=stream_id,
        seq=head.seq + 1,
        event_id=ctx.new_id("evt", stream_kind, stream_id, type, str(head.seq + 1)),
        type=type,
        actor=actor_of(ctx),
        occurred_at=ctx.as_of,
        recorded_at=written(ctx.services.clock.now()),
        payload=facts,
        prev_hash=head.hash,
        hash="",
    )
    event.hash = entry_hash(as_entry(event))
    head.seq, head.hash = event.seq, event.hash
    session.add(event)
    for route in ROUTES.get(type, ()):
        session.add(
            Outbox(
                id=derive_id("out", event.event_id, route),
                event_id=event.event_id,
                route=route,
                status="pending",
                occurred_on=ctx.as_of,
                next_attempt_at=written(ctx.services.clock.now()),
            )
        )
    session.flush()
    return event


def on_project(session: Session, ctx: Context, project: str, type: str, payload: Mapping[str, Any]) -> Event:
    """Append one event to a project's chain; see ``append``."""
    return append(session, ctx, stream_kind=PROJECT_STREAM, stream_id=project, type=type, payload=payload)


def actor_of(ctx: Context) -> str:
    """Return who acted, as ``role:account``. Every role inside reads a project's chain, so who objects stands in it as
    ``role:keyed hash`` (ZY-24), the hash an objection keeps too; receipts and attempts keep the same."""
    if ctx.command in _UNNAMED:
        return f"{ctx.actor.role}:{ctx.services.vault.lookup(str(ctx.actor))}"
    return str(ctx.actor)
