"""The kinds of value a leaf may have: a Python type, the unit written in YAML, and how the text is read.

Owns the parsing of one value. Called by the sections (as types) and by the loader. Must never know a leaf by name.
Floats are refused everywhere: ratios and marks are written in quotes or as whole numbers, so that nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, TypeVar

from models.core.money import Money
from models.policy.reading import flag, text

Item = TypeVar("Item")

ADDED = "added"
"""Metadata of a field that came after values of its kind were locked: empty, it is left out of their digest."""


@dataclass(frozen=True)
class Kind:
    """A unit as written in YAML, the reader of a value (raises ``ValueError``), and what to tell who wrote it wrong."""

    unit: str
    read: Callable[[object], object]
    expected: str


def _whole(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        raise ValueError
    return raw


def _decimal(raw: object) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise ValueError
    try:
        value = Decimal(raw)
    except InvalidOperation as err:
        raise ValueError from err
    if not value.is_finite() or value < 0:
        raise ValueError
    return value


def _share(raw: object) -> Fraction:
    if not isinstance(raw, str):
        raise ValueError
    value = Fraction(raw)
    if not 0 < value <= 1:
        raise ValueError
    return value


def _yuan(raw: object) -> Money:
    return Money.yuan(_decimal(raw))


def plain(value: object) -> object:
    """Return a value as canonical JSON can hold it; mappings become lists of pairs, because their order counts."""
    match value:
        case Money():
            return value.fen
        case Fraction():
            return str(value)
        case Mapping():
            return [[key, plain(item)] for key, item in value.items()]
        case tuple():
            return [plain(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            given = {item.name: getattr(value, item.name) for item in fields(value)}
            unset = {item.name for item in fields(value) if item.metadata.get(ADDED) and not given[item.name]}
            return {name: plain(one) for name, one in given.items() if name not in unset}
        case _:
            return value


def _listed(raw: object, read: Callable[[object], Item]) -> tuple[Item, ...]:
    if not isinstance(raw, list) or not raw:
        raise ValueError
    items = tuple(read(item) for item in raw)
    if len(set(items)) != len(items):
        raise ValueError
    return items


def _mapped(raw: object, read: Callable[[object], Item]) -> Mapping[str, Item]:
    if not isinstance(raw, dict) or not raw:
        raise ValueError
    return MappingProxyType({text(key): read(item) for key, item in raw.items()})


def _codes(raw: object) -> tuple[str, ...]:
    return _listed(raw, text)


def _falling(raw: object) -> tuple[int, ...]:
    days = _listed(raw, _whole)
    if days != tuple(sorted(days, reverse=True)):
        raise ValueError
    return days


_WHOLE = "不小于 0 的整数"
_DECIMAL = "不小于 0 的整数或带引号的小数(不得写浮点数)"

Count = Annotated[int, Kind("count", _whole, _WHOLE)]
Days = Annotated[int, Kind("days", _whole, _WHOLE)]
WorkingDays = Annotated[int, Kind("working_days", _whole, _WHOLE)]
Months = Annotated[int, Kind("months", _whole, _WHOLE)]
Years = Annotated[int, Kind("years", _whole, _WHOLE)]
Minutes = Annotated[int, Kind("minutes", _whole, _WHOLE)]
Ratio = Annotated[Decimal, Kind("ratio", _decimal, _DECIMAL)]
Points = Annotated[Decimal, Kind("points", _decimal, _DECIMAL)]
Share = Annotated[Fraction, Kind("share", _share, "带引号的分数,如 '2/3',大于 0 且不大于 1")]
Yuan = Annotated[Money, Kind("yuan", _yuan, "元,整数或带引号的两位小数")]
Flag = Annotated[bool, Kind("flag", flag, "true 或 false")]
Text = Annotated[str, Kind("text", text, "非空文本")]
Codes = Annotated[tuple[str, ...], Kind("codes", _codes, "不重复的代码列表")]
DaysList = Annotated[tuple[int, ...], Kind("days_list", _falling, "由大到小、不重复的天数列表")]
Labels = Annotated[Mapping[str, str], Kind("labels", lambda raw: _mapped(raw, text), "代码: 中文名称")]
Counts = Annotated[Mapping[str, int], Kind("counts", lambda raw: _mapped(raw, _whole), f"代码: {_WHOLE}")]
Weights = Annotated[Mapping[str, Decimal], Kind("weights", lambda raw: _mapped(raw, _decimal), f"代码: {_DECIMAL}")]
PointsByCode = Annotated[
    Mapping[str, Decimal], Kind("points_by_code", lambda raw: _mapped(raw, _decimal), f"代码: {_DECIMAL}")
]
Amounts = Annotated[Mapping[str, Money], Kind("amounts", lambda raw: _mapped(raw, _yuan), "代码: 元")]
Groups = Annotated[
    Mapping[str, tuple[str, ...]], Kind("groups", lambda raw: _mapped(raw, _codes), "代码: 不重复的代码或文本列表")
]
