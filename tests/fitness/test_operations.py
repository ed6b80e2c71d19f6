"""The registry as doors show it: every operation has a Chinese name, a clause, and arguments a person can fill in."""

from __future__ import annotations

import re

import models.commands.door  # noqa: F401  # registers every operation
from models.core.actors import ROLE_NAMES, Role
from models.core.messages import catalogue
from models.core.registry import operations
from models.rules.lifecycle import TRANSITIONS

_CLAUSE = re.compile(r"(ZY|BJ|FZ|AH|HS)-\d+|LAW-[A-Z0-9]+-\d+|SYS-[A-Z][A-Z-]*")
_NAME = re.compile(r"[a-z_]+\.[a-z_]+")
_CHINESE = re.compile(r"[一-鿿]")


def test_every_operation_has_a_chinese_name_and_every_such_name_an_operation() -> None:
    named = {code.removeprefix("command.") for code in catalogue() if code.startswith("command.")}

    assert sorted(set(operations()) - named) == [], "operations without a label command.<name>"
    assert sorted(named - set(operations())) == [], "labels command.<name> without an operation"


def test_every_role_has_a_chinese_name() -> None:
    assert set(ROLE_NAMES) == set(Role)


def test_every_operation_rests_on_a_clause_and_says_what_it_does() -> None:
    offenders = [
        f"{name}: {operation.clause!r} / {operation.summary!r}"
        for name, operation in operations().items()
        if not _CLAUSE.fullmatch(operation.clause) or not operation.summary or not _NAME.fullmatch(name)
    ]
    assert not offenders, "\n".join(offenders)


def test_every_operation_can_be_called_by_somebody() -> None:
    assert [name for name, operation in operations().items() if not operation.roles] == []


def test_every_schema_can_be_shown() -> None:
    """``lifecycle commands --json`` lists all of them: each must have a JSON Schema that refuses unknown arguments."""
    offenders = [
        name for name, operation in operations().items() if operation.schema().get("additionalProperties") is not False
    ]
    assert not offenders, "\n".join(offenders)


def test_every_move_of_the_table_has_its_command() -> None:
    missing = sorted({move.command for move in TRANSITIONS} - set(operations()))
    assert not missing, f"transitions whose command is not registered: {missing}"


def test_every_argument_says_in_chinese_what_it_is() -> None:
    """Descriptions are what forms and ``lifecycle commands`` show beside an argument."""
    offenders = [
        f"{name}({argument}): {told['description']}"
        for name, operation in sorted(operations().items())
        for argument, told in operation.schema()["properties"].items()
        if not _CHINESE.search(told["description"])
    ]
    assert not offenders, "\n".join(offenders)
