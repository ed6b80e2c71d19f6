"""What a column of a ledger is. Used by the column definitions of each ledger, by the workbook writer and by the
quality gate that reads uploads; knows nothing of any one ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal["text", "code", "date", "int", "amount", "id_card", "phone", "yesno"]


@dataclass(frozen=True)
class Choice:
    """One entry of a dictionary: the ``code`` the database keeps, the ``label`` (zh-CN) a clerk picks in the sheet."""

    code: str
    label: str


@dataclass(frozen=True)
class Column:
    """One column of a ledger.

    ``choices`` is set exactly for the kinds ``code`` and ``yesno``. ``many`` allows several labels in one cell,
    joined by the ledger's separator. ``width`` is in characters of the default font.
    """

    key: str
    title: str
    kind: ColumnKind = "text"
    required: bool = False
    choices: tuple[Choice, ...] = ()
    many: bool = False
    width: int = 12
