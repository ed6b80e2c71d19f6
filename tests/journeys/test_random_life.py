"""Random legal and illegal commands over the whole lifecycle: whatever is tried, what must always hold holds.

The commands are the steps of ``zunyi-whole-life``: the next one as told, or any one again, out of turn, by another
role, on another day, with another amount, without an argument, about something else. Each is carried out or refused
with a reason and a way out; nothing else may happen, and the invariants are checked on the database after each.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlmodel import Session, col, select

from models.commands.door import ask
from models.core.actors import Actor, Role
from models.queries.ledger_check import faults_of
from models.tables.contract import Contract
from models.tables.feasibility import CostEstimate
from models.tables.funding import Payment, PlanLine, ProgressCheck
from models.tables.kernel import Document, Event, Project
from models.tables.procurement import Procurement
from portal.replay.case import Step
from portal.replay.runner import play
from tests.journeys.conftest import LIFE_STANDS
from tests.journeys.story import Scene, Story

pytestmark = pytest.mark.xdist_group("whole-life")

_MONEY: Final = {"amount", "price", "budget", "total", "percent", "verified_percent", "spent"}
_LEFT_BY: Final[dict[str, str]] = {
    "reviewed": "review_opinion",
    "on_publicity": "publicity_notice",
    "decided": "decision_opinion",
    "approved": "approval_document",
    "planned": "investment_plan_notice",
    "accepted": "acceptance_conclusion",
    "evaluated": "evaluation_report",
}
"""State that a project has once been in → a paper it cannot have been in it without."""
_PAYABLE: Final = ("issued", "paid", "closed")


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


class Life(RuleBasedStateMachine):
    """One life from one stand on; each example has a database of its own. The test says whose story, and where."""

    story: ClassVar[Story]
    folder: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.scene: Scene | None = None
        self.tried = len(self.story.case.steps)

    @initialize(start=st.sampled_from(LIFE_STANDS))
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
        step = self.story.case.steps[which % len(self.story.case.steps)]
        self.tried += 1
        self._tries(self.scene, replace(step, number=self.tried, **twist(step, dice, self.scene.saved)))

    def _tries(self, scene: Scene, step: Step) -> None:
        known = scene.known(replace(step, on=max(step.on, self.story.case.start), expect="ok"))
        case = replace(self.story.case, steps=(known,))
        (report,) = play(case, services=scene.services, launcher=scene.launcher).steps
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
                assert faults_of(session) == ()
                check_states(session)
                check_payments(session)
                check_papers(session)

    def teardown(self) -> None:
        if self.scene is not None:
            actor, today = Actor(Role.AUDIT_BODY, "u-audit"), self.scene.services.clock.now().date()
            checked = ask(self.scene.services, name="chains.verify", arguments={}, actor=actor, as_of=today)
            self.stack.close()
            assert checked.ok, checked.first_bad


def test_whatever_is_tried_the_invariants_hold(whole_life: Story, tmp_path: Path) -> None:
    Life.story, Life.folder = whole_life, tmp_path
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=12,
            stateful_step_count=16,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def check_states(session: Session) -> None:
    """Every thing is in the state its chain last moved it to; a line is issued once; who is served has one contract."""
    chain = session.exec(select(Event).where(col(Event.stream_kind) == "project").order_by(col(Event.seq))).all()
    moved: dict[tuple[str, str], str] = {}
    issued: list[str] = []
    for event in chain:
        if "to" in event.payload:
            thing = event.type.split(".", 1)[0]
            moved[thing, event.payload[f"{thing}_id"]] = event.payload["to"]
            issued += [event.payload["plan_line_id"]] if event.type == "plan_line.issued" else []
    kinds: tuple[tuple[str, type[Project | PlanLine | Procurement | Contract]], ...] = (
        ("project", Project),
        ("plan_line", PlanLine),
        ("procurement", Procurement),
        ("contract", Contract),
    )
    stand = {(thing, row.id): row.state for thing, model in kinds for row in session.exec(select(model)).all()}
    assert stand == moved
    assert len(issued) == len(set(issued))
    running = [row.project_id for row in session.exec(select(Contract).where(col(Contract.state) == "running")).all()]
    assert len(running) == len(set(running))
    under_way = {id_ for (thing, id_), state in stand.items() if thing == "project" and state == "in_progress"}
    owned = running + [row.project_id for row in session.exec(select(Contract)).all() if row.state == "terminated"]
    assert under_way <= set(owned)


def check_payments(session: Session) -> None:
    """No payment without its four parts, none above what was verified (ZY-112)."""
    paid: dict[str, int] = {}
    for payment in session.exec(select(Payment).order_by(col(Payment.paid_on), col(Payment.id))).all():
        line, contract = session.get_one(PlanLine, payment.plan_line_id), session.get_one(Contract, payment.contract_id)
        assert line.state in _PAYABLE
        assert line.project_id == contract.project_id == payment.project_id
        assert session.exec(select(CostEstimate).where(col(CostEstimate.project_id) == payment.project_id)).first()
        paid[contract.id] = paid.get(contract.id, 0) + payment.amount_fen
        checks = session.exec(select(ProgressCheck).where(col(ProgressCheck.contract_id) == contract.id)).all()
        verified = max(Decimal(check.percent) for check in checks)
        assert paid[contract.id] * 100 <= verified * contract.price_fen


def check_papers(session: Session) -> None:
    """No state without its documents."""
    kinds: dict[str, set[str]] = {}
    for project, kind in session.exec(select(Document.project_id, Document.kind)).all():
        kinds.setdefault(project or "", set()).add(kind)
    entered = session.exec(select(Event).where(col(Event.type).startswith("project."))).all()
    for event in entered:
        wanted = _LEFT_BY.get(str(event.payload.get("to")))
        shared = kinds.get("", set())
        if wanted:
            assert any(kind.startswith(wanted) for kind in kinds.get(event.stream_id, set()) | shared), event.payload


def test_the_checks_see_what_they_are_for(whole_life: Story, tmp_path: Path) -> None:
    """A check that cannot fail proves nothing: each sees the one change made behind the commands' back."""
    with whole_life.scene("acceptance.conclude", tmp_path) as scene, Session(scene.services.engine) as session:
        session.connection(execution_options={"writing": True})
        check_states(session)
        check_payments(session)
        check_papers(session)
        project = session.exec(select(Project)).one()
        project.state = "archived"
        with pytest.raises(AssertionError):
            check_states(session)
        session.rollback()
        session.connection(execution_options={"writing": True})
        check = session.exec(select(ProgressCheck).order_by(col(ProgressCheck.ordinal))).first()
        assert check is not None
        check.percent = "1"
        with pytest.raises(AssertionError):
            check_payments(session)
        session.rollback()
        session.connection(execution_options={"writing": True})
        for paper in session.exec(select(Document).where(col(Document.kind).startswith("approval_document"))).all():
            session.delete(paper)
        with pytest.raises(AssertionError):
            check_papers(session)
        session.rollback()
