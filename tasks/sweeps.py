"""The two steps every sweep is made of: find what is due, and carry one command out on each.

Ids in, counts out; each call opens its own services from the environment. One command is one transaction, so a task
that is killed or called twice leaves done work standing and takes the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from typing import Any, Final

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from infra.bootstrap import open_services
from infra.settings import Settings
from models.commands.door import ask, execute
from models.core.actors import Actor, Role
from models.core.errors import LifecycleError, Transient
from models.core.ids import derive_id
from tasks._options import DELAYS_SECONDS, RETRIES, only_transient

SCHEDULER: Final = Actor(Role.SYSTEM, "scheduler")


@task(
    task_run_name="find {query}",
    retries=RETRIES,
    retry_delay_seconds=DELAYS_SECONDS,
    retry_condition_fn=only_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def find_due(query: str, as_of: date) -> tuple[str, ...]:
    """Return the ids a due-query finds at a date."""
    with open_services(Settings()) as services:
        return tuple(ask(services, name=query, arguments={}, actor=SCHEDULER, as_of=as_of))


@task(
    task_run_name="{command}",
    retries=RETRIES,
    retry_delay_seconds=DELAYS_SECONDS,
    retry_condition_fn=only_transient,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def carry_out(command: str, subjects: Sequence[Mapping[str, Any]], as_of: date) -> dict[str, int]:
    """Call one command for each set of arguments and return counts: done, refused, conflict, fault, and its own.

    A refusal or conflict is recorded as an attempt and counted, it does not stop the others; a server that is away
    stops the task, which is then retried. Called twice it does nothing twice: states, unique keys and content addresses
    guard every command.
    """
    counts: Counter[str] = Counter(done=0, refused=0, conflict=0, fault=0)
    with open_services(Settings()) as services:
        for arguments in subjects:
            key = derive_id(
                "cmd", command, as_of.isoformat(), *(f"{name}={value}" for name, value in arguments.items())
            )
            try:
                result = execute(
                    services, name=command, arguments=arguments, actor=SCHEDULER, as_of=as_of, command_id=key
                )
            except Transient:
                raise
            except LifecycleError as fault:
                counts[fault.family] += 1
            else:
                counts["done"] += 1
                counts.update(_counts(result))
    return dict(counts)


def _counts(result: object) -> dict[str, int]:
    if isinstance(result, BaseModel):
        fields: dict[str, Any] = result.model_dump()
    elif is_dataclass(result) and not isinstance(result, type):
        fields = asdict(result)
    else:
        return {}
    return {name: value for name, value in fields.items() if type(value) is int}
