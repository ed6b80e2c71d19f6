"""Tables of the library (S02): where each project stands, and the versions of the policy list.

Written by ``commands.library``, ``commands.placement`` and ``commands.policy_list``.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel


class Placement(SQLModel, table=True):
    """Where a project stands from a day on; a project moved between units has one row a place, one of them open."""

    __tablename__ = "library_placement"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    ordinal: int
    unit_code: str = Field(index=True)
    from_on: date
    until_on: date | None = None
    reason: str = ""


class PolicyList(SQLModel, table=True):
    """One version of a region's policy list (ZY-36). ``consulted`` is body code → body that was consulted (ZY-35)."""

    __tablename__ = "policy_list"
    __table_args__ = (UniqueConstraint("region", "version"),)

    id: str = Field(primary_key=True)
    region: str
    version: int
    published_on: date
    consulted: dict[str, str] = Field(sa_type=JSON)
    policy_digest: str
    document_id: str


class PolicyListItem(SQLModel, table=True):
    """One policy on a version of the list: its code (the same in every version), title, number and issuer."""

    __tablename__ = "policy_list_item"
    __table_args__ = (UniqueConstraint("list_id", "code"),)

    id: str = Field(primary_key=True)
    list_id: str = Field(foreign_key="policy_list.id")
    ordinal: int
    code: str = Field(index=True)
    title: str
    number: str | None = None
    issuer: str
    field: str
