"""The relay: takes committed outbox messages and starts their deployments, at least once, keyed by the event id.

Called after every command by ``lifecycle do`` and ``lifecycle replay``, and by the scheduled flow ``outbox-relay``.
Decides nothing. What a started flow raises never reaches the caller: the command that left the message is done.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from models.commands.door import execute
from models.commands.outbox import Message
from models.context import Services
from models.core.actors import Actor, Role
from models.core.errors import LifecycleError, Transient
from models.core.ids import derive_id
from models.ports import Launcher

RELAY: Final = Actor(Role.SYSTEM, "relay")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """One message that was carried out, with the summary its flow returned."""

    event_id: str
    deployment: str
    run_id: str
    summary: dict[str, int | str]


@dataclass(frozen=True)
class Unsent:
    """One message that goes out later. ``code`` says why; ``incident`` is the log's number of an unexpected error;
    ``away`` when a server did not answer."""

    event_id: str
    deployment: str
    code: str
    incident: str = ""
    away: bool = False


@dataclass(frozen=True)
class Drained:
    """What one drain did: messages carried out, and messages that will be tried again."""

    sent: tuple[Sent, ...] = ()
    unsent: tuple[Unsent, ...] = ()


def drain(services: Services, launcher: Launcher, *, as_of: date, limit: int = 1000) -> Drained:
    """Send every due message, also those that the started flows leave behind; at most ``limit``.

    A message whose deployment fails, in whatever way, is given back and does not hold up the others; when a server is
    away the rest waits for the next drain. Raises ``LifecycleError`` only when the outbox itself cannot be read.
    """
    sent: list[Sent] = []
    unsent: list[Unsent] = []
    while len(sent) + len(unsent) < limit:
        messages: tuple[Message, ...] = _call(
            services, "outbox.claim", {"limit": 1}, as_of=as_of, key=f"{len(sent)}-{len(unsent)}"
        )
        if not messages:
            break
        outcome = _send(services, launcher, messages[0], as_of=as_of)
        if isinstance(outcome, Sent):
            sent.append(outcome)
            continue
        unsent.append(outcome)
        if outcome.away:
            break
    return Drained(tuple(sent), tuple(unsent))


def _send(services: Services, launcher: Launcher, message: Message, *, as_of: date) -> Sent | Unsent:
    try:
        run = launcher.launch(
            deployment=message.route,
            parameters={"as_of": as_of.isoformat(), "event_id": message.event_id},
            idempotency_key=message.event_id,
        )
    except Exception as err:  # noqa: BLE001  a bug of a flow must not look like a bug of the command before it
        unsent = _unsent(message, err)
        outcome = "away" if unsent.away else "failed"
        _settle(services, message.id, outcome=outcome, code=unsent.code, as_of=as_of)
        return unsent
    _settle(services, message.id, outcome="sent", code="", as_of=as_of)
    return Sent(message.event_id, message.route, run.run_id, dict(run.summary))


def _unsent(message: Message, err: Exception) -> Unsent:
    if isinstance(err, LifecycleError):
        _LOG.error("outbox message not sent: %s to %s", err.code, message.route)
        return Unsent(message.event_id, message.route, err.code, away=isinstance(err, Transient))
    if type(err) is LookupError:  # as a launcher says that there is no such deployment; its subclasses are bugs
        _LOG.error("outbox message not sent: no deployment %s", message.route)
        return Unsent(message.event_id, message.route, "relay.unknown_deployment")
    incident = uuid.uuid4().hex[:12]
    _LOG.error("incident %s: %s failed", incident, message.route, exc_info=err)
    return Unsent(message.event_id, message.route, f"relay.unexpected/{incident}", incident)


def _settle(services: Services, message: str, *, outcome: str, code: str, as_of: date) -> None:
    arguments = {"message": message, "outcome": outcome, "error_code": code}
    _call(services, "outbox.settle", arguments, as_of=as_of, key=message)


def _call(services: Services, name: str, arguments: Mapping[str, object], *, as_of: date, key: str) -> Any:
    command_id = derive_id("cmd", name, as_of.isoformat(), key)
    return execute(services, name=name, arguments=arguments, actor=RELAY, as_of=as_of, command_id=command_id)
