"""``lifecycle work`` and ``lifecycle why``: readable in Chinese, whole in JSON, exit 2 or 10 for what nobody knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.portal.cli.conftest import Installation, Lifecycle

pytestmark = pytest.mark.xdist_group("cli")


DAY = "2016-03-04"


def given(**arguments: Any) -> tuple[str, str]:
    return "--with", json.dumps(arguments, ensure_ascii=False)


@pytest.fixture
def project(installation: Installation, lifecycle: Lifecycle) -> str:
    office = ("--as", "evaluation_office:u-office", "--as-of", DAY)
    entered = given(name="合成项目", payer="government", needs=["x"], policies=["y"])
    return str(lifecycle("do", "library.enter_project", *entered, *office, "--json").json["result"]["id"])


def test_why_tells_the_steps_the_clause_and_what_may_come_next(project: str, lifecycle: Lifecycle) -> None:
    shown, told = lifecycle("why", project), lifecycle("why", project, "--json").json

    assert shown.code == 0
    assert "项目由“尚未建立”到“入库”" in shown.out
    assert "遵义意见三(五)（ZY-44）" in shown.out
    assert "application.submit" in shown.out
    assert "u-office" not in shown.out
    assert (told["id"], told["states"]["project"], len(told["steps"])) == (project, ["in_library"], 1)


def test_why_of_an_unknown_project_is_refused(installation: Installation, lifecycle: Lifecycle) -> None:
    assert lifecycle("why", "prj-none").code == 10


def test_work_lists_what_is_due_with_its_source_and_command(
    project: str, installation: Installation, lifecycle: Lifecycle
) -> None:
    budget = given(project=project, year=2016, channel="local_budget", amount="1000.00")
    lifecycle("do", "funding.register_budget", *budget, "--as", "finance_bureau:u-fin", "--as-of", DAY, "--json")
    (expected,) = installation.rows("SELECT role, due_on, resolves_with FROM work_item WHERE status = 'open'")

    shown, told = lifecycle("work"), lifecycle("work", "--json").json
    none = lifecycle("work", "--role", "expert", "--json").json

    assert [(item["role"], item["due_on"], item["resolves_with"]) for item in told] == [expected]
    assert told[0]["source"]
    assert "共 1 项,其中逾期 1 项" in shown.out
    assert none == []


def test_a_role_or_day_nobody_knows_exits_2(installation: Installation, lifecycle: Lifecycle) -> None:
    role, day = lifecycle("work", "--role", "mayor"), lifecycle("work", "--by", "明天", "--json")

    assert (role.code, day.code, day.json["ok"]) == (2, 2, False)
    assert "evaluation_office" in role.err
