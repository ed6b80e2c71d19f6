"""Find and carry out: called twice as once, killed anywhere the next call takes the rest, only an outage stops them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from prefect.tasks import Task

import tasks.outbox
import tasks.sweeps
from models.commands import door
from models.core.errors import Conflict, DataFault, Refusal, Transient
from tasks._options import DELAYS_SECONDS, RETRIES, only_transient
from tasks.sweeps import carry_out, find_due
from tests.support.installation import DAY, SURVEYS, Installation, install
from tests.support.world import World

_ROOT = Path(__file__).resolve().parents[2]
_WAITING = "needs.surveys_without_files"
_BUILD = "needs.build_household_files"
_TASKS = {
    value.name: value
    for module in (tasks.sweeps, tasks.outbox)
    for value in vars(module).values()
    if isinstance(value, Task)
}


def _waiting() -> list[dict[str, str]]:
    return [{"survey": survey} for survey in find_due.fn(_WAITING, DAY)]


def _fail_at(monkeypatch: pytest.MonkeyPatch, calls: Mapping[int, Exception]) -> list[str]:
    """Let the n-th command of the sweep fail; return the list that names those called."""
    called: list[str] = []

    def execute(*args: Any, **keywords: Any) -> Any:
        called.append(keywords["name"])
        if len(called) in calls:
            raise calls[len(called)]
        return door.execute(*args, **keywords)

    monkeypatch.setattr(tasks.sweeps, "execute", execute)
    return called


def test_find_due_returns_the_same_ids_each_time_and_changes_nothing(installation: Installation) -> None:
    before = installation.rows()

    first, second = find_due.fn(_WAITING, DAY), find_due.fn(_WAITING, DAY)

    assert len(first) == SURVEYS
    assert first == second
    assert installation.rows() == before


def test_carry_out_called_twice_leaves_the_state_of_once(installation: Installation) -> None:
    subjects = _waiting()

    first = carry_out.fn(_BUILD, subjects, DAY)
    once = installation.rows()
    second = carry_out.fn(_BUILD, subjects, DAY)

    assert (first["done"], second["done"]) == (SURVEYS, SURVEYS)
    assert first["opened"] > 0
    assert second["opened"] == 0
    assert installation.rows() == once
    assert find_due.fn(_WAITING, DAY) == ()


def test_a_refusal_is_counted_and_kept_once_and_the_others_are_done(installation: Installation) -> None:
    subjects = [{"survey": "sur-nobody"}, *_waiting()]

    first = carry_out.fn(_BUILD, subjects, DAY)
    once = installation.rows()
    again = carry_out.fn(_BUILD, subjects, DAY)

    assert (first["done"], first["refused"]) == (SURVEYS, 1)
    assert again["refused"] == 1
    assert installation.rows() == once
    assert installation.count("attempt") == 1


def test_each_family_is_counted_under_its_name(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = (Refusal("kernel.not_found", facts={"thing": "", "id": ""}), Conflict("kernel.changed_meanwhile"))
    _fail_at(monkeypatch, {1: faults[0], 2: faults[1], 3: DataFault("kernel.not_found", facts={"thing": "", "id": ""})})

    counts = carry_out.fn(_BUILD, _waiting(), DAY)

    assert counts == {"done": 0, "refused": 1, "conflict": 1, "fault": 1}


def test_an_outage_stops_the_task_and_the_next_call_takes_the_rest(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = _waiting()
    called = _fail_at(monkeypatch, {2: Transient("orchestrator.away")})

    with pytest.raises(Transient):
        carry_out.fn(_BUILD, subjects, DAY)

    assert len(called) == 2
    assert [{"survey": survey} for survey in find_due.fn(_WAITING, DAY)] == subjects[1:]
    assert carry_out.fn(_BUILD, subjects, DAY)["done"] == SURVEYS
    assert find_due.fn(_WAITING, DAY) == ()


def test_a_process_killed_after_its_first_command_leaves_it_done_and_the_next_takes_the_rest(
    installation: Installation, surveyed_once: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like ``kill -9``: no cleanup of any kind runs. In the end the rows are those of an undisturbed sweep."""
    script = """
        import os, tasks.sweeps
        from datetime import date
        real = tasks.sweeps.execute
        def execute(*args, **keywords):
            real(*args, **keywords)
            os._exit(9)
        tasks.sweeps.execute = execute
        day = date.fromisoformat("2016-03-01")
        subjects = [{"survey": one} for one in tasks.sweeps.find_due.fn("needs.surveys_without_files", day)]
        tasks.sweeps.carry_out.fn("needs.build_household_files", subjects, day)
    """
    before = _waiting()
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=_ROOT, check=False, timeout=120)
    after = _waiting()

    rest = carry_out.fn(_BUILD, after, DAY)
    undisturbed = install(monkeypatch, surveyed_once, tmp_path, name="undisturbed")
    carry_out.fn(_BUILD, before, DAY)

    assert killed.returncode == 9
    assert after == before[1:]
    assert rest["done"] == SURVEYS - 1
    assert installation.rows() == undisturbed.rows()


@pytest.mark.parametrize("name", sorted(_TASKS))
def test_every_task_retries_outages_only_and_keeps_no_result(name: str) -> None:
    step = _TASKS[name]

    assert step.retries == RETRIES == len(DELAYS_SECONDS)
    assert step.retry_delay_seconds == DELAYS_SECONDS
    assert step.retry_condition_fn is only_transient
    assert step.persist_result is False
    assert step.cache_policy is NO_CACHE


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Transient("orchestrator.away"), True),
        (Refusal("kernel.not_found", facts={"thing": "", "id": ""}), False),
        (Conflict("kernel.changed_meanwhile"), False),
        (TypeError("a bug"), False),
    ],
)
def test_only_an_outage_is_tried_again(error: Exception, again: bool) -> None:
    state: State[Any] = Failed(data=error)

    assert asyncio.run(only_transient(find_due, None, state)) is again  # type: ignore[arg-type]


def test_a_finished_task_is_not_tried_again() -> None:
    assert asyncio.run(only_transient(find_due, None, Completed(data=1))) is False  # type: ignore[arg-type]


def test_the_tasks_are_those_called_twice_here() -> None:
    """A new task must be added to the tests that call each one twice."""
    assert sorted(_TASKS) == ["carry_out", "find_due", "relay_outbox"]
