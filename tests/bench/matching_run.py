"""``matching.run`` through the database against DuckDB over the same rows; part of ``make bench``.

Both sides read the people from SQLite and leave one outcome a need in an indexed table of SQLite. Ours also keeps the
digests, the counts, the gaps, the event and the foreign keys; the outcomes of the two are compared.
"""

from __future__ import annotations

import gc
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from sqlalchemy import Engine

from infra.measure import PeakMemory
from models.core.hashing import digest
from models.policy.resolver import load_policy_book
from models.tables.needs import Person
from tests.support import needy
from tests.support.world import World, open_world

_SEED = 20250303
_REGION = "520300"
_AREAS = tuple(f"5203{number:02}" for number in range(1, 11))
_IDENTITIES = ("TEKUN", "DIBAO", "DIBAO_EDGE", "RIGID_EXPENSE")
_SCARCE = 8  # every second provider has this share of the places it would take
_CHUNK = 10_000
_READ = (
    "SELECT id, identity, region_code, willing, existing_benefits, max_level, severe_count, moderate_count, demands "
    "FROM person WHERE survey_id = ?"
)
_OUTCOMES = "match_outcome_of_duckdb"
_KEPT = f"""
CREATE TABLE {_OUTCOMES} (id TEXT PRIMARY KEY, run_id TEXT, person_id TEXT, item TEXT, reason TEXT, service_id TEXT,
  resource_id TEXT, rank INTEGER, rule TEXT, covered_by TEXT, UNIQUE (run_id, person_id, item));
CREATE INDEX duckdb_person ON {_OUTCOMES} (person_id);
CREATE INDEX duckdb_reason ON {_OUTCOMES} (run_id, reason);
"""
_SQL = """
WITH asked AS (
  SELECT id, identity, region_code, willing = 1 AS willing, max_level, severe_count, moderate_count,
    json_transform(existing_benefits, '["VARCHAR"]') AS benefits,
    unnest(json_transform(demands, '["VARCHAR"]')) AS item
  FROM person
), judged AS (
  SELECT a.*, s.id AS service, r.id AS resource, r.capacity, CASE
    WHEN NOT willing THEN 'not_willing'
    WHEN s.id IS NULL THEN 'no_service'
    WHEN NOT list_contains(s.targets, identity) THEN 'not_target'
    WHEN s.overlap IS NOT NULL AND list_contains(benefits, s.overlap) THEN 'covered_by_policy'
    WHEN r.id IS NULL THEN 'no_provider_in_area'
    ELSE 'matched' END AS reason
  FROM asked a LEFT JOIN services s USING (item) LEFT JOIN resources r ON r.item = a.item AND r.area = a.region_code
), ranked AS (
  SELECT *, row_number() OVER (
    PARTITION BY resource, reason ORDER BY max_level DESC, severe_count DESC, moderate_count DESC, id
  ) AS place FROM judged
)
SELECT id, item, CASE WHEN reason = 'matched' AND place > capacity THEN 'capacity_exhausted' ELSE reason END AS reason,
  service, resource, place FROM ranked
"""


def measure(*, people: int, folder: Path) -> dict[str, float]:
    """Return seconds of both sides, their ratio and the peak memory of ours, for about one and a half needs a person.

    Raises ``AssertionError`` when the two sides do not come to the same outcomes.
    """
    world = open_world(folder, region=_REGION)
    survey = needy.survey(world)
    _fill(world.services.engine, survey, people)
    services, resources = _lists(world, people)
    path = str(world.services.engine.url.database)
    theirs = _timed(lambda: _baseline(path, survey, services, resources))
    gc.collect()
    with PeakMemory(os.getpid()) as peak:
        start = time.perf_counter()
        run = world.do("matching.run", as_=needy.OFFICE, on=needy.DAY, survey=survey)
        ours = time.perf_counter() - start
    _compare(path, run.id)
    world.services.engine.dispose()
    return {
        "rows": run.needs,
        "matched_people": people,
        "ours_seconds": ours,
        "baseline_seconds": theirs,
        "ratio": ours / theirs,
        "own_pss_mib": round(peak.mib, 1),
    }


def _timed(act: Any) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _fill(engine: Engine, survey: str, people: int) -> None:
    """Put made-up people (合成) into the person file; what matching never looks at is the same for all."""
    table = Person.__table__  # type: ignore[attr-defined]
    rows = _people(survey, people)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        while chunk := list(islice(rows, _CHUNK)):
            connection.execute(table.insert(), chunk)


def _people(survey: str, people: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(_SEED)  # noqa: S311  # recorded seed
    items = [item for listed in _items().values() for item in listed]
    for number in range(people):
        yield {
            "id": f"per-{digest(number)[:20]}",
            "region": _REGION,
            "survey_id": survey,
            "ordinal": number + 1,
            "id_hash": digest(["hash", number]),
            **dict.fromkeys(("name_sealed", "id_number_sealed", "assessor_sealed"), "bench"),
            "household_no": f"H-{number // 3:07}",
            "region_code": draw.choice(_AREAS),
            "street": "合成街道",
            "identity": draw.choice(_IDENTITIES),
            "birth_year": 1960,
            "age_band": "elderly",
            **dict.fromkeys(("lives_alone", "disabled", "severely_ill", "single_parent_student"), False),
            "levels": {},
            "dimensions": {},
            "demands": draw.sample(items, 1 + number % 2),
            "own_ability": [],
            "existing_benefits": [draw.choice(needy.OVERLAPS)],
            "special_tags": [],
            "max_level": draw.randrange(4),
            "severe_count": draw.randrange(4),
            "moderate_count": draw.randrange(4),
            "willing": draw.random() < 0.95,
            "discovery": "household_survey",
            "assessed_on": needy.DAY,
            "indicator_version": "bench",
            "reassess_due_on": needy.DAY,
            "registered_on": needy.DAY,
        }


def _items() -> dict[str, list[str]]:
    policy = load_policy_book().resolve(region=_REGION, on=needy.DAY)
    return {name: [item for item in items if item != "OTHER"] for name, items in policy.delivery.service_items.items()}


def _lists(world: World, people: int) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Publish a service an item but one, and a provider an item and place but one; return them as rows."""
    services: list[tuple[Any, ...]] = []
    resources: list[tuple[Any, ...]] = []
    listed = [(name, item) for name, items in _items().items() for item in items]
    each = people * 3 // 2 // len(listed) // len(_AREAS)
    for number, (name, item) in enumerate(listed[1:]):
        overlap = needy.OVERLAPS[number % len(needy.OVERLAPS)] if number % 3 == 0 else None
        targets = needy.CLASSES[: 3 + number % 2]
        overlaps = {code: code == overlap for code in needy.OVERLAPS}
        given: dict[str, Any] = {"service_class": name, "item": item, "targets": targets, "overlaps": overlaps}
        services.append((needy.add_service(world, **given), item, list(targets), overlap))
        for place, area in enumerate(_AREAS[1:]):
            capacity = max(each // (_SCARCE if (place + number) % 2 else 1), 1)
            added = needy.add_resource(world, items=(item,), areas=(area,), capacity=capacity)
            resources.append((added, item, area, capacity))
    needy.publish(world)
    return services, resources


def _baseline(path: str, survey: str, services: list[tuple[Any, ...]], resources: list[tuple[Any, ...]]) -> None:
    with duckdb.connect() as engine, closing(sqlite3.connect(path)) as source:
        engine.execute("SET enable_progress_bar = false")
        cursor = source.execute(_READ, (survey,))
        person = pd.DataFrame.from_records(cursor.fetchall(), columns=[column[0] for column in cursor.description])
        engine.register("person", person.astype({c: object for c in person.columns if person[c].dtype == "str"}))
        engine.execute("CREATE TABLE services (id VARCHAR, item VARCHAR, targets VARCHAR[], overlap VARCHAR)")
        engine.executemany("INSERT INTO services VALUES (?, ?, ?, ?)", services)
        engine.execute("CREATE TABLE resources (id VARCHAR, item VARCHAR, area VARCHAR, capacity INTEGER)")
        engine.executemany("INSERT INTO resources VALUES (?, ?, ?, ?)", resources)
        source.executescript(_KEPT)
        source.execute("BEGIN")
        found, place = engine.execute(_SQL), 0
        while rows := found.fetchmany(_CHUNK):
            kept = [(f"d-{place + i}", "d", *row, None, None) for i, row in enumerate(rows)]
            source.executemany(f"INSERT INTO {_OUTCOMES} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", kept)  # noqa: S608
            place += len(rows)
        source.commit()


def _compare(path: str, run: str) -> None:
    differing = (
        f"SELECT count(*), count(*) FILTER (WHERE d.reason IS NOT m.reason) FROM match_outcome m "  # noqa: S608
        f"LEFT JOIN {_OUTCOMES} d ON d.run_id = 'd' AND d.person_id = m.person_id AND d.item = m.item "
        "WHERE m.run_id = ?"
    )
    with closing(sqlite3.connect(path)) as source:
        needs, other = source.execute(differing, (run,)).fetchone()
        reasons = {row[0] for row in source.execute("SELECT DISTINCT reason FROM match_outcome")}
    if other or not needs:
        raise AssertionError(f"matching and the baseline differ on {other} of {needs} needs")
    if not {"matched", "capacity_exhausted", "covered_by_policy", "no_provider_in_area", "not_target"} <= reasons:
        raise AssertionError("the made-up needs put nothing to the test")


if __name__ == "__main__":
    import argparse
    import json
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measure(people=parser.parse_args().people, folder=Path(name)), indent=1))  # noqa: T201
