"""The hash chain of events: what a hash covers, and where a chain first breaks.

Pure; shared by the writer (``commands.events``), the query that verifies the database and the check of a bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from models.core.hashing import digest

GENESIS: Final = "0" * 64
EVENT_FIELDS: Final = frozenset(
    [
        "stream_kind",
        "stream_id",
        "seq",
        "event_id",
        "type",
        "actor",
        "occurred_at",
        "recorded_at",
        "payload",
        "prev_hash",
        "hash",
    ]
)


def entry_hash(event: Mapping[str, object]) -> str:
    """Return the hash of an event: the digest of all its fields but ``hash`` itself. Raises ``TypeError``."""
    return digest({name: value for name, value in event.items() if name != "hash"})


@dataclass(frozen=True)
class ChainBreak:
    """The first event (line counted from 1) at which its stream's chain does not hold, and why: a label's code."""

    line: int
    event_id: str
    reason: str


def first_break(events: Iterable[Mapping[str, object]]) -> ChainBreak | None:
    """Return the first event that breaks its stream's hash chain, ``None`` when all chains hold (SYS-CHAIN).

    Each stream counts ``seq`` from 1 without gaps, each ``prev_hash`` is the hash before it (64 zeros at first), and
    each ``hash`` is the SHA-256 of the canonical JSON of all its other fields.
    """
    heads: dict[tuple[str, str], tuple[int, object]] = {}
    for line, event in enumerate(events, start=1):
        stream = (str(event.get("stream_kind")), str(event.get("stream_id")))
        seq, prev_hash = heads.get(stream, (0, GENESIS))
        reason = _break_reason(event, seq=seq + 1, prev_hash=prev_hash)
        if reason is not None:
            return ChainBreak(line=line, event_id=str(event.get("event_id", "")), reason=reason)
        heads[stream] = (seq + 1, event["hash"])
    return None


def _break_reason(event: Mapping[str, object], *, seq: int, prev_hash: object) -> str | None:
    if not event.keys() >= EVENT_FIELDS:
        return "bundle.chain.fields"
    if event["seq"] != seq:
        return "bundle.chain.gap"
    if event["prev_hash"] != prev_hash:
        return "bundle.chain.link"
    try:
        actual = entry_hash(event)
    except (TypeError, ValueError, RecursionError):
        return "bundle.chain.hash"
    return None if actual == event["hash"] else "bundle.chain.hash"
