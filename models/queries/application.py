"""Reads of the application (S03): the newest submission of a project, its team masked for the asking role."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.money import Money
from models.core.registry import query
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, found, project_of
from models.rules.masking import masked
from models.tables.application import Application, ApplicationBudgetLine, ApplicationTeamMember


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


class ApplicationRecord(BaseModel):
    """The newest submission; ``gaps`` are those it was returned with."""

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


def newest_application(session: Session, project_id: str) -> Application | None:
    """Return the project's newest submission, ``None`` when there is none."""
    return session.exec(
        select(Application)
        .where(col(Application.project_id) == project_id)
        .order_by(col(Application.revision).desc())
        .limit(1)
    ).one_or_none()


@query("application.record", roles=EVERYONE_INSIDE, clause="ZY-18")
def record(reader: Reader, *, project: str) -> ApplicationRecord:
    """Return the newest application of a project."""
    session = reader.session
    region = project_of(session, project).region
    row = found(newest_application(session, project), kind="application", id=project)
    publicity = reader.policies.resolve(region=region, on=reader.as_of).publicity
    inside = reader.actor.role not in (Role.EXPERT, Role.CONTRACTOR, Role.TENDER_AGENCY, Role.RECIPIENT)
    styles = publicity.mask_internal if inside else publicity.mask_expert
    lines = session.exec(
        select(ApplicationBudgetLine)
        .where(col(ApplicationBudgetLine.application_id) == row.id)
        .order_by(col(ApplicationBudgetLine.ordinal))
    ).all()
    return ApplicationRecord(
        id=row.id,
        revision=row.revision,
        submitted_on=row.submitted_on,
        applicant=row.applicant,
        parts=row.parts,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        budget=tuple(
            AppliedLine(category=line.category, channel=line.channel, amount=Money(line.amount_fen)) for line in lines
        ),
        total=Money(row.total_fen),
        team=_team(reader, row.id, styles),
        gaps=tuple(row.gaps),
        returned_on=row.returned_on,
        document=row.document_id,
    )


def _team(reader: Reader, application: str, styles: Mapping[str, str]) -> tuple[TeamMember, ...]:
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
