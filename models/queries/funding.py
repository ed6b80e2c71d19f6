"""Reads of funding (S09): balances by channel and account, allotments and donations, and the lines of a batch."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.errors import Refusal
from models.core.identifiers import Audience, mask_name
from models.core.money import Money
from models.core.periods import Quarter
from models.core.registry import query
from models.queries.ledger import paid, placed_of
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, found
from models.rules.funding import DONATION, Account, SetAside
from models.tables.book import BookRow
from models.tables.funding import Fund, PlanLine, Posting
from models.tables.procurement import Organisation


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


class FundShown(BaseModel):
    """One allotment or donation: what it is for, where its money stands. A donor who is a person is masked."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    channel: str
    year: int
    amount: Money
    purpose: str
    earmark: dict[str, tuple[str, ...]]
    supplements: str | None
    keeper: str | None
    donor: str | None
    accounts: dict[str, Money]
    withdrawn_on: date | None


@query("funding.funds", roles=EVERYONE_INSIDE, clause="ZY-10")
def funds(reader: Reader, *, year: Annotated[int, Field(ge=2000, le=2999)]) -> tuple[FundShown, ...]:
    """Return the allotments and donations with money in a year, also carried over into it, each with its own accounts:
    the sub-ledgers of the channels."""
    in_year = select(Posting.fund_id).where(col(Posting.year) == year, col(Posting.fund_id).is_not(None))
    rows = reader.session.exec(select(Fund).where(col(Fund.id).in_(in_year)).order_by(col(Fund.channel), col(Fund.id)))
    return tuple(_shown(reader, row) for row in rows.all())


@query("funding.donation", roles=(*EVERYONE_INSIDE, Role.DONOR), clause="LAW-GYSYJZ-21")
def donation(reader: Reader, *, donation: str) -> FundShown:
    """Return what became of a donation; a donor sees its own.

    Raises ``Refusal`` ``funding.not_the_donor``, ``kernel.not_found``.
    """
    row = reader.session.get(Fund, donation)
    row = found(row if row and row.kind == DONATION else None, kind="fund", id=donation)
    if reader.actor.role is Role.DONOR and row.donor_account != reader.actor.id:
        raise Refusal("funding.not_the_donor", rule="SYS-ROLE")
    return _shown(reader, row)


def _shown(reader: Reader, row: Fund) -> FundShown:
    names = {
        one.id: one.name
        for one in reader.session.exec(
            select(Organisation).where(col(Organisation.id).in_([row.keeper_id or "", row.donor_id or ""]))
        )
    }
    person = mask_name(reader.vault.open(row.donor_sealed), audience=Audience.PUBLIC) if row.donor_sealed else None
    accounts: dict[str, Money] = {}
    for one in placed_of(reader.session, fund=row.id):
        accounts[one.account] = accounts.get(one.account, Money.ZERO) + one.amount
    return FundShown(
        id=row.id,
        kind=row.kind,
        channel=row.channel,
        year=row.year,
        amount=Money(row.amount_fen),
        purpose=row.purpose,
        earmark={name: tuple(codes) for name, codes in row.earmark.items()},
        supplements=row.supplements_id,
        keeper=names.get(row.keeper_id or ""),
        donor=person or names.get(row.donor_id or ""),
        accounts=accounts,
        withdrawn_on=row.withdrawn_on,
    )


def set_aside(session: Session, *, channel: str, year: int) -> SetAside | None:
    """Return what a channel keeps for basic and special aid in a year, as the newest row of that book says (FZ-49)."""
    rows = session.exec(
        select(BookRow)
        .where(col(BookRow.book) == "set_aside", col(BookRow.until_on).is_(None))
        .order_by(col(BookRow.id))
    ).all()
    fields = [row.fields for row in rows if (row.fields["channel"], row.fields["year"]) == (channel, year)]
    if not fields:
        return None
    kept = Money.total(Money(one["basic_living"] + one["special"]) for one in fields)
    return SetAside(total=Money.total(Money(one["total"]) for one in fields), kept=kept)


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
        .where(
            col(PlanLine.quarter) == str(quarter),
            col(PlanLine.batch) == batch,
            col(PlanLine.cancelled_on).is_(None),
        )
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
