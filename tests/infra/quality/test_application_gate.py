"""The application form at its gate: as a workbook and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from models.core.errors import DataFault
from models.policy.resolver import load_policy_book
from models.ports import GateResult
from reports.application_form import (
    APPLICATION_FIELDS,
    BUDGET_HEADER_ROW,
    DESIGN_HEADER_ROW,
    DESIGN_POINTS,
    FIRST_FIELD_ROW,
    SHEET_NAME,
    TEAM_HEADER_ROW,
    application_form_file,
    application_template,
)
from tests.infra.quality.ledgers import MEDIA_TYPE, check

JSON = "application/json"
ROWS = {field.key: FIRST_FIELD_ROW + place for place, field in enumerate(APPLICATION_FIELDS)}


def form(**changes: Any) -> dict[str, Any]:
    """Return a complete made-up form as an applicant writes it."""
    return {
        "project_name": "合成项目",
        "applicant": "合成社会服务中心",
        "credit_code": "52420200MJH000000Y",
        "guide_version": "2016-1",
        "need_refs": "sur-synthetic",
        "policy_refs": "政府购买服务办法",
        "background": "背景",
        "concept": "设想",
        "goals": "目标",
        "plan": "方案",
        "expected_effect": "效果",
        "starts_on": "2016-05-01",
        "ends_on": "2017年4月30日",
        "total": "680000.00",
        "budget": [
            {"category": "人员费用", "source": "本级财政", "amount": "500,000.00"},
            {"category": "活动费用", "source": "福利彩票公益金", "amount": "180000"},
        ],
        "team": [
            {"role": "项目负责人", "person_name": "合成甲", "qualification": "社会工作师", "phone": "13800000000"},
            {"role": "执行人员", "person_name": "合成乙"},
            {"role": "责任人员", "person_name": "合成丙"},
        ],
    } | changes


def as_workbook(entries: Mapping[str, object]) -> GateResult:
    return check(application_form_file(form=entries), gate="application_form")


def as_json(entries: Mapping[str, object]) -> GateResult:
    return check(json.dumps(entries).encode(), media_type=JSON, gate="application_form")


def test_a_complete_form_passes_and_comes_back_as_one_typed_row() -> None:
    """Amounts in fen, codes for channels and roles, dates; budget and team as tuples."""
    result = as_workbook(form())

    assert result.faults == result.warnings == ()
    assert result.row_count == 1
    (row,) = result.rows
    assert (row["total"], row["starts_on"], row["ends_on"]) == (68_000_000, date(2016, 5, 1), date(2017, 4, 30))
    assert row["budget"] == (
        {"category": "人员费用", "source": "local_budget", "amount": 50_000_000},
        {"category": "活动费用", "source": "lottery_welfare_fund", "amount": 18_000_000},
    )
    assert [member["role"] for member in row["team"]] == ["project_leader", "executor", "accountable_person"]


def test_json_and_workbook_give_the_same_row() -> None:
    """Labels or codes, texts or numbers: one meaning."""
    coded = form(total=680000)
    coded["budget"] = [
        {"category": "人员费用", "source": "local_budget", "amount": 500000.0},
        {"category": "活动费用", "source": "lottery_welfare_fund", "amount": "180000.00"},
    ]

    assert as_json(coded).rows == as_workbook(form()).rows


@pytest.mark.parametrize(
    ("key", "value", "rule", "message"),
    [
        ("background", "", "ZY-18", "项目背景、目标、方案、预算、预期效果"),
        ("goals", " ", "ZY-18", "项目背景、目标、方案、预算、预期效果"),
        ("plan", "", "ZY-18", "项目背景、目标、方案、预算、预期效果"),
        ("expected_effect", "", "ZY-18", "项目背景、目标、方案、预算、预期效果"),
        ("project_name", "=1+1", "SYS-GATE-FORMULA", "当作公式"),
        ("credit_code", "52420200MJH000000A", "GB-32100", "校验位不符"),
        ("credit_code", "5242", "GB-32100", "18位"),
        ("starts_on", "开春", "SYS-GATE-CELL", "日期"),
        ("ends_on", "2016-04-30", "ZY-18", "早于开始日期"),
        ("total", "", "ZY-18", "预算总额未填写"),
        ("total", "六十八万", "SYS-GATE-CELL", "金额写法不对"),
        ("total", "680000.01", "ZY-18", "不等于预算表各行之和"),
    ],
)
def test_each_entry_that_is_wrong_is_found_at_its_row(key: str, value: str, rule: str, message: str) -> None:
    """The fault names the entry's row in the form and its title."""
    result = as_workbook(form(**{key: value}))

    assert not result.passed
    assert [(fault.sheet, fault.row, fault.field, fault.rule) for fault in result.faults] == [
        (SHEET_NAME, ROWS[key], key, rule)
    ]
    assert message in result.faults[0].problem


@pytest.mark.parametrize(
    ("line", "column", "rule", "message"),
    [
        ({"category": "", "source": "本级财政", "amount": "1"}, "支出类别", "ZY-18", "未填写"),
        ({"category": "其他", "source": "彩票", "amount": "1"}, "资金渠道", "ZY-18", "资金渠道不在字典内"),
        ({"category": "其他", "source": "本级财政", "amount": "0"}, "金额(元)", "ZY-18", "大于零"),
        ({"category": "其他", "source": "本级财政", "amount": "1.005"}, "金额(元)", "SYS-GATE-CELL", "金额写法不对"),
        ({"category": "其他", "source": "本级财政", "amount": ""}, "金额(元)", "ZY-18", "未填写"),
    ],
)
def test_each_budget_cell_that_is_wrong_is_found(line: dict[str, str], column: str, rule: str, message: str) -> None:
    """The third line of the budget stands three rows below its header."""
    budget = [*form()["budget"], line]
    total = "680001.00" if line["amount"] == "1" else "680000.00"

    result = as_workbook(form(budget=budget, total=total))

    assert [(fault.row, fault.column, fault.rule) for fault in result.faults] == [(BUDGET_HEADER_ROW + 3, column, rule)]
    assert message in result.faults[0].problem


@pytest.mark.parametrize(("role", "missing"), [(0, "项目负责人"), (1, "执行人员"), (2, "责任人员")])
def test_a_team_without_one_of_the_three_roles_is_refused(role: int, missing: str) -> None:
    """ZY-17: at least one of each; the fault names the column, as no single cell is wrong."""
    team = form()["team"]
    del team[role]

    result = as_workbook(form(team=team))

    assert [(fault.problem, fault.column, fault.row, fault.rule) for fault in result.faults] == [
        (f"项目团队缺少{missing}", "团队角色", None, "ZY-17")
    ]


def test_a_member_with_an_unknown_role_or_no_name_is_found() -> None:
    """Each at its own cell of the team's table."""
    team = [*form()["team"], {"role": "顾问", "person_name": ""}]

    result = as_workbook(form(team=team))

    assert {(fault.row, fault.column) for fault in result.faults} == {
        (TEAM_HEADER_ROW + 4, "团队角色"),
        (TEAM_HEADER_ROW + 4, "姓名"),
    }


def test_an_empty_form_names_everything_that_is_missing_at_once() -> None:
    """ZY-14: all gaps in one answer."""
    result = check(application_template(), gate="application_form")

    columns = {fault.column for fault in result.faults if fault.row is not None}
    assert columns == {field.title for field in APPLICATION_FIELDS if field.required}
    assert {fault.rule for fault in result.faults} == {"ZY-17", "ZY-18"}
    assert "预算表没有一行" in {fault.problem for fault in result.faults}


def test_what_only_huangshi_asks_for_is_a_warning() -> None:
    """项目设想 (HS-01) blocks in the command where the rule is in force, never here."""
    result = as_workbook(form(concept="", need_refs="", credit_code=""))

    assert result.passed
    assert [(item.field, item.rule) for item in result.warnings] == [
        ("credit_code", "GB-32100"),
        ("need_refs", "ZY-18"),
        ("concept", "HS-01"),
    ]


def test_json_faults_are_addressed_by_field_path() -> None:
    """No sheet, no row: the path of the entry."""
    wrong = form(background=None)
    wrong["budget"][1]["source"] = ["本级财政"]
    wrong["goals"] = {"a": 1}

    result = as_json(wrong)

    assert [(fault.field, fault.sheet, fault.row) for fault in result.faults] == [
        ("background", None, None),
        ("goals", None, None),
        ("budget.1.source", None, None),
    ]


@pytest.mark.parametrize("change", [{"budget": {"amount": 1}}, {"team": ["合成甲"]}, {"身份证号110101": "x"}])
def test_json_with_another_shape_is_refused_without_quoting_it(change: dict[str, Any]) -> None:
    """Unknown keys are named by their place, since a key may hold a person's number."""
    result = as_json(form(**change))

    assert [fault.rule for fault in result.faults] == ["SYS-GATE-LAYOUT"]
    assert "110101" not in result.report.decode()


@pytest.mark.parametrize("data", [b"[]", b"{", b'{"total": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_json_nobody_can_read_is_a_data_fault(data: bytes) -> None:
    """Broken JSON, no object, no number."""
    with pytest.raises(DataFault) as caught:
        check(data, media_type=JSON, gate="application_form")

    assert caught.value.code == "gate.unreadable"


def test_a_ledger_handed_in_as_a_form_is_refused() -> None:
    """The sheet is not there."""
    from tests.infra.quality.ledgers import texts, workbook

    result = check(workbook(texts(1)), gate="application_form", media_type=MEDIA_TYPE)

    assert [fault.rule for fault in result.faults] == ["SYS-GATE-LAYOUT"]


def test_no_name_of_the_team_reaches_the_report() -> None:
    """Names and phone numbers stay in the rows."""
    team = [*form()["team"], {"role": "其他人员", "person_name": "合成丁", "phone": "139"}]
    result = as_workbook(form(team=team, total="1"))

    assert result.faults
    assert result.warnings
    shown = result.report.decode() + repr(result.faults) + repr(result.warnings)
    assert not any(text in shown for text in ("合成甲", "合成丁", "13800000000"))


def test_the_form_file_refuses_what_it_cannot_hold() -> None:
    """Unknown entries and too many lines are bugs of the caller."""
    with pytest.raises(ValueError, match="no field"):
        application_form_file(form={"surprise": "x"})
    with pytest.raises(ValueError, match="room for"):
        application_form_file(form={"budget": [{}] * 31})


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ({"point": "天气", "text": "晴"}, "设计要素", "不在字典内"),
        ({"point": "", "text": "晴"}, "设计要素", "未填写"),
        ({"point": "运行机制", "text": ""}, "设计内容", "未填写"),
        ({"point": "覆盖范围", "text": "又一次"}, "设计要素", "填写了两次"),
    ],
)
def test_each_design_cell_that_is_wrong_is_found(line: dict[str, str], column: str, message: str) -> None:
    result = as_workbook(form(design=[{"point": "覆盖范围", "text": "两个社区"}, line]))

    assert {(fault.column, fault.rule) for fault in result.faults} == {(column, "ZY-04")}
    assert all(message in fault.problem for fault in result.faults)
    assert DESIGN_HEADER_ROW + 2 in {fault.row for fault in result.faults}


def test_the_form_knows_every_design_point_a_region_asks_for() -> None:
    book = load_policy_book()
    asked = {
        code: label
        for region in book.regions()
        for code, label in book.resolve(region=region, on=date(2026, 1, 1)).library.design_items.items()
    }

    assert {choice.code: choice.label for choice in DESIGN_POINTS} == asked
