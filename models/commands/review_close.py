"""Closing a review round (S05): tally, forensics, the signed opinion; the stage is left with it only (ZY-23).

The policy of a round is that of its opening day (decision 11); ``rules.review.check_form`` proves that it still reads
as it did. The opinion is signed by the installation's key: the detached signature is stored beside it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, seats, transition, work
from models.commands.review_signing import ask_for_signatures
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.provenance import marks
from models.queries.reader import project_of
from models.queries.review import empty_seats, scores_of, seats_of, sheets_of
from models.queries.review_forensics import forensics_at_close
from models.queries.review_opinion import Outcome, opinion_view
from models.rules import review as rules
from models.rules.review_signing import signatures_needed
from models.tables.kernel import Project
from models.tables.review import ReviewRound

_OFFICE = (Role.EVALUATION_OFFICE, Role.SYSTEM)


class RoundClosed(BaseModel):
    """The result of a round: the mean as printed, whether it reached the pass mark, the opinion, its digest and the
    installation's signature, how many members must sign it before the stage is left. A dry run tells no result: else
    one could look first and have a member replaced afterwards.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    mean: Decimal | None
    passed: bool | None
    document: str
    signature: str
    opinion_sha256: str
    signatures_needed: int


@command("review.close_round", roles=_OFFICE, clause="ZY-23")
def close_round(
    ctx: Context,
    *,
    round: str,
    opinion: Annotated[str, Field(description="评审意见")] = "",
    dissent: Annotated[str, Field(description="不同意见")] = "",
) -> RoundClosed:
    """Tally the sheets, compare them, print and sign the opinion and close the round; the project becomes reviewed,
    whatever the result; where the opinion must be signed (ZY-23), only with the members' signatures.

    The scheduler may leave the opinion out: it is then worded from the tally. Raises ``Refusal``
    ``review.sheets_missing`` or ``review.opinion_missing`` (ZY-23), ``review.panel_incomplete`` or
    ``review.category_missing`` (ZY-20), ``review.round_closed``, ``review.policy_moved``; ``Conflict`` when a sheet or
    seat changed meanwhile.
    """
    with ctx.reading() as session:
        outcome, view = _outcome(session, ctx, round, opinion=opinion, dissent=dissent)
        seen = _fingerprint(session, round)
    paper = documents.render(ctx, kind="review_opinion", view=view, synthetic_fields=view["synthetic_fields"])
    signed = documents.keep(
        ctx, data=ctx.services.signer.sign(paper.rendered.data), media_type="application/pkcs7-signature"
    )
    with ctx.writing() as session:
        row = seats.open_round_of(session, round)
        if _fingerprint(session, row.id) != seen:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        project = project_of(session, row.project_id)
        row.opinion_document_id = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=project.id,
            stage="review",
            title=view["title_lines"][0],
            issuer=view["issuer"],
        ).id
        row.signature_sha256 = signed.sha256
        row.closed_on, row.mean, row.passed = ctx.as_of, str(outcome.tally.mean), outcome.tally.passed
        row.opinion, row.dissent = outcome.opinion, outcome.dissent
        session.add(row)
        needed = _end(session, ctx, project, row, outcome, opinion=paper.stored.sha256)
        return RoundClosed(
            id=row.id,
            state=f"project.{project.state}",
            mean=None if ctx.dry_run else outcome.tally.mean,
            passed=None if ctx.dry_run else outcome.tally.passed,
            document=row.opinion_document_id,
            signature="" if ctx.dry_run else signed.sha256,
            opinion_sha256="" if ctx.dry_run else paper.stored.sha256,
            signatures_needed=needed,
        )


def _end(session: Session, ctx: Context, project: Project, row: ReviewRound, outcome: Outcome, *, opinion: str) -> int:
    """Close what waited for sheets; end the stage, or ask the members to sign first. Return the signatures needed."""
    for seat in outcome.seats:
        work.close_item(session, ctx, kind=seats.SCORING, subject_id=seat.id)
    work.close_item(session, ctx, kind=seats.SHORT, subject_id=row.id)
    policy = ctx.policy(region=project.region, on=row.opened_on)
    needed = signatures_needed(policy=policy)
    payload = _closing_payload(row, outcome, opinion)
    if needed == 0:
        transition.apply(session, ctx, project, payload=payload)
        return 0
    events.on_project(session, ctx, project.id, "review.opinion_filed", payload | {"signatures_needed": needed})
    sitting = [seat for seat in outcome.seats if seat.recused_on is None]
    ask_for_signatures(session, ctx, round=row, sitting=sitting, policy=policy)
    return needed


def _closing_payload(row: ReviewRound, outcome: Outcome, opinion: str) -> dict[str, object]:
    """Return what the event says; no score, for every role inside reads the history of a project. What a sealed round
    kept back until now is told here.
    """
    payload: dict[str, object] = {
        "round_id": row.id,
        "passed": outcome.tally.passed,
        "sheets": len(outcome.tally.totals),
        "opinion_sha256": opinion,
        "dissent": bool(outcome.dissent),
    }
    if row.sealed:
        payload |= {"seed": row.seed, "panel": [seat.expert_id for seat in outcome.seats]}
    return payload


def _outcome(
    session: Session, ctx: Context, round: str, *, opinion: str, dissent: str
) -> tuple[Outcome, dict[str, Any]]:
    """Check that the round may be closed; return its outcome and the view of the opinion."""
    row = seats.open_round_of(session, round)
    project = project_of(session, row.project_id)
    policy = ctx.policy(region=project.region, on=row.opened_on)
    rules.check_form(form=row.sheet_form, policy=policy)
    panel, sheets = seats_of(session, row.id), sheets_of(session, row.id)
    sitting = [seat for seat in panel if seat.recused_on is None]
    scored = [seat for seat in sitting if seat.expert_id in sheets]
    rules.check_complete(
        empty_seats=empty_seats(panel),
        missing_sheets=len(sitting) - len(scored),
        scored=tuple(seat.category for seat in scored),
        awaited=row.closes_on >= ctx.as_of
        or any(seat.due_on >= ctx.as_of for seat in sitting if seat.expert_id not in sheets),
        policy=policy,
    )
    rules.check_opinion(opinion=opinion, generated_allowed=ctx.actor.role is Role.SYSTEM, policy=policy)
    tally = rules.tally(sheets=tuple(scores_of(sheets[seat.expert_id]) for seat in scored), policy=policy)
    wording = opinion.strip() or _standard_opinion(tally, len(scored), policy)
    outcome = Outcome(row, panel, sheets, tally, wording, dissent.strip(), forensics_at_close(session, round=row))
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
