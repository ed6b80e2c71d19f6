"""Work items: the daily deadline sweep."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve


@flow(name="work-sweep-deadlines", persist_result=False)
async def sweep_deadlines(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Alert every open work item at the level of the ladder it has reached (wraps ``work.sweep_deadlines``)."""
    return carry("work.sweep_deadlines", [{}], resolve(as_of))
