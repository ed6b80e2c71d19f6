"""The embedded Prefect server starts on a free loopback port, answers, and leaves nothing behind."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.embedded.prefect_server import EmbeddedPrefect


def _get(server: EmbeddedPrefect, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.ports[0], timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_prefect_server_serves_its_clients_and_stops_as_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")  # a stray setting must not reach the child

    with EmbeddedPrefect(tmp_path / "prefect") as server:
        environment = server.environment()
        url = urlsplit(environment["PREFECT_API_URL"])
        health = _get(server, "/api/health")
        settings = _get(server, "/ui-settings")
        pid = server.pid

    assert (url.hostname, url.port, url.path) == ("127.0.0.1", server.ports[0], "/api")
    assert health == (200, b"true")
    assert environment["PREFECT_API_URL"].encode() in settings[1]
    assert environment["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] == "false"
    assert (tmp_path / "prefect" / "prefect.db").exists()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(pid, 0)
