"""Commands of the expert review (S05): committing to the seed of a draw, and opening a round by that draw.

The roster stands in ``commands.roster``, what its members do in ``commands.panel``, their seats in ``commands.seats``,
the close in ``commands.review_close``. The policy of a round is that of its opening day (decision 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, draws, seats, transition
from models.commands.review_signing import drop_signatures
from models.context import Context
from models.core.actors import Role
from models.core.calendar import Due
from models.core.hashing import canonical_json
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.application import newest_application
from models.queries.reader import found, project_of
from models.queries.review import objection_upheld, parties_of
from models.queries.review_signing import unsigned_for_good
from models.rules import lifecycle
from models.rules import review as rules
from models.rules.application import check_reviewed
from models.rules.bodies import body_name
from models.rules.draw import Candidate, Draw, draw, protocol_of, roster_digest_of
from models.rules.feasibility_order import check_order
from models.rules.lifecycle import Thing
from models.tables.kernel import Project
from models.tables.review import Expert, ReviewRound

_OFFICE = (Role.EVALUATION_OFFICE, Role.SYSTEM)
_OPEN = "review.open_round"
_SUBMITTED = "submitted"


class RoundOpened(BaseModel):
    """The new round: its panel by expert id, and the last day for scores (``provisional``: it may still move)."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    panel: tuple[str, ...]
    alternates: tuple[str, ...]
    closes_on: date
    provisional: bool


class SeedCommitted(BaseModel):
    """The published digests: of the seed bound to the draw ``draw_id``, and of the roster it will be drawn from."""

    model_config = ConfigDict(frozen=True)

    id: str
    draw_id: str
    seed_commitment: str
    roster_digest: str


@dataclass(frozen=True)
class _Panel:
    """A drawn panel: the roster as drawn from, whom to leave out, the seed, the draw, its protocol, the last day."""

    policy: Policy
    roster: tuple[Candidate, ...]
    conflicts: frozenset[str]
    seed: draws.Seed
    drawn: Draw
    protocol: dict[str, Any]
    due: Due


@command("review.commit_seed", roles=_OFFICE, clause="SYS-DRAW")
def commit_seed(ctx: Context, *, project: str) -> SeedCommitted:
    """Let the system make the seed of a project's draw and publish its digest with the roster's, before the draw.

    Nobody reads the seed until ``review.open_round`` reveals it. Again with the same roster it changes nothing; a
    changed roster needs a new seed. Raises ``Refusal`` ``SYS-STATE``, ``review.needs_not_linked`` (ZY-21),
    ``application.not_accepted`` (ZY-15).
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        _check_may_open(session, ctx, row)
        policy = ctx.policy(region=row.region)
        rules.check_needs(needs=tuple(row.details["needs"]), policy=policy)
        roster = seats.candidates(seats.roster_of(session, region=row.region), on=ctx.as_of, policy=policy)
        roster_digest = roster_digest_of(roster=roster)
        kept = draws.commit_fresh(
            session,
            ctx,
            draw_id=ctx.new_id("rnd", roster_digest),  # the same call of one day finds another roster: another draw
            project_id=row.id,
            subject_id=row.id,
            roster_digest=roster_digest,
        )
        return SeedCommitted(
            id=kept.id, draw_id=kept.draw_id, seed_commitment=kept.commitment, roster_digest=kept.roster_digest
        )


def _check_may_open(session: Session, ctx: Context, project: Project) -> None:
    entered = ctx.policy(region=project.region, on=project.entered_on)
    lifecycle.check_in_state(thing=Thing.PROJECT, command=_OPEN, state=project.state)
    check_order(command=_OPEN, state=project.state, entered=entered)
    rules.check_again(
        command=_OPEN,
        state=project.state,
        upheld=objection_upheld(session, project.id),
        unsigned=_void_round(session, ctx, project) is not None,
    )
    if project.state == _SUBMITTED:  # the panel goes first: afterwards nobody could look at the conditions any more
        application = found(newest_application(session, project.id), kind="application", id=project.id)
        pinned, accepted = application.guide_id is not None, application.accepted_on is not None
        check_reviewed(pinned=pinned, accepted=accepted, policy=ctx.policy(region=project.region))


def _void_round(session: Session, ctx: Context, project: Project) -> str | None:
    """Return the round whose opinion too many members refused to sign, ``None`` when there is none."""
    if project.state != rules.UNDER_REVIEW:
        return None
    return unsigned_for_good(session, project, policy=lambda day: ctx.policy(region=project.region, on=day))


def _drop_void(session: Session, ctx: Context, project: Project) -> None:
    """Nobody waits any more for signatures under an opinion that cannot stand."""
    void = _void_round(session, ctx, project)
    if void is not None:
        drop_signatures(session, ctx, round_id=void)


@command(_OPEN, roles=_OFFICE, clause="ZY-19")
def open_round(
    ctx: Context,
    *,
    project: str,
    seed: Annotated[str | None, Field(description="抽取种子;仅演练时可填,正式运行由系统产生")] = None,
    closes_on: Annotated[date | None, Field(description="评分截止日期;不填的按规定的工作日数计算")] = None,
    batch: Annotated[
        str | None, Field(min_length=1, max_length=60, description="评审批次;同批次的项目相互比较")
    ] = None,
    sealed: Annotated[bool, Field(description="评审期间专家互不知情")] = False,
) -> RoundOpened:
    """Draw the panel from the roster, leaving out who has a tie with the project's parties, and open the round.

    The draw uses the seed committed to before (``review.commit_seed``) and reveals it. The needs the project answers to
    are cited in the opinion (ZY-21). A dry run checks everything and names nobody. Raises ``Refusal``
    ``review.closes_too_early``, ``review.needs_not_linked`` (ZY-21), ``application.not_accepted`` (ZY-15) where the
    panel goes first, ``draw.*`` (SYS-DRAW) when the roster does not suffice or no seed is committed, ``SYS-STATE``.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        _check_may_open(session, ctx, row)
        panel = _drawn(session, ctx, row, seed=seed, closes_on=closes_on)
    stored = documents.keep(ctx, data=canonical_json(panel.protocol), media_type="application/json")
    with ctx.writing() as session:
        row = project_of(session, project)
        draws.reveal(
            session,
            ctx,
            panel.seed,
            project_id=row.id,
            subject_id=row.id,
            roster_digest=panel.drawn.roster_digest,
        )
        _drop_void(session, ctx, row)
        opened = _round(session, ctx, row, panel, batch=batch, sealed=sealed)
        transition.apply(session, ctx, row, payload=_opening(opened, panel, protocol=stored.sha256))
        opened.protocol_document_id = documents.file_upload(
            session,
            ctx,
            stored=stored,
            project_id=row.id,
            stage="review",
            kind="draw_protocol",
            title=sentence("review.protocol.title", {"project": row.name}),
            issuer=body_name(policy=panel.policy, role=Role(panel.policy.review.convener)),
        ).id
        session.add(opened)
        session.flush()
        _seat_panel(session, ctx, opened, panel)
        return RoundOpened(
            id=opened.id,
            state=f"project.{row.state}",
            panel=() if ctx.dry_run else panel.drawn.chosen,
            alternates=() if ctx.dry_run else panel.drawn.alternates,
            closes_on=panel.due.date,
            provisional=panel.due.provisional,
        )


def _seat_panel(session: Session, ctx: Context, opened: ReviewRound, panel: _Panel) -> None:
    for ordinal, expert_id in enumerate(panel.drawn.chosen, start=1):
        expert = session.get_one(Expert, expert_id)
        seats.seat(session, ctx, round=opened, expert=expert, ordinal=ordinal, due=panel.due, policy=panel.policy)


def _drawn(session: Session, ctx: Context, project: Project, *, seed: str | None, closes_on: date | None) -> _Panel:
    policy = ctx.policy(region=project.region)
    rules.check_opening(closes_on=closes_on, opened_on=ctx.as_of)
    rules.check_needs(needs=tuple(project.details["needs"]), policy=policy)
    roster = seats.candidates(seats.roster_of(session, region=project.region), on=ctx.as_of, policy=policy)
    used = draws.seed_for(
        session,
        ctx,
        subject_id=project.id,
        roster_digest=roster_digest_of(roster=roster),
        typed=seed,
        draw_id=ctx.new_id("rnd"),
        command="review.commit_seed",
    )
    conflicts = parties_of(session, ctx.services.vault, project=project)
    size, quotas = rules.panel_size(policy=policy), rules.quotas(policy=policy)
    drawn = draw(
        roster=roster, conflicts_with=conflicts, size=size, quotas=quotas, seed=used.text, draw_id=used.draw_id
    )
    protocol = protocol_of(roster=roster, conflicts_with=conflicts, size=size, quotas=quotas, drawn=drawn)
    days = policy.review.scoring_working_days
    due = (
        Due(closes_on, provisional=False) if closes_on else ctx.services.calendar.add_working_days(ctx.as_of, days=days)
    )
    return _Panel(policy, roster, conflicts, used, drawn, protocol, due)


def _round(
    session: Session, ctx: Context, project: Project, panel: _Panel, *, batch: str | None, sealed: bool
) -> ReviewRound:
    earlier = session.exec(select(ReviewRound.id).where(col(ReviewRound.project_id) == project.id)).all()
    return ReviewRound(
        id=panel.seed.draw_id,
        project_id=project.id,
        ordinal=len(earlier) + 1,
        opened_on=ctx.as_of,
        closes_on=panel.due.date,
        provisional=panel.due.provisional,
        batch=batch,
        sealed=sealed,
        seed=panel.drawn.seed,
        seed_commitment=panel.drawn.seed_commitment,
        roster_digest=panel.drawn.roster_digest,
        roster=[one.id for one in panel.roster],
        alternates=list(panel.drawn.alternates),
        conflicts=sorted(panel.conflicts),
        policy_digest=panel.policy.digest,
        sheet_form=rules.form_of(policy=panel.policy),
        protocol_document_id="",
    )


def _opening(round: ReviewRound, panel: _Panel, *, protocol: str) -> dict[str, object]:
    """Return what the event says. That of a sealed round names neither panel nor seed: the close does."""
    told = {} if round.sealed else {"panel": list(panel.drawn.chosen), "seed": round.seed}
    return told | {
        "round_id": round.id,
        "seed_commitment": round.seed_commitment,
        "roster_digest": round.roster_digest,
        "protocol_sha256": protocol,
        "closes_on": round.closes_on.isoformat(),
        "provisional": round.provisional,
        "convener": panel.policy.review.convener,
        "round_policy_digest": round.policy_digest,
        "batch": round.batch,
    }
