"""Prefect behind the Launcher port: finds the deployments of prefect.yaml and starts their flows.

``LocalLauncher`` calls the flow in this process: as a real flow run when a Prefect API is configured, as a plain
function otherwise (replay without a server, unit tests). ``DeploymentLauncher`` asks a running Prefect server to run
the deployment. Outside ``flows`` and ``tasks`` this is the only module that imports Prefect, and only inside functions.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import re
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from models.core.errors import Refusal, Transient
from models.ports import LaunchResult

PROJECT_FILE: Final = Path(__file__).resolve().parent.parent / "prefect.yaml"


@dataclass(frozen=True)
class Deployments:
    """The deployments declared in prefect.yaml, by name."""

    project_file: Path = PROJECT_FILE

    @cached_property
    def by_name(self) -> dict[str, dict[str, Any]]:
        """Return each deployment's declaration. The file is read once."""
        declared = yaml.safe_load(self.project_file.read_text("utf-8"))
        return {item["name"]: item for item in declared["deployments"]}

    def flow(self, deployment: str) -> Any:
        """Return the flow object of a deployment. Raises ``LookupError`` when prefect.yaml does not name it."""
        if deployment not in self.by_name:
            raise LookupError(deployment)
        module, _, name = self.by_name[deployment]["entrypoint"].rpartition(".")
        return getattr(importlib.import_module(module), name)

    def parameters(self, deployment: str) -> dict[str, Any]:
        """Return the fixed parameters a deployment is declared with."""
        return dict(self.by_name[deployment].get("parameters") or {})


@dataclass(frozen=True)
class LocalLauncher:
    """Runs flows in this process; ``recorded`` decides between a real flow run and a plain call."""

    recorded: bool
    declared: Deployments = Deployments()

    def deployments(self) -> Sequence[str]:
        """Return the names of all deployments."""
        return tuple(self.declared.by_name)

    def parameter_schema(self, *, deployment: str) -> Mapping[str, object]:
        """Return the JSON Schema of the flow's parameters. Raises ``LookupError``."""
        schema = self.declared.flow(deployment).parameters
        return dict(schema.model_dump())

    def launch(self, *, deployment: str, parameters: Mapping[str, object], idempotency_key: str) -> LaunchResult:
        """Run the flow to its end and return its summary; what the flow raises comes as it is, recorded or not.

        The key is not needed in process: the commands the flow calls are guarded by their own unique keys. Raises
        ``Refusal`` ``orchestrator.parameters_invalid``, ``Transient`` when the server is away or the run was cut off.
        """
        flow = self.declared.flow(deployment)
        given = _checked(deployment, flow, {**self.declared.parameters(deployment), **parameters})
        if not self.recorded:
            return LaunchResult(run_id="", summary=_to_end(flow.fn(**given)))
        from prefect.exceptions import PrefectException

        named = flow.with_options(
            flow_run_name=f"{deployment}/{idempotency_key}",
            result_storage=_settings().results.local_storage_path,  # unnamed, every run asks the server for it twice
        )
        try:
            with _server_at_hand():
                run_id, summary = _to_end(_recorded(named, given))
        except PrefectException as err:  # cancelled, paused, cut off: what the flow itself raised comes as it is
            raise Transient("orchestrator.run_failed", rule="SYS-FLOW", facts={"deployment": deployment}) from err
        return LaunchResult(run_id=run_id, summary=summary)


@dataclass(frozen=True)
class DeploymentLauncher:
    """Asks the Prefect server to run a deployment; the server drops a second run with the same key."""

    declared: Deployments = Deployments()

    def deployments(self) -> Sequence[str]:
        """Return the names of all deployments."""
        return tuple(self.declared.by_name)

    def parameter_schema(self, *, deployment: str) -> Mapping[str, object]:
        """Return the JSON Schema of the flow's parameters. Raises ``LookupError``."""
        return dict(self.declared.flow(deployment).parameters.model_dump())

    def launch(self, *, deployment: str, parameters: Mapping[str, object], idempotency_key: str) -> LaunchResult:
        """Create the flow run and return at once. Raises ``Transient`` when the server is away."""
        from prefect.exceptions import ObjectNotFound

        flow = self.declared.flow(deployment)
        _settings()
        try:
            with _server_at_hand():
                return LaunchResult(run_id=_to_end(_started(flow.name, deployment, parameters, idempotency_key)))
        except ObjectNotFound as err:
            raise LookupError(deployment) from err


async def _started(flow: str, deployment: str, parameters: Mapping[str, object], key: str) -> str:
    """Create the flow run of a deployment, or find the one this key created; return its id."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        found = await client.read_deployment_by_name(f"{flow}/{deployment}")
        run = await client.create_flow_run_from_deployment(
            found.id, parameters=dict(parameters), idempotency_key=key, name=f"{deployment}/{key}"
        )
    return str(run.id)


def _checked(deployment: str, flow: Any, given: dict[str, object]) -> dict[str, Any]:
    """Return the parameters as the flow takes them. Raises ``Refusal`` ``orchestrator.parameters_invalid``."""
    from prefect.exceptions import PrefectException

    try:
        return dict(flow.validate_parameters(given))
    except PrefectException as err:
        known = inspect.signature(flow.fn).parameters
        missing = {name for name, info in known.items() if info.default is info.empty} - set(given)
        wrong = sorted(missing | set(given) - set(known)) or re.findall(r"^ - ([\w.]+):", str(err), re.MULTILINE)
        facts = {"deployment": deployment, "fields": "、".join(wrong)}
        raise Refusal("orchestrator.parameters_invalid", rule="SYS-ARGUMENTS", facts=facts) from err


async def _recorded(flow: Any, parameters: Mapping[str, object]) -> tuple[str, dict[str, int | str]]:
    """Run a flow as a flow run; return its id and summary. Raises what the flow raised."""
    state = await flow(**parameters, return_state=True)
    return str(state.state_details.flow_run_id), await state.aresult()


@contextmanager
def _server_at_hand() -> Iterator[None]:
    """Turn the faults of a Prefect server that is away into ``Transient``."""
    import httpx

    try:
        yield
    except (httpx.HTTPError, RuntimeError) as err:
        cause = err.__cause__ if isinstance(err, RuntimeError) else err  # the flow engine wraps what it met
        broken = isinstance(cause, httpx.HTTPStatusError) and cause.response.is_server_error
        if not broken and not isinstance(cause, httpx.TransportError):
            raise
        raise Transient("orchestrator.away", rule="SYS-FLOW") from err


def _settings() -> Any:
    """Return Prefect's settings, read again when the server's address came into the environment after its import."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import get_current_settings

    if get_current_settings().api.url != os.environ.get("PREFECT_API_URL"):
        refresh_global_settings_context()
    return get_current_settings()


def _to_end(call: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end from wherever we are: the relay's task already runs inside a flow's event loop."""
    if not _in_event_loop():
        return asyncio.run(call)
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, call).result()


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
