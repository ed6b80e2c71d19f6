"""Tables of delivery (S12): who serves, under which case plan, what was done, who was referred, whose a recipient is.

Written by ``commands.delivery`` and ``commands.succession``; read by monitoring, acceptance and payment. Service
records are append-only: a correction is a new revision beside the old row. What a record says about a person's home
and condition is sealed.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel


class DeliveryStaff(SQLModel, table=True):
    """One member of the contractor's staff on a contract: a work number, a sealed certificate number (HS-49).

    ``certificate_until`` is the last day the certificate is good for, ``None`` where it says none. ``employer_id`` is
    the subcontractor who sends them, ``None`` for the contractor's own people.
    """

    __tablename__ = "delivery_staff"
    __table_args__ = (UniqueConstraint("contract_id", "ref"),)

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id")
    ref: str
    certificate_sealed: str = Field(sa_type=Text)
    qualified: bool
    assigned_on: date
    certificate_until: date | None = None
    employer_id: str | None = Field(default=None, foreign_key="organisation.id")


class CasePlan(SQLModel, table=True):
    """The individual case plan of one selected person under one contract (HS-07): hardships and the services asked."""

    __tablename__ = "delivery_case_plan"
    __table_args__ = (UniqueConstraint("contract_id", "person_id"),)

    id: str = Field(primary_key=True)
    contract_id: str = Field(foreign_key="contract.id")
    project_id: str = Field(foreign_key="project.id", index=True)
    person_id: str = Field(foreign_key="person.id")
    stratum: str
    hardships: dict[str, str] = Field(sa_type=JSON)
    services: list[str] = Field(sa_type=JSON)
    planned_on: date


class PlanItem(SQLModel, table=True):
    """One service one person is to get under a contract (ZY-25): what every record is held against, never edited.

    ``minutes_month`` is what the contract promises a calendar month, ``None`` where it promises no time. ``basis`` is
    what it rests on (a case plan, a clause). The newest row of a person and item counts.
    """

    __tablename__ = "delivery_plan_item"
    __table_args__ = (UniqueConstraint("contract_id", "person_id", "item", "version"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    contract_id: str = Field(foreign_key="contract.id")
    person_id: str = Field(foreign_key="person.id")
    item: str
    version: int
    minutes_month: int | None = None
    from_on: date
    basis: str
    planned_on: date


class ServiceRecord(SQLModel, table=True):
    """One service to one person: day, start and end (``HH:MM``), what, by whom, where, with what result.

    ``revision`` 0 is the original; a later revision of the same person, day and start replaces it in every count (with
    no minutes it takes it out of all) and says why in ``correction``. ``signed_by`` says who confirmed it: the
    recipient, an agent, or that it was declined; empty when nobody was asked. ``batch_id`` is the event whose payload
    carries the digest of the batch, ``ordinal`` the row's place in it.
    """

    __tablename__ = "service_record"
    __table_args__ = (
        UniqueConstraint("contract_id", "person_id", "served_on", "starts_at", "revision"),
        Index("ix_service_record_project", "project_id", "person_id"),
        Index("ix_service_record_batch", "batch_id", "ordinal"),
        Index("ix_service_record_day", "served_on"),
    )

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    contract_id: str = Field(foreign_key="contract.id")
    person_id: str = Field(foreign_key="person.id")
    served_on: date
    starts_at: str = Field(max_length=5)
    ends_at: str = Field(max_length=5)
    minutes: int
    item: str
    staff_ref: str
    place_sealed: str = Field(sa_type=Text)
    result_sealed: str = Field(sa_type=Text)
    satisfied: bool | None = None
    revision: int = 0
    correction: str | None = None
    signed_by: str = ""
    recorded_on: date
    batch_id: str
    ordinal: int


class DeliveryReferral(SQLModel, table=True):
    """A difficulty found while serving and handed on to whom it concerns (HS-51), or the people themselves.

    ``person_ids`` are ledger ids, empty when only the number of ``persons`` was noted. With ``whole`` the unit takes
    over all that these people were to get from the project (ZY-28); a difficulty alone leaves them where they are.
    """

    __tablename__ = "delivery_referral"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    from_unit: str
    to_unit: str
    reason_sealed: str = Field(sa_type=Text)
    person_ids: list[str] = Field(sa_type=JSON)
    persons: int
    referred_on: date
    whole: bool = False


class RecipientOwner(SQLModel, table=True):
    """Who answers for one recipient of a project from a day on (ZY-28), never edited; the highest ordinal counts.

    Somebody without a row is owned by the contract that planned or served them. ``kind`` is ``team`` (of
    ``contract_id``), ``interim`` (``unit``, the street office, since ``contract_id`` ended), ``referred`` (``unit``, by
    ``referral_id``; the project's part is over) or ``gone`` (``unit`` is the cause: no recipient any more).
    """

    __tablename__ = "recipient_owner"
    __table_args__ = (UniqueConstraint("project_id", "person_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id")
    person_id: str = Field(foreign_key="person.id", index=True)
    ordinal: int
    kind: str
    unit: str
    contract_id: str | None = Field(default=None, foreign_key="contract.id")
    referral_id: str | None = Field(default=None, foreign_key="delivery_referral.id")
    since: date
