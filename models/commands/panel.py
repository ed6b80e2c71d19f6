"""What members of a review panel do (S05): declare a tie, step aside, hand in a sheet.

An expert acts as oneself, by roster id or account; the office may act for an expert, but never scores. Scores go to the
database, never into an event.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, seats, work
from models.commands.roster import EXPERT_STREAM, TieGiven, as_tie, keep_version
from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.queries.reader import found, project_of
from models.queries.review import is_vacant, seats_of, sheets_of
from models.rules import review as rules
from models.tables.review import Expert, ReviewRound, ReviewSeat, ReviewSheet

Score = Annotated[Decimal, Field(max_digits=6, decimal_places=2)]


class SeatLeft(BaseModel):
    """The seat that was left and who takes it; ``substitute`` is ``None`` when the roster has nobody left."""

    model_config = ConfigDict(frozen=True)

    id: str
    substitute: str | None
    due_on: date | None


class TieDeclared(BaseModel):
    """The expert, and the open rounds the tie made the expert leave."""

    model_config = ConfigDict(frozen=True)

    id: str
    left: tuple[str, ...]


class SheetSubmitted(BaseModel):
    """The stored sheet."""

    model_config = ConfigDict(frozen=True)

    id: str
    round: str


@command("review.declare_tie", roles=(Role.EXPERT, Role.EVALUATION_OFFICE), clause="SYS-RECUSAL")
def declare_tie(
    ctx: Context,
    *,
    organisation: Annotated[str, Field(min_length=1, description="单位名称或统一社会信用代码")],
    kind: Annotated[str, Field(description="利害关系类别")] = "other",
    ended_on: Annotated[date | None, Field(description="关系终止日期;仍存在的不填")] = None,
    expert: Annotated[str | None, Field(description="专家编号;本人申报的不填")] = None,
) -> TieDeclared:
    """Add a tie to an expert's roster entry; a seat in an open round the tie forbids is left at once.

    Raises ``Refusal`` ``review.unknown_tie``, ``review.expert_unnamed``, ``review.not_your_seat``.
    """
    given = TieGiven(organisation=organisation, kind=kind, ended_on=ended_on)
    with ctx.writing() as session:
        row = acting_expert(session, ctx, expert)
        policy = ctx.policy(region=row.region)
        rules.check_expert(category=row.category, ties=(as_tie(given),), policy=policy)
        row.ties = [*row.ties, given.model_dump(mode="json")]
        row.version += 1
        keep_version(session, ctx, row)
        events.append(
            session,
            ctx,
            stream_kind=EXPERT_STREAM,
            stream_id=row.id,
            type="expert.tie_declared",
            payload={"expert_id": row.id, "kind": kind, "ties": len(row.ties)},
        )
        left = seats.leave_tied(session, ctx, member=row, reason=sentence("review.tie_declared"))
        return TieDeclared(id=row.id, left=left)


@command("review.recuse", roles=(Role.EXPERT, Role.EVALUATION_OFFICE), clause="SYS-RECUSAL")
def recuse(
    ctx: Context,
    *,
    round: str,
    reason: Annotated[str, Field(min_length=2, description="回避或者退出原因")],
    expert: Annotated[str | None, Field(description="专家编号;本人申请的不填")] = None,
    request: Annotated[Upload | None, Field(description="专家书面申请(评审机制办公室代为登记时用)")] = None,
) -> SeatLeft:
    """Leave a seat: the sheet is voided, not deleted, and the next free alternate takes over with the full time.

    The office may do it for an expert who let the last day pass without a sheet, who has a recorded tie, or who asked
    for it in writing. On a seat that stayed empty it looks for a substitute again. Raises ``Refusal``
    ``review.recusal_unfounded`` (SYS-RECUSAL), ``review.round_closed``, ``review.seat_left``,
    ``review.not_your_seat``, ``review.expert_unnamed``.
    """
    with ctx.writing() as session:
        row = seats.open_round_of(session, round)
        member = acting_expert(session, ctx, expert)
        seat = seat_of(session, row, member)
        if ctx.actor.role is not Role.EXPERT and seat.recused_on is None:
            _check_founded(session, ctx, row, seat, member, request=request is not None)
        if request is not None:
            _file_request(session, ctx, row, request)
        successor = seats.leave(session, ctx, round=row, left=seat, reason=reason)
        return SeatLeft(
            id=seat.id,
            substitute=successor.expert_id if successor else None,
            due_on=successor.due_on if successor else None,
        )


def _check_founded(
    session: Session, ctx: Context, round: ReviewRound, seat: ReviewSeat, member: Expert, *, request: bool
) -> None:
    scored = member.id in sheets_of(session, round.id)
    rules.check_founded(
        overdue=not scored and ctx.as_of > seat.due_on,
        tied=seats.is_tied(session, ctx, round=round, member=member),
        request=request,
        due_on=seat.due_on,
    )


def _file_request(session: Session, ctx: Context, round: ReviewRound, request: Upload) -> None:
    project = project_of(session, round.project_id)
    documents.file_upload(
        session,
        ctx,
        stored=request,
        project_id=project.id,
        stage="review",
        kind="recusal_request",
        title=sentence("review.recusal.title", {"project": project.name}),
        issuer=ROLE_NAMES[Role.EXPERT],
    )


class SeatsFilled(BaseModel):
    """How many empty seats of the round were taken, and how many stay empty."""

    model_config = ConfigDict(frozen=True)

    id: str
    filled: int
    vacant: int


@command("review.fill_seats", roles=(Role.EVALUATION_OFFICE,), clause="ZY-20")
def fill_seats(ctx: Context, *, round: str) -> SeatsFilled:
    """Look again for substitutes of the seats nobody could take, after the roster has grown.

    Raises ``Refusal`` ``review.round_closed``.
    """
    with ctx.writing() as session:
        row = seats.open_round_of(session, round)
        vacant = [seat for seat in seats_of(session, row.id) if is_vacant(seat)]
        reason = sentence("review.seat_refilled")
        taken = [seats.leave(session, ctx, round=row, left=seat, reason=reason) for seat in vacant]
        filled = sum(seat is not None for seat in taken)
        return SeatsFilled(id=row.id, filled=filled, vacant=len(vacant) - filled)


@command("review.submit_score", roles=(Role.EXPERT,), clause="ZY-22", on_the_day=(Role.EXPERT,))
def submit_score(
    ctx: Context,
    *,
    round: str,
    scores: Annotated[dict[str, Score], Field(description="评分")],
    reasons: Annotated[dict[str, str], Field(description="评分理由")],
) -> SheetSubmitted:
    """Hand in one's sheet, once. The very same sheet again is answered with the one already there.

    Raises ``Refusal`` ``review.sheet_invalid`` (ZY-22), ``review.score_after_close``, ``review.seat_left``,
    ``review.already_scored``, ``review.not_your_seat``.
    """
    with ctx.writing() as session:
        row = seats.locked_round(session, round)
        expert = acting_expert(session, ctx, None)
        seat = seat_of(session, row, expert)
        recused, closed = seat.recused_on is not None, row.closed_on is not None
        rules.check_may_score(recused=recused, closed=closed, due_on=seat.due_on, as_of=ctx.as_of)
        policy = ctx.policy(region=project_of(session, row.project_id).region, on=row.opened_on)
        rules.check_form(form=row.sheet_form, policy=policy)
        rules.check_sheet(scores=scores, reasons=reasons, policy=policy)
        written = {code: format(score, "f") for code, score in scores.items()}
        earlier = sheets_of(session, row.id).get(expert.id)
        if earlier is not None:
            if (earlier.scores, earlier.reasons) != (written, reasons):
                raise Refusal("review.already_scored", rule="SYS-ONE-SHEET")
            return SheetSubmitted(id=earlier.id, round=row.id)
        salt = ctx.services.seeds.seed(draw_id=seat.id)
        sheet = ReviewSheet(
            id=ctx.new_id("sheet"),
            round_id=row.id,
            expert_id=expert.id,
            scores=written,
            reasons=reasons,
            salt=salt,
            digest=digest({"seat": seat.id, "scores": written, "reasons": reasons, "salt": salt}),
            submitted_on=ctx.as_of,
        )
        session.add(sheet)
        work.close_item(session, ctx, kind=seats.SCORING, subject_id=seat.id)
        events.on_project(
            session,
            ctx,
            row.project_id,
            "review.score_submitted",
            {"round_id": row.id, "seat_id": seat.id, "expert_id": expert.id, "sheet_digest": sheet.digest},
        )
        return SheetSubmitted(id=sheet.id, round=row.id)


def acting_expert(session: Session, ctx: Context, expert_id: str | None) -> Expert:
    """Return the expert an act concerns: the one named by the office, or the actor's own roster entry."""
    if ctx.actor.role is not Role.EXPERT:
        if expert_id is None:
            raise Refusal("review.expert_unnamed", rule="SYS-ARGUMENTS")
        return found(session.get(Expert, expert_id), kind="expert", id=expert_id)
    own = (
        session.get(Expert, ctx.actor.id)
        or session.exec(select(Expert).where(col(Expert.account) == ctx.actor.id)).one_or_none()
    )
    if own is None or expert_id not in (None, own.id):
        raise Refusal("review.not_your_seat", rule="SYS-ROLE")
    return own


def seat_of(session: Session, round: ReviewRound, expert: Expert) -> ReviewSeat:
    """Return the expert's seat in a round. Raises ``Refusal`` ``review.not_your_seat``."""
    seat = session.exec(
        select(ReviewSeat).where(col(ReviewSeat.round_id) == round.id, col(ReviewSeat.expert_id) == expert.id)
    ).one_or_none()
    if seat is None:
        raise Refusal("review.not_your_seat", rule="SYS-ROLE")
    return seat
