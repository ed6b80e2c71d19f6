"""Library (S02): the planning-dispatch calendar (ZY-40, ZY-41, ZY-42)."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve


@flow(name="library-open-dispatches", persist_result=False)
async def open_dispatches(months: int, as_of: date | None = None) -> dict[str, int]:
    """Open the dispatches owed every ``months`` months by every unit (wraps ``duty.open_due``)."""
    return carry("duty.open_due", [{"months": months, "theme": "planning"}], resolve(as_of))
