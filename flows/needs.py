"""Needs (S01): files made after a ledger arrives, and ledgers that arrive in the intake bucket by themselves."""

from __future__ import annotations

from datetime import date

from prefect import flow

from flows._runtime import carry, resolve, sweep


@flow(name="needs-build-household-files", persist_result=False)
async def build_household_files(as_of: date | None = None, event_id: str | None = None) -> dict[str, int]:
    """Build the household files of every survey that has none yet (wraps ``needs.build_household_files``)."""
    return sweep("needs.surveys_without_files", "needs.build_household_files", "survey", resolve(as_of))


@flow(name="needs-import-intake", persist_result=False)
async def import_intake(
    survey: str, media_type: str, sha256: str, size: int, as_of: date | None = None
) -> dict[str, int]:
    """Import a ledger that an S3 event announced (wraps ``needs.import_ledger``); a Prefect event starts it.

    The file goes by its hash: file names may name people, and Prefect keeps the parameters of its runs.
    """
    upload = {"name": sha256, "media_type": media_type, "sha256": sha256, "size": size}
    return carry("needs.import_ledger", [{"survey": survey, "file": upload}], resolve(as_of))
