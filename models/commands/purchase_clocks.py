"""The statutory clocks of a purchase as work items: opened and closed by the commands of procurement (domain §4-G).

Each names its source clause and the command that resolves it; days are policy, counted in working days where the law
says so. The clocks of award notice and contract are opened by ``commands.award``, those of disputes by
``commands.disputes``.
"""

from __future__ import annotations

from typing import Final

from sqlmodel import Session

from models.commands import work
from models.context import Context
from models.core.actors import Role
from models.core.periods import add_months
from models.policy.schema import Policy
from models.queries.purchasing import engagements_of
from models.rules.force import binding
from models.tables.procurement import Bid, Procurement

REPORT: Final = "procurement.agency_report"
WINNER: Final = "procurement.winner"
BOND: Final = "procurement.bond_return"
SAMPLE: Final = "procurement.sample"


def start(session: Session, ctx: Context, row: Procurement, policy: Policy, *, kind: str) -> None:
    """Open a clock of a purchase: the agency's report, or the purchaser's choice of the winner (LAW-ZFCGTL-43)."""
    for clock, leaf, role, resolves_with in (
        (REPORT, "procurement.agency_report_working_days", Role.TENDER_AGENCY, "procurement.submit_report"),
        (WINNER, "procurement.winner_working_days", Role.PURCHASER, "procurement.award"),
    ):
        if clock != kind:
            continue
        due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.leaf(leaf).value)
        work.open_item(
            session,
            ctx,
            kind=clock,
            role=role,
            subject_kind="procurement",
            subject_id=f"{row.id}:{row.round}",
            due_on=due.date,
            clause=policy.clause(leaf),
            resolves_with=resolves_with,
            project_id=row.project_id,
            provisional=due.provisional,
        )


def owe_report(session: Session, ctx: Context, row: Procurement, policy: Policy) -> None:
    """Start what follows an evaluation: the agency's report where one was engaged, else the purchaser's choice."""
    start(session, ctx, row, policy, kind=REPORT if engagements_of(session, row.id) else WINNER)


def stop(session: Session, ctx: Context, row: Procurement, *, kind: str) -> None:
    """Close a clock of the present round, if it runs."""
    work.close_item(session, ctx, kind=kind, subject_id=f"{row.id}:{row.round}")


def stop_round(session: Session, ctx: Context, row: Procurement) -> None:
    """Close what follows an evaluation: the choice is made, the purchase ended, or a new round begins."""
    for kind in (REPORT, WINNER):
        stop(session, ctx, row, kind=kind)


def owe_bonds(session: Session, ctx: Context, row: Procurement, policy: Policy, bids: tuple[Bid, ...]) -> None:
    """Open one clock for every deposit that must go back after award or end of the purchase (LAW-ZFCGTL-33)."""
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.procurement.bid_bond_return_working_days)
    for bid in bids:
        if bid.bond_fen is None or bid.bond_returned_on is not None:
            continue
        work.open_item(
            session,
            ctx,
            kind=BOND,
            role=Role.PURCHASER,
            subject_kind="bid",
            subject_id=bid.id,
            due_on=due.date,
            clause=policy.clause("procurement.bid_bond_return_working_days"),
            resolves_with="procurement.return_bond",
            project_id=row.project_id,
            provisional=due.provisional,
        )


def owe_sample(session: Session, ctx: Context, policy: Policy) -> None:
    """Owe the sampling of this period's newly noticed documents by the end of the next one (ZY-83)."""
    if binding(policy=policy, rules=("ZY-83",)) is None:
        return
    first = ctx.as_of.replace(day=1)
    due = ctx.services.calendar.roll_forward(add_months(first, months=1 + policy.procurement.sampling_months))
    work.open_item(
        session,
        ctx,
        kind=SAMPLE,
        role=Role.CITY_BUREAU,
        subject_kind="region",
        subject_id=f"{policy.region}:{first.isoformat()}",
        due_on=due.date,
        clause=policy.clause("procurement.sampling_months"),
        resolves_with="procurement.draw_sample",
        provisional=due.provisional,
    )
