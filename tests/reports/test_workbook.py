"""What ledgers promise: text stays text, nothing is cut, equal rows give equal bytes."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator

import pytest
from python_calamine import CalamineWorkbook, SheetVisibleEnum

from models.core.errors import DataFault
from reports import needs
from reports.columns import Column
from reports.renderer import PaperRenderer
from reports.workbook import TableMeta, needs_template, needs_workbook, write_table
from tests.reports.ledger_views import BLANK, NEEDS_LEDGER, PLAN_LEDGER

COLUMNS = (Column("name", "名称"), Column("note", "备注"))
META = TableMeta(sheet_name="台账", issuer="黄石市民政局", date=dt.date(2016, 1, 29))
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x")', "{=1}", "https://example.org", "000123", "\t=1"]


def cells(data: bytes, sheet: str) -> list[list[object]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(sheet).to_python()


def parts(data: bytes) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            yield name, archive.read(name).decode()


def person(**changes: str) -> dict[str, str]:
    """A synthetic person as a clerk enters one."""
    entered = {column.key: "" for column in needs.NEEDS_COLUMNS}
    return entered | {"seq": "1", "person_name": "合成甲", "id_number": "11010519491231002X"} | changes


def test_a_text_that_looks_like_a_formula_stays_text() -> None:
    rows = [{"name": text, "note": ""} for text in FORMULAS]

    data = write_table(columns=COLUMNS, rows=rows, title="=1+1", meta=META)

    read = cells(data, "台账")
    assert read[0][0] == "=1+1"
    assert [row[0] for row in read[3:]] == FORMULAS
    assert not any("<f>" in text for name, text in parts(data) if name.startswith("xl/worksheets"))
    assert not any("hyperlink" in text for name, text in parts(data) if name.endswith(".rels"))


def test_layout_is_title_note_heads_rows_on_landscape_a4() -> None:
    data = write_table(columns=COLUMNS, rows=[{"name": "甲", "note": "乙"}], title="题名", meta=META)

    sheet = dict(parts(data))["xl/worksheets/sheet1.xml"]
    assert cells(data, "台账")[2:] == [["名称", "备注"], ["甲", "乙"]]
    assert 'paperSize="9"' in sheet
    assert 'orientation="landscape"' in sheet
    assert 'state="frozen"' in sheet
    assert "第 &amp;P 页" in sheet


def test_same_rows_give_same_bytes() -> None:
    rows = [{"name": "甲", "note": "乙"}]

    assert write_table(columns=COLUMNS, rows=rows, title="题名", meta=META) == write_table(
        columns=COLUMNS, rows=iter(rows), title="题名", meta=META
    )


@pytest.mark.parametrize(("row", "field"), [({"name": "甲"}, "note"), ({"name": "", "note": "", "x": ""}, "x")])
def test_a_row_with_other_columns_is_a_fault(row: dict[str, str], field: str) -> None:
    with pytest.raises(DataFault) as caught:
        write_table(columns=COLUMNS, rows=[row], title="题名", meta=META)

    assert [(detail.field, detail.row) for detail in caught.value.details] == [(field, 4)]


def test_a_cell_too_long_for_a_sheet_is_a_fault_and_not_cut() -> None:
    with pytest.raises(DataFault) as caught:
        write_table(columns=COLUMNS, rows=[{"name": "甲", "note": "长" * 32_768}], title="题名", meta=META)

    assert (caught.value.details[0].row, caught.value.details[0].column) == (4, "B")


def test_needs_ledger_prints_masked_ids_marks_and_blanks() -> None:
    rendered = PaperRenderer().render(kind="needs_ledger_xlsx", view=NEEDS_LEDGER)

    read = cells(rendered.data, "需求台账")
    assert rendered.media_type.endswith("spreadsheetml.sheet")
    assert "演练 · 含合成数据" in str(read[1][0])
    assert read[2] == [column.title for column in needs.LEDGER_COLUMNS]
    assert read[3][1:3] == ["合成1※", "420***********002X※"]
    assert read[3][10:12] == ["=1+1", ""]


def test_needs_ledger_refuses_an_id_that_is_not_masked() -> None:
    row = NEEDS_LEDGER["rows"][0] | {"id_number": "11010519491231002X"}

    with pytest.raises(DataFault) as caught:
        PaperRenderer().render(kind="needs_ledger_xlsx", view=NEEDS_LEDGER | {"rows": [row]})

    assert "未遮盖" in caught.value.message
    assert "1101051949" not in str(caught.value.as_json())


def test_plan_ledger_leaves_not_stated_dates_blank() -> None:
    rendered = PaperRenderer().render(kind="plan_ledger_xlsx", view=PLAN_LEDGER)

    row = cells(rendered.data, "实施计划台账")[3]
    assert PLAN_LEDGER["rows"][0]["starts_on"] == BLANK
    assert row[4:6] == ["", ""]
    assert row[8] == "600000.00※"


def test_template_has_heads_in_row_3_hidden_dictionaries_and_a_marker() -> None:
    data = needs_template(note="演练")

    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    visible = {sheet.name: sheet.visible for sheet in book.sheets_metadata}
    assert visible == {
        needs.SHEET_NAME: SheetVisibleEnum.Visible,
        "字典": SheetVisibleEnum.Hidden,
        "_meta": SheetVisibleEnum.VeryHidden,
    }
    assert cells(data, needs.SHEET_NAME)[needs.HEADER_ROW - 1] == [column.title for column in needs.NEEDS_COLUMNS]
    assert cells(data, "_meta") == [["template", needs.TEMPLATE_ID], ["version", needs.TEMPLATE_VERSION]]
    assert needs_template(note="演练") == data


def test_template_offers_each_dictionary_as_a_list() -> None:
    contents = dict(parts(needs_template()))

    listed = contents["xl/worksheets/sheet1.xml"].count('type="list"')
    assert listed == sum(1 for column in needs.NEEDS_COLUMNS if column.choices and not column.many)
    labels = {str(cell) for row in cells(needs_template(), "字典") for cell in row if cell}
    assert labels == {c.label for column in needs.NEEDS_COLUMNS if not column.many for c in column.choices} | {
        c.label for c in (*needs.SERVICES, *needs.BENEFITS)
    }


def test_filled_template_reads_back_as_entered() -> None:
    entered = [person(), person(seq="2", person_name="=合成乙", demands="访视、助餐")]

    data = needs_workbook(rows=entered, note="合成数据", issuer="", date=dt.date(2016, 1, 4))

    read = cells(data, needs.SHEET_NAME)[needs.FIRST_DATA_ROW - 1 :]
    assert read == [[row[column.key] for column in needs.NEEDS_COLUMNS] for row in entered]


def test_columns_of_the_needs_ledger_are_sound() -> None:
    keys = [column.key for column in needs.NEEDS_COLUMNS]

    assert len(set(keys)) == len(keys)
    assert all(bool(column.choices) == (column.kind in ("code", "yesno")) for column in needs.NEEDS_COLUMNS)
    assert sum(key.startswith("hardship_") for key in keys) == 8
    assert {"城市低保户", "农村低保户", "农村五保户"} <= {choice.label for choice in needs.IDENTITIES}
