"""Sums of the ledger: what stands on an account, by channel, year, project, plan line or contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.core.money import Money
from models.rules.funding import Account
from models.rules.ledger import Held, Use
from models.tables.contract import Contract
from models.tables.funding import Payment, Posting, ProgressCheck
from models.tables.kernel import Project


def balance(
    session: Session,
    *,
    account: Account,
    channel: str | None = None,
    year: int | None = None,
    project: str | None = None,
    plan_line: str | None = None,
    contract: str | None = None,
    fund: str | None = None,
) -> Money:
    """Return the sum of the postings of an account, limited by what is given."""
    statement = select(func.coalesce(func.sum(Posting.amount_fen), 0)).where(col(Posting.account) == account)
    for column, value in (
        (Posting.channel, channel),
        (Posting.year, year),
        (Posting.project_id, project),
        (Posting.plan_line_id, plan_line),
        (Posting.contract_id, contract),
        (Posting.fund_id, fund),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    return Money(int(session.exec(statement).one()))


def held_by_fund(
    session: Session,
    *,
    account: Account,
    channel: str | None = None,
    year: int | None = None,
    plan_line: str | None = None,
    contract: str | None = None,
) -> tuple[Held, ...]:
    """Return what an account holds above zero by fund: the project's own budget first, then funds by id."""
    statement = (
        select(Posting.fund_id, func.sum(Posting.amount_fen))
        .where(col(Posting.account) == account)
        .group_by(col(Posting.fund_id))
        .having(func.sum(Posting.amount_fen) > 0)
    )
    for column, value in (
        (Posting.channel, channel),
        (Posting.year, year),
        (Posting.plan_line_id, plan_line),
        (Posting.contract_id, contract),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    rows = [(fund, Money(int(fen))) for fund, fen in session.exec(statement)]
    return tuple(sorted(rows, key=lambda row: (row[0] is not None, row[0] or "")))


def is_settled(session: Session, contract: str) -> bool:
    """Say whether the last payment of a contract was made."""
    rows = session.exec(select(Payment.id).where(col(Payment.contract_id) == contract, col(Payment.final))).all()
    return bool(rows)


def worth_of(session: Session, contract: Contract) -> Money:
    """Return what the verified progress of a contract is worth by its price; nothing where none was verified."""
    percent = session.exec(
        select(ProgressCheck.percent)
        .where(col(ProgressCheck.contract_id) == contract.id)
        .order_by(col(ProgressCheck.ordinal).desc())
    ).first()
    return Money(contract.price_fen).share(Decimal(percent or 0) / 100)


def unpaid_work(session: Session, contract: Contract) -> Money:
    """Return what was verified under a contract and is not paid; nothing once its last payment was made."""
    if is_settled(session, contract.id):
        return Money.ZERO
    return max(worth_of(session, contract) - paid(session, contract=contract.id), Money.ZERO)


def paid(
    session: Session, *, plan_line: str | None = None, contract: str | None = None, project: str | None = None
) -> Money:
    """Return what was ever paid under a plan line, a contract, a project: what was got back does not free it again."""
    return Money.total(
        balance(session, account=account, plan_line=plan_line, contract=contract, project=project)
        for account in (Account.PAID, Account.RECOVERED)
    )


@dataclass(frozen=True)
class Left:
    """What nobody has reserved at the end of a year: of a project's budget, or of a fund."""

    channel: str
    project: str | None
    fund: str | None
    amount: Money


def years_with_money(session: Session) -> tuple[int, int]:
    """Return the first and the last budget year with a posting; an empty span where there is none."""
    first, last = session.exec(select(func.min(Posting.year), func.max(Posting.year))).one()
    return (1, 0) if first is None else (first, last)


def balances_left(session: Session, *, year: int) -> tuple[Left, ...]:
    """Return every unreserved balance of a year above zero, by channel, project and fund."""
    total = func.sum(Posting.amount_fen)
    own = (
        select(Posting.channel, Posting.project_id, total)
        .where(col(Posting.year) == year, col(Posting.account) == Account.REMAINING)
        .group_by(col(Posting.channel), col(Posting.project_id))
        .having(total > 0)
        .order_by(col(Posting.channel), col(Posting.project_id))
    )
    funds = (
        select(Posting.channel, Posting.fund_id, total)
        .where(col(Posting.year) == year, col(Posting.account) == Account.ALLOTTED)
        .group_by(col(Posting.channel), col(Posting.fund_id))
        .having(total > 0)
        .order_by(col(Posting.channel), col(Posting.fund_id))
    )
    left = [Left(channel, project, None, Money(int(fen))) for channel, project, fen in session.exec(own)]
    return (*left, *(Left(channel, None, fund, Money(int(fen))) for channel, fund, fen in session.exec(funds)))


@dataclass(frozen=True)
class Placed:
    """Where money of a fund stands: account, year, and the project, line and contract it is tied to."""

    account: Account
    year: int
    project: str | None
    line: str | None
    contract: str | None
    amount: Money


def placed_of(session: Session, *, fund: str) -> tuple[Placed, ...]:
    """Return where the money of a fund stands now, nothing that is not above zero; what it came from is left out.

    What no line holds is of no project; what is reserved or planned is of its line, whichever contract it passed.
    """
    rows = session.exec(select(Posting).where(col(Posting.fund_id) == fund)).all()
    sums: dict[tuple[str, int, str | None, str | None, str | None], int] = {}
    for row in rows:
        key = _place(row)
        sums[key] = sums.get(key, 0) + row.amount_fen
    return tuple(
        Placed(Account(account), year, project, line, contract, Money(fen))
        for (account, year, project, line, contract), fen in sorted(sums.items(), key=lambda item: str(item[0]))
        if fen > 0
    )


def _place(row: Posting) -> tuple[str, int, str | None, str | None, str | None]:
    if row.account in (Account.RESERVED, Account.PLANNED):
        return row.account, row.year, row.project_id, row.plan_line_id, None
    if row.account in (Account.COMMITTED, Account.PAID, Account.RECOVERED):
        return row.account, row.year, row.project_id, row.plan_line_id, row.contract_id
    return row.account, row.year, None, None, None


@dataclass(frozen=True)
class Granted:
    """What a plan line holds or spent of allotments and donations, and since when."""

    line: str
    channel: str
    since: date
    amount: Money


def granted(session: Session, *, project: str, channel: str | None = None) -> tuple[Granted, ...]:
    """Return the money of funds that a project's plan lines hold or spent, line by line: granted as a budget is."""
    total = func.sum(Posting.amount_fen)
    places = (Account.RESERVED, Account.PLANNED, Account.COMMITTED, Account.PAID, Account.RECOVERED)
    statement = (
        select(Posting.plan_line_id, Posting.channel, func.min(Posting.occurred_on), total)
        .where(col(Posting.project_id) == project, col(Posting.fund_id).is_not(None), col(Posting.account).in_(places))
        .group_by(col(Posting.plan_line_id), col(Posting.channel))
        .having(total > 0)
        .order_by(col(Posting.plan_line_id))
    )
    if channel is not None:
        statement = statement.where(col(Posting.channel) == channel)
    rows = session.exec(statement).all()
    return tuple(Granted(line or "", source, since, Money(int(fen))) for line, source, since, fen in rows)


def use_of(project: Project) -> Use:
    """Return what a project would use money for, as its entry in the library says."""
    units = {project.details.get("submitter"), project.details.get("unit")}
    return Use(
        project=project.id,
        services=frozenset(project.details.get("services", ())),
        units=frozenset(unit for unit in units if unit),
    )
