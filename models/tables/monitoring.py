"""Tables of monitoring (S13): one row an inspection, rating or review, on one line of supervision.

Written by ``commands.monitoring``; coverage is counted from it before acceptance.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel


class Supervision(SQLModel, table=True):
    """One record of supervision. ``phase`` is the project's phase that day (initiation, implementation, acceptance).

    ``findings`` maps a finding's code to its wording; ``on_behalf`` says whose paper record the office filed, and why.
    """

    __tablename__ = "supervision"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    line: str
    phase: str
    method: str
    findings: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    recorded_by: str
    on_behalf: str | None = None
    inspected_on: date
    document_id: str
