"""Tables of the application (S03): the submitted plan book or form, its budget lines, its team and its attachments.

Written by ``commands.application``. The team's names and contacts are sealed.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class Application(SQLModel, table=True):
    """One submission of a project's application; a corrected one is the next ``revision``.

    ``parts`` holds the texts by part (background, concept, goals, plan, expected_effect), ``total_fen`` the sum of the
    budget lines, ``gaps`` what was missing when it was returned (``told`` the same with the condition and part each
    concerns), ``design`` the six points (ZY-04), ``attachments`` what was attached by then. ``guide_id`` is the
    guide the case is pinned to. The highest revision is the visible one; ``supersedes_id`` names the application a
    new one replaced (a correction replaces nothing).
    """

    __tablename__ = "application"
    __table_args__ = (UniqueConstraint("project_id", "revision"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    revision: int
    policy_digest: str
    applicant: str
    credit_code: str | None = None
    parts: dict[str, str] = Field(sa_type=JSON)
    starts_on: date | None = None
    ends_on: date | None = None
    total_fen: int = Field(sa_type=BigInteger)
    submitted_on: date
    gate_report_sha256: str = Field(max_length=SHA256_LENGTH)
    document_id: str
    gaps: list[str] = Field(default_factory=list, sa_type=JSON)
    returned_on: date | None = None
    told: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)
    design: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    attachments: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    guide_id: str | None = Field(default=None, foreign_key="application_guide.id")
    supersedes_id: str | None = Field(default=None, foreign_key="application.id")
    accepted_on: date | None = None
    notice_id: str | None = None
    paper_id: str | None = None


class ApplicationBudgetLine(SQLModel, table=True):
    """One line of the applied budget: category, funding channel, amount in fen. Channels are never pooled (ZY-10)."""

    __tablename__ = "application_budget_line"
    __table_args__ = (UniqueConstraint("application_id", "ordinal"),)

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id")
    ordinal: int
    category: str
    channel: str
    amount_fen: int = Field(sa_type=BigInteger)


class ApplicationTeamMember(SQLModel, table=True):
    """One member of the project team and the role held (ZY-17)."""

    __tablename__ = "application_team_member"
    __table_args__ = (UniqueConstraint("application_id", "ordinal"),)

    id: str = Field(primary_key=True)
    application_id: str = Field(foreign_key="application.id")
    ordinal: int
    role: str
    name_sealed: str = Field(sa_type=Text)
    contact_sealed: str | None = Field(default=None, sa_type=Text)
    qualification: str | None = None


class ApplicationAttachment(SQLModel, table=True):
    """One file attached to a project's application, typed by the guide; a submission takes the newest of each kind."""

    __tablename__ = "application_attachment"
    __table_args__ = (UniqueConstraint("project_id", "kind", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    kind: str
    ordinal: int
    name: str
    sha256: str = Field(max_length=SHA256_LENGTH)
    document_id: str
    attached_on: date
