"""Objections to a public notice (S06): raised by anybody, answered or withdrawn, late ones as petitions.

An objection holds up the one project it is raised against; the others on the same paper go on. Who objects, to what,
and the reply are sealed; events hold ids and dates only.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import events, project_papers, publicity_papers, transition, work
from models.commands.publicity_clock import CLOSING, held, pinned, recount, wind
from models.context import Context
from models.core.actors import HANDLERS, Actor, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import Once, command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.publicity import SHEET_SOURCES, objections_of, sheet_view
from models.queries.publicity_history import Answer, Told, readable_on
from models.queries.reader import found, project_of
from models.rules import publicity as rules
from models.rules.bodies import body_name
from models.tables.publicity import Objection, PublicityNotice

ANSWERING: Final = "publicity.answer_objection"
_ANYBODY: Final = tuple(role for role in Role if role is not Role.SYSTEM)
_BY_THEMSELVES: Final = tuple(role for role in _ANYBODY if role is not Role.EVALUATION_OFFICE)
"""Who objects today; the office enters a letter under the day it came."""


class ObjectionRaised(BaseModel):
    """The stored objection and the day by which it is answered; a ``late`` one is a petition and holds nothing up."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    answer_due_on: date
    late: bool


class ObjectionAnswered(BaseModel):
    """The answer's outcome, the project's state, the last day of the notice (``None`` when it is closed), and the
    handling sheet's document."""

    model_config = ConfigDict(frozen=True)

    id: str
    outcome: str
    state: str
    ends_on: date | None
    document: str


class ObjectionWithdrawn(BaseModel):
    """The project's state after a withdrawal, and the last day of the notice (``None`` when it is closed)."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    ends_on: date | None


@command(
    "publicity.raise_objection", roles=_ANYBODY, clause="ZY-24", once_a_day=Once.BY_SENDER, on_the_day=_BY_THEMSELVES
)
def raise_objection(
    ctx: Context,
    *,
    notice: str,
    matter: Annotated[str, Field(min_length=2, max_length=5000, description="异议事项")],
    objector: Annotated[str, Field(max_length=200, description="异议人及联系方式(保密)")] = "",
) -> ObjectionRaised:
    """Object to one project on a notice; anybody may. It stands still until the answer, the others go on.

    Further objections are taken in beside the first; one that comes after the notice has ended is taken in as a
    petition. Raises ``Refusal`` ``publicity.objector_unnamed`` (ZY-24) where policy takes no anonymous ones.
    """
    with ctx.writing() as session:
        row = held(session, notice)
        project = project_of(session, row.project_id)
        policy = ctx.policy(region=project.region)
        rules.check_objector(named=bool(objector.strip()), policy=policy)
        objection = _new_objection(session, ctx, row, policy, matter=matter, objector=objector)
        due = objection.answer_due_on.isoformat()
        payload = {"notice_id": row.id, "objection_id": objection.id, "answer_due_on": due}
        if objection.late:
            events.on_project(session, ctx, project.id, "publicity.petition_recorded", payload)
        elif row.paused_on is None:
            row.paused_on = ctx.as_of
            session.add(row)
            work.close_item(session, ctx, kind=CLOSING, subject_id=row.id)
            transition.apply(session, ctx, project, payload=payload)
        else:
            events.on_project(session, ctx, project.id, "publicity.objection_added", payload)
        return ObjectionRaised(
            id=objection.id,
            state=f"project.{project.state}",
            answer_due_on=objection.answer_due_on,
            late=objection.late,
        )


def _new_objection(
    session: Session, ctx: Context, row: PublicityNotice, policy: Policy, *, matter: str, objector: str
) -> Objection:
    vault = ctx.services.vault
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.publicity.objection_working_days)
    objection = Objection(
        id=ctx.new_id("obj"),
        notice_id=row.id,
        ordinal=len(objections_of(session, row.id)) + 1,
        objector_sealed=vault.seal(objector or ctx.actor.id),
        matter_sealed=vault.seal(matter),
        raised_on=ctx.as_of,
        answer_due_on=due.date,
        raised_by=vault.lookup(str(ctx.actor)),
        late=_is_late(session, ctx, row),
    )
    session.add(objection)
    session.flush()
    work.open_item(
        session,
        ctx,
        kind=ANSWERING,
        role=Role.EVALUATION_OFFICE,
        subject_kind="objection",
        subject_id=objection.id,
        project_id=row.project_id,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause("publicity.objection_working_days"),
        resolves_with=ANSWERING,
    )
    return objection


def _is_late(session: Session, ctx: Context, row: PublicityNotice) -> bool:
    return rules.is_late(
        closed_on=row.closed_on,
        paused=row.paused_on is not None,
        ends_on=recount(session, ctx, row).date,
        readable=readable_on(session, sheet_id=row.sheet_id, on=ctx.as_of),
        as_of=ctx.as_of,
        policy=pinned(session, ctx, row),
    )


@command("publicity.answer_objection", roles=HANDLERS, clause="ZY-24")
def answer_objection(
    ctx: Context,
    *,
    objection: str,
    outcome: Annotated[Literal["rejected", "upheld"], Field(description="处理结论")],
    reply: Annotated[str, Field(min_length=2, max_length=5000, description="答复内容(将在公示结果中公开)")],
) -> ObjectionAnswered:
    """Answer an objection and file the handling sheet. Upheld: the notice is withdrawn, the project is reviewed again.
    Rejected, and no other waits: the notice goes on as policy says (restarted, extended, or as it was).

    Raises ``Refusal`` ``publicity.answered``, ``publicity.own_objection``; ``DataFault`` ``publicity.leak`` for
    personal data in the reply.
    """
    with ctx.reading() as session:
        one = _unanswered(session, objection)
        rules.check_answerer(own=_raised_by(ctx, one))
        publicity_papers.Printer.of(session, ctx).check({"reply": reply})
        sheet = _sheet(session, ctx, one, outcome=outcome, reply=reply)
        notice = session.get_one(PublicityNotice, one.notice_id)
        withdrawn = outcome == "upheld" and notice.closed_on is None and not one.late
        told = Told(ctx.as_of, notice.ends_on, ctx.as_of, "upheld", Answer(one.id, outcome, reply))
        closing = publicity_papers.closing(session, ctx, notice=notice, told=told) if withdrawn else None
    printed = project_papers.printed(ctx, kind="objection_sheet", view=sheet)
    with ctx.writing() as session:
        row = held(session, _unanswered(session, objection).notice_id)
        one = _unanswered(session, objection)
        one.reply_sealed = ctx.services.vault.seal(reply)
        project = project_of(session, row.project_id)
        document = project_papers.filed(session, ctx, project=project.id, stage="publicity", printed=printed)
        if closing is not None and row.closed_on is None and not one.late:
            publicity_papers.file_closing(session, ctx, notice=row, project=project, closing=closing)
        _settle(session, ctx, row, one, outcome=outcome, payload={"outcome": outcome, "document_id": document})
        return ObjectionAnswered(
            id=one.id,
            outcome=outcome,
            state=f"project.{project.state}",
            ends_on=row.ends_on if row.closed_on is None else None,
            document=document,
        )


@command("publicity.withdraw_objection", roles=_ANYBODY, clause="ZY-24")
def withdraw_objection(
    ctx: Context,
    *,
    objection: str,
    request: Annotated[Upload | None, Field(description="异议人书面撤回材料(评审机制办公室代为登记时必填)")] = None,
) -> ObjectionWithdrawn:
    """Withdraw one's own objection; the office enters a withdrawal with the objector's written request.

    The days of the handling are given back, the clock never starts anew. Raises ``Refusal`` ``publicity.not_objector``,
    ``publicity.answered``.
    """
    with ctx.writing() as session:
        row = held(session, _unanswered(session, objection).notice_id)
        one = _unanswered(session, objection)
        own = one.raised_by == ctx.services.vault.lookup(str(ctx.actor))
        office = ctx.actor.role is Role.EVALUATION_OFFICE
        rules.check_withdrawal(own=own, office=office, request=request is not None)
        project = project_of(session, row.project_id)
        payload: dict[str, Any] = {}
        if request is not None:
            payload["document_id"] = publicity_papers.file_received(
                session,
                ctx,
                project=project,
                upload=request,
                kind="objection_withdrawal",
                title="publicity.withdrawal.title",
                issuer=sentence("publicity.sheet.protected"),
            )
        _settle(session, ctx, row, one, outcome="withdrawn", payload=payload)
        ends_on = row.ends_on if row.closed_on is None else None
        return ObjectionWithdrawn(id=one.id, state=f"project.{project.state}", ends_on=ends_on)


def _settle(
    session: Session, ctx: Context, row: PublicityNotice, one: Objection, *, outcome: str, payload: dict[str, Any]
) -> None:
    """Close an objection and let its project go on, go back, or wait for the other objections."""
    one.outcome, one.answered_on = outcome, ctx.as_of
    session.add(one)
    session.flush()
    work.close_item(session, ctx, kind=ANSWERING, subject_id=one.id)
    project = project_of(session, row.project_id)
    others = any(other.answered_on is None and not other.late for other in objections_of(session, row.id))
    facts = {"notice_id": row.id, "objection_id": one.id, **payload}
    move = outcome if outcome != "withdrawn" else ""
    if one.late or row.closed_on is not None or (outcome != "upheld" and others):
        kind = "publicity.objection_answered" if move else "publicity.objection_withdrawn"
        events.on_project(session, ctx, project.id, kind, facts)
        return
    if outcome == "upheld":
        row.closed_on, row.result = ctx.as_of, "upheld"
    else:
        row.paused_on = None
        wind(session, ctx, row)
        facts |= {"ends_on": row.ends_on.isoformat(), "provisional": row.provisional}
    session.add(row)
    transition.apply(session, ctx, project, payload=facts, outcome=move)


def _unanswered(session: Session, objection: str) -> Objection:
    one = found(session.get(Objection, objection, populate_existing=True), kind="objection", id=objection)
    if one.answered_on is not None:
        facts = {"answered_on": one.answered_on.isoformat()}
        raise Refusal("publicity.answered", rule="SYS-OBJECTION", facts=facts)
    return one


def _raised_by(ctx: Context, one: Objection) -> bool:
    """Say whether the actor's account raised an objection, in whichever role."""
    return any(one.raised_by == ctx.services.vault.lookup(str(Actor(role, ctx.actor.id))) for role in Role)


def _sheet(session: Session, ctx: Context, one: Objection, *, outcome: str, reply: str) -> dict[str, Any]:
    notice = session.get_one(PublicityNotice, one.notice_id)
    project = project_of(session, notice.project_id)
    return sheet_view(
        sheet=project_papers.sheet(session, ctx, project, sources=SHEET_SOURCES),
        issuer=body_name(policy=ctx.policy(region=project.region), role=ctx.actor.role),
        one=one,
        outcome=outcome,
        matter=ctx.services.vault.open(one.matter_sealed),
        reply=reply,
    )
