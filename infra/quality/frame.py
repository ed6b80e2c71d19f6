"""Turns the intermediate form into the frame the expectations look at.

For each field: ``key`` the cell as text, ``key.value`` what it reads as, ``key.fault`` the code of what is wrong with
it (empty when nothing is). ``derive`` adds the columns of checks that look at more than one cell. A frame holds
personal data: it lives for one check and never leaves ``infra.quality``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from infra.quality.cells import Read, reader, text_of
from infra.quality.table import Table

_DTYPES = {"date": "datetime64[s]", "text": "str", "id_card": "str", "credit_code": "str", "phone": "str"}


@dataclass(frozen=True)
class Frame:
    """The frame of a table, rows counted from 0, and the typed values it was made from, by field key."""

    table: Table
    data: pd.DataFrame
    values: Mapping[str, Sequence[object]]

    def records(self) -> Sequence[Mapping[str, object]]:
        """Return the typed rows in file order: field key → str, int, bool, date, code, tuple of codes or None."""
        return [dict(zip(self.values, row, strict=True)) for row in zip(*self.values.values(), strict=True)]


def frame_of(table: Table, *, as_of: date) -> Frame:
    """Read every cell of a table as the kind its field has."""
    columns: dict[str, pd.Series] = {}
    values: dict[str, list[object]] = {}
    for field in table.fields:
        key = field.key
        texts, values[key], faults = _read_column(table.cells[key], reader(field, as_of=as_of))
        columns[key] = pd.Series(texts, dtype="str")
        columns[f"{key}.value"] = pd.Series(values[key], dtype=_DTYPES.get(field.kind, "object"))
        columns[f"{key}.fault"] = pd.Series(faults, dtype="str")
    return Frame(table, pd.DataFrame(columns), values)


def _read_column(
    raw: Sequence[object], read: Callable[[object], Read]
) -> tuple[list[str | None], list[object], list[str]]:
    """Return texts, typed values and fault codes. Equal cells are read once: most columns hold few different ones."""
    seen: dict[tuple[type, object], tuple[str | None, object, str]] = {}
    texts, values, faults = [], [], []
    for cell in raw:
        key = (type(cell), cell if isinstance(cell, Hashable) else id(cell))
        known = seen.get(key)
        if known is None:
            known = seen[key] = (_shown(cell), *read(cell))
        texts.append(known[0])
        values.append(known[1])
        faults.append(known[2])
    return texts, values, faults


def _shown(value: object) -> str | None:
    """Return a cell as text; what no text can be made of counts as given, so that it is not called blank."""
    text = text_of(value)
    return "?" if text is None and value is not None and not isinstance(value, str) else text
