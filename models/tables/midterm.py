"""Tables of the midterm evaluation (S14): what was found and recommended, and the re-decision on it.

Written by ``commands.midterm`` and ``commands.midterm_decision``. An assessment changes nothing of a project.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


class MidtermAssessment(SQLModel, table=True):
    """One evaluation in the middle of a project; the highest ordinal counts.

    ``findings`` is code → ``positive``, ``reason`` (ZY-102); ``restructuring`` is empty where no plan was needed, else
    ``way``, ``measures``, ``recipients``, ``funds`` (ZY-105), with its estimated loss in ``loss_fen``. ``window_from``
    and ``window_to`` (both inside) are unset for a project that owes no evaluation.
    """

    __tablename__ = "midterm_assessment"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    ordinal: int
    findings: dict[str, Any] = Field(sa_type=JSON)
    environment: str = Field(sa_type=Text)
    own_change: str = Field(sa_type=Text)
    conditions_changed: bool
    recommendation: str
    reason: str = Field(sa_type=Text)
    restructuring: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    loss_fen: int | None = Field(default=None, sa_type=BigInteger)
    window_from: date | None = None
    window_to: date | None = None
    timing: str
    assessed_on: date
    policy_digest: str
    document_id: str = Field(foreign_key="document.id")
    plan_document_id: str | None = Field(default=None, foreign_key="document.id")


class MidtermDecision(SQLModel, table=True):
    """The re-decision on an assessment (ZY-104): by whom, after hearing whom, and what it did to money and recipients.

    ``consulted`` rows hold ``kind``, ``body``, ``opinion``; ``demanded_fen`` is what has to be got back (each
    contract says of what), ``released_fen`` what went back to the budget, ``handed_fen`` what went with it to
    ``successor_id``; ``recipients`` is how many were handed over.
    """

    __tablename__ = "midterm_decision"
    __table_args__ = (UniqueConstraint("assessment_id"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    assessment_id: str = Field(foreign_key="midterm_assessment.id")
    disposition: str
    basis: str = Field(sa_type=Text)
    meeting_no: str = ""
    consulted: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    decided_by: str
    successor_id: str | None = Field(default=None, foreign_key="project.id")
    demanded_fen: int = Field(default=0, sa_type=BigInteger)
    contracts: int = 0
    released_fen: int = Field(default=0, sa_type=BigInteger)
    handed_fen: int = Field(default=0, sa_type=BigInteger)
    recipients: int = 0
    decided_on: date
    policy_digest: str
    document_id: str = Field(foreign_key="document.id")
