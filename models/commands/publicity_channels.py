"""Where a notice stands (S06): posting and taking down on a channel, and the days on which a channel was out.

Days on which no channel could be read do not count where policy says so; the last day of every open project on the
notice moves, and the move is in its events.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import events, publicity_papers
from models.commands.publicity_clock import held, wind
from models.context import Context
from models.core.actors import HANDLERS
from models.core.errors import Refusal
from models.core.registry import command
from models.core.uploads import Upload
from models.queries.bodies import acting_body
from models.queries.publicity_history import items_of, outages_of, postings_of
from models.queries.reader import project_of
from models.rules import publicity as rules
from models.tables.kernel import Project
from models.tables.publicity import NoticeOutage, NoticePosting, PublicityNotice

Channel = Annotated[str, Field(description="公示方式")]
Evidence = Annotated[Upload | None, Field(description="张贴、截图等凭证")]


class Posted(BaseModel):
    """A posting: where the notice stands, from when, until when, and the evidence filed."""

    model_config = ConfigDict(frozen=True)

    id: str
    channel: str
    posted_on: date
    taken_down_on: date | None
    document: str | None


class OutageRecorded(BaseModel):
    """An outage, and the last day of each open project on the notice as it stands now (notice id → day)."""

    model_config = ConfigDict(frozen=True)

    id: str
    ends_on: dict[str, date]


@command("publicity.post_notice", roles=HANDLERS, clause="ZY-24")
def post_notice(ctx: Context, *, notice: str, channel: Channel, evidence: Evidence = None) -> Posted:
    """Post an open notice on one more channel, or file the evidence of a posting that stands.

    Raises ``Refusal`` ``publicity.unknown_channel`` (ZY-24), ``publicity.notice_closed``.
    """
    with ctx.writing() as session:
        row, project = _open(session, notice)
        rules.check_channels(channels=(channel,), policy=ctx.policy(region=project.region), least=1)
        posting = _standing(session, row.sheet_id, channel) or _posted_today(session, ctx, row.sheet_id, channel)
        posting.taken_down_on = None
        session.add(posting)
        return _recorded(session, ctx, project, posting, evidence, "publicity.posted")


@command("publicity.take_down", roles=HANDLERS, clause="ZY-24")
def take_down(ctx: Context, *, notice: str, channel: Channel, evidence: Evidence = None) -> Posted:
    """Record that a notice was taken off a channel; an open one stays on at least one.

    Raises ``Refusal`` ``publicity.not_posted``, ``publicity.last_channel``.
    """
    with ctx.writing() as session:
        row = held(session, notice)
        project = project_of(session, row.project_id)
        posting = _standing(session, row.sheet_id, channel)
        if posting is None:
            raise Refusal("publicity.not_posted", rule="SYS-PUBLICITY")
        if any(item.closed_on is None for item in items_of(session, row.sheet_id)):
            standing = [one for one in postings_of(session, row.sheet_id) if one.taken_down_on is None]
            rules.check_may_take_down(left=len(standing) - 1)
        posting.taken_down_on = ctx.as_of
        session.add(posting)
        return _recorded(session, ctx, project, posting, evidence, "publicity.taken_down")


@command("publicity.record_outage", roles=HANDLERS, clause="ZY-24")
def record_outage(
    ctx: Context,
    *,
    notice: str,
    channel: Channel,
    first: Annotated[date, Field(description="中断首日")],
    last: Annotated[date | None, Field(description="中断末日(尚未恢复的不填)")] = None,
    reason: Annotated[str, Field(min_length=2, max_length=200, description="中断原因(将在公示结果中公开)")],
    evidence: Evidence = None,
) -> OutageRecorded:
    """Record the days on which a channel could not be read; called again with the same first day it sets the last.

    Raises ``Refusal`` ``publicity.not_posted``, ``publicity.outage_days``, ``publicity.notice_closed``; ``DataFault``
    ``publicity.leak`` for personal data in the reason.
    """
    with ctx.reading() as session:
        publicity_papers.Printer.of(session, ctx).check({"reason": reason})
    with ctx.writing() as session:
        row, project = _open(session, notice)
        posted_on = _posted_by(session, row.sheet_id, channel, first)
        rules.check_outage(first=first, last=last, posted_on=posted_on, as_of=ctx.as_of)
        known = (one for one in outages_of(session, row.sheet_id) if (one.channel, one.first_day) == (channel, first))
        outage = next(known, None) or NoticeOutage(
            id=ctx.new_id("out", channel), sheet_id=row.sheet_id, channel=channel, first_day=first, reason=reason
        )
        outage.last_day, outage.reason = last, reason
        if evidence is not None:
            outage.evidence_document_id = _file(session, ctx, project, evidence)
        session.add(outage)
        session.flush()
        items = [item for item in items_of(session, row.sheet_id) if item.closed_on is None]
        for item in items:
            _move(session, ctx, item, outage)
        return OutageRecorded(id=outage.id, ends_on={item.id: item.ends_on for item in items})


def _move(session: Session, ctx: Context, item: PublicityNotice, outage: NoticeOutage) -> None:
    if item.paused_on is None:  # a paused one is counted anew when it goes on
        wind(session, ctx, item)
    payload = {
        "notice_id": item.id,
        "channel": outage.channel,
        "first": outage.first_day.isoformat(),
        "last": outage.last_day.isoformat() if outage.last_day else None,
        "ends_on": item.ends_on.isoformat(),
    }
    events.on_project(session, ctx, item.project_id, "publicity.outage_recorded", payload)


def _open(session: Session, notice: str) -> tuple[PublicityNotice, Project]:
    row = held(session, notice)
    rules.check_open(closed_on=row.closed_on)
    return row, project_of(session, row.project_id)


def _standing(session: Session, sheet_id: str, channel: str) -> NoticePosting | None:
    rows = [one for one in postings_of(session, sheet_id) if one.channel == channel and one.taken_down_on is None]
    return rows[0] if rows else None


def _posted_today(session: Session, ctx: Context, sheet_id: str, channel: str) -> NoticePosting:
    """Return the posting of today that was taken down again, or a new one: a channel is posted once a day."""
    earlier = (one for one in postings_of(session, sheet_id) if (one.channel, one.posted_on) == (channel, ctx.as_of))
    return next(earlier, None) or NoticePosting(
        id=ctx.new_id("pst", channel), sheet_id=sheet_id, channel=channel, posted_on=ctx.as_of
    )


def _posted_by(session: Session, sheet_id: str, channel: str, day: date) -> date:
    """Return since when the notice stood on a channel on a day, taken down since or not; else when it was posted next.

    Raises ``Refusal`` ``publicity.not_posted`` where it stood there neither then nor later.
    """
    postings = [one for one in postings_of(session, sheet_id) if one.channel == channel]
    standing = [one for one in postings if one.taken_down_on is None or day < one.taken_down_on]
    if not standing:
        raise Refusal("publicity.not_posted", rule="SYS-PUBLICITY")
    return next((one.posted_on for one in reversed(standing) if one.posted_on <= day), standing[0].posted_on)


def _recorded(
    session: Session, ctx: Context, project: Project, posting: NoticePosting, evidence: Upload | None, type: str
) -> Posted:
    if evidence is not None:
        posting.evidence_document_id = _file(session, ctx, project, evidence)
    payload = {"sheet_id": posting.sheet_id, "channel": posting.channel, "evidence": posting.evidence_document_id}
    events.on_project(session, ctx, project.id, type, payload)
    return Posted(
        id=posting.id,
        channel=posting.channel,
        posted_on=posting.posted_on,
        taken_down_on=posting.taken_down_on,
        document=posting.evidence_document_id,
    )


def _file(session: Session, ctx: Context, project: Project, evidence: Upload) -> str:
    policy = ctx.policy(region=project.region)
    return publicity_papers.file_received(
        session,
        ctx,
        project=project,
        upload=evidence,
        kind="posting_evidence",
        title="publicity.evidence.title",
        issuer=acting_body(session, role=ctx.actor.role, policy=policy, project=project.id),
    )
