"""The application form of a project (项目申报书, D02): its entries, its three tables, its place in the workbook.

The one definition shared by the form that applicants fill in, by the quality gate that reads it, and by tests. The
same form may come as JSON with the keys given here. This module must never read or judge a form: the gate does.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import xlsxwriter

from reports.columns import Choice
from reports.guide import GuideLine, add_guide
from reports.workbook import MEDIA_TYPE as MEDIA_TYPE

SHEET_NAME = "项目申报书"
TEMPLATE_ID = "application_form"
TEMPLATE_VERSION = "2"
TITLE_ROW, NOTE_ROW, FIRST_FIELD_ROW = 1, 2, 4
LABEL_COLUMN, VALUE_COLUMN = 1, 2
BUDGET_LINES, TEAM_LINES, DESIGN_LINES = 30, 20, 10

FieldKind = Literal["text", "code", "date", "money", "credit_code", "phone"]


@dataclass(frozen=True)
class FormField:
    """One entry of the form, or one column of its tables. Amounts (``money``) are filled in as yuan."""

    key: str
    title: str
    kind: FieldKind = "text"
    required: bool = True
    choices: tuple[Choice, ...] = ()
    hint: str = ""


FUND_SOURCES = tuple(
    Choice(code, label)
    for code, label in (
        ("central_budget_investment", "中央预算内投资"),
        ("special_fund", "专项资金"),
        ("lottery_welfare_fund", "福利彩票公益金"),
        ("assistance_subsidy", "困难群众救助补助资金"),
        ("local_budget", "本级财政"),
        ("donation", "社会捐赠"),
        ("enterprise_self", "企业自愿支出"),
        ("community_fund", "社区发展基金"),
        ("in_kind", "非货币"),
    )
)
TEAM_ROLES = tuple(
    Choice(code, label)
    for code, label in (
        ("project_leader", "项目负责人"),
        ("executor", "执行人员"),
        ("accountable_person", "责任人员"),
        ("other", "其他人员"),
    )
)
DESIGN_POINTS = tuple(
    Choice(code, label)
    for code, label in (
        ("service_items", "服务项目"),
        ("coverage", "覆盖范围"),
        ("time_span", "时间跨度"),
        ("supplier", "供给主体"),
        ("mechanism", "运行机制"),
        ("supervision", "监督管理"),
        ("safeguards", "保障措施"),
    )
)
"""Every point that some region asks for; which ones an applicant's own region asks for, the command says."""

APPLICATION_FIELDS: tuple[FormField, ...] = (
    FormField("project_name", "项目名称"),
    FormField("applicant", "申报单位"),
    FormField("credit_code", "统一社会信用代码", "credit_code", required=False, hint="18位,按文本填写"),
    FormField("guide_version", "申报指南版本", required=False),
    FormField("need_refs", "对应需求", required=False, hint="需求编号,多个用“、”隔开"),
    FormField("policy_refs", "政策依据", required=False, hint="文号,多个用“、”隔开"),
    FormField("background", "项目背景"),
    FormField("concept", "项目设想", required=False),
    FormField("goals", "项目目标"),
    FormField("plan", "项目方案(步骤)"),
    FormField("expected_effect", "预期效果"),
    FormField("starts_on", "计划开始日期", "date", required=False, hint="2026-07-15"),
    FormField("ends_on", "计划完成日期", "date", required=False, hint="2026-12-31"),
    FormField("total", "预算总额(元)", "money", hint="等于预算表各行之和"),
)
BUDGET_COLUMNS: tuple[FormField, ...] = (
    FormField("category", "支出类别"),
    FormField("source", "资金渠道", "code", choices=FUND_SOURCES),
    FormField("amount", "金额(元)", "money"),
)
TEAM_COLUMNS: tuple[FormField, ...] = (
    FormField("role", "团队角色", "code", choices=TEAM_ROLES),
    FormField("person_name", "姓名"),
    FormField("qualification", "资格或职称", required=False),
    FormField("phone", "联系电话", "phone", required=False),
)
DESIGN_COLUMNS: tuple[FormField, ...] = (
    FormField("point", "设计要素", "code", choices=DESIGN_POINTS),
    FormField("text", "设计内容", hint="本地区要求的各项要素,每项一行"),
)

BUDGET_HEADER_ROW = FIRST_FIELD_ROW + len(APPLICATION_FIELDS) + 1
TEAM_HEADER_ROW = BUDGET_HEADER_ROW + BUDGET_LINES + 2
DESIGN_HEADER_ROW = TEAM_HEADER_ROW + TEAM_LINES + 2


@dataclass(frozen=True)
class FormList:
    """One table of the form: its columns, the row of their titles, how many lines it holds, its name in the guide."""

    key: str
    columns: tuple[FormField, ...]
    header_row: int
    lines: int
    title: str


LISTS: tuple[FormList, ...] = (
    FormList("budget", BUDGET_COLUMNS, BUDGET_HEADER_ROW, BUDGET_LINES, "预算表"),
    FormList("team", TEAM_COLUMNS, TEAM_HEADER_ROW, TEAM_LINES, "项目团队"),
    FormList("design", DESIGN_COLUMNS, DESIGN_HEADER_ROW, DESIGN_LINES, "项目设计"),
)

_FORM_DATE = dt.date(2026, 1, 1)  # of the first template; only there to keep the file's bytes the same
_HOW = {"money": "以元为单位，最多两位小数", "phone": "11位手机号或带区号的固定电话"}
_NOTE = "红色栏目为必填;请勿增删行列;金额以元为单位。"


def application_template(*, note: str = _NOTE, example: Mapping[str, object] | None = None) -> bytes:
    """Return the empty form as xlsx; ``example`` adds sheets that explain it and show one filled in."""
    return application_form_file(form={}, note=note, example=example)


def application_form_file(
    *,
    form: Mapping[str, object],
    note: str = _NOTE,
    date: dt.date = _FORM_DATE,
    example: Mapping[str, object] | None = None,
) -> bytes:
    """Return the form filled in as xlsx: field key → text as an applicant writes it, each of ``LISTS`` as a list.

    ``note`` is the line under the title and may mark a rehearsal. Raises ``ValueError`` for an unknown key and for more
    lines than the form holds.
    """
    unknown = form.keys() - {field.key for field in APPLICATION_FIELDS} - {one.key for one in LISTS}
    if unknown:
        raise ValueError(f"the form has no field {sorted(unknown)[0]}")
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        book.set_properties({"title": SHEET_NAME, "created": dt.datetime.combine(date, dt.time())})
        sheet = book.add_worksheet(SHEET_NAME)
        sheet.set_column(0, 0, 22)
        sheet.set_column(1, 3, 30)
        sheet.write_string(
            TITLE_ROW - 1, 0, "服务类社会救助项目申报书", book.add_format({"bold": True, "font_size": 16})
        )
        sheet.write_string(NOTE_ROW - 1, 0, note, book.add_format({"font_color": "#C00000"}))
        formats = _formats(book)
        _write_fields(sheet, form, formats)
        for one in LISTS:
            _write_lines(sheet, one, _lines(form, one.key), formats)
        marker = book.add_worksheet("_meta")
        marker.very_hidden()
        for row, pair in enumerate((("template", TEMPLATE_ID), ("version", TEMPLATE_VERSION))):
            for column, text in enumerate(pair):
                marker.write_string(row, column, text)
        if example is not None:
            add_guide(book, list(_guide_lines(example)))
    return buffer.getvalue()


def _guide_lines(example: Mapping[str, object]) -> Iterator[GuideLine]:
    for field in APPLICATION_FIELDS:
        yield _guide_line(field, "", str(example.get(field.key, "")))
    for one in LISTS:
        first = _lines(example, one.key)[0]
        for column in one.columns:
            yield _guide_line(column, f"{one.title}·", str(first.get(column.key, "")))


def _guide_line(field: FormField, prefix: str, example: str) -> GuideLine:
    how = "从下拉列表选择" if field.choices else field.hint or _HOW.get(field.kind, "填文字")
    labels = tuple(choice.label for choice in field.choices)
    return GuideLine(f"{prefix}{field.title}", field.required, how, labels, example)


def _formats(book: Any) -> dict[str, Any]:
    head = {"bold": True, "border": 1, "bg_color": "#E7ECF2", "text_wrap": True, "valign": "top"}
    return {
        "head": book.add_format(head),
        "required": book.add_format(head | {"font_color": "#C00000"}),
        # quote_prefix: the text stays text after somebody edits the cell
        "cell": book.add_format(
            {"num_format": "@", "quote_prefix": True, "border": 1, "text_wrap": True, "valign": "top"}
        ),
    }


def _write_fields(sheet: Any, form: Mapping[str, object], formats: Mapping[str, Any]) -> None:
    for row, field in enumerate(APPLICATION_FIELDS, start=FIRST_FIELD_ROW - 1):
        sheet.write_string(row, LABEL_COLUMN - 1, field.title, formats["required" if field.required else "head"])
        sheet.write_string(row, VALUE_COLUMN - 1, str(form.get(field.key, "")), formats["cell"])
        if field.hint:
            message = {"validate": "any", "input_title": field.title, "input_message": field.hint}
            sheet.data_validation(row, VALUE_COLUMN - 1, row, VALUE_COLUMN - 1, message)


def _lines(form: Mapping[str, object], key: str) -> Sequence[Mapping[str, object]]:
    lines = form.get(key, ())
    if not isinstance(lines, Sequence):
        raise ValueError(f"{key} is not a list")
    return lines


def _write_lines(sheet: Any, one: FormList, lines: Sequence[Mapping[str, object]], formats: Mapping[str, Any]) -> None:
    header_row, room = one.header_row, one.lines
    if len(lines) > room:
        raise ValueError(f"the form has room for {room} lines, not {len(lines)}")
    for place, column in enumerate(one.columns):
        sheet.write_string(header_row - 1, place, column.title, formats["required" if column.required else "head"])
        for row in range(room):
            text = str(lines[row].get(column.key, "")) if row < len(lines) else ""
            sheet.write_string(header_row + row, place, text, formats["cell"])
        if column.choices:
            labels = [choice.label for choice in column.choices]
            choose = {"validate": "list", "source": labels, "error_message": "请从下拉列表中选择"}
            sheet.data_validation(header_row, place, header_row + room - 1, place, choose)
