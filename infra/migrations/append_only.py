"""Triggers that make a table append-only, for SQLite and PostgreSQL. Used by revisions; dropped with the table."""

from __future__ import annotations

from typing import Final

from alembic import op

_ACTIONS: Final = ("UPDATE", "DELETE")


def protect(table: str) -> None:
    """Refuse every UPDATE and DELETE on a table at the level of the database (and TRUNCATE on PostgreSQL)."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
        )
        for action in (*_ACTIONS, "TRUNCATE"):
            level = "STATEMENT" if action == "TRUNCATE" else "ROW"
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"FOR EACH {level} EXECUTE FUNCTION {table}_is_append_only()"
            )
        return
    for action in _ACTIONS:
        op.execute(
            f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def unprotect(table: str) -> None:
    """Drop the triggers of ``protect``."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {table}_is_append_only() CASCADE")
        return
    for action in _ACTIONS:
        op.execute(f"DROP TRIGGER {table}_no_{action.lower()}")
