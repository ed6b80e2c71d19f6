"""Runs the checks of one table as Great Expectations and says which rows each of them finds.

The only module that imports Great Expectations, and only inside a function: the import takes seconds. Context and
suite are ephemeral; of the validation result only counts and row positions are kept, because it quotes the cells.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any

import pandas as pd

from infra.quality.suite import Check
from infra.quality.table import Field

# deprecations inside Great Expectations and what it imports, each by name; ours would still show
_KNOWN_WARNINGS = (r"module 'sre_(constants|parse|compile)' is deprecated",)


@dataclass(frozen=True)
class Verdict:
    """What one expectation found: how many cells it refuses, and their positions (none for a whole-table check)."""

    check: Check
    column: str | None
    passed: bool
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
    for talkative in ("great_expectations", "great_expectations.data_context.types.base"):  # sets itself to INFO
        logging.getLogger(talkative).setLevel(logging.WARNING)


def run_checks(
    *, frame: pd.DataFrame, checks: Sequence[Check], fields: Sequence[Field], most: int
) -> tuple[Verdict, ...]:
    """Return a verdict for each check and column, in the order of the suite; at most ``most`` positions each.

    Raises ``RuntimeError`` when an expectation could not be computed: that is a bug of the suite, never bad data.
    """
    load_engine()
    asked = {_name(check, column): (check, column) for check in checks for column in (check.columns or (None,))}
    codes = {field.key: list(field.codes) for field in fields}
    expectations = {name: _expectation(name, check, column, codes) for name, (check, column) in asked.items()}
    used = dict.fromkeys(target_of(check, column) for check, column in asked.values() if column is not None)
    # the engine copies the frame for each filter and fingerprints it three times: hand it no column that nobody asks
    # about, and texts as categories, of which only the distinct ones are hashed
    lean = pd.DataFrame({name: _slim(frame[name]) for name in used}, index=frame.index)
    with _known_warnings_ignored():
        batch = _batch(lean)
        passed = {name: result.success for name, result in _validate(batch, expectations, "BOOLEAN_ONLY").items()}
        failing = {name: expectation for name, expectation in expectations.items() if not passed[name]}
        found = _validate(batch, failing, "COMPLETE") if failing else {}  # finding the cells costs as much again
    return tuple(_verdict(check, column, found.get(name), most) for name, (check, column) in asked.items())


def target_of(check: Check, column: str) -> str:
    """Return the column of the frame that a check looks at."""
    return f"{column}.{check.aspect}" if check.aspect else column


def _name(check: Check, column: str | None) -> str:
    return f"{check.id}/{column or ''}"


def _expectation(name: str, check: Check, column: str | None, codes: Mapping[str, list[str]]) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    arguments = arguments_of(check, column, codes)
    if column is not None:
        arguments["column"] = target_of(check, column)
    return get_expectation_impl(check.expectation)(**arguments, meta={"asked": name})


def arguments_of(check: Check, column: str | None, codes: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the arguments of a check with ``$choices`` filled in from the column's dictionary."""
    return {
        name: codes[column] if value == "$choices" and column is not None else value
        for name, value in check.arguments.items()
    }


def _batch(frame: pd.DataFrame) -> Any:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("upload").add_dataframe_asset("table")
    return asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})


def _validate(batch: Any, expectations: Mapping[str, Any], result_format: str) -> dict[str, Any]:
    from great_expectations import ExpectationSuite

    suite = ExpectationSuite(name="gate", expectations=[copy(item) for item in expectations.values()])
    outcome = batch.validate(suite, result_format={"result_format": result_format})
    return {result.expectation_config.meta["asked"]: result for result in outcome.results}


def _slim(column: pd.Series) -> pd.Series:
    if column.dtype != "str":
        return column
    codes, texts = pd.factorize(column)  # unlike astype("category") this does not sort
    return pd.Series(pd.Categorical.from_codes(codes, categories=texts), index=column.index)


def _verdict(check: Check, column: str | None, failed: Any, most: int) -> Verdict:
    if failed is None:
        return Verdict(check, column, True, 0, ())
    facts = failed.result
    if not facts:
        raise RuntimeError(f"expectation {_name(check, column)} could not be computed")
    positions = facts.get("unexpected_index_list") or []
    unexpected = int(facts.get("unexpected_count", 1))
    return Verdict(check, column, False, unexpected, tuple(int(position) for position in positions[:most]))
