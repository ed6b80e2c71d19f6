"""The relay: every committed message starts its deployment at least once, and one that fails holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from infra.relay import drain
from models.core.errors import Refusal, Transient
from models.ports import LaunchResult
from models.tables.kernel import Outbox
from tests.support.world import StoppedClock, World, open_world

_DAY = date(2016, 1, 4)
_NEXT_DAY = date(2016, 1, 5)
_NINE = "2016-01-04T09:00:00+08:00"


@dataclass
class FakeLauncher:
    """Launches nothing; ``acts`` says what happens when a deployment is started, ``started`` what was asked for."""

    acts: dict[str, Callable[[], Mapping[str, int]]] = field(default_factory=dict)
    started: list[tuple[str, Mapping[str, object], str]] = field(default_factory=list)

    def deployments(self) -> Sequence[str]:
        return tuple(self.acts)

    def parameter_schema(self, *, deployment: str) -> Mapping[str, object]:
        return {}

    def launch(self, *, deployment: str, parameters: Mapping[str, object], idempotency_key: str) -> LaunchResult:
        self.started.append((deployment, parameters, idempotency_key))
        if deployment not in self.acts:
            raise LookupError(deployment)
        return LaunchResult(run_id=f"run-{len(self.started)}", summary=dict(self.acts[deployment]()))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = open_world(tmp_path)
    world.clock.day = _DAY
    yield world
    world.services.engine.dispose()


def _put(world: World, *routes: str) -> None:
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        count = len(session.exec(select(Outbox)).all())
        for number, route in enumerate(routes, start=count + 1):
            session.add(
                Outbox(
                    id=f"m{number}",
                    event_id=f"evt-{number}",
                    route=route,
                    status="pending",
                    occurred_on=_DAY,
                    next_attempt_at=_NINE,
                )
            )
            session.flush()
        session.commit()


def _outbox(world: World) -> dict[str, tuple[str, int, str | None]]:
    with Session(world.services.engine) as session:
        rows = session.exec(select(Outbox).order_by(col(Outbox.position))).all()
        return {row.id: (row.status, row.attempts, row.last_error) for row in rows}


def _away() -> Mapping[str, int]:
    raise Transient("orchestrator.away", rule="SYS-FLOW")


def _refuse() -> Mapping[str, int]:
    raise Refusal("kernel.not_found", facts={"thing": "项目", "id": "prj-1"})


def test_drain_starts_each_message_with_its_date_and_event_as_key(world: World) -> None:
    _put(world, "good", "good")
    launcher = FakeLauncher({"good": lambda: {"done": 1}})

    sent = drain(world.services, launcher, as_of=_DAY).sent

    assert launcher.started == [
        ("good", {"as_of": "2016-01-04", "event_id": "evt-1"}, "evt-1"),
        ("good", {"as_of": "2016-01-04", "event_id": "evt-2"}, "evt-2"),
    ]
    assert [(one.event_id, one.deployment, one.run_id, one.summary) for one in sent] == [
        ("evt-1", "good", "run-1", {"done": 1}),
        ("evt-2", "good", "run-2", {"done": 1}),
    ]
    assert _outbox(world) == {"m1": ("sent", 1, None), "m2": ("sent", 1, None)}


def test_drain_twice_sends_once(world: World) -> None:
    _put(world, "good")
    launcher = FakeLauncher({"good": lambda: {"done": 1}})

    first, second = drain(world.services, launcher, as_of=_DAY), drain(world.services, launcher, as_of=_DAY)

    assert (len(first.sent), len(second.sent), len(launcher.started)) == (1, 0, 1)


def test_a_server_that_is_away_leaves_the_message_pending_and_the_others_untouched(world: World) -> None:
    _put(world, "down", "good")
    launcher = FakeLauncher({"down": _away, "good": lambda: {"done": 1}})

    sent = drain(world.services, launcher, as_of=_DAY).sent

    assert sent == ()
    assert [deployment for deployment, _, _ in launcher.started] == ["down"]
    assert _outbox(world) == {"m1": ("pending", 1, "orchestrator.away"), "m2": ("pending", 0, None)}


def test_what_waited_for_the_server_goes_out_when_it_is_back(world: World) -> None:
    _put(world, "down", "good")
    launcher = FakeLauncher({"down": _away, "good": lambda: {"done": 1}})
    drain(world.services, launcher, as_of=_DAY)
    launcher.acts["down"] = lambda: {"done": 1}
    world.clock.day = _NEXT_DAY

    sent = drain(world.services, launcher, as_of=_NEXT_DAY).sent

    assert {one.event_id for one in sent} == {"evt-1", "evt-2"}
    assert {status for status, _, _ in _outbox(world).values()} == {"sent"}
    assert {key for deployment, _, key in launcher.started if deployment == "down"} == {"evt-1"}


@pytest.mark.parametrize(("bad", "code"), [("nowhere", "relay.unknown_deployment"), ("refusing", "kernel.not_found")])
def test_a_message_that_cannot_be_started_does_not_hold_up_the_next(world: World, bad: str, code: str) -> None:
    """An unknown deployment or a refusing flow at the head of the outbox is given back; those behind it are sent."""
    _put(world, bad, "good", bad, "good")
    launcher = FakeLauncher({"good": lambda: {"done": 1}, "refusing": _refuse})

    sent = drain(world.services, launcher, as_of=_DAY).sent

    assert [one.event_id for one in sent] == ["evt-2", "evt-4"]
    assert _outbox(world) == {
        "m1": ("pending", 1, code),
        "m2": ("sent", 1, None),
        "m3": ("pending", 1, code),
        "m4": ("sent", 1, None),
    }


def test_messages_a_started_flow_leaves_behind_are_sent_too(world: World) -> None:
    """A flow that completes a project leaves the next message; one drain follows the chain to its end."""
    launcher = FakeLauncher()

    def first() -> Mapping[str, int]:
        _put(world, "second")
        return {"done": 1}

    launcher.acts = {"first": first, "second": lambda: {"done": 1}}
    _put(world, "first")

    sent = drain(world.services, launcher, as_of=_DAY).sent

    assert [one.deployment for one in sent] == ["first", "second"]
    assert {status for status, _, _ in _outbox(world).values()} == {"sent"}


def _break() -> Mapping[str, int]:
    raise KeyError("a bug of the flow, not a missing deployment")


def test_a_flow_with_a_bug_is_kept_with_one_incident_and_holds_up_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    _put(world, "broken", "good")
    launcher = FakeLauncher({"broken": _break, "good": lambda: {"done": 1}})

    drained = drain(world.services, launcher, as_of=_DAY)

    (unsent,) = drained.unsent
    assert [one.event_id for one in drained.sent] == ["evt-2"]
    assert unsent.code == f"relay.unexpected/{unsent.incident}"
    assert _outbox(world) == {"m1": ("pending", 1, unsent.code), "m2": ("sent", 1, None)}
    assert [record.getMessage().count(unsent.incident) for record in caplog.records] == [1]


def test_a_server_that_was_away_for_a_moment_gets_its_message_a_minute_later(world: World) -> None:
    _put(world, "down")
    launcher = FakeLauncher({"down": _away})
    assert drain(world.services, launcher, as_of=_DAY).unsent[0].away
    launcher.acts["down"] = lambda: {"done": 1}

    class MinuteLater(StoppedClock):
        def now(self) -> datetime:
            return super().now() + timedelta(minutes=1)

    at_once = drain(world.services, launcher, as_of=_DAY)
    object.__setattr__(world.services, "clock", MinuteLater(_DAY))
    later = drain(world.services, launcher, as_of=_DAY)

    assert (len(at_once.sent), len(later.sent)) == (0, 1)


def test_drain_stops_at_its_limit(world: World) -> None:
    _put(world, *["good"] * 5)
    launcher = FakeLauncher({"good": lambda: {"done": 1}})

    sent = drain(world.services, launcher, as_of=_DAY, limit=3).sent

    assert len(sent) == 3
    assert [status for status, _, _ in _outbox(world).values()] == ["sent"] * 3 + ["pending"] * 2
