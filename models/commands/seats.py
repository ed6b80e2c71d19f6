"""Seats of a review panel: taking one, leaving one, finding the substitute. Called by ``commands.review`` and
``commands.panel`` inside their transaction. Nothing is deleted: a left seat and its sheet stay, marked with the day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlmodel import Session, col, select

from models.commands import documents, draws, events, work
from models.context import Context
from models.core.actors import Role
from models.core.calendar import Due
from models.core.errors import Refusal
from models.core.hashing import canonical_json
from models.core.messages import sentence
from models.policy.schema import Policy
from models.queries.reader import found, project_of
from models.queries.review import empty_seats, kin_of, parties_of, roles_of, seats_of, sheets_of, ties_of
from models.rules.bodies import body_name
from models.rules.draw import Candidate, conflict_of
from models.rules.review import Substitute, choose_substitute, standing_roles, standing_ties
from models.tables.review import Expert, ReviewRound, ReviewSeat

SCORING = "review.submit_score"
SHORT = "review.fill_seats"


def locked_round(session: Session, round_id: str) -> ReviewRound:
    """Return a round and hold it, so that a sheet handed in while it is being closed must wait."""
    return found(session.get(ReviewRound, round_id, with_for_update=True), kind="round", id=round_id)


def open_round_of(session: Session, round_id: str) -> ReviewRound:
    """Return a round that is still open, held. Raises ``Refusal`` ``review.round_closed``."""
    row = locked_round(session, round_id)
    if row.closed_on is not None:
        raise Refusal("review.round_closed", rule="SYS-REVIEW-CLOSED", facts={"closed_on": row.closed_on.isoformat()})
    return row


def roster_of(session: Session, *, region: str) -> list[Expert]:
    """Return the experts of a region's roster in ascending order of id."""
    return list(session.exec(select(Expert).where(col(Expert.region) == region).order_by(col(Expert.id))).all())


def candidates(experts: Iterable[Expert], *, on: date, policy: Policy) -> tuple[Candidate, ...]:
    """Return experts as the draw takes them: employer, standing ties, recent roles, organisations of relatives.

    A relative known by name is a token (``relative_token``) that the project's parties list when the names meet: no
    name and no hash of one leaves the roster.
    """
    return tuple(
        Candidate(
            expert.id,
            expert.category,
            expert.employer,
            standing_ties(ties=ties_of(expert), on=on, policy=policy),
            standing_roles(past_roles=roles_of(expert), on=on, policy=policy),
            kin_of(expert),
        )
        for expert in experts
    )


def seat(
    session: Session, ctx: Context, *, round: ReviewRound, expert: Expert, ordinal: int, due: Due, policy: Policy
) -> ReviewSeat:
    """Give an expert a seat and open the work item of its sheet."""
    row = ReviewSeat(
        id=ctx.new_id("seat", round.id, expert.id),
        round_id=round.id,
        expert_id=expert.id,
        ordinal=ordinal,
        category=expert.category,
        due_on=due.date,
        provisional=due.provisional,
    )
    session.add(row)
    session.flush()
    work.open_item(
        session,
        ctx,
        kind=SCORING,
        role=Role.EXPERT,
        subject_kind="review_seat",
        subject_id=row.id,
        project_id=round.project_id,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause("review.scoring_working_days"),
        resolves_with=SCORING,
    )
    return row


def leave(session: Session, ctx: Context, *, round: ReviewRound, left: ReviewSeat, reason: str) -> ReviewSeat | None:
    """Void a seat with its sheet and seat the substitute; return the new seat, ``None`` when nobody is free.

    Called again on a seat that stayed empty it only looks for a substitute. A substitute has the whole scoring time.
    Raises ``Refusal`` ``review.seat_left`` when the seat was left and filled already.
    """
    if left.successor_id is not None:
        raise Refusal("review.seat_left", rule="SYS-RECUSAL")
    if left.recused_on is None:
        left.recused_on, left.reason_sealed = ctx.as_of, ctx.services.vault.seal(reason)
        sheet = sheets_of(session, round.id).get(left.expert_id)
        if sheet is not None:
            sheet.voided_on = ctx.as_of
            session.add(sheet)
        work.close_item(session, ctx, kind=SCORING, subject_id=left.id)
    policy = ctx.policy(region=project_of(session, round.project_id).region, on=round.opened_on)
    chosen = _substitute(session, ctx, round=round, left=left, policy=policy)
    successor = None
    if chosen is not None:
        full = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.review.scoring_working_days)
        due = full if full.date > round.closes_on else Due(round.closes_on, round.provisional)
        expert = session.get_one(Expert, chosen.expert_id)
        ordinal = len(seats_of(session, round.id)) + 1
        successor = seat(session, ctx, round=round, expert=expert, ordinal=ordinal, due=due, policy=policy)
        _record_draw(session, ctx, round=round, taken=successor, chosen=chosen, policy=policy)
        left.successor_id = successor.id
    session.add(left)
    session.flush()
    _watch_short(session, ctx, round=round, policy=policy)
    events.on_project(
        session,
        ctx,
        round.project_id,
        "review.recused",
        {
            "round_id": round.id,
            "seat_id": left.id,
            "expert_id": left.expert_id,
            "substitute_id": chosen.expert_id if chosen else None,
            "seed": chosen.drawn.seed if chosen and chosen.drawn else None,
            "draw_id": successor.draw_id if successor else None,
        },
    )
    return successor


def _record_draw(
    session: Session, ctx: Context, *, round: ReviewRound, taken: ReviewSeat, chosen: Substitute, policy: Policy
) -> None:
    """File the protocol of a substitute's own draw, which anybody can draw again; an alternate stands in the round's.

    The file is put while the transaction is open: the roster must not move between the draw and its record, and a file
    found by its digest does no harm when the transaction is given up.
    """
    if chosen.drawn is None:
        return
    project = project_of(session, round.project_id)
    used = draws.Seed(chosen.drawn.seed, chosen.drawn.draw_id, None)
    draws.commit_and_reveal(session, ctx, used, project_id=project.id, roster_digest=chosen.drawn.roster_digest)
    stored = documents.keep(ctx, data=canonical_json(chosen.protocol), media_type="application/json")
    filed = documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=project.id,
        stage="review",
        kind="draw_protocol",
        title=sentence("review.protocol.substitute", {"project": project.name, "number": taken.ordinal}),
        issuer=body_name(policy=policy, role=Role(policy.review.convener)),
    )
    taken.draw_id, taken.protocol_document_id = chosen.drawn.draw_id, filed.id
    session.add(taken)


def leave_tied(session: Session, ctx: Context, *, member: Expert, reason: str) -> tuple[str, ...]:
    """Void the seats in open rounds that an expert may not hold by what is on record now; return those rounds."""
    held = session.exec(
        select(ReviewSeat, ReviewRound)
        .join(ReviewRound, col(ReviewRound.id) == col(ReviewSeat.round_id))
        .where(col(ReviewSeat.expert_id) == member.id, col(ReviewSeat.recused_on).is_(None))
        .where(col(ReviewRound.closed_on).is_(None))
        .order_by(col(ReviewRound.id))
    ).all()
    tied = [(seat, one) for seat, one in held if is_tied(session, ctx, round=one, member=member)]
    for seat, one in tied:
        leave(session, ctx, round=locked_round(session, one.id), left=seat, reason=reason)
    return tuple(one.id for _, one in tied)


def is_tied(session: Session, ctx: Context, *, round: ReviewRound, member: Expert) -> bool:
    """Say whether an expert has a recorded conflict that forbids a seat in a round."""
    project = project_of(session, round.project_id)
    candidate = candidates((member,), on=ctx.as_of, policy=ctx.policy(region=member.region))[0]
    parties = parties_of(session, ctx.services.vault, project=project) | frozenset(round.conflicts)
    return conflict_of(candidate=candidate, conflicts_with=parties) is not None


def _watch_short(session: Session, ctx: Context, *, round: ReviewRound, policy: Policy) -> None:
    """Keep one work item open for the office while a seat of the panel is empty."""
    if not empty_seats(seats_of(session, round.id)):
        work.close_item(session, ctx, kind=SHORT, subject_id=round.id)
        return
    due_on = max(round.closes_on, ctx.as_of)
    work.open_item(
        session,
        ctx,
        kind=SHORT,
        role=Role.EVALUATION_OFFICE,
        subject_kind="review_round",
        subject_id=round.id,
        project_id=round.project_id,
        due_on=due_on,
        provisional=round.provisional,
        clause=policy.clause("review.panel_size"),
        resolves_with="review.fill_seats",
    )
    work.move_item(session, ctx, kind=SHORT, subject_id=round.id, due_on=due_on, provisional=round.provisional)


def _substitute(
    session: Session, ctx: Context, *, round: ReviewRound, left: ReviewSeat, policy: Policy
) -> Substitute | None:
    project = project_of(session, round.project_id)
    seats = seats_of(session, round.id)
    seated = {row.expert_id for row in seats}
    experts = {expert.id: expert for expert in roster_of(session, region=project.region)}
    alternates = [experts[name] for name in round.alternates if name not in seated]
    late = [one for one in experts.values() if one.id not in seated and one.id not in round.roster]
    draw_id = f"{round.id}/{len(seats) + 1}"
    return choose_substitute(
        leaving=left.category,
        staying=tuple(row.category for row in seats if row.recused_on is None),
        alternates=candidates(alternates, on=ctx.as_of, policy=policy),
        latecomers=candidates(late, on=ctx.as_of, policy=policy),
        conflicts_with=frozenset(round.conflicts) | parties_of(session, ctx.services.vault, project=project),
        seed=ctx.services.seeds.seed(draw_id=draw_id),
        policy=policy,
        draw_id=draw_id,
    )
