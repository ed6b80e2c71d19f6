"""One child server of ours: started detached, found again by the next process, stopped as a whole group.

Base of ``seaweed`` and ``prefect_server``. The child inherits a locked file, so "is it running" is answered by the
kernel and survives ``kill -9``, stale pid files and reused pids. Must never listen beyond loopback and never signal a
process that does not hold the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from infra.private_files import replace_private
from models.core.errors import Transient

LOOPBACK = "127.0.0.1"
_POLL = 0.05  # seconds
_MOST_STARTS = 3  # a child that dies at once may have lost a race for a port


class EmbeddedServer(ABC):
    """Lifecycle of one server whose whole life is under ``home``.

    ``home`` holds ``server.json`` (pid, ports; 0600), ``server.lock`` and ``logs/``. As a context manager it stops
    only what it started itself; ``start`` leaves the server running for other processes.
    """

    name: ClassVar[str]
    port_count: ClassVar[int]
    port_offsets: ClassVar[tuple[int, ...]] = (0,)  # the server also listens on each port plus each of these
    patience: ClassVar[float]  # seconds until ready
    grace: ClassVar[float] = 15.0  # seconds between SIGTERM and SIGKILL

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self._child: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _prepare(self) -> None:
        """Write keys and configuration that are missing."""

    @abstractmethod
    def _command(self, ports: Sequence[int]) -> list[str]:
        """Return the command line for these ports."""

    @abstractmethod
    def _environment(self, ports: Sequence[int]) -> Mapping[str, str]:
        """Return the child's whole environment."""

    @abstractmethod
    def _answers(self) -> bool:
        """Say whether the server does its work (not merely accepts connections)."""

    def _tidy(self) -> None:  # noqa: B027  most servers leave nothing behind
        """Remove what a stopped server left outside ``home``."""

    @property
    def log(self) -> Path:
        """The file of the server's own output."""
        return self.home / "logs" / f"{self.name}.log"

    @property
    def ports(self) -> tuple[int, ...]:
        """Ports of the running (or last) server, empty before the first start."""
        return tuple(self._state().get("ports", ()))

    @property
    def pid(self) -> int | None:
        """Process id of the running server, which leads its own process group; ``None`` when it is stopped."""
        return int(self._state()["pid"]) if self.is_running() else None

    def is_running(self) -> bool:
        """Say whether a child holds the lock."""
        if self._child is not None:
            self._child.poll()
        if not (self.home / "server.lock").exists():
            return False
        lease = self._lease()
        if lease is None:
            return True
        os.close(lease)
        return False

    def start(self) -> None:
        """Make sure the server runs and answers; one that runs already is used as it is.

        Raises ``Transient`` (``embedded.not_ready``) after ``patience`` seconds; what was started is stopped again.
        """
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log.parent.mkdir(exist_ok=True, mode=0o700)
        self._prepare()
        deadline, starts = time.monotonic() + self.patience, 0
        while time.monotonic() < deadline:
            lease = self._lease()
            if lease is None:
                if self._answers():
                    return
                time.sleep(_POLL)
            elif starts < _MOST_STARTS:
                self._spawn(lease, fresh_ports=starts > 0)
                starts += 1
            else:
                os.close(lease)
                break
        if starts:
            self.stop()
        facts = {"server": self.name, "seconds": round(self.patience), "log": str(self.log)}
        raise Transient("embedded.not_ready", facts=facts)

    def stop(self) -> None:
        """Stop the server's process group and wait until it is gone; does nothing when it is not running."""
        pid = self.pid
        if pid is not None:
            for signum, seconds in ((signal.SIGTERM, self.grace), (signal.SIGKILL, 5.0)):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signum)
                if self._gone(pid, seconds):
                    break
        self._tidy()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self.stop()

    def _spawn(self, lease: int, *, fresh_ports: bool) -> None:
        ports = self.ports
        if fresh_ports or len(ports) != self.port_count or not all(map(self._is_usable, ports)):
            ports = self._choose_ports()
        if self._child is not None:
            self._child.wait()
        try:
            with self.log.open("ab") as log:
                self._child = subprocess.Popen(  # noqa: S603  our own command, no shell
                    self._command(ports),
                    env=self._environment(ports),
                    cwd=self.home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(lease,),
                    umask=0o077,
                )
        finally:
            os.close(lease)
        self._remember(pid=self._child.pid, ports=list(ports))

    def _choose_ports(self) -> tuple[int, ...]:
        chosen: set[int] = set()
        while len(chosen) < self.port_count:
            port = _free_port()
            if self._is_usable(port):
                chosen.add(port)
        return tuple(chosen)

    def _is_usable(self, port: int) -> bool:
        return all(_is_free(port + offset) for offset in self.port_offsets)

    def _lease(self) -> int | None:
        """Return a descriptor that holds the lock, ``None`` while a child (or another starter) holds it."""
        descriptor = os.open(self.home / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _state(self) -> dict[str, Any]:
        path = self.home / "server.json"
        return dict(json.loads(path.read_bytes())) if path.exists() else {}

    def _remember(self, **facts: object) -> None:
        replace_private(self.home / "server.json", json.dumps(self._state() | facts, sort_keys=True).encode())

    def _gone(self, pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if not self.is_running() and not _group_exists(pid):
                return True
            time.sleep(_POLL)
        return False


def _group_exists(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):  # taken, or beyond 65535
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
