"""Running projects of any region with staff, people and services, for tests of monitoring; all made up (合成)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.support.contracting import running
from tests.support.midterms import planned, serve
from tests.support.world import World, open_world

BEGUN = date(2025, 4, 1)
CONTRACTOR = "contractor:u-contractor"
PURCHASER = "purchaser:u-purchaser"
COUNTY = "county_bureau:u-county"
OFFICE = "evaluation_office:u-office"
SYSTEM = "system:u-flow"


@dataclass(frozen=True)
class Watched:
    """A world with one running project, its contract and the people it serves."""

    world: World
    project: str
    contract: str
    people: tuple[str, ...]


def watched(folder: Path, *, region: str, people: int = 3) -> Watched:
    """Return a running project of a region that serves so many made-up people with two members of staff."""
    world = open_world(folder, region=region)
    project = planned(world, "watched")
    contract = running(world, project, on=BEGUN, until=date(2026, 4, 1), name="watched", price_fen=10_000_000)
    selections = serve(world, project, [""] * people)
    staff = [
        {"ref": "SW-01", "certificate": "合成证01", "qualified": True},
        {"ref": "SW-02", "certificate": "合成证02", "qualified": True, "valid_until": "2025-04-20"},
    ]
    world.do("delivery.assign_staff", as_=CONTRACTOR, on=BEGUN, contract=contract, staff=staff)
    return Watched(world, project, contract, tuple(selections))


def service(person: str, day: int, **changes: Any) -> dict[str, Any]:
    """Return one made-up service of an hour in April 2025."""
    return {
        "person": person,
        "on": f"2025-04-{day:02}",
        "start": "09:00",
        "end": "10:00",
        "item": "meal",
        "staff": "SW-01",
        "place": "合成社区服务站",
        "result": "按计划完成",
        "satisfied": True,
        "signed": "recipient",
    } | changes


def record(held: Watched, *services: dict[str, Any], on: date = date(2025, 4, 30)) -> Any:
    """Record services."""
    return held.world.do(
        "delivery.record_services", as_=CONTRACTOR, on=on, contract=held.contract, records=list(services)
    )
