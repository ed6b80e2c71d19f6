"""The workbooks of services (S12–S13): one person's file, what the checks of a month found and what is behind it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from python_calamine import load_workbook

from models.ports import Zone
from tests.support.watching import CONTRACTOR, COUNTY, SYSTEM, Watched, record, service, watched
from tests.support.world import copy_world

RUN_ON = date(2025, 5, 8)
AUDITOR = "audit_body:u-audit"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    made = watched(tmp_path_factory.mktemp("watched"), region="520300")
    given: dict[str, Any] = {
        "contract": made.contract,
        "basis": "合成项目方案",
        "services": [{"item": "meal", "minutes_month": 60}],
    }
    made.world.do("delivery.plan_services", as_=CONTRACTOR, on=date(2025, 4, 1), **given)
    yield made
    made.world.services.engine.dispose()


@pytest.fixture
def held(standing: Watched, tmp_path: Path) -> Iterator[Watched]:
    made = replace(standing, world=copy_world(standing.world, tmp_path))
    yield made
    made.world.services.engine.dispose()


def table(held: Watched, sha256: str) -> list[dict[str, str]]:
    """Return the lines of a stored workbook by the heads of its columns."""
    data = held.world.services.documents.get(zone=Zone.DOCUMENTS, sha256=sha256)
    _title, _note, heads, *lines = load_workbook(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    return [dict(zip(map(str, heads), map(str, line), strict=True)) for line in lines]


def issue_file(held: Watched, as_: str) -> list[dict[str, str]]:
    given: dict[str, Any] = {"project": held.project, "person": held.people[0]}
    return table(held, held.world.do("delivery.issue_service_file", as_=as_, on=RUN_ON, **given).sha256)


def test_a_service_file_holds_plan_services_and_signatures(held: Watched) -> None:
    """L09: person, date, start to end, item, staff with certificate, place, result, signature, satisfaction."""
    record(held, service(held.people[0], 2, result="电话13800138000,情绪好转"))
    record(held, service(held.people[0], 21, staff="SW-02", item="cleaning", satisfied=False, signed="agent"))

    plan, first, second = issue_file(held, COUNTY)

    assert (plan["类别"], plan["服务项目(回访方式)"], plan["分钟"]) == ("计划", "助餐", "每月60")
    assert [first[name] for name in ("日期", "起止时间", "当日持证", "对象确认", "是否满意", "计划外")] == [
        "2025-04-02", "09:00—10:00", "是", "本人", "是", "否",
    ]  # fmt: skip
    assert [second[name] for name in ("当日持证", "对象确认", "是否满意", "计划外")] == ["否", "代理人", "否", "是"]
    assert "13800138000" not in first["服务结果(对象意见)"]
    assert first["服务地点"] == "合成社区服务站"


@pytest.mark.parametrize(("as_", "inside"), [(COUNTY, True), (AUDITOR, False), (CONTRACTOR, False)])
def test_a_person_is_shown_as_the_audience_may_see(held: Watched, as_: str, inside: bool) -> None:
    record(held, service(held.people[0], 2))

    line = issue_file(held, as_)[-1]

    assert ("甲" in line["姓名"], bool(line["身份证号(遮盖)"])) == (inside, inside)
    assert not line["身份证号(遮盖)"].isalnum() or not line["身份证号(遮盖)"]


def test_a_file_of_nothing_is_not_printed(held: Watched) -> None:
    given: dict[str, Any] = {"project": held.project, "person": held.people[0]}
    held.world.refused("delivery.file_empty", "delivery.issue_service_file", as_=COUNTY, on=RUN_ON, **given)


def test_the_findings_of_a_month_come_with_every_service_behind_them(held: Watched) -> None:
    one, two, three = held.people
    record(held, service(one, 2), service(one, 2, start="09:30"), service(two, 2, item="cleaning"))
    record(held, service(three, 21, staff="SW-02"))
    held.world.do("monitoring.run_monthly_checks", as_=SYSTEM, on=RUN_ON)

    issued = held.world.do("monitoring.issue_findings", as_=COUNTY, on=RUN_ON, month="2025-04-15")

    findings, details = table(held, issued.sha256), table(held, issued.details_sha256)
    assert {(one["核查项"], one["条数"], one["办理情况"]) for one in findings} == {
        ("服务内容与实际需求不匹配", "1", "办理中"),
        ("服务时长低于合同约定", "1", "办理中"),
        ("重复支付", "1", "办理中"),
        ("服务人员未持证", "1", "办理中"),
    }
    assert len(details) == issued.faults == sum(int(one["条数"]) for one in findings)
    by_check = {one["核查项"]: one for one in details}
    assert by_check["重复支付"]["起止时间"] == "09:30—10:00"
    assert by_check["服务人员未持证"]["服务人员工号"] == "SW-02"
    short = by_check["服务时长低于合同约定"]
    assert (short["应服务分钟"], short["实服务分钟"]) == ("60", "0")
    assert "甲" in short["姓名"]
    assert {one["核查结果编号"] for one in details} == {one["核查结果编号"] for one in findings}


def test_a_month_without_findings_is_not_printed(held: Watched) -> None:
    held.world.refused(
        "monitoring.findings_empty", "monitoring.issue_findings", as_=COUNTY, on=RUN_ON, month="2025-04-01"
    )
