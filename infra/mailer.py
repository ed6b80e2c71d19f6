"""The mailer: takes the messages that are due and hands them to the notifier, one by one.

Called by the scheduled flow ``alerts-send``. Decides nothing. A message that fails does not hold up the others; when
the channel answers nobody the rest waits for the next call.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from models.commands.alert_sending import Mail
from models.commands.door import execute
from models.context import Services
from models.core.actors import Actor, Role
from models.core.errors import DataFault, Transient
from models.core.ids import derive_id
from models.ports import Delivery, Notifier

MAILER: Final = Actor(Role.SYSTEM, "mailer")
_LOG = logging.getLogger(__name__)
_PATIENCE: Final = 3
"""Messages in a row a channel may leave unanswered before it counts as away: one or two may be at fault themselves."""


def deliver(services: Services, *, as_of: date, limit: int = 10_000) -> dict[str, int]:
    """Send every message that is due, at most ``limit``; return how many were sent, bounced, deferred and away.

    Without a channel nothing is sent. Raises ``LifecycleError`` only when the messages themselves cannot be read.
    """
    counts = Counter(sent=0, bounced=0, deferred=0, away=0)
    notifier, unanswered = services.notifier, 0
    while notifier is not None and counts.total() < limit and unanswered < _PATIENCE:
        mail: Mail | None = _call(services, "work.claim_message", {}, as_of=as_of, key=str(counts.total()))
        if mail is None:
            break
        outcome, code = _sent(services, notifier, mail)
        counts[outcome] += 1
        unanswered = unanswered + 1 if outcome == "away" else 0
        arguments = {"message": mail.id, "outcome": outcome, "error_code": code}
        _call(services, "work.settle_message", arguments, as_of=as_of, key=f"{mail.id}-{mail.attempt}")
    return dict(counts)


def _sent(services: Services, notifier: Notifier, mail: Mail) -> tuple[str, str]:
    try:
        address = services.vault.open(mail.address_sealed)
        return notifier.notify(address=address, title=mail.title, body=mail.body, number=mail.id).value, ""
    except DataFault as err:  # one address nobody can read holds up nobody else; it has to be registered anew
        _LOG.error("alert message without a readable address: %s, message %s", err.code, mail.id)
        return Delivery.BOUNCED.value, err.code
    except Transient as err:
        _LOG.error("alert message not sent: %s, message %s", err.code, mail.id)
        return "away", err.code


def _call(services: Services, name: str, arguments: Mapping[str, object], *, as_of: date, key: str) -> Any:
    command_id = derive_id("cmd", name, as_of.isoformat(), key)
    return execute(services, name=name, arguments=arguments, actor=MAILER, as_of=as_of, command_id=command_id)
