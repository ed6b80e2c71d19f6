"""The relay: takes committed outbox messages and starts their deployments, at least once, keyed by the event id.

Called after every command by ``lifecycle replay`` and by the scheduled flow ``outbox-relay``. Decides nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from models.commands.door import execute
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


def drain(services: Services, launcher: Launcher, *, as_of: date, limit: int = 1000) -> tuple[Sent, ...]:
    """Send every due message, also those that the started flows leave behind; at most ``limit``.

    A message whose deployment cannot be started is given back and does not hold up the others.
    """
    sent: list[Sent] = []
    failed: set[str] = set()
    while len(sent) + len(failed) < limit:
        messages = _call(services, "outbox.claim", {"limit": 1}, as_of=as_of, key=f"{len(sent)}-{len(failed)}")
        fresh = [message for message in messages if message.id not in failed]
        if not fresh:
            return tuple(sent)
        for message in fresh:
            try:
                run = launcher.launch(
                    deployment=message.route,
                    parameters={"as_of": as_of.isoformat(), "event_id": message.event_id},
                    idempotency_key=message.event_id,
                )
            except (LifecycleError, LookupError) as err:
                code = err.code if isinstance(err, LifecycleError) else "relay.unknown_deployment"
                _LOG.error("outbox message not sent", extra={"route": message.route, "code": code})
                failed.add(message.id)
                _settle(services, message.id, outcome="failed", code=code, as_of=as_of)
                if isinstance(err, Transient):
                    return tuple(sent)
            else:
                sent.append(Sent(message.event_id, message.route, run.run_id, dict(run.summary)))
                _settle(services, message.id, outcome="sent", code="", as_of=as_of)
    return tuple(sent)


def _settle(services: Services, message: str, *, outcome: str, code: str, as_of: date) -> None:
    arguments = {"message": message, "outcome": outcome, "error_code": code}
    _call(services, "outbox.settle", arguments, as_of=as_of, key=message)


def _call(services: Services, name: str, arguments: Mapping[str, object], *, as_of: date, key: str) -> Any:
    command_id = derive_id("cmd", name, as_of.isoformat(), key)
    return execute(services, name=name, arguments=arguments, actor=RELAY, as_of=as_of, command_id=command_id)
