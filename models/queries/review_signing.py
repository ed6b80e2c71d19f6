"""Reads of the final opinion's signatures (S05, ZY-23): who signed it, who refused, whether it stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.reader import Reader, found, project_of
from models.queries.review import seat_in, seats_of
from models.rules.review_signing import cannot_stand, signatures_needed
from models.tables.kernel import Document, Project
from models.tables.review import Expert, ReviewRound, ReviewSignature

_VIEWERS = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.EXPERT,
    Role.DISCIPLINE_SUPERVISION,
    Role.AUDIT_BODY,
    Role.SYSTEM,
)


class SignatureView(BaseModel):
    """One act: by which expert, signed or refused, the dissent or reason, and the filed statement."""

    model_config = ConfigDict(frozen=True)

    expert: str
    signed: bool
    said: str
    on: date
    document: str


class SignaturesView(BaseModel):
    """The opinion's digest and its signatures. ``standing`` is ``open`` (not filed yet), ``waiting``, ``signed`` (with
    the signatures needed, 0 where none are) or ``void`` (too many refused: a new review is due).
    """

    model_config = ConfigDict(frozen=True)

    round: str
    opinion_sha256: str | None
    standing: str
    needed: int
    signed: int
    declined: int
    acts: tuple[SignatureView, ...]


@query("review.signatures", roles=_VIEWERS, clause="ZY-23")
def signatures(reader: Reader, *, round: str) -> SignaturesView:
    """Return who signed the final opinion of a round and who refused.

    Raises ``Refusal`` ``review.conflicted`` or ``review.not_your_seat`` for experts who do not sit on the panel.
    """
    session = reader.session
    row = found(session.get(ReviewRound, round), kind="round", id=round)
    seats = seats_of(session, row.id)
    seat_in(seats, {seat.expert_id: session.get_one(Expert, seat.expert_id) for seat in seats}, reader.actor)
    policy = reader.policies.resolve(region=project_of(session, row.project_id).region, on=row.opened_on)
    acts, needed = signatures_of(session, row.id), signatures_needed(policy=policy)
    signed, refused = tally_of(acts)
    sitting = sum(seat.recused_on is None for seat in seats)
    return SignaturesView(
        round=row.id,
        opinion_sha256=session.get_one(Document, row.opinion_document_id).sha256 if row.opinion_document_id else None,
        standing=_standing(row, sitting=sitting, signed=signed, refused=refused, needed=needed),
        needed=needed,
        signed=signed,
        declined=refused,
        acts=tuple(
            SignatureView(
                expert=one.expert_id, signed=one.signed, said=one.said, on=one.acted_on, document=one.document_id
            )
            for one in acts
        ),
    )


def _standing(row: ReviewRound, *, sitting: int, signed: int, refused: int, needed: int) -> str:
    if row.closed_on is None:
        return "open"
    if signed >= needed:
        return "signed"
    return "void" if cannot_stand(sitting=sitting, refused=refused, needed=needed) else "waiting"


def signatures_of(session: Session, round_id: str) -> list[ReviewSignature]:
    """Return what the members of a round did with its opinion, in the order of the days."""
    return list(
        session.exec(
            select(ReviewSignature)
            .where(col(ReviewSignature.round_id) == round_id)
            .order_by(col(ReviewSignature.acted_on), col(ReviewSignature.id))
        ).all()
    )


def tally_of(acts: list[ReviewSignature]) -> tuple[int, int]:
    """Return how many members signed, and how many refused and did not sign afterwards."""
    signed = {one.seat_id for one in acts if one.signed}
    return len(signed), len({one.seat_id for one in acts} - signed)


def unsigned_for_good(session: Session, project: Project, *, policy: Callable[[date], Policy]) -> str | None:
    """Return the newest round of a project when its opinion cannot stand any more (too many refused), else ``None``.

    ``policy`` gives the policy of a day; that of the round's opening day counts.
    """
    newest = session.exec(
        select(ReviewRound).where(col(ReviewRound.project_id) == project.id).order_by(col(ReviewRound.ordinal).desc())
    ).first()
    if newest is None or newest.closed_on is None:
        return None
    signed, refused = tally_of(signatures_of(session, newest.id))
    needed = signatures_needed(policy=policy(newest.opened_on))
    sitting = sum(seat.recused_on is None for seat in seats_of(session, newest.id))
    void = signed < needed and cannot_stand(sitting=sitting, refused=refused, needed=needed)
    return newest.id if void else None
