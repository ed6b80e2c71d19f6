"""Tables of procurement (S10): the purchase, its rounds of bids, its path of methods, the organisations.

Written by the procurement commands only. Money in fen. Names of organisations stand here, never in events.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel


class Procurement(SQLModel, table=True):
    """One purchase for a project: purchaser, method with reason, notice, bidding, award. Money in fen.

    ``round`` grows with every notice and every approved change of method; bids, closing, draw and negotiation belong to
    the present round. ``draw`` holds the outcome of the last expert draw and the digest of its stored protocol.
    ``budget_item`` and ``category`` are what purchases are added up by (splitting); ``exemption`` is an approval of
    another method than open tender given beforehand; ``failed_with`` how many answered the tender that failed;
    ``designed_by`` names those who designed it or wrote its norms: they may not bid.
    """

    __tablename__ = "procurement"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    state: str = Field(index=True)
    version: int
    policy_digest: str
    purchaser: str
    purchaser_kind: str
    guided_by: str | None = None
    budget_fen: int = Field(sa_type=BigInteger)
    contractor_types: list[str] = Field(default_factory=list, sa_type=JSON)
    method: str | None = None
    method_reason: str | None = None
    round: int = 0
    notice_sites: list[str] = Field(default_factory=list, sa_type=JSON)
    noticed_on: date | None = None
    bids_close_on: date | None = None
    bidding_closed_on: date | None = None
    negotiated_on: date | None = None
    winner_organisation_id: str | None = None
    award_fen: int | None = Field(default=None, sa_type=BigInteger)
    awarded_on: date | None = None
    award_reason: str | None = None
    award_published_on: date | None = None
    void_reason: str | None = None
    draw: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    category: str = ""
    object: str = "service"
    level: str = ""
    budget_year: int | None = None
    budget_item: str = ""
    catalogue_item: str | None = None
    plan_item: str | None = None
    in_catalogue: bool = False
    new_spend: bool = True
    exemption: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    designed_by: list[str] = Field(default_factory=list, sa_type=JSON)
    failed_with: int | None = None
    documents_until: date | None = None
    evaluated_on: date | None = None
    reported_on: date | None = None


class MethodStep(SQLModel, table=True):
    """One step of the method path: which method, from when, why, approved by whom (``None`` = not stated; D13, A10)."""

    __tablename__ = "procurement_method_step"
    __table_args__ = (UniqueConstraint("procurement_id", "ordinal"),)

    id: str = Field(primary_key=True)
    procurement_id: str = Field(foreign_key="procurement.id", index=True)
    ordinal: int
    method: str
    chosen_on: date
    reason: str
    approver: str | None = None
    after_failure: bool
    rule: str


class Bid(SQLModel, table=True):
    """One supplier in one round; ``substantive`` when its response met the documents.

    ``offer_fen`` and ``responsive`` are its last offer in a negotiation, unset before. ``proofs`` is condition → proof,
    ``quality_met`` and ``score`` (decimal text) what the evaluation found. ``set_aside``: why its award fell.
    """

    __tablename__ = "bid"
    __table_args__ = (UniqueConstraint("procurement_id", "round", "organisation_id"),)

    id: str = Field(primary_key=True)
    procurement_id: str = Field(foreign_key="procurement.id", index=True)
    round: int
    organisation_id: str
    price_fen: int | None = Field(default=None, sa_type=BigInteger)
    substantive: bool
    void_reason: str | None = None
    registered_on: date
    offer_fen: int | None = Field(default=None, sa_type=BigInteger)
    responsive: bool | None = None
    proofs: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    bond_fen: int | None = Field(default=None, sa_type=BigInteger)
    bond_returned_on: date | None = None
    quality_met: bool | None = None
    price_explained: bool | None = None
    score: str | None = None
    set_aside: str | None = None


class Organisation(SQLModel, table=True):
    """A bidder, contractor, evaluator or agency: name, social-credit code, kind. Bars are in ``debarment``."""

    __tablename__ = "organisation"

    id: str = Field(primary_key=True)
    name: str
    uscc: str | None = Field(default=None, index=True)
    kind: str
    synthetic: bool = False
