"""Seeds of draws: made by the system, committed to in an event before the draw, revealed by it.

Called by the commands that draw people (``commands.review``, ``commands.negotiation``) inside their transactions. The
commitment names the roster as it stood; whoever changes the roster afterwards must have a new seed committed. A seed
typed by a caller is taken in rehearsal only, so that recorded cases replay.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from models.commands import events
from models.context import Context
from models.core.errors import Refusal
from models.core.messages import sentence
from models.rules.draw import commitment_of
from models.tables.draw import DrawCommitment

_RULE = "SYS-DRAW"


@dataclass(frozen=True)
class Seed:
    """A seed about to be used: the draw it is bound to, and the row of its commitment (``None``: typed, rehearsal)."""

    text: str
    draw_id: str
    commitment_id: str | None


def commit(
    session: Session,
    ctx: Context,
    *,
    draw_id: str,
    project_id: str,
    subject_id: str,
    roster_digest: str,
    seed: str,
    stream_kind: str = events.PROJECT_STREAM,
) -> DrawCommitment:
    """Publish the commitment of a seed in an event of the project's chain (or of another stream's) and keep the seed
    sealed."""
    row = DrawCommitment(
        id=ctx.new_id("dcm", draw_id),
        draw_id=draw_id,
        subject_id=subject_id,
        commitment=commitment_of(seed=seed, draw_id=draw_id),
        roster_digest=roster_digest,
        seed_sealed=ctx.services.vault.seal(seed),
        committed_on=ctx.as_of,
    )
    session.add(row)
    events.append(
        session,
        ctx,
        stream_kind=stream_kind,
        stream_id=project_id,
        type="draw.seed_committed",
        payload={
            "draw_id": draw_id,
            "subject_id": subject_id,
            "seed_commitment": row.commitment,
            "roster_digest": roster_digest,
        },
    )
    return row


def commit_fresh(
    session: Session,
    ctx: Context,
    *,
    draw_id: str,
    project_id: str,
    subject_id: str,
    roster_digest: str,
    stream_kind: str = events.PROJECT_STREAM,
) -> DrawCommitment:
    """Commit to a seed the system makes. One that stands for the same roster is returned; an older one is overtaken."""
    earlier = standing(session, subject_id=subject_id)
    if earlier is not None and earlier.roster_digest == roster_digest:
        return earlier
    if earlier is not None:
        earlier.overtaken_on = ctx.as_of
        session.add(earlier)
    seed = ctx.services.seeds.seed(draw_id=draw_id)
    return commit(
        session,
        ctx,
        draw_id=draw_id,
        project_id=project_id,
        subject_id=subject_id,
        roster_digest=roster_digest,
        seed=seed,
        stream_kind=stream_kind,
    )


def standing(session: Session, *, subject_id: str) -> DrawCommitment | None:
    """Return the commitment that waits for its draw, ``None`` when there is none."""
    return session.exec(
        select(DrawCommitment).where(
            col(DrawCommitment.subject_id) == subject_id,
            col(DrawCommitment.revealed_on).is_(None),
            col(DrawCommitment.overtaken_on).is_(None),
        )
    ).one_or_none()


def seed_for(
    session: Session,
    ctx: Context,
    *,
    subject_id: str,
    roster_digest: str,
    typed: str | None,
    draw_id: str,
    command: str,
) -> Seed:
    """Return the seed a draw must use: the committed one, or in rehearsal the typed one bound to ``draw_id``.

    ``command`` is the one that commits, named in the way out. Raises ``Refusal`` (SYS-DRAW) ``draw.seed_typed`` outside
    rehearsal, ``draw.seed_uncommitted``, ``draw.roster_changed``.
    """
    if typed is not None:
        if not ctx.services.rehearsal:
            raise Refusal("draw.seed_typed", rule=_RULE)
        return Seed(typed, draw_id, None)
    row = standing(session, subject_id=subject_id)
    if row is None:
        raise Refusal("draw.seed_uncommitted", rule=_RULE, facts={"command": sentence(f"command.{command}")})
    if row.roster_digest != roster_digest:
        raise Refusal("draw.roster_changed", rule=_RULE, facts={"command": sentence(f"command.{command}")})
    return Seed(ctx.services.vault.open(row.seed_sealed), row.draw_id, row.id)


def reveal(
    session: Session,
    ctx: Context,
    seed: Seed,
    *,
    project_id: str,
    subject_id: str,
    roster_digest: str,
    stream_kind: str = events.PROJECT_STREAM,
) -> None:
    """Mark a seed as used by its draw; a typed one is committed to first, so that every draw has its commitment.

    Call it before the event of the draw. Raises ``Refusal`` ``draw.seed_uncommitted`` when it was used meanwhile.
    """
    if seed.commitment_id is None:
        row = commit(
            session,
            ctx,
            draw_id=seed.draw_id,
            project_id=project_id,
            subject_id=subject_id,
            roster_digest=roster_digest,
            seed=seed.text,
            stream_kind=stream_kind,
        )
    else:
        row = session.get_one(DrawCommitment, seed.commitment_id, with_for_update=True)
        if row.revealed_on is not None or row.overtaken_on is not None:
            raise Refusal("draw.seed_uncommitted", rule=_RULE, facts={"command": ctx.command})
    row.revealed_on = ctx.as_of
    session.add(row)
    session.flush()


def commit_and_reveal(session: Session, ctx: Context, seed: Seed, *, project_id: str, roster_digest: str) -> None:
    """Record a seed the system made within the act that uses it: nobody could choose when to ask for another."""
    reveal(session, ctx, seed, project_id=project_id, subject_id=seed.draw_id, roster_digest=roster_digest)
