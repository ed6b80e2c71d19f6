"""Random legal and illegal commands over the whole lifecycle: whatever is tried, what must always hold holds.

The commands are the steps of ``zunyi-whole-life`` and of ``by_ways.yaml``, which tells what a whole life does not: the
next one as told, a by-way from its first step to its last, or any one again, out of turn, by another role, on another
day, with another amount, without an argument, about something else. Each is carried out or refused with a reason and a
way out; nothing else may happen, and the invariants are checked on the database after each.

``make test`` tries a few lives, always the same; ``make lives n=500`` as many as one likes, new ones each time.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlmodel import Session, col, select

from models.commands.door import ask
from models.core.actors import Actor, Role
from models.tables.contract import Contract
from models.tables.funding import PlanLine, ProgressCheck
from models.tables.kernel import Document, Project, Rehearsal, WorkItem
from portal.cli.replay import load_case
from portal.replay.case import Step
from portal.replay.runner import play
from tests.journeys import invariants
from tests.journeys.conftest import LIFE_STANDS, TWO_PROJECTS, second_project
from tests.journeys.story import Scene, Story

pytestmark = pytest.mark.xdist_group("whole-life")

LIVES: Final = int(os.environ.get("LIFECYCLE_LIVES", "0"))
"""How many lives ``make lives`` tries; none: the few of every test run."""
_FRESH: Final = int(os.environ.get("LIFECYCLE_LIVES_SEED", str(random.SystemRandom().randrange(10**9))))
_MONEY: Final = {"amount", "price", "budget", "total", "percent", "verified_percent", "spent"}
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def _as_told(_step: Step, _dice: random.Random, _saved: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _by_another_role(step: Step, dice: random.Random, _saved: Mapping[str, Any]) -> dict[str, Any]:
    return {"actor": Actor(dice.choice(list(Role)), step.actor.id)}


def _on_another_day(step: Step, dice: random.Random, _saved: Mapping[str, Any]) -> dict[str, Any]:
    return {"on": step.on + timedelta(days=dice.randint(-60, 120))}


def _with_another_amount(step: Step, dice: random.Random, _saved: Mapping[str, Any]) -> dict[str, Any]:
    factor = Decimal(dice.choice(("0", "-1", "0.5", "1.01", "10")))
    return {"arguments": {name: _scaled(name, value, factor) for name, value in step.arguments.items()}}


def _without_an_argument(step: Step, dice: random.Random, _saved: Mapping[str, Any]) -> dict[str, Any]:
    left_out = dice.choice([*step.arguments, ""])
    return {"arguments": {name: value for name, value in step.arguments.items() if name != left_out}}


def _about_something_else(step: Step, dice: random.Random, saved: Mapping[str, Any]) -> dict[str, Any]:
    other = dice.choice([f"${name}" for name in sorted(saved)])
    swapped = {
        name: other if isinstance(value, str) and value.startswith("$") else value
        for name, value in step.arguments.items()
    }
    return {"arguments": swapped}


Twist = Callable[[Step, random.Random, Mapping[str, Any]], dict[str, Any]]
TWISTS: Final[tuple[Twist, ...]] = (
    _as_told,
    _by_another_role,
    _on_another_day,
    _with_another_amount,
    _without_an_argument,
    _about_something_else,
)


def _scaled(name: str, value: Any, factor: Decimal) -> Any:
    if isinstance(value, Mapping):
        return {key: _scaled(str(key), item, factor) for key, item in value.items()}
    if isinstance(value, list):
        return [_scaled(name, item, factor) for item in value]
    if name in _MONEY and isinstance(value, str):
        try:
            return str((Decimal(value) * factor).quantize(Decimal("0.01")))
        except InvalidOperation:
            return value
    return value


def _moved(value: Any, by: timedelta) -> Any:
    """Return arguments with every day in them moved."""
    match value:
        case Mapping():
            return {name: _moved(item, by) for name, item in value.items()}
        case list():
            return [_moved(item, by) for item in value]
        case date():
            return value + by
        case str() if _DAY.fullmatch(value):
            return (date.fromisoformat(value) + by).isoformat()
    return value


class Life(RuleBasedStateMachine):
    """One life from one stand on; each example has a database of its own. The test says whose story, and where."""

    story: ClassVar[Story]
    ways: ClassVar[Mapping[str, tuple[Step, ...]]]
    folder: ClassVar[Path]
    came: ClassVar[Counter[tuple[str, str]]]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.scene: Scene | None = None
        self.tried = 100_000

    @initialize(start=st.sampled_from((*LIFE_STANDS, TWO_PROJECTS)))
    def opens(self, start: str) -> None:
        self.scene = self.stack.enter_context(self.story.scene(start, self.folder))

    @rule()
    def goes_on(self) -> None:
        assert self.scene is not None
        steps = self.story.case.steps
        if self.scene.done < len(steps):
            self._tries(self.scene, steps[self.scene.done])
            self.scene.done += 1

    @rule(which=st.integers(0, 999), twist=st.sampled_from(TWISTS), dice=st.randoms())
    def tries(self, which: int, twist: Twist, dice: random.Random) -> None:
        assert self.scene is not None
        told = [*self.story.case.steps, *(step for way in self.ways.values() for step in way)]
        step = told[which % len(told)]
        self._tries(self.scene, replace(step, **twist(step, dice, self.scene.saved)))

    @rule(which=st.integers(0, 99))
    def turns_off(self, which: int) -> None:
        """Take a by-way from the day on which the life stands."""
        assert self.scene is not None
        way = sorted(self.ways)[which % len(self.ways)]
        with Session(self.scene.services.engine) as session:
            by = session.get_one(Rehearsal, 1).today - self.ways[way][0].on
        for step in self.ways[way]:
            self._tries(self.scene, replace(step, on=step.on + by, arguments=_moved(step.arguments, by)))
            self.holds()

    def _tries(self, scene: Scene, step: Step) -> None:
        self.tried += 1
        told = scene.known(replace(step, number=self.tried, on=max(step.on, self.story.case.start), expect="ok"))
        case = replace(self.story.case, steps=(told,))
        (report,) = play(case, services=scene.services, launcher=scene.launcher).steps
        self.came[step.name, report.outcome] += 1
        assert not report.mismatches, report.mismatches  # a follow-up flow that broke
        if report.outcome == "ok" and step.save is not None:
            scene.saved[step.save] = report.result
        if report.outcome in ("refused", "conflict", "fault"):
            assert report.message, (step.name, report.code)
            assert report.way_out, (step.name, report.code)

    @invariant()
    def holds(self) -> None:
        if self.scene is not None:
            with Session(self.scene.services.engine) as session:
                invariants.check_all(session)

    def teardown(self) -> None:
        if self.scene is not None:
            actor, today = Actor(Role.AUDIT_BODY, "u-audit"), self.scene.services.clock.now().date()
            checked = ask(self.scene.services, name="chains.verify", arguments={}, actor=actor, as_of=today)
            self.stack.close()
            assert checked.ok, checked.first_bad


def by_ways(story: Story, folder: Path) -> dict[str, tuple[Step, ...]]:
    """Return the by-ways, each under the name that its steps bear as a note."""
    file = folder / "by-ways.yaml"
    told = Path(__file__).with_name("by_ways.yaml").read_text("utf-8")
    file.write_text("".join((story.text, *second_project(story, month="2025-12"), told)), "utf-8")
    steps = load_case(file).steps[len(story.case.steps) :]
    return {note: tuple(one) for note, one in groupby(steps, key=lambda step: step.note) if note}


def test_whatever_is_tried_the_invariants_hold(whole_life: Story, tmp_path: Path) -> None:
    Life.story, Life.folder, Life.came = whole_life, tmp_path, Counter()
    Life.ways = by_ways(whole_life, tmp_path)
    wanted = settings(
        max_examples=LIVES or 10,
        stateful_step_count=30 if LIVES else 10,
        derandomize=not LIVES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(_FRESH)(Life) if LIVES else Life, settings=wanted)
    told = {step.name for way in Life.ways.values() for step in way}
    never = sorted(name for name in told if not Life.came[name, "ok"])
    print(f"\nseed {_FRESH}: {Life.came.total()} calls; by-ways never carried out: {never}")  # noqa: T201  # shown by make lives


def test_the_checks_see_what_they_are_for(whole_life: Story, tmp_path: Path) -> None:
    """A check that cannot fail proves nothing: each sees the one change made behind the commands' back."""
    with whole_life.scene("acceptance.conclude", tmp_path) as scene, Session(scene.services.engine) as session:
        session.connection(execution_options={"writing": True})
        invariants.check_all(session)
        _sees(invariants.check_states, session, session.exec(select(Project)).one(), state="archived")
        check = session.exec(select(ProgressCheck).order_by(col(ProgressCheck.ordinal))).first()
        _sees(invariants.check_payments, session, check, percent="1")
        line = session.exec(select(PlanLine)).first()
        _sees(invariants.check_channels, session, line, channel="donation")
        _sees(invariants.check_payments, session, line, cancelled_on=date(2025, 1, 1))
        paper = session.exec(select(Document).where(col(Document.kind) == "approval_document")).one()
        _sees(invariants.check_papers, session, paper, kind="another")
        waits = session.exec(select(WorkItem).where(col(WorkItem.kind) == "acceptance.self_check")).one()
        _sees(invariants.check_work, session, waits, status="open", resolves_with="delivery.complete")
    with whole_life.scene("delivery.record_services", tmp_path) as scene, Session(scene.services.engine) as session:
        session.connection(execution_options={"writing": True})
        _sees(invariants.check_owners, session, session.exec(select(Contract)).one(), state="terminated")


def _sees(check: Callable[[Session], None], session: Session, row: object, **changes: object) -> None:
    """Change a row behind everybody's back: the check must fail, and hold again when the row is as it was."""
    before = {name: getattr(row, name) for name in changes}
    for name, value in changes.items():
        setattr(row, name, value)
    with pytest.raises(AssertionError):
        check(session)
    for name, value in before.items():
        setattr(row, name, value)
    check(session)
    session.rollback()
    session.connection(execution_options={"writing": True})
