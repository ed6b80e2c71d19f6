"""Whole batches of review rounds (S05): opening one from a list of candidates, comparing it once when all are closed.

A round is a transaction of its own, so that one project the roster cannot serve does not hold up the others. Rounds are
compared with each other here and on demand only, never in each other's closing: that keeps a close as dear as its own
sheets, and no paper of one project tells how another was scored.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events
from models.commands.review import commit_seed, open_round
from models.context import Context
from models.core.actors import Role
from models.core.errors import LifecycleError, Refusal, Transient
from models.core.hashing import canonical_json
from models.core.ids import derive_id
from models.core.messages import sentence
from models.core.registry import command
from models.queries.reader import project_of
from models.queries.review_forensics import BATCH_STREAM, comparison_of, rounds_of_batch
from models.rules.bodies import body_name
from models.tables.kernel import Event

_OFFICE: Final = (Role.EVALUATION_OFFICE, Role.SYSTEM)


class BatchLine(BaseModel):
    """What came of one project: its round, or the rule, code and words of the refusal."""

    model_config = ConfigDict(frozen=True)

    project: str
    round: str | None = None
    rule: str | None = None
    code: str | None = None
    message: str = ""


class BatchOpened(BaseModel):
    """How many rounds were opened and refused, with one line a project in the order given."""

    model_config = ConfigDict(frozen=True)

    id: str
    opened: int
    refused_count: int
    lines: tuple[BatchLine, ...]


class BatchCompared(BaseModel):
    """The comparison of a batch as filed: how many rounds, the document and its digest."""

    model_config = ConfigDict(frozen=True)

    id: str
    rounds: int
    document: str
    sha256: str


@command("review.open_batch", roles=_OFFICE, clause="ZY-19")
def open_batch(
    ctx: Context,
    *,
    projects: Annotated[tuple[str, ...], Field(min_length=1, max_length=5000, description="备选项目编号")],
    batch: Annotated[str, Field(min_length=1, max_length=60, description="评审批次;同批次的项目相互比较")],
    closes_on: Annotated[date | None, Field(description="评分截止日期;不填的按规定的工作日数计算")] = None,
    sealed: Annotated[bool, Field(description="评审期间专家互不知情")] = False,
) -> BatchOpened:
    """Commit to a seed and open a round for each project of a list; a refusal is told and the rest go on.

    Each is judged by ``review.commit_seed`` and ``review.open_round``. Called again it opens what is missing.
    """
    lines = tuple(
        _opened(ctx, project, batch=batch, closes_on=closes_on, sealed=sealed) for project in dict.fromkeys(projects)
    )
    opened = sum(line.code is None for line in lines)
    return BatchOpened(id=batch, opened=opened, refused_count=len(lines) - opened, lines=lines)


def _opened(ctx: Context, project: str, *, batch: str, closes_on: date | None, sealed: bool) -> BatchLine:
    def inner(name: str) -> Context:
        return replace(ctx, command=name, command_id=derive_id("cmd", ctx.command_id, name, project))

    try:
        if not ctx.dry_run:  # a dry run keeps no commitment for the draw to find
            commit_seed(inner("review.commit_seed"), project=project)
        seed = "dry-run" if ctx.dry_run and ctx.services.rehearsal else None
        made = open_round(
            inner("review.open_round"), project=project, seed=seed, closes_on=closes_on, batch=batch, sealed=sealed
        )
    except Transient:
        raise
    except LifecycleError as fault:
        return BatchLine(project=project, rule=fault.rule, code=fault.code, message=fault.message)
    return BatchLine(project=project, round=made.id)


@command("review.compare_batch", roles=_OFFICE, clause="ZY-23")
def compare_batch(ctx: Context, *, batch: Annotated[str, Field(description="评审批次")]) -> BatchCompared:
    """Compare the rounds of a batch with each other in every way and file the comparison, once all are closed.

    Raises ``Refusal`` ``review.batch_unknown``, ``review.batch_open``, ``review.batch_compared``.
    """
    with ctx.reading() as session:
        data, count = _comparison(session, batch)
    stored = documents.keep(ctx, data=data, media_type="application/json")
    with ctx.writing() as session:
        last = session.exec(
            select(Event)
            .where(col(Event.stream_kind) == BATCH_STREAM, col(Event.stream_id) == batch)
            .order_by(col(Event.seq).desc())
        ).first()
        if last is not None and last.payload["sha256"] == stored.sha256:
            raise Refusal("review.batch_compared", rule="SYS-REVIEW-CLOSED", facts={"batch": batch})
        policy = ctx.policy(region=project_of(session, rounds_of_batch(session, batch)[0].project_id).region)
        document = documents.file_upload(
            session,
            ctx,
            stored=stored,
            project_id=None,
            stage="review",
            kind="batch_comparison",
            title=sentence("review.comparison.title", {"batch": batch}),
            issuer=body_name(policy=policy, role=Role(policy.review.convener)),
        )
        payload = {"rounds": count, "document_id": document.id, "sha256": stored.sha256}
        events.append(
            session, ctx, stream_kind=BATCH_STREAM, stream_id=batch, type="review.batch_compared", payload=payload
        )
        return BatchCompared(id=batch, rounds=count, document=document.id, sha256=stored.sha256)


def _comparison(session: Session, batch: str) -> tuple[bytes, int]:
    rounds = rounds_of_batch(session, batch)
    waiting = sum(row.closed_on is None for row in rounds)
    if not rounds:
        raise Refusal("review.batch_unknown", rule="SYS-NOT-FOUND", facts={"batch": batch})
    if waiting:
        raise Refusal("review.batch_open", rule="SYS-REVIEW-BATCH", facts={"batch": batch, "count": waiting})
    return canonical_json(comparison_of(session, batch=batch)), len(rounds)
