"""Reads one raw cell as the kind its column has: the typed value, or the code of what is wrong with it.

Called by ``frame`` for every cell. Accepts what clerks really send (typed Excel dates, ``2026年7月15日``, full-width
digits, labels or codes); refuses what cannot be trusted: a code of 15 and more digits that Excel kept as a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from pydantic_core import PydanticCustomError

from infra.quality.table import Field
from models.core.identifiers import parse_credit_code, parse_id_card, parse_phone
from models.core.malformed import malformed
from models.core.money import LARGEST_AMOUNT, Money

Read = tuple[object, str]
"""The typed value (``None`` when blank or unreadable) and the fault code (empty when there is none)."""

_EXACT_DIGITS = 10**15  # an Excel number holds 15 digits, the rest are zeros
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]{2}")  # what a spreadsheet writes for a long number
_DATES = re.compile(r"([0-9]{4})(?:年|[-/.])([0-9]{1,2})(?:月|[-/.])([0-9]{1,2})日?|([0-9]{4})([0-9]{2})([0-9]{2})")
_SEPARATORS = re.compile(r"[、,，;；\s]+")
_BLANK: Read = (None, "")


def text_of(value: object) -> str | None:
    """Return a cell as trimmed text, ``None`` when blank or no text can be made of it."""
    match value:
        case None:
            return None
        case bool():
            return "是" if value else "否"
        case float():
            return format(value, ".15g")  # the digits Excel shows; the rest is binary noise
        case datetime():
            return value.date().isoformat()
        case str() | int() | Decimal() | date():
            return str(value).strip() or None
        case _:
            return None


def plain(text: str) -> str:
    """Return text with full-width letters and digits made half-width and inner blanks removed."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def reader(field: Field, *, as_of: date) -> Callable[[object], Read]:
    """Return the function that reads one cell of ``field``; dates of birth are bounded by ``as_of``."""
    codes = field.codes
    match field.kind:
        case "id_card":
            return lambda value: _code_number(value, lambda text: parse_id_card(text, as_of=as_of).number)
        case "credit_code":
            return lambda value: _code_number(value, lambda text: parse_credit_code(text).code)
        case "phone":
            return _phone
        case "money":
            return lambda value: _checked(value, _fen)
        case "date":
            return _date
        case "int":
            return _int
        case "yesno":
            return lambda value: _choice(value, codes, yes_no=True)
        case "code" if field.many:
            return lambda value: _choices(value, codes)
        case "code":
            return lambda value: _choice(value, codes, yes_no=False)
        case _:
            return _text


def _text(value: object) -> Read:
    if _lost_digits(value):
        return None, "gate.cell.digits_lost"
    text = text_of(value)
    return (text, "") if text is not None else _nothing(value)


def _nothing(value: object) -> Read:
    """Read a cell without text: blank, or a kind of value that has no business in a ledger (a time, a list)."""
    return _BLANK if value is None or isinstance(value, str) else (None, "gate.cell.not_text")


def _lost_digits(value: object) -> bool:
    if isinstance(value, str):
        return _SCIENTIFIC.fullmatch(value.strip()) is not None
    if isinstance(value, Decimal):
        return abs(value) >= _EXACT_DIGITS
    return isinstance(value, int | float) and abs(value) >= _EXACT_DIGITS


def _code_number(value: object, parse: Callable[[str], str]) -> Read:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return None, "gate.cell.digits_lost"  # 18 places never survive as a number
    if _lost_digits(value):
        return None, "gate.cell.digits_lost"
    return _checked(value, parse)


def _checked(value: object, parse: Callable[[str], object]) -> Read:
    text = text_of(value)
    if text is None:
        return _nothing(value)
    try:
        return parse(plain(text)), ""
    except PydanticCustomError as err:
        return None, err.type


def _fen(text: str) -> int:
    amount = Money.yuan(text.replace(",", ""))
    if abs(amount) > LARGEST_AMOUNT:
        raise malformed("money.beyond_ceiling")
    return amount.fen


def _phone(value: object) -> Read:
    read, fault = _checked(value, parse_phone)
    return (text_of(value) if fault else read), fault  # a doubtful number is only warned about: it must not be lost


def _date(value: object) -> Read:
    if isinstance(value, datetime):
        return value.date(), ""
    if isinstance(value, date):
        return value, ""
    text = text_of(value)
    if text is None:
        return _nothing(value)
    match = _DATES.fullmatch(plain(text))
    if match is None:
        return None, "gate.cell.date"
    year, month, day = (int(part) for part in match.groups() if part)
    try:
        return date(year, month, day), ""
    except ValueError:
        return None, "gate.cell.no_such_day"


def _int(value: object) -> Read:
    text = text_of(value)
    if text is None:
        return _nothing(value)
    number = plain(text)
    return (int(number), "") if re.fullmatch(r"[0-9]{1,15}", number) else (None, "gate.cell.int")


def _choice(value: object, codes: dict[str, str], *, yes_no: bool) -> Read:
    text = text_of(value)
    if text is None:
        return _nothing(value)
    code = codes.get(text) or codes.get(plain(text))
    if code is None:
        return None, "gate.cell.choice"
    return (code == "yes" if yes_no else code), ""


def _choices(value: object, codes: dict[str, str]) -> Read:
    text = text_of(value)
    if text is None:
        return (), _nothing(value)[1]
    found = [codes.get(part) for part in _SEPARATORS.split(text) if part]
    if None in found:
        return None, "gate.cell.choice"
    return tuple(dict.fromkeys(found)), ""
