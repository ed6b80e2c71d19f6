"""Tables of the work guide (工作指南, S03): its versions, and the ledger of time limits the office itself overran.

Written by ``commands.guide`` and ``commands.guide_clock``. A version in force is never edited, only replaced.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class ApplicationGuide(SQLModel, table=True):
    """One guide of a region: a draft until ``in_force_from`` and ``version`` are set, fixed from then on.

    ``content`` holds the six items (ZY-14): materials, attachments, intake_channel, review_conditions, procedure (steps
    with what follows each) and time_limits (step → working days of the office).
    """

    __tablename__ = "application_guide"
    __table_args__ = (UniqueConstraint("region", "version"),)

    id: str = Field(primary_key=True)
    region: str
    version: int | None = None
    drafted_on: date
    in_force_from: date | None = Field(default=None, index=True)
    content: dict[str, Any] = Field(sa_type=JSON)
    content_digest: str = Field(max_length=SHA256_LENGTH)
    policy_digest: str
    document_id: str | None = None
    page_id: str | None = None


class OfficeBreach(SQLModel, table=True):
    """One time limit the office overran (ZY-16): raised against the office, never against who applied.

    ``late``: entered later than the day after the limit, because sweeps were missed.
    """

    __tablename__ = "office_breach"

    work_item_id: str = Field(primary_key=True, foreign_key="work_item.id")
    region: str = Field(index=True)
    step: str
    project_id: str | None = Field(default=None, index=True)
    guide_id: str | None = Field(default=None, foreign_key="application_guide.id")
    role: str
    due_on: date
    raised_on: date
    late: bool
    event_id: str
