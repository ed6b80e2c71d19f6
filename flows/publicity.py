"""Publicity (S06): closing notices whose working days have run out, and building the public site."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve, sweep


@flow(name="publicity-close-due-notices", persist_result=False)
async def close_due_notices(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Close every notice whose period ended without an open objection (wraps ``publicity.close_notice``)."""
    return sweep("publicity.notices_due", "publicity.close_notice", "notice", resolve(as_of))


@flow(name="publicity-build-site", persist_result=False)
async def build_site(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Build the public site of notices anew; pages that did not change stay (wraps ``publicity.build_site``)."""
    return carry("publicity.build_site", [{}], resolve(as_of))
