"""The process worker that runs our deployments on this machine: a child of ``lifecycle up`` beside the servers.

Kept like a server, so that ``lifecycle down`` finds one that outlived its starter. Must never import ``prefect``.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import urlsplit

from infra.embedded.server import EmbeddedServer

POOL: Final = "lifecycle"
_NAME: Final = "lifecycle"


class EmbeddedWorker(EmbeddedServer):
    """``with EmbeddedWorker(var / "worker", environment): ...``; ready when the Prefect server lists it as online.

    ``environment`` is all that worker and flow runs get (``EmbeddedPrefect.environment()``, ``LIFECYCLE_*``); only
    ``stop`` does without.
    """

    name: ClassVar[str] = "worker"
    port_count: ClassVar[int] = 0
    patience: ClassVar[float] = 60.0

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(data_dir)
        self._given = dict(environment or {})

    def _prepare(self) -> None:
        if not self.is_running():
            self._ask("DELETE", f"/{_NAME}")  # one that was killed would count as online until its heartbeats run out

    def _command(self, ports: Sequence[int]) -> list[str]:
        return [
            *(sys.executable, "-m", "prefect", "worker", "start"),
            *("--pool", POOL, "--type", "process", "--name", _NAME),
        ]

    def _environment(self, ports: Sequence[int]) -> Mapping[str, str]:
        return self._given | {"PREFECT_WORKER_QUERY_SECONDS": "1"}

    def _answers(self) -> bool:
        listed = self._ask("POST", "/filter")
        return any(worker["name"] == _NAME and worker["status"] == "ONLINE" for worker in json.loads(listed or "[]"))

    def _ask(self, method: str, path: str) -> bytes:
        """Return the server's answer about the pool's workers, empty when it is away or knows of none."""
        api = urlsplit(self._given["PREFECT_API_URL"])
        connection = http.client.HTTPConnection(str(api.hostname), api.port, timeout=5)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"{api.path}/work_pools/{POOL}/workers{path}", body="{}", headers=headers)
            answer = connection.getresponse()
            return answer.read() if answer.status == http.client.OK else b""
        except (OSError, http.client.HTTPException):
            return b""
        finally:
            connection.close()
