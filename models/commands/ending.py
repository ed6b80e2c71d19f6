"""What the early end of a project does to the rest of it (S14, S15): contracts, purchases, plan lines, budget, tasks.

Called in their transaction by ``commands.midterm_decision`` and ``commands.project_referral``; the move of each thing
is looked up by their command. Money moves through ``commands.ledger`` alone: budget within one channel and year, what a
fund gave has gone back to the fund by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, select

from models.commands import midterm, purchase_clocks, succession, transition, work
from models.commands.allotment import SURPLUS_ITEM, surplus_subject
from models.commands.audit import FILING_ITEM
from models.commands.contract import SIGN_ITEM
from models.commands.ledger import move, post
from models.commands.termination import release
from models.context import Context
from models.core.actors import Role
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.queries.ledger import balance, balances_left
from models.queries.procurement import bids_of
from models.rules.force import binding
from models.rules.funding import Account, Leg
from models.rules.succession import ALIVE
from models.tables.contract import Contract
from models.tables.funding import BudgetLine, PlanLine, Posting
from models.tables.kernel import Event, Project
from models.tables.procurement import Procurement

_OPEN_LINES: Final = ("drafted", "signed", "issued", "paid")
_OPEN_PURCHASES: Final = ("planned", "noticed", "failed", "method_changed")


@dataclass(frozen=True)
class Ended:
    """How many contracts ended with the project, and what went back from its plan lines."""

    contracts: int
    released: Money


def end(session: Session, ctx: Context, project: Project, *, reason: str, policy: Policy) -> Ended:
    """Terminate what runs, void what is being bought, close what is planned; ``reason`` is what they all rest on."""
    contracts = _end_contracts(session, ctx, project, reason)
    _void_purchases(session, ctx, project, reason, policy)
    released = _close_lines(session, ctx, project)
    midterm.over(session, ctx, project.id)
    succession.found(session, ctx, project=project.id)
    return Ended(contracts, released)


def settle(session: Session, ctx: Context, event: Event, project: Project, *, successor: str | None) -> Money:
    """Take what is left of the project's own budget to its successor, or make it due to be returned; and make its
    filing due. Returns what went to the successor."""
    policy = ctx.policy(region=project.region)
    handed = Money.ZERO
    for year, channel, amount in _left(session, project.id):
        if successor is None:
            _owe_back(session, ctx, project, year, channel, policy)
        else:
            _hand_over(session, ctx, event, (project.id, successor), year=year, channel=channel, amount=amount)
            handed += amount
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.audit.filing_working_days)
    work.open_item(
        session,
        ctx,
        kind=FILING_ITEM,
        role=Role.EVALUATION_OFFICE,
        subject_kind="project",
        subject_id=project.id,
        project_id=project.id,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause("audit.filing_working_days"),
        resolves_with="audit.prepare_filing",
    )
    return handed


def _end_contracts(session: Session, ctx: Context, project: Project, reason: str) -> int:
    """Terminate what still runs; what was committed and not paid goes back to the plan lines."""
    statement = select(Contract).where(col(Contract.project_id) == project.id, col(Contract.state).in_(ALIVE))
    rows = session.exec(statement.order_by(col(Contract.id)).with_for_update()).all()
    for row in rows:
        row.terminated_on, row.termination_reason = ctx.as_of, reason
        session.add(row)
        event = transition.apply(session, ctx, row, payload={"terminated_on": ctx.as_of.isoformat()})
        release(session, ctx, event, row)
    return len(rows)


def _void_purchases(session: Session, ctx: Context, project: Project, reason: str, policy: Policy) -> None:
    """Void every purchase under way; deposits become due to be returned, nothing is left to be signed."""
    statement = select(Procurement).where(col(Procurement.project_id) == project.id)
    for row in session.exec(statement.order_by(col(Procurement.id)).with_for_update()).all():
        work.close_item(session, ctx, kind=SIGN_ITEM, subject_id=row.id)
        if row.state in _OPEN_PURCHASES:
            row.void_reason = reason
            session.add(row)
            purchase_clocks.stop_round(session, ctx, row)
            purchase_clocks.owe_bonds(session, ctx, row, policy, bids_of(session, row))
            transition.apply(session, ctx, row, payload={"round": row.round})


def _close_lines(session: Session, ctx: Context, project: Project) -> Money:
    """Close every plan line on which no contract has a claim left: reserved or planned → remaining."""
    released = Money.ZERO
    statement = select(PlanLine).where(col(PlanLine.project_id) == project.id, col(PlanLine.state).in_(_OPEN_LINES))
    for line in session.exec(statement.order_by(col(PlanLine.id)).with_for_update()).all():
        if balance(session, account=Account.COMMITTED, plan_line=line.id):
            continue
        held = {
            account: balance(session, account=account, plan_line=line.id)
            for account in (Account.RESERVED, Account.PLANNED)
        }
        returned = Money.total(held.values())
        event = transition.apply(session, ctx, line, payload={"returned_fen": returned.fen})
        for account, amount in held.items():
            move(session, ctx, event=event, line=line, source=account, target=Account.REMAINING, amount=amount)
        released += returned
    return released


def _left(session: Session, project: str) -> Iterator[tuple[int, str, Money]]:
    """Return year, channel and amount of what is left of a project's own budget, carried over or not."""
    own = select(Posting.year).where(col(Posting.project_id) == project, col(Posting.account) == Account.REMAINING)
    for year in sorted(set(session.exec(own).all())):
        for left in balances_left(session, year=year):
            if left.project == project and left.fund is None:
                yield year, left.channel, left.amount


def _hand_over(
    session: Session, ctx: Context, event: Event, way: tuple[str, str], *, year: int, channel: str, amount: Money
) -> None:
    """Move budget from a project to its successor: both budgets say so, the channel's sum stays what it was."""
    for project, part in zip(way, (-amount, amount), strict=True):
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


def _owe_back(session: Session, ctx: Context, project: Project, year: int, channel: str, policy: Policy) -> None:
    work.open_item(
        session,
        ctx,
        kind=SURPLUS_ITEM,
        role=Role.FINANCE_BUREAU,
        subject_kind="surplus",
        subject_id=surplus_subject(project.id, None, year, channel),
        project_id=project.id,
        due_on=ctx.as_of,
        clause=binding(policy=policy, rules=("ZY-104", "SYS-SETTLED")) or "",
        resolves_with="funding.return_money",
    )
