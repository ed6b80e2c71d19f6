"""Comparisons over the rounds of a batch (S05): progress and score forensics, computed for the viewer who asks.

Everything here goes through ``rules.review_views.shown_to`` first. The opinion of a round sums up its own sheets only;
a batch is compared once, when all its rounds are closed (``review.compare_batch``), and on demand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, func, or_, select

from models.core.actors import Actor, Role
from models.core.registry import query
from models.queries.reader import Reader, found
from models.queries.review import seat_in, seats_of
from models.rules.forensics import Forensics, Standing
from models.rules.review import rounded, total_of
from models.rules.review_views import Item, Scale, forensics_of, progress_of, shown_to
from models.tables.kernel import Event
from models.tables.review import Expert, ReviewRound, ReviewSeat, ReviewSheet

BATCH_STREAM: Final = "review_batch"
_VIEWERS = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.EXPERT,
    Role.DISCIPLINE_SUPERVISION,
    Role.AUDIT_BODY,
    Role.SYSTEM,
)


class OutlierView(BaseModel):
    """A sheet far from its item's median, with the rater's own words by dimension."""

    model_config = ConfigDict(frozen=True)

    expert: str
    total: Decimal
    distance: Decimal
    reasons: dict[str, str]


class StandingView(BaseModel):
    """One round in the comparison: values, ranks and verdicts by method, the rank range, whom the verdict hangs on."""

    model_config = ConfigDict(frozen=True)

    round: str
    project: str
    sheets: int
    values: dict[str, Decimal]
    ranks: dict[str, int]
    passes: dict[str, bool]
    rank_best: int
    rank_worst: int
    flipped_by: tuple[str, ...]
    outliers: tuple[OutlierView, ...]


class ForensicsView(BaseModel):
    """The comparison a viewer may see: the round asked for, how many it is compared with, severity by expert."""

    model_config = ConfigDict(frozen=True)

    round: StandingView | None
    compared: int
    severity: dict[str, Decimal]
    undetermined: tuple[str, ...]


class BatchView(BaseModel):
    """Progress of a batch over the rounds the viewer may see; ``mean`` is that of the closed rounds' means."""

    model_config = ConfigDict(frozen=True)

    batch: str
    rounds: int
    closed: int
    sheets_due: int
    sheets_in: int
    mean: Decimal | None
    standings: tuple[StandingView, ...]


@query("review.forensics", roles=_VIEWERS, clause="ZY-23")
def forensics(reader: Reader, *, round: str) -> ForensicsView:
    """Return the ways to sum up a closed round, compared with the closed rounds of its batch the viewer may see.

    ``round`` of the result is ``None`` while the round is open. Raises ``Refusal`` ``review.conflicted`` or
    ``review.not_your_seat`` for experts who do not sit on the panel.
    """
    session = reader.session
    row = found(session.get(ReviewRound, round), kind="round", id=round)
    seats = seats_of(session, row.id)
    seat_in(seats, {seat.expert_id: session.get_one(Expert, seat.expert_id) for seat in seats}, reader.actor)
    rounds = _batch_of(session, row)
    shown = shown_to(items=_items(session, rounds), expert=_viewer(session, reader.actor))
    compared = forensics_of(shown=shown, scale=_scale(row))
    return ForensicsView(
        round=next(iter(_standing_views(session, [row], compared)), None),
        compared=len(compared.standings),
        severity=dict(compared.severity),
        undetermined=compared.undetermined,
    )


@query("review.batch", roles=_VIEWERS, clause="ZY-23")
def batch(reader: Reader, *, batch: str) -> BatchView:
    """Return the progress of a batch and the comparison of its closed rounds, as far as the viewer may see them."""
    session = reader.session
    rounds = rounds_of_batch(session, batch)
    shown = shown_to(items=_items(session, rounds), expert=_viewer(session, reader.actor))
    progress = progress_of(shown=shown)
    compared = forensics_of(shown=shown, scale=_scale(rounds[0])) if rounds else None
    return BatchView(
        batch=batch,
        rounds=progress.items,
        closed=progress.closed,
        sheets_due=progress.sheets_due,
        sheets_in=progress.sheets_in,
        mean=None if progress.mean is None else rounded(progress.mean),
        standings=_standing_views(session, rounds, compared) if compared else (),
    )


@query("review.batches_due", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-23")
def batches_due(reader: Reader) -> tuple[str, ...]:
    """Return the batches whose rounds are all closed and not compared yet as they stand (``review.compare_batch``)."""
    session = reader.session
    compared = dict(
        session.exec(
            select(Event.stream_id, Event.payload)
            .where(col(Event.stream_kind) == BATCH_STREAM)
            .order_by(col(Event.seq))
        ).all()
    )
    found = session.exec(
        select(ReviewRound.batch, func.count())
        .where(col(ReviewRound.batch).is_not(None))
        .group_by(col(ReviewRound.batch))
        .having(func.count() == func.count(col(ReviewRound.closed_on)))
        .order_by(col(ReviewRound.batch))
    ).all()
    return tuple(name for name, count in found if name is not None and compared.get(name, {}).get("rounds") != count)


def rounds_of_batch(session: Session, batch: str) -> Sequence[ReviewRound]:
    """Return the rounds of a batch in ascending order of id."""
    return session.exec(select(ReviewRound).where(col(ReviewRound.batch) == batch).order_by(col(ReviewRound.id))).all()


def comparison_of(session: Session, *, batch: str) -> dict[str, Any]:
    """Return the comparison of a closed batch as data, for the record: every round's standing, severity by expert."""
    rounds = rounds_of_batch(session, batch)
    shown = shown_to(items=_items(session, rounds), expert=None)
    compared = forensics_of(shown=shown, scale=_scale(rounds[0]))
    return {
        "kind": "batch_comparison",
        "batch": batch,
        "standings": [one.model_dump(mode="json") for one in _standing_views(session, rounds, compared)],
        "severity": {name: str(value) for name, value in compared.severity.items()},
        "undetermined": list(compared.undetermined),
    }


def forensics_at_close(session: Session, *, round: ReviewRound) -> Forensics:
    """Return the ways to sum up a round its own opinion prints. Other rounds are left out: their scores are not for
    this panel's eyes, and each close would read all those before it.
    """
    items = [replace(one, closed=True) for one in _items(session, [round])]
    return forensics_of(shown=shown_to(items=items, expert=None), scale=_scale(round))


def _batch_of(session: Session, round: ReviewRound) -> Sequence[ReviewRound]:
    same = col(ReviewRound.id) == round.id
    wanted = same if round.batch is None else or_(same, col(ReviewRound.batch) == round.batch)
    return session.exec(select(ReviewRound).where(wanted).order_by(col(ReviewRound.id))).all()


def _items(session: Session, rounds: Iterable[ReviewRound]) -> list[Item]:
    """Return rounds with the valid sheets of those who sit, in two reads however many rounds there are."""
    by_id = {row.id: row for row in rounds}
    sitting: dict[str, set[str]] = defaultdict(set)
    for round_id, expert_id in session.exec(
        select(ReviewSeat.round_id, ReviewSeat.expert_id).where(
            col(ReviewSeat.round_id).in_(by_id), col(ReviewSeat.recused_on).is_(None)
        )
    ):
        sitting[round_id].add(expert_id)
    totals: dict[str, dict[str, Fraction]] = defaultdict(dict)
    weights = {name: _weights(row) for name, row in by_id.items()}
    for round_id, expert_id, written in session.exec(
        select(ReviewSheet.round_id, ReviewSheet.expert_id, ReviewSheet.scores).where(
            col(ReviewSheet.round_id).in_(by_id), col(ReviewSheet.voided_on).is_(None)
        )
    ):
        if expert_id in sitting[round_id]:
            scores = {code: Decimal(text) for code, text in written.items()}
            totals[round_id][expert_id] = total_of(scores=scores, weights=weights[round_id])
    return [
        Item(name, row.closed_on is not None, frozenset(sitting[name]), totals[name], sealed=row.sealed)
        for name, row in by_id.items()
    ]


def _weights(row: ReviewRound) -> dict[str, Decimal]:
    return {code: Decimal(weight) for code, weight in row.sheet_form["dimension_weights"].items()}


def _scale(row: ReviewRound) -> Scale:
    form = row.sheet_form
    return Scale(Fraction(form["pass_mark"]), form["trim_each_side"], Fraction(form["outlier_points"]))


def _viewer(session: Session, actor: Actor) -> str | None:
    """Return the expert who looks (an unknown account is an expert who sits nowhere), ``None`` for other roles."""
    if actor.role is not Role.EXPERT:
        return None
    own = select(Expert.id).where(or_(col(Expert.id) == actor.id, col(Expert.account) == actor.id))
    return session.exec(own).first() or actor.id


def _standing_views(session: Session, rounds: Iterable[ReviewRound], compared: Forensics) -> tuple[StandingView, ...]:
    """Return the standings of rounds with the words of outlying raters, all read at once."""
    rows = [row for row in rounds if row.id in compared.standings]
    outlying = [row.id for row in rows if compared.standings[row.id].outliers]
    said = select(ReviewSheet.round_id, ReviewSheet.expert_id, ReviewSheet.reasons).where(
        col(ReviewSheet.round_id).in_(outlying)
    )
    words = {(round_id, expert): reasons for round_id, expert, reasons in session.exec(said)} if outlying else {}
    return tuple(_standing_view(row, compared.standings[row.id], words) for row in rows)


def _standing_view(
    row: ReviewRound, standing: Standing, words: Mapping[tuple[str, str], Mapping[str, str]]
) -> StandingView:
    return StandingView(
        round=row.id,
        project=row.project_id,
        sheets=standing.sheets,
        values=dict(standing.values),
        ranks=dict(standing.ranks),
        passes=dict(standing.passes),
        rank_best=standing.rank_best,
        rank_worst=standing.rank_worst,
        flipped_by=standing.flipped_by,
        outliers=tuple(
            OutlierView(
                expert=one.rater, total=one.total, distance=one.distance, reasons=dict(words[row.id, one.rater])
            )
            for one in standing.outliers
        ),
    )
