"""Builders of small, made-up ledgers and forms, whole or broken at one place."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import xlsxwriter

from infra.quality.gate import GreatExpectationsGate
from models.ports import GateResult
from models.rules.synthetic import synthetic_ledger
from reports.needs import FIRST_DATA_ROW, HEADER_ROW, NEEDS_COLUMNS, SHEET_NAME, TEMPLATE_ID, TEMPLATE_VERSION
from reports.needs_ledger_file import texts_of
from reports.workbook import MEDIA_TYPE

AS_OF = date(2016, 3, 1)
KEYS = tuple(column.key for column in NEEDS_COLUMNS)
TITLES = {column.key: column.title for column in NEEDS_COLUMNS}


def people(count: int, *, seed: int = 5) -> list[dict[str, object]]:
    """Return typed made-up rows."""
    return list(synthetic_ledger(people=count, seed=seed, as_of=AS_OF, region_code="420200"))


def texts(count: int, *, seed: int = 5) -> list[dict[str, Any]]:
    """Return made-up rows as the texts a clerk enters; values may be replaced by numbers, dates, bools."""
    return [dict(row) for row in texts_of(people(count, seed=seed))]


def workbook(
    rows: list[dict[str, Any]],
    *,
    header_row: int = HEADER_ROW,
    first_column: int = 0,
    titles: Mapping[str, str] = TITLES,
    sheet_name: str = SHEET_NAME,
    marker: tuple[str, str] | None = (TEMPLATE_ID, TEMPLATE_VERSION),
    decorate: Callable[[Any, Any], None] | None = None,
    gap_before: frozenset[int] = frozenset(),
) -> bytes:
    """Return a ledger whose cells keep the type they are given with; row 1 and 2 are blank on purpose."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "default_date_format": "yyyy-mm-dd"}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet(sheet_name)
        for place, key in enumerate(KEYS):
            sheet.write_string(header_row - 1, first_column + place, titles[key])
        line = header_row
        for index, row in enumerate(rows):
            line += index in gap_before
            for place, key in enumerate(KEYS):
                sheet.write(line, first_column + place, row[key])
            line += 1
        if decorate is not None:
            decorate(book, sheet)
        if marker is not None:
            meta = book.add_worksheet("_meta")
            for row_number, (name, value) in enumerate(zip(("template", "version"), marker, strict=True)):
                meta.write_string(row_number, 0, name)
                meta.write_string(row_number, 1, value)
    return buffer.getvalue()


def check(data: bytes, *, media_type: str = MEDIA_TYPE, gate: str = "needs_ledger", as_of: date = AS_OF) -> GateResult:
    """Check bytes at a gate."""
    return GreatExpectationsGate().check(gate=gate, data=data, media_type=media_type, as_of=as_of)


def row_number(index: int) -> int:
    """Return the Excel row of the index-th person."""
    return FIRST_DATA_ROW + index


def repacked(data: bytes, *, add: Mapping[str, bytes]) -> bytes:
    """Return the package with parts added or replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in add:
                new.writestr(name, old.read(name))
        for name, part in add.items():
            new.writestr(name, part)
    return buffer.getvalue()
