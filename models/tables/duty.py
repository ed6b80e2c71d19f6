"""Tables of duties: the administrative units that owe them, and one row for each time a duty is owed or kept.

Written by ``commands.unit`` and ``commands.duty``. Names are those of places and bodies, never of persons.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class AdministrativeUnit(SQLModel, table=True):
    """A county, township or village below the region served; the region itself is known from its policy pack.

    ``until_on`` is the first day on which it is no more; ``synthetic`` marks units made up for a rehearsal.
    """

    __tablename__ = "administrative_unit"

    code: str = Field(primary_key=True)
    name: str
    level: str
    parent_code: str = Field(index=True)
    registered_on: date
    until_on: date | None = None
    synthetic: bool


class DutyOccurrence(SQLModel, table=True):
    """One time a unit owes a duty: opened by the sweep, filled in when it is recorded; a log entry is born recorded.

    ``ends_on`` is the period's last day, ``due_on`` that day after rolling (both ``None`` in a log). ``late`` and
    ``ahead_of`` (duties that should have gone before and had not) are kept as facts.
    """

    __tablename__ = "duty_occurrence"
    __table_args__ = (
        UniqueConstraint("duty", "unit_code", "period", "ordinal"),
        Index("ix_duty_occurrence_period", "duty", "period"),
    )

    id: str = Field(primary_key=True)
    duty: str
    rule: str
    strength: str
    unit_code: str = Field(index=True)
    period: str
    ordinal: int
    starts_on: date
    ends_on: date | None = None
    due_on: date | None = None
    provisional: bool
    opened_on: date
    policy_digest: str
    held_on: date | None = None
    recorded_on: date | None = None
    participants: int | None = None
    consulted: list[str] = Field(default_factory=list, sa_type=JSON)
    documents: list[str] = Field(default_factory=list, sa_type=JSON)
    late: bool = False
    late_reason: str = ""
    ahead_of: list[str] = Field(default_factory=list, sa_type=JSON)
