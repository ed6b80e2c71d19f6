"""The transition table against the hand-written matrix: every command, role, thing and state; all else must refuse."""

from __future__ import annotations

import pytest

import models.commands.door  # noqa: F401  # registers every command
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.registry import OperationKind, operations
from models.rules import lifecycle
from models.rules.lifecycle import TRANSITIONS, UNBORN, Thing, state_name, states
from tests.models.rules.transition_matrix import Allowed, matrix


def _commands() -> dict[str, frozenset[Role]]:
    return {
        name: operation.roles for name, operation in operations().items() if operation.kind is OperationKind.COMMAND
    }


def test_the_matrix_knows_every_command_and_no_other() -> None:
    registered, listed = set(_commands()), set(matrix().roles)

    assert sorted(registered - listed) == [], "registered, but nobody wrote down who may call it"
    assert sorted(listed - registered) == [], "written down, but not registered"


def test_every_command_is_open_to_the_listed_roles_and_no_other() -> None:
    """All commands times all roles."""
    differences = [
        f"{command}: {role} {'may, but is not listed' if role in allowed else 'is listed, but may not'}"
        for command, allowed in sorted(_commands().items())
        for role in Role
        if (role in allowed) != (role in matrix().roles.get(command, frozenset()))
    ]
    assert not differences, "\n".join(differences)


def test_the_table_holds_the_listed_moves_and_no_other() -> None:
    """All moves with their outcomes, source by source."""
    table = {
        Allowed(move.command, move.thing, source, move.target, move.outcome)
        for move in TRANSITIONS
        for source in move.sources
    }

    assert sorted(map(str, table - matrix().moves)) == [], "in the table, but not listed"
    assert sorted(map(str, matrix().moves - table)) == [], "listed, but not in the table"


def test_every_other_move_is_refused() -> None:
    """Every command, outcome and thing from every state: exactly the listed moves are found, the rest is SYS-STATE."""
    listed = {(move.thing, move.command, move.outcome, move.source): move.target for move in matrix().moves}
    wrong = []
    for thing, command, outcome in sorted({(move.thing, move.command, move.outcome) for move in TRANSITIONS}):
        for state in (UNBORN, *states(thing)):
            expected = listed.get((thing, command, outcome, state), "refused: SYS-STATE")
            found = _found(thing, command, outcome, state)
            if found != expected:
                wrong.append(f"{command} [{outcome}] on {thing}.{state or 'unborn'}: {found}, expected {expected}")
    assert not wrong, "\n".join(wrong)


def _found(thing: Thing, command: str, outcome: str, state: str) -> str:
    try:
        return lifecycle.find(thing=thing, command=command, state=state, outcome=outcome).target
    except Refusal as refusal:
        return f"refused: {refusal.rule}"


@pytest.mark.parametrize("thing", Thing)
def test_the_early_check_agrees_with_the_table(thing: Thing) -> None:
    """``check_in_state`` lets through exactly the states from which some outcome of the command can move the thing."""
    for command in sorted(matrix().moving()):
        passed = {state for state in (UNBORN, *states(thing)) if _passes(thing, command, state)}

        assert passed == matrix().sources(command, thing), command


def _passes(thing: Thing, command: str, state: str) -> bool:
    try:
        lifecycle.check_in_state(thing=thing, command=command, state=state)
    except Refusal:
        return False
    return True


def test_one_state_and_outcome_lead_to_one_target_only() -> None:
    keys = [(move.thing, move.command, move.outcome, source) for move in TRANSITIONS for source in move.sources]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("thing", Thing)
def test_every_state_can_be_reached_and_is_named(thing: Thing) -> None:
    moves = [move for move in TRANSITIONS if move.thing is thing]
    reached = {UNBORN}
    while True:
        further = reached | {move.target for move in moves if move.sources & reached}
        if further == reached:
            break
        reached = further

    assert reached == {UNBORN, *states(thing)}
    assert all(state_name(thing=thing, state=state) for state in states(thing))
    assert {source for move in moves for source in move.sources} <= reached


def test_every_thing_is_born_by_exactly_one_command_but_a_plan_line_by_a_scenario_too() -> None:
    births = [(move.thing, move.command) for move in TRANSITIONS if UNBORN in move.sources]

    assert sorted(thing for thing, command in births if command != "funding.adopt_scenario") == sorted(Thing)


def test_an_archived_project_moves_no_more() -> None:
    final = {"archived", "rejected", "withdrawn"}

    assert [move for move in TRANSITIONS if move.thing is Thing.PROJECT and move.sources & final] == []


def test_money_can_only_be_planned_for_what_was_approved_and_paid_for_what_was_issued() -> None:
    """The chain of permissions: decided before approved, approved before planned, signed before issued before paid."""
    sources = matrix().sources

    assert sources("decision.approve", Thing.PROJECT) == {"decided"}
    assert sources("funding.issue_plan", Thing.PROJECT) == {"approved"}
    assert sources("funding.issue_plan", Thing.PLAN_LINE) == {"signed"}
    assert sources("funding.pay", Thing.PLAN_LINE) == {"issued"}
    assert sources("archive.close_project", Thing.PROJECT) == {"audited"}


def test_a_refusal_names_the_state_and_where_the_command_works() -> None:
    refusal = lifecycle.not_in_state(thing=Thing.PROJECT, command="archive.close_project", state="in_library")

    assert refusal.code == "lifecycle.not_in_state"
    assert refusal.facts["state"] == "入库"
    assert refusal.facts["allowed"] == "已备案审计"
    assert refusal.way_out


def test_a_command_without_a_move_for_the_thing_is_a_bug() -> None:
    with pytest.raises(LookupError):
        lifecycle.find(thing=Thing.CONTRACT, command="library.enter_project", state="signed")
    with pytest.raises(LookupError):
        lifecycle.find(thing=Thing.PROJECT, command="feasibility.appraise", state="submitted", outcome="maybe")


def test_a_command_that_moves_nothing_can_be_bound_to_states() -> None:
    lifecycle.check_state_in(
        thing=Thing.PROJECT, command="review.open_round", state="candidate", allowed=("candidate",)
    )
    with pytest.raises(Refusal) as caught:
        lifecycle.check_state_in(
            thing=Thing.PROJECT, command="review.open_round", state="archived", allowed=("candidate", "reviewed")
        )

    assert caught.value.rule == "SYS-STATE"
    assert caught.value.facts["allowed"] == "备选、已评审"
