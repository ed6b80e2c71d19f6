"""The tables everything hangs on: project, event chain, attempts, outbox, work items, alerts, documents.

Written only by ``models.commands`` (state only by ``models.commands.transition``); read by ``models.queries``.
Text ids are derived (``models.core.ids.derive_id``), money is integer fen, dates are Asia/Shanghai dates,
instants are ISO 8601 text with offset (so that hashes and comparisons do not depend on a database driver).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

SHA256_LENGTH = 64


class Project(SQLModel, table=True):
    """One project from library entry to archive. ``state`` belongs to ``commands.transition`` alone."""

    __tablename__ = "project"

    id: str = Field(primary_key=True)
    region: str = Field(index=True)
    name: str
    payer: str
    state: str = Field(index=True)
    version: int
    policy_digest: str
    entered_on: date
    synthetic: bool
    predecessor_id: str | None = Field(default=None, foreign_key="project.id")
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class StreamHead(SQLModel, table=True):
    """The last event of each stream; locked while the next one is appended."""

    __tablename__ = "stream_head"

    stream_kind: str = Field(primary_key=True)
    stream_id: str = Field(primary_key=True)
    seq: int
    hash: str = Field(max_length=SHA256_LENGTH)


class Event(SQLModel, table=True):
    """What happened, in past tense, hash-chained per stream; append-only by trigger on SQLite and PostgreSQL.

    ``payload`` holds ids, dates, amounts and digests only: an append-only log cannot forget a name.
    """

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("event_id"), Index("ix_event_type", "type"))

    stream_kind: str = Field(primary_key=True)
    stream_id: str = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    event_id: str
    type: str
    actor: str
    occurred_at: date
    recorded_at: str
    payload: dict[str, Any] = Field(sa_type=JSON)
    prev_hash: str = Field(max_length=SHA256_LENGTH)
    hash: str = Field(max_length=SHA256_LENGTH)


class Attempt(SQLModel, table=True):
    """A command that was refused, conflicted or found faulty data: kept with its input, encrypted (decision 10).

    ``project_id`` is the project the call named, itself or by a thing of it.
    """

    __tablename__ = "attempt"

    id: str = Field(primary_key=True)
    project_id: str | None = Field(default=None, index=True)
    command: str = Field(index=True)
    command_id: str
    actor: str
    as_of: date
    recorded_at: str
    family: str
    code: str
    rule: str | None = None
    input_digest: str
    input_sealed: str = Field(sa_type=Text)
    details: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)


class Receipt(SQLModel, table=True):
    """A command that must not be carried out twice, written with its work: ``outcome_sealed`` is what came of it, told
    again to whoever sends it again. ``request`` and ``submission`` are keyed digests (``Vault.lookup``): of the whole
    call, and, where a command may be given once a day, of its day and content."""

    __tablename__ = "command_receipt"

    command_id: str = Field(primary_key=True)
    command: str
    actor: str
    as_of: date
    recorded_at: str
    request: str = Field(max_length=SHA256_LENGTH)
    submission: str | None = Field(default=None, unique=True, max_length=SHA256_LENGTH)
    outcome_sealed: str | None = Field(default=None, sa_type=Text)


class Outbox(SQLModel, table=True):
    """A message that must leave: written with its event, sent by the relay, at least once, keyed by the event id."""

    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("event_id", "route"), Index("ix_outbox_due", "status", "next_attempt_at"))

    position: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    event_id: str
    route: str
    status: str
    attempts: int = 0
    occurred_on: date
    next_attempt_at: str
    lease_until: str | None = None
    last_error: str | None = None


class WorkItem(SQLModel, table=True):
    """Who must act, on what, by when, and under which clause: the one list behind alerts and work lists.

    ``note`` says what was found, where the subject alone does not; never personal data. ``moved_on`` is when the due
    date was set anew, where it ever was: before that day nobody could have told of it.
    """

    __tablename__ = "work_item"
    __table_args__ = (UniqueConstraint("kind", "subject_id"), Index("ix_work_item_due", "status", "due_on"))

    id: str = Field(primary_key=True)
    kind: str
    role: str = Field(index=True)
    subject_kind: str
    subject_id: str
    project_id: str | None = Field(default=None, index=True)
    opened_on: date
    due_on: date
    provisional: bool = False
    clause: str
    resolves_with: str
    status: str
    closed_on: date | None = None
    moved_on: date | None = None
    note: str | None = None


class Alert(SQLModel, table=True):
    """One alert per work item, level and due date (a date may be moved), whatever outage lay between; ``late`` when its
    day was missed."""

    __tablename__ = "alert"
    __table_args__ = (UniqueConstraint("work_item_id", "level", "due_on"),)

    id: str = Field(primary_key=True)
    work_item_id: str = Field(foreign_key="work_item.id")
    level: str
    due_on: date
    raised_on: date
    late: bool


class Document(SQLModel, table=True):
    """A stored document of a project or stream: address, and all it takes to render the same bytes again."""

    __tablename__ = "document"
    __table_args__ = (Index("ix_document_project", "project_id", "stage"),)

    id: str = Field(primary_key=True)
    project_id: str | None = Field(default=None)
    stage: str
    kind: str
    title: str
    doc_no: str | None = None
    issuer: str
    issued_on: date
    zone: str
    sha256: str = Field(max_length=SHA256_LENGTH)
    key: str
    size: int
    media_type: str
    template: str | None = None
    template_digest: str | None = None
    data_digest: str | None = None
    font_digest: str | None = None
    engine: str | None = None
    synthetic_fields: list[str] = Field(default_factory=list, sa_type=JSON)
    event_id: str


class Rehearsal(SQLModel, table=True):
    """The driven clock and seed of a rehearsal database; absent in a real one."""

    __tablename__ = "rehearsal"

    id: int = Field(primary_key=True)
    case: str
    seed: str
    today: date
