"""Sums of the ledger: what stands on an account, by channel, year, project, plan line or contract."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.core.money import Money
from models.rules.funding import Account
from models.tables.funding import Payment, Posting


def balance(
    session: Session,
    *,
    account: Account,
    channel: str | None = None,
    year: int | None = None,
    project: str | None = None,
    plan_line: str | None = None,
    contract: str | None = None,
) -> Money:
    """Return the sum of the postings of an account, limited by what is given."""
    statement = select(func.coalesce(func.sum(Posting.amount_fen), 0)).where(col(Posting.account) == account)
    for column, value in (
        (Posting.channel, channel),
        (Posting.year, year),
        (Posting.project_id, project),
        (Posting.plan_line_id, plan_line),
        (Posting.contract_id, contract),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    return Money(int(session.exec(statement).one()))


def is_settled(session: Session, contract: str) -> bool:
    """Say whether the last payment of a contract was made."""
    rows = session.exec(select(Payment.id).where(col(Payment.contract_id) == contract, col(Payment.final))).all()
    return bool(rows)


def paid(session: Session, *, plan_line: str | None = None, contract: str | None = None) -> Money:
    """Return what was paid under a plan line or a contract."""
    return balance(session, account=Account.PAID, plan_line=plan_line, contract=contract)
