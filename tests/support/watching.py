"""Running projects of any region with staff, people and services, for tests of monitoring; all made up (合成)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session

from models.tables.delivery import ServiceRecord
from models.tables.needs import Person
from tests.support.contracting import running
from tests.support.midterms import planned, serve
from tests.support.world import World, open_world, rows

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


def put_on_file(held: Watched) -> None:
    """Put a service to each person on file; in Fengze the way there leads through matching and confirmation."""
    people = rows(held.world, Person)
    with Session(held.world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        for number, person in enumerate(people):
            session.add(
                ServiceRecord(
                    id=f"svc-{number}",
                    project_id=held.project,
                    contract_id=held.contract,
                    person_id=person.id,
                    served_on=date(2025, 4, 2),
                    starts_at="09:00",
                    ends_at="10:00",
                    minutes=60,
                    item="meal",
                    staff_ref="SW-01",
                    place_sealed=held.world.services.vault.seal("合成地点"),
                    result_sealed=held.world.services.vault.seal("合成结果"),
                    recorded_on=date(2025, 4, 2),
                    batch_id="evt-made-up",
                    ordinal=number,
                )
            )
        session.commit()


def follow_up(held: Watched, *answers: str) -> Any:
    """Draw a sample and record one answer of each person drawn."""
    on = date(2025, 6, 11)
    drawn = held.world.do("monitoring.draw_follow_up", as_=COUNTY, on=on, project=held.project)
    told = [
        {"person": person, "answer": answer, "words": "合成意见"}
        for person, answer in zip(drawn.sample, answers, strict=True)
    ]
    return held.world.do("monitoring.record_follow_up", as_=COUNTY, on=on, follow_up=drawn.id, answers=told)
