"""Library (S02): the planning-dispatch calendar (ZY-40, ZY-41, ZY-42)."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve


@flow(name="library-open-dispatches", persist_result=False)
async def open_dispatches(months: int, as_of: date | None = None) -> dict[str, int]:
    """Open the dispatch work items of everybody whose cadence is ``months`` (wraps ``library.open_dispatches``)."""
    return carry("library.open_dispatches", [{"months": months}], resolve(as_of))
