"""Who serves on when a contract ends early (ZY-28): a successor is sought at once, and found by the next signing.

Called by the commands that terminate and sign contracts, in their transaction. A project that is stopped or converted
hands its people over before (``commands.midterm_decision``).
"""

from __future__ import annotations

from typing import Final

from sqlmodel import Session

from models.commands import work
from models.context import Context
from models.core.actors import Role
from models.policy.schema import Policy
from models.queries.delivery import contracts_in
from models.queries.midterm import unowned
from models.tables.contract import Contract

SUCCESSOR: Final = "contract.successor"
_ALIVE: Final = ("signed", "running")


def seek(session: Session, ctx: Context, row: Contract, policy: Policy) -> None:
    """Make a successor due when a terminated contract was the last one and people it served are nobody's now."""
    if not policy.delivery.no_recipient_left or contracts_in(session, project=row.project_id, states=_ALIVE):
        return
    left = len(unowned(session, row.project_id))
    if not left:
        return
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.delivery.referral_working_days)
    work.open_item(
        session,
        ctx,
        kind=SUCCESSOR,
        role=Role.PURCHASER,
        subject_kind="project",
        subject_id=row.project_id,
        project_id=row.project_id,
        due_on=due.date,
        clause=policy.clause("delivery.no_recipient_left"),
        resolves_with="contract.sign",
        provisional=due.provisional,
        note=str(left),
    )
    work.move_item(session, kind=SUCCESSOR, subject_id=row.project_id, due_on=due.date, provisional=due.provisional)


def found(session: Session, ctx: Context, *, project: str) -> None:
    """Close the search: a contract was signed, or the project ended with everybody handed over."""
    work.close_item(session, ctx, kind=SUCCESSOR, subject_id=project)
