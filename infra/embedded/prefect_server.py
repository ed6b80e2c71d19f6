"""The embedded Prefect server: API, scheduler and events on SQLite, on loopback, talking to nobody outside.

Called by the CLI (``up``, ``demo``) and by tests. Its run history is disposable: the database is the truth. Must never
import ``prefect``: clients get there through ``environment()``.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

from infra.embedded.server import LOOPBACK, EmbeddedServer


class EmbeddedPrefect(EmbeddedServer):
    """``with EmbeddedPrefect(var / "prefect") as server: os.environ.update(server.environment())``.

    The first start creates the database (about 13 s on two cores), later ones take half of that.
    """

    name: ClassVar[str] = "prefect"
    port_count: ClassVar[int] = 1
    patience: ClassVar[float] = 90.0

    def environment(self) -> dict[str, str]:
        """Return what a client process must have in its environment to use this server and only this one."""
        return _client_environment(str(self.home), self.ports[0])

    def _prepare(self) -> None:
        """Nothing: Prefect writes its own home."""

    def _command(self, ports: Sequence[int]) -> list[str]:
        return [sys.executable, "-m", "prefect", "server", "start"]

    def _environment(self, ports: Sequence[int]) -> Mapping[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        return (
            inherited
            | _client_environment(str(self.home), ports[0])
            | {
                "PREFECT_SERVER_API_HOST": LOOPBACK,
                "PREFECT_SERVER_API_PORT": str(ports[0]),  # not --port: the UI would keep looking at 4200
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                "PREFECT_SERVER_UI_V2_ENABLED": "false",  # its pages call a third party from the browser
                "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
                "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
                # In memory a restart would forget who holds a concurrency slot, and never give it back.
                "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            }
        )

    def _answers(self) -> bool:
        if not self.ports:
            return False
        connection = http.client.HTTPConnection(LOOPBACK, self.ports[0], timeout=5)
        try:
            connection.request("GET", "/api/health")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _client_environment(home: str, port: int) -> dict[str, str]:
    return {
        "PREFECT_API_URL": f"http://{LOOPBACK}:{port}/api",
        "PREFECT_HOME": home,
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "DO_NOT_TRACK": "1",
    }
