"""Alerts by real mail through the flows as deployed: settings in the environment, a real SMTP server on loopback."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from infra.bootstrap import open_services
from infra.orchestrator import LocalLauncher
from infra.settings import Settings, SettingsFault
from models.commands import work
from models.context import Context
from models.core.actors import Actor, Role
from tests.support.installation import DAY, Installation
from tests.support.mailbox import Mailbox, free_port, notify_url
from tests.support.world import StoppedClock, World

_DUE = DAY + timedelta(days=7)


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
    back = _run("alerts-send")
    _move(empty, DAY + timedelta(days=9))  # the scheduler was away over the due date
    late, again = _morning(), _morning()

    assert (down["messages"], down["sent"], down["away"]) == (2, 0, 2)
    assert (back["messages"], back["sent"], back["bounced"]) == (0, 1, 1)
    assert (late["messages"], late["sent"], late["bounced"]) == (2, 1, 1)
    assert (again["messages"], again["sent"], again["bounced"]) == (0, 0, 0)
    assert [address for address, _, _ in mailbox.mails] == ["a@example.org"] * 2
    assert "项目编号:prj-1" in mailbox.mails[0][2]
    assert "本提醒因系统停运迟发" in mailbox.mails[1][2]
    assert _run("alerts-check")["unreached"] == 1
    assert empty.count("work_item", "kind = 'alerts.unreached' and status = 'open'") == 1


def test_a_channel_without_a_place_for_the_address_stops_the_start(
    empty: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFECYCLE_NOTIFY_URL", "mailto://127.0.0.1?from=robot@example.org&to=all@example.org")

    with pytest.raises(SettingsFault) as caught, open_services(Settings()):
        pass

    assert "LIFECYCLE_NOTIFY_URL" in caught.value.message
    assert "all@example.org" not in caught.value.message
