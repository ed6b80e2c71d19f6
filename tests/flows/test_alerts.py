"""Alerts by real mail through the flows as deployed: settings in the environment, a real SMTP server on loopback."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from infra.bootstrap import open_services
from infra.mailer import deliver
from infra.orchestrator import LocalLauncher
from infra.settings import Settings, SettingsFault
from models.commands import work
from models.context import Context
from models.core.actors import Actor, Role
from models.ports import Delivery, Notifier
from tests.support.installation import DAY, Installation
from tests.support.mailbox import Mailbox, free_port, notify_url
from tests.support.world import StoppedClock, World

_DUE = DAY + timedelta(days=3)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controller]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    monkeypatch.setenv("LIFECYCLE_NOTIFY_URL", notify_url(controller.port))
    yield controller
    controller.stop(no_assert=True)


def _run(deployment: str) -> dict[str, Any]:
    return dict(LocalLauncher(recorded=False).launch(deployment=deployment, parameters={}, idempotency_key="k").summary)


def _move(installed: Installation, day: date) -> None:
    """Drive the installation's clock to a day."""
    with closing(sqlite3.connect(str(installed.world.services.engine.url.database))) as database:
        database.execute("update rehearsal set today = ?", (day.isoformat(),))
        database.commit()


def _morning() -> dict[str, Any]:
    _run("deadline-sweep")
    return _run("alerts-send")


def _prepared() -> None:
    """Register two people of the bureau, one of whom has moved, and give the bureau something to do."""
    with open_services(Settings()) as services:
        world = World(services, StoppedClock(DAY))
        for account, address in (("u-a", "a@example.org"), ("u-gone", "gone@example.org")):
            given: dict[str, Any] = {"account": account, "role": "city_bureau", "address": address}
            world.do("work.register_contact", as_="evaluation_office:u-office", on=DAY, **given)
        context = Context(services, Actor(Role.SYSTEM, "u-t"), DAY, "test.work", "cmd-test")
        with context.writing() as session:
            work.open_item(
                session,
                context,
                kind="acceptance.comprehensive",
                role=Role.CITY_BUREAU,
                subject_kind="project",
                subject_id="prj-1",
                due_on=_DUE,
                clause="五(十二)",
                resolves_with="acceptance.conclude",
            )


def test_three_days_away_and_a_mail_server_that_was_down_end_in_every_alert_told_once(
    empty: Installation, server: Controller, mailbox: Mailbox
) -> None:
    _prepared()
    mailbox.answers["gone@example.org"] = "550 no such user"

    down = _morning()  # nobody listens yet
    server.start()
    _move(empty, DAY + timedelta(days=1))
    back = _morning()
    _move(empty, DAY + timedelta(days=5))  # three driven days left out, the due date among them
    late, again = _morning(), _morning()

    assert (down["messages"], down["sent"], down["away"]) == (2, 0, 2)
    assert (back["messages"], back["sent"], back["bounced"]) == (0, 1, 1)
    assert (late["messages"], late["sent"], late["bounced"]) == (2, 1, 1)
    assert (again["messages"], again["sent"], again["bounced"]) == (0, 0, 0)
    assert [address for address, _, _ in mailbox.mails] == ["a@example.org"] * 2
    assert "项目编号:prj-1" in mailbox.mails[0][2]
    assert "本提醒晚于应发之日发出" in mailbox.mails[1][2]
    assert _run("alerts-check")["unreached"] == 1
    assert empty.count("work_item", "kind = 'alerts.unreached' and status = 'open'") == 1


@dataclass
class _Dies:
    """A sender killed between the server's answer and the note."""

    behind: Notifier

    def notify(self, *, address: str, title: str, body: str, number: str) -> Delivery:
        self.behind.notify(address=address, title=title, body=body, number=number)
        raise KeyboardInterrupt


def test_a_sender_killed_before_the_note_sends_the_same_message_again_and_its_receipt_says_so(
    empty: Installation, server: Controller, mailbox: Mailbox
) -> None:
    """Losing it would be worse: twice, under one Message-ID, by which mail programs know it as one."""
    _prepared()
    server.start()
    _run("deadline-sweep")
    with open_services(Settings()) as services:
        world = World(services, StoppedClock(DAY))
        world.do("work.prepare_alerts", as_="system", on=DAY)
        assert services.notifier is not None
        with pytest.raises(KeyboardInterrupt):
            deliver(replace(services, notifier=_Dies(services.notifier)), as_of=DAY)
        said = [(one.status, one.unconfirmed) for one in world.ask("work.receipts", on=DAY)]
    _move(empty, DAY + timedelta(days=1))

    _run("alerts-send")

    with open_services(Settings()) as services:
        told = World(services, StoppedClock(DAY)).ask("work.receipts", on=DAY)
    assert sorted(said) == [("possibly_sent", False), ("rendered", False)]
    assert sorted((one.status, one.unconfirmed) for one in told) == [("sent", False), ("sent", True)]
    assert (len(mailbox.numbers), len(set(mailbox.numbers))) == (3, 2)
    assert sorted(number.strip("<>").partition("@")[0] for number in set(mailbox.numbers)) == sorted(
        str(one.message) for one in told
    )


def test_a_channel_without_a_place_for_the_address_stops_the_start(
    empty: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFECYCLE_NOTIFY_URL", "mailto://127.0.0.1?from=robot@example.org&to=all@example.org")

    with pytest.raises(SettingsFault) as caught, open_services(Settings()):
        pass

    assert "LIFECYCLE_NOTIFY_URL" in caught.value.message
    assert "all@example.org" not in caught.value.message
