"""Money when a project ends in mid-term (S14): what is left goes with it or back, what is owed is claimed.

Called by ``commands.midterm_decision`` in its transaction. Budget moves between projects within one channel and year;
money of a fund has gone back to the fund by then.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import Session, col, select

from models.commands import work
from models.commands.allotment import RECOVER_ITEM, SURPLUS_ITEM, recovery_subject, surplus_subject
from models.commands.ledger import post
from models.context import Context
from models.core.actors import Role
from models.core.messages import sentence
from models.core.money import Money
from models.queries.ledger import balances_left
from models.rules.funding import Account, Leg
from models.tables.funding import BudgetLine
from models.tables.kernel import Event, Project
from models.tables.midterm import MidtermDecision


def settle_budgets(session: Session, ctx: Context, event: Event, project: Project, decided: MidtermDecision) -> None:
    """Take what is left of the project's own budget to its successor, or make it due to be returned."""
    for year, channel, amount in _left(session, project.id):
        if decided.successor_id is None:
            _owe_back(session, ctx, project, year, channel)
        else:
            _hand_over_money(session, ctx, event, decided, year=year, channel=channel, amount=amount)
            decided.handed_fen += amount.fen


def _left(session: Session, project: str) -> Iterator[tuple[int, str, Money]]:
    years = session.exec(select(BudgetLine.year).where(col(BudgetLine.project_id) == project).distinct()).all()
    for year in sorted(years):
        for left in balances_left(session, year=year):
            if left.project == project and left.fund is None:
                yield year, left.channel, left.amount


def _hand_over_money(
    session: Session, ctx: Context, event: Event, decided: MidtermDecision, *, year: int, channel: str, amount: Money
) -> None:
    """Move budget from a project to its successor: both budgets say so, the channel's sum stays what it was."""
    for project, part in ((decided.project_id, -amount), (decided.successor_id or "", amount)):
        line = BudgetLine(
            id=ctx.new_id("bud", project, str(year), channel),
            project_id=project,
            year=year,
            channel=channel,
            amount_fen=part.fen,
            reply_no=None,
            replied_on=ctx.as_of,
            note=sentence("midterm.budget_note"),
        )
        session.add(line)
        legs = (Leg(Account.APPROPRIATION, channel, year, -part), Leg(Account.REMAINING, channel, year, part))
        post(session, ctx, event=event, legs=legs, project_id=project)


def _owe_back(session: Session, ctx: Context, project: Project, year: int, channel: str) -> None:
    work.open_item(
        session,
        ctx,
        kind=SURPLUS_ITEM,
        role=Role.FINANCE_BUREAU,
        subject_kind="surplus",
        subject_id=surplus_subject(project.id, None, year, channel),
        project_id=project.id,
        due_on=ctx.as_of,
        clause="ZY-104",
        resolves_with="funding.return_money",
    )


def open_demands(session: Session, ctx: Context, decided: MidtermDecision) -> None:
    """Open what has to be got back; ``funding.recover`` closes it when all of it is there."""
    for one in decided.demanded:
        work.open_item(
            session,
            ctx,
            kind=RECOVER_ITEM,
            role=Role.FINANCE_BUREAU,
            subject_kind="contract",
            subject_id=recovery_subject(one["plan_line"], one["contract"]),
            project_id=decided.project_id,
            due_on=ctx.as_of,
            clause="ZY-105",
            resolves_with="funding.recover",
            note=str(Money(one["amount_fen"])),
        )
