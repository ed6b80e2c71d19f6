"""What becomes of money nobody reserved (S09): carried into the next year, or owed back, as policy says.

Run by the daily flow ``funding-open-due`` and by hand; money that goes back leaves by ``funding.return_money``
(``commands.allotment``). Must never move what a plan line holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events, work
from models.commands.allotment import FUND_STREAM, SURPLUS_ITEM, surplus_subject
from models.commands.funding import BUREAUS
from models.commands.ledger import locked, post
from models.context import Context
from models.core.actors import Role
from models.core.money import Money
from models.core.registry import command
from models.queries.ledger import Left, balance, balances_left, years_with_money
from models.queries.reader import project_of
from models.rules.force import binding
from models.rules.funding import PLANLESS, Account, Leg, check_year_over
from models.tables.funding import Fund
from models.tables.kernel import Project, WorkItem

_SURPLUS: Final = ("ZY-93", "SYS-YEAR-END")  # 政府投资条例第二十五条,参照执行


class YearClosed(BaseModel):
    """How many balances went into the next year and their sums by channel; ``surplus`` those that have to go back."""

    model_config = ConfigDict(frozen=True)

    carried: int
    amounts: dict[str, Money]
    surplus: int


@command("funding.carry_over", roles=(Role.SYSTEM, *BUREAUS), clause="SYS-YEAR-END")
def carry_over(
    ctx: Context,
    *,
    year: Annotated[
        int | None, Field(ge=2000, le=2999, description="结转的年度;不填为已结束的各年度,并清理已了结项目的结余")
    ] = None,
) -> YearClosed:
    """Carry what is unreserved at the end of a year into the next, in the channels whose balances policy carries.

    What policy does not carry, and what a project leaves that plans nothing any more, is owed back: a work item each,
    resolved by ``funding.return_money``. What plan lines hold stays with them. A second call finds nothing left.
    Without a year: every year that is over, however long the flow stood still. Raises ``Refusal``
    ``funding.year_running``.
    """
    if year is not None:
        check_year_over(year=year, as_of=ctx.as_of)
    policy = ctx.policy(region=ctx.services.region)
    amounts: dict[str, Money] = {}
    carried = surplus = 0
    with ctx.writing() as session:
        for of_year, left in _unreserved(session, ctx, year):
            if of_year < ctx.as_of.year and left.channel in policy.funding.carry_over and not _is_over(session, left):
                _carry(session, ctx, of_year, left)
                amounts[left.channel] = amounts.get(left.channel, Money.ZERO) + left.amount
                carried += 1
            else:
                owe_back(session, ctx, left, year=of_year, clause=binding(policy=policy, rules=_SURPLUS) or "")
                surplus += 1
        _close_returned(session, ctx)
    return YearClosed(carried=carried, amounts=amounts, surplus=surplus)


def _unreserved(session: Session, ctx: Context, year: int | None) -> Iterator[tuple[int, Left]]:
    """Yield what nobody reserved, oldest year first, each held until the transaction ends; of a year that runs only
    what projects left that are over."""
    first, last = years_with_money(session)
    if first <= last:
        last = max(last, ctx.as_of.year - 1)  # what is carried may have to go on from year to year
    for of_year in range(first, last + 1) if year is None else (year,):
        for left in balances_left(session, year=of_year):
            if of_year >= ctx.as_of.year and not _is_over(session, left):
                continue
            if left.fund is None:
                locked(session, Project, left.project or "", kind="project")
            else:
                locked(session, Fund, left.fund, kind="fund")
            if balance_of(session, left, year=of_year) == left.amount:  # else somebody was faster: the next run's
                yield of_year, left


def balance_of(session: Session, left: Left, *, year: int) -> Money:
    """Return what stands unreserved there now."""
    account = Account.REMAINING if left.fund is None else Account.ALLOTTED
    return balance(session, account=account, channel=left.channel, year=year, project=left.project, fund=left.fund)


def _is_over(session: Session, left: Left) -> bool:
    return left.project is not None and project_of(session, left.project).state in PLANLESS


def _carry(session: Session, ctx: Context, year: int, left: Left) -> None:
    account = Account.REMAINING if left.fund is None else Account.ALLOTTED
    event = events.append(
        session,
        ctx,
        stream_kind=events.PROJECT_STREAM if left.fund is None else FUND_STREAM,
        stream_id=left.fund or left.project or "",
        type="funding.carried_over",
        payload={"year": year, "channel": left.channel, "amount_fen": left.amount.fen},
    )
    legs = (
        Leg(account, left.channel, year, -left.amount, left.fund),
        Leg(Account.CARRIED, left.channel, year, left.amount, left.fund),
        Leg(Account.CARRIED, left.channel, year + 1, -left.amount, left.fund),
        Leg(account, left.channel, year + 1, left.amount, left.fund),
    )
    post(session, ctx, event=event, legs=legs, project_id=left.project)


def owe_back(session: Session, ctx: Context, left: Left, *, year: int, clause: str) -> None:
    """Open the work item for money that has to go back, again where more was left after the last was returned."""
    subject = surplus_subject(left.project, left.fund, year, left.channel)
    item = work.open_item(
        session,
        ctx,
        kind=SURPLUS_ITEM,
        role=Role.FINANCE_BUREAU,
        subject_kind="surplus",
        subject_id=subject,
        project_id=left.project,
        due_on=ctx.as_of,
        clause=clause,
        resolves_with="funding.return_money",
    )
    if item.status != "open":
        work.move_item(session, ctx, kind=SURPLUS_ITEM, subject_id=subject, due_on=ctx.as_of)


def _close_returned(session: Session, ctx: Context) -> None:
    """Close the items of money that is not there any more: a plan line took it up after all."""
    session.flush()
    items = session.exec(select(WorkItem).where(col(WorkItem.kind) == SURPLUS_ITEM, col(WorkItem.status) == "open"))
    for item in items.all():
        owner, year, channel = item.subject_id.split(":")
        project, fund = (owner, None) if item.project_id else (None, owner)
        if not balance_of(session, Left(channel, project, fund, Money.ZERO), year=int(year)):
            work.close_item(session, ctx, kind=SURPLUS_ITEM, subject_id=item.subject_id)
