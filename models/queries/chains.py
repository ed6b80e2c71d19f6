"""Reads of the event chains: the entries as they are hashed and exported, and whether every chain holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.chain import first_break
from models.core.registry import query
from models.queries.reader import Reader
from models.tables.kernel import Event, StreamHead


class ChainCheck(BaseModel):
    """Whether all chains hold; ``first_bad`` is ``<kind>/<id>#<seq>`` of the first event that does not."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    streams: int
    events: int
    first_bad: str | None


def as_entry(event: Event) -> dict[str, Any]:
    """Return an event as it is hashed and exported: every column, dates as ISO text."""
    return {
        "stream_kind": event.stream_kind,
        "stream_id": event.stream_id,
        "seq": event.seq,
        "event_id": event.event_id,
        "type": event.type,
        "actor": event.actor,
        "occurred_at": event.occurred_at.isoformat(),
        "recorded_at": event.recorded_at,
        "payload": event.payload,
        "prev_hash": event.prev_hash,
        "hash": event.hash,
    }


def entries(session: Session, *, stream_kind: str, stream_id: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of one stream in order."""
    rows = session.exec(
        select(Event)
        .where(col(Event.stream_kind) == stream_kind, col(Event.stream_id) == stream_id)
        .order_by(col(Event.seq))
    )
    return (as_entry(row) for row in rows)


def types_of(session: Session, project: str) -> tuple[str, ...]:
    """Return the types of a project's events, oldest first."""
    statement = select(Event.type).where(col(Event.stream_kind) == "project", col(Event.stream_id) == project)
    return tuple(session.exec(statement.order_by(col(Event.seq))).all())


def has_events(engine: Engine) -> bool:
    """Say whether anything was ever recorded in this database."""
    with Session(engine) as session:
        return session.exec(select(StreamHead.stream_id).limit(1)).first() is not None


@query(
    "chains.verify",
    roles=(Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION, Role.EVALUATION_OFFICE, Role.SYSTEM),
    clause="SYS-CHAIN",
)
def verify(reader: Reader) -> ChainCheck:
    """Check every event chain against its hashes and its recorded head; events without a head count as broken."""
    session = reader.session
    heads = {(head.stream_kind, head.stream_id): head for head in session.exec(select(StreamHead)).all()}
    streams = set(session.exec(select(Event.stream_kind, Event.stream_id).distinct()).all()) | heads.keys()
    events = 0
    for kind, id_ in sorted(streams):
        found = list(entries(session, stream_kind=kind, stream_id=id_))
        events += len(found)
        broken, head = first_break(found), heads.get((kind, id_))
        if broken is not None or head is None or not found or found[-1]["hash"] != head.hash:
            seq = broken.line if broken else head.seq if head else len(found)
            return ChainCheck(ok=False, streams=len(streams), events=events, first_bad=f"{kind}/{id_}#{seq}")
    return ChainCheck(ok=True, streams=len(streams), events=events, first_bad=None)
