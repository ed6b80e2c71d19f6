"""What must happen once happens once: killed at every statement, sent twice, raced by two operators.

Issuing a batch, paying, accepting and archiving, each from the stand of ``zunyi-whole-life`` right before it, on SQLite
and on PostgreSQL. What stands in the database afterwards is compared with a life in which nothing went wrong.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, event, select

from models.commands.door import execute
from models.core.actors import Actor, Role
from models.core.errors import LifecycleError
from models.tables import metadata
from portal.replay.case import Step
from portal.replay.runner import drive_clock
from tests.journeys.story import Scene, Story, keys
from tests.support.postgres import fresh_database

pytestmark = pytest.mark.xdist_group("whole-life")

_TRIED: Final = {"attempt", "rehearsal"}
"""Tables that tell what was tried and on which day: they differ."""
_ALARM: Final = "work_item"
"""Who asks to be paid twice is looked at (ZY-94): the second call leaves a thing to do, and nothing else."""
_SIGNED_ANEW: Final = "signature_sha256"


@dataclass(frozen=True)
class Act:
    """A step of the whole life that must happen once: where the life stood before it, and what a second one is told."""

    stand: str
    step: str
    told: frozenset[str]


ACTS: Final = {
    "issuing": Act("funding.sign_plan#2", "funding.issue_plan#2", frozenset({"funding.batch_issued"})),
    "paying": Act("funding.verify_progress", "funding.pay", frozenset({"funding.payment_not_due"})),
    "accepting": Act("acceptance.submit_self_check", "acceptance.conclude", frozenset({"lifecycle.not_in_state"})),
    "archiving": Act("audit.record_receipt", "archive.close_project", frozenset({"lifecycle.not_in_state"})),
}


class KilledError(BaseException):
    """The process is gone: nobody catches it."""


@contextmanager
def killed_at(engine: Engine, place: int) -> Iterator[list[str]]:
    """Kill whoever writes at the so-manieth boundary; tell the boundaries passed: statements, then the commit."""
    passed: list[str] = []

    def boundary(connection: Any, what: str) -> None:
        if connection.get_execution_options().get("writing"):
            passed.append(what)
            if len(passed) == place:
                raise KilledError

    def statement(connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        boundary(connection, sql)

    def commit(connection: Any) -> None:
        boundary(connection, "COMMIT")

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield passed
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)
        engine.dispose()  # a dead process keeps no connection


@dataclass(frozen=True)
class Ready:
    """A scene right before an act, and the call that carries it out."""

    scene: Scene
    step: Step

    def call(self, command_id: str, account: str = "") -> str:
        """Give the command; return ``done`` or the fault's code."""
        step = self.step
        actor = Actor(step.actor.role, account or step.actor.id)
        try:
            execute(
                self.scene.services,
                name=step.name,
                arguments=step.arguments,
                actor=actor,
                as_of=step.on,
                command_id=command_id,
            )
        except LifecycleError as fault:
            return fault.code
        return "done"

    def kept(self) -> dict[str, list[Any]]:
        """Return every row of every table that tells what happened."""
        found = {}
        with self.scene.services.engine.connect() as connection:
            for table in metadata().sorted_tables:
                wanted = [column for column in table.columns if column.name != _SIGNED_ANEW]
                if table.name not in _TRIED:
                    found[table.name] = sorted(map(repr, connection.execute(select(*wanted))))
        return found

    def counted(self) -> dict[str, int]:
        """Return how many rows each table has: two operators make other ids of as many things."""
        return {name: len(rows) for name, rows in self.kept().items()}


@contextmanager
def before(story: Story, act: Act, folder: Path) -> Iterator[Ready]:
    """Open the story right before an act."""
    with story.scene(act.stand, folder) as scene:
        if act is ACTS["archiving"]:
            yield _closing(story, scene)
        else:
            step = scene.known(story.step(act.step))
            drive_clock(scene.services, step.on)
            yield Ready(scene, step)


def _closing(story: Story, scene: Scene) -> Ready:
    """Return the closing of the project, right after the second receipt and before the flow that it starts."""
    second = scene.known(story.step("audit.record_receipt#2"))
    drive_clock(scene.services, second.on)
    assert Ready(scene, second).call("cmd-second-receipt") == "done"
    project = {"project": second.arguments["project"]}
    return Ready(
        scene, replace(second, name="archive.close_project", actor=Actor(Role.SYSTEM, "flow"), arguments=project)
    )


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_killed_at_every_boundary_nothing_stands_and_the_next_call_does_it_once(
    act: Act, whole_life: Story, tmp_path: Path
) -> None:
    """One transaction: at each of its statements and right before its commit, nothing is there for anybody to see."""
    with before(whole_life, act, tmp_path) as whole, killed_at(whole.scene.services.engine, 0) as passed:
        assert whole.call("cmd-once") == "done"
        wanted = whole.kept()
    assert passed.count("COMMIT") == 1
    assert passed[-1] == "COMMIT"

    with before(whole_life, act, tmp_path) as ready:
        with closing(sqlite3.connect(str(ready.scene.services.engine.url.database))) as onlooker:
            seen = onlooker.execute("PRAGMA data_version").fetchone()  # changes with every commit of somebody else
            for place in range(1, len(passed) + 1):
                with killed_at(ready.scene.services.engine, place), pytest.raises(KilledError):
                    ready.call("cmd-once")
                assert onlooker.execute("PRAGMA data_version").fetchone() == seen, passed[place - 1]
        assert ready.call("cmd-once") == "done"
        assert ready.kept() == wanted
        assert {ready.call("cmd-once"), ready.call("cmd-another")} <= act.told  # its answer was lost: asked again
        assert {**ready.kept(), _ALARM: wanted[_ALARM]} == wanted


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_two_operators_at_once_do_it_once_on_sqlite(act: Act, whole_life: Story, tmp_path: Path) -> None:
    with before(whole_life, act, tmp_path) as ready:
        _raced(ready, act)


def test_two_operators_at_once_do_each_act_once_on_postgresql(
    whole_life: Story, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Row locks instead of one writer: the life goes on from its first payment, and each act is asked for by two.

    Issuing is raced there by ``tests/models/commands/test_plan_issuing.py``.
    """
    raced = {act.step: act for act in ACTS.values()}
    with (
        fresh_database(request.getfixturevalue("postgres_url"), name="once") as url,
        whole_life.scene("funding.verify_progress", tmp_path, database_url=url) as scene,
    ):
        for key, step in list(zip(keys(whole_life.case), whole_life.case.steps, strict=True))[scene.done :]:
            act = raced.pop(key, None)
            if key == "audit.record_receipt#2":
                break
            if act is None:
                scene.plays(whole_life.case, step)
            else:
                drive_clock(scene.services, step.on)
                _raced(Ready(scene, scene.known(step)), act)
        _raced(_closing(whole_life, scene), raced["archive.close_project"])


def _raced(ready: Ready, act: Act) -> None:
    """Let two operators act at the same moment: one does it, the other is told why not; a third comes too late."""
    start, came = threading.Barrier(2), []

    def operator(number: int) -> None:
        start.wait()
        came.append(ready.call(f"cmd-race-{number}", f"u-race-{number}"))

    threads = [threading.Thread(target=operator, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(came)["done"] == 1, came
    assert set(came) <= {"done", "kernel.changed_meanwhile", *act.told}
    stood = ready.counted()
    assert ready.call("cmd-late", "u-late") in act.told
    assert ready.counted() == stood
