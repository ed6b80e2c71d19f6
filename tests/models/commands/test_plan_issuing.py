"""A batch goes out once: raced on PostgreSQL, sent twice, or without a store for its papers, each line is issued once.

Killed at every statement, and raced on SQLite too: ``tests/journeys/test_exactly_once.py``.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.commands.door import execute
from models.core.actors import Actor, Role
from models.core.errors import LifecycleError, Transient
from models.tables.funding import PlanLine, Posting
from models.tables.kernel import Document, Event, Project
from tests.support.postgres import fresh_database
from tests.support.purchases import FINANCE, approved_project
from tests.support.world import World, copy_world, open_world

DAY = date(2025, 4, 1)
BATCH: dict[str, Any] = {"quarter": "2025Q2", "batch": 1}
PROJECTS = ("prj-one", "prj-two")


def prepared(world: World) -> None:
    """Two budgeted projects (合成) and a proposal of their batch."""
    for name in PROJECTS:
        project = approved_project(world, id=name)
        budget = {"project": project, "year": 2025, "channel": "local_budget", "amount": "300"}
        world.do("funding.register_budget", as_=FINANCE, on=DAY, **budget)
    world.do("funding.propose_plan", as_=FINANCE, on=DAY, **BATCH)


def adopted(world: World) -> None:
    """The lines of the baseline, signed by both co-issuers."""
    prepared(world)
    proposal = world.ask("funding.proposal", **BATCH, on=DAY).id
    lines = world.do("funding.adopt_scenario", as_=FINANCE, on=DAY, proposal=proposal, scenario="baseline").lines
    for line in lines:
        for role in ("city_bureau:u", "drc:u"):
            world.do("funding.sign_plan", as_=role, on=DAY, plan_line=line)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("signed"), region="520300")
    adopted(world)
    yield world
    world.services.engine.dispose()


@pytest.fixture
def signed(ready: World, tmp_path: Path) -> Iterator[World]:
    """A batch of two signed lines on SQLite."""
    world = copy_world(ready, tmp_path)
    yield world
    world.services.engine.dispose()


def call(world: World, name: str, command_id: str, **arguments: Any) -> str:
    """Call a command under an id of its own; return ``done`` or the fault's code."""
    actor = Actor(Role.FINANCE_BUREAU, f"u-{command_id}")
    try:
        execute(world.services, name=name, arguments=arguments, actor=actor, as_of=DAY, command_id=command_id)
    except LifecycleError as fault:
        return fault.code
    return "done"


def raced(world: World, work: Callable[[str], str], count: int = 2) -> Counter[str]:
    """Let operators act at the same moment; return how often each came to what."""
    start, came = threading.Barrier(count), []

    def operator(number: int) -> None:
        start.wait()
        came.append(work(f"cmd-race-{number}"))

    threads = [threading.Thread(target=operator, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    world.services.engine.dispose()
    return Counter(came)


def issued_once(world: World) -> None:
    """Each line was issued once: states, moves, money and papers."""
    with Session(world.services.engine) as session:
        lines = session.exec(select(PlanLine)).all()
        moves = Counter(
            row.payload["plan_line_id"] for row in session.exec(select(Event).where(Event.type == "plan_line.issued"))
        )
        planned = session.exec(select(Posting).where(Posting.account == "planned")).all()
        papers = session.exec(select(Document).where(Document.kind == "investment_plan_notice")).all()
        states = {row.state for row in session.exec(select(Project))}
    assert {line.state for line in lines} == {"issued"}
    assert moves == Counter({line.id: 1 for line in lines})
    assert sum(row.amount_fen for row in planned) == sum(line.amount_fen for line in lines) > 0
    assert (len(papers), states) == (len(PROJECTS), {"planned"})
    assert world.ask("funding.balances", year=2025, on=DAY).balanced


def nothing_issued(world: World) -> None:
    """Not a line, not a fen, not a paper."""
    with Session(world.services.engine) as session:
        assert {line.state for line in session.exec(select(PlanLine))} == {"signed"}
        assert session.exec(select(Posting).where(Posting.account == "planned")).all() == []
        assert session.exec(select(Document).where(Document.kind == "investment_plan_notice")).all() == []


def issue(world: World) -> Callable[[str], str]:
    return lambda command_id: call(world, "funding.issue_plan", command_id, **BATCH)


def test_two_operators_on_postgresql_adopt_once_and_issue_once(tmp_path: Path, postgres_url: str) -> None:
    """Row locks instead of one writer: the same outcome."""
    with fresh_database(postgres_url, name="plan_issuing") as url:
        world = open_world(tmp_path, region="520300", database_url=url)
        prepared(world)
        proposal = world.ask("funding.proposal", **BATCH, on=DAY).id

        came = raced(
            world,
            lambda id_: call(world, "funding.adopt_scenario", id_, proposal=proposal, scenario="baseline"),
        )
        with Session(world.services.engine) as session:
            lines = [line.id for line in session.exec(select(PlanLine))]
        assert came["done"] == 1
        assert len(lines) == len(PROJECTS)
        for line in lines:
            for role in ("city_bureau:u", "drc:u"):
                world.do("funding.sign_plan", as_=role, on=DAY, plan_line=line)

        came = raced(world, issue(world))
        assert came["done"] == 1
        issued_once(world)
        world.services.engine.dispose()


def test_the_same_call_sent_twice_issues_once(signed: World) -> None:
    """A door that repeats its call under the same command id, and another one."""
    first, again, other = (issue(signed)(command_id) for command_id in ("cmd-a", "cmd-a", "cmd-b"))

    assert (first, again, other) == ("done", "funding.batch_issued", "funding.batch_issued")
    issued_once(signed)


def test_a_store_that_goes_away_before_the_papers_leaves_nothing_issued(signed: World) -> None:
    """Papers come first: without them no line moves, and the next call issues."""
    store = signed.services.documents
    put = store.put

    def away(**_arguments: Any) -> None:
        raise Transient("kernel.database_away", rule="SYS-DATABASE")

    store.put = away  # type: ignore[method-assign, assignment]
    with pytest.raises(Transient):
        execute(
            signed.services,
            name="funding.issue_plan",
            arguments=BATCH,
            actor=Actor(Role.FINANCE_BUREAU, "u"),
            as_of=DAY,
            command_id="cmd-away",
        )
    store.put = put  # type: ignore[method-assign]

    nothing_issued(signed)
    assert issue(signed)("cmd-later") == "done"
    issued_once(signed)
