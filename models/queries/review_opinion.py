"""The view of the review opinion (D07): who scored what, the result beside other ways to sum up, dissent, signatures.

Called by ``commands.review_close``. Experts appear by number, never by name; words figures with their marks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlmodel import Session

from models.core.actors import Role
from models.core.messages import sentence
from models.policy.schema import Policy
from models.queries.provenance import Marks
from models.queries.review import NeedView, applicant_of, check_settled, needs_of
from models.rules.bodies import body_name, written_date
from models.rules.forensics import Forensics
from models.rules.review import Tally
from models.tables.kernel import Project
from models.tables.review import ReviewRound, ReviewSeat, ReviewSheet

OPINION_SOURCES: Final = (
    "library.enter_project",
    "application.submit",
    "review.open_round",
    "review.submit_score",
    "review.close_round",
)


@dataclass(frozen=True)
class Outcome:
    """A round about to be closed: its rows, its tally (totals in the order of the seats that scored), its wording, and
    the ways to sum up its sheets.
    """

    round: ReviewRound
    seats: list[ReviewSeat]
    sheets: Mapping[str, ReviewSheet]
    tally: Tally
    opinion: str
    dissent: str
    forensics: Forensics


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
        "methods": _methods(outcome, marks),
        "notes": _notes(outcome, policy),
        "signatures": [
            sentence(
                "review.paper.sheet_digest", {"number": seat.ordinal, "digest": outcome.sheets[seat.expert_id].digest}
            )
            for seat in _scored(outcome)
        ],
        "result": marks.cell(outcome.tally.mean, "review.submit_score.scores"),
        "pass_mark": str(policy.review.pass_mark),
        "conclusion": [line for line in outcome.opinion.splitlines() if line.strip()],
        "dissent": [line for line in outcome.dissent.splitlines() if line.strip()],
    }


def _facts(
    session: Session, *, project: Project, outcome: Outcome, marks: Marks, as_of: date
) -> list[dict[str, object]]:
    check_settled(session, project)
    opened = outcome.round
    recused = sum(seat.recused_on is not None for seat in outcome.seats)
    lines = (
        ("project", project.name, "library.enter_project.name"),
        ("applicant", applicant_of(session, project.id), "application.submit.plan_book.applicant"),
        ("needs", "；".join(_cited(need) for need in needs_of(session, project)), "library.enter_project.needs"),
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


def _cited(need: NeedView) -> str:
    if need.people is None:
        return need.title
    return sentence("review.paper.need", {"title": need.title, "ref": need.ref, "people": need.people})


def _scored(outcome: Outcome) -> list[ReviewSeat]:
    return [seat for seat in outcome.seats if seat.recused_on is None and seat.expert_id in outcome.sheets]


def _methods(outcome: Outcome, marks: Marks) -> list[dict[str, object]]:
    """Return one line a method: its value and its verdict."""
    standing = outcome.forensics.standings[outcome.round.id]
    return [
        {
            "method": sentence(f"review.method.{method}"),
            "value": marks.cell(f"{value:.2f}", "review.submit_score.scores"),
            "verdict": sentence(
                f"review.verdict.{standing.passes[method]}" if method in standing.passes else "review.verdict.none"
            ),
        }
        for method, value in standing.values.items()
    ]


def _notes(outcome: Outcome, policy: Policy) -> list[str]:
    """Return what the figures alone do not say: whose leaving would turn the result, the outliers in
    the raters' own words, who did not score.
    """
    forensics = outcome.forensics
    standing = forensics.standings[outcome.round.id]
    number = {seat.expert_id: seat.ordinal for seat in outcome.seats}
    batch = outcome.round.batch
    lines = [sentence("review.note.batch", {"batch": batch})] if batch else []
    flippers = "、".join(sentence("review.paper.expert", {"number": number[rater]}) for rater in standing.flipped_by)
    lines.append(sentence("review.note.flip", {"experts": flippers}) if flippers else sentence("review.note.no_flip"))
    for outlier in standing.outliers:
        said = {
            "number": number[outlier.rater],
            "total": f"{outlier.total:.2f}",
            "distance": f"{outlier.distance:+.2f}",
            "words": _words(outcome.sheets[outlier.rater], policy),
        }
        lines.append(sentence("review.note.outlier", said))
    silent = [
        seat.ordinal for seat in outcome.seats if seat.recused_on is None and seat.expert_id not in outcome.sheets
    ]
    lines += [sentence("review.note.silent", {"number": ordinal}) for ordinal in silent]
    return lines


def _words(sheet: ReviewSheet, policy: Policy) -> str:
    return "；".join(f"{name}：{sheet.reasons[code]}" for code, name in policy.review.dimensions.items())


def _score_line(
    seat: ReviewSeat, *, outcome: Outcome, policy: Policy, marks: Marks, totals: Iterator[Decimal]
) -> dict[str, object]:
    path = "review.submit_score.scores"
    sitting = seat.recused_on is None
    sheet = outcome.sheets.get(seat.expert_id) if sitting else None
    scores = sheet.scores if sheet else {}
    return {
        "expert": sentence("review.paper.expert", {"number": seat.ordinal}),
        "category": policy.review.panel_categories[seat.category],
        "recusal": sentence("review.paper.sitting" if sitting else "review.paper.recused"),
        "marks": [marks.cell(scores.get(code), path) for code in policy.review.dimensions],
        "total": marks.cell(next(totals) if sheet else None, path),
        "reason": _words(sheet, policy) if sheet else "",
    }
