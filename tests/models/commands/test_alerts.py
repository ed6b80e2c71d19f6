"""The delivery of alerts through the door: who is told, receipts once, retries, and the nightly check of both."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from infra.mailer import deliver
from models.commands import work
from models.context import Context
from models.core.actors import Actor, Role
from models.core.errors import Transient
from models.core.ids import derive_id
from models.ports import Delivery
from models.tables.alerts import AlertMessage, Contact
from models.tables.kernel import Event, WorkItem
from tests.support.world import World, copy_world, open_world

_SYSTEM = "system:scheduler"
_OFFICE = "evaluation_office:u-office"
_OPENED = date(2025, 1, 6)
_DUE = date(2025, 4, 30)


@dataclass
class Postman:
    """A channel that notes what it is given, or does as it is told."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    away: bool = False
    unknown: tuple[str, ...] = ()

    def notify(self, *, address: str, title: str, body: str) -> Delivery:
        if self.away:
            raise Transient("notify.away", rule="SYS-NOTIFY")
        if address in self.unknown:
            return Delivery.BOUNCED
        self.sent.append((address, title, body))
        return Delivery.SENT


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Any:
    world = open_world(tmp_path_factory.mktemp("fresh"), region="520300")
    yield world
    world.services.engine.dispose()


@pytest.fixture
def world(fresh: World, tmp_path: Path, postman: Postman) -> Any:
    world = copy_world(fresh, tmp_path)
    world.services = replace(world.services, notifier=postman)
    yield world
    world.services.engine.dispose()


def _open(world: World, subject: str, *, role: Role = Role.CITY_BUREAU, due_on: date = _DUE) -> None:
    context = Context(world.services, Actor(Role.SYSTEM, "u-t"), _OPENED, "test.work", derive_id("cmd", subject))
    with context.writing() as session:
        work.open_item(
            session,
            context,
            kind="acceptance.comprehensive",
            role=role,
            subject_kind="project",
            subject_id=subject,
            due_on=due_on,
            clause="五(十二)",
            resolves_with="acceptance.conclude",
        )


def _close(world: World, subject: str, *, on: date) -> None:
    context = Context(world.services, Actor(Role.SYSTEM, "u-t"), on, "test.work", derive_id("cmd", "close", subject))
    with context.writing() as session:
        work.close_item(session, context, kind="acceptance.comprehensive", subject_id=subject)


def _register(world: World, account: str, *, role: str = "city_bureau", **changes: Any) -> str:
    given = {"account": account, "role": role, "address": f"{account}@example.org"} | changes
    name: str = world.do("work.register_contact", as_=_OFFICE, on=_OPENED, **given).id
    return name


def _day(world: World, day: date) -> dict[str, int]:
    """Run a day as the flows do: sweep, prepare, send."""
    world.do("work.sweep_deadlines", as_=_SYSTEM, on=day)
    world.do("work.prepare_alerts", as_=_SYSTEM, on=day)
    return deliver(world.services, as_of=day)


def _check(world: World, day: date) -> Any:
    return world.do("work.check_alerts", as_=_SYSTEM, on=day)


def _receipts(world: World) -> list[tuple[str, str, str, str | None, bool]]:
    """Return the receipts of the matters themselves, without those of the delivery's own work items."""
    lines = [one for one in world.ask("work.receipts", as_=_OFFICE) if one.kind == "acceptance.comprehensive"]
    return [(one.level, one.account, one.status, one.because, one.late) for one in lines]


def _items(world: World, kind: str) -> list[tuple[str, str]]:
    with Session(world.services.engine) as session:
        found = session.exec(select(WorkItem).where(WorkItem.kind == kind)).all()
        return [(row.status, row.resolves_with) for row in found]


def test_each_level_reaches_each_person_once_and_says_what_to_do(world: World, postman: Postman) -> None:
    _register(world, "u-a")
    _register(world, "u-b")
    _open(world, "prj-1")

    for _ in range(2):
        _day(world, _DUE - timedelta(days=30))
    _day(world, _DUE)

    assert sorted(address for address, _, _ in postman.sent) == ["u-a@example.org"] * 2 + ["u-b@example.org"] * 2
    _, title, body = postman.sent[0]
    assert title == "（演练）【待办提醒】综合评估验收:距期限还有 30 天（prj-1）"
    for said in ("项目编号:prj-1", "期限:2025-04-30", "依据:五(十二)", "lifecycle do acceptance.conclude"):
        assert said in body
    assert _receipts(world) == [
        (level, account, "sent", None, False) for level in ("30", "0") for account in ("u-a", "u-b")
    ]


def test_what_is_overdue_comes_as_one_digest_a_day_and_then_to_the_supervisor(world: World, postman: Postman) -> None:
    _register(world, "u-a")
    _register(world, "u-chief", supervises=True)
    for number in range(3):
        _open(world, f"prj-{number}")

    for after in range(1, 9):
        _day(world, _DUE + timedelta(days=after))

    worker = [body for address, _, body in postman.sent if address == "u-a@example.org"]
    chief = [body for address, _, body in postman.sent if address == "u-chief@example.org"]
    assert (len(worker), len(chief)) == (8, 1)
    assert all(body.count("项目编号:") == 3 for body in (*worker, *chief))
    assert "请督促“市民政局”办理" in chief[0]
    assert "已逾期 8 天" in chief[0]


def test_three_days_left_out_end_in_one_late_message(world: World, postman: Postman) -> None:
    """Decision 32: three driven dates without sweep and without sending."""
    _register(world, "u-a")
    _open(world, "prj-1")
    _day(world, _DUE - timedelta(days=8))
    sent_before = len(postman.sent)

    for away in (7, 6, 5):
        assert _check(world, _DUE - timedelta(days=away)).unraised > 0
    _day(world, _DUE - timedelta(days=4))
    _day(world, _DUE - timedelta(days=4))

    assert len(postman.sent) - sent_before == 1
    assert "本提醒因系统停运迟发" in postman.sent[-1][2]
    assert _receipts(world)[-1] == ("7", "u-a", "sent", None, True)
    assert _check(world, _DUE - timedelta(days=4)).unraised == 0


def test_a_server_that_was_away_gets_the_rest_later_and_nothing_twice(world: World, postman: Postman) -> None:
    _register(world, "u-a")
    _register(world, "u-b")
    _open(world, "prj-1")
    postman.away = True

    first = _day(world, _DUE)
    found = _check(world, _DUE)
    postman.away = False
    later = [_day(world, _DUE + timedelta(days=1)) for _ in range(2)]

    assert (first["sent"], first["away"]) == (0, 2)
    assert (found.unsent, _items(world, "alerts.undelivered")) == (2, [("open", "work.prepare_alerts")])
    assert [one["sent"] for one in later] == [4, 0]  # yesterday's two and the two of the first day overdue
    assert [line[2] for line in _receipts(world)] == ["sent"] * 4
    assert [line[4] for line in _receipts(world)] == [True, True, False, False]
    assert _check(world, _DUE + timedelta(days=1)).unsent == 0
    assert _items(world, "alerts.undelivered") == [("done", "work.prepare_alerts")]


def test_a_bounce_is_final_until_the_address_is_mended(world: World, postman: Postman) -> None:
    _register(world, "u-a", address="gone@example.org")
    _register(world, "u-b")
    _open(world, "prj-1")
    postman.unknown = ("gone@example.org",)

    assert _day(world, _DUE) == {"sent": 1, "bounced": 1, "deferred": 0, "away": 0}
    assert deliver(world.services, as_of=_DUE)["bounced"] == 0
    assert _check(world, _DUE).unreached == 1
    assert _items(world, "alerts.unreached") == [("open", "work.register_contact")]
    again = world.do(
        "work.register_contact", as_=_OFFICE, on=_DUE, account="u-a", role="city_bureau", address="new@example.org"
    )

    assert again.sent_again == 1
    assert deliver(world.services, as_of=_DUE)["sent"] == 1
    assert [address for address, _, _ in postman.sent] == ["u-b@example.org", "new@example.org"]
    assert _check(world, _DUE).unreached == 0
    assert _items(world, "alerts.unreached") == [("done", "work.register_contact")]


def test_without_a_channel_the_receipts_say_so(world: World) -> None:
    world.services = replace(world.services, notifier=None)
    _register(world, "u-a")
    _open(world, "prj-1")

    assert _day(world, _DUE)["sent"] == 0
    assert _receipts(world) == [("0", "u-a", "suppressed", "no_channel", False)]
    assert _check(world, _DUE).unreceipted == 0


def test_an_alert_nobody_can_be_told_is_a_matter_for_the_office_until_somebody_is_registered(world: World) -> None:
    _open(world, "prj-1", role=Role.CONTRACTOR)
    _day(world, _DUE)

    assert _receipts(world) == [("0", "-", "suppressed", "no_contact", False)]
    assert _check(world, _DUE).unreached == 1
    assert _items(world, "alerts.unreached") == [("open", "work.register_contact")]


def test_what_was_done_meanwhile_is_not_told(world: World, postman: Postman) -> None:
    _register(world, "u-a")
    _open(world, "prj-1")
    world.do("work.sweep_deadlines", as_=_SYSTEM, on=_DUE)
    _close(world, "prj-1", on=_DUE)

    world.do("work.prepare_alerts", as_=_SYSTEM, on=_DUE)

    assert deliver(world.services, as_of=_DUE)["sent"] == len(postman.sent) == 0
    assert _receipts(world) == [("0", "u-a", "suppressed", "done", False)]


def test_the_check_finds_an_alert_without_receipt(world: World) -> None:
    """The sweep ran and the sending did not."""
    _register(world, "u-a")
    _open(world, "prj-1")
    world.do("work.sweep_deadlines", as_=_SYSTEM, on=_DUE)

    found = _check(world, _DUE)

    assert (found.unreceipted, found.unraised, found.unsent) == (1, 0, 0)
    assert _items(world, "alerts.undelivered") == [("open", "work.prepare_alerts")]


def test_a_message_claimed_by_a_sender_that_died_is_free_after_its_lease(world: World) -> None:
    _register(world, "u-a")
    _open(world, "prj-1")
    world.do("work.sweep_deadlines", as_=_SYSTEM, on=_DUE)
    world.do("work.prepare_alerts", as_=_SYSTEM, on=_DUE)
    first = world.do("work.claim_message", as_=_SYSTEM, on=_DUE)

    assert world.do("work.claim_message", as_=_SYSTEM, on=_DUE) is None
    second = world.do("work.claim_message", as_=_SYSTEM, on=_DUE + timedelta(days=1))
    assert (second.id, second.attempt) == (first.id, 2)


def test_receipts_cannot_be_changed_or_taken_away(world: World) -> None:
    _register(world, "u-a")
    _open(world, "prj-1")
    _day(world, _DUE)

    with closing(sqlite3.connect(str(world.services.engine.url.database))) as database:
        for statement in ("update alert_receipt set suppressed = 'done'", "delete from alert_receipt"):
            with pytest.raises(sqlite3.DatabaseError):
                database.execute(statement)


def test_addresses_are_sealed_and_appear_in_no_event_and_no_query(world: World) -> None:
    _register(world, "u-a", address="wang.wu@example.org")
    _open(world, "prj-1")
    _day(world, _DUE)

    with Session(world.services.engine) as session:
        contact = session.exec(select(Contact)).one()
        told = repr([event.payload for event in session.exec(select(Event)).all()])
        texts = repr([(row.title, row.body) for row in session.exec(select(AlertMessage)).all()])
    shown = repr(world.ask("work.contacts", as_=_OFFICE)) + repr(world.ask("work.receipts", as_=_OFFICE))
    assert world.services.vault.open(contact.address_sealed) == "wang.wu@example.org"
    assert not any("wang.wu" in text for text in (contact.address_sealed, told, texts, shown))


def test_an_address_nobody_can_read_holds_up_nobody_else(world: World, postman: Postman) -> None:
    _register(world, "u-a")
    _register(world, "u-b")
    _open(world, "prj-1")
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        lost = session.exec(select(Contact).where(Contact.account == "u-a")).one()
        lost.address_sealed = "lost-key:AAAA"
        session.add(lost)
        session.commit()

    assert _day(world, _DUE) == {"sent": 1, "bounced": 1, "deferred": 0, "away": 0}
    assert [address for address, _, _ in postman.sent] == ["u-b@example.org"]


def test_a_retired_contact_is_told_nothing(world: World, postman: Postman) -> None:
    name = _register(world, "u-a")
    _open(world, "prj-1")
    _day(world, _DUE - timedelta(days=30))
    world.do("work.retire_contact", as_=_OFFICE, on=_DUE - timedelta(days=20), contact=name)

    _day(world, _DUE)

    assert len(postman.sent) == 1
    call: dict[str, Any] = {"as_": _OFFICE, "on": _DUE, "contact": name}
    assert world.refused("contact.retired", "work.retire_contact", **call).rule == "SYS-ALREADY-DONE"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("contact.account_malformed", {"account": "张三"}),
        ("contact.unit_unknown", {"role": "county_bureau", "unit": "999999"}),
        ("contact.unit_unknown", {"role": "contractor", "unit": "NOBODY"}),
    ],
)
def test_a_contact_nobody_could_be_is_refused(world: World, code: str, changes: dict[str, Any]) -> None:
    given: dict[str, Any] = {"account": "u-a", "role": "city_bureau", "address": "a@example.org", **changes}

    world.refused(code, "work.register_contact", as_=_OFFICE, on=_OPENED, **given)
