"""Runs the checks of one table as Great Expectations and says which rows each of them finds.

The only module that imports Great Expectations, and only inside a function: the import takes seconds. Context and
suite are ephemeral; of the validation result only counts and row positions are kept, because it quotes the cells.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from infra.quality.suite import Check
from infra.quality.table import Field

# deprecations inside Great Expectations and what it imports, each by name; ours would still show
_KNOWN_WARNINGS = (r"module 'sre_(constants|parse|compile)' is deprecated",)


@dataclass(frozen=True)
class Verdict:
    """What one expectation found: rows looked at, rows refused, and their positions (none for a whole-table check)."""

    check: Check
    column: str | None
    passed: bool
    looked_at: int
    unexpected: int
    positions: tuple[int, ...]


@contextmanager
def _known_warnings_ignored() -> Iterator[None]:
    with warnings.catch_warnings():
        for message in _KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message=message, category=DeprecationWarning)
        yield


def load_engine() -> None:
    """Import Great Expectations now, so that the first upload does not wait for it."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with _known_warnings_ignored():
        import great_expectations  # noqa: F401


def run_checks(
    *, frame: pd.DataFrame, checks: Sequence[Check], fields: Sequence[Field], as_of: date, most: int
) -> tuple[Verdict, ...]:
    """Return a verdict for each check and column, in the order of the suite; at most ``most`` positions each.

    Raises ``RuntimeError`` when an expectation could not be computed: that is a bug of the suite, never bad data.
    """
    load_engine()
    asked = [(check, column) for check in checks for column in (check.columns or (None,))]
    by_key = {field.key: field for field in fields}
    with _known_warnings_ignored():
        expectations = [_expectation(check, column, by_key, as_of) for check, column in asked]
        # the engine copies the whole frame for each filter: hand it no column that nobody asks about
        used = dict.fromkeys(target_of(check, column) for check, column in asked if column is not None)
        results = _validate(frame[list(used)], expectations)
    found = {result.expectation_config.meta["asked"]: result for result in results}
    return tuple(_verdict(check, column, found[_name(check, column)], most) for check, column in asked)


def target_of(check: Check, column: str) -> str:
    """Return the column of the frame that a check looks at."""
    return f"{column}.{check.aspect}" if check.aspect else column


def _name(check: Check, column: str | None) -> str:
    return f"{check.id}/{column or ''}"


def _expectation(check: Check, column: str | None, fields: Mapping[str, Field], as_of: date) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    arguments = {name: argument_of(value, column, fields, as_of) for name, value in check.arguments.items()}
    if column is not None:
        arguments["column"] = target_of(check, column)
    return get_expectation_impl(check.expectation)(**arguments, meta={"asked": _name(check, column)})


def argument_of(value: Any, column: str | None, fields: Mapping[str, Field], as_of: date) -> Any:
    """Return an argument of a check with ``$choices`` and ``$as_of`` filled in."""
    match value:
        case "$as_of":
            return pd.Timestamp(as_of)
        case "$choices" if column is not None:
            return list(fields[column].codes)
        case _:
            return value


def _validate(frame: pd.DataFrame, expectations: Sequence[Any]) -> Sequence[Any]:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("upload").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name="gate", expectations=list(expectations))
    results: Sequence[Any] = batch.validate(suite, result_format={"result_format": "COMPLETE"}).results
    return results


def _verdict(check: Check, column: str | None, result: Any, most: int) -> Verdict:
    facts = result.result
    if not facts:
        raise RuntimeError(f"expectation {_name(check, column)} could not be computed")
    positions = facts.get("unexpected_index_list") or []
    return Verdict(
        check=check,
        column=column,
        passed=bool(result.success),
        looked_at=int(facts.get("element_count", 0)),
        unexpected=int(facts.get("unexpected_count", 0 if result.success else 1)),
        positions=tuple(int(position) for position in positions[:most]),
    )
