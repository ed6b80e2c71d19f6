"""The intermediate form of an upload: raw cells by column, each with the place a person finds it at.

Made by the readers (``workbook``, ``forms``), turned into typed values by ``frame``, addressed by ``gate``. Holds cells
as they came; nothing here may judge them. No value of a cell ever leaves in a message: only its ``value_class`` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from models.core.errors import Detail
from reports.columns import Choice

_DIGITS = re.compile(r"[0-9]+")
_ID_LIKE = re.compile(r"[0-9]{17}[Xx]")
_FORMULA_LIKE = re.compile(r"[=+\-@\t\r]")

MERGED = "合并单元格"


@dataclass(frozen=True)
class Field:
    """A column of a table, or one entry of a form.

    ``kind``: text, code, date, int, id_card, phone, yesno, money (yuan, read into fen), credit_code.
    """

    key: str
    title: str
    kind: str
    choices: tuple[Choice, ...] = ()
    many: bool = False

    @property
    def codes(self) -> dict[str, str]:
        """What may stand in a cell (label or code) → code."""
        return {name: choice.code for choice in self.choices for name in (choice.label, choice.code)}


@dataclass(frozen=True)
class Table:
    """Raw cells by field key, one sequence a field, all as long as ``rows`` (row numbers as the user counts them).

    ``places`` overrides the address of a field (a form has each of its fields on a row of its own); ``path`` is set for
    JSON, where an address is a field path and there is no row (empty for the form itself). ``merged`` are (row, key) of
    cells swallowed by a merged range. ``notes`` are warnings of the reader.
    """

    fields: tuple[Field, ...]
    rows: Sequence[int]
    cells: Mapping[str, Sequence[object]]
    sheet: str | None = None
    places: Mapping[str, int] = field(default_factory=dict)
    path: str | None = None
    merged: frozenset[tuple[int, str]] = frozenset()
    notes: tuple[Detail, ...] = ()

    def detail(
        self,
        *,
        problem: str,
        rule: str,
        expected: str | None = None,
        key: str | None = None,
        position: int | None = None,
    ) -> Detail:
        """Return the detail that addresses one cell, a whole column (no position) or the whole table (no key).

        ``position`` counts the table's rows from 0.
        """
        row = None if position is None else self.rows[position]
        if self.path is not None:
            parts = (self.path, None if row is None else str(row), key) if self.path else (key,)
            place, row = ".".join(part for part in parts if part), None
        else:
            place, row = key or "", self.places.get(key or "", row)
        return Detail(
            problem=problem,
            field=place or None,
            sheet=self.sheet,
            row=row,
            column=None if key is None else next(item.title for item in self.fields if item.key == key),
            value_class=None if key is None or position is None else self._class(key, position),
            expected=expected,
            rule=rule,
        )

    def _class(self, key: str, position: int) -> str:
        if (self.rows[position], key) in self.merged:
            return MERGED
        return value_class(self.cells[key][position])


class BadLayout(Exception):
    """The file could be parsed, but its sheet, template version or header row is not the one expected.

    Raised by the readers, turned by the gate into a failing result. Never leaves ``infra.quality``.
    """

    def __init__(self, details: tuple[Detail, ...]) -> None:
        self.details = details
        super().__init__(f"{len(details)} layout faults")


def value_class(value: object) -> str:
    """Say what kind of value a cell holds, in Chinese, never the value."""
    match value:
        case None | "":
            return "空"
        case bool():
            return "逻辑值"
        case int() | float() | Decimal():
            return "数字"
        case datetime():
            return "日期时间"
        case date():
            return "日期"
        case str():
            return _text_class(value.strip())
        case list() | tuple() | dict():
            return "列表"
        case _:
            return "其他"


def _text_class(text: str) -> str:
    if not text:
        return "空"
    if _DIGITS.fullmatch(text):
        return f"{len(text)}位数字"
    if _ID_LIKE.fullmatch(text):
        return "17位数字加X"
    if _FORMULA_LIKE.match(text):
        return "公式样文本"
    return "文本"
