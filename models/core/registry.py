"""The registry of operations: every command and query a door may call, with roles and argument schema.

A command is a plain function ``(ctx, *, argument: type, ...) -> result``; the decorator derives its argument model
from the signature, so that CLI, replay, web and flows share one schema. Doors look operations up here; nothing else
writes to it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, create_model

from models.core.actors import Role
from models.core.messages import sentence

_Function = TypeVar("_Function", bound=Callable[..., Any])


class OperationKind(StrEnum):
    """A command writes, a query reads."""

    COMMAND = "command"
    QUERY = "query"


class Once(StrEnum):
    """Whose sendings of the same content on one day are one: an act of the office is, two objectors are two."""

    BY_ANYONE = "by_anyone"
    BY_SENDER = "by_sender"


@dataclass(frozen=True)
class Operation:
    """One callable verb: name ``<stage>.<verb>``, the roles that may call it, the clause it rests on."""

    name: str
    kind: OperationKind
    function: Callable[..., Any]
    roles: frozenset[Role]
    clause: str
    arguments: type[BaseModel]
    rehearsal_only: bool
    once_a_day: Once | None
    unmasks: bool
    on_the_day: frozenset[Role]
    refused: Callable[..., None] | None
    summary: str

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments, each with its meaning in Chinese."""
        return described(self.arguments.model_json_schema())


def described(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema whose every argument says what it is: an argument that does not say so itself means the same
    everywhere (``argument.<name>`` of the catalogue)."""
    told = {
        name: argument if "description" in argument else {**argument, "description": sentence(f"argument.{name}")}
        for name, argument in schema.get("properties", {}).items()
    }
    return {**schema, "properties": told}


_operations: dict[str, Operation] = {}


def operations() -> Mapping[str, Operation]:
    """Return all registered operations by name."""
    return _operations


def command(
    name: str,
    *,
    roles: tuple[Role, ...],
    clause: str,
    rehearsal_only: bool = False,
    once_a_day: Once | None = None,
    unmasks: bool = False,
    on_the_day: tuple[Role, ...] = (),
    refused: Callable[..., None] | None = None,
) -> Callable[[_Function], _Function]:
    """Register a command ``(ctx, *, ...)``. Raises ``ValueError`` on a duplicate name.

    ``once_a_day``: the same content is taken once a day, from anyone or from each sender, and no key of the domain
    guards that. ``unmasks``: the result is personal data in clear, so it is never kept: every reading of it is an event
    of its own. ``on_the_day``: callers of these roles act today, not on an earlier day, because a term hangs on it.
    ``refused(session, ctx, arguments, fault)`` writes what a call that was not carried out leads to, in the transaction
    that keeps the attempt.
    """
    return _register(
        name,
        OperationKind.COMMAND,
        roles,
        clause,
        rehearsal_only=rehearsal_only,
        once_a_day=once_a_day,
        unmasks=unmasks,
        on_the_day=on_the_day,
        refused=refused,
    )


def query(name: str, *, roles: tuple[Role, ...], clause: str) -> Callable[[_Function], _Function]:
    """Register a query ``(reader, *, ...)``. Raises ``ValueError`` on a duplicate name."""
    return _register(name, OperationKind.QUERY, roles, clause)


def _register(
    name: str,
    kind: OperationKind,
    roles: tuple[Role, ...],
    clause: str,
    *,
    rehearsal_only: bool = False,
    once_a_day: Once | None = None,
    unmasks: bool = False,
    on_the_day: tuple[Role, ...] = (),
    refused: Callable[..., None] | None = None,
) -> Callable[[_Function], _Function]:
    def add(function: _Function) -> _Function:
        if name in _operations:
            raise ValueError(f"operation {name} is registered twice")
        _operations[name] = Operation(
            name=name,
            kind=kind,
            function=function,
            roles=frozenset(roles),
            clause=clause,
            arguments=_arguments_model(name, function),
            rehearsal_only=rehearsal_only,
            once_a_day=once_a_day,
            unmasks=unmasks,
            on_the_day=frozenset(on_the_day),
            refused=refused,
            summary=(inspect.getdoc(function) or "").split("\n", 1)[0],
        )
        return function

    return add


def _arguments_model(name: str, function: Callable[..., Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function, eval_str=True).parameters.values())[1:]:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            raise TypeError(f"{name}: argument {parameter.name} must be keyword-only")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (parameter.annotation, default)
    title = "".join(part.capitalize() for part in name.replace(".", "_").split("_"))
    return create_model(title, __config__=ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True), **fields)
