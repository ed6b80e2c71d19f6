"""A ledger on its way into the person file: exactly once whatever dies, seen when whole, nobody kept waiting."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import needs_people
from models.core.errors import Conflict
from models.core.progress import watching
from models.tables.kernel import Event
from models.tables.needs import LedgerImport, Person
from tests.support.needs import assessment, import_until_killed, ledger_rows, someone
from tests.support.planning import BUREAU, ENTERED_ON, ledger_upload, open_survey, surveyed, synthetic_people
from tests.support.world import World, open_world

CALL: dict[str, Any] = {"as_": BUREAU, "on": ENTERED_ON}
TOWNSHIP = "township:u-town"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = open_world(_made(tmp_path / "world"))
    yield world
    world.services.engine.dispose()


def _all(world: World, table: type[Any]) -> list[Any]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(table)).all())


def _count(world: World, table: type[Any]) -> int:
    with Session(world.services.engine) as session:
        return int(session.exec(select(func.count()).select_from(table)).one())


def test_load_killed_half_way_goes_on_behind_its_last_portion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people, portion = 300, 60
    world, survey = _killed(tmp_path, people, portion)
    whole = open_world(_made(tmp_path / "whole"))
    call: dict[str, Any] = {**CALL, "survey": survey}
    (begun,) = _all(world, LedgerImport)
    assert (begun.loaded, begun.completed_on, _count(world, Person)) == (180, None, 180)
    with pytest.raises(Conflict, match="180"):
        world.ask("needs.ledger", survey=survey)
    world.refused("needs.ledger_loading", "needs.build_household_files", **call)
    other = ledger_upload(world, synthetic_people(people=70)).model_dump()
    world.refused("needs.ledger_loading", "needs.import_ledger", **call, file=other)
    upload = ledger_upload(world, ledger_rows(people)).model_dump()
    monkeypatch.setattr(needs_people, "CHUNK", portion)

    done = world.do("needs.import_ledger", **call, file=upload)
    surveyed(whole, rows=ledger_rows(people))

    assert (done.id, done.people, done.reassessed, done.older) == (begun.id, people, 0, 0)
    assert _shown(world) == _shown(whole)
    assert len(world.ask("needs.ledger", survey=survey, limit=1000)) == people
    assert len([event for event in _all(world, Event) if event.type == "needs.ledger_imported"]) == 1
    world.refused("needs.already_imported", "needs.import_ledger", **call, file=upload)
    for opened in (world, whole):
        opened.services.engine.dispose()


def _killed(tmp_path: Path, people: int, portion: int) -> tuple[World, str]:
    """Return the world that a load killed half way leaves behind, and its survey."""
    folder = _made(tmp_path / "killed")
    arguments = (str(folder), people, portion)
    child = multiprocessing.get_context("spawn").Process(target=import_until_killed, args=arguments)
    child.start()
    child.join(timeout=120)
    assert child.exitcode == -signal.SIGKILL
    world = open_world(folder)
    world.calls = 1
    with Session(world.services.engine) as session:
        survey = session.exec(select(Event.stream_id).where(col(Event.type) == "needs.survey_opened")).one()
    return world, survey


def test_person_assessed_while_a_ledger_goes_in_keeps_a_place_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs_people, "CHUNK", 20)
    survey = open_survey(world)
    upload = ledger_upload(world, synthetic_people(people=50)).model_dump()
    given = someone(assessment=assessment(assessed_on="2016-01-03"))
    after_first = iter([lambda: world.do("needs.assess_person", as_=TOWNSHIP, on=ENTERED_ON, survey=survey, **given)])

    def meanwhile(step: str, _done: int, _total: int) -> None:
        if step == "needs.step.load" and (act := next(after_first, None)):
            act()

    with watching(meanwhile):
        done = world.do("needs.import_ledger", **CALL, survey=survey, file=upload)

    people = _all(world, Person)
    assert (done.people, len(people)) == (50, 51)
    assert sorted(person.ordinal for person in people) == list(range(1, 52))
    (assessed,) = [person for person in people if person.household_no == given["household_no"]]
    assert assessed.ordinal == 51


def test_no_other_writer_waits_for_a_large_ledger(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two portions somebody else writes at once, although SQLite lets one write at a time."""
    monkeypatch.setattr(needs_people, "CHUNK", 10)
    survey = open_survey(world)
    upload = ledger_upload(world, synthetic_people(people=50)).model_dump()
    written = []

    def meanwhile(step: str, done: int, _total: int) -> None:
        if step == "needs.step.load":
            written.append(done)
            open_survey(world, title=f"另一次调查{done}")

    with watching(meanwhile):
        world.do("needs.import_ledger", **CALL, survey=survey, file=upload)

    assert written == [10, 20, 30, 40, 50]


def test_dry_run_of_a_large_ledger_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs_people, "CHUNK", 20)
    upload = ledger_upload(world, synthetic_people(people=50)).model_dump()

    done = world.do("needs.import_ledger", **CALL, survey=open_survey(world), file=upload, dry_run=True)

    assert (done.people, _count(world, Person), _count(world, LedgerImport)) == (50, 0, 0)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _shown(world: World) -> list[tuple[Any, ...]]:
    opened = world.services.vault.open
    people = sorted(_all(world, Person), key=lambda person: person.ordinal)
    return [(row.id, row.ordinal, opened(row.id_number_sealed), row.levels, row.assessed_on) for row in people]
