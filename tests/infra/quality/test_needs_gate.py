"""The needs gate: what passes, and which cell each kind of mistake is found at."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cache
from typing import Any

import pytest

from infra.quality import judge
from models.ports import GateResult
from reports.needs import SHEET_NAME
from reports.needs_ledger_file import needs_ledger_file
from reports.workbook import needs_template
from tests.infra.quality.ledgers import AS_OF, TITLES, check, people, row_number, texts, workbook


def test_a_synthetic_ledger_of_2000_people_passes_and_comes_back_typed() -> None:
    """What was written is what is handed on, value by value and type by type."""
    rows = people(2_000)

    result = check(needs_ledger_file(rows=rows, date=AS_OF))

    assert result.passed
    assert result.faults == result.warnings == ()
    assert result.row_count == 2_000
    assert list(result.rows) == rows


def test_typed_excel_cells_read_like_texts() -> None:
    """Dates, numbers and truth values typed into Excel mean what their texts mean."""
    rows = texts(6)
    plain = check(workbook(rows)).rows
    for row in rows:
        row |= {key: date.fromisoformat(row[key]) for key in ("birth_date", "assessed_on")}
        row |= {key: row[key] == "是" for key in ("lives_alone", "disabled", "severely_ill", "willing")}
        row |= {"seq": int(row["seq"]), "region_code": 420200}

    result = check(workbook(rows))

    assert result.faults == ()
    assert result.rows == plain


def test_dates_are_read_in_the_ways_clerks_write_them() -> None:
    """Seven ways to write one day."""
    ways = ["2016年2月5日", "2016-02-05", "2016/2/5", "2016.2.5", "20160205", "２０１６-02-05", 20160205]
    rows = texts(len(ways))
    for row, way in zip(rows, ways, strict=True):
        row["assessed_on"] = way

    result = check(workbook(rows))

    assert result.faults == ()
    assert {row["assessed_on"] for row in result.rows} == {date(2016, 2, 5)}


def _twin_of_first(rows: list[dict[str, Any]], _row: dict[str, Any]) -> str:
    return str(rows[0]["id_number"])


def _wrong_check_place(_rows: list[dict[str, Any]], row: dict[str, Any]) -> str:
    number = str(row["id_number"])
    return number[:17] + ("1" if number[17] != "1" else "2")


MISTAKES: list[tuple[str, Any, str, str, str | None]] = [
    ("seq", "", "ZY-59", "序号未填写", "空"),
    ("seq", "甲", "SYS-GATE-CELL", "应为整数", "文本"),
    ("person_name", None, "FZ-17", "逐户逐人登记", "空"),
    ("person_name", "=HYPERLINK(1)", "SYS-GATE-FORMULA", "当作公式", "公式样文本"),
    ("person_name", "@cmd", "SYS-GATE-FORMULA", "当作公式", "公式样文本"),
    ("id_number", "  ", "FZ-17", "此项必填", "空"),
    ("id_number", 999999198405180025, "GB-11643", "数字格式,已丢位", "数字"),
    ("id_number", "9.99999198405E+17", "GB-11643", "数字格式,已丢位", "文本"),
    ("id_number", "99999919840518002", "GB-11643", "应为18位", "17位数字"),
    ("id_number", "999999201702300016", "GB-11643", "出生日期不存在", "18位数字"),
    ("id_number", _wrong_check_place, "GB-11643", "校验位不符", None),
    ("id_number", _twin_of_first, "FZ-54", "与第4行重复", None),
    ("household_no", "", "HS-04", "一户一档", "空"),
    ("household_no", 1234567890123456789, "SYS-GATE-CELL", "已丢位", "数字"),
    ("region_code", "黄石", "FZ-15", "6、9或12位数字", "文本"),
    ("street", "", "FZ-15", "按辖区摸底", "空"),
    ("identity", "", "ZY-122", "身份类别未填写", "空"),
    ("identity", "退休职工", "ZY-122", "身份类别不在字典内", "文本"),
    ("birth_date", "1999-02-30", "SYS-GATE-CELL", "没有这一天", "文本"),
    ("birth_date", "去年", "SYS-GATE-CELL", "不是可识别的日期", "文本"),
    ("birth_date", datetime(1931, 1, 2), "GB-11643", "与身份证号不一致", "日期"),  # noqa: DTZ001
    ("sex", "不详", "GB-11643", "性别应为男或女", "文本"),
    ("disabled", "有", "FZ-16", "应填是或否", "文本"),
    ("lives_alone", "", "FZ-16", "逐项填写是或否", "空"),
    ("hardship_housing", "", "FZ-13", "八类困境须逐项评定", "空"),
    ("hardship_housing", "很重", "FZ-14", "困难程度不在四级之内", "文本"),
    ("demands", "助餐、理发", "FZ-12", "服务诉求中有字典以外的内容", "文本"),
    ("willing", "", "FZ-17", "须登记救助对象意愿", "空"),
    ("willing", 2, "FZ-17", "应填是或否", "数字"),
    ("discovery", "听说", "ZY-56", "发现渠道不在字典内", "文本"),
    ("assessor", "", "ZY-58", "评估人未填写", "空"),
    ("assessed_on", "", "FZ-19", "评估日期未填写", "空"),
    ("assessed_on", "2016-03-02", "FZ-19", "在核对日之后", "文本"),
]
"""What is wrong with the n-th person: column, cell, and the rule, sentence and class of value that must be told."""


@cache
def _one_mistake_a_row() -> tuple[list[dict[str, Any]], GateResult]:
    rows = texts(1 + len(MISTAKES))
    for row, (key, value, *_) in zip(rows[1:], MISTAKES, strict=True):
        row[key] = value(rows, row) if callable(value) else value
    return rows, check(workbook(rows))


@pytest.mark.parametrize("index", range(len(MISTAKES)), ids=lambda index: f"{MISTAKES[index][0]}-{index}")
def test_each_mistake_is_found_at_its_own_cell(index: int) -> None:
    """Each broken cell is told with sheet, row, column, rule and sentence, and no other cell of its row is blamed."""
    key, _, rule, message, value_class = MISTAKES[index]
    _, result = _one_mistake_a_row()

    faults = [fault for fault in result.faults if fault.row == row_number(index + 1)]

    here = [fault for fault in faults if fault.column == TITLES[key]]
    assert [fault.rule for fault in here] == [rule]
    assert (here[0].sheet, here[0].field) == (SHEET_NAME, key)
    assert message in here[0].problem
    assert value_class in (None, here[0].value_class)
    others = {fault.column for fault in faults} - {TITLES[key]}
    assert others <= ({"出生日期"} if key == "id_number" else set())  # another number means another day of birth


def test_a_file_with_mistakes_hands_on_no_row() -> None:
    """All rows or none; rows without a mistake are not blamed."""
    rows, result = _one_mistake_a_row()

    assert not result.passed
    assert result.rows == ()
    assert result.row_count == len(rows)
    assert [fault.problem for fault in result.faults if fault.row == 4] == [
        f"一人一档:身份证号与第{row_number(1 + [mistake[1] for mistake in MISTAKES].index(_twin_of_first))}行重复"
    ]


def test_a_repeated_id_number_names_both_rows() -> None:
    """Who of the two is wrong nobody knows: each row points to the other."""
    rows = texts(5)
    rows[4] = rows[1] | {"seq": "5"}

    result = check(workbook(rows))

    assert {(fault.row, fault.problem) for fault in result.faults} == {
        (5, "一人一档:身份证号与第8行重复"),
        (8, "一人一档:身份证号与第5行重复"),
    }


def test_a_number_written_with_small_x_is_the_same_person() -> None:
    """Case and blanks do not make two people of one."""
    rows = [row for row in texts(60) if row["id_number"].endswith("X")][:1]
    rows.append(rows[0] | {"id_number": f" {rows[0]['id_number'].lower()} ", "seq": "2"})

    result = check(workbook(rows))

    assert [fault.rule for fault in result.faults] == ["FZ-54", "FZ-54"]


DOUBTS: list[tuple[dict[str, Any], str, str]] = [
    ({"phone": "12345"}, "phone", "FZ-17"),
    ({"demands": "", "willing": "是"}, "demands", "ZY-55"),
    ({"disabled": "是", "hardship_disability": "无"}, "hardship_disability", "FZ-13"),
    ({"severely_ill": "是", "hardship_disease": "无"}, "hardship_disease", "FZ-13"),
    ({"identity": "特殊群体"}, "identity", "ZY-122"),
    ({"seq": "1"}, "seq", "ZY-59"),
    ({"household_no": "420200-SYN-000001", "street": "另一街道"}, "household_no", "HS-04"),
]


def test_a_doubt_is_told_but_refuses_nobody() -> None:
    """Warnings stand at their cells, leave the file passing and its rows as they are."""
    rows = texts(20)
    for index, (changes, _, _) in enumerate(DOUBTS, start=10):
        rows[index] |= changes

    result = check(workbook(rows))

    assert result.passed
    assert len(result.rows) == 20
    told = {(item.row, item.column, item.rule) for item in result.warnings}
    assert told >= {(row_number(index), TITLES[key], rule) for index, (_, key, rule) in enumerate(DOUBTS, start=10)}
    assert {row for row, _, _ in told} <= {row_number(index) for index in (0, *range(10, 17))}


def test_a_doubtful_phone_number_is_kept() -> None:
    """A number we cannot read may still be the one that reaches somebody."""
    rows = texts(1)
    rows[0]["phone"] = "找隔壁转 12345"

    assert check(workbook(rows)).rows[0]["phone"] == "找隔壁转 12345"


def test_sex_that_differs_from_the_id_number_and_a_grown_pupil_are_doubts() -> None:
    """Both are asked about, neither refuses the file."""
    rows = texts(40)
    grown = next(row for row in rows if row["birth_date"] < "1990")
    grown |= {"sex": "女" if grown["sex"] == "男" else "男", "single_parent_student": "是"}

    result = check(workbook(rows))

    assert result.passed
    assert [(item.column, item.rule) for item in result.warnings] == [("性别", "GB-11643"), ("单亲未成年学生", "HS-05")]


def test_a_blank_birth_date_and_sex_are_read_from_the_id_number() -> None:
    """Both stand in the ID number (GB 11643)."""
    whole, rows = check(workbook(texts(4))).rows, texts(4)
    for row in rows:
        row |= {"birth_date": "", "sex": ""}

    assert check(workbook(rows)).rows == whole


def test_somebody_unwilling_with_demands_passes_without_a_word() -> None:
    """A refusal is recorded, it is not a mistake (FZ-17)."""
    rows = texts(1)
    rows[0] |= {"willing": "否", "demands": "助餐、助浴"}

    result = check(workbook(rows))

    assert result.passed
    assert result.warnings == ()
    assert (result.rows[0]["willing"], result.rows[0]["demands"]) == (False, ("meal", "bathing"))


def test_an_empty_template_is_refused_as_a_whole() -> None:
    """No row is nobody's cell: the fault names the sheet only."""
    result = check(needs_template())

    assert [(fault.sheet, fault.row, fault.column, fault.rule) for fault in result.faults] == [
        (SHEET_NAME, None, None, "ZY-59")
    ]


def test_the_report_holds_no_personal_data_and_is_the_same_each_time() -> None:
    """Names, numbers, streets, assessors, phones of a broken file appear neither in the report nor in the details."""
    rows = texts(30)
    rows[2]["id_number"] = rows[3]["id_number"]
    rows[5] |= {"phone": "13800000000x", "person_name": "=合成壬", "birth_date": "1950-13-01"}
    data = workbook(rows)

    result = check(data)

    shown = result.report.decode() + repr(result.faults) + repr(result.warnings)
    assert result.faults
    for row in rows:
        for key in ("person_name", "id_number", "household_no", "birth_date", "street", "assessor", "phone"):
            assert not row[key] or str(row[key]) not in shown
    assert check(data).report == result.report


def test_the_report_says_which_checks_ran_and_what_they_found() -> None:
    """Counts by check, the suite's version, the file's digest; only errors decide."""
    rows = texts(5)
    rows[0]["street"] = rows[1]["street"] = ""

    result = check(workbook(rows))
    report = json.loads(result.report)

    found = {(entry["id"], entry["column"]): entry["unexpected"] for entry in report["checks"] if not entry["passed"]}
    assert found == {("place_given", "street"): 2}
    assert report["suite_version"] == result.suite_version
    assert report["row_count"] == 5
    assert [fault["row"] for fault in report["faults"]] == [4, 5]
    assert len(report["checks"]) > 60


def test_a_column_full_of_mistakes_is_cut_and_the_total_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells beyond the limit are counted, not listed."""
    monkeypatch.setattr(judge, "MOST_CELLS", 3)
    rows = texts(7)
    for row in rows:
        row["street"] = ""

    faults = check(workbook(rows)).faults

    assert [fault.row for fault in faults] == [None, 4, 5, 6]
    assert "共 7 处" in faults[0].problem
