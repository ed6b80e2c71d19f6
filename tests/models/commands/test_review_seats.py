"""Seats of a panel that are left and taken, through the door: recorded draws, conflicts found later, needs in loading.

All people are made up (合成).
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.ports import Zone
from models.rules.draw import verify
from models.tables.kernel import Event
from models.tables.needs import LedgerImport
from models.tables.review import ReviewSheet
from tests.support import deciding as path
from tests.support.deciding import APPLICANT, CATEGORIES, OPENED_ON
from tests.support.planning import OFFICE, candidate, open_survey
from tests.support.world import World, copy_world, open_world

LATE = date(2016, 3, 16)


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    world = open_world(tmp_path_factory.mktemp("base"))
    path.roster(world)
    return world, candidate(world, needs=(open_survey(world),))


@pytest.fixture
def world(_base: tuple[World, str], tmp_path: Path) -> World:
    return copy_world(_base[0], tmp_path)


@pytest.fixture
def project(_base: tuple[World, str]) -> str:
    return _base[1]


def test_while_a_ledger_is_on_its_way_in_no_half_count_is_shown_or_signed(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    path.score(world, opened)
    (need,) = world.ask("review.round", round=opened.id).needs
    with Session(world.services.engine) as session, session.begin():
        session.add(
            LedgerImport(
                id="imp-half", survey_id=need.ref, sha256="0" * 64, report_sha256="0" * 64, suite_version="1",
                people=9, first_ordinal=1, loaded=4, reassessed=0, older=0, imported_on=OPENED_ON,
            )
        )  # fmt: skip

    (shown,) = world.ask("review.round", round=opened.id).needs
    assert (shown.title, shown.loading, shown.people, shown.willing) == (need.title, True, None, None)
    call: dict[str, Any] = {"as_": OFFICE, "on": LATE, "round": opened.id, "opinion": "同意。"}
    world.refused("needs.ledger_loading", "review.close_round", **call)
    with Session(world.services.engine) as session, session.begin():
        session.get_one(LedgerImport, "imp-half").completed_on = OPENED_ON
    assert world.do("review.close_round", **call).state == "project.reviewed"


def _seats(world: World, opened: Any) -> Any:
    return world.ask("review.round", round=opened.id).seats


def _short(world: World, opened: Any) -> None:
    """Let members leave until nobody of the roster is left to take a seat."""
    while not any(seat.vacant for seat in _seats(world, opened)):
        expert = next(seat.expert for seat in _seats(world, opened) if not seat.recused)
        request = path.letter(world)
        given: dict[str, Any] = {"round": opened.id, "reason": "退出", "expert": expert, "request": request}
        world.do("review.recuse", as_=OFFICE, on=OPENED_ON, **given)


def test_a_substitute_among_latecomers_is_drawn_so_that_anybody_can_draw_again(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    _short(world, opened)
    for number, category in enumerate(CATEGORIES * 2):
        path.register(world, 40 + number, category=category)
    path.register(world, 60, category=CATEGORIES[0], employer=APPLICANT)

    world.do("review.fill_seats", as_=OFFICE, on=OPENED_ON, round=opened.id)

    taken = [seat for seat in _seats(world, opened) if seat.draw]
    assert taken
    for seat in taken:
        record = world.ask("draw.record", subject=seat.draw)
        protocol = json.loads(world.services.documents.get(zone=Zone.DOCUMENTS, sha256=record.sha256))
        assert (protocol["chosen"], protocol["draw_id"], protocol["size"]) == ([seat.expert], seat.draw, 1)
        assert [one["reason"] for one in protocol["excluded"]] == ["employer"]
        assert verify(protocol, published=record.seed_commitment) == ()
        assert verify(protocol | {"chosen": protocol["alternates"][:1]}) != ()
        assert verify(protocol | {"roster": protocol["roster"][1:]}) != ()
        assert verify(protocol | {"seed": "another"}, published=record.seed_commitment) != ()
    with Session(world.services.engine) as session:
        told = {one.type: one.seq for one in session.exec(select(Event).where(col(Event.stream_id) == project))}
    assert told["draw.seed_committed"] < told["review.recused"]


def test_an_alternate_stands_in_the_protocol_of_the_round(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    member = next(seat for seat in _seats(world, opened) if seat.category == CATEGORIES[0])
    world.do("review.declare_tie", as_=f"expert:{member.expert}", on=OPENED_ON, organisation=APPLICANT)

    (substitute,) = [seat for seat in _seats(world, opened) if seat.expert not in opened.panel]
    assert substitute.expert in opened.alternates
    assert substitute.draw is None


def test_an_amendment_that_brings_a_conflict_to_light_empties_the_seat_at_once(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    expert, other = opened.panel[:2]
    path.score(world, opened)
    amend: dict[str, Any] = {"as_": OFFICE, "on": OPENED_ON}

    moved = world.do("review.amend_expert", **amend, expert=expert, employer=APPLICANT)
    harmless = world.do("review.amend_expert", **amend, expert=other, employer="无关单位(合成)")

    assert (moved.left, moved.version, harmless.left) == ((opened.id,), 2, ())
    seats = {seat.expert: seat for seat in _seats(world, opened)}
    assert (seats[expert].recused, seats[expert].vacant, seats[other].recused) == (True, False, False)
    assert len([seat for seat in seats.values() if not seat.recused]) == len(opened.panel)
    with Session(world.services.engine) as session:
        sheet = session.exec(select(ReviewSheet).where(col(ReviewSheet.expert_id) == expert)).one()
    assert sheet.voided_on == OPENED_ON
    world.refused("review.seat_left", "review.submit_score", as_=f"expert:{expert}", on=OPENED_ON, round=opened.id,
                  **path.sheet())  # fmt: skip


def test_an_amendment_leaves_a_closed_round_as_it_was(world: World, project: str) -> None:
    opened = path.open_round(world, project)
    path.score(world, opened)
    world.do("review.close_round", as_=OFFICE, on=LATE, round=opened.id, opinion="同意。")

    amended = world.do("review.amend_expert", as_=OFFICE, on=LATE, expert=opened.panel[0], employer=APPLICANT)

    assert amended.left == ()
    assert [seat for seat in _seats(world, opened) if seat.recused] == []
