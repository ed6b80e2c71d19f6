"""Outbox: the scheduled relay."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import call, resolve
from tasks.outbox import relay_outbox


@flow(name="outbox-relay", persist_result=False)
async def relay(as_of: date | None = None) -> dict[str, int]:
    """Start the deployment of every committed message (wraps ``infra.relay.drain``)."""
    result: dict[str, int] = call(relay_outbox, resolve(as_of))
    return result
