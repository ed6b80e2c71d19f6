"""The statutory clocks of a purchase as work items: opened and closed by the commands of procurement (domain §4-G).

Each names its source clause and the command that resolves it; days are policy, counted in working days where the law
says so. The clocks of award notice and contract are opened by ``commands.award``, those of disputes by
``commands.disputes``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from sqlmodel import Session

from models.commands import work
from models.context import Context
from models.core.actors import Role
from models.core.periods import add_months
from models.policy.schema import Policy
from models.queries.purchasing import SAMPLE, engagements_of
from models.rules.force import binding
from models.rules.purchase_gates import sample_period
from models.tables.procurement import Bid, Procurement

REPORT: Final = "procurement.agency_report"
WINNER: Final = "procurement.winner"
BOND: Final = "procurement.bond_return"
CLOSING: Final = "procurement.bids_close"
AGENCY_RECORD: Final = "procurement.agency_record"
WATCH: Final = "procurement.checkpoint"
_BEFORE_AND_DURING: Final = ("before", "during")
_AFTER: Final = ("after",)


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
        # the choice is owed again after a withdrawn award
        subject = f"{row.id}:{row.round}"
        work.move_item(session, ctx, kind=clock, subject_id=subject, due_on=due.date, provisional=due.provisional)


def owe_report(session: Session, ctx: Context, row: Procurement, policy: Policy) -> None:
    """Start what follows an evaluation: the agency's report where one was engaged, else the purchaser's choice."""
    start(session, ctx, row, policy, kind=REPORT if engagements_of(session, row.id) else WINNER)


def stop(session: Session, ctx: Context, row: Procurement, *, kind: str) -> None:
    """Close a clock of the present round, if it runs."""
    work.close_item(session, ctx, kind=kind, subject_id=f"{row.id}:{row.round}")


def owe_closing(session: Session, ctx: Context, row: Procurement, policy: Policy) -> None:
    """Owe the closing of the bidding on its deadline; an amendment moves it (LAW-ZFCG-35, LAW-ZFCGTL-31)."""
    subject, due_on = f"{row.id}:{row.round}", row.bids_close_on or ctx.as_of
    work.open_item(
        session,
        ctx,
        kind=CLOSING,
        role=Role.TENDER_AGENCY if engagements_of(session, row.id) else Role.PURCHASER,
        subject_kind="procurement",
        subject_id=subject,
        due_on=due_on,
        clause=policy.clause("procurement.tender_days"),
        resolves_with="procurement.close_bidding",
        project_id=row.project_id,
    )
    work.move_item(session, ctx, kind=CLOSING, subject_id=subject, due_on=due_on)
    owe_watch(session, ctx, row, policy, _BEFORE_AND_DURING, due_on=due_on)


def stop_round(session: Session, ctx: Context, row: Procurement) -> None:
    """Close what a round still owes: the choice is made, the purchase ended, or a new round begins."""
    for kind in (CLOSING, REPORT, WINNER):
        stop(session, ctx, row, kind=kind)


def owe_bonds(session: Session, ctx: Context, row: Procurement, policy: Policy, bids: Iterable[Bid]) -> None:
    """Open one clock for every deposit that must go back (LAW-ZFCGTL-33).

    Those of who did not win after the award or the end of the purchase, the winner's after the contract.
    """
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.procurement.bid_bond_return_working_days)
    for bid in bids:
        declined = (bid.set_aside or "").startswith("declined")  # what becomes of it is for the documents to say
        if bid.bond_fen is None or bid.bond_returned_on is not None or declined:
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


def owe_watch(
    session: Session,
    ctx: Context,
    row: Procurement,
    policy: Policy,
    points: tuple[str, ...] = _AFTER,
    *,
    due_on: date,
) -> None:
    """Owe the records of every party at checkpoints of a purchase by the day the next act may come (ZY-85)."""
    if binding(policy=policy, rules=("ZY-85",)) is None:
        return
    for point in points:
        work.open_item(
            session,
            ctx,
            kind=WATCH,
            role=Role.CITY_BUREAU,
            subject_kind="procurement",
            subject_id=f"{row.id}:{point}",
            due_on=due_on,
            clause=policy.clause("procurement.checkpoints"),
            resolves_with="procurement.supervise",
            project_id=row.project_id,
        )


def owe_agency_record(session: Session, ctx: Context, row: Procurement, policy: Policy, *, due_on: date) -> None:
    """Owe the end of the record of every agency engaged for a purchase (ZY-82)."""
    if binding(policy=policy, rules=("ZY-82",)) is None:
        return
    for one in engagements_of(session, row.id):
        if one.closed_on is not None:
            continue
        work.open_item(
            session,
            ctx,
            kind=AGENCY_RECORD,
            role=Role.PURCHASER,
            subject_kind="engagement",
            subject_id=one.id,
            due_on=due_on,
            clause=policy.clause("procurement.agency_record"),
            resolves_with="procurement.close_agency_record",
            project_id=row.project_id,
        )


def stop_watch(
    session: Session, ctx: Context, row: Procurement, *, left: tuple[tuple[str, str], ...], policy: Policy
) -> None:
    """Close the checkpoints at which no party is left unwatched."""
    for point in policy.procurement.checkpoints:
        if point not in {checkpoint for checkpoint, _ in left}:
            work.close_item(session, ctx, kind=WATCH, subject_id=f"{row.id}:{point}")


def owe_sample(session: Session, ctx: Context, policy: Policy) -> None:
    """Owe the sampling of this period's newly noticed documents by the end of the next one (ZY-83)."""
    if binding(policy=policy, rules=("ZY-83",)) is None:
        return
    months = policy.procurement.sampling_months
    first, last = sample_period(on=ctx.as_of, months=months)
    due = ctx.services.calendar.roll_forward(add_months(last + timedelta(days=1), months=months))
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
