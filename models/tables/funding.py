"""Tables of funding (S09): budgets, plan lines, signatures, and the double-entry postings of every channel.

Channels are never pooled (ZY-10): every posting names one channel; the amounts of an entry sum to zero per channel.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class BudgetLine(SQLModel, table=True):
    """An approved budget line of a project (HS-21): year, channel, amount in fen, number and date of the reply."""

    __tablename__ = "budget_line"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    year: int
    channel: str
    amount_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    reply_no: str | None = None
    replied_on: date
    note: str = ""
    document_id: str | None = None


class PlanLine(SQLModel, table=True):
    """One project in one quarterly batch of one channel: permission to pay, once signed by all and issued."""

    __tablename__ = "plan_line"
    __table_args__ = (UniqueConstraint("project_id", "quarter", "batch", "channel"),)

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    state: str = Field(index=True)
    version: int
    policy_digest: str
    quarter: str
    batch: int
    channel: str
    amount_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    content: str
    period_start: date | None = None
    period_end: date | None = None
    target: str
    signatures: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class Posting(SQLModel, table=True):
    """One leg of a double entry: ``amount_fen`` is positive into the account, negative out of it.

    Written by ``commands.ledger`` only. ``entry_id`` is the id of the event the entry belongs to.
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
    project_id: str = Field(foreign_key="project.id", index=True)
    plan_line_id: str | None = Field(default=None, foreign_key="plan_line.id", index=True)
    contract_id: str | None = Field(default=None, foreign_key="contract.id", index=True)
    amount_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    occurred_on: date


class Payment(SQLModel, table=True):
    """A payment made under a plan line and a contract, with the progress it rests on (D15).

    ``verified_percent`` is a decimal as text, 0…100. ``final`` when it was the last payment of its contract.
    """

    __tablename__ = "payment"

    id: str = Field(primary_key=True)
    project_id: str = Field(foreign_key="project.id", index=True)
    plan_line_id: str = Field(foreign_key="plan_line.id", index=True)
    contract_id: str = Field(foreign_key="contract.id", index=True)
    amount_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    verified_percent: str
    final: bool
    basis: str
    paid_on: date
