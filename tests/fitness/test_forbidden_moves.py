"""The transition matrix in a living database: what it does not allow is refused, whoever asks with whatever arguments.

The Huangshi case is played; at every new combination of states every command that moves something is tried as a dry run
by somebody who may call it, with the arguments the case itself gives it at its proper time. Where the matrix has no
move from the present states, the command must be refused and nothing may have changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import Session

from models.commands.door import execute
from models.context import Services
from models.core.actors import Actor
from models.core.errors import LifecycleError
from models.core.ids import derive_id
from models.rules.lifecycle import UNBORN, Thing
from models.tables.contract import Contract
from models.tables.funding import PlanLine
from models.tables.kernel import Attempt, Event, Project
from models.tables.procurement import Procurement
from portal.cli.replay import load_case, opened
from portal.replay.case import Step, UnresolvedReferenceError, resolve
from portal.replay.runner import StepReport, play
from tests.fitness.modules import ROOT
from tests.models.rules.transition_matrix import matrix

_CASE = ROOT / "portal" / "cases" / "huangshi-2016.yaml"
_TABLES = {
    Thing.PROJECT: Project,
    Thing.PLAN_LINE: PlanLine,
    Thing.PROCUREMENT: Procurement,
    Thing.CONTRACT: Contract,
}
# Moves the case never makes, with what they would be asked with.
_NOT_IN_THE_CASE: dict[str, dict[str, Any]] = {
    "application.return_for_correction": {"project": "$project", "gaps": ["合成缺项"]},
    "application.supersede": {"project": "$project", "reason": "合成理由"},
    "application.withdraw": {"project": "$project", "reason": "合成理由"},
    "decision.modify": {"project": "$project", "changes": {"name": "合成改名"}, "reason": "合成理由"},
    "decision.void_number": {"project": "$project", "reason": "合成理由"},
    "funding.cancel_line": {"plan_line": "$line", "reason": "合成理由"},
    "procurement.cancel": {"procurement": "$procurement", "reason": "合成理由"},
    "procurement.withdraw_award": {"procurement": "$procurement", "cause": "declined", "reason": "合成理由"},
    "contract.terminate": {"contract": "$contract", "reason": "合成理由"},
    "midterm.decide": {"project": "$project", "disposition": "STOP", "basis": "合成理由", "consulted": ()},
    "delivery.refer_project": {"project": "$project", "basis": "合成理由"},
    "review.close_round": {"round": "$round", "opinion": "合成意见"},
    "archive.close_project": {"project": "$project"},
}
# Ends that need an objection or a filed opinion of their own, and the objection itself, which when late is taken as a
# petition that moves nothing; tried in the tests of publicity and of signing.
_ELSEWHERE = {
    *("publicity.raise_objection", "publicity.answer_objection", "publicity.withdraw_objection"),
    "review.sign_opinion",
    "acceptance.overturn",  # after the evaluation it moves nothing and is on record (test_overturn)
}

States = Mapping[Thing, frozenset[str]]


@dataclass
class Trial:
    """The commands tried so far: which were refused at which states, and which were not."""

    services: Services
    asked: dict[str, tuple[Mapping[str, Any], Actor]]
    saved: dict[str, Any] = field(default_factory=dict)
    seen: set[tuple[tuple[Thing, tuple[str, ...]], ...]] = field(default_factory=set)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    let_through: list[str] = field(default_factory=list)

    def states(self) -> States:
        """Return the states in which each kind of thing stands now."""
        with Session(self.services.engine) as session:
            return {
                thing: frozenset(session.execute(select(model.__table__.c.state)).scalars())  # type: ignore[attr-defined]
                for thing, model in _TABLES.items()
            }

    def try_all(self, on: date) -> None:
        """Try every move the matrix does not allow at the present states, once for each combination of states."""
        states = self.states()
        key = tuple((thing, tuple(sorted(found))) for thing, found in states.items())
        if key in self.seen:
            return
        self.seen.add(key)
        before = self._counts()
        for command in self._forbidden(states):
            self._try(command, on, states)
        if self._counts() != before:
            self.let_through.append(f"something was written at {key}")

    def _forbidden(self, states: States) -> Iterator[str]:
        for command in sorted(matrix().moving() - _ELSEWHERE):
            sources = {thing: matrix().sources(command, thing) for thing in Thing}
            if any(UNBORN in names for names in sources.values()):
                continue  # births hang on no state of their own; their gates are tested with their stages
            if not any(sources[thing] & states[thing] for thing in Thing):
                yield command

    def _try(self, command: str, on: date, states: States) -> None:
        given, actor = self.asked[command]
        try:
            arguments = resolve(given, self.saved)
        except UnresolvedReferenceError:
            return  # what it would move is not born yet
        where = ", ".join(f"{thing}.{state}" for thing, found in states.items() for state in sorted(found))
        try:
            execute(
                self.services,
                name=command,
                arguments=arguments,
                actor=actor,
                as_of=on,
                command_id=derive_id("cmd", "trial", command, where),
                dry_run=True,
            )
        except LifecycleError as fault:
            if fault.family == "refused":
                self.refused.append((command, where, fault.rule or fault.code))
                return
            self.let_through.append(f"{command} at {where}: {fault.family} {fault.code}")
        else:
            self.let_through.append(f"{command} at {where}")

    def _counts(self) -> tuple[int, ...]:
        with Session(self.services.engine) as session:
            return tuple(
                session.execute(select(func.count()).select_from(model)).scalar_one() for model in (Event, Attempt)
            )


def _asked(steps: tuple[Step, ...]) -> dict[str, tuple[Mapping[str, Any], Actor]]:
    """Return for each moving command what, and by whom, the case asks it when it succeeds (else when it is refused)."""
    found: dict[str, tuple[Mapping[str, Any], Actor]] = {
        command: (given, Actor(min(matrix().roles[command]), "u-trial")) for command, given in _NOT_IN_THE_CASE.items()
    }
    for step in steps:
        refused = isinstance(step.expect, Mapping) and "refused" in step.expect
        if step.verb == "do" and step.name in matrix().moving() and (step.name not in found or not refused):
            found[step.name] = (step.arguments, step.actor)
    return found


@pytest.mark.xdist_group("replay")
def test_whatever_the_matrix_does_not_allow_is_refused_in_every_state_of_the_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    case = load_case(_CASE)

    with opened(case, recorded=False) as (services, launcher, _home):
        trial = Trial(services, _asked(case.steps))

        def after(report: StepReport) -> None:
            save = case.steps[report.number - 1].save
            if save is not None and report.outcome == "ok":
                trial.saved[save] = report.result
            trial.try_all(report.on)

        report = play(case, services=services, launcher=launcher, on_step=after)

    assert [
        f"{step.line} {step.name}: {step.message or step.mismatches}" for step in report.steps if not step.held
    ] == []
    assert trial.let_through == [], "\n".join(trial.let_through)
    assert set(trial.asked) >= matrix().moving() - _ELSEWHERE - _births()
    assert {command for command, _, _ in trial.refused} >= matrix().moving() - _ELSEWHERE - _births()
    rules = [rule for _, _, rule in trial.refused]
    assert "SYS-ROLE" not in rules, "a refusal by role proves nothing about states"
    assert rules.count("SYS-STATE") > len(rules) // 2


def _births() -> set[str]:
    return {move.command for move in matrix().moves if move.source == UNBORN}
