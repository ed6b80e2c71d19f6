"""Tables of the expert review (S05): roster of experts, rounds, seats of the panel, score sheets.

Written by ``commands.review`` and ``commands.roster``. Names are sealed; nothing here is ever deleted: a seat that is
left and a sheet that no longer counts stay, with the day on which that happened.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.tables.kernel import SHA256_LENGTH


class Expert(SQLModel, table=True):
    """One person on a region's roster. ``account`` is the account that may act for the expert beside the id.

    ``ties`` is a list of {organisation, kind, ended_on}, ``past_roles`` of {organisation, ended_on}, ``kin`` of
    {relation, organisation, person_hash}; organisations are named in clear, kin never are.
    """

    __tablename__ = "expert"
    __table_args__ = (UniqueConstraint("region", "name_hash", "employer"), UniqueConstraint("account"))

    id: str = Field(primary_key=True)
    region: str = Field(index=True)
    category: str
    employer: str
    skills: list[str] = Field(sa_type=JSON)
    ties: list[dict[str, Any]] = Field(sa_type=JSON)
    past_roles: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    kin: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    version: int = 1
    name_sealed: str = Field(sa_type=Text)
    name_hash: str = Field(max_length=SHA256_LENGTH)
    account: str | None = None
    registered_on: date
    synthetic: bool


class ExpertVersion(SQLModel, table=True):
    """One state of a roster entry (append-only): everything the draw looks at, without the name."""

    __tablename__ = "expert_version"
    __table_args__ = (UniqueConstraint("expert_id", "number"),)

    id: str = Field(primary_key=True)
    expert_id: str = Field(foreign_key="expert.id")
    number: int
    entry: dict[str, Any] = Field(sa_type=JSON)
    digest: str = Field(max_length=SHA256_LENGTH)
    recorded_on: date


class ReviewRound(SQLModel, table=True):
    """One review of one project, with its draw. Open until ``closed_on`` is set; ``mean`` is the result as printed.

    ``roster`` holds the ids drawn from, ``alternates`` those not chosen in the order drawn, ``conflicts`` what the draw
    left out for. Rounds of one ``batch`` are compared with each other. ``sealed`` hides the panel's members from each
    other until the close. ``signature_sha256`` finds the detached signature (CMS) of the opinion in the document store;
    it depends on the installation's key, so it stands in no event.
    """

    __tablename__ = "review_round"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    ordinal: int
    opened_on: date
    closes_on: date
    provisional: bool
    batch: str | None = Field(default=None, index=True)
    sealed: bool = False
    seed: str
    seed_commitment: str = Field(default="", max_length=SHA256_LENGTH)
    roster_digest: str = Field(max_length=SHA256_LENGTH)
    roster: list[str] = Field(sa_type=JSON)
    alternates: list[str] = Field(sa_type=JSON)
    conflicts: list[str] = Field(sa_type=JSON)
    policy_digest: str
    sheet_form: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    protocol_document_id: str
    closed_on: date | None = Field(default=None, index=True)
    mean: str | None = None
    passed: bool | None = None
    opinion: str | None = None
    dissent: str | None = None
    opinion_document_id: str | None = None
    signature_sha256: str | None = Field(default=None, max_length=SHA256_LENGTH)


class ReviewSeat(SQLModel, table=True):
    """One expert's seat in a round; left on ``recused_on``, then taken over by ``successor_id`` (a seat).

    ``draw_id`` and ``protocol_document_id`` are those of the draw that found a substitute among late-comers; members
    and alternates were drawn with the round.
    """

    __tablename__ = "review_seat"
    __table_args__ = (UniqueConstraint("round_id", "expert_id"), UniqueConstraint("round_id", "ordinal"))

    id: str = Field(primary_key=True)
    round_id: str = Field(foreign_key="review_round.id")
    expert_id: str = Field(foreign_key="expert.id", index=True)
    ordinal: int
    category: str
    due_on: date
    provisional: bool
    recused_on: date | None = None
    reason_sealed: str | None = Field(default=None, sa_type=Text)
    successor_id: str | None = None
    draw_id: str | None = Field(default=None, unique=True)
    protocol_document_id: str | None = None


class ReviewSheet(SQLModel, table=True):
    """One expert's sheet: dimension → score (decimal text) and reason; ``voided_on`` when the expert left the seat.

    ``digest`` covers ``salt`` too: it stands in an event before the close, and short scores could be guessed from it.
    """

    __tablename__ = "review_sheet"
    __table_args__ = (UniqueConstraint("round_id", "expert_id"),)

    id: str = Field(primary_key=True)
    round_id: str = Field(foreign_key="review_round.id")
    expert_id: str = Field(foreign_key="expert.id")
    scores: dict[str, str] = Field(sa_type=JSON)
    reasons: dict[str, str] = Field(sa_type=JSON)
    salt: str = ""
    digest: str = Field(max_length=SHA256_LENGTH)
    submitted_on: date
    voided_on: date | None = None


class ReviewSignature(SQLModel, table=True):
    """What a member of the panel did with the final opinion (append-only): signed its digest, or refused to.

    ``said`` is the dissent beside a signature, or the reason of a refusal. A refusal may be followed by a signature.
    ``signature_sha256`` finds the detached signature (CMS) of the filed statement in the document store.
    """

    __tablename__ = "review_signature"
    __table_args__ = (UniqueConstraint("seat_id", "signed"),)

    id: str = Field(primary_key=True)
    round_id: str = Field(foreign_key="review_round.id", index=True)
    seat_id: str = Field(foreign_key="review_seat.id")
    expert_id: str = Field(foreign_key="expert.id")
    opinion_sha256: str = Field(max_length=SHA256_LENGTH)
    signed: bool
    said: str = Field(default="", sa_type=Text)
    document_id: str
    signature_sha256: str = Field(max_length=SHA256_LENGTH)
    acted_on: date
