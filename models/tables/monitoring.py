"""Tables of monitoring (S13): acts of supervision, random inspections, orders to rectify, monthly checks, follow-ups.

Written by ``commands.{monitoring,monthly_checks,inspection,rectification,key_supervision,follow_up}``; coverage is
counted from ``supervision`` before acceptance. What somebody said in words about persons is sealed.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


class Supervision(SQLModel, table=True):
    """One record of supervision. ``phase`` is the project's phase that day (initiation, implementation, acceptance).

    ``findings`` maps a finding's code to its wording; ``on_behalf`` says whose paper record the office filed, and why;
    ``joint`` are the departments or levels that took part (BJ-43).
    """

    __tablename__ = "supervision"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    line: str
    phase: str
    method: str
    findings: dict[str, str] = Field(sa_type=JSON)
    recorded_by: str
    on_behalf: str | None = None
    joint: list[str] = Field(default_factory=list, sa_type=JSON)
    inspected_on: date
    document_id: str


class CheckFinding(SQLModel, table=True):
    """What one automatic check of a month found on one contract (domain.md §4-T); details are read again on demand.

    ``records`` are the service records (or payments) at fault, ``persons`` the people concerned, ``minutes`` what is
    short, ``amount_fen`` what was paid twice. ``days`` are those of the month by which the hours were judged, 0 where
    that was all of them. ``outcome`` is corrected or unfounded once somebody answered for it, cleared when a later run
    found nothing any more.
    """

    __tablename__ = "check_finding"
    __table_args__ = (UniqueConstraint("month", "check_code", "contract_id"),)

    id: str = Field(primary_key=True)
    month: str = Field(max_length=7)
    check_code: str
    project_id: str = Field(foreign_key="project.id", index=True)
    contract_id: str = Field(foreign_key="contract.id")
    records: int
    persons: int
    minutes: int = 0
    amount_fen: int = Field(default=0, sa_type=BigInteger)
    days: int = 0
    found_on: date
    due_on: date
    policy_digest: str
    closed_on: date | None = None
    outcome: str = ""
    reason_sealed: str | None = Field(default=None, sa_type=Text)
    document_id: str | None = Field(default=None, foreign_key="document.id")


class InspectionRound(SQLModel, table=True):
    """One round of random inspection: the frozen rosters, the draw, and when its results became public (ZY-87).

    ``targets`` is the roster of projects (id → stratum), ``inspectors`` that of people (accounts, employer, ties);
    ``sizes`` how many are drawn of each stratum. ``protocol_document_id`` holds every draw of the round.
    """

    __tablename__ = "inspection_round"

    id: str = Field(primary_key=True)
    region: str = Field(index=True)
    title: str
    targets: dict[str, str] = Field(sa_type=JSON)
    sizes: dict[str, int] = Field(sa_type=JSON)
    inspectors: list[dict[str, Any]] = Field(sa_type=JSON)
    roster_digest: str
    opened_on: date
    drawn_on: date | None = None
    seed_commitment: str = ""
    protocol_document_id: str | None = Field(default=None, foreign_key="document.id")
    publish_due_on: date | None = None
    published_on: date | None = None
    document_id: str | None = Field(default=None, foreign_key="document.id")
    policy_digest: str


class Inspection(SQLModel, table=True):
    """One project drawn in a round and the inspectors drawn for it; ``findings`` is code → wording, as recorded.

    ``alternates`` are those who step in, in the order drawn; ``replaced`` says for whom one did, when and why.
    """

    __tablename__ = "inspection"
    __table_args__ = (UniqueConstraint("round_id", "project_id"),)

    id: str = Field(primary_key=True)
    round_id: str = Field(foreign_key="inspection_round.id")
    project_id: str = Field(foreign_key="project.id", index=True)
    stratum: str
    inspectors: list[str] = Field(sa_type=JSON)
    alternates: list[str] = Field(default_factory=list, sa_type=JSON)
    replaced: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    inspected_on: date | None = None
    problems: int = 0
    findings: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    supervision_id: str | None = Field(default=None, foreign_key="supervision.id")


class RectificationOrder(SQLModel, table=True):
    """One order to put something right, from the order to its closing: what, by when, the reply, the re-check.

    ``source`` is the inspection or finding it came from, empty for one given on its own. ``rounds`` counts the replies
    that were sent back, ``sent_back`` keeps each with the re-check that found it wanting.
    """

    __tablename__ = "rectification_order"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    source: str = Field(default="", index=True)
    problem: str = Field(sa_type=Text)
    demand: str = Field(sa_type=Text)
    ordered_by: str
    ordered_on: date
    due_on: date
    document_id: str = Field(foreign_key="document.id")
    reply: str = ""
    reply_document_id: str | None = Field(default=None, foreign_key="document.id")
    replied_on: date | None = None
    replied_by: str = ""
    rechecked_by: str = ""
    recheck: str = ""
    rounds: int = 0
    sent_back: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    closed_on: date | None = None
    late: bool = False


class KeySupervision(SQLModel, table=True):
    """One project on the list of key supervision: why, since when, until when (half-open), and why it left."""

    __tablename__ = "key_supervision"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    reason: str
    source: str = ""
    since_on: date
    until_on: date
    ended_on: date | None = None
    end_reason: str = ""


class FollowUp(SQLModel, table=True):
    """One satisfaction follow-up: the sample drawn from the people served, and what they answered (FZ-50).

    ``sample`` are ledger ids in the order drawn; ``answered`` of them answered, ``satisfied`` of those were satisfied.
    ``exit_outcome`` is what was decided in the exit procedure a poor result opened (exit, rectify, keep), and why.
    """

    __tablename__ = "satisfaction_follow_up"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    population: int
    sample: list[str] = Field(sa_type=JSON)
    roster_digest: str
    seed_commitment: str
    protocol_document_id: str = Field(foreign_key="document.id")
    drawn_on: date
    due_on: date
    closed_on: date | None = None
    answered: int = 0
    satisfied: int = 0
    unreachable: int = 0
    exit_outcome: str = ""
    exit_reason: str = Field(default="", sa_type=Text)
    exit_decided_on: date | None = None


class FollowUpAnswer(SQLModel, table=True):
    """What one sampled person said; their words are sealed. ``answer`` is satisfied, unsatisfied or unreachable."""

    __tablename__ = "satisfaction_answer"
    __table_args__ = (UniqueConstraint("follow_up_id", "person_id"),)

    id: str = Field(primary_key=True)
    follow_up_id: str = Field(foreign_key="satisfaction_follow_up.id")
    person_id: str = Field(foreign_key="person.id", index=True)
    answer: str
    method: str
    words_sealed: str = Field(default="", sa_type=Text)
    answered_on: date


class KeyPostAttendance(SQLModel, table=True):
    """Who held a key post of a contract in a month, how many days; ``substituted``: not whom it names (ZY-86)."""

    __tablename__ = "key_post_attendance"
    __table_args__ = (UniqueConstraint("contract_id", "month", "post"),)

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id")
    project_id: str = Field(foreign_key="project.id", index=True)
    month: str = Field(max_length=7)
    post: str
    ref: str
    days_due: int
    days_present: int
    performance: str
    substituted: bool
    recorded_on: date
