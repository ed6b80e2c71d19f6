"""The clock of a notice inside commands: holding the row, counting its last day anew, moving the work item.

The counting is ``rules.publicity_clock``; a running notice keeps the policy under which it was published.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlmodel import Session

from models.commands import work
from models.context import Context
from models.core.calendar import Due
from models.policy.schema import Policy
from models.queries.publicity_history import clock_end
from models.queries.reader import found, project_of
from models.tables.publicity import PublicityNotice

CLOSING: Final = "publicity.close_notice"


def held(session: Session, notice_id: str) -> PublicityNotice:
    """Return a notice and hold it: an objection raised while it is being closed must wait."""
    return found(session.get(PublicityNotice, notice_id, with_for_update=True), kind="notice", id=notice_id)


def pinned(session: Session, ctx: Context, notice: PublicityNotice) -> Policy:
    """Return the policy under which a notice was published: it governs the notice to its end."""
    return ctx.policy(region=project_of(session, notice.project_id).region, on=notice.published_on)


def recount(session: Session, ctx: Context, notice: PublicityNotice) -> Due:
    """Return the last day of a notice as its records stand now, under the policy it was published under."""
    return clock_end(
        session,
        notice=notice,
        policy=pinned(session, ctx, notice),
        calendar=ctx.services.calendar,
        as_of=ctx.as_of,
    )


def wind(session: Session, ctx: Context, notice: PublicityNotice) -> None:
    """Give an open notice the last day its records ask for, and its closing the day after."""
    end = recount(session, ctx, notice)
    notice.ends_on, notice.provisional = end.date, end.provisional
    due = closing_day(ctx, notice)
    work.move_item(session, ctx, kind=CLOSING, subject_id=notice.id, due_on=due.date, provisional=due.provisional)
    session.add(notice)


def closing_day(ctx: Context, notice: PublicityNotice) -> Due:
    """Return the first working day on which the notice may be closed."""
    due = ctx.services.calendar.roll_forward(notice.ends_on + timedelta(days=1))
    return Due(due.date, due.provisional or notice.provisional)
