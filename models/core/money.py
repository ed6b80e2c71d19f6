"""Money: an amount in Chinese yuan held as a whole number of fen, and its wording in capitals (大写).

Used wherever an amount is a fact: rules, tables (as integer fen), commands, papers. Never holds a float, never rounds
silently, never loses a fen when an amount is divided.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from models.core.malformed import malformed

_YUAN = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,2}))?")
_YUAN_PATTERN = r"^-?[0-9]{1,18}(\.[0-9]{1,2})?$"


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in fen. ``Money(1234)`` and ``Money.yuan("12.34")`` are equal; amounts may be negative.

    As a pydantic field it reads a ``Money``, an integer (fen) or a string (yuan, ``"680000.00"``) and writes an
    integer (fen). Floats are refused everywhere.
    """

    fen: int

    ZERO: ClassVar[Money]

    def __post_init__(self) -> None:
        if type(self.fen) is not int:  # bool and float would pass as numbers
            raise malformed("money.format")

    @classmethod
    def yuan(cls, amount: str | int | Decimal) -> Money:
        """Return the amount given in yuan. Raises ``ValueError`` for floats and for more than two decimals."""
        if isinstance(amount, float):
            raise malformed("money.float")
        if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
            raise malformed("money.format")
        text = f"{amount:f}" if isinstance(amount, Decimal) else str(amount)
        if isinstance(amount, Decimal) and "." in text:
            text = text.rstrip("0").rstrip(".")  # 1.500 is exact, 1.005 is not
        match = _YUAN.fullmatch(text)
        if match is None:
            raise malformed("money.format")
        sign, whole, cents = match.groups()
        fen = int(whole) * 100 + int((cents or "").ljust(2, "0"))
        return cls(-fen if sign else fen)

    @classmethod
    def total(cls, amounts: Iterable[Money]) -> Money:
        """Return the sum, zero for none."""
        return sum(amounts, cls(0))

    def __add__(self, other: Money) -> Money:
        return Money(self.fen + other.fen) if isinstance(other, Money) else NotImplemented

    def __sub__(self, other: Money) -> Money:
        return Money(self.fen - other.fen) if isinstance(other, Money) else NotImplemented

    def __mul__(self, times: int) -> Money:
        return Money(self.fen * times) if type(times) is int else NotImplemented

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.fen)

    def __abs__(self) -> Money:
        return Money(abs(self.fen))

    def __bool__(self) -> bool:
        return self.fen != 0

    def __str__(self) -> str:
        return self.plain()

    def share(self, ratio: Decimal) -> Money:
        """Return ``ratio`` of the amount, rounded half-up to the fen (a half fen goes away from zero).

        For splitting use ``allocate``, which loses nothing; for a limit use ``exceeds``, which does not round.
        """
        scaled = self.fen * _exact(ratio)
        rounded = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
        return Money(rounded if scaled >= 0 else -rounded)

    def exceeds(self, *, ratio: Decimal, of: Money) -> bool:
        """Say whether the amount is strictly more than ``ratio`` of another, compared exactly."""
        return self.fen > of.fen * _exact(ratio)

    def allocate(self, weights: Sequence[int | Decimal]) -> tuple[Money, ...]:
        """Divide by weight without loss: the parts always sum to the amount (largest remainder, ties to the first).

        Raises ``ValueError`` when there is no weight, a negative one, or only zeros. A zero weight gets nothing.
        """
        exact = [_exact(weight) for weight in weights]
        whole = sum(exact, Fraction(0))
        if whole <= 0 or min(exact) < 0:
            raise ValueError("weights must be non-negative and not all zero")
        shares = [abs(self.fen) * weight / whole for weight in exact]
        parts = [share.numerator // share.denominator for share in shares]
        by_remainder = sorted(range(len(parts)), key=lambda index: parts[index] - shares[index])
        for index in by_remainder[: abs(self.fen) - sum(parts)]:
            parts[index] += 1
        return tuple(Money(part if self.fen >= 0 else -part) for part in parts)

    def split(self, parts: int) -> tuple[Money, ...]:
        """Divide into ``parts`` amounts that differ by at most one fen, the larger first. ``ValueError`` below 1."""
        return self.allocate([1] * parts)

    def decimal(self) -> Decimal:
        """Return the amount in yuan, exactly two decimals."""
        return Decimal(self.fen).scaleb(-2)

    def plain(self) -> str:
        """Return the amount in yuan as papers print it: ``680,000.00``."""
        whole, cents = divmod(abs(self.fen), 100)
        return f"{'-' if self.fen < 0 else ''}{whole:,}.{cents:02d}"

    @classmethod
    def _read(cls, value: object) -> Money:
        match value:
            case Money():
                return value
            case bool():
                raise malformed("money.format")
            case int():
                return cls(value)
            case str():
                return cls.yuan(value)
            case float():
                raise malformed("money.float")
            case _:
                raise malformed("money.format")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda money: money.fen, return_schema=core_schema.int_schema()
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        fen = {"type": "integer", "description": "amount in fen"}
        if handler.mode == "serialization":
            return fen
        yuan = {"type": "string", "pattern": _YUAN_PATTERN, "description": "amount in yuan, at most two decimals"}
        return {"anyOf": [fen, yuan], "description": "amount in fen (integer), or in yuan (string, 680000.00)"}


Money.ZERO = Money(0)

LARGEST_AMOUNT: Final = Money.yuan(10**12)
"""More than this is a typing error rather than a budget; sums of such amounts still fit a 64-bit column of fen."""


def _exact(ratio: int | Decimal) -> Fraction:
    if isinstance(ratio, float):
        raise malformed("money.float")
    return Fraction(ratio)


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_LARGEST = 10**16  # yuan; above it the wording would need 京


def capitals(money: Money) -> str:
    """Return the amount in capitals as contracts and vouchers write it: ``陆拾捌万元整``, ``壹元零伍分``.

    整 closes an amount that ends at 元 or 角. A skipped place inside the number is read 零 (亿零玖仟), places skipped
    between 元 and 角 are not. Raises ``ValueError`` from 10^16 yuan on.
    """
    whole, cents = divmod(abs(money.fen), 100)
    if whole >= _LARGEST:
        raise malformed("money.too_large")
    jiao, fen = divmod(cents, 10)
    text = "负" if money.fen < 0 else ""
    if whole or not cents:
        text += (_words(whole) or "零") + "元"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif fen and whole:
        text += "零"
    return text + (f"{_DIGITS[fen]}分" if fen else "整")


def _words(number: int) -> str:
    for unit, name in ((10**8, "亿"), (10**4, "万"), (1000, "仟"), (100, "佰"), (10, "拾")):
        if number >= unit:
            head, rest = divmod(number, unit)
            gap = "零" if 0 < rest < unit // 10 else ""
            return _words(head) + name + gap + _words(rest)
    return _DIGITS[number] if number else ""
