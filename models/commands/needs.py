"""Commands of the needs survey (S01): open a survey, import its ledger, open the household files.

Selecting recipients is ``commands.needs_selection``. Names and numbers of persons are sealed before they reach a table;
events hold ids, counts and digests only.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import documents, events, intake, needs_load, work
from models.commands import needs_comparison as comparison
from models.commands import needs_people as people
from models.commands.bulk import insert_rows
from models.commands.needs_coverage import open_street_tasks
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Refusal
from models.core.hashing import digest
from models.core.identifiers import find_leaks
from models.core.messages import sentence
from models.core.periods import add_months
from models.core.registry import Once, command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.ports import StoredObject
from models.queries.needs_survey import settled_survey
from models.queries.reader import found
from models.rules import needs as rules
from models.rules.bodies import body_name
from models.rules.force import binding
from models.rules.needs_assessment import RESURVEY, indicators
from models.tables.needs import HouseholdFile, LedgerImport, Person, Survey

SURVEY_STREAM: Final = "survey"
_LEFT_OUT: Final = "needs.left_out"  # the work item of those an abandoned ledger left out


class SurveyOpened(BaseModel):
    """The new survey."""

    model_config = ConfigDict(frozen=True)

    id: str


class LedgerImported(BaseModel):
    """What went in: people and households of this file, how many of them were assessed again, how many came with an
    assessment older than the one on file, doubts the gate recorded, digests of file and report.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    survey: str
    people: int
    reassessed: int
    older: int
    households: int
    warnings: int
    sha256: str
    report_sha256: str


class ImportAbandoned(BaseModel):
    """The import that was given up: how many of its people are in and stay, and how many never got in."""

    model_config = ConfigDict(frozen=True)

    id: str
    survey: str
    loaded: int
    left_out: int


class HouseholdFilesBuilt(BaseModel):
    """How many service files were opened now, and how many the survey has."""

    model_config = ConfigDict(frozen=True)

    survey: str
    opened: int
    files: int


@command("needs.open_survey", roles=CIVIL_AFFAIRS, clause="HS-03", once_a_day=Once.BY_ANYONE)
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
        indicator_version=indicators(policy=policy).version,
        synthetic=ctx.services.rehearsal,
    )
    with ctx.writing() as session:
        people.record_indicators(session, ctx, policy=policy)
        session.add(survey)
        _plan_next_survey(session, ctx, survey=survey, policy=policy)
        open_street_tasks(session, ctx, survey=survey, policy=policy)
        events.append(
            session,
            ctx,
            stream_kind=SURVEY_STREAM,
            stream_id=survey.id,
            type="needs.survey_opened",
            payload={
                "survey_id": survey.id,
                "classes": survey.classes,
                "policy_digest": policy.digest,
                "indicator_version": survey.indicator_version,
            },
        )
        return SurveyOpened(id=survey.id)


def _plan_next_survey(session: Session, ctx: Context, *, survey: Survey, policy: Policy) -> None:
    """Have the next survey of the region fall due where surveying is to recur (ZY-57, FZ-20)."""
    rule = binding(policy=policy, rules=RESURVEY)
    if rule is None:
        return
    due_on = add_months(survey.opened_on, months=policy.needs.survey_months)
    work.open_item(
        session,
        ctx,
        kind="needs.survey",
        role=Role.COUNTY_BUREAU,
        subject_kind="region",
        subject_id=survey.region,
        due_on=due_on,
        clause=rule,
        resolves_with="needs.open_survey",
        provisional=True,
    )
    work.move_item(session, ctx, kind="needs.survey", subject_id=survey.region, due_on=due_on, provisional=True)


@command("needs.import_ledger", roles=(*CIVIL_AFFAIRS, Role.TOWNSHIP, Role.SYSTEM), clause="ZY-59")
def import_ledger(
    ctx: Context, *, survey: str, file: Annotated[Upload, Field(description="需求台账文件")]
) -> LedgerImported:
    """Import a ledger file that passes the quality gate: one row a person, all rows or none.

    A person already on file is assessed again: the ledger row is replaced and the old one kept. A large ledger goes in
    by portions that nobody sees until all are in; a load that died goes on when the same file is imported again, an
    abandoned one too. Raises
    ``DataFault`` ``needs.ledger_rejected`` (SYS-GATE) with the offending cells, the file kept in quarantine;
    ``Conflict`` ``needs.already_imported`` for a file this survey already has, ``needs.ledger_loading`` while another
    one is on its way in.
    """
    with ctx.reading() as session:
        row = found(session.get(Survey, survey), kind="survey", id=survey)
        entry = needs_load.begun(session, survey=survey, sha256=file.sha256)
        going_on = entry is not None and entry.abandoned_on is None
        loaded = entry.loaded if entry else 0
    policy = ctx.policy(region=row.region)
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
    hashes = people.hashes_of(ctx, rows=result.rows)
    if not going_on:  # a load that died was compared when it began; what is loaded is on file already
        faults, total = comparison.faults(ctx, survey=row, rows=result.rows, hashes=hashes, policy=policy, since=loaded)
        if faults:
            intake.reject(ctx, gate=gate, result=result, faults=faults, total=total)
    del gate  # the bytes of a large file are not held while its people go in
    report = documents.keep(ctx, data=result.report, media_type="application/json")
    load = needs_load.Load(
        survey=row, file=file, result=result, hashes=hashes, report_sha256=report.sha256, policy=policy
    )
    needs_load.stage(ctx, load)
    households = len({row["household_no"] for row in result.rows})  # takes its time: not while others wait to write
    with ctx.writing() as session:
        entry = needs_load.finish(session, ctx, load)
        _close_left_out(session, ctx, survey=survey)
        _file(session, ctx, stored=file, kind="needs_ledger", title=row.title)
        _file(session, ctx, stored=report, kind="gate_report", title=row.title)
        return _record_import(session, ctx, entry=entry, households=households, warnings=len(result.warnings))


def _close_left_out(session: Session, ctx: Context, *, survey: str) -> None:
    """A ledger that went in whole settles what abandoned ones of its survey left out."""
    for entry in session.exec(select(LedgerImport.id).where(col(LedgerImport.survey_id) == survey)).all():
        work.close_item(session, ctx, kind=_LEFT_OUT, subject_id=entry)


def _file(session: Session, ctx: Context, *, stored: StoredObject | Upload, kind: str, title: str) -> None:
    documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=None,
        stage="needs",
        kind=kind,
        title=f"{title}·{sentence(f'needs.document.{kind}')}",
        issuer=body_name(policy=ctx.policy(region=ctx.services.region), role=ctx.actor.role),
    )


def _record_import(
    session: Session, ctx: Context, *, entry: LedgerImport, households: int, warnings: int
) -> LedgerImported:
    imported = LedgerImported(
        id=entry.id,
        survey=entry.survey_id,
        people=entry.people,
        reassessed=entry.reassessed,
        older=entry.older,
        households=households,
        warnings=warnings,
        sha256=entry.sha256,
        report_sha256=entry.report_sha256,
    )
    events.append(
        session,
        ctx,
        stream_kind=SURVEY_STREAM,
        stream_id=imported.survey,
        type="needs.ledger_imported",
        payload={**imported.model_dump(), "survey_id": imported.survey, "suite_version": entry.suite_version},
    )
    return imported


@command("needs.abandon_import", roles=CIVIL_AFFAIRS, clause="ZY-59")
def abandon_import(
    ctx: Context,
    *,
    survey: Annotated[str, Field(description="调查编号")],
    reason: Annotated[str, Field(min_length=4, max_length=200, description="放弃的理由")],
) -> ImportAbandoned:
    """Give up a ledger whose load died and whose file cannot be had again, so that the region's surveys open again.

    Whoever is in stays in, assessed as the file said; a corrected file of the survey replaces these assessments and
    keeps them as history. Should the file turn up after all, importing it goes on where it stopped. Raises ``Conflict``
    ``needs.nothing_to_abandon`` (SYS-CONFLICT), ``Refusal`` ``needs.abandon_names_person`` (SYS-PERSONAL-DATA).
    """
    if find_leaks(reason):
        raise Refusal("needs.abandon_names_person", rule="SYS-PERSONAL-DATA")
    with ctx.writing() as session:
        found(session.get(Survey, survey), kind="survey", id=survey)
        entry = needs_load.abandon(session, survey=survey, reason=reason, on=ctx.as_of)
        left_out = entry.people - entry.loaded
        payload = {
            "survey_id": survey,
            "import_id": entry.id,
            "sha256": entry.sha256,
            "loaded": entry.loaded,
            "left_out": left_out,
            "reason_digest": digest(reason),
        }
        events.append(
            session, ctx, stream_kind=SURVEY_STREAM, stream_id=survey, type="needs.import_abandoned", payload=payload
        )
        work.open_item(
            session,
            ctx,
            kind=_LEFT_OUT,
            role=Role.CITY_BUREAU,
            subject_kind="needs_ledger_import",
            subject_id=entry.id,
            due_on=ctx.as_of,
            clause="ZY-59",
            resolves_with="needs.import_ledger",
            note=sentence("needs.left_out", {"people": left_out}),
        )
        return ImportAbandoned(id=entry.id, survey=survey, loaded=entry.loaded, left_out=left_out)


@command("needs.build_household_files", roles=(*CIVIL_AFFAIRS, Role.TOWNSHIP, Role.SYSTEM), clause="HS-04")
def build_household_files(ctx: Context, *, survey: str) -> HouseholdFilesBuilt:
    """Open one service file for every household of the survey that has none; called again it opens only new ones."""
    with ctx.writing() as session:
        settled_survey(session, survey)
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
            for start in range(0, len(fresh), people.CHUNK):
                insert_rows(session, HouseholdFile, fresh[start : start + people.CHUNK])
            events.append(
                session,
                ctx,
                stream_kind=SURVEY_STREAM,
                stream_id=survey,
                type="needs.household_files_opened",
                payload={"survey_id": survey, "opened": len(fresh), "files": len(filed) + len(fresh)},
            )
        return HouseholdFilesBuilt(survey=survey, opened=len(fresh), files=len(filed) + len(fresh))
