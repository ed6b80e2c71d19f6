"""Entering the library, planning dispatches and the list of open work, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.core.hashing import sha256_hex
from models.ports import Zone
from models.tables.kernel import Document, Event, WorkItem
from tests.support.planning import open_survey
from tests.support.world import World, open_world

OFFICE = "evaluation_office:u-office"
DAY = date(2025, 4, 1)
TOWNSHIP = "520300/township/2025-01-01/12"


@pytest.fixture
def zunyi(tmp_path: Path) -> Iterator[World]:
    made = open_world(tmp_path, region="520300")
    yield made
    made.services.engine.dispose()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_world(tmp_path)
    yield made
    made.services.engine.dispose()


def _entry(**changes: Any) -> dict[str, Any]:
    given = {"as_": OFFICE, "on": DAY, "name": "合成项目", "needs": ("合成需求",), "policies": ("合成政策",)}
    return given | changes


def _record(**changes: Any) -> dict[str, Any]:
    given = {"as_": "township:u-t", "on": DAY, "item": TOWNSHIP, "minutes": "合成纪要", "attendees": 7}
    return given | changes


# --- entry ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("library.unknown_code", {"payer": "nobody"}),
        ("door.arguments_invalid", {"needs": ("合成需求", " ")}),
        ("door.arguments_invalid", {"policies": ("",)}),
        ("kernel.not_found", {"needs": ("sur-nobody",)}),
        ("SYS-REGION", {"region": "520300"}),
        ("SYS-REGION", {"region": "cn"}),
        ("policy.unknown_region", {"region": "999999"}),
    ],
)
def test_an_entry_with_a_broken_reference_is_refused(world: World, expected: str, changes: dict[str, Any]) -> None:
    world.refused(expected, "library.enter_project", **_entry(**changes))


def test_an_entry_answers_to_a_survey_that_exists_or_to_a_need_in_words(world: World) -> None:
    survey = open_survey(world, on=DAY)

    entered = world.do("library.enter_project", **_entry(needs=(survey, "合成需求"), payer="joint", region="420200"))

    assert entered.state == "project.in_library"


# --- dispatches -----------------------------------------------------------------------------------------------------


def test_a_dispatch_is_recorded_once_with_its_minutes_out_of_the_event(zunyi: World) -> None:
    zunyi.do("library.open_dispatches", as_=OFFICE, on=DAY, months=12)

    recorded = zunyi.do("library.record_dispatch", **_record(social_orgs_consulted=("合成社工协会", "合成慈善会")))

    with Session(zunyi.services.engine) as session:
        item = session.exec(select(WorkItem).where(WorkItem.subject_id == TOWNSHIP)).one()
        event = session.exec(select(Event).where(Event.type == "library.dispatch_recorded")).one()
        document = session.get_one(Document, recorded.document)
    minutes = zunyi.services.documents.get(zone=Zone.DOCUMENTS, sha256=document.sha256)
    assert (item.status, item.closed_on) == ("done", DAY)
    assert (event.stream_kind, event.stream_id) == ("dispatch", TOWNSHIP)
    assert event.payload == {
        "command": "library.record_dispatch",
        "attendees": 7,
        "social_orgs_consulted": 2,
        "minutes_sha256": sha256_hex(minutes),
    }
    assert all(part in minutes.decode() for part in ("合成纪要", "7", "合成社工协会、合成慈善会"))
    fault = zunyi.refused("library.dispatch_recorded", "library.record_dispatch", **_record(item=item.id))
    assert fault.rule == "SYS-ALREADY-DONE"


def test_a_dispatch_is_recorded_by_whoever_owes_it_or_an_office(zunyi: World) -> None:
    zunyi.do("library.open_dispatches", as_=OFFICE, on=DAY, months=12)

    zunyi.refused("kernel.not_found", "library.record_dispatch", **_record(item="nothing"))
    zunyi.refused("library.dispatch_not_yours", "library.record_dispatch", **_record(as_="village_committee:u-v"))

    assert zunyi.do("library.record_dispatch", **_record(as_="county_bureau:u-c")).id == TOWNSHIP


# --- the list of open work ------------------------------------------------------------------------------------------


def test_open_work_is_listed_by_role_and_day_with_its_last_alert(zunyi: World) -> None:
    zunyi.do("library.open_dispatches", as_=OFFICE, on=DAY, months=12)
    zunyi.do("library.open_dispatches", as_=OFFICE, on=DAY, months=1)
    for day in (date(2025, 4, 15), date(2025, 4, 30)):
        zunyi.do("work.sweep_deadlines", as_="system:scheduler", on=day)

    everything = zunyi.ask("work.list")
    (monthly,) = zunyi.ask("work.list", due_by="2025-04-30", role="")
    (township,) = zunyi.ask("work.list", as_="township:u-t", role="township")

    assert len(everything) == 5
    assert everything[0] == monthly
    assert (monthly.kind, monthly.role, monthly.resolves_with, monthly.due_on, monthly.alert) == (
        "library.dispatch",
        "city_bureau",
        "library.record_dispatch",
        date(2025, 4, 30),
        "0",
    )
    assert (township.subject, township.alert, township.provisional) == (TOWNSHIP, None, False)


def test_done_work_is_not_listed_and_the_public_does_not_see_the_list(zunyi: World) -> None:
    zunyi.do("library.open_dispatches", as_=OFFICE, on=DAY, months=12)
    zunyi.do("library.record_dispatch", **_record())

    assert zunyi.ask("work.list", role="township") == ()
    for role, fault in (("public", "无权"), ("recipient", "无权")):
        with pytest.raises(Exception, match=fault):
            zunyi.ask("work.list", as_=role)
    with pytest.raises(Exception, match="填报内容有误"):
        zunyi.ask("work.list", role="nobody")
