"""Timing two ways of doing the same thing in turns, so that a noisy machine disturbs both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def seconds(act: Callable[[], object]) -> float:
    """Return how long one call took."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def in_turns(*acts: Callable[[], object], rounds: int) -> list[float]:
    """Return the median seconds of each act, all acts called once a round in the given order."""
    taken = [[seconds(act) for act in acts] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]
