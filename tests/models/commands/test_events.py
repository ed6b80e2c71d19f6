"""The event log in a database: what is appended holds, what is altered is found and named, writers never fork it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session, col, select

from models.commands import events
from models.context import Context
from models.core.actors import Actor, Role
from models.core.chain import GENESIS
from models.core.errors import Conflict
from models.core.ids import derive_id
from models.rules.routing import ROUTES
from models.tables.kernel import Event, Outbox, StreamHead
from tests.support.postgres import fresh_database
from tests.support.world import World, open_world

_DAY = date(2016, 1, 4)
_BREAK_IN = "DROP TRIGGER event_no_update"
_PAYLOADS = st.dictionaries(
    st.text(max_size=8),
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(st.characters(codec="utf-8"), max_size=12),
    max_size=4,
)


@pytest.fixture
def postgres_world(tmp_path: Path, postgres_url: str) -> Iterator[World]:
    with fresh_database(postgres_url, name="events") as url:
        world = open_world(tmp_path, database_url=url)
        yield world
        world.services.engine.dispose()


def _context(world: World, call: str, **changes: Any) -> Context:
    context = Context(
        services=world.services,
        actor=Actor(Role.SYSTEM, "u-test"),
        as_of=_DAY,
        command="test.append",
        command_id=derive_id("cmd", call),
    )
    for name, value in changes.items():
        setattr(context, name, value)
    return context


def _append(world: World, call: str, *, stream: str = "s-1", **payload: Any) -> None:
    context = _context(world, call)
    with context.writing() as session:
        events.append(session, context, stream_kind="test", stream_id=stream, type="test.done", payload=payload)


def _stored(world: World, *, stream: str = "s-1") -> list[Event]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(Event).where(col(Event.stream_id) == stream).order_by(col(Event.seq))).all())


def _verify(world: World) -> Any:
    return world.ask("chains.verify", as_="audit_body:u-audit")


def test_events_link_to_the_one_before_and_the_head_follows(world: World) -> None:
    for number in range(3):
        _append(world, str(number), number=number)

    stored = _stored(world)
    with Session(world.services.engine) as session:
        head = session.get_one(StreamHead, ("test", "s-1"))

    assert [event.seq for event in stored] == [1, 2, 3]
    assert [event.prev_hash for event in stored] == [GENESIS, stored[0].hash, stored[1].hash]
    assert (head.seq, head.hash) == (3, stored[2].hash)
    assert stored[0].occurred_at == _DAY
    assert stored[0].actor == "system:u-test"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_PAYLOADS, min_size=1, max_size=4))
def test_any_payload_verifies_after_the_way_through_the_database(world: World, payloads: list[dict[str, Any]]) -> None:
    """What the hash covered before the write equals what is read back: no payload changes on its way through JSON."""
    call = str(len(_stored(world)))
    for number, payload in enumerate(payloads):
        context = _context(world, f"{call}-{number}")
        with context.writing() as session:
            events.append(session, context, stream_kind="test", stream_id="s-1", type="test.done", payload=payload)

    assert _verify(world).ok


def test_postgresql_gives_payloads_back_as_they_were_hashed(postgres_world: World) -> None:
    _append(postgres_world, "1", text="救助\n“引号”\\", big=2**62, none=None, nested={"b": [1, True], "a": {}})

    assert _verify(postgres_world).ok


@pytest.mark.parametrize(
    "forgery",
    [
        "payload = '{\"number\": 7}'",
        "type = 'test.undone'",
        "actor = 'city_bureau:u-other'",
        "occurred_at = '2016-02-01'",
        "recorded_at = '2016-02-01T09:00:00+08:00'",
        "event_id = 'evt-forged'",
        "hash = prev_hash",
    ],
)
def test_a_change_behind_our_back_is_found_and_named(world: World, forgery: str) -> None:
    """Somebody with the database's password drops the trigger and edits the second of three events."""
    for number in range(3):
        _append(world, str(number), number=number)
        _append(world, f"other-{number}", stream="s-2", number=number)
    with world.services.engine.begin() as connection:
        connection.execute(text(_BREAK_IN))
        connection.execute(text(f"UPDATE event SET {forgery} WHERE stream_id = 's-1' AND seq = 2"))  # noqa: S608

    check = _verify(world)

    assert not check.ok
    assert check.first_bad == "test/s-1#2"


def test_a_cut_off_end_is_found(world: World) -> None:
    """Deleting the last event leaves a chain that holds by itself; the head still knows it was longer."""
    for number in range(3):
        _append(world, str(number), number=number)
    with world.services.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER event_no_delete"))
        connection.execute(text("DELETE FROM event WHERE seq = 3"))

    check = _verify(world)

    assert (check.ok, check.first_bad) == (False, "test/s-1#3")


def test_a_stream_whose_head_was_removed_is_found(world: World) -> None:
    """Without its head a stream would drop out of the check, and everything in it could be rewritten."""
    _append(world, "1", number=1)
    with world.services.engine.begin() as connection:
        connection.execute(text(_BREAK_IN))
        connection.execute(text("UPDATE event SET payload = '{}'"))
        connection.execute(text("DELETE FROM stream_head"))

    check = _verify(world)

    assert (check.ok, check.first_bad) == (False, "test/s-1#1")


def test_a_routed_event_leaves_one_message_per_route(world: World) -> None:
    for number, type_ in enumerate(ROUTES):
        context = _context(world, str(number))
        with context.writing() as session:
            events.append(session, context, stream_kind="test", stream_id="s-1", type=type_, payload={})

    with Session(world.services.engine) as session:
        messages = session.exec(select(Outbox).order_by(col(Outbox.position))).all()

    ids = {event.type: event.event_id for event in _stored(world)}
    assert [(message.event_id, message.route) for message in messages] == [
        (ids[type_], route) for type_, routes in ROUTES.items() for route in routes
    ]
    assert {(message.status, message.occurred_on, message.attempts) for message in messages} == {("pending", _DAY, 0)}


def test_marked_arguments_are_listed_with_the_event(world: World) -> None:
    context = _context(world, "1", synthetic=frozenset({"price", "term"}))
    with context.writing() as session:
        events.append(session, context, stream_kind="test", stream_id="s-1", type="test.done", payload={"n": 1})

    assert _stored(world)[0].payload == {
        "n": 1,
        "command": "test.append",
        "synthetic": ["test.append.price", "test.append.term"],
    }


def test_a_transaction_that_fails_leaves_no_event_no_head_and_no_message(world: World) -> None:
    context = _context(world, "1")

    with pytest.raises(ZeroDivisionError), context.writing() as session:  # noqa: PT012
        events.append(session, context, stream_kind="test", stream_id="s-1", type="project.completed", payload={})
        _ = 1 // 0

    with Session(world.services.engine) as session:
        assert session.exec(select(Event)).all() == []
        assert session.exec(select(StreamHead)).all() == []
        assert session.exec(select(Outbox)).all() == []


def test_a_call_repeated_with_its_id_is_a_conflict_and_writes_once(world: World) -> None:
    context = _context(world, "1")
    with context.writing() as session:
        first = events.append(session, context, stream_kind="test", stream_id="s-1", type="test.done", payload={})
        event_id = first.event_id
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        row = session.get_one(StreamHead, ("test", "s-1"))
        row.seq, row.hash = 0, GENESIS  # as a writer saw it that read before the first one committed
        session.add(row)
        session.commit()
    again = _context(world, "1")

    with pytest.raises(Conflict) as caught, again.writing() as session:
        events.append(session, again, stream_kind="test", stream_id="s-1", type="test.done", payload={})

    assert caught.value.code == "kernel.changed_meanwhile"
    assert [event.event_id for event in _stored(world)] == [event_id]


def _append_at_once(world: World, calls: list[str]) -> list[str]:
    """Append from one thread per call, released together inside their transactions; return what each ended with."""
    outcomes: list[str] = []
    together = threading.Barrier(len(calls), timeout=20)

    def act(call: str) -> None:
        context = _context(world, call)
        try:
            with context.writing() as session:
                session.connection().execute(text("SELECT 1"))
                together.wait()
                events.append(
                    session, context, stream_kind="test", stream_id="s-1", type="test.done", payload={"call": call}
                )
            outcomes.append("ok")
        except Conflict as conflict:
            outcomes.append(conflict.code)

    threads = [threading.Thread(target=act, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(outcomes)


def test_postgresql_two_firsts_of_a_stream_end_as_one_event_and_one_conflict(postgres_world: World) -> None:
    outcomes = _append_at_once(postgres_world, ["a", "b"])

    assert outcomes == ["kernel.changed_meanwhile", "ok"]
    assert [event.seq for event in _stored(postgres_world)] == [1]
    assert _verify(postgres_world).ok


def test_postgresql_writers_of_one_stream_queue_without_gap_or_fork(postgres_world: World) -> None:
    """Once the stream has a head, its lock makes writers wait for each other: all succeed, one after the other."""
    _append(postgres_world, "first")

    outcomes = _append_at_once(postgres_world, ["a", "b", "c", "d"])

    stored = _stored(postgres_world)
    assert outcomes == ["ok"] * 4
    assert [event.seq for event in stored] == [1, 2, 3, 4, 5]
    assert [event.prev_hash for event in stored[1:]] == [event.hash for event in stored[:-1]]
    assert _verify(postgres_world).ok


def test_postgresql_a_writer_that_read_an_old_head_appends_to_the_new_one(postgres_world: World) -> None:
    """Locking the head reads it again: what another writer committed meanwhile is followed, not forked from."""
    _append(postgres_world, "first")
    slow = _context(postgres_world, "slow")

    with slow.writing() as session:
        seen = session.get_one(StreamHead, ("test", "s-1")).seq
        _append(postgres_world, "fast")
        event = events.append(session, slow, stream_kind="test", stream_id="s-1", type="test.done", payload={})
        appended = event.seq

    assert (seen, appended) == (1, 3)
    assert [event.seq for event in _stored(postgres_world)] == [1, 2, 3]
    assert _verify(postgres_world).ok
