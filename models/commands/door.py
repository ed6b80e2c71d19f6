"""The one way in: every command and query, from CLI, replay, web and flows, passes here.

It finds the operation, checks its arguments against the schema derived from its signature, checks the caller's role,
opens a context and calls it. A command that is refused, meets a conflict or finds faulty data is kept as an attempt in
a transaction of its own, with its input encrypted (decision 10). Doors render what comes back; they decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from sqlmodel import Session

import models.commands
import models.queries
from models.commands import events, receipts
from models.context import Context, Services
from models.core.actors import ROLE_NAMES, Actor, is_account
from models.core.errors import Detail, LifecycleError, Refusal, Transient
from models.core.hashing import canonical_json, digest
from models.core.ids import derive_id
from models.core.instants import written
from models.core.messages import sentence
from models.core.registry import Operation, OperationKind, operations
from models.core.validation import details_of, tidy, unfit
from models.queries.attempts import project_named
from models.tables.kernel import Attempt

models.commands.load()
models.queries.load()

# Papers and records of the programme lie between these days; beyond them calendars and date sums have no meaning.
_FIRST_DAY: Final = date(2000, 1, 1)
_LAST_DAY: Final = date(2199, 12, 31)
_DEEPEST_KEPT: Final = 60
_LARGEST_INTEGER: Final = 2**63 - 1


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
    once: bool = False,
) -> Any:
    """Call a command and return its result. Raises one of the four families; all but ``Transient`` leave an attempt.

    ``once`` keeps what came of the call: the same call under the same command id then gets it again and nothing is
    written, another call under that id is a ``Conflict``. A scheduler asks the same twice on purpose: not ``once``.
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
    parsed = None
    try:
        _check_may_call(operation, actor=actor, as_of=as_of, rehearsal=services.rehearsal)
        _check_day(operation, context)
        parsed = _parse(operation, arguments)
        if once or operation.once_a_day:
            return receipts.carry_out(context, operation=operation, arguments=parsed)
        return operation.function(context, **_fields(parsed))
    except Transient:
        raise
    except LifecycleError as fault:
        if not dry_run:
            _record_attempt(context, operation, arguments=arguments, parsed=parsed, fault=fault)
            fault.recorded = True
        raise


def ask(services: Services, *, name: str, arguments: Mapping[str, Any], actor: Actor, as_of: date) -> Any:
    """Answer a query. Raises ``Refusal`` for a role or argument that is not allowed, ``LookupError`` if unknown."""
    operation = _operation(name, OperationKind.QUERY)
    _check_may_call(operation, actor=actor, as_of=as_of, rehearsal=services.rehearsal)
    parsed = _parse(operation, arguments)
    with Session(services.engine) as session:
        reader = services.reader(session, actor=actor, as_of=as_of)
        return operation.function(reader, **_fields(parsed))


def _operation(name: str, kind: OperationKind) -> Operation:
    operation = operations().get(name)
    if operation is None or operation.kind is not kind:
        raise LookupError(name)
    return operation


def _check_may_call(operation: Operation, *, actor: Actor, as_of: date, rehearsal: bool) -> None:
    label = sentence(f"command.{operation.name}")
    if operation.rehearsal_only and not rehearsal:
        raise Refusal("door.rehearsal_only", rule="SYS-REHEARSAL", facts={"command": label})
    if not _FIRST_DAY <= as_of <= _LAST_DAY:
        facts = {"on": as_of.isoformat(), "first": _FIRST_DAY.isoformat(), "last": _LAST_DAY.isoformat()}
        raise Refusal("door.date_out_of_range", rule="SYS-DATE", facts=facts)
    if not is_account(actor.id):
        raise Refusal("door.actor_id", rule="SYS-ACTOR")
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


def _check_day(operation: Operation, ctx: Context) -> None:
    """Refuse a day that has not come, so that no waiting period is skipped, and an earlier one where a term hangs on
    the day of the act. A rehearsal drives its own clock; a flow that runs late works for the day it was due.
    """
    if ctx.services.rehearsal:
        return
    today = ctx.services.clock.now().date()
    if ctx.as_of > today:
        facts = {"on": ctx.as_of.isoformat(), "today": today.isoformat()}
        raise Refusal("kernel.date_in_future", rule="SYS-DATE-FUTURE", facts=facts)
    if ctx.as_of < today and ctx.actor.role in operation.on_the_day:
        label = sentence(f"command.{operation.name}")
        facts = {"command": label, "on": ctx.as_of.isoformat(), "today": today.isoformat()}
        raise Refusal("kernel.date_in_past", rule="SYS-DATE-PAST", facts=facts)


def _parse(operation: Operation, arguments: Mapping[str, Any]) -> BaseModel:
    if details := unfit(arguments):
        raise _invalid(operation, details)
    try:
        return operation.arguments.model_validate(tidy(dict(arguments)))
    except ValidationError as err:
        raise _invalid(operation, details_of(err)) from err


def _invalid(operation: Operation, details: tuple[Detail, ...]) -> Refusal:
    fields = "、".join(dict.fromkeys(detail.field or "?" for detail in details))
    facts = {"command": sentence(f"command.{operation.name}"), "fields": fields}
    return Refusal("door.arguments_invalid", rule="SYS-ARGUMENTS", facts=facts, details=details)


def _fields(parsed: BaseModel) -> dict[str, Any]:
    return {name: getattr(parsed, name) for name in type(parsed).model_fields}


def _record_attempt(
    context: Context,
    operation: Operation,
    *,
    arguments: Mapping[str, Any],
    parsed: BaseModel | None,
    fault: LifecycleError,
) -> None:
    """Keep what was asked and why it was not done, with what follows from that (``Operation.refused``)."""
    kept = {"arguments": _as_text(arguments)}
    actor = events.actor_of(context) if is_account(context.actor.id) else f"{context.actor.role}:?"
    with Session(context.services.engine) as session:
        session.connection(execution_options={"writing": True})
        attempt_id = derive_id("att", context.command_id, fault.code)
        if session.get(Attempt, attempt_id) is None:
            session.add(
                Attempt(
                    id=attempt_id,
                    project_id=project_named(session, arguments),
                    command=context.command,
                    command_id=context.command_id,
                    actor=actor,
                    as_of=context.as_of,
                    recorded_at=written(context.services.clock.now()),
                    family=fault.family,
                    code=fault.code,
                    rule=fault.rule,
                    input_digest=digest(kept),
                    input_sealed=context.services.vault.seal(canonical_json(kept).decode()),
                    details=[detail.as_json() for detail in fault.details],
                )
            )
            if operation.refused is not None and parsed is not None:
                operation.refused(session, context, parsed, fault)
            session.commit()


def _as_text(value: object, depth: int = 0) -> object:
    """Arguments as they came, in a form that can always be kept: models as their fields, floats and what JSON, UTF-8 or
    a database cannot hold as text."""
    match value:
        case BaseModel() | Mapping() | list() | tuple() if depth > _DEEPEST_KEPT:
            return "…"
        case BaseModel():
            return _as_text(dict(value), depth)
        case Mapping():
            return {_readable(str(_as_text(key))): _as_text(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [_as_text(item, depth + 1) for item in value]
        case int() if abs(value) > _LARGEST_INTEGER:
            return hex(value)
        case None | bool() | int():
            return value
        case str():
            return _readable(value)
        case _:
            return _readable(str(value))


def _readable(text: str) -> str:
    return text.encode("utf-8", errors="backslashreplace").decode()
