"""The needs gate against the same checks in plain pandas, on the same made-up ledger. Called by ``make bench``.

Both sides read the same file, type the same cells and derive the same columns; only the judging differs. What the two
find is compared, so a baseline that checks less cannot win.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd

from infra.quality import gate as needs_gate
from infra.quality.derive import DERIVERS
from infra.quality.expectations import arguments_of, load_engine, run_checks, target_of
from infra.quality.frame import frame_of
from infra.quality.intake import inspect
from infra.quality.suite import Check, load_suite
from models.rules.synthetic import synthetic_ledger
from reports.needs_ledger_file import needs_ledger_file
from reports.workbook import MEDIA_TYPE

AS_OF = date(2016, 3, 1)
SEED = 20160301
_BROKEN_EVERY = 1_000
_ROUNDS = 3  # the best of each side: other work on the machine must not decide a ratio


def measure(rows: int) -> dict[str, float]:
    """Return seconds by step and the ratios gate / plain pandas for a ledger of ``rows`` people, a few of them broken.

    ``ratio_checks``: judging alone. ``ratio_gate``: reading, typing and judging. ``ratio_gate_first``: the same for a
    fresh process, which also imports Great Expectations (and, on the other side, pandas).
    """
    load_engine()
    clock: dict[str, float] = {"rows": rows}
    data = _timed(clock, "write", lambda: _ledger(rows))
    kind = _timed(clock, "inspect", lambda: inspect(data=data, media_type=MEDIA_TYPE))
    table = _timed(clock, "read", lambda: needs_gate._read_needs(data, kind)["rows"])
    suite = load_suite("needs_ledger")

    def typed() -> Any:
        frame = frame_of(table, as_of=AS_OF)
        DERIVERS["needs_ledger"]({"rows": frame}, AS_OF, suite.parameters)
        return frame

    frame = _timed(clock, "type", typed)
    ask = {"frame": frame.data, "checks": suite.checks, "fields": table.fields}
    run_checks(**ask, most=1)  # the first run of a process loads further parts of the engine
    for _ in range(_ROUNDS):
        verdicts = _timed(clock, "judge_engine", lambda: run_checks(**ask, most=rows))
        plain = _timed(clock, "judge_pandas", lambda: plain_checks(**ask))
    found = {(verdict.check.id, verdict.column): list(verdict.positions) for verdict in verdicts if verdict.column}
    if found != plain or not any(found.values()):
        raise AssertionError("the gate and the baseline do not find the same cells")
    clock["import_engine"] = _import_seconds("great_expectations")
    clock["import_pandas"] = _import_seconds("pandas")
    shared = clock["inspect"] + clock["read"] + clock["type"]
    engine, pandas = shared + clock["judge_engine"], shared + clock["judge_pandas"]
    return clock | {
        "ratio_checks": clock["judge_engine"] / clock["judge_pandas"],
        "ratio_gate": engine / pandas,
        "ratio_gate_first": (engine + clock["import_engine"]) / (pandas + clock["import_pandas"]),
    }


def _timed(clock: dict[str, float], name: str, act: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = act()
    clock[name] = min(time.perf_counter() - start, clock.get(name, float("inf")))
    return result


def _import_seconds(module: str) -> float:
    code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)


def _ledger(rows: int) -> bytes:
    people = list(synthetic_ledger(people=rows, seed=SEED, as_of=AS_OF, region_code="420200"))
    for person in people[::_BROKEN_EVERY]:
        person |= {"street": None, "birth_date": date(1999, 9, 9), "assessed_on": date(2099, 1, 1)}
    return needs_ledger_file(rows=people, date=AS_OF)


def plain_checks(*, frame: pd.DataFrame, checks: tuple[Check, ...], fields: Any) -> dict[tuple[str, str], list[int]]:
    codes = {field.key: list(field.codes) for field in fields}
    return {
        (check.id, column): frame.index[_refused(frame[target_of(check, column)], check, column, codes)].tolist()
        for check in checks
        for column in check.columns
    }


def _refused(cells: pd.Series, check: Check, column: str, codes: Any) -> pd.Series:
    arguments = arguments_of(check, column, codes)
    match check.expectation:
        case "expect_column_values_to_not_be_null":
            return cells.isna()
        case "expect_column_values_to_be_in_set":
            return cells.notna() & ~cells.isin(arguments["value_set"])
        case "expect_column_values_to_not_be_in_set":
            return cells.isin(arguments["value_set"])
        case "expect_column_values_to_match_regex":
            return cells.notna() & ~cells.str.contains(arguments["regex"], na=True)
        case "expect_column_values_to_not_match_regex":
            return cells.str.contains(arguments["regex"], na=False)
        case "expect_column_values_to_be_unique":
            return cells.notna() & cells.duplicated(keep=False)
        case _:
            raise NotImplementedError(check.expectation)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    print(json.dumps(measure(parser.parse_args().rows), indent=1))  # noqa: T201
