"""Review (S05): opening a round from the operator's form, closing rounds whose day has passed."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve, sweep


@flow(name="review-open-round", persist_result=False)
async def open_round(
    project: str, seed: str, closes_on: date | None = None, as_of: date | None = None
) -> dict[str, int]:
    """Open a review round for one project (wraps ``review.open_round``); the evaluation office fills in the form."""
    arguments = {"project": project, "seed": seed, "closes_on": closes_on}
    return carry("review.open_round", [arguments], resolve(as_of))


@flow(name="review-close-due-rounds", persist_result=False)
async def close_due_rounds(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Close every round whose last day has passed (wraps ``review.close_round``)."""
    return sweep("review.rounds_due", "review.close_round", "round", resolve(as_of))
