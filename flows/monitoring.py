"""Monitoring (S13): what supervision is owed, and the monthly audit checks."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, find, resolve
from models.core.periods import add_months


@flow(name="monitoring-open-due", persist_result=False)
async def open_due(as_of: date | None = None) -> dict[str, int]:
    """Open the supervision that is owed now (wraps ``monitoring.open_due``)."""
    return carry("monitoring.open_due", [{}], resolve(as_of))


@flow(name="monitoring-run-monthly-checks", persist_result=False)
async def run_monthly_checks(as_of: date | None = None) -> dict[str, int]:
    """Check the last two months and every older one with late records (wraps ``monitoring.run_monthly_checks``)."""
    day = resolve(as_of)
    months = {add_months(day.replace(day=1), months=-back).isoformat() for back in (2, 1)}
    months.update(find("monitoring.months_to_recheck", day))
    return carry("monitoring.run_monthly_checks", [{"month": month} for month in sorted(months)], day)
