"""Matching needs to services and providers against DuckDB doing the same join, rank and limit; part of ``make bench``.

Both sides start from needs and lists already in memory and end with one outcome a need that Python can read; the
outcomes are compared, so a baseline that checks less cannot win.
"""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import duckdb
import pandas as pd

from models.policy.resolver import load_policy_book
from models.rules.matching import Bans, Need, Profile, Reason, Resource, Service, match
from tests.bench.rounds import in_turns

AS_OF = date(2025, 3, 1)
_SEED = 20250301
_IDENTITIES = ("TEKUN", "DIBAO", "DIBAO_EDGE", "RIGID_EXPENSE", "NOBODY")
_BENEFITS = ("", "basic_elderly_care", "medical_insurance", "meal")
_AREAS = tuple(f"5203{number:02}" for number in range(40))

_SQL = """
with offer as (
  select n.i, n.person, n.urgency, n.willing, n.identity, s.service, s.targets, s.government,
    n.benefit, n.item, s.overlap, r.resource, r.capacity
  from needs n left join services s using (item)
  left join resources r on r.item = n.item and r.area = n.area
), judged as (
  select *, case
    when not willing then 'not_willing'
    when identity not in (select * from classes) then 'not_eligible'
    when service is null then 'no_service'
    when not list_contains(string_split(targets, ','), identity) then 'not_target'
    when government and benefit = item then 'covered_in_kind'
    when government and benefit <> '' and benefit = overlap then 'covered_by_policy'
    when resource is null then 'no_provider_in_area'
    else 'matched' end as reason
  from offer
), ranked as (
  select *, row_number() over (partition by resource, reason order by urgency desc, person, item) as place from judged
)
select i, case when reason = 'matched' and place > capacity then 'capacity_exhausted' else reason end from ranked
"""


def measure(*, people: int, rounds: int = 3) -> dict[str, float]:
    """Return seconds and ratio of one matching of ``people`` persons with about one and a half needs each.

    Raises ``AssertionError`` when the two sides do not come to the same outcomes.
    """
    bans = Bans.of(load_policy_book().resolve(region="520300", on=AS_OF))
    needs, services, resources = _made_up(people, bans)
    connection = _loaded(needs, services, resources, bans)
    found: dict[str, Any] = {}

    def ours() -> None:
        found["ours"] = match(needs=needs, services=services, resources=resources, bans=bans)

    def baseline() -> None:
        found["baseline"] = connection.execute(_SQL).fetchall()

    taken = in_turns(ours, baseline, rounds=rounds)
    theirs = dict(found["baseline"])
    reasons = [verdict.reason.value for verdict in found["ours"].verdicts]
    if [theirs[index] for index in range(len(needs))] != reasons or len(theirs) != len(needs):
        raise AssertionError("matching and the baseline do not come to the same outcomes")
    if Reason.CAPACITY_EXHAUSTED not in reasons or Reason.MATCHED not in reasons:
        raise AssertionError("the made-up needs put nothing to the test")
    return {
        "rows": len(needs),
        "matched_people": people,
        "ours_seconds": taken[0],
        "baseline_seconds": taken[1],
        "ratio": taken[0] / taken[1],
    }


def _made_up(people: int, bans: Bans) -> tuple[list[Need], list[Service], list[Resource]]:
    """Return made-up needs with one service an item and one provider an item and place; half the places are scarce."""
    draw = random.Random(_SEED)  # noqa: S311  # recorded seed
    items = (*(f"item{number:02}" for number in range(12)), "meal")
    services = [
        Service(f"s-{item}", item, bans.eligible - {"RIGID_EXPENSE"}, "GOVERNMENT_PAID", True, False, _overlap(number))
        for number, item in enumerate(items[1:])
    ]
    each = people * 3 // 2 // len(items) // len(_AREAS)
    resources = [
        Resource(f"r-{item}-{area}", frozenset({item}), (area,), each if number % 2 else each // 4, "social")
        for number, item in enumerate(items)
        for area in _AREAS[1:]
    ]
    needs = []
    for number in range(people):
        person, identity, benefit = f"per-{number:08}", draw.choice(_IDENTITIES), draw.choice(_BENEFITS)
        area, willing, urgency = draw.choice(_AREAS), draw.random() < 0.95, draw.randrange(1_000_000)
        for item in draw.sample(items, 1 + number % 2):
            profile = Profile(item, identity, area, willing, (benefit,) if benefit else ())
            needs.append(Need(person, profile, urgency))
    return needs, services, resources


def _overlap(number: int) -> frozenset[str]:
    return frozenset({"basic_elderly_care"} if number % 3 == 0 else ())


def _loaded(needs: list[Need], services: list[Service], resources: list[Resource], bans: Bans) -> Any:
    """Return a connection that holds the same facts in tables of its own."""
    tables = {
        "needs": pd.DataFrame(
            [(i, n.person, n.urgency, *n.profile[:4], (n.profile.benefits or ("",))[0]) for i, n in enumerate(needs)],
            columns=["i", "person", "urgency", "item", "identity", "area", "willing", "benefit"],
        ),
        "services": pd.DataFrame(
            [(s.id, s.item, ",".join(sorted(s.targets)), s.government_money, "".join(s.overlaps)) for s in services],
            columns=["service", "item", "targets", "government", "overlap"],
        ),
        "resources": pd.DataFrame(
            [(r.id, next(iter(r.items)), r.areas[0], r.capacity) for r in resources],
            columns=["resource", "item", "area", "capacity"],
        ),
        "classes": pd.DataFrame({"identity": sorted(bans.eligible)}),
    }
    connection = duckdb.connect()
    connection.execute("set enable_progress_bar = false")
    for name, frame in tables.items():
        connection.register("given", frame.astype({c: object for c in frame.columns if frame[c].dtype == "str"}))
        connection.execute(f"create table {name} as select * from given")  # noqa: S608  # our own names
        connection.unregister("given")
    return connection
