"""The relay as a task: called twice it sends once, and what cannot be sent stays in the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

import tasks.outbox
from models.core.errors import Transient
from models.ports import LaunchResult
from tasks.outbox import relay_outbox
from tests.support.installation import DAY, SURVEYS, Installation


@dataclass
class FakeServer:
    """A Prefect server that notes what it is asked to start, or is away."""

    away: bool = False
    started: list[tuple[str, str]] = field(default_factory=list)

    def launch(self, *, deployment: str, parameters: Mapping[str, object], idempotency_key: str) -> LaunchResult:
        if self.away:
            raise Transient("orchestrator.away", rule="SYS-FLOW")
        self.started.append((deployment, idempotency_key))
        return LaunchResult(run_id="run-1")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    server = FakeServer()
    monkeypatch.setattr(tasks.outbox, "DeploymentLauncher", lambda: server)
    return server


def test_relay_called_twice_sends_once(installation: Installation, server: FakeServer) -> None:
    first = relay_outbox.fn(DAY)
    once = installation.rows()
    second = relay_outbox.fn(DAY)

    assert (first, second) == ({"sent": SURVEYS, "unsent": 0}, {"sent": 0, "unsent": 0})
    assert {deployment for deployment, _ in server.started} == {"needs-build-household-files"}
    assert len({key for _, key in server.started}) == len(server.started) == SURVEYS
    assert installation.rows() == once


def test_relay_keeps_what_it_cannot_send_and_names_the_reason(installation: Installation, server: FakeServer) -> None:
    server.away = True

    result = relay_outbox.fn(DAY)

    assert result == {"sent": 0, "unsent": 1}
    assert installation.count("outbox", "status = 'pending'") == SURVEYS
    assert installation.count("outbox", "last_error = 'orchestrator.away'") == 1
