"""Funding (S09): the quarterly plan on the policy's day of the quarter, and what becomes due of money by the day."""

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


@flow(name="funding-open-due", persist_result=False)
async def open_due(as_of: date | None = None) -> dict[str, int]:
    """Carry over or owe back what years that are over left unreserved, and open what is to be told of donations;
    wraps ``funding.carry_over`` and ``funding.open_donation_reports``.
    """
    day = resolve(as_of)
    counts = Counter(carry("funding.carry_over", [{}], day))
    counts.update(carry("funding.open_donation_reports", [{}], day))
    return dict(counts)
