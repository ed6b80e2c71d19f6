"""A ledger on its way into the person file: exactly once whatever dies, seen when whole, nobody kept waiting."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import needs_people
from models.core.errors import Conflict
from models.core.progress import watching
from models.ports import GateResult, QualityGate
from models.tables.kernel import Event
from models.tables.needs import LedgerImport, NeedsAssessment, Person
from tests.support.needs import assessment, import_until_killed, ledger_rows, someone
from tests.support.planning import BUREAU, ENTERED_ON, ledger_upload, open_survey, surveyed, synthetic_people
from tests.support.world import World, copy_world, open_world

CALL: dict[str, Any] = {"as_": BUREAU, "on": ENTERED_ON}
TOWNSHIP = "township:u-town"
PEOPLE, PORTION = 300, 60
NEXT_YEAR = date(2017, 1, 4)


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


def test_load_killed_half_way_goes_on_behind_its_last_portion(
    killed: tuple[World, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, portion = PEOPLE, PORTION
    world, survey = killed
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
    whole.services.engine.dispose()


def test_nobody_reads_the_earlier_survey_while_a_later_one_takes_its_people(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs_people, "CHUNK", 20)
    rows = synthetic_people(people=50)
    earlier = surveyed(world, rows=rows)
    later = open_survey(world, on=NEXT_YEAR)
    again = ledger_upload(world, [row | {"assessed_on": NEXT_YEAR} for row in rows], as_of=NEXT_YEAR).model_dump()
    told = []

    def meanwhile(step: str, _done: int, _total: int) -> None:
        if step == "needs.step.load":
            with pytest.raises(Conflict, match=later) as fault:
                world.ask("needs.summary", survey=earlier)
            assert world.ask("needs.surveys_without_files") == ()
            told.append(fault.value.code)

    with watching(meanwhile):
        world.do("needs.import_ledger", as_=BUREAU, on=NEXT_YEAR, survey=later, file=again)

    assert told == ["needs.ledger_loading"] * 3
    summary = world.ask("needs.summary", survey=earlier)
    assert (summary.people, summary.superseded, summary.left_out) == (0, 50, 0)


def test_lost_ledger_is_given_up_and_a_corrected_one_replaces_what_got_in(
    killed: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, survey = killed
    call: dict[str, Any] = {**CALL, "survey": survey}
    world.refused("SYS-PERSONAL-DATA", "needs.abandon_import", **call, reason="请致电13800138000")
    given_up = world.do("needs.abandon_import", **call, reason="原文件已损坏,无法找回")
    world.refused("needs.nothing_to_abandon", "needs.abandon_import", **call, reason="再次放弃同一导入")
    assert (given_up.loaded, given_up.left_out) == (180, 120)
    summary = world.ask("needs.summary", survey=survey)
    assert (summary.people, summary.left_out, _count(world, Person)) == (180, 120, 180)
    monkeypatch.setattr(needs_people, "CHUNK", 60)
    before = {person.id for person in _all(world, Person)}
    corrected = [row | {"willing": False, "assessed_on": _earlier(row)} for row in ledger_rows(300)]

    done = world.do("needs.import_ledger", **call, file=ledger_upload(world, corrected).model_dump())

    assert (done.people, done.reassessed, done.older) == (300, 180, 0)
    people = _all(world, Person)
    assert before < {person.id for person in people}
    assert (len(people), any(person.willing for person in people)) == (300, False)
    assert {row.ordinal for row in _all(world, NeedsAssessment)} == set(range(1, 181))
    kinds = [event.type for event in _all(world, Event) if event.stream_id == survey]
    assert kinds == ["needs.survey_opened", "needs.import_abandoned", "needs.ledger_imported"]
    assert "损坏" not in "".join(str(event.payload) for event in _all(world, Event))


def test_abandoned_ledger_that_turns_up_goes_on_where_it_stopped(
    killed: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, survey = killed
    call: dict[str, Any] = {**CALL, "survey": survey}
    given_up = world.do("needs.abandon_import", **call, reason="原文件暂时找不到")
    (waiting,) = [item for item in world.ask("work.list") if item.kind == "needs.left_out"]
    assert (waiting.subject, waiting.resolves_with) == (given_up.id, "needs.import_ledger")
    monkeypatch.setattr(needs_people, "CHUNK", 60)

    done = world.do("needs.import_ledger", **call, file=ledger_upload(world, ledger_rows(300)).model_dump())

    assert (done.id, done.people, done.reassessed) == (given_up.id, 300, 0)
    assert sorted(person.ordinal for person in _all(world, Person)) == list(range(1, 301))
    assert world.ask("needs.summary", survey=survey).left_out == 0
    assert [item for item in world.ask("work.list") if item.kind == "needs.left_out"] == []


def test_load_that_still_runs_stops_when_it_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs_people, "CHUNK", 20)
    survey = open_survey(world)
    upload = ledger_upload(world, synthetic_people(people=50)).model_dump()

    def meanwhile(step: str, done: int, _total: int) -> None:
        if step == "needs.step.load" and done == 20:
            world.do("needs.abandon_import", **CALL, survey=survey, reason="上传了错误的文件")

    with watching(meanwhile):
        world.refused("kernel.changed_meanwhile", "needs.import_ledger", **CALL, survey=survey, file=upload)

    assert _count(world, Person) == 20
    assert len(world.ask("needs.ledger", survey=survey)) == 20


class _Narrow(list[Any]):
    """Rows that are made when asked for: nobody may ask for more than a portion at once."""

    def __getitem__(self, place: Any) -> Any:
        assert not isinstance(place, slice) or len(range(*place.indices(len(self)))) <= needs_people.CHUNK
        return super().__getitem__(place)


@dataclass(frozen=True)
class _NarrowGate:
    inner: QualityGate

    def check(self, *, gate: str, data: bytes, media_type: str, as_of: date) -> GateResult:
        result = self.inner.check(gate=gate, data=data, media_type=media_type, as_of=as_of)
        return replace(result, rows=_Narrow(result.rows))


def test_rows_of_a_large_ledger_are_asked_for_by_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million of them at once would not fit (2.5 GiB)."""
    monkeypatch.setattr(needs_people, "CHUNK", 20)
    world.services = replace(world.services, gate=_NarrowGate(world.services.gate))
    upload = ledger_upload(world, synthetic_people(people=50)).model_dump()

    assert world.do("needs.import_ledger", **CALL, survey=open_survey(world), file=upload).people == 50


def _earlier(row: dict[str, object]) -> date:
    assert isinstance(row["assessed_on"], date)
    return row["assessed_on"] - timedelta(days=1)


@pytest.fixture(scope="module")
def _killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    """The world that a load killed half way leaves behind, and its survey."""
    folder = tmp_path_factory.mktemp("killed")
    arguments = (str(folder), PEOPLE, PORTION)
    child = multiprocessing.get_context("spawn").Process(target=import_until_killed, args=arguments)
    child.start()
    child.join(timeout=120)
    assert child.exitcode == -signal.SIGKILL
    world = open_world(folder)
    world.calls = 1
    with Session(world.services.engine) as session:
        survey = session.exec(select(Event.stream_id).where(col(Event.type) == "needs.survey_opened")).one()
    yield world, survey
    world.services.engine.dispose()


@pytest.fixture
def killed(_killed: tuple[World, str], tmp_path: Path) -> Iterator[tuple[World, str]]:
    world = copy_world(_killed[0], _made(tmp_path / "killed"))
    yield world, _killed[1]
    world.services.engine.dispose()


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
