"""Publicity (S06): closing notices whose working days have run out."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import resolve, sweep


@flow(name="publicity-close-due-notices", persist_result=False)
async def close_due_notices(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Close every notice whose period ended without an open objection (wraps ``publicity.close_notice``)."""
    return sweep("publicity.notices_due", "publicity.close_notice", "notice", resolve(as_of))
