"""Columns of which few cells differ, kept as codes: what makes a million rows of forty columns fit in memory.

Made by the readers (``large``) and by ``frame``; read like a list.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd


@dataclass(frozen=True, eq=False)
class Coded(Sequence[object]):
    """A column: ``distinct`` cells, and for each row which of them stands there."""

    codes: np.ndarray[Any, Any]
    distinct: Sequence[object]

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, place: int) -> object: ...

    @overload
    def __getitem__(self, place: slice) -> list[object]: ...

    def __getitem__(self, place: int | slice) -> object:
        if isinstance(place, int):
            return self.distinct[self.codes[place]]
        return list(map(self.distinct.__getitem__, self.codes[place].tolist()))


class Coder:
    """Gives out the codes of a column that arrives in pieces; all its cells are texts."""

    def __init__(self) -> None:
        self._known: dict[object, int] = {}
        self._pieces: list[np.ndarray[Any, Any]] = []

    def add(self, cells: Sequence[object]) -> None:
        """Take the next piece of the column."""
        known = self._known
        self._pieces.append(np.array([known.setdefault(cell, len(known)) for cell in cells], dtype=np.int32))

    def column(self) -> Coded:
        """Return the whole column."""
        codes = np.concatenate(self._pieces) if self._pieces else np.empty(0, dtype=np.int32)
        return Coded(codes, list(self._known))


def coded(cells: Sequence[object]) -> Coded:
    """Return a column of any cells. 1, 1.0 and True are different cells here, and so are 0 and False."""
    if isinstance(cells, Coded):
        return cells
    if all(type(cell) is str for cell in cells):
        codes, distinct = pd.factorize(objects(cells))
        return Coded(codes, list(distinct))
    known: dict[tuple[type, object], int] = {}
    distinct_cells: list[object] = []
    found = []
    for cell in cells:
        key = (type(cell), cell if isinstance(cell, Hashable) else id(cell))
        code = known.setdefault(key, len(known))
        if code == len(distinct_cells):
            distinct_cells.append(cell)
        found.append(code)
    return Coded(np.array(found, dtype=np.int32), distinct_cells)


def objects(cells: Sequence[object]) -> np.ndarray[Any, Any]:
    """Return an array of the cells as they are, texts and ``None``."""
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array
