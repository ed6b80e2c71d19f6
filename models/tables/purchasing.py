"""Tables around a purchase (S10): lists, tender documents, public notices, agencies, checks, samples, disputes, bars.

Written by the purchasing commands only. What suppliers wrote is sealed; staff of agencies appear by number.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel


class PurchaseList(SQLModel, table=True):
    """One version of a list: the guiding catalogue, the annual purchase plan, or the unified tender template.

    ``items`` are rows of code, name, category, amount in fen (``None``: none) and text. A version is never changed.
    """

    __tablename__ = "purchase_list"
    __table_args__ = (UniqueConstraint("region", "kind", "year", "version"),)

    id: str = Field(primary_key=True)
    region: str
    kind: str
    year: int
    version: int
    published_on: date
    finance_reply: str | None = None
    items: list[dict[str, Any]] = Field(sa_type=JSON)
    policy_digest: str
    document_id: str


class Debarment(SQLModel, table=True):
    """One bar from a day until (not including) another, by whom, under which number; ``lifted_on`` ends it early."""

    __tablename__ = "debarment"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    from_on: date
    until_on: date
    authority: str
    number: str
    reason: str
    rule: str
    entered_on: date
    lifted_on: date | None = None
    lift_reason: str | None = None


class CreditRating(SQLModel, table=True):
    """One credit rating of a social organisation (AH-32): its level, on what it rests, what follows (AH-33)."""

    __tablename__ = "credit_rating"
    __table_args__ = (UniqueConstraint("organisation_id", "ordinal"),)

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisation.id", index=True)
    ordinal: int
    level: str
    basis: str
    measure: str
    rated_on: date


class TenderDocuments(SQLModel, table=True):
    """One version of the documents of a purchase.

    ``sections`` is code → text, ``deviations`` code → reason where a section departs from the unified template,
    ``qualifications`` code → what is asked and why, ``criteria`` code → weight and whether it is the price;
    ``consultation`` says how the public was heard on the requirements.
    """

    __tablename__ = "tender_documents"
    __table_args__ = (UniqueConstraint("procurement_id", "version"),)

    id: str = Field(primary_key=True)
    procurement_id: str = Field(foreign_key="procurement.id", index=True)
    version: int
    prepared_on: date
    template_id: str | None = None
    sections: dict[str, str] = Field(sa_type=JSON)
    deviations: dict[str, str] = Field(sa_type=JSON)
    qualifications: dict[str, dict[str, Any]] = Field(sa_type=JSON)
    criteria: dict[str, dict[str, Any]] = Field(sa_type=JSON)
    consultation: str | None = None
    document_id: str


class PurchaseNotice(SQLModel, table=True):
    """Something made public about a purchase: intent, requirements, single source; ``qualifications`` named in it."""

    __tablename__ = "purchase_notice"
    __table_args__ = (UniqueConstraint("procurement_id", "ordinal"),)

    id: str = Field(primary_key=True)
    procurement_id: str = Field(foreign_key="procurement.id", index=True)
    ordinal: int
    kind: str
    published_on: date
    closes_on: date | None = None
    sites: list[str] = Field(sa_type=JSON)
    qualifications: list[str] = Field(sa_type=JSON)
    organisation_id: str | None = None
    document_id: str


class AgencyEngagement(SQLModel, table=True):
    """One engagement of an agency for one purchase, with its record of conduct (ZY-82). Staff by number."""

    __tablename__ = "agency_engagement"
    __table_args__ = (UniqueConstraint("procurement_id", "organisation_id"),)

    id: str = Field(primary_key=True)
    procurement_id: str = Field(foreign_key="procurement.id", index=True)
    organisation_id: str = Field(foreign_key="organisation.id")
    staff: dict[str, str] = Field(sa_type=JSON)
    engaged_on: date
    closed_on: date | None = None
    assessment: str | None = None


class AgencyConduct(SQLModel, table=True):
    """One entry of an agency's record: what a member of its staff did at a checkpoint, and whether that was proper."""

    __tablename__ = "agency_conduct"
    __table_args__ = (UniqueConstraint("engagement_id", "ordinal"),)

    id: str = Field(primary_key=True)
    engagement_id: str = Field(foreign_key="agency_engagement.id", index=True)
    ordinal: int
    staff_ref: str
    checkpoint: str
    conduct: str
    proper: bool
    noted_on: date


class PurchaseCheck(SQLModel, table=True):
    """One check of a purchase: by aspects before the notice, or of a party's conduct at a checkpoint.

    A check that was not passed carries an order to mend what is wrong, due on ``rectify_by`` until ``rectified_on``.
    ``method`` is the method the purchase had on that day.
    """

    __tablename__ = "purchase_check"
    __table_args__ = (UniqueConstraint("procurement_id", "ordinal"),)

    id: str = Field(primary_key=True)
    procurement_id: str = Field(foreign_key="procurement.id", index=True)
    ordinal: int
    kind: str
    checkpoint: str
    party: str
    findings: dict[str, dict[str, Any]] = Field(sa_type=JSON)
    passed: bool
    checked_on: date
    checker: str
    rule: str
    sample_id: str | None = None
    rectify_by: date | None = None
    rectified_on: date | None = None
    rectification: str | None = None
    method: str = ""


class TenderSample(SQLModel, table=True):
    """One draw of newly noticed purchases whose documents are checked (ZY-83); anybody may draw again from it."""

    __tablename__ = "tender_sample"
    __table_args__ = (UniqueConstraint("region", "since", "until"),)

    id: str = Field(primary_key=True)
    region: str
    since: date
    until: date
    rate: str
    roster_digest: str
    seed: str
    seed_commitment: str
    roster: list[str] = Field(sa_type=JSON)
    drawn: list[str] = Field(sa_type=JSON)
    drawn_on: date
    document_id: str


class Dispute(SQLModel, table=True):
    """A query, challenge or complaint of a supplier, with the day by which it must be answered; words sealed.

    ``affects_award``: it may change the result, so that no contract is signed before the answer.
    """

    __tablename__ = "purchase_dispute"

    id: str = Field(primary_key=True)
    procurement_id: str = Field(foreign_key="procurement.id", index=True)
    kind: str
    organisation_id: str = Field(foreign_key="organisation.id")
    earlier_id: str | None = None
    raised_on: date
    due_on: date
    matter_sealed: str
    answered_on: date | None = None
    upheld: bool | None = None
    answer_sealed: str | None = None
    suspended_until: date | None = None
    affects_award: bool = False
