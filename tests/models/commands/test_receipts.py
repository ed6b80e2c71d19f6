"""A call that is sent again works once: by its command id, and for some commands by its content of the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import func
from sqlmodel import Session, select

from models.commands import receipts
from models.commands.door import execute
from models.context import Context
from models.core.actors import Actor, Role
from models.core.errors import Conflict, DataFault
from models.core.registry import Once, OperationKind, operations
from models.tables import metadata
from models.tables.kernel import Receipt
from tests.support.world import World, copy_world, open_world

_DAY = date(2016, 1, 4)
_OFFICE = Actor(Role.EVALUATION_OFFICE, "u-office")
_ENTRY = {"name": "合成项目", "needs": ["need-1"], "policies": ["合成政策"]}
_SURVEY = {"title": "合成摸底", "classes": ["URBAN_DIBAO", "RURAL_DIBAO", "RURAL_WUBAO"], "scope": "全市"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = open_world(tmp_path)
    world.clock.day = _DAY
    yield world
    world.services.engine.dispose()


def _send(world: World, id_: str, name: str, arguments: dict[str, Any], **more: Any) -> Any:
    call: dict[str, Any] = {"actor": _OFFICE, "as_of": _DAY, "once": True} | more
    return execute(world.services, name=name, arguments=arguments, command_id=id_, **call)


def _counts(world: World) -> dict[str, int]:
    with world.services.engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata().tables.items()
        }


def _receipt(world: World, id_: str) -> Receipt:
    with Session(world.services.engine) as session:
        return session.get_one(Receipt, id_)


def test_a_call_sent_again_gets_its_first_result_and_writes_nothing(world: World) -> None:
    first = _send(world, "cmd-a", "library.enter_project", _ENTRY)
    before = _counts(world)

    again = _send(world, "cmd-a", "library.enter_project", _ENTRY)

    assert again == first
    assert _counts(world) == before


def test_it_is_told_again_after_a_restart(world: World, tmp_path: Path) -> None:
    first = _send(world, "cmd-a", "library.enter_project", _ENTRY)

    assert _send(copy_world(world, tmp_path), "cmd-a", "library.enter_project", _ENTRY) == first


def test_a_command_of_any_kind_can_be_sent_again(world: World) -> None:
    """Not only those that may be given once a day: here one that writes only when something is due."""
    first = _send(world, "cmd-a", "work.sweep_deadlines", {}, actor=Actor(Role.SYSTEM, "scheduler"))

    assert _send(world, "cmd-a", "work.sweep_deadlines", {}, actor=Actor(Role.SYSTEM, "scheduler")) == first


@pytest.mark.parametrize(
    "other",
    [
        {"arguments": _ENTRY | {"name": "合成项目二"}},
        {"actor": Actor(Role.CITY_BUREAU, "u-city")},
        {"as_of": date(2016, 1, 5)},
        {"name": "needs.open_survey", "arguments": _SURVEY},
    ],
)
def test_another_call_under_the_same_id_is_a_conflict(world: World, other: dict[str, Any]) -> None:
    _send(world, "cmd-a", "library.enter_project", _ENTRY)
    call: dict[str, Any] = {"name": "library.enter_project", "arguments": _ENTRY} | other

    with pytest.raises(Conflict) as caught:
        _send(world, "cmd-a", call.pop("name"), call.pop("arguments"), **call)

    assert (caught.value.code, caught.value.exit_code) == ("kernel.command_id_taken", 11)
    assert _counts(world)["project"] == 1


def test_what_came_of_a_call_is_sealed(world: World) -> None:
    result = _send(world, "cmd-a", "library.enter_project", _ENTRY)

    receipt = _receipt(world, "cmd-a")
    assert receipt.outcome_sealed is not None
    assert result.id not in receipt.outcome_sealed
    assert result.id in world.services.vault.open(receipt.outcome_sealed)


def test_a_call_cut_off_after_its_work_is_not_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(receipts, "_close", lambda *_: None)
        _send(world, "cmd-a", "library.enter_project", _ENTRY)

    with pytest.raises(Conflict) as caught:
        _send(world, "cmd-a", "library.enter_project", _ENTRY)

    assert caught.value.code == "kernel.outcome_lost"
    assert _counts(world)["project"] == 1


def test_a_refused_call_may_be_sent_again_mended_under_its_id(world: World) -> None:
    world_before = _counts(world)["command_receipt"]
    with pytest.raises(Exception, match="填报内容有误"):
        _send(world, "cmd-a", "library.enter_project", _ENTRY | {"name": ""})

    assert _counts(world)["command_receipt"] == world_before
    assert _send(world, "cmd-a", "library.enter_project", _ENTRY).state == "project.in_library"


def test_a_file_that_failed_its_gate_is_put_apart_once_and_told_again(world: World) -> None:
    survey = _send(world, "cmd-s", "needs.open_survey", _SURVEY).id
    file = world.upload(b"PK\x03\x04 no workbook", name="a.xlsx", media_type="text/csv").model_dump()
    told = []
    for _ in range(2):
        with pytest.raises(DataFault) as caught:
            _send(world, "cmd-a", "needs.import_ledger", {"survey": survey, "file": file})
        told.append((caught.value.code, caught.value.message, caught.value.way_out))

    assert told[0] == told[1]
    assert "隔离" in told[0][2]
    assert _counts(world)["document"] == 1


def test_a_dry_run_keeps_no_receipt(world: World) -> None:
    _send(world, "cmd-a", "library.enter_project", _ENTRY, dry_run=True)

    assert _counts(world)["command_receipt"] == 0
    assert _send(world, "cmd-a", "library.enter_project", _ENTRY).id


@pytest.mark.parametrize(
    ("name", "arguments", "other"),
    [("library.enter_project", _ENTRY, {"name": "合成项目二"}), ("needs.open_survey", _SURVEY, {"scope": "合成区"})],
)
def test_the_same_content_is_taken_once_a_day(
    world: World, name: str, arguments: dict[str, Any], other: dict[str, Any]
) -> None:
    first = _send(world, "cmd-a", name, arguments, once=False)

    with pytest.raises(Conflict) as caught:
        _send(world, "cmd-b", name, arguments, once=False)

    assert (caught.value.code, caught.value.exit_code) == ("kernel.recorded_already", 11)
    assert first.id in caught.value.message
    assert _send(world, "cmd-c", name, arguments | other, once=False).id != first.id
    assert _send(world, "cmd-d", name, arguments, once=False, as_of=date(2016, 1, 5)).id != first.id


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("library.enter_project", _ENTRY), ("needs.open_survey", _SURVEY)],
    ids=["project", "survey"],
)
def test_an_act_of_the_office_is_the_same_whoever_of_the_office_sends_it(
    world: World, name: str, arguments: dict[str, Any]
) -> None:
    first = _send(world, "cmd-a", name, arguments, once=False)
    for id_, colleague in (
        ("cmd-b", Actor(Role.EVALUATION_OFFICE, "u-office-2")),
        ("cmd-c", Actor(Role.CITY_BUREAU, "u-city")),
    ):
        with pytest.raises(Conflict) as caught:
            _send(world, id_, name, arguments, once=False, actor=colleague)
        assert caught.value.code == "kernel.recorded_already"
        assert first.id in caught.value.message


def test_the_same_words_of_two_people_are_two_submissions(world: World) -> None:
    """Two people may raise the same objection, two bodies record the same supervision, on one day."""
    ctx = Context(world.services, Actor(Role.PUBLIC, "u-one"), _DAY, "publicity.raise_objection", "cmd-a")
    other = Context(world.services, Actor(Role.PUBLIC, "u-two"), _DAY, "publicity.raise_objection", "cmd-b")
    objection = operations()["publicity.raise_objection"]
    words = objection.arguments.model_validate({"notice": "ntc-1", "matter": "合成异议内容"})

    keys = [receipts._drafted(one, objection, words).submission for one in (ctx, ctx, other)]

    assert keys[0] == keys[1] != keys[2]


def test_each_once_a_day_command_says_whose_it_is() -> None:
    by_sender = {name for name, one in operations().items() if one.once_a_day is Once.BY_SENDER}

    assert by_sender == {
        "delivery.end_service",
        "delivery.log_referral",
        "monitoring.order_rectification",
        "monitoring.record_supervision",
        "publicity.raise_objection",
    }


def test_what_no_key_of_the_domain_guards_is_taken_once_a_day() -> None:
    assert {name for name, operation in operations().items() if operation.once_a_day} >= {
        "delivery.log_referral",
        "evaluation.record_outcomes",
        "evaluation.set_price_standard",
        "library.enter_project",
        "monitoring.record_supervision",
        "needs.open_survey",
        "publicity.raise_objection",
    }


def test_every_result_can_be_told_again() -> None:
    for operation in operations().values():
        if operation.kind is OperationKind.COMMAND:
            assert isinstance(receipts._result_type(operation), TypeAdapter), operation.name
