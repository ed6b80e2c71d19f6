"""A filled-in needs ledger as a clerk would upload it, made from typed rows. Rehearsals and measurements only.

Called by the replay case, by tests and by ``make bench`` with made-up people; the note in row 2 says so. Holds clear ID
numbers: never for publication (``reports.needs`` prints the masked ledger).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

from reports.columns import Column
from reports.needs import NEEDS_COLUMNS, SEPARATOR
from reports.workbook import needs_workbook

SYNTHETIC_NOTE = "合成数据,仅供演练:表内人员、证件号、电话均为虚构,不对应任何真实个人。"


def needs_ledger_file(
    *, rows: Iterable[Mapping[str, object]], date: dt.date, issuer: str = "", note: str = SYNTHETIC_NOTE
) -> bytes:
    """Return the needs ledger template filled with typed rows (as the needs gate hands them on) as xlsx.

    Equal rows and date give equal bytes. Raises ``KeyError`` for a code that is not in a column's dictionary.
    """
    return needs_workbook(rows=texts_of(rows), note=note, issuer=issuer, date=date)


def texts_of(rows: Iterable[Mapping[str, object]]) -> Iterator[dict[str, str]]:
    """Yield each typed row as the texts a clerk enters: labels for codes, 是/否, ISO dates, blank for ``None``."""
    labels = {column.key: {choice.code: choice.label for choice in column.choices} for column in NEEDS_COLUMNS}
    for row in rows:
        yield {column.key: _text(row[column.key], column, labels[column.key]) for column in NEEDS_COLUMNS}


def _text(value: object, column: Column, labels: Mapping[str, str]) -> str:
    match value:
        case None:
            return ""
        case bool():
            return labels["yes" if value else "no"]
        case tuple():
            return SEPARATOR.join(labels[code] for code in value)
        case dt.date():
            return value.isoformat()
        case str() if column.choices:
            return labels[value]
        case _:
            return str(value)
