"""An exported template, filled in as its example shows, passes the gate that reads it; empty, it holds no row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest
from python_calamine import load_workbook

from infra.quality.gate import GreatExpectationsGate
from infra.quality.suite import GATES
from reports import application_form as form
from reports import needs
from reports.guide import EXAMPLE_SHEET, GUIDE_SHEET, MARK
from reports.import_templates import FORM_EXAMPLE, TEMPLATES, needs_example, service_example
from reports.workbook import MEDIA_TYPE
from tests.support.workbooks import filled

_DAY = date(2016, 7, 20)
_ITEMS = {"visit": "访视", "meal": "助餐"}


def _row(texts: Mapping[str, str]) -> dict[tuple[int, int], str]:
    return {(needs.FIRST_DATA_ROW, place): text for place, text in enumerate(texts.values(), start=1) if text}


def _form() -> dict[tuple[int, int], str]:
    cells = {
        (form.FIRST_FIELD_ROW + place, form.VALUE_COLUMN): str(FORM_EXAMPLE[field.key])
        for place, field in enumerate(form.APPLICATION_FIELDS)
        if field.key in FORM_EXAMPLE
    }
    for one in form.LISTS:
        lines = FORM_EXAMPLE[one.key]
        assert isinstance(lines, tuple)
        for number, line in enumerate(lines, start=1):
            for place, column in enumerate(one.columns, start=1):
                if column.key in line:
                    cells[one.header_row + number, place] = line[column.key]
    return cells


_EXAMPLES = {
    "needs_ledger": _row(needs_example()),
    "application_form": _form(),
    "service_records": _row(service_example(_ITEMS)),
}


def test_there_is_a_template_for_every_gate() -> None:
    assert set(TEMPLATES) == set(GATES) == set(_EXAMPLES)


@pytest.mark.parametrize("kind", GATES)
def test_a_template_filled_in_as_its_example_shows_passes_its_gate(kind: str) -> None:
    data = filled(TEMPLATES[kind].write(_ITEMS), _EXAMPLES[kind])

    result = GreatExpectationsGate().check(gate=kind, data=data, media_type=MEDIA_TYPE, as_of=_DAY)

    assert result.faults == ()
    assert result.passed
    assert len(result.rows) == 1


@pytest.mark.parametrize("kind", GATES)
def test_the_example_of_an_empty_template_is_never_taken_for_data(kind: str) -> None:
    result = GreatExpectationsGate().check(
        gate=kind, data=TEMPLATES[kind].write(_ITEMS), media_type=MEDIA_TYPE, as_of=_DAY
    )

    assert not result.passed
    assert result.rows == ()


@pytest.mark.parametrize("kind", GATES)
def test_a_template_explains_each_column_and_marks_its_example(kind: str) -> None:
    data = TEMPLATES[kind].write(_ITEMS)
    with open_book(data) as book:
        guide = book.get_sheet_by_name(GUIDE_SHEET).to_python()
        example = book.get_sheet_by_name(EXAMPLE_SHEET).to_python()

    assert guide[0][:4] == ["栏目", "是否必填", "填写要求", "可选值"]
    assert [row[0] for row in guide[1:]] == example[1]
    assert all(row[1] in ("必填", "选填") and row[2] for row in guide[1:])
    assert example[0][0] == MARK
    assert "合成示例" in "".join(map(str, example[2]))


def open_book(data: bytes) -> load_workbook:
    import io

    return load_workbook(io.BytesIO(data))


def test_a_template_is_the_same_bytes_each_time() -> None:
    for template in TEMPLATES.values():
        assert template.write(_ITEMS) == template.write(_ITEMS)
