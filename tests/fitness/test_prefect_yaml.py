"""prefect.yaml, flows and routes agree. Prefect ignores misspelt keys, this file does not."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import yaml

os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false")

from prefect import Flow
from prefect.cli.deploy._models import (
    ConcurrencyLimitSpec,
    DeploymentConfig,
    PrefectYamlModel,
    RawScheduleConfig,
    WorkPoolConfig,
)
from prefect.events import DeploymentEventTrigger
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent, RelatedResource, Resource
from prefect.server.schemas.schedules import CronSchedule
from prefect.utilities.schema_tools.hydration import HydrationContext, hydrate

from infra.orchestrator import Deployments
from models.rules.lifecycle import TRANSITIONS
from models.rules.routing import ROUTES
from tests.fitness.modules import ROOT

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_DECLARED: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
_DEPLOYMENTS: dict[str, dict[str, Any]] = {item["name"]: item for item in _DECLARED["deployments"]}
_RELAY = "outbox-relay"
_NOT_SCHEDULED = {
    "needs-import-intake",
    "review-open-batch",
    "review-open-round",
}  # started by an event from outside, by an operator's form
_EXAMPLES = {"survey": "srv-1", "media_type": "text/csv", "sha256": "0" * 64, "size": 1}


def _keys(model: Any) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


def _flow(name: str) -> Flow[Any, Any]:
    flow = Deployments().flow(name)
    assert isinstance(flow, Flow), f"{name}: {_DEPLOYMENTS[name]['entrypoint']} is no flow"
    return flow


def _flows() -> Iterator[tuple[str, Flow[Any, Any]]]:
    for file in sorted((ROOT / "flows").glob("[a-z]*.py")):
        module = importlib.import_module(f"flows.{file.stem}")
        for value in vars(module).values():
            if isinstance(value, Flow) and value.fn.__module__ == module.__name__:
                yield f"{module.__name__}.{value.fn.__name__}", value


def _known(found: dict[str, Any], allowed: set[str], where: str) -> list[str]:
    return [f"{where}: unknown key {key}" for key in sorted(set(found) - allowed)]


def test_every_key_is_one_that_prefect_knows() -> None:
    """Prefect ignores a misspelt key without a word, in a trigger as anywhere else."""
    faults = _known(_DECLARED, _keys(PrefectYamlModel) | {"definitions"}, "prefect.yaml")
    for name, item in _DEPLOYMENTS.items():
        faults += _known(item, _keys(DeploymentConfig), name)
        faults += _known(item.get("work_pool") or {}, _keys(WorkPoolConfig), f"{name} work_pool")
        faults += _known(item.get("concurrency_limit") or {}, _keys(ConcurrencyLimitSpec), f"{name} concurrency_limit")
        for schedule in item.get("schedules", ()):
            faults += _known(schedule, _keys(RawScheduleConfig), f"{name} schedule")
        for trigger in item.get("triggers", ()):
            faults += _known(trigger, _keys(DeploymentEventTrigger), f"{name} trigger")
    assert not faults, "\n".join(faults)


def test_names_are_unique_and_described_in_chinese() -> None:
    names = [item["name"] for item in _DECLARED["deployments"]]

    assert len(names) == len(set(names))
    assert [
        name for name, item in _DEPLOYMENTS.items() if not any("一" <= c <= "鿿" for c in item["description"])
    ] == []


@pytest.mark.parametrize("name", sorted(_DEPLOYMENTS))
def test_an_entrypoint_is_a_module_path_to_an_asynchronous_flow(name: str) -> None:
    """A module path keeps ``flows/`` off ``sys.path``; a synchronous flow run waits a second for its heartbeat."""
    entrypoint = _DEPLOYMENTS[name]["entrypoint"]

    flow = _flow(name)

    assert entrypoint.startswith("flows.")
    assert ":" not in entrypoint
    assert inspect.iscoroutinefunction(flow.fn)


@pytest.mark.parametrize("name", sorted(_DEPLOYMENTS))
def test_a_deployment_gives_its_flow_what_it_asks_for(name: str) -> None:
    """Fixed, scheduled and triggered parameters fit the flow's signature, and nothing it must have is missing."""
    item, flow = _DEPLOYMENTS[name], _flow(name)
    fixed = dict(item.get("parameters") or {})
    needed = {key for key, info in inspect.signature(flow.fn).parameters.items() if info.default is info.empty}

    for schedule in item.get("schedules", ()):
        flow.validate_parameters(fixed | (schedule.get("parameters") or {}))
    for trigger in item.get("triggers", ()):
        assert needed <= set(fixed) | set(trigger["parameters"])
        flow.validate_parameters(fixed | {key: _EXAMPLES[key] for key in trigger["parameters"]})

    assert set(fixed) <= set(inspect.signature(flow.fn).parameters)
    if not item.get("triggers") and name not in _NOT_SCHEDULED:
        assert needed <= set(fixed)


def test_every_flow_has_a_deployment_and_a_docstring_that_says_what_it_wraps() -> None:
    deployed = {item["entrypoint"] for item in _DEPLOYMENTS.values()}
    flows = dict(_flows())

    assert sorted(set(flows) - deployed) == [], "flows without a deployment"
    assert sorted(deployed - set(flows)) == [], "deployments without a flow"
    assert [name for name, flow in flows.items() if "wraps ``" not in (flow.fn.__doc__ or "")] == []
    assert len({flow.name for flow in flows.values()}) == len(flows)


def test_schedules_are_in_shanghai_and_only_event_and_form_flows_have_none() -> None:
    zones = {schedule.get("timezone") for item in _DEPLOYMENTS.values() for schedule in item.get("schedules", ())}
    unscheduled = {name for name, item in _DEPLOYMENTS.items() if not item.get("schedules")}

    assert zones == {"Asia/Shanghai"}
    assert unscheduled == _NOT_SCHEDULED


def _next(name: str, count: int, *, after: datetime) -> list[datetime]:
    (schedule,) = _DEPLOYMENTS[name]["schedules"]
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    found = asyncio.run(cron.get_dates(n=count, start=after))
    return [moment.astimezone(_SHANGHAI) for moment in found]


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("library-dispatch-monthly", [(2016, 2, 1), (2016, 3, 1), (2016, 4, 1)]),
        ("library-dispatch-half-yearly", [(2016, 7, 1), (2017, 1, 1), (2017, 7, 1)]),
        ("library-dispatch-yearly", [(2017, 1, 1), (2018, 1, 1), (2019, 1, 1)]),
        ("deadline-sweep", [(2016, 1, 5), (2016, 1, 6), (2016, 1, 7)]),
    ],
)
def test_schedules_fire_on_the_days_the_rules_name(name: str, days: list[tuple[int, int, int]]) -> None:
    """Computed by Prefect's own server code: monthly, half-yearly and yearly dispatch, the daily sweep."""
    found = _next(name, 3, after=datetime(2016, 1, 4, 12, tzinfo=_SHANGHAI))

    assert [moment.date() for moment in found] == [date(*day) for day in days]
    assert {moment.utcoffset() for moment in found} == {timedelta(hours=8)}


def test_the_half_yearly_dispatch_is_fixed_where_its_rule_is() -> None:
    """Twice a year, six months apart: the parameter and the cron expression say the same cadence."""
    for name, months in (("monthly", 1), ("half-yearly", 6), ("yearly", 12)):
        found = _next(f"library-dispatch-{name}", 2, after=datetime(2016, 1, 4, tzinfo=_SHANGHAI))
        apart = (found[1].year - found[0].year) * 12 + found[1].month - found[0].month
        assert _DEPLOYMENTS[f"library-dispatch-{name}"]["parameters"] == {"months": months}
        assert apart == months


def test_the_relay_runs_every_minute_alone() -> None:
    first, second = _next(_RELAY, 2, after=datetime(2016, 1, 4, tzinfo=_SHANGHAI))

    assert second - first == timedelta(minutes=1)


def test_no_deployment_that_writes_runs_twice_at_once() -> None:
    """One run at a time, later ones queue; the library dispatches are opened by key and may overlap.

    A relay or mailer sends all there is: one that finds another at work is not needed, nor are those of an outage
    afterwards.
    """
    strategies = {
        name: (item["concurrency_limit"]["limit"], item["concurrency_limit"]["collision_strategy"])
        for name, item in _DEPLOYMENTS.items()
        if not name.startswith("library-dispatch-")
    }

    assert (strategies.pop(_RELAY), strategies.pop("alerts-send")) == ((1, "CANCEL_NEW"), (1, "CANCEL_NEW"))
    assert set(strategies.values()) == {(1, "ENQUEUE")}


@pytest.mark.parametrize("route", sorted({route for routes in ROUTES.values() for route in routes}))
def test_every_route_leads_to_a_scheduled_deployment_that_takes_date_and_event(route: str) -> None:
    """A lost message costs hours, never a project: what the relay starts is also swept by a schedule."""
    assert route in _DEPLOYMENTS
    assert _DEPLOYMENTS[route].get("schedules")
    _flow(route).validate_parameters({"as_of": "2016-01-04", "event_id": "evt-1"})


def test_every_routed_event_of_a_thing_is_one_the_transition_table_leaves() -> None:
    things = {move.event.partition(".")[0] for move in TRANSITIONS}
    unknown = {
        event
        for event in ROUTES
        if event.partition(".")[0] in things and event not in {move.event for move in TRANSITIONS}
    }
    assert unknown == set()


def _trigger() -> tuple[EventTrigger, dict[str, Any]]:
    (spec,) = _DEPLOYMENTS["needs-import-intake"]["triggers"]
    own = {key: value for key, value in spec.items() if key in EventTrigger.model_fields and key != "type"}
    return EventTrigger.model_validate({"posture": "Reactive", "threshold": 1, "within": 0} | own), spec


def _event(name: str, resource: str, /, **payload: Any) -> ReceivedEvent:
    return ReceivedEvent(
        occurred=datetime(2016, 3, 1, 9, tzinfo=_SHANGHAI),
        event=name,
        resource=Resource({"prefect.resource.id": resource}),
        related=[
            RelatedResource({"prefect.resource.id": "lifecycle.bucket.intake", "prefect.resource.role": "bucket"})
        ],
        payload=payload,
        id=uuid4(),
    )


def test_the_intake_trigger_fires_for_a_ledger_that_arrived() -> None:
    trigger, spec = _trigger()

    assert trigger.covers(_event("intake.ledger-received", "lifecycle.intake.srv-1", **_EXAMPLES))
    assert spec["enabled"] is True


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("intake.ledger-removed", "lifecycle.intake.srv-1"),
        ("intake.ledger-received", "lifecycle.archive.srv-1"),
        ("intake.ledger-received", "prefect.flow-run.1"),
        *((event, "lifecycle.intake.srv-1") for event in ROUTES),
        *((move.event, f"lifecycle.intake.{move.thing}") for move in TRANSITIONS),
    ],
)
def test_the_intake_trigger_fires_for_nothing_else(name: str, resource: str) -> None:
    """Above all not for events of our own outbox: the relay alone starts deployments for those (decision 6)."""
    trigger, _ = _trigger()

    assert not trigger.covers(_event(name, resource))


def test_the_intake_trigger_hands_over_what_the_event_says() -> None:
    """The templates give the flow the payload's values, the size as a number."""
    _, spec = _trigger()
    event = _event("intake.ledger-received", "lifecycle.intake.srv-1", **_EXAMPLES)

    templates = {  # as Prefect's own RunDeployment action does it: a bare text is a Jinja template
        key: {"__prefect_kind": "jinja", "template": value} if isinstance(value, str) else value
        for key, value in spec["parameters"].items()
    }
    given = hydrate(templates, HydrationContext(render_jinja=True, jinja_context={"event": event}))

    assert given == _EXAMPLES
    assert _flow("needs-import-intake").validate_parameters(given)["size"] == 1


def test_only_the_intake_has_an_event_trigger() -> None:
    assert [name for name, item in _DEPLOYMENTS.items() if item.get("triggers")] == ["needs-import-intake"]


def test_the_public_contract_names_the_deployments_of_the_issue() -> None:
    """Names that cases, the README and the issue rely on stay (public contract)."""
    assert {"acceptance-chase-overdue", "deadline-sweep", "funding-prepare-quarterly-plan", _RELAY} <= set(_DEPLOYMENTS)
