"""The hash chain of events: holds for every payload, and one changed byte anywhere names the event that was changed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.chain import EVENT_FIELDS, GENESIS, entry_hash, first_break

_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
_PAYLOADS = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_size=4,
)
_CHAINS = st.lists(_PAYLOADS, min_size=1, max_size=6)


def _chain(payloads: list[dict[str, Any]], *, stream: str = "prj-1") -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for seq, payload in enumerate(payloads, start=1):
        event = {
            "stream_kind": "project",
            "stream_id": stream,
            "seq": seq,
            "event_id": f"evt-{stream}-{seq}",
            "type": "project.moved",
            "actor": "system:test",
            "occurred_at": "2016-01-04",
            "recorded_at": "2016-01-04T09:00:00+08:00",
            "payload": payload,
            "prev_hash": events[-1]["hash"] if events else GENESIS,
        }
        events.append({**event, "hash": entry_hash(event)})
    return events


@given(_CHAINS)
def test_a_chain_of_any_payloads_holds(payloads: list[dict[str, Any]]) -> None:
    assert first_break(_chain(payloads)) is None


@given(_CHAINS, st.data())
def test_a_changed_payload_names_the_changed_event(payloads: list[dict[str, Any]], data: st.DataObject) -> None:
    events = _chain(payloads)
    index = data.draw(st.integers(0, len(events) - 1))
    events[index]["payload"] = {**events[index]["payload"], "forged": 1}

    found = first_break(events)

    assert found is not None
    assert (found.line, found.event_id, found.reason) == (index + 1, events[index]["event_id"], "bundle.chain.hash")


@given(_CHAINS, st.data(), st.sampled_from(sorted(EVENT_FIELDS)))
def test_every_field_is_covered(payloads: list[dict[str, Any]], data: st.DataObject, name: str) -> None:
    """Whichever column is changed in whichever event, the chain breaks at that event."""
    events = _chain(payloads)
    index = data.draw(st.integers(0, len(events) - 1))
    events[index][name] = {"forged": 1} if name == "payload" else 99 if name == "seq" else "forged"

    found = first_break(events)

    assert found is not None
    assert found.line == index + 1


@given(_CHAINS, st.data())
def test_an_event_rehashed_alone_breaks_the_next_link(payloads: list[dict[str, Any]], data: st.DataObject) -> None:
    """Whoever forges an event and its own hash must forge everything after it; the next event gives it away."""
    events = _chain([*payloads, {}])
    index = data.draw(st.integers(0, len(events) - 2))
    events[index]["payload"] = {"forged": True, "was": len(payloads)}
    events[index]["hash"] = entry_hash(events[index])

    found = first_break(events)

    assert found is not None
    assert (found.line, found.reason) == (index + 2, "bundle.chain.link")


@given(_CHAINS, st.data())
def test_a_missing_event_is_a_gap(payloads: list[dict[str, Any]], data: st.DataObject) -> None:
    events = _chain([*payloads, {}])
    index = data.draw(st.integers(0, len(events) - 2))
    del events[index]

    found = first_break(events)

    assert found is not None
    assert (found.line, found.reason) == (index + 1, "bundle.chain.gap")


def test_streams_are_chained_apart_from_each_other() -> None:
    first, second = _chain([{"n": 1}, {"n": 2}]), _chain([{"n": 3}, {"n": 4}], stream="prj-2")
    woven = [first[0], second[0], second[1], first[1]]

    assert first_break(woven) is None


def test_an_event_without_a_field_is_refused_not_crashed_on() -> None:
    for name in sorted(EVENT_FIELDS - {"stream_kind", "stream_id"}):
        event = dict(_chain([{}])[0])
        del event[name]

        found = first_break([event])

        assert found is not None, name
        assert found.reason == "bundle.chain.fields"


def test_a_float_in_a_payload_has_no_canonical_form() -> None:
    """Money is fen and ratios are Decimal: a float may not enter the log, and one that got in counts as a break."""
    with pytest.raises(TypeError):
        entry_hash({"payload": {"amount": 0.1}})
    event = {**_chain([{}])[0], "payload": {"amount": 0.1}}

    found = first_break([event])

    assert found is not None
    assert found.reason == "bundle.chain.hash"
