"""Retry presets of tasks: only what may pass by itself is retried, refusals never."""

from __future__ import annotations

from typing import Any, Final

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from models.core.errors import Transient

RETRIES: Final = 3
DELAYS_SECONDS: Final[list[float]] = [2, 10, 30]
CHUNK: Final = 500


async def only_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Say whether a failed task may be tried again: only when a server was away."""
    result = await state.aresult(raise_on_failure=False)
    return isinstance(result, Transient)
