"""Calls that must not work twice: a command id sent again, and the same content handed in twice on one day.

The receipt is written in the command's own transaction, so the guard holds from the first commit on; what came of the
call is sealed into it right after. Called by the door alone. Must never swallow an outcome: a call that is not carried
out either gets the first outcome or a ``Conflict`` that says why.
"""

from __future__ import annotations

import inspect
import json
import logging
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from models.commands import events
from models.context import Context
from models.core.errors import Conflict, DataFault, Detail, LifecycleError, Refusal, Transient
from models.core.hashing import canonical_json
from models.core.instants import written
from models.core.messages import sentence
from models.core.registry import Once, Operation
from models.tables.kernel import Receipt

_LOG = logging.getLogger(__name__)
_FAMILIES: Final = {family.family: family for family in (Refusal, Conflict, DataFault)}


def carry_out(ctx: Context, *, operation: Operation, arguments: BaseModel) -> Any:
    """Call the command, or return the outcome it had when the same call was carried out before.

    Raises what the command raises (also again), and ``Conflict``: ``kernel.command_id_taken`` when the id was used for
    another call, ``kernel.outcome_lost`` when the first call was cut off after its work was done, and
    ``kernel.recorded_already`` when a once-a-day command gets the content of today's first again.
    """
    receipt = _drafted(ctx, operation, arguments)
    with ctx.reading() as session:
        earlier = session.get(Receipt, ctx.command_id)
        twin = _twin(session, receipt)
    if earlier is not None:
        return _again(ctx, operation, receipt, earlier)
    if twin is not None:
        raise _recorded_already(ctx, operation, twin)
    ctx.receipt = receipt
    try:
        result = operation.function(ctx, **{name: getattr(arguments, name) for name in type(arguments).model_fields})
    except Transient:
        raise
    except LifecycleError as fault:
        if ctx.committed:  # a file put in quarantine, for example: that too is done once
            _close(ctx, receipt, _Outcome(fault=_told(fault)))
        raise
    if not operation.unmasks:  # personal data in clear is never kept, and seen again only by another recorded reading
        _close(ctx, receipt, _Outcome(result=_result_type(operation).dump_python(result, mode="json")))
    return result


@dataclass(frozen=True)
class _Outcome:
    """What came of a call: its result, or the fault it ended in, as JSON."""

    result: Any = None
    fault: dict[str, Any] | None = None


def _drafted(ctx: Context, operation: Operation, arguments: BaseModel) -> Receipt:
    sender = str(ctx.actor)
    alike = "" if operation.once_a_day is Once.BY_ANYONE else sender  # the same words of two people are two objections
    content = [operation.name, ctx.as_of, arguments.model_dump(mode="json")]
    keyed = ctx.services.vault.lookup
    return Receipt(
        command_id=ctx.command_id,
        command=operation.name,
        actor=events.actor_of(ctx),
        as_of=ctx.as_of,
        recorded_at=written(ctx.services.clock.now()),
        request=keyed(canonical_json(["request", sender, sorted(ctx.synthetic), *content]).decode()),
        submission=keyed(canonical_json(["submission", alike, *content]).decode()) if operation.once_a_day else None,
    )


def _twin(session: Session, receipt: Receipt) -> Receipt | None:
    if receipt.submission is None:
        return None
    return session.exec(select(Receipt).where(col(Receipt.submission) == receipt.submission)).one_or_none()


def _again(ctx: Context, operation: Operation, receipt: Receipt, earlier: Receipt) -> Any:
    facts = {
        "command_id": earlier.command_id,
        "on": earlier.as_of.isoformat(),
        "command": sentence(f"command.{earlier.command}"),
    }
    if earlier.request != receipt.request:
        raise Conflict("kernel.command_id_taken", rule="SYS-COMMAND-ID", facts=facts)
    outcome = _outcome(ctx, earlier)
    if outcome is None:
        raise Conflict("kernel.outcome_lost", rule="SYS-COMMAND-ID", facts=facts)
    if outcome.fault is not None:
        raise _raised_again(outcome.fault)
    return _result_type(operation).validate_python(outcome.result)


def _recorded_already(ctx: Context, operation: Operation, twin: Receipt) -> Conflict:
    outcome = _outcome(ctx, twin)
    first = outcome.result.get("id") if outcome is not None and isinstance(outcome.result, dict) else None
    facts = {
        "command": sentence(f"command.{operation.name}"),
        "id": first or twin.command_id,
        "on": twin.as_of.isoformat(),
    }
    return Conflict("kernel.recorded_already", rule="SYS-ALREADY-DONE", facts=facts)


def _close(ctx: Context, receipt: Receipt, outcome: _Outcome) -> None:
    """Seal the outcome into the receipt; a database that went away in between costs only the second telling."""
    if ctx.dry_run:
        return
    try:
        with Session(ctx.services.engine) as session:
            session.connection(execution_options={"writing": True})
            kept = session.merge(receipt)
            kept.outcome_sealed = ctx.services.vault.seal(json.dumps(vars(outcome), ensure_ascii=False))
            session.commit()
    except OperationalError:
        _LOG.error("outcome of a command not kept", extra={"command": ctx.command, "command_id": ctx.command_id})


def _outcome(ctx: Context, receipt: Receipt) -> _Outcome | None:
    if receipt.outcome_sealed is None:
        return None
    return _Outcome(**json.loads(ctx.services.vault.open(receipt.outcome_sealed)))


@cache
def _result_type(operation: Operation) -> TypeAdapter[Any]:
    return TypeAdapter(inspect.signature(operation.function, eval_str=True).return_annotation)


def _told(fault: LifecycleError) -> dict[str, Any]:
    return {
        "family": fault.family,
        "code": fault.code,
        "rule": fault.rule,
        "facts": {name: value if isinstance(value, int) else str(value) for name, value in fault.facts.items()},
        "details": [detail.as_json() for detail in fault.details],
        "quarantined": fault.quarantined,
    }


def _raised_again(told: dict[str, Any]) -> LifecycleError:
    details = tuple(Detail(**detail) for detail in told["details"])
    fault = _FAMILIES[told["family"]](told["code"], rule=told["rule"], facts=told["facts"], details=details)
    fault.quarantined = told["quarantined"]
    return fault
