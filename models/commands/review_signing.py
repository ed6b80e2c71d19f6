"""Signing the final opinion of a review (S05, ZY-23): each member over its digest; the last one needed ends the stage.

Called after ``commands.review_close`` has filed the opinion. A dissent is signed with it, a refusal is recorded with
its reason; nothing a member said enters an event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, seats, transition, work
from models.commands.panel import acting_expert, seat_of
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.hashing import canonical_json
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.ports import StoredObject
from models.queries.publicity import latest_round
from models.queries.reader import project_of
from models.queries.review import seats_of
from models.queries.review_signing import signatures_of
from models.rules import review_signing as rules
from models.rules.bodies import body_name
from models.tables.kernel import Document
from models.tables.review import ReviewRound, ReviewSeat, ReviewSignature

SIGNING: Final = "review.sign_opinion"


class OpinionSigned(BaseModel):
    """What was recorded: a signature or a refusal, the project's state, how many signatures stand and are needed."""

    model_config = ConfigDict(frozen=True)

    id: str
    signed: bool
    state: str
    signatures: int
    needed: int


@dataclass(frozen=True)
class _Act:
    """A signature about to be recorded: the round, the seat, the opinion's digest, the statement that is filed."""

    round_id: str
    seat_id: str
    expert_id: str
    opinion_sha256: str
    signed: bool
    said: str
    number: int
    statement: bytes


def ask_for_signatures(
    session: Session, ctx: Context, *, round: ReviewRound, sitting: list[ReviewSeat], policy: Policy
) -> None:
    """Open the work item of each member's signature; called when the opinion was filed."""
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.review.signing_working_days)
    for seat in sitting:
        work.open_item(
            session,
            ctx,
            kind=SIGNING,
            role=Role.EXPERT,
            subject_kind="review_seat",
            subject_id=seat.id,
            project_id=round.project_id,
            due_on=due.date,
            provisional=due.provisional,
            clause="ZY-23",
            resolves_with=SIGNING,
        )


def drop_signatures(session: Session, ctx: Context, *, round_id: str) -> None:
    """Close what still waits for a signature: the opinion cannot stand, a new review follows."""
    for seat in seats_of(session, round_id):
        work.close_item(session, ctx, kind=SIGNING, subject_id=seat.id)


@command(SIGNING, roles=(Role.EXPERT, Role.EVALUATION_OFFICE), clause="ZY-23")
def sign_opinion(
    ctx: Context,
    *,
    round: str,
    opinion_sha256: Annotated[str, Field(min_length=64, max_length=64, description="所签评审意见的摘要(SHA-256)")],
    dissent: Annotated[str, Field(max_length=5000, description="保留的不同意见,随签名一并存档")] = "",
    refusal: Annotated[str, Field(max_length=2000, description="拒绝签名的原因;签名的不填")] = "",
    expert: Annotated[str | None, Field(description="专家编号;本人签名的不填")] = None,
) -> OpinionSigned:
    """Sign the final opinion of a closed round over its digest, with a dissent if need be, or refuse to sign it.

    The signature that completes the quorum moves the project to ``reviewed``. The office may record a refusal for a
    member who let the last day pass. Raises ``Refusal`` ``review.opinion_not_filed``, ``review.other_opinion``,
    ``review.signed_by_another``, ``review.not_overdue``, ``review.dissent_is_signed`` (ZY-23),
    ``review.signature_not_asked``, ``review.opinion_signed``, ``review.opinion_overtaken``, ``review.conflicted``,
    ``review.not_your_seat``.
    """
    with ctx.reading() as session:
        act, policy = _act(session, ctx, round, opinion_sha256, dissent.strip(), refusal.strip(), expert)
    stored = documents.keep(ctx, data=act.statement, media_type="application/json")
    proof = documents.keep(ctx, data=ctx.services.signer.sign(act.statement), media_type="application/pkcs7-signature")
    with ctx.writing() as session:
        row = seats.locked_round(session, act.round_id)
        project = project_of(session, row.project_id)
        seat = session.get_one(ReviewSeat, act.seat_id)
        _check_again(session, row, seat, refusing=not act.signed)
        document = documents.file_upload(
            session,
            ctx,
            stored=stored,
            project_id=project.id,
            stage="review",
            kind="opinion_signature",
            title=sentence("review.signature.title", {"project": project.name, "number": act.number}),
            issuer=body_name(policy=policy, role=Role(policy.review.convener)),
        )
        signature = _recorded(session, ctx, act, document=document.id, proof=proof)
        if act.signed:
            work.close_item(session, ctx, kind=SIGNING, subject_id=seat.id)
        count = sum(one.signed for one in signatures_of(session, row.id))
        needed = rules.signatures_needed(policy=policy)
        payload = _payload(act, signature, count=count)
        events.on_project(
            session, ctx, project.id, "review.opinion_signed" if act.signed else "review.signature_refused", payload
        )
        if act.signed and count == needed:
            summary = {"round_id": row.id, "passed": row.passed, "opinion_sha256": act.opinion_sha256}
            transition.apply(session, ctx, project, payload=summary | {"signatures": count})
        return OpinionSigned(
            id=signature.id, signed=act.signed, state=f"project.{project.state}", signatures=count, needed=needed
        )


def _act(
    session: Session, ctx: Context, round_id: str, given: str, dissent: str, refusal: str, expert_id: str | None
) -> tuple[_Act, Policy]:
    row = seats.locked_round(session, round_id)
    project = project_of(session, row.project_id)
    policy = ctx.policy(region=project.region, on=row.opened_on)
    seat = seat_of(session, row, acting_expert(session, ctx, expert_id))
    if seat.recused_on is not None:
        raise Refusal("review.conflicted", rule="SYS-RECUSAL")
    needed = rules.signatures_needed(policy=policy)
    rules.check_opinion_there(filed=row.opinion_document_id is not None, needed=needed)
    filed = session.get_one(Document, row.opinion_document_id).sha256
    rules.check_same_opinion(given=given, filed=filed)
    overdue = row.closed_on is not None and ctx.as_of > _last_day(ctx, row.closed_on, policy)
    rules.check_act(by_office=ctx.actor.role is not Role.EXPERT, refusal=refusal, dissent=dissent, overdue=overdue)
    _check_again(session, row, seat, refusing=bool(refusal))
    statement = {
        "kind": "opinion_signature",
        "project": project.id,
        "round": row.id,
        "opinion_sha256": filed,
        "expert": seat.ordinal,
        "signed": not refusal,
        "dissent": dissent,
        "refusal": refusal,
        "recorded_by": ctx.actor.role.value,
        "on": ctx.as_of.isoformat(),
    }
    said = dissent or refusal
    return _Act(
        row.id, seat.id, seat.expert_id, filed, not refusal, said, seat.ordinal, canonical_json(statement)
    ), policy


def _last_day(ctx: Context, closed_on: date, policy: Policy) -> date:
    return ctx.services.calendar.add_working_days(closed_on, days=policy.review.signing_working_days).date


def _check_again(session: Session, row: ReviewRound, seat: ReviewSeat, *, refusing: bool) -> None:
    newest = latest_round(session, row.project_id)
    rules.check_newest(newest=newest is not None and newest.id == row.id)
    acts = [one.signed for one in signatures_of(session, seat.round_id) if one.seat_id == seat.id]
    rules.check_not_yet(signed=True in acts, refused=False in acts, refusing=refusing)


def _recorded(session: Session, ctx: Context, act: _Act, *, document: str, proof: StoredObject) -> ReviewSignature:
    row = ReviewSignature(
        id=ctx.new_id("sig", act.seat_id),
        round_id=act.round_id,
        seat_id=act.seat_id,
        expert_id=act.expert_id,
        opinion_sha256=act.opinion_sha256,
        signed=act.signed,
        said=act.said,
        document_id=document,
        signature_sha256=proof.sha256,
        acted_on=ctx.as_of,
    )
    session.add(row)
    session.flush()
    return row


def _payload(act: _Act, signature: ReviewSignature, *, count: int) -> dict[str, object]:
    return {
        "round_id": act.round_id,
        "seat_id": act.seat_id,
        "signature_id": signature.id,
        "opinion_sha256": act.opinion_sha256,
        "dissent": act.signed and bool(act.said),
        "signatures": count,
    }
