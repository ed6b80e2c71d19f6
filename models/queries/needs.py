"""Reads of the needs survey (S01): counts, the masked ledger, the selection, and surveys that wait for their files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.registry import query
from models.queries.needs_survey import UNFINISHED, settled_survey
from models.queries.reader import Reader, found, project_of
from models.rules.masking import masked
from models.rules.needs import AgeBand
from models.tables.needs import HouseholdFile, LedgerImport, NeedsAssessment, Person, Selection, SelectionRound, Survey

ASSESSORS = (*CIVIL_AFFAIRS, Role.TOWNSHIP)
"""Who work with the needs ledger: civil affairs and the townships that assess for them."""


class NeedsSummary(BaseModel):
    """Counts of a survey. Groups overlap and do not add up to ``people``; ages are those of the day of the import.

    ``people`` are those whose newest assessment is of this survey; ``superseded`` were assessed again by a later one;
    ``service_files`` counts files of the ``file_unit`` the region keeps first (FZ-54 one a person, HS-04 one a
    household). ``left_out`` are the rows of abandoned ledger files that never got in (a corrected file may have brought
    them).
    """

    model_config = ConfigDict(frozen=True)

    survey: str
    title: str
    people: int
    superseded: int
    left_out: int
    households: int
    household_files: int
    file_unit: str
    service_files: int
    by_identity: dict[str, int]
    by_age_band: dict[str, int]
    minors: int
    elderly: int
    elderly_alone: int
    single_parent_students: int
    disabled: int
    severely_ill: int
    willing: int
    synthetic: bool


class NeedsLedgerRow(BaseModel):
    """One person of the ledger as the asking role may see it; ``levels`` names only hardships there are.

    ``max_level`` and the two counts are the degree of difficulty (BJ-78).
    """

    model_config = ConfigDict(frozen=True)

    person: str
    ordinal: int
    name: str
    id_number: str
    phone: str
    household_no: str
    region_code: str
    street: str
    identity: str
    age_band: str
    levels: dict[str, str]
    max_level: int
    severe_count: int
    moderate_count: int
    special_tags: tuple[str, ...]
    demands: tuple[str, ...]
    willing: bool
    assessed_on: date


class NeedsSelection(BaseModel):
    """How a project's recipients were selected; ``adjustments`` is stratum → {count, stated, reason} (HS-05)."""

    model_config = ConfigDict(frozen=True)

    id: str
    survey: str
    seed: str
    pool_digest: str
    counts: dict[str, int]
    people: int
    adjustments: dict[str, dict[str, Any]]
    served_min: int | None
    selected_on: date


@query("needs.summary", roles=(*ASSESSORS, Role.FINANCE_BUREAU, Role.AUDIT_BODY, Role.SYSTEM), clause="HS-03")
def summary(reader: Reader, *, survey: str) -> NeedsSummary:
    """Return the counts of a survey by class, age band and hardship group."""
    row = settled_survey(reader.session, survey)
    elderly = col(Person.age_band) == AgeBand.ELDERLY
    people, households, elderly_alone, students, disabled, ill, willing = reader.session.execute(
        select_columns(
            func.count(),
            func.count(col(Person.household_no).distinct()),
            func.count().filter(elderly, col(Person.lives_alone)),
            func.count().filter(col(Person.single_parent_student)),
            func.count().filter(col(Person.disabled)),
            func.count().filter(col(Person.severely_ill)),
            func.count().filter(col(Person.willing)),
        ).where(col(Person.survey_id) == survey)
    ).one()
    bands = _counted(reader, survey, col(Person.age_band))
    unit = reader.policies.resolve(region=row.region, on=reader.as_of).needs.file_unit
    files = reader.session.exec(
        select(func.count()).select_from(HouseholdFile).where(col(HouseholdFile.survey_id) == survey)
    ).one()
    return NeedsSummary(
        survey=row.id,
        title=row.title,
        people=people,
        superseded=_superseded(reader, survey),
        left_out=_left_out(reader, survey),
        households=households,
        household_files=files,
        file_unit=unit,
        service_files=people if unit == "person" else files,
        by_identity=_counted(reader, survey, col(Person.identity)),
        by_age_band=bands,
        minors=bands.get(AgeBand.MINOR, 0),
        elderly=bands.get(AgeBand.ELDERLY, 0),
        elderly_alone=elderly_alone,
        single_parent_students=students,
        disabled=disabled,
        severely_ill=ill,
        willing=willing,
        synthetic=row.synthetic,
    )


@query("needs.ledger", roles=(*ASSESSORS, Role.EXPERT), clause="ZY-59")
def ledger(
    reader: Reader,
    *,
    survey: str,
    limit: Annotated[int, Field(ge=1, le=1000, description="行数")] = 50,
    offset: Annotated[int, Field(ge=0, description="起始行")] = 0,
    street: Annotated[str, Field(max_length=80, description="街道;空为全部")] = "",
) -> tuple[NeedsLedgerRow, ...]:
    """Return rows of the needs ledger, or of one street's, in file order, personal data masked for the asking role."""
    row = settled_survey(reader.session, survey)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    styles = policy.publicity.mask_expert if reader.actor.role is Role.EXPERT else policy.publicity.mask_internal
    ours = select(Person).where(col(Person.survey_id) == survey)
    if street:
        ours = ours.where(col(Person.street) == street)
    people = reader.session.exec(ours.order_by(col(Person.ordinal)).limit(limit).offset(offset)).all()
    return tuple(_ledger_row(reader, person, styles) for person in people)


@query("needs.selection", roles=(*ASSESSORS, Role.PURCHASER, Role.AUDIT_BODY), clause="HS-05")
def selection(reader: Reader, *, project: str) -> NeedsSelection:
    """Return how the recipients of a project were selected: counts, seed, adjustments with their reasons."""
    project_of(reader.session, project)
    row = found(
        reader.session.exec(select(SelectionRound).where(col(SelectionRound.project_id) == project)).one_or_none(),
        kind="selection",
        id=project,
    )
    people = reader.session.exec(
        select(func.count()).select_from(Selection).where(col(Selection.project_id) == project)
    ).one()
    return NeedsSelection(
        id=row.id,
        survey=row.survey_id,
        seed=row.seed,
        pool_digest=row.pool_digest,
        counts=row.counts,
        people=people,
        adjustments=row.adjustments,
        served_min=row.served_min,
        selected_on=row.selected_on,
    )


@query("needs.surveys_without_files", roles=(Role.SYSTEM, *ASSESSORS), clause="HS-04")
def surveys_without_files(reader: Reader) -> tuple[str, ...]:
    """Return the surveys with at least one household that has no service file yet, oldest first; none in a
    region where a ledger is on its way in.
    """
    filed = (
        select(HouseholdFile.id)
        .where(
            col(HouseholdFile.survey_id) == col(Person.survey_id),
            col(HouseholdFile.household_no) == col(Person.household_no),
        )
        .exists()
    )
    waiting = select(Person.survey_id).where(~filed)
    loading = select(Survey.region).join(LedgerImport).where(*UNFINISHED)
    rows = reader.session.exec(
        select(Survey.id)
        .where(col(Survey.id).in_(waiting), col(Survey.region).not_in(loading))
        .order_by(col(Survey.opened_on), col(Survey.id))
    ).all()
    return tuple(rows)


def _superseded(reader: Reader, survey: str) -> int:
    moved = (
        select_columns(func.count(col(NeedsAssessment.person_id).distinct()))
        .join(Person, col(Person.id) == col(NeedsAssessment.person_id))
        .where(col(NeedsAssessment.survey_id) == survey, col(Person.survey_id) != survey)
    )
    return int(reader.session.execute(moved).scalar_one())


def _left_out(reader: Reader, survey: str) -> int:
    missing = func.coalesce(func.sum(col(LedgerImport.people) - col(LedgerImport.loaded)), 0)
    given_up = select(missing).where(col(LedgerImport.survey_id) == survey, col(LedgerImport.abandoned_on).is_not(None))
    return int(reader.session.exec(given_up).one())


def _counted(reader: Reader, survey: str, column: Any) -> dict[str, int]:
    rows = reader.session.execute(
        select_columns(column, func.count()).where(col(Person.survey_id) == survey).group_by(column).order_by(column)
    ).all()
    return {str(value): int(number) for value, number in rows}


def _ledger_row(reader: Reader, person: Person, styles: Mapping[str, str]) -> NeedsLedgerRow:
    def shown(field: str, sealed: str | None) -> str:
        return masked(field=field, text=reader.vault.open(sealed), styles=styles) if sealed else ""

    return NeedsLedgerRow(
        person=person.id,
        ordinal=person.ordinal,
        name=shown("name", person.name_sealed),
        id_number=shown("id_number", person.id_number_sealed),
        phone=shown("phone", person.phone_sealed),
        household_no=person.household_no,
        region_code=person.region_code,
        street=masked(field="address", text=person.street, styles=styles),
        identity=person.identity,
        age_band=person.age_band,
        levels={code: level for code, level in person.levels.items() if level != "NONE"},
        max_level=person.max_level,
        severe_count=person.severe_count,
        moderate_count=person.moderate_count,
        special_tags=tuple(person.special_tags),
        demands=tuple(person.demands),
        willing=person.willing,
        assessed_on=person.assessed_on,
    )
