"""Commands of the needs survey (S01): open a survey, import its ledger, open the household files.

Selecting recipients is ``commands.needs_selection``. Names and numbers of persons are sealed before they reach a table;
events hold ids, counts and digests only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, insert
from sqlmodel import Session, SQLModel, col, select

from models.commands import documents, events, intake
from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Conflict, Detail
from models.core.identifiers import parse_id_card
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.ports import GateResult, StoredObject
from models.queries.reader import found
from models.rules import needs as rules
from models.tables.needs import HouseholdFile, LedgerImport, Person, Survey

SURVEY_STREAM: Final = "survey"
_CHUNK: Final = 2_000
_CIVIL_AFFAIRS: Final = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU, Role.COUNTY_BUREAU)

Row = Mapping[str, Any]


class SurveyOpened(BaseModel):
    """The new survey."""

    model_config = ConfigDict(frozen=True)

    id: str


class LedgerImported(BaseModel):
    """What went in: people and households of this file, doubts the gate recorded, digests of file and report."""

    model_config = ConfigDict(frozen=True)

    id: str
    survey: str
    people: int
    households: int
    warnings: int
    sha256: str
    report_sha256: str


class HouseholdFilesBuilt(BaseModel):
    """How many service files were opened now, and how many the survey has."""

    model_config = ConfigDict(frozen=True)

    survey: str
    opened: int
    files: int


@command("needs.open_survey", roles=_CIVIL_AFFAIRS, clause="HS-03")
def open_survey(
    ctx: Context,
    *,
    title: Annotated[str, Field(min_length=2, max_length=120, description="调查名称")],
    classes: Annotated[tuple[str, ...], Field(description="对象类别")],
    scope: Annotated[str, Field(min_length=2, max_length=200, description="调查范围")],
) -> SurveyOpened:
    """Open a needs survey of identity classes in a scope.

    Raises ``Refusal`` ``needs.class_unknown`` (SYS-CODE-LIST), ``needs.class_missing`` (HS-03).
    """
    policy = ctx.policy(region=ctx.services.region)
    rules.check_classes(classes=classes, policy=policy)
    survey = Survey(
        id=ctx.new_id("sur"),
        region=policy.region,
        title=title,
        classes=list(dict.fromkeys(classes)),
        scope=scope,
        opened_on=ctx.as_of,
        policy_digest=policy.digest,
        synthetic=ctx.services.rehearsal,
    )
    with ctx.writing() as session:
        session.add(survey)
        events.append(
            session,
            ctx,
            stream_kind=SURVEY_STREAM,
            stream_id=survey.id,
            type="needs.survey_opened",
            payload={"survey_id": survey.id, "classes": survey.classes, "policy_digest": policy.digest},
        )
        return SurveyOpened(id=survey.id)


@command("needs.import_ledger", roles=(*_CIVIL_AFFAIRS, Role.TOWNSHIP, Role.SYSTEM), clause="ZY-59")
def import_ledger(
    ctx: Context, *, survey: str, file: Annotated[Upload, Field(description="需求台账文件")]
) -> LedgerImported:
    """Import a ledger file that passes the quality gate: one row a person, all rows or none.

    Raises ``DataFault`` ``needs.ledger_rejected`` (SYS-GATE) with the offending cells, the file kept in quarantine;
    ``Conflict`` ``needs.already_imported`` for a file this survey already has.
    """
    with ctx.reading() as session:
        row = found(session.get(Survey, survey), kind="survey", id=survey)
        _check_not_imported(session, survey=survey, sha256=file.sha256)
        policy, classes, title = ctx.policy(region=row.region), frozenset(row.classes), row.title
        first = (session.exec(select(func.max(Person.ordinal)).where(col(Person.survey_id) == survey)).one() or 0) + 1
    gate = intake.Gate(
        name="needs_ledger",
        stage="needs",
        data=intake.read(ctx, file=file),
        media_type=file.media_type,
        stream_kind=SURVEY_STREAM,
        stream_id=survey,
        fault="needs.ledger_rejected",
    )
    result = intake.check(ctx, gate=gate)
    people = list(_people(ctx, survey=survey, result=result, policy=policy, first=first))
    faults = _comparison_faults(ctx, survey=survey, classes=classes, rows=result.rows, people=people)
    if faults:
        intake.reject(ctx, gate=gate, result=result, faults=faults)
    report = documents.keep(ctx, data=result.report, media_type="application/json")
    with ctx.writing() as session:
        _check_not_imported(session, survey=survey, sha256=file.sha256)
        _insert(session, Person, people)
        _file(session, ctx, stored=file, kind="needs_ledger", title=title)
        _file(session, ctx, stored=report, kind="gate_report", title=title)
        return _record_import(session, ctx, survey=survey, file=file, report=report, result=result)


def _insert(session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _CHUNK):
        session.execute(insert(table), rows[start : start + _CHUNK])


def _file(session: Session, ctx: Context, *, stored: StoredObject | Upload, kind: str, title: str) -> None:
    documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=None,
        stage="needs",
        kind=kind,
        title=f"{title}·{sentence(f'needs.document.{kind}')}",
        issuer=ROLE_NAMES[ctx.actor.role],
    )


def _record_import(
    session: Session, ctx: Context, *, survey: str, file: Upload, report: StoredObject, result: GateResult
) -> LedgerImported:
    imported = LedgerImported(
        id=ctx.new_id("imp", file.sha256),
        survey=survey,
        people=len(result.rows),
        households=len({row["household_no"] for row in result.rows}),
        warnings=len(result.warnings),
        sha256=file.sha256,
        report_sha256=report.sha256,
    )
    session.add(
        LedgerImport(
            id=imported.id,
            survey_id=survey,
            sha256=imported.sha256,
            report_sha256=imported.report_sha256,
            suite_version=result.suite_version,
            people=imported.people,
            imported_on=ctx.as_of,
        )
    )
    events.append(
        session,
        ctx,
        stream_kind=SURVEY_STREAM,
        stream_id=survey,
        type="needs.ledger_imported",
        payload={**imported.model_dump(), "survey_id": survey, "suite_version": result.suite_version},
    )
    return imported


def _check_not_imported(session: Session, *, survey: str, sha256: str) -> None:
    earlier = session.exec(
        select(LedgerImport).where(col(LedgerImport.survey_id) == survey, col(LedgerImport.sha256) == sha256)
    ).one_or_none()
    if earlier is not None:
        facts = {"on": earlier.imported_on.isoformat(), "people": earlier.people}
        raise Conflict("needs.already_imported", rule="SYS-ALREADY-DONE", facts=facts)


def _people(ctx: Context, *, survey: str, result: GateResult, policy: Policy, first: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``person``. Ids derive from the place in the file, not from the person: a replay on a fresh
    database, whose vault has other keys, then makes the same ones.
    """
    vault = ctx.services.vault
    for ordinal, row in enumerate(cast(Sequence[Row], result.rows), start=first):
        card = parse_id_card(row["id_number"], as_of=ctx.as_of)
        yield {
            "id": ctx.new_id("per", survey, str(ordinal)),
            "survey_id": survey,
            "ordinal": ordinal,
            "id_hash": vault.lookup(card.number),
            "name_sealed": vault.seal(row["person_name"]),
            "id_number_sealed": vault.seal(card.number),
            "phone_sealed": vault.seal(row["phone"]) if row["phone"] else None,
            "birth_year": card.birth.year,
            "age_band": rules.age_band(birth=card.birth, on=ctx.as_of, policy=policy).value,
            "levels": {code: row[f"hardship_{code}"] for code in policy.needs.hardship_types},
            "demands": list(row["demands"]),
            **{column: row[column] for column in _AS_THEY_ARE},
        }


_AS_THEY_ARE: Final = (
    "household_no",
    "region_code",
    "street",
    "identity",
    "sex",
    "lives_alone",
    "disabled",
    "severely_ill",
    "single_parent_student",
    "willing",
    "discovery",
    "assessed_on",
)


def _comparison_faults(
    ctx: Context, *, survey: str, classes: frozenset[str], rows: Sequence[Mapping[str, object]], people: Sequence[Row]
) -> tuple[Detail, ...]:
    """Return what no single file can tell: people another file of the survey already brought, classes not surveyed."""
    with ctx.reading() as session:
        known = set(session.exec(select(Person.id_hash).where(col(Person.survey_id) == survey)).all())
    faults = []
    for row, person in zip(rows, people, strict=True):
        place = f"{sentence('needs.ledger_row')} {row['seq']}"
        if person["id_hash"] in known:
            problem = sentence("needs.person_known")
            faults.append(
                Detail(problem=problem, field=f"{place} · {sentence('needs.column.id_number')}", rule="HS-04")
            )
        if person["identity"] not in classes:
            problem = sentence("needs.class_not_surveyed", {"code": person["identity"]})
            column = sentence("needs.column.identity")
            faults.append(Detail(problem=problem, field=f"{place} · {column}", rule="HS-03"))
    return tuple(faults)


@command("needs.build_household_files", roles=(*_CIVIL_AFFAIRS, Role.TOWNSHIP, Role.SYSTEM), clause="HS-04")
def build_household_files(ctx: Context, *, survey: str) -> HouseholdFilesBuilt:
    """Open one service file for every household of the survey that has none; called again it opens only new ones."""
    with ctx.writing() as session:
        found(session.get(Survey, survey), kind="survey", id=survey)
        filed = set(
            session.exec(select(HouseholdFile.household_no).where(col(HouseholdFile.survey_id) == survey)).all()
        )
        households = session.exec(
            select(Person.household_no, func.min(Person.region_code), func.min(Person.street))
            .where(col(Person.survey_id) == survey)
            .group_by(col(Person.household_no))
            .order_by(col(Person.household_no))
        ).all()
        fresh = [
            {
                "id": ctx.new_id("hhf", survey, household),
                "survey_id": survey,
                "household_no": household,
                "region_code": region,
                "street": street,
                "opened_on": ctx.as_of,
            }
            for household, region, street in households
            if household not in filed
        ]
        if fresh:
            _insert(session, HouseholdFile, fresh)
            events.append(
                session,
                ctx,
                stream_kind=SURVEY_STREAM,
                stream_id=survey,
                type="needs.household_files_opened",
                payload={"survey_id": survey, "opened": len(fresh), "files": len(filed) + len(fresh)},
            )
        return HouseholdFilesBuilt(survey=survey, opened=len(fresh), files=len(filed) + len(fresh))
