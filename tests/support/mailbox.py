"""A real SMTP server's mailbox for tests: what it took, and whom it does not know. Loopback only."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any


def free_port() -> int:
    """Return a port on loopback nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def notify_url(port: int) -> str:
    """Return the setting that sends mail to a server on loopback."""
    return f"mailto://127.0.0.1:{port}?from=robot@example.org&to={{address}}"


@dataclass
class Mailbox:
    """A handler for aiosmtpd: ``mails`` are (address, subject, text), ``numbers`` their Message-IDs; ``answers`` is
    what is said to some recipients."""

    mails: list[tuple[str, str, str]] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.numbers += mail.get_all("Message-ID", [])
        body = mail.get_body(("plain",))
        self.mails.append((envelope.rcpt_tos[0], str(mail["subject"]), body.get_content() if body else ""))
        return "250 OK"
