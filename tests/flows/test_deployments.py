"""prefect.yaml on a real server with a real worker: deployed twice, started by key, by event, and through the outbox.

Everything the worker is to do is asked for once, by the fixture ``done``; the tests look at what came of it.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml

from infra.bootstrap import open_services
from infra.embedded.prefect_server import EmbeddedPrefect
from infra.embedded.prefect_worker import EmbeddedWorker
from infra.embedded.seaweed import EmbeddedS3
from infra.orchestrator import PROJECT_FILE, DeploymentLauncher
from infra.settings import Settings
from models.commands import work
from models.context import Context
from models.core.actors import Actor, Role
from models.core.identifiers import find_leaks
from models.core.uploads import Upload
from portal.cli.serve import deploy
from tests.support.installation import DAY, Installation, drive, people
from tests.support.planning import ledger_upload, open_survey
from tests.support.world import StoppedClock, World

pytestmark = pytest.mark.xdist_group("prefect")

_DECLARED: dict[str, dict[str, Any]] = {
    item["name"]: item for item in yaml.safe_load(PROJECT_FILE.read_text("utf-8"))["deployments"]
}
_ANCHOR, _IMPORT, _RELAY, _BUILD = (
    "audit-anchor-chains",
    "needs-import-intake",
    "outbox-relay",
    "needs-build-household-files",
)
_SWEEP = "deadline-sweep"
_STANDSTILL = 3.0  # seconds
_PATIENCE = 120.0  # seconds; a run takes about five on two free cores


def _patiently(method: str, url: str, body: object) -> httpx.Response:
    """Ask the server; its SQLite answers 503 while it is busy writing, which is not what is tested here."""
    for _ in range(60):
        answer = httpx.request(method, url, json=body, timeout=30)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(0.5)
    answer.raise_for_status()
    return answer


@dataclass(frozen=True)
class Api:
    """The server's REST interface, as far as tests look through it."""

    url: str

    def post(self, path: str, body: object) -> Any:
        answer = _patiently("POST", f"{self.url}{path}", body)
        return answer.json() if answer.content else None

    def deployments(self) -> dict[str, dict[str, Any]]:
        """Return the deployments by name."""
        return {item["name"]: item for item in self.post("/deployments/filter", {"limit": 200})}

    def automations(self) -> list[dict[str, Any]]:
        """Return all automations."""
        return list(self.post("/automations/filter", {}))

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        """Return the flow runs of a deployment that no schedule made."""
        query = {"deployments": {"name": {"any_": [deployment]}}, "limit": 200}
        return [run for run in self.post("/flow_runs/filter", query) if not run["auto_scheduled"]]

    def schedule(self, deployment: str, at: datetime) -> None:
        """Ask for one run at an instant, as a schedule would."""
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}
        name = self.deployments()[deployment]["id"]
        self.post(f"/deployments/{name}/create_flow_run", {"state": state, "idempotency_key": f"{deployment}-once"})

    def pause(self) -> None:
        """Stop all schedules: here every run is asked for."""
        for item in self.deployments().values():
            _patiently("PATCH", f"{self.url}/deployments/{item['id']}", {"paused": True})


def _until(found: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + _PATIENCE
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited {_PATIENCE} s for {what}"
        time.sleep(0.2)
    return value


def _finished(api: Api, deployment: str) -> list[dict[str, Any]]:
    final = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}

    def ended() -> list[dict[str, Any]]:
        runs = api.runs(deployment)
        return runs if all(run["state_type"] in final for run in runs) else []

    return list(_until(ended, f"the end of {deployment}"))


@pytest.fixture(scope="module")
def client(prefect_server: EmbeddedPrefect) -> Iterator[dict[str, str]]:
    """The environment of the server's clients, also that of this process as long as the module runs."""
    environment = prefect_server.environment() | {"LIFECYCLE_CODE": str(PROJECT_FILE.parent)}
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        yield environment


@pytest.fixture(scope="module")
def deployed(client: dict[str, str]) -> Api:
    """The server with everything in prefect.yaml deployed once."""
    deploy(dict(os.environ))
    return Api(client["PREFECT_API_URL"])


@pytest.fixture(scope="module")
def installation(s3: EmbeddedS3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An empty installation with a real store, its settings in the environment."""
    home = tmp_path_factory.mktemp("home")
    store = s3.settings(bucket_prefix="deployments")
    environment = {
        "LIFECYCLE_HOME": str(home),
        "LIFECYCLE_MODE": "rehearsal",
        "LIFECYCLE_REGION": "420200",
        "LIFECYCLE_S3_ENDPOINT": store.endpoint,
        "LIFECYCLE_S3_ACCESS_KEY": store.access_key,
        "LIFECYCLE_S3_SECRET_KEY": store.secret_key,
        "LIFECYCLE_S3_SECURE": "false",
        "LIFECYCLE_S3_BUCKET_PREFIX": store.bucket_prefix,
    }
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        with open_services(Settings()) as services:
            clock = StoppedClock(DAY)
            world = World(replace(services, clock=clock), clock)
            drive(world, DAY)
            yield Installation(world, home)


@dataclass(frozen=True)
class Asked:
    """What the worker was asked to do: the survey and file of the event, the runs the key gave."""

    survey: str
    file: Upload
    rows: list[dict[str, object]]
    started: tuple[str, str]


@pytest.fixture(scope="module")
def done(prefect_server: EmbeddedPrefect, deployed: Api, installation: Installation) -> Iterator[Asked]:
    """A worker that was asked for an anchor twice under one key, told of a ledger, and then relayed the outbox; the
    server stood still over the instant at which a sweep was to start.
    """
    deployed.pause()
    _open_item(installation.world)
    survey, rows = open_survey(installation.world, on=DAY), people(seed=1)
    file = ledger_upload(installation.world, rows, as_of=DAY)
    with EmbeddedWorker(installation.home / "worker", os.environ):
        started = tuple(
            DeploymentLauncher()
            .launch(deployment=_ANCHOR, parameters={"as_of": DAY.isoformat()}, idempotency_key="evt-anchor")
            .run_id
            for _ in range(2)
        )
        _announce(deployed, survey, file)
        _until(lambda: installation.count("outbox"), "the import of the announced ledger")
        DeploymentLauncher().launch(deployment=_RELAY, parameters={}, idempotency_key="relay-1")
        _until(lambda: installation.count("household_file"), "the household files")
        _stand_still(prefect_server, deployed)
        for deployment in (_ANCHOR, _IMPORT, _RELAY, _BUILD, _SWEEP):
            _finished(deployed, deployment)
        yield Asked(survey, file, rows, (started[0], started[1]))


def _open_item(world: World) -> None:
    ctx = Context(world.services, Actor(Role.SYSTEM, "u-t"), DAY, "test.work", "cmd-test")
    with ctx.writing() as session:
        work.open_item(
            session,
            ctx,
            kind="acceptance.self_check",
            role=Role.CONTRACTOR,
            subject_kind="project",
            subject_id="prj-1",
            due_on=DAY,
            clause="ZY-95",
            resolves_with="acceptance.submit_self_check",
        )


def _stand_still(server: EmbeddedPrefect, api: Api) -> None:
    """Let a sweep be due while the server with its scheduler is stopped for seconds."""
    api.schedule(_SWEEP, datetime.now(UTC) + timedelta(seconds=1))
    pid = server.pid
    assert pid is not None
    os.killpg(pid, signal.SIGSTOP)
    time.sleep(_STANDSTILL)
    os.killpg(pid, signal.SIGCONT)


def _announce(api: Api, survey: str, file: Upload) -> None:
    event = {
        "occurred": datetime.combine(DAY, datetime.min.time(), tzinfo=ZoneInfo("Asia/Shanghai")).isoformat(),
        "event": "intake.ledger-received",
        "resource": {"prefect.resource.id": f"lifecycle.intake.{survey}"},
        "payload": {"survey": survey, "media_type": file.media_type, "sha256": file.sha256, "size": file.size},
        "id": "00000000-0000-4000-8000-000000000001",
    }
    api.post("/events", [event])


def test_every_deployment_of_the_file_is_on_the_server_with_its_schedule_and_limit(deployed: Api) -> None:
    found = deployed.deployments()

    assert set(found) == set(_DECLARED)
    for name, item in _DECLARED.items():
        schedules = [(one["schedule"]["cron"], one["schedule"]["timezone"]) for one in found[name]["schedules"]]
        limit = found[name]["global_concurrency_limit"]
        assert found[name]["entrypoint"] == item["entrypoint"]
        assert found[name]["work_pool_name"] == "lifecycle"
        assert schedules == [(one["cron"], "Asia/Shanghai") for one in item.get("schedules", ())]
        assert (limit and limit["limit"]) == item.get("concurrency_limit", {}).get("limit")
        assert found[name]["parameters"] == item.get("parameters", {})


def test_the_run_form_of_a_deployment_says_what_it_takes(deployed: Api) -> None:
    schema = deployed.deployments()["review-open-round"]["parameter_openapi_schema"]

    form = schema["definitions"]["RoundForm"]
    assert set(schema["properties"]) == {"form", "as_of"}
    assert schema["required"] == ["form"]
    assert {name: field["title"] for name, field in form["properties"].items()} == {
        "project": "项目编号",
        "closes_on": "评分截止日期",
        "batch": "评审批次",
        "sealed": "评审期间专家互不知情",
    }
    assert {one.get("format") for one in schema["properties"]["as_of"]["anyOf"]} == {"date", None}


def test_one_key_gives_one_run_and_its_work_is_done(done: Asked, deployed: Api, installation: Installation) -> None:
    (run,) = _finished(deployed, _ANCHOR)

    assert done.started == (run["id"], run["id"])
    assert run["state_name"] == "Completed"
    assert installation.count("event", "type = 'chains.anchored'") == 1


def test_an_event_from_outside_imports_the_ledger(done: Asked, deployed: Api, installation: Installation) -> None:
    (run,) = _finished(deployed, _IMPORT)

    assert run["state_name"] == "Completed"
    assert run["parameters"] == {
        "survey": done.survey,
        "media_type": done.file.media_type,
        "sha256": done.file.sha256,
        "size": done.file.size,
    }
    assert installation.count("person", f"survey_id = '{done.survey}'") == len(done.rows)


def test_the_relay_sends_the_outbox_and_the_files_are_built(
    done: Asked, deployed: Api, installation: Installation
) -> None:
    (relay,), (build,) = _finished(deployed, _RELAY), _finished(deployed, _BUILD)
    households = {row["household_no"] for row in done.rows}

    assert (relay["state_name"], build["state_name"]) == ("Completed", "Completed")
    assert installation.count("outbox", "status = 'sent'") == installation.count("outbox") == 1
    assert installation.count("household_file") == len(households)
    assert (
        installation.count("event", f"event_id = '{build['idempotency_key']}' and type = 'needs.ledger_imported'") == 1
    )


def test_a_scheduler_that_stood_still_starts_what_was_due_late_and_once(
    done: Asked, deployed: Api, installation: Installation
) -> None:
    """Decision 32: one real stop of seconds; the sweep it missed raises each alert once."""
    (run,) = _finished(deployed, _SWEEP)
    late = datetime.fromisoformat(run["start_time"]) - datetime.fromisoformat(run["expected_start_time"])

    assert (run["state_name"], run["run_count"]) == ("Completed", 1)
    assert late >= timedelta(seconds=_STANDSTILL - 1)
    assert installation.count("alert", "level = '0'") == installation.count("alert") == 1


def test_the_server_learns_nothing_about_anybody(done: Asked, deployed: Api) -> None:
    """Parameters, states and logs of all runs: ids, digests, counts and dates, nobody's name or number."""
    runs = deployed.post("/flow_runs/filter", {"limit": 200})
    logs = deployed.post("/logs/filter", {"limit": 200})
    told = json.dumps([runs, [log["message"] for log in logs]], ensure_ascii=False)
    secrets = {str(row[key]) for row in done.rows for key in ("person_name", "id_number", "phone") if row[key]}

    assert logs
    assert [secret for secret in secrets if secret in told] == []
    assert [leak for run in runs for leak in find_leaks(json.dumps(run["parameters"], ensure_ascii=False))] == []
    assert [run["state"]["data"] for run in runs if run["state"].get("data")] == []


def test_a_second_deployment_changes_nothing(done: Asked, deployed: Api) -> None:
    before, automations = deployed.deployments(), deployed.automations()

    deploy(dict(os.environ))
    after = deployed.deployments()

    assert {name: item["id"] for name, item in after.items()} == {name: item["id"] for name, item in before.items()}
    assert {name: len(item["schedules"]) for name, item in after.items()} == {
        name: len(item["schedules"]) for name, item in before.items()
    }
    assert [one["name"] for one in deployed.automations()] == [one["name"] for one in automations]
    assert [one["name"] for one in automations] == ["intake-ledger-received"]
