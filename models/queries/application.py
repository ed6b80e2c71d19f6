"""Reads of the application (S03): each submission of a project, the newest visible, its team masked for who asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.money import Money
from models.core.registry import query
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, found, project_of
from models.rules.masking import masked
from models.tables.application import (
    Application,
    ApplicationAttachment,
    ApplicationBudgetLine,
    ApplicationTeamMember,
)
from models.tables.kernel import Event


class AppliedLine(BaseModel):
    """One budget line; amounts in fen."""

    model_config = ConfigDict(frozen=True)

    category: str
    channel: str
    amount: Money


class TeamMember(BaseModel):
    """One member of the team, masked."""

    model_config = ConfigDict(frozen=True)

    role: str
    name: str
    contact: str


class Attached(BaseModel):
    """One file attached to an application, typed by the guide."""

    model_config = ConfigDict(frozen=True)

    kind: str
    name: str
    sha256: str
    document: str


class ApplicationRecord(BaseModel):
    """One submission; ``gaps`` are those it was returned with, ``guide`` the version it is pinned to."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int
    submitted_on: date
    applicant: str
    parts: dict[str, str]
    starts_on: date | None
    ends_on: date | None
    budget: tuple[AppliedLine, ...]
    total: Money
    team: tuple[TeamMember, ...]
    gaps: tuple[str, ...]
    returned_on: date | None
    document: str
    design: dict[str, str] = {}
    attachments: tuple[Attached, ...] = ()
    guide: str | None = None
    accepted_on: date | None = None
    supersedes: str | None = None
    notice: str | None = None
    paper: str | None = None


class Revision(BaseModel):
    """One submission in the chain; exactly one is ``visible``. ``supersedes`` names the application it replaced."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int
    submitted_on: date
    accepted_on: date | None
    returned_on: date | None
    supersedes: str | None
    guide: str | None
    visible: bool


def submitter_of(session: Session, project: str) -> str | None:
    """Return the account of a project's first submission (``role:id``), ``None`` before there is one."""
    submitted = select(Event.actor).where(
        col(Event.stream_kind) == "project", col(Event.stream_id) == project, col(Event.type) == "project.submitted"
    )
    return session.exec(submitted.order_by(col(Event.seq)).limit(1)).one_or_none()


def newest_application(session: Session, project_id: str) -> Application | None:
    """Return the project's newest submission, ``None`` when there is none."""
    return session.exec(
        select(Application)
        .where(col(Application.project_id) == project_id)
        .order_by(col(Application.revision).desc())
        .limit(1)
    ).one_or_none()


def substance(session: Session, application: str) -> tuple[dict[str, str], list[tuple[str, str, int]]]:
    """Return what a submission asks for: its texts and its budget lines; the term and the name are not of it."""
    lines = session.exec(
        select(ApplicationBudgetLine)
        .where(col(ApplicationBudgetLine.application_id) == application)
        .order_by(col(ApplicationBudgetLine.ordinal))
    ).all()
    row = session.get_one(Application, application)
    return row.parts, [(line.category, line.channel, line.amount_fen) for line in lines]


def applications_of(session: Session, project_id: str) -> list[Application]:
    """Return every submission of a project, oldest first."""
    statement = select(Application).where(col(Application.project_id) == project_id)
    return list(session.exec(statement.order_by(col(Application.revision))).all())


def attachments_of(session: Session, project_id: str) -> tuple[dict[str, str], ...]:
    """Return what is attached to a project now: the newest file of each kind, by kind."""
    rows = session.exec(
        select(ApplicationAttachment)
        .where(col(ApplicationAttachment.project_id) == project_id)
        .order_by(col(ApplicationAttachment.kind), col(ApplicationAttachment.ordinal))
    ).all()
    newest = {row.kind: row for row in rows}
    return tuple(
        {"kind": row.kind, "name": row.name, "sha256": row.sha256, "document": row.document_id}
        for row in newest.values()
    )


def lines_of(session: Session, application: str) -> list[ApplicationBudgetLine]:
    """Return the budget lines of a submission in their order."""
    return list(
        session.exec(
            select(ApplicationBudgetLine)
            .where(col(ApplicationBudgetLine.application_id) == application)
            .order_by(col(ApplicationBudgetLine.ordinal))
        ).all()
    )


def styles_of(reader: Reader, region: str) -> Mapping[str, str]:
    """Return how the asking role sees names and contacts."""
    publicity = reader.policies.resolve(region=region, on=reader.as_of).publicity
    outside = (Role.EXPERT, Role.CONTRACTOR, Role.TENDER_AGENCY, Role.RECIPIENT)
    return publicity.mask_expert if reader.actor.role in outside else publicity.mask_internal


@query("application.record", roles=EVERYONE_INSIDE, clause="ZY-18")
def record(
    reader: Reader,
    *,
    project: str,
    revision: Annotated[int | None, Field(description="第几次提交；不填为现行一次")] = None,
) -> ApplicationRecord:
    """Return the newest application of a project, or an earlier revision of it."""
    session = reader.session
    region = project_of(session, project).region
    chosen = [one for one in applications_of(session, project) if revision in (None, one.revision)]
    row = found(chosen[-1] if chosen else None, kind="application", id=project)
    return ApplicationRecord(
        id=row.id,
        revision=row.revision,
        submitted_on=row.submitted_on,
        applicant=row.applicant,
        parts=row.parts,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        budget=tuple(
            AppliedLine(category=line.category, channel=line.channel, amount=Money(line.amount_fen))
            for line in lines_of(session, row.id)
        ),
        total=Money(row.total_fen),
        team=team_of(reader, row.id, styles_of(reader, region)),
        gaps=tuple(row.gaps),
        returned_on=row.returned_on,
        document=row.document_id,
        design=row.design,
        attachments=tuple(Attached(**item) for item in row.attachments),
        guide=row.guide_id,
        accepted_on=row.accepted_on,
        supersedes=row.supersedes_id,
        notice=row.notice_id,
        paper=row.paper_id,
    )


@query("application.revisions", roles=EVERYONE_INSIDE, clause="ZY-18")
def revisions(reader: Reader, *, project: str) -> tuple[Revision, ...]:
    """Return every submission of a project, oldest first: corrections and replacements, one of them visible."""
    project_of(reader.session, project)
    rows = applications_of(reader.session, project)
    return tuple(
        Revision(
            id=row.id,
            revision=row.revision,
            submitted_on=row.submitted_on,
            accepted_on=row.accepted_on,
            returned_on=row.returned_on,
            supersedes=row.supersedes_id,
            guide=row.guide_id,
            visible=row is rows[-1],
        )
        for row in rows
    )


def team_of(reader: Reader, application: str, styles: Mapping[str, str]) -> tuple[TeamMember, ...]:
    """Return the team of a submission in its order, masked."""
    team = reader.session.exec(
        select(ApplicationTeamMember)
        .where(col(ApplicationTeamMember.application_id) == application)
        .order_by(col(ApplicationTeamMember.ordinal))
    ).all()

    def shown(field: str, sealed: str | None) -> str:
        return masked(field=field, text=reader.vault.open(sealed), styles=styles) if sealed else ""

    return tuple(
        TeamMember(role=item.role, name=shown("name", item.name_sealed), contact=shown("phone", item.contact_sealed))
        for item in team
    )
