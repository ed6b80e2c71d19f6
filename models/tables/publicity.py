"""Tables of publicity (S06): notices of review results, where they stood, objections, and items a project discloses."""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class PublicityNotice(SQLModel, table=True):
    """One project's review result on a public notice; first and last day both included.

    One paper may show several projects: their rows share ``sheet_id`` (the id of the first) and the bytes, whose
    digests stand here; each is objected to and closed by itself. Open until ``closed_on`` is set; then ``result`` is
    ``passed`` (no objection was upheld) or ``upheld``. While an objection is handled ``paused_on`` is set.
    ``project_name`` is the name as it stands on the paper, whatever the project is called later.
    """

    __tablename__ = "publicity_notice"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    round_id: str = Field(foreign_key="review_round.id")
    project_name: str
    ordinal: int
    channels: list[str] = Field(sa_type=JSON)
    published_on: date
    starts_on: date
    ends_on: date
    provisional: bool
    working_days: int
    policy_digest: str
    document_id: str
    html_document_id: str
    sheet_id: str = Field(index=True)
    sha256: str = Field(max_length=SHA256_LENGTH)
    html_sha256: str = Field(max_length=SHA256_LENGTH)
    closing_document_id: str | None = None
    closing_html_document_id: str | None = None
    paused_on: date | None = None
    closed_on: date | None = Field(default=None, index=True)
    result: str | None = None


class _OnChannel(SQLModel):
    """Something about one channel of a notice (``sheet_id``), with the evidence filed for it."""

    id: str = Field(primary_key=True)
    sheet_id: str
    channel: str
    evidence_document_id: str | None = None


class NoticePosting(_OnChannel, table=True):
    """Where a notice stands: on one channel, from ``posted_on`` until the day before ``taken_down_on``."""

    __tablename__ = "notice_posting"
    __table_args__ = (UniqueConstraint("sheet_id", "channel", "posted_on"),)

    posted_on: date
    taken_down_on: date | None = None


class NoticeOutage(_OnChannel, table=True):
    """Days, both included, on which a channel of a notice could not be read; ``last_day`` is empty while it goes on."""

    __tablename__ = "notice_outage"
    __table_args__ = (UniqueConstraint("sheet_id", "channel", "first_day"),)

    first_day: date
    last_day: date | None = None
    reason: str


class Objection(SQLModel, table=True):
    """One objection to a notice. Who objects, to what, and the reply are sealed: the objector is protected.

    ``raised_by`` is the keyed hash of the account that raised it. ``late`` ones came after the notice had ended: they
    are answered as petitions and hold nothing up. ``outcome`` is rejected, upheld or withdrawn.
    """

    __tablename__ = "objection"
    __table_args__ = (UniqueConstraint("notice_id", "ordinal"),)

    id: str = Field(primary_key=True)
    notice_id: str = Field(foreign_key="publicity_notice.id")
    ordinal: int
    objector_sealed: str = Field(sa_type=Text)
    matter_sealed: str = Field(sa_type=Text)
    raised_on: date
    answer_due_on: date
    raised_by: str = Field(max_length=SHA256_LENGTH)
    late: bool = False
    outcome: str | None = None
    reply_sealed: str | None = Field(default=None, sa_type=Text)
    answered_on: date | None = None


class Disclosure(SQLModel, table=True):
    """One item a project published (HS-45 to HS-47), once, with the sites where it stands."""

    __tablename__ = "disclosure"
    __table_args__ = (UniqueConstraint("project_id", "item"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    item: str
    sites: list[str] = Field(sa_type=JSON)
    disclosed_on: date
    document_id: str
