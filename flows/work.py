"""Work items: the daily deadline sweep."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve


@flow(name="work-sweep-deadlines", persist_result=False)
async def sweep_deadlines(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Open what came due by itself (wraps ``needs.open_reassessments``, ``book.open_gaps``), then alert every open
    work item at the level of the ladder it has reached (wraps ``work.sweep_deadlines``); the office's own overruns are
    entered against it (wraps ``guide.sweep_clocks``).
    """
    day = resolve(as_of)
    opened = carry("needs.open_reassessments", [{}], day)
    gaps = carry("book.open_gaps", [{}], day)
    overrun = carry("guide.sweep_clocks", [{}], day)
    return {
        **carry("work.sweep_deadlines", [{}], day),
        "reassessments": opened.get("opened", 0),
        "gaps": gaps.get("opened", 0),
        "breaches": overrun.get("breaches", 0),
    }
