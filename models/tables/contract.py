"""Tables of the contract (S11). A project may have several contracts over its life; each is at most three years."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, UniqueConstraint
from sqlmodel import Field, SQLModel


class Contract(SQLModel, table=True):
    """A signed purchase contract: half-open term [starts_on, ends_on), price in fen, clauses by name (BJ-34)."""

    __tablename__ = "contract"
    __table_args__ = (UniqueConstraint("procurement_id"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    procurement_id: str = Field(foreign_key="procurement.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    state: str = Field(index=True)
    version: int
    policy_digest: str
    signed_on: date
    starts_on: date
    ends_on: date
    price_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    clauses: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    extension_conditions: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    days_late: int = 0
    terminated_on: date | None = None
    termination_reason: str | None = None
