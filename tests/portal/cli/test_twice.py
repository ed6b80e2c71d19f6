"""Sending again and what follows: a command id works once; a broken follow-up leaves the command before it done."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from models.core.errors import Transient
from portal.cli import operations
from tests.portal.cli.conftest import Installation, Lifecycle

pytestmark = pytest.mark.xdist_group("cli")

OFFICE = ("--as", "evaluation_office:u-office", "--as-of", "2016-03-01")
ENTRY = {"name": "合成项目", "needs": ["x"], "policies": ["y"]}
ENTER = ("do", "library.enter_project", *OFFICE)


def given(**arguments: Any) -> tuple[str, str]:
    return "--with", json.dumps(arguments, ensure_ascii=False)


class BrokenLauncher:
    """Every deployment ends in ``error``."""

    error: Exception = KeyError("a bug of the flow")

    def __init__(self, **_: object) -> None:
        pass

    def launch(self, **_: object) -> object:
        raise self.error


def _leave_message(installation: Installation) -> None:
    import sqlite3

    with sqlite3.connect(installation.home / "lifecycle.db") as connection:
        connection.execute(
            "INSERT INTO outbox (id, event_id, route, status, attempts, occurred_on, next_attempt_at)"
            " VALUES ('m1', 'evt-1', 'deadline-sweep', 'pending', 0, '2016-03-01', '2016-03-01T09:00:00+08:00')"
        )
    connection.close()


def test_a_command_id_works_once_also_in_another_process(installation: Installation, lifecycle: Lifecycle) -> None:
    call = (*ENTER, *given(**ENTRY), "--command-id", "req-2016-001", "--json")

    first = lifecycle(*call)
    before = installation.counts()
    again = lifecycle(*call)

    assert (first.code, again.code) == (0, 0)
    assert again.json["result"] == first.json["result"]
    assert installation.counts() == before


def test_another_content_under_the_same_id_exits_11(installation: Installation, lifecycle: Lifecycle) -> None:
    lifecycle(*ENTER, *given(**ENTRY), "--command-id", "req-1")

    said = lifecycle(*ENTER, *given(**ENTRY | {"name": "合成项目二"}), "--command-id", "req-1", "--json")

    assert (said.code, said.json["error"]["code"]) == (11, "kernel.command_id_taken")
    assert installation.rows("SELECT count(*) FROM project") == [(1,)]


def test_the_same_content_without_an_id_exits_11_and_names_the_first(
    installation: Installation, lifecycle: Lifecycle
) -> None:
    first, second = (lifecycle(*ENTER, *given(**ENTRY), "--json") for _ in range(2))

    assert (first.code, second.code) == (0, 11)
    assert first.json["result"]["id"] in second.json["error"]["message"]
    assert installation.rows("SELECT count(*) FROM project") == [(1,)]


@pytest.mark.parametrize("bad", ["", " ", "a b", "编号", "13812345678", "x" * 65])
def test_an_id_that_cannot_be_one_exits_2(installation: Installation, lifecycle: Lifecycle, bad: str) -> None:
    said = lifecycle(*ENTER, *given(**ENTRY), "--command-id", bad)

    assert said.code == (2 if bad else 0)
    assert ("命令编号" in said.err) == bool(bad)


def test_a_bug_of_a_follow_up_flow_leaves_the_command_done(
    installation: Installation, lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lifecycle("query", "chains.verify", "--as", "audit_body:a-1")
    _leave_message(installation)
    monkeypatch.setattr(operations, "LocalLauncher", BrokenLauncher)

    with caplog.at_level(logging.ERROR):
        said = lifecycle(*ENTER, *given(**ENTRY), "--json")

    ((status, error),) = installation.rows("SELECT status, last_error FROM outbox")
    incident = error.removeprefix("relay.unexpected/")
    assert (said.code, said.json["ok"], status) == (0, True, "pending")
    assert "稍后会自动重试" in said.json["follow_up"]
    assert incident in said.json["follow_up"]
    assert [incident in record.getMessage() for record in caplog.records].count(True) == 1


def test_a_follow_up_whose_server_is_away_is_told_in_a_line(
    installation: Installation, lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle("query", "chains.verify", "--as", "audit_body:a-1")
    _leave_message(installation)
    monkeypatch.setattr(BrokenLauncher, "error", Transient("orchestrator.away", rule="SYS-FLOW"))
    monkeypatch.setattr(operations, "LocalLauncher", BrokenLauncher)

    said = lifecycle(*ENTER, *given(**ENTRY))

    assert said.code == 0
    assert "已办理" in said.out
    assert "后续流程暂未完成" in said.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LIFECYCLE_MODE", "prod"),
        ("LIFECYCLE_HOME", "/dev/null/home"),
        ("LIFECYCLE_DATABASE_URL", "no database at all"),
        ("LIFECYCLE_REGION", "999999"),
        ("LIFECYCLE_SIGNING_KEY", "/dev/null/key.pem"),
    ],
)
def test_a_wrong_setting_exits_2_with_its_variable_and_the_way_out(
    installation: Installation, lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    shown, told = lifecycle(*ENTER, *given(**ENTRY)), lifecycle(*ENTER, *given(**ENTRY), "--json")

    assert (shown.code, told.code) == (2, 2)
    assert variable in shown.err
    assert "应为" in shown.err
    assert variable in told.json["error"]["message"]
    assert "Traceback" not in shown.err


def test_production_without_a_signing_key_exits_2(
    installation: Installation, lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFECYCLE_MODE", "production")

    said = lifecycle("do", "policy.confirm_value", *given(key="x", basis="y"), *OFFICE)

    assert said.code == 2
    assert "LIFECYCLE_SIGNING_KEY" in said.err
