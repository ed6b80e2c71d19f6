"""Flows as real flow runs in this process, as ``lifecycle demo`` runs them: recorded, retried, told as they ended."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import tasks.sweeps
from infra.embedded.prefect_server import EmbeddedPrefect
from infra.orchestrator import DeploymentLauncher, LocalLauncher
from infra.relay import drain
from models.commands import door
from models.core.errors import Refusal, Transient
from tests.support.installation import DAY, SURVEYS, Installation

pytestmark = pytest.mark.xdist_group("prefect")

_BUILD = "needs-build-household-files"
_TODAY = {"as_of": DAY.isoformat()}


def _launch(key: str, deployment: str = _BUILD) -> dict[str, Any]:
    return dict(
        LocalLauncher(recorded=True).launch(deployment=deployment, parameters=_TODAY, idempotency_key=key).summary
    )


def _runs(server: EmbeddedPrefect, name: str) -> list[dict[str, Any]]:
    query = {"flow_runs": {"name": {"any_": [name]}}}
    answer = httpx.post(f"{server.environment()['PREFECT_API_URL']}/flow_runs/filter", json=query)
    return list(answer.json())


def _task_runs(server: EmbeddedPrefect, flow_run: str) -> list[dict[str, Any]]:
    query = {"task_runs": {"flow_run_id": {"any_": [flow_run]}}}
    answer = httpx.post(f"{server.environment()['PREFECT_API_URL']}/task_runs/filter", json=query)
    return list(answer.json())


def _until(found: Callable[[], Any], *, seconds: float = 30) -> Any:
    """Poll: the server stores task runs some time after they ended."""
    deadline = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return value


def _fail(monkeypatch: pytest.MonkeyPatch, fault: Exception, *, times: int) -> list[str]:
    """Let the sweep's commands fail so many times; retries do not wait. Returns the names of the commands called."""
    called: list[str] = []

    def execute(*args: Any, **keywords: Any) -> Any:
        called.append(keywords["name"])
        if len(called) <= times:
            raise fault
        return door.execute(*args, **keywords)

    monkeypatch.setattr(tasks.sweeps, "execute", execute)
    monkeypatch.setattr(tasks.sweeps.carry_out, "retry_delay_seconds", [0.0, 0.0, 0.0])
    return called


def test_a_flow_run_is_recorded_under_its_name_with_its_tasks(
    prefect_client: EmbeddedPrefect, surveyed: Installation
) -> None:
    launched = LocalLauncher(recorded=True).launch(deployment=_BUILD, parameters=_TODAY, idempotency_key="evt-1")

    (run,) = _runs(prefect_client, f"{_BUILD}/evt-1")
    named = _until(lambda: len(found := _task_runs(prefect_client, run["id"])) == 2 and found)
    assert launched.summary["done"] == SURVEYS
    assert (launched.run_id, run["state_name"]) == (run["id"], "Completed")
    assert {task["name"] for task in named} == {"find needs.surveys_without_files", "needs.build_household_files"}


def test_tasks_called_twice_by_the_engine_leave_the_state_of_once(
    prefect_client: EmbeddedPrefect, surveyed: Installation
) -> None:
    first = _launch("twice-1")
    once = surveyed.rows()
    second = _launch("twice-2")

    assert (first["done"], second["found"]) == (SURVEYS, 0)
    assert surveyed.rows() == once


def test_an_outage_is_waited_out_by_the_tasks_retries(
    prefect_client: EmbeddedPrefect, surveyed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = _fail(monkeypatch, Transient("orchestrator.away"), times=2)

    summary = _launch("retried")

    assert summary["done"] == SURVEYS
    assert len(called) == 2 + SURVEYS
    assert _runs(prefect_client, f"{_BUILD}/retried")[0]["state_name"] == "Completed"


def test_an_outage_that_lasts_is_reported_and_its_message_stays_in_the_outbox(
    prefect_client: EmbeddedPrefect, surveyed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = _fail(monkeypatch, Transient("orchestrator.away"), times=1_000)

    with pytest.raises(Transient) as outage:
        _launch("lasting")
    tries = len(called)
    sent = drain(surveyed.world.services, LocalLauncher(recorded=True), as_of=DAY).sent

    assert outage.value.code == "orchestrator.away"
    assert tries == 4
    assert sent == ()
    assert _runs(prefect_client, f"{_BUILD}/lasting")[0]["state_name"] == "Failed"
    assert surveyed.count("outbox", "status = 'pending'") == SURVEYS
    assert surveyed.count("outbox", "last_error = 'orchestrator.away'") == 1
    assert surveyed.count("household_file") == 0


def test_what_is_no_outage_is_not_tried_again_and_comes_as_it_is(
    prefect_client: EmbeddedPrefect, surveyed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug is a bug, also behind a flow run; it must not pass for a server that was away."""
    called = _fail(monkeypatch, ZeroDivisionError("a bug"), times=1_000)

    with pytest.raises(ZeroDivisionError):
        _launch("bug")

    assert len(called) == 1


def test_flow_runs_can_be_launched_from_inside_an_event_loop(
    prefect_client: EmbeddedPrefect, empty: Installation
) -> None:
    async def inside() -> dict[str, Any]:
        return _launch("inside", "deadline-sweep")

    assert asyncio.run(inside())["done"] == 1


def test_a_deployment_the_server_does_not_know_is_a_lookup_error(prefect_client: EmbeddedPrefect) -> None:
    with pytest.raises(LookupError):
        DeploymentLauncher().launch(deployment="no-such-deployment", parameters=_TODAY, idempotency_key="k")


def test_wrong_parameters_are_refused_before_a_run_is_recorded(
    prefect_client: EmbeddedPrefect, empty: Installation
) -> None:
    with pytest.raises(Refusal, match="as_of"):
        LocalLauncher(recorded=True).launch(
            deployment="deadline-sweep", parameters={"as_of": "not a day"}, idempotency_key="wrong"
        )

    assert _runs(prefect_client, "deadline-sweep/wrong") == []


def test_what_the_server_keeps_of_a_run_holds_ids_counts_and_dates_only(
    prefect_client: EmbeddedPrefect, surveyed: Installation
) -> None:
    """Results are not persisted, so a state carries no more than a marker; parameters are a date."""
    _launch("kept")

    (run,) = _runs(prefect_client, f"{_BUILD}/kept")
    states = httpx.get(
        f"{prefect_client.environment()['PREFECT_API_URL']}/flow_run_states/", params={"flow_run_id": run["id"]}
    ).json()

    assert run["parameters"] == {"as_of": DAY.isoformat(), "event_id": None}
    assert [state["data"] for state in states] == [None] * len(states), json.dumps(states)
