"""Funding (S09): preparing the quarterly plan on the policy's day of the quarter."""

from __future__ import annotations

from collections import Counter
from datetime import date

from prefect import flow

from flows._runtime import carry, resolve


@flow(name="funding-prepare-quarterly-plan", persist_result=False)
async def prepare_quarterly_plan(as_of: date | None = None) -> dict[str, int]:
    """Open the work items of approved projects without a plan line, and prepare the draft proposal once a quarter;
    wraps ``funding.prepare_quarter`` and ``funding.prepare_proposal``. A proposal that is refused is counted, and the
    to-dos stand all the same.
    """
    day = resolve(as_of)
    counts = Counter(carry("funding.prepare_quarter", [{}], day))
    counts.update(carry("funding.prepare_proposal", [{}], day))
    return dict(counts)
