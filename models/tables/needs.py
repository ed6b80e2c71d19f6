"""Tables of the needs survey (S01): surveys, ledger imports, people, household files, selected recipients.

Written by ``commands.needs``; ``person`` and ``needs_selection`` are read by every stage that serves people. Names, ID
numbers and phone numbers are sealed; what stands in clear tells nobody who it is.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


def _json() -> Any:
    return Column(JSON, nullable=False)


class Survey(SQLModel, table=True):
    """One needs survey: which identity classes it covers and where. ``scope`` is wording, not a code."""

    __tablename__ = "survey"

    id: str = Field(primary_key=True)
    region: str = Field(index=True)
    title: str
    classes: list[str] = Field(sa_column=_json())
    scope: str
    opened_on: date
    policy_digest: str
    synthetic: bool


class LedgerImport(SQLModel, table=True):
    """One ledger file that passed the gate and went into a survey; the same file goes in once."""

    __tablename__ = "needs_ledger_import"
    __table_args__ = (UniqueConstraint("survey_id", "sha256"),)

    id: str = Field(primary_key=True)
    survey_id: str = Field(foreign_key="survey.id")
    sha256: str = Field(max_length=SHA256_LENGTH)
    report_sha256: str = Field(max_length=SHA256_LENGTH)
    suite_version: str
    people: int
    imported_on: date


class Person(SQLModel, table=True):
    """One person of a survey's ledger: one person, one row (``id_hash`` is the vault's lookup hash of the ID number).

    ``age_band`` (minor, adult, elderly) is that of the day of the import; ``birth_year`` stands in clear, the birth
    date only inside the sealed ID number. ``levels`` is hardship type → level.
    """

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("survey_id", "id_hash"),
        UniqueConstraint("survey_id", "ordinal"),
        Index("ix_person_household", "survey_id", "household_no"),
    )

    id: str = Field(primary_key=True)
    survey_id: str = Field(foreign_key="survey.id")
    ordinal: int
    id_hash: str = Field(max_length=SHA256_LENGTH)
    name_sealed: str = Field(sa_column=Column(Text, nullable=False))
    id_number_sealed: str = Field(sa_column=Column(Text, nullable=False))
    phone_sealed: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    household_no: str
    region_code: str
    street: str
    identity: str
    birth_year: int
    age_band: str
    sex: str | None = None
    lives_alone: bool
    disabled: bool
    severely_ill: bool
    single_parent_student: bool
    levels: dict[str, str] = Field(sa_column=_json())
    demands: list[str] = Field(sa_column=_json())
    willing: bool
    discovery: str
    assessed_on: date


class HouseholdFile(SQLModel, table=True):
    """The service file of one household (HS-04 一户一档): whom it covers is ``person.household_no``."""

    __tablename__ = "household_file"
    __table_args__ = (UniqueConstraint("survey_id", "household_no"),)

    id: str = Field(primary_key=True)
    survey_id: str = Field(foreign_key="survey.id")
    household_no: str
    region_code: str
    street: str
    opened_on: date


class SelectionRound(SQLModel, table=True):
    """How a project's recipients were chosen, once: seed, pool digest, wanted counts, adjustments with their reasons.

    ``served_min`` is the project's target of distinct persons to serve (HS-06), ``None`` where no rule sets one.
    """

    __tablename__ = "needs_selection_round"
    __table_args__ = (UniqueConstraint("project_id"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    survey_id: str = Field(foreign_key="survey.id")
    seed: str
    pool_digest: str = Field(max_length=SHA256_LENGTH)
    counts: dict[str, int] = Field(sa_column=_json())
    adjustments: dict[str, Any] = Field(default_factory=dict, sa_column=_json())
    served_min: int | None = None
    selected_on: date
    policy_digest: str
    document_id: str | None = None


class Selection(SQLModel, table=True):
    """One person selected for a project, in one stratum; ``ordinal`` is the place in the stratum's draw."""

    __tablename__ = "needs_selection"
    __table_args__ = (UniqueConstraint("project_id", "person_id"),)

    id: str = Field(primary_key=True)
    round_id: str = Field(foreign_key="needs_selection_round.id")
    project_id: str = Field(foreign_key="project.id", index=True)
    person_id: str = Field(foreign_key="person.id")
    stratum: str
    ordinal: int
