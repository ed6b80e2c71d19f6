"""Archive (S18): closing audited projects into their bundles."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import resolve, sweep


@flow(name="archive-close-audited", persist_result=False)
async def close_audited(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Build and lock away the bundle of every audited project (wraps ``archive.close_project``)."""
    return sweep("archive.projects_to_close", "archive.close_project", "project", resolve(as_of))
