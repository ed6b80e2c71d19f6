"""Tables of matching (S01, S12): runs, outcomes, confirmations, gaps, and services people already have in kind.

Written by ``commands.matching`` and ``commands.confirmation``. Nothing here is ever edited: a new run stands beside
the old, a new answer beside the old one. An agent's name is sealed.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class MatchRun(SQLModel, table=True):
    """One matching of a survey's needs to the published lists. ``counts`` is reason → needs; ``input_digest`` covers
    needs and list versions, ``outcome_digest`` every need and what became of it."""

    __tablename__ = "match_run"

    id: str = Field(primary_key=True)
    region: str
    survey_id: str = Field(foreign_key="survey.id", index=True)
    service_version_id: str = Field(foreign_key="list_version.id")
    resource_version_id: str = Field(foreign_key="list_version.id")
    ran_on: date
    ordinal: int
    needs: int
    counts: dict[str, int] = Field(sa_type=JSON)
    input_digest: str = Field(max_length=SHA256_LENGTH)
    outcome_digest: str = Field(max_length=SHA256_LENGTH)
    policy_digest: str


class MatchOutcome(SQLModel, table=True):
    """What became of one need (person × item) in a run: exactly one row with a reason.

    ``rank`` is the place in line where places were scarce; ``covered_by`` the existing policy that gives it already.
    """

    __tablename__ = "match_outcome"
    __table_args__ = (
        UniqueConstraint("run_id", "person_id", "item"),
        Index("ix_match_outcome_person", "person_id"),
        Index("ix_match_outcome_reason", "run_id", "reason"),
    )

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="match_run.id")
    person_id: str = Field(foreign_key="person.id")
    item: str
    reason: str
    service_id: str | None = Field(default=None, foreign_key="service_list_row.id")
    resource_id: str | None = Field(default=None, foreign_key="resource_list_row.id")
    rank: int | None = None
    rule: str | None = None
    covered_by: str | None = None


class MatchAnswer(SQLModel, table=True):
    """What the recipient or the agent said to one matched item: ``confirmed``, ``refused`` or ``offered_again``.

    ``ordinal`` numbers the answers to one outcome; the last one counts, none is lost.
    """

    __tablename__ = "match_answer"
    __table_args__ = (UniqueConstraint("outcome_id", "ordinal"), Index("ix_match_answer_person", "person_id"))

    id: str = Field(primary_key=True)
    outcome_id: str = Field(foreign_key="match_outcome.id")
    ordinal: int
    person_id: str = Field(foreign_key="person.id")
    item: str
    service_id: str = Field(foreign_key="service_list_row.id")
    resource_id: str = Field(foreign_key="resource_list_row.id")
    answer: str
    given_by: str
    agent_sealed: str | None = Field(default=None, sa_type=Text)
    agent_relation: str
    reason_sealed: str | None = Field(default=None, sa_type=Text)
    document_id: str | None = Field(default=None, foreign_key="document.id")
    answered_on: date


class ServiceGap(SQLModel, table=True):
    """One missing or weak service of a run (ZY-02): an input to project ideas; ``weakness`` is missing or weak.

    ``purchase_need`` says that a government-paid service stands on the list and has too few providers.
    """

    __tablename__ = "service_gap"
    __table_args__ = (UniqueConstraint("run_id", "item", "weakness"),)

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="match_run.id")
    region: str
    item: str
    weakness: str
    persons: int
    reasons: dict[str, int] = Field(sa_type=JSON)
    purchase_need: bool
    found_on: date


class MaterialAid(SQLModel, table=True):
    """A service somebody already has in kind through material assistance (ZY-07), from a day to another or open."""

    __tablename__ = "material_aid"
    __table_args__ = (UniqueConstraint("person_id", "item", "valid_from"),)

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id")
    item: str
    basis: str
    valid_from: date
    valid_until: date | None = None
    recorded_on: date
