"""How much memory this process and its children use: the sum of proportional set sizes (decision 30). Linux only."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_INTERVAL_SECONDS: Final = 0.5


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return []


def _pss_kib(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        return 0
    return 0


def pss_mib(*roots: int) -> float:
    """Return the summed PSS in MiB of the given processes and all their descendants; 0.0 where /proc has none."""
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in seen:
            seen.add(pid)
            waiting.extend(_children(pid))
    return sum(_pss_kib(pid) for pid in seen) / 1024


class PeakMemory:
    """``with PeakMemory(pid, …) as peak``: samples the processes twice a second; ``peak.mib`` is the highest sum.

    ``watch`` adds a process later (an embedded server that leads its own group is no child of ours).
    """

    def __init__(self, *roots: int) -> None:
        self.mib = 0.0
        self._roots = list(roots)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def watch(self, pid: int | None) -> None:
        """Count one more process and its descendants from now on."""
        if pid is not None:
            self._roots.append(pid)

    def _sample(self) -> None:
        while not self._done.wait(_INTERVAL_SECONDS):
            self.mib = max(self.mib, pss_mib(*self._roots))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        self.mib = max(self.mib, pss_mib(*self._roots))
