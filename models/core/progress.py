"""How far a long act has come, for whoever watches: a command reports, a door may listen. Nobody has to.

The one channel from deep inside a command to a progress bar. Carries counts only, decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]
"""Called with the step (a code of the message catalogue), rows done and rows in all."""

_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


def report(*, step: str, done: int, total: int) -> None:
    """Tell the listener, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(step, done, total)


@contextmanager
def watching(listener: Listener) -> Iterator[None]:
    """Let ``listener`` hear of every report made inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
