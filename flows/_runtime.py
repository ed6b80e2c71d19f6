"""What every flow shares: the date it works for, and calling a task with or without a Prefect run around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from prefect.context import FlowRunContext

from infra.bootstrap import present_day
from infra.settings import Settings
from tasks._options import CHUNK
from tasks.sweeps import carry_out, find_due


def resolve(as_of: date | None) -> date:
    """Return the date a flow works for: the one given, else the installation's present day (decision 7)."""
    return as_of or present_day(Settings())


def find(query: str, as_of: date) -> tuple[str, ...]:
    """Run the task that finds due ids."""
    return call(find_due, query, as_of)  # type: ignore[no-any-return]


def carry(command: str, subjects: Sequence[Mapping[str, Any]], as_of: date) -> dict[str, int]:
    """Run a command over chunks of subjects and return the summed counts, with ``found``."""
    total: Counter[str] = Counter(done=0, refused=0, conflict=0, fault=0, found=len(subjects))
    for start in range(0, len(subjects), CHUNK):
        total.update(call(carry_out, command, subjects[start : start + CHUNK], as_of))
    return dict(total)


def sweep(query: str, command: str, argument: str, as_of: date) -> dict[str, int]:
    """Find what is due and carry the command out on each."""
    return carry(command, [{argument: subject} for subject in find(query, as_of)], as_of)


def call(step: Any, *arguments: Any) -> Any:
    """Call a task as a task run inside a flow run, as its plain function outside (replays without a server)."""
    return step(*arguments) if FlowRunContext.get() is not None else step.fn(*arguments)
