"""Turns the intermediate form into the frame the expectations look at.

For each field: ``key`` the cell as text, ``key.value`` what it reads as, ``key.fault`` the code of what is wrong with
it (empty when nothing is). ``derive`` adds the columns of checks that look at more than one cell. A frame holds
personal data: it lives for one check and never leaves ``infra.quality``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import eq
from typing import Any, overload

import numpy as np
import pandas as pd

from infra.quality.cells import Read, reader, text_of
from infra.quality.coded import Coded, coded, objects
from infra.quality.table import Table
from models.core.progress import report

_DTYPES = {"date": "datetime64[s]", "text": "str", "id_card": "str", "credit_code": "str", "phone": "str"}
_CHUNK = 10_000

Record = Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Records(Sequence[Record]):
    """The typed rows of a table in file order, made when asked for: a million of them as dictionaries would not fit.

    ``complete`` turns a row as read into the row handed on.
    """

    columns: Mapping[str, Coded]
    complete: Callable[[Record], Record]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # compared by content, like a list

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @overload
    def __getitem__(self, place: int) -> Record: ...

    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...

    def __getitem__(self, place: int | slice) -> Record | list[Record]:
        if isinstance(place, int):
            return self.complete({key: column[place] for key, column in self.columns.items()})
        parts = (column[place] for column in self.columns.values())
        return [self.complete(dict(zip(self.columns, row, strict=True))) for row in zip(*parts, strict=True)]

    def __iter__(self) -> Iterator[Record]:
        for start in range(0, len(self), _CHUNK):
            yield from self[start : start + _CHUNK]


def _as_read(row: Record) -> Record:
    return row


@dataclass(frozen=True)
class Frame:
    """The frame of a table, rows counted from 0, and the typed values it was made from, by field key."""

    table: Table
    data: pd.DataFrame
    values: Mapping[str, Coded]

    def records(self, complete: Callable[[Record], Record] = _as_read) -> Sequence[Record]:
        """Return the typed rows in file order: field key → str, int, bool, date, code, tuple of codes or None."""
        return Records(self.values, complete)


def frame_of(table: Table, *, as_of: date) -> Frame:
    """Read every cell of a table as the kind its field has. Equal cells are read once."""
    columns: dict[str, Any] = {}
    values: dict[str, Coded] = {}
    for place, field in enumerate(table.fields):
        key = field.key
        cells = coded(table.cells[key])
        texts, read, faults = _read_each(cells.distinct, reader(field, as_of=as_of))
        values[key] = Coded(cells.codes, read)
        columns[key] = _category(cells.codes, texts)
        distinct = pd.Series(read, dtype=_DTYPES.get(field.kind, "object"))
        columns[f"{key}.value"] = distinct.take(cells.codes).reset_index(drop=True)
        columns[f"{key}.fault"] = _category(cells.codes, faults)
        report(step="needs.step.type", done=place + 1, total=len(table.fields))
    return Frame(table, pd.DataFrame(columns, index=pd.RangeIndex(len(table.rows))), values)


def _read_each(
    cells: Sequence[object], read: Callable[[object], Read]
) -> tuple[list[str | None], list[object], list[str]]:
    """Return texts, typed values and fault codes."""
    texts, values, faults = [], [], []
    for cell in cells:
        value, fault = read(cell)
        texts.append(_shown(cell))
        values.append(value)
        faults.append(fault)
    return texts, values, faults


def _category(codes: np.ndarray[Any, Any], texts: Sequence[str | None]) -> pd.Categorical:
    """Return a column of texts of which few differ; ``codes`` say which of ``texts`` stands in each row."""
    labels, distinct = pd.factorize(objects(texts))
    return pd.Categorical.from_codes(labels[codes], categories=pd.Index(distinct, dtype="str"))


def _shown(value: object) -> str | None:
    """Return a cell as text; what no text can be made of counts as given, so that it is not called blank."""
    text = text_of(value)
    return "?" if text is None and value is not None and not isinstance(value, str) else text
