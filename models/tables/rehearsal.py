"""Tables of a rehearsal of a published case: what its source states, and what it does not."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel


class SourceValue(SQLModel, table=True):
    """One field of a published case: what the source states in its own words, ``None`` when it states nothing.

    ``fact`` names the value of ``queries.report.FACTS`` that the run used in its place, where it needed one.
    """

    __tablename__ = "source_value"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    ordinal: int
    field: str
    stated: str | None = None
    fact: str | None = None
