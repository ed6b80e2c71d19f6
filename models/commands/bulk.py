"""Many rows into one table at once. Called by commands that write a row a person; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, SQLModel


def insert_rows(session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that all name the same columns, in the session's transaction; none at all is no fault.

    Past the mapper on purpose: it would run one statement for every change between a row with a blank and one without.
    """
    if rows:
        session.connection().execute(table.metadata.tables[str(table.__tablename__)].insert(), rows)
