"""Reads ledgers of up to a million rows: CSV as WPS and Excel write it, and Parquet; column by column, piece by piece.

Called by ``gate``. Equal cells are kept once (``coded``), so that memory does not grow with the rows of a column of
codes. Row numbers are those a person counts in the file; never judges a value.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from infra.quality.coded import Coded, Coder
from infra.quality.intake import FileKind, unreadable
from infra.quality.table import BadLayout, Field, Table
from infra.quality.workbook import (
    MAX_NOTES,
    SEARCH_ROWS,
    Sheet,
    check_header,
    fault,
    fields_given,
    header_stands,
)
from models.core.errors import Detail
from models.core.progress import report

MAX_ROWS = 1_000_000
_PIECE = 20_000
_ENCODINGS = ("utf-8-sig", "gb18030")  # what WPS and Excel write in China

Row = Sequence[object]


def read_large(*, data: bytes, kind: FileKind, fields: tuple[Field, ...], header_row: int, later: int) -> Table:
    """Return the table of an inspected CSV or Parquet file; like ``workbook.read_table``.

    A CSV file may come without the title rows of the template, a Parquet file with the keys as column names. Raises
    ``DataFault`` code ``gate.unreadable``, ``BadLayout`` for a wrong header or more than ``MAX_ROWS`` rows.
    """
    if kind is FileKind.PARQUET:
        return _read_rows(_parquet_rows(data, fields), fields=fields, header_row=1, later=later, name="Parquet")
    for encoding in _ENCODINGS:
        try:
            with io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="") as text:
                rows = csv.reader(text, strict=True)
                table = _read_rows(rows, fields=fields, header_row=header_row, later=later, name="CSV")
        except UnicodeDecodeError:
            continue
        except csv.Error as err:
            raise unreadable("damaged") from err
        except BadLayout as err:
            if b"\0" in data:
                raise unreadable("not_what_it_says") from err
            raise
        if b"\0" in data:
            raise unreadable("not_what_it_says")
        return table
    raise unreadable("encoding")


def _read_rows(rows: Iterator[Row], *, fields: tuple[Field, ...], header_row: int, later: int, name: str) -> Table:
    head = [list(row) for row in islice(rows, SEARCH_ROWS)]
    sheet = Sheet(name, head)
    if not header_stands(sheet, fields[: len(fields) - later], header_row):
        header_row = 1
    given = fields_given(sheet, fields, header_row, later)
    notes = list(check_header(sheet, given, header_row))
    body = _Body(width=len(given), first=header_row + 1, name=name)
    for piece in _pieces(chain(head[header_row:], rows)):
        body.add(piece)
        report(step="needs.step.read", done=body.seen, total=0)
        if len(body.rows) > MAX_ROWS:
            raise BadLayout((fault("gate.layout.too_many_rows", {"limit": MAX_ROWS}, sheet=name),))
    blank = Coded(np.zeros(len(body.rows), dtype=np.int32), [""])
    columns = body.columns()
    return Table(
        fields=fields,
        rows=body.rows,
        cells={item.key: columns[place] if place < len(given) else blank for place, item in enumerate(fields)},
        sheet=name,
        notes=(*notes, *body.notes),
    )


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while piece := list(islice(iterator, _PIECE)):
        yield piece


class _Body:
    """The rows below the header, taken piece by piece; wholly blank rows are left out, the others keep their number."""

    def __init__(self, *, width: int, first: int, name: str) -> None:
        self.seen = 0
        self.rows: list[int] = []
        self.notes: list[Detail] = []
        self._width, self._first, self._name = width, first, name
        self._coders = [Coder() for _ in range(width)]

    def add(self, piece: list[Row]) -> None:
        """Take the next rows of the file."""
        number = self._first + self.seen
        self.seen += len(piece)
        if not all(map(any, piece)):  # a row whose cells are all "" or None
            kept = [(number + place, row) for place, row in enumerate(piece) if any(row)]
            numbers, piece = [place for place, _ in kept], [row for _, row in kept]
        else:
            numbers = list(range(number, number + len(piece)))
        self.rows.extend(numbers)
        if set(map(len, piece)) - {self._width}:
            piece = [self._fitted(row, place) for row, place in zip(piece, numbers, strict=True)]
        for coder, cells in zip(self._coders, zip(*piece, strict=True), strict=False):
            coder.add(cells)

    def columns(self) -> list[Coded]:
        """Return the columns."""
        return [coder.column() for coder in self._coders]

    def _fitted(self, row: Row, number: int) -> Row:
        if len(row) > self._width and len(self.notes) < MAX_NOTES and any(row[self._width :]):
            self.notes.append(fault("gate.layout.extra_cell", {}, sheet=self._name, row=number))
        return [*row[: self._width], *[""] * (self._width - len(row))]


def _parquet_rows(data: bytes, fields: tuple[Field, ...]) -> Iterator[Row]:
    """Yield the header and the rows of a Parquet file; lists become what a clerk would write, blanks ``""``."""
    import duckdb

    titles = {field.key: field.title for field in fields}
    with tempfile.TemporaryDirectory(prefix="ledger-") as folder, duckdb.connect() as engine:  # mode 0700, then gone
        path = Path(folder) / "ledger.parquet"
        path.write_bytes(data)
        try:
            rows = engine.execute("SELECT * FROM read_parquet(?)", [str(path)])
            yield [titles.get(column[0], column[0]) for column in rows.description or ()]
            while piece := rows.fetchmany(_PIECE):
                yield from (list(map(_plain, row)) for row in piece)
        except duckdb.Error as err:
            raise unreadable("damaged") from err


def _plain(cell: Any) -> object:
    match cell:
        case None:
            return ""
        case list():
            return "、".join(map(str, cell))
        case _:
            return cell
