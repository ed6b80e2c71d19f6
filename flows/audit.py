"""Audit (S17): hand-over lists for evaluated projects, and the daily anchor of all event chains."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve, sweep


@flow(name="audit-prepare-filings", persist_result=False)
async def prepare_filings(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Prepare the filing of every evaluated project that has none (wraps ``audit.prepare_filing``)."""
    return sweep("audit.projects_without_filing", "audit.prepare_filing", "project", resolve(as_of))


@flow(name="audit-anchor-chains", persist_result=False)
async def anchor_chains(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Write the heads of all event chains to locked storage (wraps ``chains.anchor``)."""
    return carry("chains.anchor", [{}], resolve(as_of))
