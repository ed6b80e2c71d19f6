"""The needs ledger rolled up (S01): streets that add up to the district, households, earlier assessments.

Counts come from the rows themselves, so that a street's ledger, the district's and the survey's never disagree
(FZ-18). Nothing here opens a sealed value.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, literal_column, select
from sqlmodel import col

from models.core.actors import Role
from models.core.registry import query
from models.queries.needs import ASSESSORS
from models.queries.needs_survey import settled_survey
from models.queries.reader import Reader, found
from models.tables.needs import NeedsAssessment, Person

_COUNTY_PLACES = 6


class Counts(BaseModel):
    """Counts of a part of the ledger; ``severe`` are persons with at least one severe hardship."""

    model_config = ConfigDict(frozen=True)

    people: int
    households: int
    willing: int
    severe: int
    moderate: int
    overdue: int


class StreetCounts(Counts):
    """One street of one district (the first six places of the region code)."""

    district: str
    street: str


class StreetLedgers(BaseModel):
    """The ledgers of all streets and of the district, counted apart; ``reconciled`` says that they agree (FZ-18)."""

    model_config = ConfigDict(frozen=True)

    survey: str
    streets: tuple[StreetCounts, ...]
    total: Counts
    reconciled: bool


class Household(BaseModel):
    """One household of the survey: its members' ids and the heaviest hardship among them (0 = none)."""

    model_config = ConfigDict(frozen=True)

    household_no: str
    district: str
    street: str
    members: tuple[str, ...]
    max_level: int
    severe_count: int
    moderate_count: int
    willing: int
    reassess_due_on: date


class EarlierAssessment(BaseModel):
    """One assessment of a person; ``superseded_on`` is empty for the one in force."""

    model_config = ConfigDict(frozen=True)

    survey: str
    assessed_on: date
    indicator_version: str
    levels: dict[str, str]
    dimensions: dict[str, str]
    demands: tuple[str, ...]
    max_level: int
    superseded_on: date | None


def _measures(reader: Reader) -> tuple[Any, ...]:
    return (
        func.count(),
        func.count(col(Person.household_no).distinct()),
        func.count().filter(col(Person.willing)),
        func.count().filter(col(Person.severe_count) > 0),
        func.count().filter(col(Person.moderate_count) > 0),
        func.count().filter(col(Person.reassess_due_on) < reader.as_of),
    )


@query("needs.streets", roles=(*ASSESSORS, Role.FINANCE_BUREAU, Role.AUDIT_BODY, Role.SYSTEM), clause="FZ-18")
def streets(reader: Reader, *, survey: Annotated[str, Field(description="调查编号")]) -> StreetLedgers:
    """Return the ledger counted street by street and as a whole; households that moved streets count in each."""
    settled_survey(reader.session, survey)
    ours = col(Person.survey_id) == survey
    district = func.substr(col(Person.region_code), literal_column("1"), literal_column(str(_COUNTY_PLACES)))
    rows = reader.session.execute(
        select(district, col(Person.street), *_measures(reader))
        .where(ours)
        .group_by(district, col(Person.street))
        .order_by(district, col(Person.street))
    ).all()
    listed = tuple(StreetCounts(district=place, street=street, **_named(numbers)) for place, street, *numbers in rows)
    whole = Counts(**_named(reader.session.execute(select(*_measures(reader)).where(ours)).one()))
    added = {name: sum(getattr(row, name) for row in listed) for name in Counts.model_fields if name != "households"}
    reconciled = all(getattr(whole, name) == number for name, number in added.items())
    return StreetLedgers(survey=survey, streets=listed, total=whole, reconciled=reconciled)


def _named(numbers: Any) -> dict[str, int]:
    return {name: int(number) for name, number in zip(Counts.model_fields, numbers, strict=True)}


@query("needs.household", roles=ASSESSORS, clause="HS-04")
def household(
    reader: Reader,
    *,
    survey: Annotated[str, Field(description="调查编号")],
    household_no: Annotated[str, Field(description="户编号")],
) -> Household:
    """Return one household rolled up from its members."""
    settled_survey(reader.session, survey)
    members = (
        reader.session.execute(
            select(Person)
            .where(col(Person.survey_id) == survey, col(Person.household_no) == household_no)
            .order_by(col(Person.ordinal))
        )
        .scalars()
        .all()
    )
    first = found(members[0] if members else None, kind="household", id=household_no)
    return Household(
        household_no=household_no,
        district=first.region_code[:_COUNTY_PLACES],
        street=first.street,
        members=tuple(person.id for person in members),
        max_level=max(person.max_level for person in members),
        severe_count=sum(person.severe_count for person in members),
        moderate_count=sum(person.moderate_count for person in members),
        willing=sum(person.willing for person in members),
        reassess_due_on=min(person.reassess_due_on for person in members),
    )


@query("needs.assessments", roles=ASSESSORS, clause="ZY-59")
def assessments(
    reader: Reader, *, person: Annotated[str, Field(description="人员档案编号")]
) -> tuple[EarlierAssessment, ...]:
    """Return every assessment of a person, the newest first."""
    row = found(reader.session.get(Person, person), kind="person", id=person)
    earlier = (
        reader.session.execute(
            select(NeedsAssessment)
            .where(col(NeedsAssessment.person_id) == person)
            .order_by(col(NeedsAssessment.assessed_on).desc(), col(NeedsAssessment.id).desc())
        )
        .scalars()
        .all()
    )
    return (_assessment(row, None), *(_assessment(item, item.superseded_on) for item in earlier))


def _assessment(row: Person | NeedsAssessment, superseded_on: date | None) -> EarlierAssessment:
    return EarlierAssessment(
        survey=row.survey_id,
        assessed_on=row.assessed_on,
        indicator_version=row.indicator_version,
        levels=row.levels,
        dimensions=row.dimensions,
        demands=tuple(row.demands),
        max_level=row.max_level,
        superseded_on=superseded_on,
    )
