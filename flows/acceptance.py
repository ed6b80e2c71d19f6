"""Acceptance (S15): opening the two clocks of a completed project, and chasing those that have run out."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve, sweep

CLOCKS = ("acceptance.self_check", "acceptance.comprehensive")


@flow(name="acceptance-open-clocks", persist_result=False)
async def open_clocks(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Open both clocks of every completed project without them, count provisional ones anew
    (wraps ``acceptance.open_clocks``).
    """
    return sweep("acceptance.projects_without_clocks", "acceptance.open_clocks", "project", resolve(as_of))


@flow(name="acceptance-chase-overdue", persist_result=False)
async def chase_overdue(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Alert once for every acceptance clock that has run out (wraps ``work.sweep_deadlines``)."""
    return carry("work.sweep_deadlines", [{"kinds": CLOCKS, "overdue_only": True}], resolve(as_of))
