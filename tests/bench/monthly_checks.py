"""The monthly checks through their command against DuckDB reading the same tables; part of ``make bench``.

Both sides read the service records of a month, the plan and the staff from SQLite and come to the same counts, a check
and contract each. Ours also opens findings, work items and the event. All records fall in the month that is checked.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from sqlmodel import Session, select

from infra.measure import PeakMemory
from models.tables.contract import Contract
from models.tables.monitoring import CheckFinding
from tests.bench.rounds import seconds
from tests.support.world import World, open_world

_SEED = 20250401
_MONTH, _RUN_ON = date(2025, 4, 1), date(2025, 5, 8)
_REGION = "520300"
_DAYS, _SLOTS = 25, 4
_CONTRACTS, _STAFF = 40, 25
_ITEMS = ("visit", "nursing", "meal", "bathing")
_CHUNK = 50_000
_KEY = ("contract_id VARCHAR", "person_id VARCHAR", "item VARCHAR")
_TABLES = {
    "record": (
        (
            *_KEY,
            "served_on VARCHAR",
            "starts_at VARCHAR",
            "ends_at VARCHAR",
            "staff_ref VARCHAR",
            "minutes INT",
            "revision INT",
        ),
        "service_record WHERE served_on >= '2025-04-01' AND served_on < '2025-05-01'",
    ),
    "plan": ((*_KEY, "minutes_month INT"), "delivery_plan_item"),
    "staff": (("contract_id VARCHAR", "ref VARCHAR", "qualified INT", "certificate_until VARCHAR"), "delivery_staff"),
}
"""What DuckDB reads of each table: its columns, and where they come from."""
_SQL = """
WITH month AS (
  SELECT * FROM record QUALIFY row_number() OVER (
    PARTITION BY contract_id, person_id, served_on, starts_at ORDER BY revision DESC) = 1
), judged AS (
  SELECT m.*, p.item IS NULL AS off, s.ref IS NULL OR s.qualified = 0 OR s.certificate_until < m.served_on AS bad
  FROM month m LEFT JOIN plan p USING (contract_id, person_id, item)
  LEFT JOIN staff s ON s.contract_id = m.contract_id AND s.ref = m.staff_ref
), done AS (SELECT contract_id, person_id, item, sum(minutes) AS minutes FROM month GROUP BY ALL
), timed AS (
  SELECT contract_id, starts_at < max(ends_at) OVER (PARTITION BY person_id, served_on ORDER BY starts_at, contract_id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS clash FROM month
)
SELECT 'need_mismatch', contract_id, count(*) FROM judged WHERE off GROUP BY contract_id
UNION ALL SELECT 'uncertified_staff', contract_id, count(*) FROM judged WHERE bad GROUP BY contract_id
UNION ALL SELECT 'hours_below_contract', p.contract_id, count(*) FROM plan p
  LEFT JOIN done d USING (contract_id, person_id, item)
  WHERE p.minutes_month > coalesce(d.minutes, 0) GROUP BY p.contract_id
UNION ALL SELECT 'duplicate_payment', contract_id, count(*) FROM timed WHERE clash GROUP BY contract_id
"""


def measure(*, records: int, folder: Path) -> dict[str, float]:
    """Return seconds of both sides, their ratio and the peak memory of ours.

    Raises ``AssertionError`` when the two do not find the same, or when a check found nothing.
    """
    world = open_world(folder, region=_REGION)
    path = str(world.services.engine.url.database)
    _fill(path, records)
    theirs: list[dict[tuple[str, str], int]] = []
    baseline = seconds(lambda: theirs.append(_baseline(path)))
    gc.collect()
    with PeakMemory(os.getpid()) as peak:
        ours = seconds(lambda: world.do("monitoring.run_monthly_checks", as_="system:bench", on=_RUN_ON, month=_MONTH))
    found = _found(world)
    world.services.engine.dispose()
    if found != theirs[0] or {check for check, _ in found} != {
        "need_mismatch",
        "uncertified_staff",
        "hours_below_contract",
        "duplicate_payment",
    }:
        raise AssertionError("the monthly checks and the baseline differ")
    return {
        "rows": records,
        "check_findings": len(found),
        "ours_seconds": ours,
        "baseline_seconds": baseline,
        "ratio": ours / baseline,
        "own_pss_mib": round(peak.mib, 1),
    }


def _found(world: World) -> dict[tuple[str, str], int]:
    with Session(world.services.engine) as session:
        return {(row.check_code, row.contract_id): row.records for row in session.exec(select(CheckFinding)).all()}


def _baseline(path: str) -> dict[tuple[str, str], int]:
    with duckdb.connect() as engine, closing(sqlite3.connect(path)) as source:
        engine.execute("SET enable_progress_bar = false")
        for name, (columns, origin) in _TABLES.items():
            heads = [column.split()[0] for column in columns]
            engine.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            cursor = source.execute(f"SELECT {', '.join(heads)} FROM {origin}")  # noqa: S608
            while rows := cursor.fetchmany(_CHUNK):  # never the whole table in Python: five million rows are gigabytes
                engine.register("part", pd.DataFrame.from_records(rows, columns=heads).astype(object))
                engine.execute(f"INSERT INTO {name} SELECT * FROM part")  # noqa: S608
        return {(check, contract): count for check, contract, count in engine.execute(_SQL).fetchall()}


def _fill(path: str, records: int) -> None:
    """Put made-up contracts, plans, staff and records (合成) into the tables, as fast as the file takes them."""
    persons = max(records // (_DAYS * _SLOTS), _CONTRACTS)
    with closing(sqlite3.connect(path)) as target:
        target.execute("PRAGMA synchronous = OFF")
        target.execute("PRAGMA foreign_keys = OFF")
        for table, rows in (
            ("project", _projects()),
            ("contract", _contracts()),
            ("delivery_staff", _staff()),
            ("delivery_plan_item", _plan(persons)),
            ("service_record", _records(persons)),
        ):
            while chunk := list(islice(rows, _CHUNK)):
                names = ", ".join(chunk[0])
                marks = ", ".join(f":{name}" for name in chunk[0])
                target.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", chunk)  # noqa: S608
            target.commit()
        target.execute("ANALYZE")
        target.commit()


def _projects() -> Iterator[dict[str, Any]]:
    for number in range(_CONTRACTS):
        yield {
            "id": f"prj-{number}",
            "region": _REGION,
            "name": f"合成项目{number}",
            "payer": "government",
            "state": "in_progress",
            "version": 1,
            "policy_digest": "",
            "entered_on": "2025-01-02",
            "synthetic": 1,
            "details": "{}",
        }


def _contracts() -> Iterator[dict[str, Any]]:
    for number in range(_CONTRACTS):
        row = Contract(
            id=f"ctr-{number}",
            project_id=f"prj-{number}",
            procurement_id=f"prc-{number}",
            organisation_id="org-1",
            state="running",
            version=1,
            policy_digest="",
            signed_on=date(2025, 1, 2),
            starts_on=date(2025, 1, 2),
            ends_on=date(2026, 1, 2),
            price_fen=1,
        ).model_dump(mode="json")
        yield {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in row.items()}


def _staff() -> Iterator[dict[str, Any]]:
    for number in range(_CONTRACTS * _STAFF):
        contract, ref = divmod(number, _STAFF)
        yield {
            "id": f"stf-{number}",
            "contract_id": f"ctr-{contract}",
            "ref": f"SW-{ref:02}",
            "certificate_sealed": "",
            "qualified": ref != 1,
            "assigned_on": "2025-01-02",
            "certificate_until": "2025-04-20" if ref == 2 else None,
        }


def _plan(persons: int) -> Iterator[dict[str, Any]]:
    for person in range(persons):
        for item in _ITEMS[:3]:
            yield {
                "id": f"pli-{person}-{item}",
                "project_id": f"prj-{person % _CONTRACTS}",
                "contract_id": f"ctr-{person % _CONTRACTS}",
                "person_id": f"per-{person:06}",
                "item": item,
                "version": 1,
                "minutes_month": 3_600 if item == "visit" else None,
                "from_on": "2025-01-02",
                "basis": "合成",
                "planned_on": "2025-01-02",
            }


def _records(persons: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(_SEED)  # noqa: S311  # recorded seed
    for person in range(persons):
        for day in range(1, _DAYS + 1):
            for slot in range(_SLOTS):
                chance = draw.random()
                yield _record(person, day, slot, draw, revision=0, late=chance < 0.01)
                if chance > 0.999:
                    yield _record(person, day, slot, draw, revision=1, late=False)


def _record(person: int, day: int, slot: int, draw: random.Random, *, revision: int, late: bool) -> dict[str, Any]:
    contract = person % _CONTRACTS
    id_ = f"svc-{person:06}-{day:02}-{slot}-{revision}"
    return {
        "id": id_,
        "project_id": f"prj-{contract}",
        "contract_id": f"ctr-{contract}",
        "person_id": f"per-{person:06}",
        "served_on": f"2025-04-{day:02}",
        "starts_at": f"{8 + slot * 2:02}:00",
        "ends_at": f"{10 + slot * 2:02}:{'30' if late else '00'}",
        "minutes": 150 if late else 120,
        "item": _ITEMS[3] if draw.random() < 0.005 else _ITEMS[draw.randrange(3)],
        "staff_ref": f"SW-{draw.randrange(_STAFF):02}",
        "place_sealed": "",
        "result_sealed": "",
        "satisfied": None,
        "revision": revision,
        "correction": None,
        "signed_by": "recipient",
        "recorded_on": "2025-04-30",
        "batch_id": f"evt-{person}",
        "ordinal": day * 10 + slot,
    }


if __name__ == "__main__":
    import argparse
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=500_000)
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(records=parser.parse_args().records, folder=Path(name)), indent=1))  # noqa: T201
