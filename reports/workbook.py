"""Ledgers as xlsx: the only place that writes a workbook, and the import template of the needs ledger.

Every cell is a string written as a string: a text that begins with ``=`` stays text. Equal rows give equal bytes (the
date of the file is the date of the ledger). Never use ``DataFrame.to_excel`` or ``Worksheet.write`` instead.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from models.core.errors import DataFault, Detail
from models.core.hashing import digest
from models.core.messages import sentence
from reports import needs
from reports.columns import Choice, Column
from reports.guide import GuideLine, add_guide
from reports.paper import Cell

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LAYOUT_VERSION = "1"
TEMPLATE_ROWS = 100_000
_DICTIONARY_SHEET = "字典"
_META_SHEET = "_meta"
TEMPLATE_DATE = dt.date(2026, 1, 1)  # of template version 1; only there to keep the file's bytes the same
_TITLE, _NOTE, _HEADER, _DATA = (
    needs.TITLE_ROW - 1,
    needs.NOTE_ROW - 1,
    needs.HEADER_ROW - 1,
    needs.FIRST_DATA_ROW - 1,
)
_A4 = 9
_PROMPTS = {
    "date": "日期格式：2026-07-15",
    "id_card": "18位身份证号，按文本填写",
    "int": "填整数",
    "phone": "11位手机号或带区号的固定电话",
}


@dataclass(frozen=True)
class TableMeta:
    """What stands around the rows. ``note`` is the line under the title (issuer, date, synthetic statement).

    ``template`` is the (id, version) of an import template: it adds dictionaries, drop-downs and a hidden marker.
    ``example`` adds two sheets nobody reads: what each column wants, and one row marked as made up (column key → text).
    """

    sheet_name: str
    issuer: str
    date: dt.date
    note: str = ""
    template: tuple[str, str] | None = None
    example: Mapping[str, str] | None = None


def engine() -> str:
    """Return the writer's name and version as it is kept with every document."""
    return f"xlsxwriter {version('xlsxwriter')}"


def layout_digest(*, columns: tuple[Column, ...]) -> str:
    """Return the digest that stands for a ledger's template: layout version and columns."""
    return digest({"layout": LAYOUT_VERSION, "columns": [(c.key, c.title, c.kind, c.width) for c in columns]})


def write_table(
    *, columns: tuple[Column, ...], rows: Iterable[Mapping[str, str | Cell]], title: str, meta: TableMeta
) -> bytes:
    """Return the workbook: row 1 title, row 2 note, row 3 heads, rows from 4.

    Raises ``DataFault`` code ``paper.unprintable`` for a row that lacks a column or has one too many, and for a cell
    or a table larger than a worksheet holds; nothing is ever cut off.
    """
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(
        buffer, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        book.set_properties(
            {"title": title, "author": meta.issuer, "created": dt.datetime.combine(meta.date, dt.time())}
        )
        sheet = book.add_worksheet(meta.sheet_name)
        _set_page(book, sheet, columns)
        _write_head(book, sheet, columns, title, meta.note)
        _write_rows(book, sheet, columns, rows)
        if meta.template:
            _add_dictionaries(book, sheet, columns)
            _add_marker(book, *meta.template)
        if meta.example is not None:
            add_guide(book, [_guide_line(column, meta.example) for column in columns])
    return buffer.getvalue()


def needs_template(*, note: str = "", example: Mapping[str, str] | None = None) -> bytes:
    """Return the empty import template of the needs ledger with its drop-downs. ``note`` may mark a rehearsal."""
    return needs_workbook(rows=(), note=note, issuer="", date=TEMPLATE_DATE, example=example)


def needs_workbook(
    *,
    rows: Iterable[Mapping[str, str]],
    note: str,
    issuer: str,
    date: dt.date,
    example: Mapping[str, str] | None = None,
) -> bytes:
    """Return the import template of the needs ledger filled with ``rows`` (column key → text as a clerk enters it).

    ``example`` adds the sheets that explain it (``TableMeta``). Holds clear ID numbers: for upload only, never for
    publication. Raises ``DataFault`` like ``write_table``.
    """
    meta = TableMeta(
        sheet_name=needs.SHEET_NAME,
        issuer=issuer,
        date=date,
        note=note or "红色列为必填；下拉列请从列表选择；多个服务诉求用“、”隔开。",
        template=(needs.TEMPLATE_ID, needs.TEMPLATE_VERSION),
        example=example,
    )
    return write_table(columns=needs.NEEDS_COLUMNS, rows=rows, title="困难群众服务需求台账", meta=meta)


def _set_page(book: Any, sheet: Any, columns: tuple[Column, ...]) -> None:
    text = book.add_format({"num_format": "@", "valign": "top", "text_wrap": True})
    for index, column in enumerate(columns):
        sheet.set_column(index, index, column.width, text)
    sheet.freeze_panes(_DATA, min(3, len(columns)))
    sheet.repeat_rows(_HEADER)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C第 &P 页 共 &N 页")


def _write_head(book: Any, sheet: Any, columns: tuple[Column, ...], title: str, note: str) -> None:
    plain = {
        "bold": True,
        "border": 1,
        "align": "center",
        "valign": "vcenter",
        "text_wrap": True,
        "bg_color": "#E7ECF2",
    }
    head, required = book.add_format(plain), book.add_format(plain | {"font_color": "#C00000"})
    large = book.add_format({"bold": True, "font_size": 16, "valign": "vcenter"})
    sheet.set_row(_TITLE, 30)
    _put(sheet, _TITLE, 0, title, large)
    _put(sheet, _NOTE, 0, note, book.add_format({"font_color": "#C00000"}))
    sheet.set_row(_HEADER, 32)
    for index, column in enumerate(columns):
        _put(sheet, _HEADER, index, column.title, required if column.required else head)


def _write_rows(book: Any, sheet: Any, columns: tuple[Column, ...], rows: Iterable[Mapping[str, str | Cell]]) -> None:
    # quote_prefix: the text stays text after somebody edits the cell
    plain = {"num_format": "@", "quote_prefix": True, "border": 1, "valign": "top", "text_wrap": True}
    text, amount = book.add_format(plain), book.add_format(plain | {"align": "right"})
    formats = [amount if column.kind == "amount" else text for column in columns]
    keys = {column.key for column in columns}
    for line, row in enumerate(rows, start=_DATA):
        if row.keys() != keys:
            raise _wrong_columns(sheet.name, line + 1, missing=keys - row.keys(), unknown=row.keys() - keys)
        for index, column in enumerate(columns):
            value = row[column.key]
            _put(sheet, line, index, value.printed if isinstance(value, Cell) else value, formats[index])


def _put(sheet: Any, row: int, column: int, text: str, cell_format: Any) -> None:
    if sheet.write_string(row, column, text, cell_format) != 0:
        problem = sentence("paper.problem.too_long")
        raise DataFault(
            "paper.unprintable",
            facts={"kind": sheet.name, "problem": problem},
            details=(Detail(problem=problem, sheet=sheet.name, row=row + 1, column=xl_col_to_name(column)),),
        )


def _wrong_columns(sheet_name: str, row: int, *, missing: Iterable[str], unknown: Iterable[str]) -> DataFault:
    details = tuple(
        Detail(problem=sentence(f"paper.problem.{problem}", {"field": key}), field=key, sheet=sheet_name, row=row)
        for problem, keys in (("missing", missing), ("extra_forbidden", unknown))
        for key in sorted(keys)
    )
    return DataFault("paper.unprintable", facts={"kind": sheet_name, "problem": details[0].problem}, details=details)


def _add_dictionaries(book: Any, sheet: Any, columns: tuple[Column, ...]) -> None:
    """Add the hidden dictionary sheet and, on each column of ``sheet``, its drop-down or its hint."""
    lists: dict[tuple[Choice, ...], str] = {}
    for column in columns:
        if column.choices:
            lists.setdefault(column.choices, f"DICT_{len(lists) + 1}")
    dictionary = book.add_worksheet(_DICTIONARY_SHEET)
    dictionary.hide()
    for row in range(max(len(choices) for choices in lists)):
        for index, choices in enumerate(lists):
            if row < len(choices):
                _put(dictionary, row, index, choices[row].label, None)
    for index, (choices, name) in enumerate(lists.items()):
        letter = chr(ord("A") + index)
        book.define_name(name, f"='{_DICTIONARY_SHEET}'!${letter}$1:${letter}${len(choices)}")
    for index, column in enumerate(columns):
        rule = _validation(column, lists)
        if rule:
            sheet.data_validation(_DATA, index, _DATA + TEMPLATE_ROWS - 1, index, rule)


def _validation(column: Column, lists: Mapping[tuple[Choice, ...], str]) -> dict[str, object]:
    if column.many:
        labels = needs.SEPARATOR.join(choice.label for choice in column.choices)
        return {"validate": "any", "input_title": column.title, "input_message": f"可填多项，用“、”隔开：{labels}"}
    if column.choices:
        return {
            "validate": "list",
            "source": f"={lists[column.choices]}",
            "error_title": column.title,
            "error_message": "请从下拉列表中选择",
        }
    if column.kind in _PROMPTS:
        return {"validate": "any", "input_title": column.title, "input_message": _PROMPTS[column.kind]}
    return {}


def _guide_line(column: Column, example: Mapping[str, str]) -> GuideLine:
    how = f"可填多项，用“{needs.SEPARATOR}”隔开" if column.many else "从下拉列表选择" if column.choices else ""
    return GuideLine(
        title=column.title,
        required=column.required,
        how=how or _PROMPTS.get(column.kind, "填文字"),
        choices=tuple(choice.label for choice in column.choices),
        example=example[column.key],
    )


def _add_marker(book: Any, template: str, template_version: str) -> None:
    marker = book.add_worksheet(_META_SHEET)
    marker.very_hidden()
    for row, (name, value) in enumerate((("template", template), ("version", template_version))):
        _put(marker, row, 0, name, None)
        _put(marker, row, 1, value, None)
