"""Archive (S18): closing audited projects into their bundles, and adding what comes later."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import resolve, sweep


@flow(name="archive-close-audited", persist_result=False)
async def close_audited(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Build and lock away the bundle of every audited project (wraps ``archive.close_project``), and the next version
    of those that got papers since (wraps ``archive.supplement_project``)."""
    on = resolve(as_of)
    closed = sweep("archive.projects_to_close", "archive.close_project", "project", on)
    late = sweep("archive.projects_to_supplement", "archive.supplement_project", "project", on)
    return {name: count + late.get(name, 0) for name, count in closed.items()}
