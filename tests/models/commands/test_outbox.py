"""Claims are leases: a message belongs to one relay until its lease runs out, and nothing that failed is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from models.commands.outbox import LEASE, MAX_ATTEMPTS, Message
from models.tables.kernel import Outbox
from tests.support.postgres import fresh_database
from tests.support.world import StoppedClock, World, open_world

_DAY = date(2016, 1, 4)
_RELAY = "system:relay"


class SteppingClock(StoppedClock):
    """A stopped clock that can also be put forward within a day."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


def _with_stepping_clock(world: World) -> World:
    clock = SteppingClock(_DAY)
    object.__setattr__(world.services, "clock", clock)
    world.clock = clock
    return world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = _with_stepping_clock(open_world(tmp_path))
    yield world
    world.services.engine.dispose()


@pytest.fixture
def postgres_world(tmp_path: Path, postgres_url: str) -> Iterator[World]:
    with fresh_database(postgres_url, name="outbox") as url:
        world = _with_stepping_clock(open_world(tmp_path, database_url=url))
        yield world
        world.services.engine.dispose()


def _put(world: World, *ids: str, on: date = _DAY) -> None:
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        for id_ in ids:
            session.add(
                Outbox(
                    id=id_,
                    event_id=f"evt-{id_}",
                    route="archive-close-audited",
                    status="pending",
                    occurred_on=on,
                    next_attempt_at=f"{on.isoformat()}T09:00:00+08:00",
                )
            )
            session.flush()
        session.commit()


def _row(world: World, id_: str) -> Outbox:
    with Session(world.services.engine) as session:
        return session.exec(select(Outbox).where(col(Outbox.id) == id_)).one()


def _claim(world: World, limit: int = 20, *, on: date = _DAY) -> list[str]:
    claimed: tuple[Message, ...] = world.do("outbox.claim", as_=_RELAY, on=on, limit=limit)
    return [message.id for message in claimed]


def _pass(world: World, time: timedelta) -> None:
    assert isinstance(world.clock, SteppingClock)
    world.clock.ahead += time


def test_claim_takes_the_oldest_first_and_says_what_to_start(world: World) -> None:
    _put(world, "m1", "m2", "m3")

    claimed = world.do("outbox.claim", as_=_RELAY, on=_DAY, limit=2)

    assert claimed == (
        Message("m1", "evt-m1", "archive-close-audited", _DAY),
        Message("m2", "evt-m2", "archive-close-audited", _DAY),
    )


def test_a_claimed_message_is_not_given_to_another_until_its_lease_runs_out(world: World) -> None:
    _put(world, "m1")

    first = _claim(world)
    _pass(world, LEASE)
    within = _claim(world)
    _pass(world, timedelta(seconds=1))
    after = _claim(world)

    assert (first, within, after) == (["m1"], [], ["m1"])
    assert _row(world, "m1").attempts == 2


def test_a_message_is_not_claimed_before_its_day(world: World) -> None:
    _put(world, "m1", on=date(2016, 1, 5))

    assert _claim(world) == []
    assert _claim(world, on=date(2016, 1, 5)) == ["m1"]


def test_a_sent_message_is_never_claimed_again(world: World) -> None:
    _put(world, "m1")
    _claim(world)

    status = world.do("outbox.settle", as_=_RELAY, on=_DAY, message="m1", outcome="sent")

    assert status == "sent"
    assert _row(world, "m1").lease_until is None
    assert _claim(world, on=date(2016, 2, 1)) == []


def test_a_failed_message_comes_back_in_a_minute_and_keeps_its_error(world: World) -> None:
    _put(world, "m1")
    _claim(world)

    status = world.do(
        "outbox.settle", as_=_RELAY, on=_DAY, message="m1", outcome="away", error_code="orchestrator.away"
    )

    assert status == "pending"
    assert _row(world, "m1").last_error == "orchestrator.away"
    _pass(world, timedelta(seconds=59))
    assert _claim(world) == []
    _pass(world, timedelta(seconds=1))
    assert _claim(world) == ["m1"]


def _waits(world: World, outcome: str, times: int) -> list[int]:
    """Fail a message again and again; return the minutes it waited each time until it was due."""
    waits = []
    for _ in range(times):
        assert _claim(world) == ["m1"]
        world.do("outbox.settle", as_=_RELAY, on=_DAY, message="m1", outcome=outcome, error_code="x.y")
        wait = datetime.fromisoformat(_row(world, "m1").next_attempt_at) - world.clock.now()
        waits.append(round(wait / timedelta(minutes=1)))
        _pass(world, wait)
    return waits


def test_a_server_that_stays_away_is_asked_every_quarter_of_an_hour_and_never_given_up(world: World) -> None:
    _put(world, "m1")

    assert _waits(world, "away", 30) == [1, 2, 4, 8] + [15] * 26
    assert _row(world, "m1").status == "pending"


def test_what_fails_of_itself_waits_longer_each_time_up_to_a_day(world: World) -> None:
    _put(world, "m1")

    assert _waits(world, "failed", 14) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440, 1440]


def test_after_twenty_attempts_a_message_stays_stuck_for_a_person(world: World) -> None:
    _put(world, "m1")
    statuses = []
    for number in range(MAX_ATTEMPTS):
        on = _DAY + timedelta(days=number)
        assert _claim(world, on=on) == ["m1"]
        statuses.append(
            world.do("outbox.settle", as_=_RELAY, on=on, message="m1", outcome="failed", error_code="relay.down")
        )

    assert statuses == ["pending"] * (MAX_ATTEMPTS - 1) + ["stuck"]
    assert _claim(world, on=date(2017, 1, 1)) == []
    assert _row(world, "m1").last_error == "relay.down"


def test_settling_a_message_nobody_knows_is_refused(world: World) -> None:
    world.refused("kernel.not_found", "outbox.settle", as_=_RELAY, on=_DAY, message="m9", outcome="sent")


def test_only_the_system_may_claim_or_settle(world: World) -> None:
    world.refused("SYS-ROLE", "outbox.claim", as_="evaluation_office:u-office", on=_DAY)
    world.refused("SYS-ROLE", "outbox.settle", as_="city_bureau:u-city", on=_DAY, message="m1", outcome="sent")


def test_postgresql_a_claimer_skips_what_another_holds(postgres_world: World) -> None:
    """A row locked by a claimer that has not committed yet is skipped, not waited for."""
    _put(postgres_world, "m1", "m2")
    with Session(postgres_world.services.engine) as holder:
        held = holder.exec(select(Outbox).where(col(Outbox.id) == "m1").with_for_update()).one()

        claimed = _claim(postgres_world, 1)

        assert held.id == "m1"
    assert claimed == ["m2"]


def test_postgresql_claimers_at_once_never_share_a_message(postgres_world: World) -> None:
    ids = [f"m{number:02}" for number in range(40)]
    _put(postgres_world, *ids)
    claimed: list[str] = []
    together = threading.Barrier(4, timeout=20)

    def act() -> None:
        together.wait()
        for _ in range(5):
            claimed.extend(_claim(postgres_world, 2))

    threads = [threading.Thread(target=act) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(claimed) == len(set(claimed))
    assert set(claimed) | set(_claim(postgres_world, 40)) == set(ids)
