"""Tables of publicity (S06): notices of review results, objections, and items a project discloses."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


def _json() -> Any:
    return Column(JSON, nullable=False)


class PublicityNotice(SQLModel, table=True):
    """One public notice of a project's review result; first and last day both included.

    Open until ``closed_on`` is set; then ``result`` is ``passed`` (no objection was upheld) or ``upheld``. While an
    objection is handled the period stands still from ``paused_on``.
    """

    __tablename__ = "publicity_notice"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    round_id: str = Field(foreign_key="review_round.id")
    ordinal: int
    channels: list[str] = Field(sa_column=_json())
    published_on: date
    starts_on: date
    ends_on: date
    provisional: bool
    working_days: int
    policy_digest: str
    document_id: str
    html_document_id: str
    paused_on: date | None = None
    closed_on: date | None = Field(default=None, index=True)
    result: str | None = None


class Objection(SQLModel, table=True):
    """One objection to a notice. Who objects, to what, and the reply are sealed: the objector is protected."""

    __tablename__ = "objection"
    __table_args__ = (UniqueConstraint("notice_id", "ordinal"),)

    id: str = Field(primary_key=True)
    notice_id: str = Field(foreign_key="publicity_notice.id")
    ordinal: int
    objector_sealed: str = Field(sa_column=Column(Text, nullable=False))
    matter_sealed: str = Field(sa_column=Column(Text, nullable=False))
    raised_on: date
    answer_due_on: date
    outcome: str | None = None
    reply_sealed: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    answered_on: date | None = None


class Disclosure(SQLModel, table=True):
    """One item a project published (HS-45 to HS-47), once, with the sites where it stands."""

    __tablename__ = "disclosure"
    __table_args__ = (UniqueConstraint("project_id", "item"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    item: str
    sites: list[str] = Field(sa_column=_json())
    disclosed_on: date
    document_id: str
