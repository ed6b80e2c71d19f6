"""Reads of the expert review (S05): a round as each role may see it, rounds due, who a project's parties are, and the
view of the review opinion.

Scores stay hidden until the round is closed; an expert sees the own sheet. Names are masked by policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Actor, Role
from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.ports import Vault
from models.queries.provenance import Marks
from models.queries.reader import Reader, found, project_of
from models.rules.bodies import body_name, written_date
from models.rules.masking import masked
from models.rules.review import Tally, Tie
from models.tables.application import Application, ApplicationTeamMember
from models.tables.kernel import Project
from models.tables.publicity import PublicityNotice
from models.tables.review import Expert, ReviewRound, ReviewSeat, ReviewSheet

_OFFICE: Final = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU)
_OVERSEERS: Final = (Role.DISCIPLINE_SUPERVISION, Role.AUDIT_BODY, Role.SYSTEM)
OPINION_SOURCES: Final = (
    "library.enter_project",
    "application.submit",
    "review.open_round",
    "review.submit_score",
    "review.close_round",
)


class SeatView(BaseModel):
    """One seat: ``vacant`` when it was left and taken over by nobody; scores and reasons as far as they may be seen."""

    model_config = ConfigDict(frozen=True)

    id: str
    expert: str
    name: str
    category: str
    due_on: date
    recused: bool
    vacant: bool
    scored: bool
    scores: dict[str, Decimal]
    reasons: dict[str, str]


class RoundView(BaseModel):
    """A round: ``state`` is open or closed, ``mean``, ``passed`` and ``opinion`` stand once it is closed."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    state: str
    opened_on: date
    closes_on: date
    provisional: bool
    seed: str
    roster_digest: str
    seats: tuple[SeatView, ...]
    missing: int
    empty_seats: int
    mean: Decimal | None
    passed: bool | None
    opinion: str
    dissent: str
    protocol_document: str
    opinion_document: str | None


@query("review.round", roles=(*_OFFICE, Role.EXPERT, *_OVERSEERS), clause="ZY-23")
def round_(reader: Reader, *, round: str) -> RoundView:
    """Return a round with its seats; sheets are hidden until the close, but for the expert's own."""
    session = reader.session
    row = found(session.get(ReviewRound, round), kind="round", id=round)
    policy = reader.policies.resolve(region=project_of(session, row.project_id).region, on=row.opened_on)
    styles = policy.publicity.mask_internal if reader.actor.role in _OFFICE else policy.publicity.mask_expert
    sheets = sheets_of(session, row.id)
    seats = seats_of(session, row.id)
    experts = {seat.expert_id: session.get_one(Expert, seat.expert_id) for seat in seats}
    return RoundView(
        id=row.id,
        project=row.project_id,
        state="closed" if row.closed_on else "open",
        opened_on=row.opened_on,
        closes_on=row.closes_on,
        provisional=row.provisional,
        seed=row.seed,
        roster_digest=row.roster_digest,
        seats=tuple(
            _seat_view(
                seat,
                name=masked(field="name", text=reader.vault.open(experts[seat.expert_id].name_sealed), styles=styles),
                sheet=sheets.get(seat.expert_id),
                open_to_reader=row.closed_on is not None or is_expert(experts[seat.expert_id], reader.actor),
            )
            for seat in seats
        ),
        missing=sum(seat.recused_on is None and seat.expert_id not in sheets for seat in seats),
        empty_seats=empty_seats(seats),
        mean=Decimal(row.mean) if row.mean else None,
        passed=row.passed,
        opinion=row.opinion or "",
        dissent=row.dissent or "",
        protocol_document=row.protocol_document_id,
        opinion_document=row.opinion_document_id,
    )


def _seat_view(seat: ReviewSeat, *, name: str, sheet: ReviewSheet | None, open_to_reader: bool) -> SeatView:
    shown = sheet if open_to_reader else None
    return SeatView(
        id=seat.id,
        expert=seat.expert_id,
        name=name,
        category=seat.category,
        due_on=seat.due_on,
        recused=seat.recused_on is not None,
        vacant=is_vacant(seat),
        scored=sheet is not None,
        scores=scores_of(shown) if shown else {},
        reasons=shown.reasons if shown else {},
    )


@query("review.rounds_due", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-23")
def rounds_due(reader: Reader) -> tuple[str, ...]:
    """Return the ids of open rounds whose last day has passed, oldest first."""
    rows = reader.session.exec(
        select(ReviewRound.id)
        .where(col(ReviewRound.closed_on).is_(None), col(ReviewRound.closes_on) < reader.as_of)
        .order_by(col(ReviewRound.closes_on), col(ReviewRound.id))
    ).all()
    return tuple(rows)


def seats_of(session: Session, round_id: str) -> list[ReviewSeat]:
    """Return the seats of a round in the order they were taken."""
    return list(
        session.exec(
            select(ReviewSeat).where(col(ReviewSeat.round_id) == round_id).order_by(col(ReviewSeat.ordinal))
        ).all()
    )


def sheets_of(session: Session, round_id: str) -> dict[str, ReviewSheet]:
    """Return the sheets of a round by expert, those of left seats included."""
    rows = session.exec(select(ReviewSheet).where(col(ReviewSheet.round_id) == round_id)).all()
    return {row.expert_id: row for row in rows}


def empty_seats(seats: list[ReviewSeat]) -> int:
    """Return how many seats were left and taken over by nobody."""
    return sum(is_vacant(seat) for seat in seats)


def is_vacant(seat: ReviewSeat) -> bool:
    """Say whether a seat was left and taken over by nobody."""
    return seat.recused_on is not None and seat.successor_id is None


def scores_of(sheet: ReviewSheet) -> dict[str, Decimal]:
    """Return the scores of a sheet by dimension."""
    return {code: Decimal(text) for code, text in sheet.scores.items()}


def is_expert(expert: Expert, actor: Actor) -> bool:
    """Say whether the actor acts as this expert, by the expert's id or account."""
    return actor.role is Role.EXPERT and actor.id in (expert.id, expert.account)


def ties_of(expert: Expert) -> tuple[Tie, ...]:
    """Return an expert's declared ties."""
    return tuple(
        Tie(tie["organisation"], tie["kind"], date.fromisoformat(tie["ended_on"]) if tie["ended_on"] else None)
        for tie in expert.ties
    )


def objection_upheld(session: Session, project_id: str) -> bool:
    """Say whether an objection to the newest published result was upheld, so that a new review may follow."""
    newest = session.exec(
        select(ReviewRound.id)
        .where(col(ReviewRound.project_id) == project_id)
        .order_by(col(ReviewRound.ordinal).desc())
    ).first()
    upheld = session.exec(
        select(PublicityNotice.id).where(
            col(PublicityNotice.round_id) == newest, col(PublicityNotice.result) == "upheld"
        )
    ).first()
    return upheld is not None


def applicant_of(session: Session, project_id: str) -> str | None:
    """Return the applying unit of the newest submission, ``None`` when there is none."""
    return session.exec(
        select(Application.applicant)
        .where(col(Application.project_id) == project_id)
        .order_by(col(Application.revision).desc())
    ).first()


def parties_of(session: Session, vault: Vault, *, project: Project) -> frozenset[str]:
    """Return what an expert on the project must have no tie with: its applicants by name and code, and the ids of those
    experts who bear the name of a member of the project's team (a namesake is rather left out than let in).
    """
    applications = session.exec(select(Application).where(col(Application.project_id) == project.id)).all()
    units = {text for row in applications for text in (row.applicant, row.credit_code) if text}
    team = session.exec(
        select(ApplicationTeamMember.name_sealed).where(
            col(ApplicationTeamMember.application_id).in_([row.id for row in applications])
        )
    ).all()
    names = {vault.lookup(vault.open(sealed)) for sealed in team}
    members = session.exec(
        select(Expert.id).where(col(Expert.region) == project.region, col(Expert.name_hash).in_(names))
    ).all()
    return frozenset(units | set(members))


@dataclass(frozen=True)
class Outcome:
    """A round about to be closed: its rows, its tally (totals in the order of the sitting seats), its wording."""

    round: ReviewRound
    seats: list[ReviewSeat]
    sheets: Mapping[str, ReviewSheet]
    tally: Tally
    opinion: str
    dissent: str


def opinion_view(
    session: Session, *, project: Project, outcome: Outcome, policy: Policy, marks: Marks, as_of: date, rehearsal: bool
) -> dict[str, Any]:
    """Return the view of the paper ``review_opinion``: experts by number, left seats with blank marks."""
    totals = iter(outcome.tally.totals)
    return {
        "issuer": body_name(policy=policy, role=Role(policy.review.convener)),
        "date": as_of.isoformat(),
        "rehearsal": rehearsal,
        "synthetic_fields": marks.labels(*OPINION_SOURCES) if rehearsal else [],
        "title_lines": [sentence("review.paper.title", {"project": project.name})],
        "doc_no": "",
        "facts": _facts(session, project=project, outcome=outcome, marks=marks, as_of=as_of),
        "criteria": list(policy.review.dimensions.values()),
        "scores": [
            _score_line(seat, outcome=outcome, policy=policy, marks=marks, totals=totals) for seat in outcome.seats
        ],
        "result": marks.cell(outcome.tally.mean, "review.submit_score.scores"),
        "pass_mark": str(policy.review.pass_mark),
        "conclusion": [line for line in outcome.opinion.splitlines() if line.strip()],
        "dissent": [line for line in outcome.dissent.splitlines() if line.strip()],
    }


def _facts(
    session: Session, *, project: Project, outcome: Outcome, marks: Marks, as_of: date
) -> list[dict[str, object]]:
    opened = outcome.round
    recused = sum(seat.recused_on is not None for seat in outcome.seats)
    lines = (
        ("project", project.name, "library.enter_project.name"),
        ("applicant", applicant_of(session, project.id), "application.submit.plan_book.applicant"),
        ("needs", "、".join(project.details["needs"]), "library.enter_project.needs"),
        ("period", f"{written_date(opened.opened_on)}至{written_date(as_of)}", "review.open_round.closes_on"),
        (
            "panel",
            sentence("review.paper.panel_size", {"sitting": len(outcome.seats) - recused, "recused": recused}),
            "",
        ),
        ("seed", opened.seed, "review.open_round.seed"),
        ("roster_digest", opened.roster_digest, ""),
    )
    return [{"label": sentence(f"review.paper.{code}"), "value": marks.cell(text, path)} for code, text, path in lines]


def _score_line(seat: ReviewSeat, *, outcome: Outcome, policy: Policy, marks: Marks, totals: Any) -> dict[str, object]:
    path = "review.submit_score.scores"
    sitting = seat.recused_on is None
    sheet = outcome.sheets[seat.expert_id] if sitting else None
    scores = sheet.scores if sheet else {}
    return {
        "expert": sentence("review.paper.expert", {"number": seat.ordinal}),
        "category": policy.review.panel_categories[seat.category],
        "recusal": sentence("review.paper.sitting" if sitting else "review.paper.recused"),
        "marks": [marks.cell(scores.get(code), path) for code in policy.review.dimensions],
        "total": marks.cell(next(totals) if sitting else None, path),
        "reason": "；".join(f"{name}：{sheet.reasons[code]}" for code, name in policy.review.dimensions.items())
        if sheet
        else "",
    }
