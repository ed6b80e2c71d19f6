"""The rows of every book (登记簿): one table, because what a row holds is policy data.

Written by ``commands.book``. What a row names of persons is sealed; nothing here is ever deleted.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class BookRow(SQLModel, table=True):
    """One revision of one row. ``until_on`` is the day from which it is no more: revised or taken out.

    ``fields`` (code → text, whole number, truth or list of codes; money in fen) holds what is not personal,
    ``personal_sealed`` the personal fields as one sealed JSON object. ``warnings`` are the rules it was kept against.
    """

    __tablename__ = "book_row"
    __table_args__ = (
        UniqueConstraint("row_id", "revision"),
        Index("ix_book_row_book", "book", "unit_code"),
    )

    id: str = Field(primary_key=True)
    row_id: str = Field(index=True)
    revision: int
    book: str
    rule: str
    unit_code: str
    fields: dict[str, Any] = Field(sa_type=JSON)
    personal_sealed: str | None = None
    document_id: str | None = None
    warnings: list[str] = Field(default_factory=list, sa_type=JSON)
    from_on: date
    until_on: date | None = None
    reason: str = ""
    retire_reason: str = ""
    policy_digest: str
    synthetic: bool
