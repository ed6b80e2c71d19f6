"""The launchers without a server: plain calls, wrong parameters, and a server that is away. With one: tests/flows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.context import refresh_global_settings_context
from prefect.settings import get_current_settings

from infra.orchestrator import DeploymentLauncher, Deployments, LocalLauncher
from models.core.errors import Refusal, Transient
from tests.support.installation import DAY, Installation, empty_world, install

_AWAY = "http://127.0.0.1:9/api"  # nobody listens
_TODAY = {"as_of": DAY.isoformat()}


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    world = empty_world(tmp_path)
    installed = install(monkeypatch, world, tmp_path)
    yield installed
    for one in (world, installed.world):
        one.services.engine.dispose()


@pytest.fixture
def server_away() -> Iterator[str]:
    """A server's address that comes into the environment after Prefect was imported, and goes again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", _AWAY)
        yield _AWAY
    refresh_global_settings_context()


def _run(deployment: str, parameters: dict[str, object]) -> dict[str, Any]:
    launcher = LocalLauncher(recorded=False)
    return dict(launcher.launch(deployment=deployment, parameters=parameters, idempotency_key="k").summary)


def test_a_plain_call_returns_the_flows_summary_and_no_run(installation: Installation) -> None:
    launched = LocalLauncher(recorded=False).launch(deployment="deadline-sweep", parameters=_TODAY, idempotency_key="k")

    assert launched.run_id == ""
    assert launched.summary["done"] == 1


def test_flows_can_be_launched_from_inside_an_event_loop(installation: Installation) -> None:
    """A portal's request handler runs in one."""

    async def inside() -> dict[str, Any]:
        return _run("deadline-sweep", dict(_TODAY))

    assert asyncio.run(inside())["done"] == 1


def test_fixed_parameters_come_from_the_project_file(installation: Installation) -> None:
    assert Deployments().parameters("library-dispatch-yearly") == {"months": 12}
    assert _run("library-dispatch-yearly", dict(_TODAY))["done"] == 1


@pytest.mark.parametrize(
    ("deployment", "parameters", "field"),
    [
        ("deadline-sweep", {"as_of": "not a day"}, "as_of"),
        ("deadline-sweep", {"colour": "red"}, "colour"),
        ("review-open-round", {"form": {"batch": "合成-1"}}, "project"),
    ],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_wrong_parameters_are_refused_by_name_before_anything_runs(
    deployment: str, parameters: dict[str, object], field: str, recorded: bool
) -> None:
    with pytest.raises(Refusal, match=field) as refused:
        LocalLauncher(recorded=recorded).launch(deployment=deployment, parameters=parameters, idempotency_key="k")

    assert (refused.value.code, refused.value.rule) == ("orchestrator.parameters_invalid", "SYS-ARGUMENTS")


@pytest.mark.parametrize("launcher", [LocalLauncher(recorded=True), DeploymentLauncher()], ids=["local", "deployment"])
def test_a_server_that_is_away_is_transient(launcher: LocalLauncher | DeploymentLauncher, server_away: str) -> None:
    with pytest.raises(Transient) as outage:
        launcher.launch(deployment="deadline-sweep", parameters=_TODAY, idempotency_key="k")

    assert outage.value.code == "orchestrator.away"
    assert get_current_settings().api.url == server_away


@pytest.mark.parametrize("launcher", [LocalLauncher(recorded=False), DeploymentLauncher()], ids=["local", "deployment"])
def test_launchers_know_the_deployments_and_what_they_take(launcher: LocalLauncher | DeploymentLauncher) -> None:
    schema = launcher.parameter_schema(deployment="review-open-round")

    assert launcher.deployments() == tuple(Deployments().by_name)
    assert schema["required"] == ["form"]
    with pytest.raises(LookupError):
        launcher.launch(deployment="no-such-deployment", parameters={}, idempotency_key="k")
