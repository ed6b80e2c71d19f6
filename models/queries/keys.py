"""Where personal data is sealed, and with which key: every column whose name ends in ``_sealed``.

What a table of ``APPEND_ONLY`` holds stays under the key it was sealed with, so that key stays in the ring. Read by
``lifecycle keys`` and by the command that rotates. Never opens a sealed value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, Table, func, or_, select
from sqlmodel import Session

from models.core.actors import Role
from models.core.registry import query
from models.queries.reader import Reader
from models.tables import APPEND_ONLY, metadata

_SEALED: Final = "_sealed"


class KeyUse(BaseModel):
    """The active key, and by table the rows that are sealed with another: ``kept`` ones may not be changed."""

    model_config = ConfigDict(frozen=True)

    key: str
    waiting: dict[str, int]
    kept: dict[str, int]


@query("keys.use", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE, Role.AUDIT_BODY), clause="SYS-VAULT-KEYS")
def use(reader: Reader) -> KeyUse:
    """Return where other keys than the active one are still in use."""
    key = reader.vault.active
    return KeyUse(
        key=key,
        waiting=waiting(reader.session, key, appended=False),
        kept=waiting(reader.session, key, appended=True),
    )


def sealed_tables() -> Iterator[tuple[Table, tuple[Column[Any], ...]]]:
    """Yield every table with sealed columns, and those columns."""
    for _, table in sorted(metadata().tables.items()):
        columns = tuple(column for column in table.columns if column.name.endswith(_SEALED))
        if columns:
            yield table, columns


def under_another(columns: tuple[Column[Any], ...], key: str) -> Any:
    """Return the condition that one of the columns is sealed with another key than ``key``."""
    return or_(*(column.is_not(None) & ~column.startswith(f"{key}:", autoescape=True) for column in columns))


def waiting(session: Session, key: str, *, appended: bool) -> dict[str, int]:
    """Return by table how many rows are under another key; ``appended``: of the tables that may not change."""
    found = {
        table.name: session.execute(
            select(func.count()).select_from(table).where(under_another(columns, key))
        ).scalar_one()
        for table, columns in sealed_tables()
        if (table.name in APPEND_ONLY) is appended
    }
    return {name: number for name, number in found.items() if number}
