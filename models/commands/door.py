"""The one way in: every command and query, from CLI, replay, web and flows, passes here.

It finds the operation, checks its arguments against the schema derived from its signature, checks the caller's role,
opens a context and calls it. A command that is refused, meets a conflict or finds faulty data is kept as an attempt in
a transaction of its own, with its input encrypted (decision 10). Doors render what comes back; they decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlmodel import Session

import models.commands
import models.queries
from models.context import Context, Services
from models.core.actors import ROLE_NAMES, Actor
from models.core.errors import Detail, LifecycleError, Refusal, Transient
from models.core.hashing import canonical_json, digest
from models.core.ids import derive_id
from models.core.messages import sentence
from models.core.registry import Operation, OperationKind, operations
from models.core.validation import details_of
from models.queries.reader import Reader
from models.tables.kernel import Attempt

models.commands.load()
models.queries.load()


def execute(
    services: Services,
    *,
    name: str,
    arguments: Mapping[str, Any],
    actor: Actor,
    as_of: date,
    command_id: str,
    dry_run: bool = False,
    synthetic: frozenset[str] = frozenset(),
) -> Any:
    """Call a command and return its result. Raises one of the four families; all but ``Transient`` leave an attempt.

    Raises ``LookupError`` for an unknown command: that is the caller's usage error, not a refusal.
    """
    operation = _operation(name, OperationKind.COMMAND)
    context = Context(
        services=services,
        actor=actor,
        as_of=as_of,
        command=name,
        command_id=command_id,
        dry_run=dry_run,
        synthetic=synthetic,
    )
    try:
        _check_may_call(operation, actor=actor, rehearsal=services.rehearsal)
        parsed = _parse(operation, arguments)
        return operation.function(context, **_fields(parsed))
    except Transient:
        raise
    except LifecycleError as fault:
        if not dry_run:
            _record_attempt(context, arguments=arguments, fault=fault)
        raise


def ask(services: Services, *, name: str, arguments: Mapping[str, Any], actor: Actor, as_of: date) -> Any:
    """Answer a query. Raises ``Refusal`` for a role or argument that is not allowed, ``LookupError`` if unknown."""
    operation = _operation(name, OperationKind.QUERY)
    _check_may_call(operation, actor=actor, rehearsal=services.rehearsal)
    parsed = _parse(operation, arguments)
    with Session(services.engine) as session:
        reader = Reader(session, services.policies, services.calendar, services.vault, actor, as_of)
        return operation.function(reader, **_fields(parsed))


def _operation(name: str, kind: OperationKind) -> Operation:
    operation = operations().get(name)
    if operation is None or operation.kind is not kind:
        raise LookupError(name)
    return operation


def _check_may_call(operation: Operation, *, actor: Actor, rehearsal: bool) -> None:
    label = sentence(f"command.{operation.name}")
    if operation.rehearsal_only and not rehearsal:
        raise Refusal("door.rehearsal_only", rule="SYS-REHEARSAL", facts={"command": label})
    if actor.role not in operation.roles:
        raise Refusal(
            "door.role_not_allowed",
            rule="SYS-ROLE",
            facts={
                "command": label,
                "role": ROLE_NAMES[actor.role],
                "allowed": "、".join(sorted(ROLE_NAMES[role] for role in operation.roles)),
            },
        )


def _parse(operation: Operation, arguments: Mapping[str, Any]) -> BaseModel:
    try:
        return operation.arguments.model_validate(dict(arguments))
    except ValidationError as err:
        details: tuple[Detail, ...] = details_of(err)
        raise Refusal(
            "door.arguments_invalid",
            rule="SYS-ARGUMENTS",
            facts={
                "command": sentence(f"command.{operation.name}"),
                "fields": "、".join(dict.fromkeys(detail.field or "?" for detail in details)),
            },
            details=details,
        ) from err


def _fields(parsed: BaseModel) -> dict[str, Any]:
    return {name: getattr(parsed, name) for name in type(parsed).model_fields}


def _record_attempt(context: Context, *, arguments: Mapping[str, Any], fault: LifecycleError) -> None:
    content = canonical_json({"arguments": _as_text(arguments)})
    with Session(context.services.engine) as session:
        session.connection(execution_options={"writing": True})
        attempt_id = derive_id("att", context.command_id, fault.code)
        if session.get(Attempt, attempt_id) is None:
            session.add(
                Attempt(
                    id=attempt_id,
                    command=context.command,
                    command_id=context.command_id,
                    actor=str(context.actor),
                    as_of=context.as_of,
                    recorded_at=context.services.clock.now().isoformat(timespec="seconds"),
                    family=fault.family,
                    code=fault.code,
                    rule=fault.rule,
                    input_digest=digest({"arguments": _as_text(arguments)}),
                    input_sealed=context.services.vault.seal(content.decode()),
                    details=[detail.as_json() for detail in fault.details],
                )
            )
            session.commit()


def _as_text(value: object) -> object:
    """Arguments as they came: floats as text (they have no canonical form), models as their fields."""
    match value:
        case BaseModel():
            return _as_text(value.model_dump(mode="json"))
        case Mapping():
            return {str(key): _as_text(item) for key, item in value.items()}
        case list() | tuple():
            return [_as_text(item) for item in value]
        case float():
            return repr(value)
        case None | str() | bool() | int():
            return value
        case _:
            return str(value)
