"""The door: who may call, what is kept of a refused call, and a dry run that leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func
from sqlmodel import Session, select

from models.commands.door import ask, execute
from models.core.actors import Actor, Role
from models.core.errors import Conflict, DataFault, LifecycleError, Refusal, Transient
from models.core.hashing import digest
from models.core.ids import derive_id
from models.core.registry import operations
from models.tables import metadata
from models.tables.kernel import Attempt
from tests.models.rules.transition_matrix import matrix
from tests.support.fakes import MemoryDocumentStore
from tests.support.world import World, open_world

_DAY = date(2016, 1, 4)
_OFFICE = Actor(Role.EVALUATION_OFFICE, "u-office")
_ENTRY = {"name": "合成项目", "needs": ["need-1"], "policies": ["合成政策"]}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = open_world(tmp_path)
    world.clock.day = _DAY
    yield world
    world.services.engine.dispose()


def _call(world: World, name: str, arguments: dict[str, Any], *, actor: Actor = _OFFICE, **more: Any) -> Any:
    call = more.pop("call", "1")
    return execute(
        world.services,
        name=name,
        arguments=arguments,
        actor=actor,
        as_of=_DAY,
        command_id=derive_id("cmd", call),
        **more,
    )


def _attempts(world: World) -> list[Attempt]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(Attempt)).all())


def _counts(world: World) -> dict[str, int]:
    with world.services.engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata().tables.items()
        }


def _objects(world: World) -> int:
    assert isinstance(world.services.documents, MemoryDocumentStore)
    return world.services.documents.writes


def test_a_refused_call_is_kept_with_its_input_sealed_and_a_digest(world: World) -> None:
    arguments = {"name": "张某某救助合成项目"}

    with pytest.raises(Refusal) as caught:
        _call(world, "library.enter_project", arguments)

    (attempt,) = _attempts(world)
    assert (attempt.command, attempt.actor, attempt.as_of) == ("library.enter_project", str(_OFFICE), _DAY)
    assert (attempt.family, attempt.code, attempt.rule) == ("refused", caught.value.code, caught.value.rule)
    assert attempt.code == "library.link_missing"
    assert attempt.recorded_at == "2016-01-04T09:00:00+08:00"
    assert json.loads(world.services.vault.open(attempt.input_sealed)) == {"arguments": arguments}
    assert attempt.input_digest == digest({"arguments": arguments})
    assert "张某某" not in attempt.input_sealed


def test_a_wrong_argument_is_kept_with_its_place_and_without_its_value(world: World) -> None:
    with pytest.raises(Refusal) as caught:
        _call(world, "library.enter_project", {"name": "x", "nmae": "打错的字段", "needs": 1.5})

    (attempt,) = _attempts(world)
    assert (caught.value.code, caught.value.rule) == ("door.arguments_invalid", "SYS-ARGUMENTS")
    assert {detail["field"] for detail in attempt.details} == {"name", "nmae", "needs"}
    assert "打错的字段" not in json.dumps(attempt.details, ensure_ascii=False)


def _nested(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("\ud800", "name"),
        ("x\x00y", "name"),
        (10**5000, "name"),
        ("字" * 100_001, "name"),
        ({"\udcff": 1}, "name.?"),
        (_nested(60_000), None),
    ],
    ids=["half a character", "control", "large number", "long text", "half a character in a key", "deep"],
)
def test_what_no_record_could_hold_is_refused_and_kept_readable(world: World, name: object, field: str | None) -> None:
    with pytest.raises(Refusal) as caught:
        _call(world, "library.enter_project", _ENTRY | {"name": name})

    (attempt,) = _attempts(world)
    assert (caught.value.code, caught.value.rule) == ("door.arguments_invalid", "SYS-ARGUMENTS")
    assert field is None or [detail["field"] for detail in attempt.details] == [field]
    assert set(json.loads(world.services.vault.open(attempt.input_sealed))["arguments"]) == set(_ENTRY)


def test_a_query_refuses_what_no_record_could_hold(world: World) -> None:
    with pytest.raises(Refusal) as caught:
        world.ask("project.status", project="\ud800", on=_DAY)

    assert caught.value.code == "door.arguments_invalid"


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2200, 1, 1), date.max, date.min])
def test_a_day_out_of_range_is_refused_and_kept(world: World, day: date) -> None:
    with pytest.raises(Refusal) as caught:
        execute(
            world.services,
            name="library.enter_project",
            arguments=_ENTRY,
            actor=_OFFICE,
            as_of=day,
            command_id=derive_id("cmd", "1"),
        )
    with pytest.raises(Refusal):
        ask(world.services, name="project.status", arguments={"project": "x"}, actor=_OFFICE, as_of=day)

    assert (caught.value.code, caught.value.rule) == ("door.date_out_of_range", "SYS-DATE")
    assert [attempt.as_of for attempt in _attempts(world)] == [day]


@pytest.mark.parametrize(
    "account", ["", "-x", "张三", "u office", "u" * 65, "u\n", "13812345678", "u-11010519491231002X"]
)
def test_an_account_that_may_be_a_person_is_refused_and_not_written_down(world: World, account: str) -> None:
    with pytest.raises(Refusal) as caught:
        _call(world, "library.enter_project", _ENTRY, actor=Actor(Role.EVALUATION_OFFICE, account))

    assert (caught.value.code, caught.value.rule) == ("door.actor_id", "SYS-ACTOR")
    assert [attempt.actor for attempt in _attempts(world)] == ["evaluation_office:?"]
    assert not account or account not in caught.value.message


def test_the_way_out_says_kept_only_when_it_was_kept(world: World) -> None:
    with pytest.raises(Refusal) as tried:
        _call(world, "library.enter_project", {"nmae": "x"}, dry_run=True)
    with pytest.raises(Refusal) as done:
        _call(world, "library.enter_project", {"nmae": "x"})

    assert "留存" not in tried.value.way_out
    assert "本次填报已留存" in done.value.way_out


def test_a_refused_role_is_kept_too(world: World) -> None:
    with pytest.raises(Refusal) as caught:
        _call(world, "library.enter_project", _ENTRY, actor=Actor(Role.CONTRACTOR, "u-c"))

    assert (caught.value.code, caught.value.rule) == ("door.role_not_allowed", "SYS-ROLE")
    assert "承接主体" in caught.value.message
    assert [attempt.rule for attempt in _attempts(world)] == ["SYS-ROLE"]


def test_the_same_refused_call_twice_is_kept_once(world: World) -> None:
    for _ in range(2):
        with pytest.raises(Refusal):
            _call(world, "library.enter_project", {"name": "合成项目"})

    assert len(_attempts(world)) == 1


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        (Conflict("kernel.changed_meanwhile"), ["conflict"]),
        (DataFault("storage.missing", facts={"zone": "archive", "sha256": "0" * 64}), ["fault"]),
        (Transient("kernel.database_away"), []),
    ],
)
def test_conflicts_and_faults_are_kept_and_passing_trouble_is_not(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: LifecycleError, kept: list[str]
) -> None:
    """Only what may pass by itself leaves no attempt: it will be tried again under the same id."""

    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(world.services.policies.__class__, "resolve", fail)

    with pytest.raises(type(fault)):
        _call(world, "library.enter_project", _ENTRY)

    assert [attempt.family for attempt in _attempts(world)] == kept


def test_a_call_that_succeeds_leaves_no_attempt(world: World) -> None:
    _call(world, "library.enter_project", _ENTRY)

    assert _attempts(world) == []


def test_a_call_repeated_under_its_id_is_done_once(world: World) -> None:
    first = _call(world, "library.enter_project", _ENTRY)

    assert _call(world, "library.enter_project", _ENTRY) == first
    assert _counts(world)["project"] == 1
    assert world.ask("project.status", project=first.id, on=_DAY).state == "project.in_library"


def test_a_dry_run_that_succeeds_leaves_nothing(world: World) -> None:
    before, objects = _counts(world), _objects(world)

    result = _call(world, "library.enter_project", _ENTRY, dry_run=True)
    _call(world, "chains.anchor", {}, dry_run=True)
    _call(world, "work.sweep_deadlines", {}, dry_run=True)

    assert result.state == "project.in_library"
    assert _counts(world) == before
    assert _objects(world) == objects


def test_a_dry_run_that_is_refused_leaves_no_attempt(world: World) -> None:
    before = _counts(world)

    with pytest.raises(Refusal):
        _call(world, "library.enter_project", {"name": "合成项目"}, dry_run=True)
    with pytest.raises(Refusal):
        _call(world, "library.enter_project", _ENTRY, actor=Actor(Role.PUBLIC, "u"), dry_run=True)

    assert _counts(world) == before


def test_an_unknown_command_is_a_usage_error_and_queries_are_not_commands(world: World) -> None:
    for name in ("library.enter_projekt", "project.status"):
        with pytest.raises(LookupError):
            _call(world, name, {})
    with pytest.raises(LookupError):
        ask(world.services, name="library.enter_project", arguments={}, actor=_OFFICE, as_of=_DAY)

    assert _attempts(world) == []


def test_every_command_lets_in_the_listed_roles_and_refuses_all_others(world: World) -> None:
    """All commands times all roles, through the door: who is not in the hand-written matrix is turned away first."""
    wrong = []
    for command, allowed in matrix().roles.items():
        for role in Role:
            with pytest.raises(Refusal) as caught:
                _call(world, command, {"no such argument": 1}, actor=Actor(role, "u-any"), dry_run=True)
            if caught.value.rule != ("SYS-ARGUMENTS" if role in allowed else "SYS-ROLE"):
                wrong.append(f"{command} as {role}: {caught.value.rule}")
    assert not wrong, "\n".join(wrong)


def test_rehearsal_commands_are_refused_in_production(world: World) -> None:
    object.__setattr__(world.services, "rehearsal", False)
    names = [name for name, operation in operations().items() if operation.rehearsal_only]

    for name in names:
        with pytest.raises(Refusal) as caught:
            _call(world, name, {}, call=name)
        assert (caught.value.code, caught.value.rule) == ("door.rehearsal_only", "SYS-REHEARSAL")


def test_a_second_write_transaction_in_one_command_is_a_bug(world: World) -> None:
    from models.context import Context

    context = Context(world.services, _OFFICE, _DAY, "test.twice", "cmd-1")
    with context.writing():
        pass

    with pytest.raises(RuntimeError, match="second write transaction"), context.writing():
        pass


@pytest.mark.parametrize("amount", ["1000000000000.01", "-1000000000000.01", 2**62])
@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("application.submit", lambda amount: {"plan_book": {"total": amount}}),
        (
            "application.submit",
            lambda amount: {"plan_book": {"budget": [{"category": "x", "channel": "y", "amount": amount}]}},
        ),
        ("feasibility.estimate_cost", lambda amount: {"inputs": {"price": amount}}),
        ("feasibility.estimate_cost", lambda amount: {"total": amount}),
    ],
)
def test_an_amount_that_is_a_typing_error_is_refused_by_its_field(
    command: str, fields: Callable[[object], dict[str, object]], amount: object
) -> None:
    with pytest.raises(ValidationError) as caught:
        operations()[command].arguments.model_validate(fields(amount))

    assert "money.beyond_ceiling" in {error["type"] for error in caught.value.errors()}


def test_a_blank_text_inside_an_argument_is_refused_like_one_at_the_top(world: World) -> None:
    items = [{"code": "c", "name": " \u3000 "}]

    with pytest.raises(Refusal) as caught:
        _call(world, "feasibility.review_content", {"project": "prj-1", "items": items})

    assert [detail.field for detail in caught.value.details] == ["items.0.name"]


def _in_production(world: World, *, on: date, actor: Actor = _OFFICE, name: str = "needs.open_survey") -> str:
    """Call a command without arguments outside a rehearsal, on 4 January; return the rule that refused it."""
    with pytest.raises(Refusal) as caught:
        execute(
            replace(world.services, rehearsal=False),
            name=name,
            arguments={"no such argument": 1},
            actor=actor,
            as_of=on,
            command_id=derive_id("cmd", on.isoformat()),
        )
    return str(caught.value.rule)


def test_a_day_that_has_not_come_is_refused_in_production_and_kept(world: World) -> None:
    assert _in_production(world, on=date(2016, 1, 5)) == "SYS-DATE-FUTURE"
    assert [attempt.code for attempt in _attempts(world)] == ["kernel.date_in_future"]

    for day in (_DAY, date(2016, 1, 3)):  # today, and a flow that starts late
        assert _in_production(world, on=day) == "SYS-ARGUMENTS"


@pytest.mark.parametrize(
    ("name", "actor", "rule"),
    [
        ("review.submit_score", Actor(Role.EXPERT, "x-1"), "SYS-DATE-PAST"),
        ("publicity.raise_objection", Actor(Role.PUBLIC, "u-any"), "SYS-DATE-PAST"),
        ("publicity.raise_objection", _OFFICE, "SYS-ARGUMENTS"),
    ],
)
def test_a_late_score_or_objection_is_not_dated_back_but_the_office_enters_a_letter(
    world: World, name: str, actor: Actor, rule: str
) -> None:
    assert _in_production(world, on=date(2016, 1, 3), actor=actor, name=name) == rule
    assert _in_production(world, on=_DAY, actor=actor, name=name) == "SYS-ARGUMENTS"
