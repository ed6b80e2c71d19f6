"""Reads an uploaded workbook into the intermediate form, cell addresses kept; ``large`` reads CSV and Parquet.

Called by ``gate`` for ledgers and by ``forms`` for the application form. Cells keep the place a person sees in Excel
whatever blank rows or columns stand before them. Never judges a value; refuses only what has no readable layout.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from infra.quality.intake import unreadable
from infra.quality.table import BadLayout, Field, Table, value_class
from models.core.errors import Detail
from models.core.messages import sentence

MAX_XLSX_ROWS = 100_000
MAX_NOTES = 100
META_SHEET = "_meta"
SEARCH_ROWS = 10  # how far a header row is looked for, to say where it went
_LAYOUT = "SYS-GATE-LAYOUT"

Cells = list[list[object]]
Corner = tuple[int, int]


@dataclass(frozen=True)
class Sheet:
    """One sheet: cells from A1 on, row by row, blank cells as ``""``; merged ranges as (first, last), 0-based."""

    name: str
    cells: Cells
    merged: tuple[tuple[Corner, Corner], ...] = ()

    def row(self, number: int) -> list[object]:
        """Return the cells of a row, counted from 1 as in Excel; empty beyond the last row."""
        return self.cells[number - 1] if number <= len(self.cells) else []


@dataclass(frozen=True)
class Book:
    """The sheets a gate asked for, by name, and the marker of the template (``template``, ``version``) if any."""

    sheets: dict[str, Sheet]
    marker: dict[str, str]

    def sheet(self, name: str) -> Sheet:
        """Return a sheet. Raises ``BadLayout`` when it is missing."""
        if name not in self.sheets:
            raise BadLayout((fault("gate.layout.no_sheet", {"sheet": name}, sheet=name),))
        return self.sheets[name]


def read_book(*, data: bytes, sheet_name: str) -> Book:
    """Parse the bytes of an inspected xlsx file. Raises ``DataFault`` code ``gate.unreadable``."""
    from python_calamine import CalamineError, load_workbook

    try:
        with load_workbook(io.BytesIO(data)) as book:
            sheets = {}
            for name in {sheet_name, META_SHEET} & set(book.sheet_names):
                sheet = book.get_sheet_by_name(name)
                # skip_empty_area would move every cell up and left by the blank rows and columns before the first one
                cells: Cells = sheet.to_python(skip_empty_area=False)
                sheets[name] = Sheet(name, cells, tuple(sheet.merged_cell_ranges or ()))
    except (CalamineError, ValueError, OverflowError, OSError) as err:
        raise unreadable("damaged") from err
    meta = sheets.pop(META_SHEET, Sheet(META_SHEET, []))
    return Book(sheets, {str(row[0]): str(row[1]) for row in meta.cells if len(row) > 1})


def check_marker(*, book: Book, template: str, version: str, sheet_name: str) -> tuple[Detail, ...]:
    """Check that the file was made from our template; return a warning when it carries no marker at all.

    Raises ``BadLayout`` for another template or another version.
    """
    if not book.marker:
        return (fault("gate.layout.no_marker", {}, sheet=sheet_name),)
    if (book.marker.get("template"), book.marker.get("version")) != (template, version):
        facts: dict[str, object] = {"template": template, "version": version}
        raise BadLayout((fault("gate.layout.other_template", facts, sheet=sheet_name),))
    return ()


def read_table(*, book: Book, sheet_name: str, fields: tuple[Field, ...], header_row: int, later: int = 0) -> Table:
    """Return the rows below the header. Rows that are wholly blank are left out, the others keep their numbers.

    The last ``later`` columns may be absent altogether and then read as blank. Raises ``BadLayout`` when the header is
    not at its fixed place or the sheet holds more than ``MAX_XLSX_ROWS`` rows.
    """
    sheet = book.sheet(sheet_name)
    given = fields_given(sheet, fields, header_row, later)
    overflow = islice(_overflow(sheet, len(given), header_row), MAX_NOTES)
    notes = (*check_header(sheet, given, header_row), *overflow)
    body = sheet.cells[header_row:]
    filled = [index for index, row in enumerate(body) if any(cell not in ("", None) for cell in row)]
    if len(filled) > MAX_XLSX_ROWS:
        raise BadLayout((fault("gate.layout.too_many_rows", {"limit": MAX_XLSX_ROWS}, sheet=sheet.name),))
    width = len(given)
    rows = [body[index] for index in filled]
    columns = list(
        zip(*((row if len(row) >= width else [*row, *[""] * (width - len(row))]) for row in rows), strict=False)
    )
    blank = [""] * len(rows)
    return Table(
        fields=fields,
        rows=[header_row + 1 + index for index in filled],
        cells={
            item.key: (columns[place] if place < width else blank) if columns else ()
            for place, item in enumerate(fields)
        },
        sheet=sheet.name,
        merged=frozenset(_swallowed(sheet, given, header_row)),
        notes=notes,
    )


def fields_given(sheet: Sheet, fields: tuple[Field, ...], header_row: int, later: int) -> tuple[Field, ...]:
    """Return the fields whose columns are there: all, or all but the last ``later`` when the header ends before."""
    early = fields[: len(fields) - later]
    ends_early = later and not any(_titles(sheet, header_row)[len(early) :])
    return early if ends_early else fields


def _titles(sheet: Sheet, row: int) -> list[str]:
    return [str(cell).strip().rstrip("*＊") for cell in sheet.row(row)]


def header_stands(sheet: Sheet, fields: Sequence[Field], row: int) -> bool:
    """Say whether the header of the fields stands in a row."""
    return _titles(sheet, row)[: len(fields)] == [item.title for item in fields]


def check_header(sheet: Sheet, fields: Sequence[Field], header_row: int) -> tuple[Detail, ...]:
    """Return a warning for each column beyond the last. Raises ``BadLayout`` for a header that is not in its place."""
    found = _titles(sheet, header_row)
    if not header_stands(sheet, fields, header_row):
        padded = found + [""] * (len(fields) - len(found))
        wrong = [(place, item) for place, item in enumerate(fields) if padded[place] != item.title]
        raise BadLayout(tuple(_misplaced(sheet, item, place, header_row) for place, item in wrong))
    return tuple(
        fault("gate.layout.extra_column", {}, sheet=sheet.name, row=header_row, column=column_letter(place))
        for place, title in enumerate(found)
        if place >= len(fields) and title
    )


def _overflow(sheet: Sheet, width: int, header_row: int) -> Iterator[Detail]:
    """Yield a warning for each data row with something beyond the last column: it is not read."""
    for number, row in enumerate(sheet.cells[header_row:], start=header_row + 1):
        if len(row) > width and any(cell not in ("", None) for cell in row[width:]):
            yield fault("gate.layout.extra_cell", {}, sheet=sheet.name, row=number)


def _misplaced(sheet: Sheet, item: Field, place: int, header_row: int) -> Detail:
    seen = next(
        (
            (row, _titles(sheet, row).index(item.title))
            for row in range(1, SEARCH_ROWS + 1)
            if item.title in _titles(sheet, row)
        ),
        None,
    )
    facts: dict[str, object] = {"title": item.title}
    if seen is not None:
        facts |= {"row": seen[0], "column": column_letter(seen[1])}
    cells = sheet.row(header_row)
    return Detail(
        problem=sentence("gate.layout.header_moved" if seen else "gate.layout.header_missing", facts),
        field=item.key,
        sheet=sheet.name,
        row=header_row,
        column=column_letter(place),
        value_class=value_class(cells[place]) if place < len(cells) else "空",
        expected=item.title,
        rule=_LAYOUT,
    )


def _swallowed(sheet: Sheet, fields: Sequence[Field], header_row: int) -> Iterator[tuple[int, str]]:
    """Yield (row, key) of data cells that are blank because a merged range covers them."""
    for (top, left), (bottom, right) in sheet.merged:
        for row in range(max(top, header_row), min(bottom + 1, len(sheet.cells))):
            for column in range(left, min(right + 1, len(fields))):
                if (row, column) != (top, left):
                    yield row + 1, fields[column].key


def fault(
    code: str, facts: dict[str, object], *, sheet: str, row: int | None = None, column: str | None = None
) -> Detail:
    """Return the detail of a fault of the layout."""
    return Detail(problem=sentence(code, facts), sheet=sheet, row=row, column=column, rule=_LAYOUT)


def column_letter(place: int) -> str:
    """Return the letter of a column counted from 0: 0 → A, 26 → AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
