"""The mailer as a task: messages out, counts back."""

from __future__ import annotations

from datetime import date

from prefect import task
from prefect.cache_policies import NO_CACHE

from infra.bootstrap import open_services
from infra.mailer import deliver
from infra.settings import Settings
from tasks._options import DELAYS_SECONDS, RETRIES, only_transient


@task(
    retries=RETRIES,
    retry_delay_seconds=DELAYS_SECONDS,
    retry_condition_fn=only_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def send_alerts(as_of: date) -> dict[str, int]:
    """Send every alert message that is due; return how many were sent, bounced, deferred and away."""
    with open_services(Settings()) as services:
        return deliver(services, as_of=as_of)
