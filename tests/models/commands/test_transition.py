"""The one writer of state: births, moves, illegal moves, and two people who act on the same row at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.commands import transition
from models.context import Context
from models.core.actors import Actor, Role
from models.core.errors import Conflict, Refusal
from models.core.ids import derive_id
from models.rules.lifecycle import Thing
from models.tables.contract import Contract
from models.tables.funding import PlanLine
from models.tables.kernel import Event, Project
from models.tables.procurement import Procurement
from tests.support.postgres import fresh_database
from tests.support.world import World, open_world

_DAY = date(2016, 1, 4)
_OFFICE = "evaluation_office:u-office"


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        world = open_world(tmp_path)
        yield world
        world.services.engine.dispose()
        return
    with fresh_database(request.getfixturevalue("postgres_url"), name="transition") as url:
        world = open_world(tmp_path, database_url=url)
        yield world
        world.services.engine.dispose()


def _context(world: World, command: str, call: str = "1") -> Context:
    return Context(world.services, Actor(Role.SYSTEM, "u-test"), _DAY, command, derive_id("cmd", command, call))


def _enter(world: World) -> str:
    entered = world.do(
        "library.enter_project",
        as_=_OFFICE,
        on=_DAY,
        name="合成项目",
        needs=[f"need-{world.calls}"],
        policies=["合成政策"],
    )
    return str(entered.id)


def _move(world: World, project: str, command: str, *, call: str = "1", outcome: str = "", **payload: Any) -> str:
    context = _context(world, command, call)
    with context.writing() as session:
        row = session.get_one(Project, project)
        return transition.apply(session, context, row, payload=payload, outcome=outcome).event_id


def _project(world: World, id_: str) -> Project:
    with Session(world.services.engine) as session:
        return session.get_one(Project, id_)


def _events(world: World, project: str) -> list[Event]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(Event).where(col(Event.stream_id) == project).order_by(col(Event.seq))).all())


def test_a_birth_gives_the_first_state_version_one_and_the_first_event(world: World) -> None:
    project = _enter(world)

    row, stored = _project(world, project), _events(world, project)

    assert (row.state, row.version) == ("in_library", 1)
    assert [(event.seq, event.type) for event in stored] == [(1, "project.entered_library")]
    born = stored[0].payload
    assert (born["project_id"], born["from"], born["to"], born["rule"]) == (project, "", "in_library", "ZY-44")
    assert born["policy_digest"] == row.policy_digest


def test_a_move_writes_state_version_and_event_together(world: World) -> None:
    project = _enter(world)

    event_id = _move(world, project, "application.submit", plan_book="doc-1")

    row, last = _project(world, project), _events(world, project)[-1]
    assert (row.state, row.version) == ("submitted", 2)
    assert (last.event_id, last.type, last.seq) == (event_id, "project.submitted", 2)
    assert last.payload == {
        "plan_book": "doc-1",
        "project_id": project,
        "from": "in_library",
        "to": "submitted",
        "rule": "ZY-18",
        "policy_digest": row.policy_digest,
        "command": "application.submit",
    }


def test_the_outcome_chooses_between_moves_of_one_command(world: World) -> None:
    positive, negative = _enter(world), _enter(world)
    for project in (positive, negative):
        _move(world, project, "application.submit", call=project)

    _move(world, positive, "feasibility.appraise", call="p", outcome="positive")
    _move(world, negative, "feasibility.appraise", call="n", outcome="negative")

    assert _project(world, positive).state == "candidate"
    assert _project(world, negative).state == "returned"


def test_an_illegal_move_is_refused_and_leaves_nothing(world: World) -> None:
    project = _enter(world)

    with pytest.raises(Refusal) as caught:
        _move(world, project, "archive.close_project")

    assert (caught.value.code, caught.value.rule) == ("lifecycle.not_in_state", "SYS-STATE")
    assert caught.value.facts["state"] == "入库"
    assert "已备案审计" in caught.value.message
    assert (_project(world, project).state, _project(world, project).version) == ("in_library", 1)
    assert len(_events(world, project)) == 1


def test_a_stale_version_is_a_conflict_and_the_first_writer_stands(world: World) -> None:
    """Two people read version 1; the second to write is told that it changed, and nothing of theirs is kept."""
    project = _enter(world)
    with Session(world.services.engine) as session:
        stale = session.get_one(Project, project)
        session.expunge(stale)
    _move(world, project, "application.submit", call="fast")
    slow = _context(world, "application.withdraw", "slow")

    with pytest.raises(Conflict) as caught, slow.writing() as session:
        transition.apply(session, slow, session.merge(stale, load=False), payload={})

    assert (caught.value.code, caught.value.rule) == ("kernel.changed_meanwhile", "SYS-CONFLICT")
    assert (_project(world, project).state, _project(world, project).version) == ("submitted", 2)
    assert [event.type for event in _events(world, project)] == ["project.entered_library", "project.submitted"]


def test_postgresql_a_row_moved_after_it_was_read_is_a_conflict(tmp_path: Path, postgres_url: str) -> None:
    """The same with two real transactions: the second read before the first committed."""
    with fresh_database(postgres_url, name="two_writers") as url:
        world = open_world(tmp_path, database_url=url)
        project = _enter(world)
        slow = _context(world, "application.withdraw", "slow")

        with pytest.raises(Conflict) as caught, slow.writing() as session:  # noqa: PT012
            row = session.get_one(Project, project)
            _move(world, project, "application.submit", call="fast")
            transition.apply(session, slow, row, payload={})

        assert caught.value.code == "kernel.changed_meanwhile"
        assert _project(world, project).state == "submitted"
        assert world.ask("chains.verify", as_="audit_body:u-audit").ok
        world.services.engine.dispose()


def test_a_birth_repeated_with_the_same_id_is_a_conflict(world: World) -> None:
    project = _project(world, _enter(world))
    again = _context(world, "library.enter_project", "again")
    twin = Project(**project.model_dump() | {"state": "", "version": 0})

    with pytest.raises(Conflict) as caught, again.writing() as session:
        transition.apply(session, again, twin, payload={})

    assert caught.value.code == "kernel.changed_meanwhile"
    assert len(_events(world, project.id)) == 1


def test_what_belongs_to_a_project_moves_on_its_chain(world: World) -> None:
    """A plan line's birth is an event of its project, named by the line's own id."""
    project = _enter(world)
    context = _context(world, "funding.draft_plan")
    line = PlanLine(
        id="pl-1", project_id=project, state="", version=0, policy_digest="0" * 64, quarter="2016Q2", batch=1,
        channel="city", amount_fen=0, content="合成", target="合成",
    )  # fmt: skip

    with context.writing() as session:
        transition.apply(session, context, line, payload={"amount_fen": 0})

    last = _events(world, project)[-1]
    assert (last.type, last.payload["plan_line_id"], last.payload["to"]) == ("plan_line.drafted", "pl-1", "drafted")
    assert world.ask("project.status", project=project, on=_DAY).state == "plan_line.drafted"


def test_every_thing_with_a_state_is_a_table() -> None:
    rows = [model.__new__(model) for model in (Project, PlanLine, Procurement, Contract)]

    assert {transition.thing_of(row) for row in rows} == set(Thing)
