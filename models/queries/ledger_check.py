"""The check of the whole ledger: all postings against each other, and against plan lines, contracts, payments, funds.

Read by ``lifecycle audit verify`` and by every test that moves money. Finds and names, never mends.
"""

from __future__ import annotations

from collections import defaultdict

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import query
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader
from models.rules.funding import Account
from models.rules.ledger import Broken, LineTold, Sum, Told, broken
from models.tables.contract import Contract
from models.tables.funding import BudgetLine, Fund, MoneyBack, Payment, PlanLine, Posting


class Fault(BaseModel):
    """One sum that does not hold: what it is about, in words, and by how much."""

    model_config = ConfigDict(frozen=True)

    code: str
    subject: str
    amount: Money
    problem: str


class LedgerCheck(BaseModel):
    """The outcome: how many entries were looked at and what does not hold; ``ok`` when nothing was found."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    entries: int
    faults: tuple[Fault, ...]


@query("funding.verify_ledger", roles=EVERYONE_INSIDE, clause="SYS-LEDGER")
def verify_ledger(reader: Reader) -> LedgerCheck:
    """Return whether every entry balances, no account is below zero, and all money is where the rows say it is."""
    session = reader.session
    entries = session.exec(select(func.count(func.distinct(Posting.entry_id)))).one()
    found = faults_of(session)
    return LedgerCheck(
        ok=not found,
        entries=int(entries),
        faults=tuple(
            Fault(
                code=one.code,
                subject=one.subject,
                amount=one.amount,
                problem=sentence(f"funding.broken.{one.code}", {"subject": one.subject, "amount": str(one.amount)}),
            )
            for one in found
        ),
    )


def faults_of(session: Session) -> tuple[Broken, ...]:
    """Return everything in the ledger that does not hold."""
    uneven = session.exec(
        select(Posting.entry_id, func.sum(Posting.amount_fen))
        .group_by(col(Posting.entry_id), col(Posting.channel), col(Posting.year), col(Posting.fund_id))
        .having(func.sum(Posting.amount_fen) != 0)
        .order_by(col(Posting.entry_id))
    ).all()
    entries = tuple(Broken("entry", entry, Money(int(fen))) for entry, fen in uneven)
    return (*entries, *broken(sums=_sums(session), told=_told(session)))


def _sums(session: Session) -> tuple[Sum, ...]:
    columns = (
        col(Posting.account),
        col(Posting.channel),
        col(Posting.year),
        col(Posting.project_id),
        col(Posting.plan_line_id),
        col(Posting.contract_id),
        col(Posting.fund_id),
    )
    statement = select(Posting).with_only_columns(*columns, func.sum(Posting.amount_fen))
    rows = session.execute(statement.group_by(*columns).order_by(*columns)).all()
    return tuple(
        Sum(Account(account), channel, year, Money(int(fen)), project, line, contract, fund)
        for account, channel, year, project, line, contract, fund, fen in rows
    )


def _told(session: Session) -> Told:
    budgets = session.exec(
        select(BudgetLine.project_id, BudgetLine.channel, BudgetLine.year, func.sum(BudgetLine.amount_fen)).group_by(
            col(BudgetLine.project_id), col(BudgetLine.channel), col(BudgetLine.year)
        )
    )
    payments = session.exec(
        select(Payment.plan_line_id, Payment.contract_id, func.sum(Payment.amount_fen)).group_by(
            col(Payment.plan_line_id), col(Payment.contract_id)
        )
    )
    backs = session.exec(select(MoneyBack)).all()
    recovered: dict[tuple[str | None, str | None], Money] = defaultdict(lambda: Money.ZERO)
    returned: dict[tuple[str | None, str, int], Money] = defaultdict(lambda: Money.ZERO)
    for one in backs:
        if one.contract_id is not None:
            recovered[one.plan_line_id, one.contract_id] += Money(one.amount_fen)
        elif one.fund_id is None:
            returned[one.project_id, one.channel, one.year] += Money(one.amount_fen)
    return Told(
        lines={
            row.id: LineTold(row.state, Money(row.amount_fen), Money(row.uncovered_fen))
            for row in session.exec(select(PlanLine).order_by(col(PlanLine.id)))
        },
        prices={name: Money(fen) for name, fen in session.exec(select(Contract.id, Contract.price_fen))},
        payments={(line, contract): Money(int(fen)) for line, contract, fen in payments},
        budgets={(project, channel, year): Money(int(fen)) for project, channel, year, fen in budgets},
        funds={name: Money(fen) for name, fen in session.exec(select(Fund.id, Fund.amount_fen))},
        recovered=recovered,
        returned=returned,
    )
