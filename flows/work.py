"""Work items: the daily deadline sweep, the sending of its alerts, and the nightly check of both."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import call, carry, resolve
from tasks.alerts import send_alerts as send


@flow(name="work-sweep-deadlines", persist_result=False)
async def sweep_deadlines(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Open what came due by itself (wraps ``needs.open_reassessments``, ``book.open_gaps``, ``midterm.open_due``),
    then alert every open work item at the level of the ladder it has reached (wraps ``work.sweep_deadlines``); the
    office's own overruns are entered against it (wraps ``guide.sweep_clocks``).
    """
    day = resolve(as_of)
    opened = carry("needs.open_reassessments", [{}], day)
    gaps = carry("book.open_gaps", [{}], day)
    midterms = carry("midterm.open_due", [{}], day)
    overrun = carry("guide.sweep_clocks", [{}], day)
    return {
        **carry("work.sweep_deadlines", [{}], day),
        "reassessments": opened.get("opened", 0),
        "gaps": gaps.get("opened", 0),
        "midterms": midterms.get("opened", 0),
        "breaches": overrun.get("breaches", 0),
    }


@flow(name="alerts-send", persist_result=False)
async def send_alerts(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Make the messages of all alerts without a receipt (wraps ``work.prepare_alerts``) and send what is due (wraps
    ``infra.mailer.deliver``), also what an earlier run could not send.
    """
    day = resolve(as_of)
    prepared = carry("work.prepare_alerts", [{}], day)
    sent: dict[str, int] = call(send, day)
    return {**prepared, **sent}


@flow(name="alerts-check", persist_result=False)
async def check_alerts(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Prove at the end of a day that what was due has a receipt (wraps ``work.check_alerts``)."""
    return carry("work.check_alerts", [{}], resolve(as_of))
