"""Files as they come: layouts that moved, other file types, hostile packages."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from infra.quality import intake
from models.core.errors import DataFault
from reports.needs import SHEET_NAME
from reports.workbook import MEDIA_TYPE
from tests.infra.quality.ledgers import KEYS, TITLES, check, repacked, row_number, texts, workbook

CSV = "text/csv"


def _csv(rows: list[dict[str, Any]], *, encoding: str = "utf-8-sig", head: str = "") -> bytes:
    lines = [",".join(TITLES[key] for key in KEYS), *(",".join(row[key] for key in KEYS) for row in rows)]
    return (head + "\r\n".join(lines) + "\r\n").encode(encoding)


def test_blank_rows_between_people_do_not_move_addresses() -> None:
    """A blank row is skipped, the person below keeps the row number Excel shows."""
    rows = texts(4)
    rows[3]["street"] = ""

    result = check(workbook(rows, gap_before=frozenset({1, 3})))

    assert result.row_count == 4
    assert [fault.row for fault in result.faults] == [row_number(3) + 2]


@pytest.mark.parametrize(
    ("moved", "row", "place"),
    [({"header_row": 4}, 3, "第4行A列"), ({"header_row": 2}, 3, "第2行A列"), ({"first_column": 1}, 3, "第3行B列")],
)
def test_a_header_that_moved_is_refused_with_where_it_went(moved: dict[str, int], row: int, place: str) -> None:
    """No row or column is silently shifted."""
    result = check(workbook(texts(2), **moved))

    first = result.faults[0]
    assert not result.passed
    assert (first.sheet, first.row, first.column, first.rule) == (SHEET_NAME, row, "A", "SYS-GATE-LAYOUT")
    assert place in first.problem
    assert first.expected == "序号"


def test_a_renamed_column_is_refused_at_its_header_cell() -> None:
    """Only the renamed header is named."""
    result = check(workbook(texts(2), titles=TITLES | {"street": "乡镇"}))

    assert [(fault.row, fault.column, fault.expected) for fault in result.faults] == [(3, "F", "街道")]
    assert "乡镇" not in result.report.decode()


def test_a_required_mark_in_the_header_is_no_other_column() -> None:
    """姓名* is 姓名."""
    assert check(workbook(texts(1), titles={key: f"{title}*" for key, title in TITLES.items()})).passed


def test_another_template_version_is_refused_and_a_missing_marker_is_told() -> None:
    """A sheet copied by hand passes with a warning; a template of another version does not."""
    other = check(workbook(texts(1), marker=("needs_ledger", "0")))
    unmarked = check(workbook(texts(1), marker=None))

    assert "请下载最新模板" in other.faults[0].problem
    assert unmarked.passed
    assert [item.rule for item in unmarked.warnings] == ["SYS-GATE-LAYOUT"]


def test_a_missing_sheet_is_named() -> None:
    """The gate never guesses which sheet was meant."""
    result = check(workbook(texts(1), sheet_name="Sheet1"))

    assert [fault.problem for fault in result.faults] == [f"缺少工作表“{SHEET_NAME}”"]


def test_merged_cells_are_told_apart_from_blank_ones() -> None:
    """A merged street covers two people: the second one's cell says why it is blank."""
    rows = texts(3)
    rows[1]["street"] = ""

    def merge(_book: Any, sheet: Any) -> None:
        sheet.merge_range(row_number(0) - 1, 5, row_number(1) - 1, 5, rows[0]["street"])

    result = check(workbook(rows, decorate=merge))

    assert [(fault.row, fault.column, fault.value_class) for fault in result.faults] == [(5, "街道", "合并单元格")]


def test_cells_beyond_the_template_are_told() -> None:
    """Nothing is dropped silently: not a column, not a remark at the edge."""

    def scribble(_book: Any, sheet: Any) -> None:
        sheet.write_string(2, len(KEYS), "备注")
        sheet.write_string(4, len(KEYS), "见附件")

    result = check(workbook(texts(2), decorate=scribble))

    assert result.passed
    assert [(item.row, item.rule) for item in result.warnings] == [(3, "SYS-GATE-LAYOUT"), (5, "SYS-GATE-LAYOUT")]


def test_a_formula_counts_with_the_value_excel_showed_and_blank_without_one() -> None:
    """A cached value is read; an error value is a blank cell."""
    rows = texts(2)

    def formulas(book: Any, sheet: Any) -> None:
        sheet.write_formula(row_number(0) - 1, 5, '="街"', None, "合成街道09")
        sheet.write_formula(row_number(1) - 1, 5, "=1/0", None, "#DIV/0!")

    result = check(workbook(rows, decorate=formulas))

    assert [(fault.row, fault.column, fault.value_class) for fault in result.faults] == [(5, "街道", "空")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_csv_passes_in_the_encodings_spreadsheets_write(encoding: str) -> None:
    """The same rows as from the workbook."""
    rows = texts(5)

    result = check(_csv(rows, encoding=encoding), media_type=CSV)

    assert result.passed
    assert result.rows == check(workbook(rows)).rows


def test_a_csv_saved_from_the_template_keeps_its_title_rows_and_row_numbers() -> None:
    """Header on row 3, as in the template."""
    rows = texts(3)
    rows[2]["street"] = ""

    result = check(_csv(rows, head="困难群众服务需求台账\r\n\r\n"), media_type=CSV)

    assert [(fault.sheet, fault.row, fault.column) for fault in result.faults] == [("CSV", 6, "街道")]


def test_more_rows_than_a_workbook_may_hold_are_refused_before_anything_is_judged() -> None:
    """100,000 rows are the limit of a workbook; 100,001 are not read in part."""
    sheet_xml = io.StringIO()
    sheet_xml.write(
        '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    )
    sheet_xml.write('<row r="3">')
    sheet_xml.writelines(f'<c t="inlineStr"><is><t>{TITLES[key]}</t></is></c>' for key in KEYS)
    sheet_xml.write("</row>")
    sheet_xml.writelines(f'<row r="{4 + index}"><c><v>{index + 1}</v></c></row>' for index in range(100_001))
    sheet_xml.write("</sheetData></worksheet>")
    data = repacked(workbook([]), add={"xl/worksheets/sheet1.xml": sheet_xml.getvalue().encode()})

    result = check(data)

    assert [fault.rule for fault in result.faults] == ["SYS-GATE-LAYOUT"]
    assert "100000" in result.faults[0].problem


def _bomb() -> bytes:
    return repacked(workbook(texts(1)), add={"xl/media/big.xml": b" " * 120_000_000})


def _far(reference: str) -> bytes:
    part = f"<worksheet><sheetData><row r ='5'><c r= '{reference}'><v>1</v></c></row></sheetData></worksheet>"
    return repacked(workbook(texts(1)), add={"xl/worksheets/sheet1.xml": part.encode()})


def _dtd() -> bytes:
    part = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'
    return repacked(workbook(texts(1)), add={"xl/worksheets/sheet1.xml": part})


def _flipped() -> bytes:
    data = bytearray(workbook(texts(20)))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as package:
        info = package.getinfo("xl/sharedStrings.xml")
    for offset in range(info.header_offset + 60, info.header_offset + 90):
        data[offset] ^= 0xFF
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "media_type", "reason"),
    [
        (lambda: b"", MEDIA_TYPE, "空"),
        (lambda: b"", CSV, "空"),
        (lambda: b"hello", MEDIA_TYPE, "不符"),
        (lambda: b"%PDF-1.7 ...", "application/pdf", "不是本环节可读"),
        (lambda: b"{}", "application/json", "不是本环节可读"),
        (lambda: workbook(texts(1)), CSV, "不符"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, MEDIA_TYPE, "旧版"),
        (lambda: b"PK\x03\x04 not a zip", MEDIA_TYPE, "损坏"),
        (lambda: workbook(texts(3))[:-200], MEDIA_TYPE, "损坏"),
        (_flipped, MEDIA_TYPE, "损坏"),
        (lambda: repacked(workbook(texts(1)), add={"xl/vbaProject.bin": b"x"}), MEDIA_TYPE, "宏"),
        (_bomb, MEDIA_TYPE, "过大"),
        (_dtd, MEDIA_TYPE, "DTD"),
        (lambda: _far("BA5"), MEDIA_TYPE, "AZ 列"),
        (lambda: _far("A999999"), MEDIA_TYPE, "200000 行"),
        (lambda: workbook(texts(1), decorate=lambda _, sheet: sheet.write(5, 16_383, "x")), MEDIA_TYPE, "AZ 列"),
        (lambda: workbook(texts(1), decorate=lambda _, sheet: sheet.write(1_048_575, 0, "x")), MEDIA_TYPE, "200000 行"),
        (lambda: repacked(workbook(texts(1)), add={"xl/workbook.xml": b"<no"}), MEDIA_TYPE, "损坏"),
        (lambda: b"\xff\xfe\x00\x81\x20\x00", CSV, "编码"),
        (lambda: b"a,b\0c\n", CSV, "不符"),
        (lambda: b'a,"b"c\n"', CSV, "损坏"),
    ],
)
def test_a_file_nobody_can_parse_is_a_data_fault_with_a_way_out(make: Any, media_type: str, reason: str) -> None:
    """The fault says why in Chinese and what to do; the gate returns no result."""
    with pytest.raises(DataFault) as caught:
        check(make(), media_type=media_type)

    assert caught.value.code == "gate.unreadable"
    assert caught.value.rule == "SYS-GATE"
    assert reason in caught.value.message
    assert "请下载最新模板" in caught.value.way_out


def test_an_upload_above_the_size_limit_is_refused_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is looked at first."""
    monkeypatch.setattr(intake, "MAX_BYTES", 1_000)

    with pytest.raises(DataFault, match="文件过大"):
        check(workbook(texts(1)))


def test_an_unknown_gate_is_a_bug() -> None:
    """Gates are named by our code, never by a user."""
    with pytest.raises(KeyError):
        check(b"x", gate="no_such_gate")
