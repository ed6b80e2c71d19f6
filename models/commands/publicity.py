"""Commands of publicity (S06): publishing the notice, objections and their answers, closing the notice.

Papers are scanned for personal numbers before they are printed. Who objects, to what, and the reply are sealed; events
hold ids and dates only. What a project discloses at its end stands in ``commands.disclosure``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, transition, work
from models.context import Context
from models.core.actors import Role
from models.core.calendar import Due
from models.core.errors import Refusal
from models.core.registry import command
from models.policy.schema import Policy
from models.ports import Zone
from models.queries.provenance import marks
from models.queries.publicity import (
    latest_round,
    notice_view,
    notices_of,
    objections_of,
    open_objections,
)
from models.queries.reader import found, project_of
from models.rules import lifecycle
from models.rules import publicity as rules
from models.rules.lifecycle import Thing
from models.tables.kernel import Project
from models.tables.publicity import Objection, PublicityNotice

CLOSING: Final = "publicity.close_notice"
ANSWERING: Final = "publicity.answer_objection"
_HANDLERS: Final = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU)
_ANYBODY: Final = tuple(role for role in Role if role is not Role.SYSTEM)


class NoticePublished(BaseModel):
    """The new notice: first and last day, both included (``provisional``: the last may still move)."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    starts_on: date
    ends_on: date
    provisional: bool
    documents: tuple[str, ...]


class ObjectionRaised(BaseModel):
    """The stored objection and the day by which it is answered."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    answer_due_on: date


class ObjectionAnswered(BaseModel):
    """The answer's outcome, the project's state, and the last day of the notice (``None`` when it is withdrawn)."""

    model_config = ConfigDict(frozen=True)

    id: str
    outcome: str
    state: str
    ends_on: date | None


class NoticeClosed(BaseModel):
    """A notice that ended without an upheld objection."""

    model_config = ConfigDict(frozen=True)

    id: str
    result: str
    ended_on: date


@command("publicity.publish_notice", roles=_HANDLERS, clause="ZY-24")
def publish_notice(
    ctx: Context,
    *,
    project: str,
    channels: Annotated[tuple[str, ...], Field(description="公示方式")],
    contact: Annotated[str, Field(min_length=1, max_length=500, description="联系方式(单位固定电话、地址)")],
) -> NoticePublished:
    """Publish the review result, as a paper for the board and as a page for the site, and start the period.

    Raises ``Refusal`` ``publicity.unknown_channel`` or ``publicity.too_few_channels`` (ZY-24),
    ``publicity.objection_open``, ``SYS-STATE``; ``DataFault`` ``publicity.leak`` before anything is printed.
    """
    with ctx.reading() as session:
        draft = _draft(session, ctx, project, channels=channels, contact=contact)
    rules.check_no_leak(view=draft.view)
    marked = draft.view["synthetic_fields"]
    papers = [
        documents.render(ctx, kind=kind, view=draft.view, synthetic_fields=marked, zone=Zone.PUBLIC)
        for kind in ("publicity_notice", "publicity_notice_html")
    ]
    with ctx.writing() as session:
        row = project_of(session, project)
        notice = _new_notice(session, ctx, draft, channels=channels)
        transition.apply(session, ctx, row, payload=_published(notice))
        notice.document_id, notice.html_document_id = (
            documents.file_paper(
                session,
                ctx,
                paper=paper,
                project_id=project,
                stage="publicity",
                title=draft.view["title_lines"][0],
                issuer=draft.view["issuer"],
            ).id
            for paper in papers
        )
        session.add(notice)
        _open_closing(session, ctx, notice, draft.policy)
        return NoticePublished(
            id=notice.id,
            state=f"project.{row.state}",
            starts_on=notice.starts_on,
            ends_on=notice.ends_on,
            provisional=notice.provisional,
            documents=(notice.document_id, notice.html_document_id),
        )


@dataclass(frozen=True)
class _Draft:
    """A notice about to be published: what it shows, under which policy, its first and last day."""

    project_id: str
    round_id: str
    policy: Policy
    first: date
    last: Due
    view: dict[str, Any]


def _draft(session: Session, ctx: Context, project: str, *, channels: tuple[str, ...], contact: str) -> _Draft:
    row = project_of(session, project)
    lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
    policy = ctx.policy(region=row.region)
    rules.check_channels(channels=channels, policy=policy)
    rules.check_all_answered(open_objections=open_objections(session, project_id=project), policy=policy)
    reviewed = found(latest_round(session, project), kind="round", id=project)
    first = ctx.services.calendar.add_working_days(ctx.as_of, days=1)
    last = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.publicity.working_days)
    view = notice_view(
        session,
        project=row,
        round=reviewed,
        policy=policy,
        marks=marks(session, project, pending=ctx.synthetic, command=ctx.command),
        published_on=ctx.as_of,
        period=(first.date, last.date),
        channels=channels,
        contact=contact,
        rehearsal=ctx.services.rehearsal,
    )
    return _Draft(project, reviewed.id, policy, first.date, last, view)


def _new_notice(session: Session, ctx: Context, draft: _Draft, *, channels: tuple[str, ...]) -> PublicityNotice:
    return PublicityNotice(
        id=ctx.new_id("ntc"),
        project_id=draft.project_id,
        round_id=draft.round_id,
        ordinal=len(notices_of(session, draft.project_id)) + 1,
        channels=list(channels),
        published_on=ctx.as_of,
        starts_on=draft.first,
        ends_on=draft.last.date,
        provisional=draft.last.provisional,
        working_days=draft.policy.publicity.working_days,
        policy_digest=draft.policy.digest,
        document_id="",
        html_document_id="",
    )


def _published(notice: PublicityNotice) -> dict[str, Any]:
    return {
        "notice_id": notice.id,
        "round_id": notice.round_id,
        "channels": notice.channels,
        "starts_on": notice.starts_on.isoformat(),
        "ends_on": notice.ends_on.isoformat(),
        "provisional": notice.provisional,
        "notice_policy_digest": notice.policy_digest,
    }


def _open_closing(session: Session, ctx: Context, notice: PublicityNotice, policy: Policy) -> None:
    due = _closing_day(ctx, notice)
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
        clause=policy.clause("publicity.working_days"),
        resolves_with=CLOSING,
    )


def _closing_day(ctx: Context, notice: PublicityNotice) -> Due:
    """Return the first working day on which the notice may be closed."""
    due = ctx.services.calendar.roll_forward(notice.ends_on + timedelta(days=1))
    return Due(due.date, due.provisional or notice.provisional)


@command("publicity.raise_objection", roles=_ANYBODY, clause="ZY-24")
def raise_objection(
    ctx: Context,
    *,
    notice: str,
    matter: Annotated[str, Field(min_length=2, max_length=5000, description="异议事项")],
    objector: Annotated[str, Field(max_length=200, description="异议人及联系方式(保密)")] = "",
) -> ObjectionRaised:
    """Object to a notice; anybody may, as long as the notice is open. The period stands still until the answer.

    Further objections to the same notice are taken in beside the first. Raises ``Refusal``
    ``publicity.notice_closed``.
    """
    with ctx.writing() as session:
        row = _held(session, notice)
        rules.check_open(closed_on=row.closed_on)
        project = project_of(session, row.project_id)
        policy = ctx.policy(region=project.region)
        due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.publicity.objection_working_days)
        vault = ctx.services.vault
        objection = Objection(
            id=ctx.new_id("obj"),
            notice_id=row.id,
            ordinal=len(objections_of(session, row.id)) + 1,
            objector_sealed=vault.seal(objector or ctx.actor.id),
            matter_sealed=vault.seal(matter),
            raised_on=ctx.as_of,
            answer_due_on=due.date,
        )
        session.add(objection)
        session.flush()
        payload = {"notice_id": row.id, "objection_id": objection.id, "answer_due_on": due.date.isoformat()}
        if row.paused_on is None:
            row.paused_on = ctx.as_of
            session.add(row)
            work.close_item(session, ctx, kind=CLOSING, subject_id=row.id)
            transition.apply(session, ctx, project, payload=payload)
        else:
            _note(session, ctx, project, "publicity.objection_added", payload)
        work.open_item(
            session,
            ctx,
            kind=ANSWERING,
            role=Role.EVALUATION_OFFICE,
            subject_kind="objection",
            subject_id=objection.id,
            project_id=project.id,
            due_on=due.date,
            provisional=due.provisional,
            clause=policy.clause("publicity.objection_working_days"),
            resolves_with=ANSWERING,
        )
        return ObjectionRaised(id=objection.id, state=f"project.{project.state}", answer_due_on=due.date)


@command("publicity.answer_objection", roles=_HANDLERS, clause="ZY-24")
def answer_objection(
    ctx: Context,
    *,
    objection: str,
    outcome: Annotated[Literal["rejected", "upheld"], Field(description="处理结论")],
    reply: Annotated[str, Field(min_length=2, max_length=5000, description="答复内容")],
) -> ObjectionAnswered:
    """Answer an objection. Upheld: the notice is withdrawn, the project is reviewed again to be published anew.
    Rejected, and no other waits: the notice goes on with at least the working days that were left.

    Raises ``Refusal`` ``publicity.answered``.
    """
    with ctx.writing() as session:
        one = found(session.get(Objection, objection), kind="objection", id=objection)
        row = _held(session, one.notice_id)
        session.refresh(one)
        if one.answered_on is not None:
            facts = {"answered_on": one.answered_on.isoformat()}
            raise Refusal("publicity.answered", rule="SYS-OBJECTION", facts=facts)
        one.outcome, one.answered_on, one.reply_sealed = outcome, ctx.as_of, ctx.services.vault.seal(reply)
        session.add(one)
        session.flush()
        work.close_item(session, ctx, kind=ANSWERING, subject_id=one.id)
        project = project_of(session, row.project_id)
        others = sum(other.answered_on is None for other in objections_of(session, row.id))
        payload = {"notice_id": row.id, "objection_id": one.id, "outcome": outcome}
        if row.closed_on is not None or (outcome == "rejected" and others):
            _note(session, ctx, project, "publicity.objection_answered", payload)
        elif outcome == "upheld":
            row.closed_on, row.result = ctx.as_of, "upheld"
            transition.apply(session, ctx, project, payload=payload, outcome=outcome)
        else:
            _resume(session, ctx, row)
            extra = {"ends_on": row.ends_on.isoformat(), "provisional": row.provisional}
            transition.apply(session, ctx, project, payload={**payload, **extra}, outcome=outcome)
        session.add(row)
        return ObjectionAnswered(
            id=one.id,
            outcome=outcome,
            state=f"project.{project.state}",
            ends_on=row.ends_on if row.closed_on is None else None,
        )


def _resume(session: Session, ctx: Context, notice: PublicityNotice) -> None:
    if notice.paused_on is None:
        raise RuntimeError(f"{notice.id} has an open objection but was never paused")
    end = rules.resumed_end(
        paused_on=notice.paused_on,
        ends_on=notice.ends_on,
        resumed_on=ctx.as_of,
        calendar=ctx.services.calendar,
    )
    notice.provisional |= end.provisional
    notice.ends_on, notice.paused_on = end.date, None
    due = _closing_day(ctx, notice)
    work.move_item(session, kind=CLOSING, subject_id=notice.id, due_on=due.date, provisional=due.provisional)


@command("publicity.close_notice", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-24")
def close_notice(ctx: Context, *, notice: str) -> NoticeClosed:
    """Close a notice whose last day has passed and on which no objection waits; the decision may follow.

    Raises ``Refusal`` ``publicity.not_over`` or ``publicity.objection_open`` (ZY-24), ``publicity.notice_closed``.
    """
    with ctx.writing() as session:
        row = _held(session, notice)
        rules.check_open(closed_on=row.closed_on)
        project = project_of(session, row.project_id)
        policy = ctx.policy(region=project.region)
        waiting = sum(one.answered_on is None for one in objections_of(session, row.id))
        rules.check_all_answered(open_objections=waiting, policy=policy)
        rules.check_over(ends_on=row.ends_on, as_of=ctx.as_of, policy=policy)
        row.closed_on, row.result = ctx.as_of, "passed"
        session.add(row)
        work.close_item(session, ctx, kind=CLOSING, subject_id=row.id)
        _note(session, ctx, project, "publicity.closed", {"notice_id": row.id, "ended_on": row.ends_on.isoformat()})
        return NoticeClosed(id=row.id, result="passed", ended_on=row.ends_on)


def _held(session: Session, notice_id: str) -> PublicityNotice:
    """Return a notice and hold it: an objection raised while it is being closed must wait."""
    return found(session.get(PublicityNotice, notice_id, with_for_update=True), kind="notice", id=notice_id)


def _note(session: Session, ctx: Context, project: Project, type: str, payload: dict[str, Any]) -> None:
    events.append(session, ctx, stream_kind=events.PROJECT_STREAM, stream_id=project.id, type=type, payload=payload)
