"""Tables of the expert review (S05): roster of experts, rounds, seats of the panel, score sheets.

Written by ``commands.review`` and ``commands.roster``. Names are sealed; nothing here is ever deleted: a seat that is
left and a sheet that no longer counts stay, with the day on which that happened.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


def _json() -> Any:
    return Column(JSON, nullable=False)


class Expert(SQLModel, table=True):
    """One person on a region's roster. ``account`` is the account that may act for the expert beside the id.

    ``ties`` is a list of {organisation, kind, ended_on}; organisations are named in clear, kin never are.
    """

    __tablename__ = "expert"
    __table_args__ = (UniqueConstraint("region", "name_hash", "employer"), UniqueConstraint("account"))

    id: str = Field(primary_key=True)
    region: str = Field(index=True)
    category: str
    employer: str
    skills: list[str] = Field(sa_column=_json())
    ties: list[dict[str, Any]] = Field(sa_column=_json())
    name_sealed: str = Field(sa_column=Column(Text, nullable=False))
    name_hash: str = Field(max_length=SHA256_LENGTH)
    account: str | None = None
    registered_on: date
    synthetic: bool


class ReviewRound(SQLModel, table=True):
    """One review of one project, with its draw. Open until ``closed_on`` is set; ``mean`` is the result as printed.

    ``roster`` holds the ids drawn from, ``alternates`` those not chosen in the order drawn, ``conflicts`` what the draw
    left out for.
    """

    __tablename__ = "review_round"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    ordinal: int
    opened_on: date
    closes_on: date
    provisional: bool
    seed: str
    roster_digest: str = Field(max_length=SHA256_LENGTH)
    roster: list[str] = Field(sa_column=_json())
    alternates: list[str] = Field(sa_column=_json())
    conflicts: list[str] = Field(sa_column=_json())
    policy_digest: str
    protocol_document_id: str
    closed_on: date | None = Field(default=None, index=True)
    mean: str | None = None
    passed: bool | None = None
    opinion: str | None = None
    dissent: str | None = None
    opinion_document_id: str | None = None


class ReviewSeat(SQLModel, table=True):
    """One expert's seat in a round; left on ``recused_on``, then taken over by ``successor_id`` (a seat)."""

    __tablename__ = "review_seat"
    __table_args__ = (UniqueConstraint("round_id", "expert_id"), UniqueConstraint("round_id", "ordinal"))

    id: str = Field(primary_key=True)
    round_id: str = Field(foreign_key="review_round.id")
    expert_id: str = Field(foreign_key="expert.id", index=True)
    ordinal: int
    category: str
    due_on: date
    provisional: bool
    recused_on: date | None = None
    reason_sealed: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    successor_id: str | None = None


class ReviewSheet(SQLModel, table=True):
    """One expert's sheet: dimension → score (decimal text) and reason; ``voided_on`` when the expert left the seat."""

    __tablename__ = "review_sheet"
    __table_args__ = (UniqueConstraint("round_id", "expert_id"),)

    id: str = Field(primary_key=True)
    round_id: str = Field(foreign_key="review_round.id")
    expert_id: str = Field(foreign_key="expert.id")
    scores: dict[str, str] = Field(sa_column=_json())
    reasons: dict[str, str] = Field(sa_column=_json())
    digest: str = Field(max_length=SHA256_LENGTH)
    submitted_on: date
    voided_on: date | None = None
