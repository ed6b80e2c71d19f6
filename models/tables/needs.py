"""Tables of the needs survey (S01): surveys, imports, people and their assessments, household files, selections.

Written by ``commands.needs``; ``person`` and ``needs_selection`` are read by every stage that serves people. Names, ID
numbers and phone numbers are sealed; what stands in clear tells nobody who it is.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class Survey(SQLModel, table=True):
    """One needs survey: which identity classes it covers and where. ``scope`` is wording, not a code."""

    __tablename__ = "survey"

    id: str = Field(primary_key=True)
    region: str = Field(index=True)
    title: str
    classes: list[str] = Field(sa_type=JSON)
    scope: str
    opened_on: date
    policy_digest: str
    indicator_version: str
    synthetic: bool


class LedgerImport(SQLModel, table=True):
    """One ledger file that passed the gate and goes into a survey, once. It keeps the places ``first_ordinal`` and on
    for its people; a large one goes in portion by portion, ``loaded`` people so far, and the surveys of the region are
    closed to readers until it is ``completed_on`` a day, or ``abandoned_on`` one because its file cannot be had again.
    """

    __tablename__ = "needs_ledger_import"
    __table_args__ = (UniqueConstraint("survey_id", "sha256"),)

    id: str = Field(primary_key=True)
    survey_id: str = Field(foreign_key="survey.id")
    sha256: str = Field(max_length=SHA256_LENGTH)
    report_sha256: str = Field(max_length=SHA256_LENGTH)
    suite_version: str
    people: int
    first_ordinal: int
    loaded: int
    reassessed: int
    older: int
    imported_on: date
    completed_on: date | None = None
    abandoned_on: date | None = None
    abandon_reason: str | None = None


class Assessed(SQLModel):
    """What one assessment says of a person, in the newest (``person``) and in those before it (``needs_assessment``).

    ``survey_id`` and ``ordinal`` say which survey assessed. ``age_band`` (minor, adult, elderly) is that of the day of
    the import. ``levels`` is hardship type → level, ``dimensions`` dimension → level (empty where not answered),
    ``own_ability`` service items within the person's own ability, ``existing_benefits`` codes of
    ``policy.needs.overlap_policies``, ``special_tags`` those of ``policy.needs.special_tags``. ``max_level`` counts
    levels from 0 (none).
    """

    survey_id: str = Field(foreign_key="survey.id")
    ordinal: int
    assessor_sealed: str = Field(sa_type=Text)
    household_no: str
    region_code: str
    street: str
    identity: str
    age_band: str
    lives_alone: bool
    disabled: bool
    severely_ill: bool
    single_parent_student: bool
    levels: dict[str, str] = Field(sa_type=JSON)
    dimensions: dict[str, str] = Field(sa_type=JSON)
    demands: list[str] = Field(sa_type=JSON)
    own_ability: list[str] = Field(sa_type=JSON)
    existing_benefits: list[str] = Field(sa_type=JSON)
    special_tags: list[str] = Field(sa_type=JSON)
    max_level: int
    severe_count: int
    moderate_count: int
    willing: bool
    discovery: str
    assessed_on: date
    indicator_version: str


class Person(Assessed, table=True):
    """One person, one file in a region (``id_hash`` is the vault's lookup hash of the ID number), carrying the newest
    assessment: this is the row of the needs ledger. Older assessments move to ``needs_assessment``.

    ``registered_on`` is when the person first entered; ``birth_year`` stands in clear, the birth date only inside the
    sealed ID number.
    """

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("region", "id_hash"),
        UniqueConstraint("survey_id", "ordinal"),
        Index("ix_person_household", "survey_id", "household_no"),
        Index("ix_person_reassess", "region", "reassess_due_on"),
    )

    id: str = Field(primary_key=True)
    region: str
    id_hash: str = Field(max_length=SHA256_LENGTH)
    name_sealed: str = Field(sa_type=Text)
    id_number_sealed: str = Field(sa_type=Text)
    phone_sealed: str | None = Field(default=None, sa_type=Text)
    birth_year: int
    sex: str | None = None
    reassess_due_on: date
    registered_on: date


class NeedsAssessment(Assessed, table=True):
    """An assessment that a newer one replaced in ``person``: what the ledger said before, and until when."""

    __tablename__ = "needs_assessment"
    __table_args__ = (UniqueConstraint("survey_id", "ordinal"),)

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    superseded_on: date


class IndicatorSet(SQLModel, table=True):
    """One version of the needs indicators a survey or an assessment refers to (ZY-54): kept so that it reads later."""

    __tablename__ = "needs_indicator_set"

    version: str = Field(primary_key=True)
    region: str
    status: str
    content: dict[str, Any] = Field(sa_type=JSON)
    recorded_on: date


class Enrolment(SQLModel, table=True):
    """One comparison of a survey with the register of everybody eligible (BJ-01), with nobody missing unexplained."""

    __tablename__ = "needs_enrolment"

    id: str = Field(primary_key=True)
    survey_id: str = Field(foreign_key="survey.id", index=True)
    register_sha256: str = Field(max_length=SHA256_LENGTH)
    listed: int
    enrolled: int
    checked_on: date


class EnrolmentGap(SQLModel, table=True):
    """Somebody on the register who is not in the survey, and why not; the person only as a lookup hash."""

    __tablename__ = "needs_enrolment_gap"
    __table_args__ = (UniqueConstraint("enrolment_id", "id_hash"),)

    id: str = Field(primary_key=True)
    enrolment_id: str = Field(foreign_key="needs_enrolment.id")
    id_hash: str = Field(max_length=SHA256_LENGTH)
    reason_sealed: str = Field(sa_type=Text)


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
    counts: dict[str, int] = Field(sa_type=JSON)
    adjustments: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
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
