"""Duties: opening what units owe, recurring and dated alike."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve


@flow(name="duty-open-due", persist_result=False)
async def open_due(as_of: date | None = None) -> dict[str, int]:
    """Open every duty that is owed now and was not opened yet (wraps ``duty.open_due``)."""
    return carry("duty.open_due", [{}], resolve(as_of))
