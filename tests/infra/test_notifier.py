"""The mail channel against a real SMTP server on loopback: taken, refused, put off, away; and no address in any log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller

from infra.notifier import AppriseNotifier
from models.core.errors import Transient
from models.ports import Delivery
from tests.support.mailbox import Mailbox, free_port, notify_url


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox) -> Iterator[Controller]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


def _notifier(port: int) -> AppriseNotifier:
    return AppriseNotifier(notify_url(port))


def test_a_mail_arrives_as_plain_chinese_text(server: Controller, mailbox: Mailbox) -> None:
    given = {
        "address": "a.b+c@example.org",
        "title": "【待办提醒】报送自查自验",
        "body": "项目编号:prj-1\n依据:五(十二)",
        "number": "msg-1",
    }

    assert _notifier(server.port).notify(**given) is Delivery.SENT
    ((address, title, body),) = mailbox.mails
    assert (address, title) == (given["address"], given["title"])
    assert body.replace("\r\n", "\n").strip() == given["body"]


def test_one_number_is_one_message_id_however_often_it_is_sent(server: Controller, mailbox: Mailbox) -> None:
    for number in ("msg-1", "msg-1", "msg-2"):
        _notifier(server.port).notify(address="a@example.org", title="t", body="b", number=number)

    assert mailbox.numbers == ["<msg-1@127.0.0.1>", "<msg-1@127.0.0.1>", "<msg-2@127.0.0.1>"]


@pytest.mark.parametrize(
    ("answer", "outcome"), [("550 no such user", Delivery.BOUNCED), ("451 try later", Delivery.DEFERRED)]
)
def test_what_the_server_says_of_one_recipient_is_told_apart(
    server: Controller, mailbox: Mailbox, answer: str, outcome: Delivery
) -> None:
    mailbox.answers["gone@example.org"] = answer

    assert _notifier(server.port).notify(address="gone@example.org", title="t", body="b", number="msg-1") is outcome
    assert mailbox.mails == []


def test_a_server_that_is_away_is_an_outage_and_back_it_takes_mail(mailbox: Mailbox) -> None:
    port = free_port()
    notifier = _notifier(port)

    with pytest.raises(Transient):
        notifier.notify(address="a@example.org", title="t", body="b", number="msg-1")
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        assert notifier.notify(address="a@example.org", title="t", body="b", number="msg-1") is Delivery.SENT
    finally:
        controller.stop()


def test_no_address_reaches_a_log(
    server: Controller, mailbox: Mailbox, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    mailbox.answers["wang.wu@example.org"] = "550 no such user"
    caplog.set_level(logging.DEBUG)

    _notifier(server.port).notify(address="wang.wu@example.org", title="t", body="b", number="msg-1")

    told = "".join(record.getMessage() for record in caplog.records if record.name.startswith(("apprise", "infra")))
    assert "wang.wu" not in told + "".join(capfd.readouterr())


def test_what_is_no_address_comes_back(server: Controller) -> None:
    assert _notifier(server.port).notify(address="no-address", title="t", body="b", number="msg-1") is Delivery.BOUNCED


@pytest.mark.parametrize("url", ["mailto://127.0.0.1?from=a@example.org&to=b@example.org", "nothing://{address}"])
def test_a_url_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        AppriseNotifier(url)
