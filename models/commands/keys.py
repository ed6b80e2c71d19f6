"""Rotating the keys of personal data: sealed values of every table go under the active key, a portion a call.

``lifecycle keys rotate`` calls it until nothing is left; a rotation that is cut off goes on where it stopped. Events
hold key id and counts only.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, Table, bindparam, select, update
from sqlmodel import Session

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.registry import command
from models.queries.keys import sealed_tables, under_another
from models.queries.keys import waiting as count_waiting
from models.tables import APPEND_ONLY


class Resealed(BaseModel):
    """How many rows went under the active key now, and how many of the tables that may change still wait."""

    model_config = ConfigDict(frozen=True)

    key: str
    rows: int
    waiting: int


@command("keys.reseal", roles=(Role.SYSTEM,), clause="SYS-VAULT-KEYS")
def reseal(
    ctx: Context, *, limit: Annotated[int, Field(ge=1, le=100_000, description="本次最多处理的行数")] = 20_000
) -> Resealed:
    """Put up to ``limit`` rows under the active key. Raises ``DataFault`` ``vault.unreadable`` for a lost key."""
    key = ctx.services.vault.active
    with ctx.writing() as session:
        done: dict[str, int] = {}
        for table, columns in sealed_tables():
            if table.name not in APPEND_ONLY and (left := limit - sum(done.values())) > 0:
                done[table.name] = _reseal(session, ctx, table=table, columns=columns, limit=left)
        rows = {name: number for name, number in done.items() if number}
        if rows:
            events.append(
                session,
                ctx,
                stream_kind="vault",
                stream_id="keys",
                type="keys.resealed",
                payload={"key": key, "rows": rows},
            )
        left_over = sum(count_waiting(session, key, appended=False).values())
    return Resealed(key=key, rows=sum(rows.values()), waiting=left_over)


def _reseal(session: Session, ctx: Context, *, table: Table, columns: tuple[Column[Any], ...], limit: int) -> int:
    """Reseal up to ``limit`` rows; one that was corrected since it was read keeps its new value and waits."""
    vault = ctx.services.vault
    keys = tuple(table.primary_key.columns)
    rows = (
        session.execute(select(*keys, *columns).where(under_another(columns, vault.active)).limit(limit))
        .mappings()
        .all()
    )
    if rows:
        statement = update(table).values({column.name: bindparam(f"to_{column.name}") for column in columns})
        for column in keys:
            statement = statement.where(column == bindparam(f"of_{column.name}"))
        for column in columns:
            statement = statement.where(column.is_not_distinct_from(bindparam(f"was_{column.name}", type_=column.type)))
        fresh = [
            {f"of_{column.name}": row[column.name] for column in keys}
            | {f"was_{column.name}": row[column.name] for column in columns}
            | {f"to_{column.name}": vault.reseal(row[column.name]) if row[column.name] else None for column in columns}
            for row in rows
        ]
        return session.connection().execute(statement, fresh).rowcount
    return 0
