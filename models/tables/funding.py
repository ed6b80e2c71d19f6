"""Tables of funding (S09): budgets, funds, plan lines, payments, and the double-entry postings of every channel.

Channels are never pooled (ZY-10): every posting names one channel; the amounts of an entry sum to zero per channel.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel


class BudgetLine(SQLModel, table=True):
    """An approved budget line of a project (HS-21): year, channel, amount in fen, number and date of the reply."""

    __tablename__ = "budget_line"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    year: int
    channel: str
    amount_fen: int = Field(sa_type=BigInteger)
    reply_no: str | None = None
    replied_on: date
    note: str = ""
    document_id: str | None = None


class BudgetReview(SQLModel, table=True):
    """What finance found of the content and the standard of a request for money (HS-22); the highest ordinal counts."""

    __tablename__ = "budget_review"
    __table_args__ = (UniqueConstraint("project_id", "ordinal"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    ordinal: int
    content: bool
    standard: bool
    opinion: str
    reviewed_on: date


class Fund(SQLModel, table=True):
    """Money of a channel that no project has yet: an allotment from above, or a donation kept by a charity.

    ``kind`` is ``allotment`` or ``donation``. ``purpose`` is what it is for in words, ``earmark`` the same as codes a
    machine checks (``projects``, ``services``, ``units`` → list; absent: any). ``supplements_id`` names the allotment
    a supplementary one adds to. ``keeper_id`` is the charity that keeps a donation (it never enters an account of the
    bureau), ``public_fundraising`` whether that one may raise money from the public, ``consent_id`` the donor's paper.
    The donor is sealed where it is a person, else an organisation.
    """

    __tablename__ = "fund"

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    region: str
    channel: str
    year: int
    amount_fen: int = Field(sa_type=BigInteger)
    doc_no: str | None = None
    purpose: str
    earmark: dict[str, list[str]] = Field(default_factory=dict, sa_type=JSON)
    supplements_id: str | None = Field(default=None, foreign_key="fund.id")
    keeper_id: str | None = Field(default=None, foreign_key="organisation.id")
    public_fundraising: bool = False
    donor_id: str | None = Field(default=None, foreign_key="organisation.id")
    donor_sealed: str | None = None
    donor_account: str | None = None
    consent_id: str | None = None
    registered_on: date
    withdrawn_on: date | None = None
    withdraw_reason: str = ""
    synthetic: bool


class MoneyBack(SQLModel, table=True):
    """Money that went back: ``returned`` unspent to its source, or ``recovered`` from a contractor, and why."""

    __tablename__ = "money_back"

    id: str = Field(primary_key=True)
    kind: str
    year: int
    channel: str
    amount_fen: int = Field(sa_type=BigInteger)
    project_id: str | None = Field(default=None, foreign_key="project.id", index=True)
    fund_id: str | None = Field(default=None, foreign_key="fund.id")
    plan_line_id: str | None = Field(default=None, foreign_key="plan_line.id")
    contract_id: str | None = Field(default=None, foreign_key="contract.id", index=True)
    reason: str
    back_on: date


class PlanLine(SQLModel, table=True):
    """One project in one quarterly batch of one channel: permission to pay, once signed by all and issued.

    It rests on the approval ``approval_id``. A cancelled line (``cancelled_on``) was never issued: it is closed and its
    place in the batch is free. ``uncovered_fen`` is what a donor took back from under the line, not replaced yet.
    """

    __tablename__ = "plan_line"
    __table_args__ = (
        Index(
            "uq_plan_line_place",
            "project_id",
            "quarter",
            "batch",
            "channel",
            unique=True,
            sqlite_where=text("cancelled_on IS NULL"),
            postgresql_where=text("cancelled_on IS NULL"),
        ),
    )

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    state: str = Field(index=True)
    version: int
    policy_digest: str
    quarter: str
    batch: int
    channel: str
    amount_fen: int = Field(sa_type=BigInteger)
    uncovered_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, default=0))
    content: str
    period_start: date | None = None
    period_end: date | None = None
    target: str
    signatures: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    approval_id: str | None = Field(default=None, foreign_key="approval.id")
    cancelled_on: date | None = None
    cancel_reason: str = ""


class Posting(SQLModel, table=True):
    """One leg of a double entry: ``amount_fen`` is positive into the account, negative out of it.

    Written by ``commands.ledger`` only. ``entry_id`` is the id of the event the entry belongs to. ``fund_id`` says
    whose money it is; a posting without a project is money of a fund that no project has.
    """

    __tablename__ = "posting"
    __table_args__ = (
        UniqueConstraint("entry_id", "leg"),
        Index("ix_posting_balance", "channel", "year", "account"),
    )

    id: str = Field(primary_key=True)
    entry_id: str
    leg: int
    account: str
    channel: str
    year: int
    project_id: str | None = Field(default=None, foreign_key="project.id", index=True)
    plan_line_id: str | None = Field(default=None, foreign_key="plan_line.id", index=True)
    contract_id: str | None = Field(default=None, foreign_key="contract.id", index=True)
    fund_id: str | None = Field(default=None, foreign_key="fund.id", index=True)
    amount_fen: int = Field(sa_type=BigInteger)
    occurred_on: date


class Payment(SQLModel, table=True):
    """A payment made under a plan line and a contract, with the progress it rests on (D15).

    ``verified_percent`` is a decimal as text, 0…100. ``final`` when it was the last payment of its contract.
    ``categories`` is category of the approved budget → fen, empty where it was not broken down.
    """

    __tablename__ = "payment"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    plan_line_id: str = Field(foreign_key="plan_line.id", index=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    amount_fen: int = Field(sa_type=BigInteger)
    verified_percent: str
    final: bool
    basis: str
    paid_on: date
    categories: dict[str, int] = Field(default_factory=dict, sa_type=JSON)


class ProjectAccount(SQLModel, table=True):
    """The dedicated account or ledger a contractor keeps for a contract (ZY-92). Its number is sealed."""

    __tablename__ = "project_account"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    bank: str
    number_sealed: str
    number_hash: str = Field(index=True)
    registered_on: date


class ProgressCheck(SQLModel, table=True):
    """What progress of a contract somebody verified: a decimal as text, 0…100. The highest ``ordinal`` counts."""

    __tablename__ = "progress_check"
    __table_args__ = (UniqueConstraint("contract_id", "ordinal"),)

    id: str = Field(primary_key=True)
    ordinal: int
    project_id: str = Field(foreign_key="project.id", index=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    percent: str
    basis: str
    document_id: str | None = None
    verified_on: date
    verified_by: str
