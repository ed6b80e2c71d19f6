"""The delivery of alerts through the door: who is told, receipts once, retries, and the nightly check of both."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from infra.mailer import deliver
from models.core.actors import Role
from models.tables.alerts import AlertMessage, Contact
from models.tables.kernel import Event
from tests.support.alerting import (
    DUE,
    OFFICE,
    OPENED,
    SYSTEM,
    Postman,
    check,
    close_item,
    fresh,
    items,
    open_item,
    postman,
    receipts,
    register,
    run_day,
    world,
)
from tests.support.world import World

__all__ = ["fresh", "postman", "world"]


def test_each_level_reaches_each_person_once_and_says_what_to_do(world: World, postman: Postman) -> None:
    register(world, "u-a")
    register(world, "u-b")
    open_item(world, "prj-1")

    for _ in range(2):
        run_day(world, DUE - timedelta(days=30))
    run_day(world, DUE)

    assert sorted(address for address, _, _ in postman.sent) == ["u-a@example.org"] * 2 + ["u-b@example.org"] * 2
    _, title, body = postman.sent[0]
    assert title == "（演练）【待办提醒】综合评估验收:距期限还有 30 天（prj-1）"
    for said in ("项目编号:prj-1", "期限:2025-04-30", "依据:五(十二)", "lifecycle do acceptance.conclude"):
        assert said in body
    assert receipts(world) == [
        (level, account, "sent", None, False) for level in ("30", "0") for account in ("u-a", "u-b")
    ]


def test_what_is_overdue_comes_as_one_digest_a_day_and_then_to_the_supervisor(world: World, postman: Postman) -> None:
    register(world, "u-a")
    register(world, "u-chief", supervises=True)
    for number in range(3):
        open_item(world, f"prj-{number}")

    for after in range(1, 9):
        run_day(world, DUE + timedelta(days=after))

    worker = [body for address, _, body in postman.sent if address == "u-a@example.org"]
    chief = [body for address, _, body in postman.sent if address == "u-chief@example.org"]
    assert (len(worker), len(chief)) == (8, 1)
    assert all(body.count("项目编号:") == 3 for body in (*worker, *chief))
    assert "请督促“市民政局”办理" in chief[0]
    assert "已逾期 8 天" in chief[0]


def test_three_days_left_out_end_in_one_late_message(world: World, postman: Postman) -> None:
    """Decision 32: three driven dates without sweep and without sending."""
    register(world, "u-a")
    open_item(world, "prj-1")
    run_day(world, DUE - timedelta(days=8))
    sent_before = len(postman.sent)

    for away in (7, 6, 5):
        assert check(world, DUE - timedelta(days=away)).unraised > 0
    run_day(world, DUE - timedelta(days=4))
    run_day(world, DUE - timedelta(days=4))

    assert len(postman.sent) - sent_before == 1
    assert "本提醒晚于应发之日发出" in postman.sent[-1][2]
    assert receipts(world)[-1] == ("7", "u-a", "sent", None, True)
    assert check(world, DUE - timedelta(days=4)).unraised == 0


def test_a_server_that_was_away_gets_the_rest_later_and_nothing_twice(world: World, postman: Postman) -> None:
    register(world, "u-a")
    register(world, "u-b")
    open_item(world, "prj-1")
    postman.away = True

    first = run_day(world, DUE)
    found = check(world, DUE)
    postman.away = False
    later = [run_day(world, DUE + timedelta(days=1)) for _ in range(2)]

    assert (first["sent"], first["away"]) == (0, 2)
    assert (found.unsent, items(world, "alerts.undelivered")) == (2, [("open", "work.prepare_alerts")])
    assert [one["sent"] for one in later] == [2, 0]  # the first day overdue tells what yesterday's would have told
    assert [line[2:] for line in receipts(world)] == [("suppressed", "superseded", True)] * 2 + [
        ("sent", None, False)
    ] * 2
    assert check(world, DUE + timedelta(days=1)).unsent == 0
    assert items(world, "alerts.undelivered") == [("done", "work.prepare_alerts")]


def test_a_bounce_is_final_until_the_address_is_mended(world: World, postman: Postman) -> None:
    register(world, "u-a", address="gone@example.org")
    register(world, "u-b")
    open_item(world, "prj-1")
    postman.unknown = ("gone@example.org",)

    assert run_day(world, DUE) == {"sent": 1, "bounced": 1, "deferred": 0, "away": 0}
    assert deliver(world.services, as_of=DUE)["bounced"] == 0
    assert check(world, DUE).unreached == 1
    assert items(world, "alerts.unreached") == [("open", "work.register_contact")]
    assert [one.account for one in world.ask("work.contacts", as_=OFFICE) if one.bounced] == ["u-a"]
    again = world.do(
        "work.register_contact", as_=OFFICE, on=DUE, account="u-a", role="city_bureau", address="new@example.org"
    )

    assert again.sent_again == 1
    assert not any(one.bounced for one in world.ask("work.contacts", as_=OFFICE))
    assert deliver(world.services, as_of=DUE)["sent"] == 1
    assert [address for address, _, _ in postman.sent] == ["u-b@example.org", "new@example.org"]
    assert check(world, DUE).unreached == 0
    assert items(world, "alerts.unreached") == [("done", "work.register_contact")]


def test_without_a_channel_the_receipts_say_so(world: World) -> None:
    world.services = replace(world.services, notifier=None)
    register(world, "u-a")
    open_item(world, "prj-1")

    assert run_day(world, DUE)["sent"] == 0
    assert receipts(world) == [("0", "u-a", "suppressed", "no_channel", False)]
    assert check(world, DUE).unreceipted == 0


def test_an_alert_nobody_can_be_told_is_a_matter_for_the_office_until_somebody_is_registered(world: World) -> None:
    open_item(world, "prj-1", role=Role.CONTRACTOR)
    run_day(world, DUE)

    assert receipts(world) == [("0", "-", "suppressed", "no_contact", False)]
    assert check(world, DUE).unreached == 1
    assert items(world, "alerts.unreached") == [("open", "work.register_contact")]


def test_what_was_done_meanwhile_is_not_told(world: World, postman: Postman) -> None:
    register(world, "u-a")
    open_item(world, "prj-1")
    world.do("work.sweep_deadlines", as_=SYSTEM, on=DUE)
    close_item(world, "prj-1", on=DUE)

    world.do("work.prepare_alerts", as_=SYSTEM, on=DUE)

    assert deliver(world.services, as_of=DUE)["sent"] == len(postman.sent) == 0
    assert receipts(world) == [("0", "u-a", "suppressed", "done", False)]


def test_the_check_finds_an_alert_without_receipt(world: World) -> None:
    """The sweep ran and the sending did not."""
    register(world, "u-a")
    open_item(world, "prj-1")
    world.do("work.sweep_deadlines", as_=SYSTEM, on=DUE)

    found = check(world, DUE)

    assert (found.unreceipted, found.unraised, found.unsent) == (1, 0, 0)
    assert items(world, "alerts.undelivered") == [("open", "work.prepare_alerts")]


def test_a_message_claimed_by_a_sender_that_died_is_free_after_its_lease(world: World) -> None:
    register(world, "u-a")
    open_item(world, "prj-1")
    world.do("work.sweep_deadlines", as_=SYSTEM, on=DUE)
    world.do("work.prepare_alerts", as_=SYSTEM, on=DUE)
    first = world.do("work.claim_message", as_=SYSTEM, on=DUE)

    assert world.do("work.claim_message", as_=SYSTEM, on=DUE) is None
    second = world.do("work.claim_message", as_=SYSTEM, on=DUE + timedelta(days=1))
    assert (second.id, second.attempt) == (first.id, 2)


def test_receipts_cannot_be_changed_or_taken_away(world: World) -> None:
    register(world, "u-a")
    open_item(world, "prj-1")
    run_day(world, DUE)

    with closing(sqlite3.connect(str(world.services.engine.url.database))) as database:
        for statement in ("update alert_receipt set suppressed = 'done'", "delete from alert_receipt"):
            with pytest.raises(sqlite3.DatabaseError):
                database.execute(statement)


def test_addresses_are_sealed_and_appear_in_no_event_and_no_query(world: World) -> None:
    register(world, "u-a", address="wang.wu@example.org")
    open_item(world, "prj-1")
    run_day(world, DUE)

    with Session(world.services.engine) as session:
        contact = session.exec(select(Contact)).one()
        told = repr([event.payload for event in session.exec(select(Event)).all()])
        texts = repr([(row.title, row.body) for row in session.exec(select(AlertMessage)).all()])
    shown = repr(world.ask("work.contacts", as_=OFFICE)) + repr(world.ask("work.receipts", as_=OFFICE))
    assert world.services.vault.open(contact.address_sealed) == "wang.wu@example.org"
    assert not any("wang.wu" in text for text in (contact.address_sealed, told, texts, shown))


def test_an_address_nobody_can_read_holds_up_nobody_else(world: World, postman: Postman) -> None:
    register(world, "u-a")
    register(world, "u-b")
    open_item(world, "prj-1")
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        lost = session.exec(select(Contact).where(Contact.account == "u-a")).one()
        lost.address_sealed = "lost-key:AAAA"
        session.add(lost)
        session.commit()

    assert run_day(world, DUE) == {"sent": 1, "bounced": 1, "deferred": 0, "away": 0}
    assert [address for address, _, _ in postman.sent] == ["u-b@example.org"]


def test_a_retired_contact_is_told_nothing(world: World, postman: Postman) -> None:
    name = register(world, "u-a")
    open_item(world, "prj-1")
    run_day(world, DUE - timedelta(days=30))
    world.do("work.retire_contact", as_=OFFICE, on=DUE - timedelta(days=20), contact=name)

    run_day(world, DUE)

    assert len(postman.sent) == 1
    call: dict[str, Any] = {"as_": OFFICE, "on": DUE, "contact": name}
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

    world.refused(code, "work.register_contact", as_=OFFICE, on=OPENED, **given)
