"""The relay as a task: messages out, a count back."""

from __future__ import annotations

from datetime import date

from prefect import task
from prefect.cache_policies import NO_CACHE

from infra.bootstrap import open_services
from infra.orchestrator import DeploymentLauncher
from infra.relay import drain
from infra.settings import Settings
from tasks._options import DELAYS_SECONDS, RETRIES, only_transient


@task(
    retries=RETRIES,
    retry_delay_seconds=DELAYS_SECONDS,
    retry_condition_fn=only_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def relay_outbox(as_of: date) -> dict[str, int]:
    """Send every due message to the Prefect server; return how many were sent, and how many go out later."""
    with open_services(Settings()) as services:
        drained = drain(services, DeploymentLauncher(), as_of=as_of)
        return {"sent": len(drained.sent), "unsent": len(drained.unsent)}
