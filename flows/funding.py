"""Funding (S09): preparing the quarterly plan on the policy's day of the quarter."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve


@flow(name="funding-prepare-quarterly-plan", persist_result=False)
async def prepare_quarterly_plan(as_of: date | None = None) -> dict[str, int]:
    """Open the work items of approved projects that no plan line answers for (wraps ``funding.prepare_quarter``)."""
    return carry("funding.prepare_quarter", [{}], resolve(as_of))
