"""Commands of publicity (S06): publishing the notice and closing it.

Papers are scanned before and after they are printed; events hold ids and dates only. Objections stand in
``commands.publicity_objections``, channels in ``commands.publicity_channels``, the site in ``commands.publicity_site``,
what a project discloses at its end in ``commands.disclosure``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, publicity_papers, transition, work
from models.commands.publicity_clock import CLOSING, closing_day, held, pinned, recount
from models.context import Context
from models.core.actors import HANDLERS, Role
from models.core.calendar import Due
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.provenance import marks
from models.queries.publicity import (
    Shown,
    latest_round,
    notice_view,
    notices_of,
    objections_of,
    open_objections,
)
from models.queries.publicity_history import Told, listed_recipients, readable_on
from models.queries.reader import found, project_of
from models.queries.review import objection_upheld
from models.rules import lifecycle
from models.rules import publicity as rules
from models.rules.feasibility_order import check_order
from models.rules.lifecycle import Thing
from models.tables.kernel import Document
from models.tables.publicity import NoticePosting, PublicityNotice

NOTICE_KINDS: Final = ("publicity_notice", "publicity_notice_html")


class Item(BaseModel):
    """One project on a notice and the id under which it is objected to and closed."""

    model_config = ConfigDict(frozen=True)

    project: str
    notice: str


class NoticePublished(BaseModel):
    """The new notice: first and last day, both included (``provisional``: the last may still move). ``id`` is that of
    the first project; ``items`` has all. The digests are those of the published bytes."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    starts_on: date
    ends_on: date
    provisional: bool
    documents: tuple[str, ...]
    items: tuple[Item, ...]
    sha256: str
    html_sha256: str


class NoticeClosed(BaseModel):
    """A notice that ended without an upheld objection; ``documents`` are its closing page, as paper and as HTML."""

    model_config = ConfigDict(frozen=True)

    id: str
    result: str
    ended_on: date
    documents: tuple[str, ...]


@command("publicity.publish_notice", roles=HANDLERS, clause="ZY-24")
def publish_notice(
    ctx: Context,
    *,
    project: str,
    channels: Annotated[tuple[str, ...], Field(description="公示方式")],
    contact: Annotated[str, Field(min_length=1, max_length=500, description="联系方式(单位固定电话、地址)")],
    also: Annotated[tuple[str, ...], Field(max_length=200, description="同一公示中的其他项目")] = (),
    list_recipients: Annotated[bool, Field(description="列出拟服务对象(姓名遮蔽)")] = False,
) -> NoticePublished:
    """Publish review results, as a paper for the board and as a page for the site, and start the period.

    Several projects may stand on one notice; each is objected to and closed by itself. Raises ``Refusal``
    ``publicity.unknown_channel`` or ``publicity.too_few_channels`` (ZY-24), ``publicity.objection_open``,
    ``publicity.review_first`` after an upheld objection (ZY-24), ``publicity.not_public`` (FZ-01), ``SYS-STATE``;
    ``DataFault`` ``publicity.leak`` before anything is stored.
    """
    projects = tuple(dict.fromkeys((project, *also)))
    with ctx.reading() as session:
        draft = _draft(session, ctx, projects, channels=channels, contact=contact, list_recipients=list_recipients)
        printer = publicity_papers.Printer.of(session, ctx)
    papers = [printer.paper(kind, draft.view) for kind in NOTICE_KINDS]
    with ctx.writing() as session:
        items = [_publish(session, ctx, draft, papers, project=one) for one in projects]
        _post(session, ctx, items[0], channels)
        first = items[0]
        return NoticePublished(
            id=first.id,
            state=f"project.{project_of(session, project).state}",
            starts_on=first.starts_on,
            ends_on=first.ends_on,
            provisional=first.provisional,
            documents=(first.document_id, first.html_document_id),
            items=tuple(Item(project=item.project_id, notice=item.id) for item in items),
            sha256=first.sha256,
            html_sha256=first.html_sha256,
        )


@dataclass(frozen=True)
class _Draft:
    """A notice about to be published: what it shows, under which policy, its first and last day."""

    sheet_id: str
    rounds: dict[str, str]
    names: dict[str, str]
    policy: Policy
    days: int
    first: date
    last: Due
    channels: tuple[str, ...]
    view: dict[str, Any]


def _draft(
    session: Session,
    ctx: Context,
    projects: Sequence[str],
    *,
    channels: tuple[str, ...],
    contact: str,
    list_recipients: bool,
) -> _Draft:
    for one in projects:
        row = project_of(session, one)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        entered = ctx.policy(region=row.region, on=row.entered_on)
        check_order(command=ctx.command, state=row.state, entered=entered)
        rules.check_may_be_noticed(attribute=row.details.get("attribute"), policy=ctx.policy(region=row.region))
    policy = ctx.policy(region=project_of(session, projects[0]).region)
    rules.check_channels(channels=channels, policy=policy)
    for one in projects:
        rules.check_all_answered(open_objections=open_objections(session, project_id=one), policy=policy)
        rules.check_reviewed_anew(upheld=objection_upheld(session, one), policy=policy)
    shown = [_shown(session, ctx, one, policy=policy, list_recipients=list_recipients) for one in projects]
    named = any(item.recipients for item in shown)
    days = policy.publicity.person_list_working_days if named else policy.publicity.working_days
    first = ctx.services.calendar.add_working_days(ctx.as_of, days=1)
    last = ctx.services.calendar.add_working_days(ctx.as_of, days=days)
    view = notice_view(
        session,
        shown=shown,
        policy=policy,
        published_on=ctx.as_of,
        period=(first.date, last.date),
        working_days=days,
        channels=channels,
        contact=contact,
        rehearsal=ctx.services.rehearsal,
    )
    rounds = {item.project.id: item.round.id for item in shown}
    names = {item.project.id: item.project.name for item in shown}
    return _Draft(ctx.new_id("ntc"), rounds, names, policy, days, first.date, last, channels, view)


def _shown(session: Session, ctx: Context, project: str, *, policy: Policy, list_recipients: bool) -> Shown:
    return Shown(
        project=project_of(session, project),
        round=found(latest_round(session, project), kind="round", id=project),
        marks=marks(session, project, pending=ctx.synthetic, command=ctx.command),
        recipients=listed_recipients(session, ctx.services.vault, project=project, policy=policy, as_of=ctx.as_of)
        if list_recipients
        else (),
    )


def _publish(
    session: Session, ctx: Context, draft: _Draft, papers: Sequence[documents.Paper], *, project: str
) -> PublicityNotice:
    row = project_of(session, project)
    notice = _new_notice(session, ctx, draft, project, sha256s=[paper.stored.sha256 for paper in papers])
    transition.apply(session, ctx, row, payload=_published(notice))
    filed = [_file(session, ctx, draft, paper, project=project) for paper in papers]
    notice.document_id, notice.html_document_id = (document.id for document in filed)
    session.add(notice)
    _open_closing(session, ctx, notice, draft.policy)
    return notice


def _file(session: Session, ctx: Context, draft: _Draft, paper: documents.Paper, *, project: str) -> Document:
    return documents.file_paper(
        session,
        ctx,
        paper=paper,
        project_id=project,
        stage="publicity",
        title="".join(draft.view["title_lines"]),
        issuer=draft.view["issuer"],
    )


def _new_notice(
    session: Session, ctx: Context, draft: _Draft, project: str, *, sha256s: Sequence[str]
) -> PublicityNotice:
    first = project == next(iter(draft.rounds))
    return PublicityNotice(
        id=draft.sheet_id if first else ctx.new_id("ntc", project),
        project_id=project,
        round_id=draft.rounds[project],
        project_name=draft.names[project],
        ordinal=len(notices_of(session, project)) + 1,
        channels=list(draft.channels),
        published_on=ctx.as_of,
        starts_on=draft.first,
        ends_on=draft.last.date,
        provisional=draft.last.provisional,
        working_days=draft.days,
        policy_digest=draft.policy.digest,
        document_id="",
        html_document_id="",
        sheet_id=draft.sheet_id,
        sha256=sha256s[0],
        html_sha256=sha256s[1],
    )


def _published(notice: PublicityNotice) -> dict[str, Any]:
    return {
        "notice_id": notice.id,
        "sheet_id": notice.sheet_id,
        "round_id": notice.round_id,
        "channels": notice.channels,
        "starts_on": notice.starts_on.isoformat(),
        "ends_on": notice.ends_on.isoformat(),
        "provisional": notice.provisional,
        "sha256": notice.sha256,
        "notice_policy_digest": notice.policy_digest,
    }


def _post(session: Session, ctx: Context, notice: PublicityNotice, channels: tuple[str, ...]) -> None:
    session.add_all(
        NoticePosting(id=ctx.new_id("pst", channel), sheet_id=notice.sheet_id, channel=channel, posted_on=ctx.as_of)
        for channel in dict.fromkeys(channels)
    )


def _open_closing(session: Session, ctx: Context, notice: PublicityNotice, policy: Policy) -> None:
    due = closing_day(ctx, notice)
    leaf = (
        "publicity.working_days"
        if notice.working_days == policy.publicity.working_days
        else "publicity.person_list_working_days"
    )
    work.open_item(
        session,
        ctx,
        kind=CLOSING,
        role=Role.EVALUATION_OFFICE,
        subject_kind="publicity_notice",
        subject_id=notice.id,
        project_id=notice.project_id,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause(leaf),
        resolves_with="publicity.close_notice",
    )


@command("publicity.close_notice", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-24")
def close_notice(ctx: Context, *, notice: str) -> NoticeClosed:
    """Close a notice whose last day has passed and on which no objection waits, and file the page with its history;
    the decision may follow.

    Raises ``Refusal`` ``publicity.not_over``, ``publicity.unreadable_now`` or ``publicity.objection_open`` (ZY-24),
    ``publicity.notice_closed``; ``DataFault`` ``publicity.leak``.
    """
    with ctx.reading() as session:
        row = found(session.get(PublicityNotice, notice), kind="notice", id=notice)
        last = _check_may_close(session, ctx, row)
        closing = publicity_papers.closing(session, ctx, notice=row, told=Told(ctx.as_of, last, ctx.as_of, "passed"))
    with ctx.writing() as session:
        row = held(session, notice)
        last = _check_may_close(session, ctx, row)
        project = project_of(session, row.project_id)
        row.ends_on, row.closed_on, row.result = last, ctx.as_of, "passed"
        filed = publicity_papers.file_closing(session, ctx, notice=row, project=project, closing=closing)
        work.close_item(session, ctx, kind=CLOSING, subject_id=row.id)
        events.on_project(
            session,
            ctx,
            project.id,
            "publicity.closed",
            {"notice_id": row.id, "ended_on": last.isoformat(), "document_id": filed[0]},
        )
        return NoticeClosed(id=row.id, result="passed", ended_on=last, documents=filed)


def _check_may_close(session: Session, ctx: Context, row: PublicityNotice) -> date:
    """Check that a notice may be closed now and return its last day."""
    rules.check_open(closed_on=row.closed_on)
    policy = pinned(session, ctx, row)
    waiting = sum(one.answered_on is None and not one.late for one in objections_of(session, row.id))
    rules.check_all_answered(open_objections=waiting, policy=policy)
    last = recount(session, ctx, row).date
    rules.check_over(ends_on=last, as_of=ctx.as_of, policy=policy)
    rules.check_readable_now(readable=readable_on(session, sheet_id=row.sheet_id, on=ctx.as_of), policy=policy)
    return last
