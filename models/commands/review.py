"""Commands of the expert review (S05): opening a round by a recorded draw, and closing it with the opinion.

The roster stands in ``commands.roster``, what its members do in ``commands.panel``, their seats in ``commands.seats``.
The policy of a round is that of its opening day (decision 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, seats, transition
from models.context import Context
from models.core.actors import Role
from models.core.calendar import Due
from models.core.errors import Conflict
from models.core.hashing import canonical_json, digest
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.provenance import marks
from models.queries.reader import project_of
from models.queries.review import (
    Outcome,
    empty_seats,
    objection_upheld,
    opinion_view,
    parties_of,
    scores_of,
    seats_of,
    sheets_of,
)
from models.rules import lifecycle
from models.rules import review as rules
from models.rules.bodies import body_name
from models.rules.draw import Candidate, Draw, draw, protocol_of
from models.rules.lifecycle import Thing
from models.tables.kernel import Project
from models.tables.review import Expert, ReviewRound

_OFFICE = (Role.EVALUATION_OFFICE, Role.SYSTEM)


class RoundOpened(BaseModel):
    """The new round: its panel by expert id, and the last day for scores (``provisional``: it may still move)."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    panel: tuple[str, ...]
    alternates: tuple[str, ...]
    closes_on: date
    provisional: bool


class RoundClosed(BaseModel):
    """The result of a round: the mean as printed, whether it reached the pass mark, the opinion's document."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    mean: Decimal
    passed: bool
    document: str


@dataclass(frozen=True)
class _Panel:
    """A drawn panel: the roster as drawn from, whom to leave out, the draw, its protocol, the last day."""

    policy: Policy
    roster: tuple[Candidate, ...]
    conflicts: frozenset[str]
    drawn: Draw
    protocol: dict[str, Any]
    due: Due


@command("review.open_round", roles=_OFFICE, clause="ZY-19")
def open_round(
    ctx: Context,
    *,
    project: str,
    seed: Annotated[str, Field(description="抽取种子")],
    closes_on: Annotated[date | None, Field(description="评分截止日期;不填的按规定的工作日数计算")] = None,
) -> RoundOpened:
    """Draw the panel from the roster, leaving out who has a tie with the project's parties, and open the round.

    The needs the project answers to are cited in the opinion (ZY-21). A dry run checks everything and names nobody, so
    that seeds cannot be tried until one pleases. Raises ``Refusal`` ``review.closes_too_early``,
    ``draw.*`` (SYS-DRAW) when the roster does not suffice, ``SYS-STATE``.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        rules.check_again(command=ctx.command, state=row.state, upheld=objection_upheld(session, project))
        panel = _drawn(session, ctx, row, seed=seed, closes_on=closes_on)
    stored = documents.keep(ctx, data=canonical_json(panel.protocol), media_type="application/json")
    with ctx.writing() as session:
        row = project_of(session, project)
        opened = _round(session, ctx, row, panel)
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
        for ordinal, expert_id in enumerate(panel.drawn.chosen, start=1):
            expert = session.get_one(Expert, expert_id)
            seats.seat(session, ctx, round=opened, expert=expert, ordinal=ordinal, due=panel.due, policy=panel.policy)
        return RoundOpened(
            id=opened.id,
            state=f"project.{row.state}",
            panel=() if ctx.dry_run else panel.drawn.chosen,
            alternates=() if ctx.dry_run else panel.drawn.alternates,
            closes_on=panel.due.date,
            provisional=panel.due.provisional,
        )


def _drawn(session: Session, ctx: Context, project: Project, *, seed: str, closes_on: date | None) -> _Panel:
    policy = ctx.policy(region=project.region)
    rules.check_opening(closes_on=closes_on, opened_on=ctx.as_of)
    roster = seats.candidates(seats.roster_of(session, region=project.region), on=ctx.as_of, policy=policy)
    conflicts = parties_of(session, ctx.services.vault, project=project)
    size, quotas = policy.review.panel_size, rules.quotas(policy=policy)
    drawn = draw(roster=roster, conflicts_with=conflicts, size=size, quotas=quotas, seed=seed)
    protocol = protocol_of(roster=roster, conflicts_with=conflicts, size=size, quotas=quotas, drawn=drawn)
    days = policy.review.scoring_working_days
    due = (
        Due(closes_on, provisional=False) if closes_on else ctx.services.calendar.add_working_days(ctx.as_of, days=days)
    )
    return _Panel(policy, roster, conflicts, drawn, protocol, due)


def _round(session: Session, ctx: Context, project: Project, panel: _Panel) -> ReviewRound:
    earlier = session.exec(select(ReviewRound.id).where(col(ReviewRound.project_id) == project.id)).all()
    return ReviewRound(
        id=ctx.new_id("rnd"),
        project_id=project.id,
        ordinal=len(earlier) + 1,
        opened_on=ctx.as_of,
        closes_on=panel.due.date,
        provisional=panel.due.provisional,
        seed=panel.drawn.seed,
        roster_digest=panel.drawn.roster_digest,
        roster=[one.id for one in panel.roster],
        alternates=list(panel.drawn.alternates),
        conflicts=sorted(panel.conflicts),
        policy_digest=panel.policy.digest,
        protocol_document_id="",
    )


def _opening(round: ReviewRound, panel: _Panel, *, protocol: str) -> dict[str, object]:
    return {
        "round_id": round.id,
        "panel": list(panel.drawn.chosen),
        "seed": round.seed,
        "roster_digest": round.roster_digest,
        "protocol_sha256": protocol,
        "closes_on": round.closes_on.isoformat(),
        "provisional": round.provisional,
        "convener": panel.policy.review.convener,
        "round_policy_digest": round.policy_digest,
    }


@command("review.close_round", roles=_OFFICE, clause="ZY-23")
def close_round(
    ctx: Context,
    *,
    round: str,
    opinion: Annotated[str, Field(description="评审意见")] = "",
    dissent: Annotated[str, Field(description="不同意见")] = "",
) -> RoundClosed:
    """Tally the sheets, print the opinion and close the round; the project becomes reviewed, whatever the result.

    The scheduler may leave the opinion out: it is then worded from the tally. Raises ``Refusal``
    ``review.sheets_missing`` or ``review.opinion_missing`` (ZY-23), ``review.panel_incomplete`` (ZY-20),
    ``review.round_closed``; ``Conflict`` when a sheet or seat changed meanwhile.
    """
    with ctx.reading() as session:
        outcome, view = _outcome(session, ctx, round, opinion=opinion, dissent=dissent)
        seen = _fingerprint(session, round)
    paper = documents.render(ctx, kind="review_opinion", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        row = seats.open_round_of(session, round)
        if _fingerprint(session, row.id) != seen:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        project = project_of(session, row.project_id)
        document = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=project.id,
            stage="review",
            title=view["title_lines"][0],
            issuer=view["issuer"],
        )
        row.closed_on, row.mean, row.passed = ctx.as_of, str(outcome.tally.mean), outcome.tally.passed
        row.opinion, row.dissent, row.opinion_document_id = outcome.opinion, outcome.dissent, document.id
        session.add(row)
        transition.apply(session, ctx, project, payload=_closing_payload(row.id, outcome.tally, document.sha256))
        return RoundClosed(
            id=row.id,
            state=f"project.{project.state}",
            mean=outcome.tally.mean,
            passed=outcome.tally.passed,
            document=document.id,
        )


def _closing_payload(round_id: str, tally: rules.Tally, document: str) -> dict[str, object]:
    return {
        "round_id": round_id,
        "mean": str(tally.mean),
        "passed": tally.passed,
        "sheets": len(tally.totals),
        "opinion_sha256": document,
    }


def _outcome(
    session: Session, ctx: Context, round: str, *, opinion: str, dissent: str
) -> tuple[Outcome, dict[str, Any]]:
    """Check that the round may be closed; return its outcome and the view of the opinion."""
    row = seats.open_round_of(session, round)
    project = project_of(session, row.project_id)
    policy = ctx.policy(region=project.region, on=row.opened_on)
    panel, sheets = seats_of(session, row.id), sheets_of(session, row.id)
    sitting = [seat for seat in panel if seat.recused_on is None]
    missing = sum(seat.expert_id not in sheets for seat in sitting)
    rules.check_complete(empty_seats=empty_seats(panel), missing_sheets=missing, policy=policy)
    rules.check_opinion(opinion=opinion, generated_allowed=ctx.actor.role is Role.SYSTEM, policy=policy)
    tally = rules.tally(sheets=tuple(scores_of(sheets[seat.expert_id]) for seat in sitting), policy=policy)
    wording = opinion.strip() or _standard_opinion(tally, len(sitting), policy)
    outcome = Outcome(row, panel, sheets, tally, wording, dissent.strip())
    view = opinion_view(
        session,
        project=project,
        outcome=outcome,
        policy=policy,
        marks=marks(session, project.id, pending=ctx.synthetic, command=ctx.command),
        as_of=ctx.as_of,
        rehearsal=ctx.services.rehearsal,
    )
    return outcome, view


def _standard_opinion(tally: rules.Tally, experts: int, policy: Policy) -> str:
    return sentence(
        "review.opinion.passed" if tally.passed else "review.opinion.not_passed",
        {
            "experts": experts,
            "dimensions": "、".join(policy.review.dimensions.values()),
            "mean": tally.mean,
            "pass_mark": policy.review.pass_mark,
        },
    )


def _fingerprint(session: Session, round_id: str) -> str:
    return digest(
        {
            "seats": [[seat.id, seat.recused_on] for seat in seats_of(session, round_id)],
            "sheets": {expert: sheet.digest for expert, sheet in sheets_of(session, round_id).items()},
        }
    )
