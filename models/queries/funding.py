"""Reads of funding (S09): balances by channel and account, and the lines of a batch."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import col, select

from models.core.money import Money
from models.core.periods import Quarter
from models.core.registry import query
from models.queries.ledger import paid
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader
from models.rules.funding import Account
from models.tables.funding import PlanLine, Posting


class ChannelBalance(BaseModel):
    """The accounts of one channel; ``sum`` is zero when the ledger holds."""

    model_config = ConfigDict(frozen=True)

    channel: str
    accounts: dict[str, Money]
    sum: Money


class Balances(BaseModel):
    """All channels of a year; ``balanced`` when every channel sums to zero."""

    model_config = ConfigDict(frozen=True)

    year: int
    channels: tuple[ChannelBalance, ...]
    balanced: bool


class PlanRow(BaseModel):
    """One plan line of a batch."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    channel: str
    state: str
    amount: Money
    paid: Money
    signed_by: tuple[str, ...]


class PlanBatch(BaseModel):
    """A batch of a quarter: its lines and their sum; ``issued`` when it went out."""

    model_config = ConfigDict(frozen=True)

    quarter: str
    batch: int
    lines: tuple[PlanRow, ...]
    total: Money
    issued: bool


@query("funding.balances", roles=EVERYONE_INSIDE, clause="ZY-10")
def balances(reader: Reader, *, year: Annotated[int, Field(ge=2000, le=2999)]) -> Balances:
    """Return what stands on each account of each channel in a year; channels are never added up."""
    rows = reader.session.exec(
        select(Posting.channel, Posting.account, func.sum(Posting.amount_fen))
        .where(col(Posting.year) == year)
        .group_by(col(Posting.channel), col(Posting.account))
        .order_by(col(Posting.channel))
    ).all()
    sums: dict[str, dict[str, Money]] = {}
    for channel, account, fen in rows:
        sums.setdefault(channel, {one.value: Money.ZERO for one in Account})[account] = Money(int(fen))
    channels = tuple(
        ChannelBalance(channel=channel, accounts=accounts, sum=Money.total(accounts.values()))
        for channel, accounts in sums.items()
    )
    return Balances(year=year, channels=channels, balanced=not any(channel.sum for channel in channels))


@query("funding.plan", roles=EVERYONE_INSIDE, clause="ZY-77")
def plan(reader: Reader, *, quarter: Quarter, batch: Annotated[int, Field(ge=1)]) -> PlanBatch:
    """Return the lines of a batch with their signatures and payments."""
    session = reader.session
    lines = session.exec(
        select(PlanLine)
        .where(col(PlanLine.quarter) == str(quarter), col(PlanLine.batch) == batch)
        .order_by(col(PlanLine.project_id), col(PlanLine.channel))
    ).all()
    return PlanBatch(
        quarter=str(quarter),
        batch=batch,
        lines=tuple(
            PlanRow(
                id=line.id,
                project=line.project_id,
                channel=line.channel,
                state=f"plan_line.{line.state}",
                amount=Money(line.amount_fen),
                paid=paid(session, plan_line=line.id),
                signed_by=tuple(entry["role"] for entry in line.signatures),
            )
            for line in lines
        ),
        total=Money.total(Money(line.amount_fen) for line in lines),
        issued=bool(lines) and all(line.state not in ("drafted", "signed") for line in lines),
    )
