"""Procurement (S10): drawing the sample of newly noticed tender documents."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import resolve, sweep


@flow(name="procurement-draw-samples", persist_result=False)
async def draw_samples(as_of: date | None = None) -> dict[str, int]:
    """Draw whose tender documents are checked, for every period that is over (wraps ``procurement.draw_sample``)."""
    return sweep("procurement.samples_due", "procurement.draw_sample", "month", resolve(as_of))
