"""A needs ledger of up to a million people through gate and import, against plain pandas and a bare bulk insert.

Called by ``make bench``. The gate's baseline reads the same CSV with ``pandas.read_csv``, types the same cells and asks
the same questions without Great Expectations; the load's baseline seals the same values and inserts them into the same
table, and does nothing else. Memory is that of our side alone.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Engine, event
from sqlmodel import Session

from infra.measure import PeakMemory
from infra.quality.derive import DERIVERS
from infra.quality.expectations import load_engine
from infra.quality.frame import frame_of
from infra.quality.gate import GreatExpectationsGate
from infra.quality.suite import load_suite
from infra.quality.table import Field, Table
from models.ports import GateResult
from models.rules.synthetic import synthetic_ledger
from models.tables.needs import Person
from reports.needs import NEEDS_COLUMNS
from reports.needs_ledger_file import texts_of
from tests.bench.gate import plain_checks
from tests.support.planning import BUREAU, open_survey
from tests.support.world import World, open_world

AS_OF = date(2016, 3, 1)
_SEED = 20160301
_MEDIA_TYPE = "text/csv"
_CHUNK = 5_000
_WARM = 1_000


@dataclass(frozen=True)
class _Passed:
    """A gate that has looked already: the load is measured without it."""

    result: GateResult

    def check(self, *, gate: str, data: bytes, media_type: str, as_of: date) -> GateResult:
        return self.result


def measure(*, people: int, folder: Path) -> dict[str, float]:
    """Return seconds of gate and load, of their baselines, and the peak memory of ours, for one number of people."""
    file = folder / f"needs-{people}.csv"
    write_ledger(file, people=people)
    load_engine()
    _check(_small(folder))
    clock: dict[str, float] = {"rows": people}
    ours, bare = folder / f"ours-{people}", folder / f"bare-{people}"
    ours.mkdir()
    bare.mkdir()
    _both_sides(clock, ours, bare, file=file)
    gc.collect()
    _timed(clock, "gate_pandas", lambda: _plain_gate(file))
    return clock | {
        "ratio_gate": clock["gate"] / clock["gate_pandas"],
        "ratio_load": clock["load"] / clock["load_bare"],
    }


def _both_sides(clock: dict[str, float], ours: Path, bare: Path, *, file: Path) -> None:
    with PeakMemory(os.getpid()) as peak:
        result = _timed(clock, "gate", lambda: _check(file.read_bytes()))
        _timed_load(clock, ours, file=file, result=result)
    clock["own_pss_mib"] = round(peak.mib, 1)
    world = open_world(bare)
    survey = open_survey(world, on=AS_OF)
    _timed(clock, "load_bare", lambda: _bare_insert(world, survey, result.rows))
    world.services.engine.dispose()


def write_ledger(file: Path, *, people: int) -> None:
    """Write a made-up ledger as CSV with a header row."""
    rows = synthetic_ledger(people=people, seed=_SEED, as_of=AS_OF, region_code="420200")
    with file.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.writer(stream)
        writer.writerow([column.title for column in NEEDS_COLUMNS])
        writer.writerows([row[column.key] for column in NEEDS_COLUMNS] for row in texts_of(rows))


def _small(folder: Path) -> bytes:
    file = folder / "warm.csv"
    if not file.exists():
        write_ledger(file, people=_WARM)
    return file.read_bytes()


def _timed(clock: dict[str, float], name: str, act: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = act()
    clock[name] = time.perf_counter() - start
    return result


def _check(data: bytes) -> GateResult:
    result = GreatExpectationsGate().check(gate="needs_ledger", data=data, media_type=_MEDIA_TYPE, as_of=AS_OF)
    if not result.passed:
        raise AssertionError(f"the made-up ledger fails the gate: {result.faults[:3]}")
    return result


def _timed_load(clock: dict[str, float], folder: Path, *, file: Path, result: GateResult) -> None:
    world = open_world(folder)
    world.services = replace(world.services, gate=_Passed(result))
    survey = open_survey(world, on=AS_OF)
    upload = world.upload(file.read_bytes(), name=file.name, media_type=_MEDIA_TYPE)
    arguments: dict[str, Any] = {"survey": survey, "file": upload.model_dump()}
    held = _watch_writes(world.services.engine)
    imported = _timed(clock, "load", lambda: world.do("needs.import_ledger", as_=BUREAU, on=AS_OF, **arguments))
    if imported.people != len(result.rows):
        raise AssertionError("the load lost people")
    clock["longest_write"] = max(held)
    world.services.engine.dispose()


def _watch_writes(engine: Engine) -> list[float]:
    """Return a list that gets the seconds of every write transaction from now on: so long everybody else waits."""
    held: list[float] = []
    begun: dict[Connection, float] = {}

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writing"):
            begun[connection] = time.perf_counter()

    def commit(connection: Connection) -> None:
        if connection in begun:
            held.append(time.perf_counter() - begun.pop(connection))

    event.listen(engine, "begin", begin)
    event.listen(engine, "commit", commit)
    return held


def _bare_insert(world: World, survey: str, rows: Sequence[Mapping[str, Any]]) -> None:
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        for start in range(0, len(rows), _CHUNK):
            bare = list(_bare_rows(world, survey, rows[start : start + _CHUNK], start))
            session.connection().execute(Person.__table__.insert(), bare)  # type: ignore[attr-defined]
        session.commit()


def _bare_rows(world: World, survey: str, rows: Sequence[Mapping[str, Any]], start: int) -> Iterator[dict[str, Any]]:
    vault = world.services.vault
    names, numbers = (vault.seal_many([row[key] for row in rows]) for key in ("person_name", "id_number"))
    plain = [name for name in Person.model_fields if name in rows[0]]
    for place, (row, name, number) in enumerate(zip(rows, names, numbers, strict=True), start=start + 1):
        yield {name: row[name] for name in plain} | {
            "id": f"per-{place}",
            "region": "420200",
            "survey_id": survey,
            "ordinal": place,
            "id_hash": vault.lookup(row["id_number"]),
            "name_sealed": name,
            "id_number_sealed": number,
            "phone_sealed": None,
            "assessor_sealed": "bare",
            "birth_year": row["birth_date"].year,
            "age_band": "adult",
            "levels": {key: value for key, value in row.items() if key.startswith("hardship_")},
            "dimensions": {key: value for key, value in row.items() if key.startswith("dimension_")},
            "special_tags": [],
            "max_level": 0,
            "severe_count": 0,
            "moderate_count": 0,
            "indicator_version": "bare",
            "reassess_due_on": AS_OF,
            "registered_on": AS_OF,
        }


def _plain_gate(file: Path) -> None:
    suite = load_suite("needs_ledger")
    fields = tuple(Field(item.key, item.title, item.kind, item.choices, item.many) for item in NEEDS_COLUMNS)
    cells = pd.read_csv(file, dtype=object, na_filter=False, encoding="utf-8-sig")
    cells.columns = pd.Index([field.key for field in fields])
    table = Table(fields, range(2, len(cells) + 2), {field.key: cells[field.key].tolist() for field in fields})
    frame = frame_of(table, as_of=AS_OF)
    DERIVERS["needs_ledger"]({"rows": frame}, AS_OF, suite.parameters)
    found = plain_checks(frame=frame.data, checks=suite.checks, fields=fields)
    failing = {check.id for check in suite.checks if check.severity == "error"}
    if any(positions for (check, _), positions in found.items() if check in failing):
        raise AssertionError("the baseline finds faults the gate does not")


if __name__ == "__main__":
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(people=parser.parse_args().people, folder=Path(name)), indent=1))  # noqa: T201
