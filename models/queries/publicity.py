"""Reads of publicity (S06): notices due, one notice as each role may see it, and the view of the public notice.

The objector is shown to the evaluation office alone, the matter to those who handle it; the public sees counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.provenance import Marks
from models.queries.reader import Reader, found
from models.queries.review import applicant_of
from models.rules.bodies import body_name
from models.tables.kernel import Project
from models.tables.publicity import Objection, PublicityNotice
from models.tables.review import ReviewRound

NOTICE_SOURCES: Final = (
    "library.enter_project",
    "application.submit",
    "review.submit_score",
    "publicity.publish_notice",
)
_HANDLERS: Final = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU)


class ObjectionView(BaseModel):
    """One objection; ``objector``, ``matter`` and ``reply`` are empty for who may not read them."""

    model_config = ConfigDict(frozen=True)

    id: str
    raised_on: date
    answer_due_on: date
    outcome: str | None
    answered_on: date | None
    objector: str
    matter: str
    reply: str


class NoticeView(BaseModel):
    """A notice: ``state`` is open, paused (an objection is handled) or closed; ``result`` is passed or upheld."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    state: str
    channels: tuple[str, ...]
    published_on: date
    starts_on: date
    ends_on: date
    provisional: bool
    closed_on: date | None
    result: str | None
    document: str
    html_document: str
    objections: tuple[ObjectionView, ...]


@query("publicity.notice", roles=tuple(Role), clause="ZY-24")
def notice_(reader: Reader, *, notice: str) -> NoticeView:
    """Return a notice and its objections, protected ones masked."""
    row = found(reader.session.get(PublicityNotice, notice), kind="notice", id=notice)
    return NoticeView(
        id=row.id,
        project=row.project_id,
        state="closed" if row.closed_on else "paused" if row.paused_on else "open",
        channels=tuple(row.channels),
        published_on=row.published_on,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        provisional=row.provisional,
        closed_on=row.closed_on,
        result=row.result,
        document=row.document_id,
        html_document=row.html_document_id,
        objections=tuple(_objection_view(reader, one) for one in objections_of(reader.session, row.id)),
    )


def _objection_view(reader: Reader, one: Objection) -> ObjectionView:
    handler, office = reader.actor.role in _HANDLERS, reader.actor.role is Role.EVALUATION_OFFICE
    return ObjectionView(
        id=one.id,
        raised_on=one.raised_on,
        answer_due_on=one.answer_due_on,
        outcome=one.outcome,
        answered_on=one.answered_on,
        objector=reader.vault.open(one.objector_sealed) if office else "",
        matter=reader.vault.open(one.matter_sealed) if handler else "",
        reply=reader.vault.open(one.reply_sealed) if handler and one.reply_sealed else "",
    )


@query("publicity.notices_due", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-24")
def notices_due(reader: Reader) -> tuple[str, ...]:
    """Return the ids of open notices whose last day has passed and on which no objection waits, oldest first."""
    waiting = select(Objection.id).where(
        col(Objection.notice_id) == col(PublicityNotice.id), col(Objection.answered_on).is_(None)
    )
    rows = reader.session.exec(
        select(PublicityNotice.id)
        .where(col(PublicityNotice.closed_on).is_(None), col(PublicityNotice.paused_on).is_(None))
        .where(col(PublicityNotice.ends_on) < reader.as_of, ~waiting.exists())
        .order_by(col(PublicityNotice.ends_on), col(PublicityNotice.id))
    ).all()
    return tuple(rows)


def objections_of(session: Session, notice_id: str) -> Sequence[Objection]:
    """Return the objections to a notice in the order raised."""
    return session.exec(
        select(Objection).where(col(Objection.notice_id) == notice_id).order_by(col(Objection.ordinal))
    ).all()


def open_objections(session: Session, *, project_id: str) -> int:
    """Return how many objections to any notice of a project wait for an answer."""
    rows = session.exec(
        select(Objection.id)
        .join(PublicityNotice, col(PublicityNotice.id) == col(Objection.notice_id))
        .where(col(PublicityNotice.project_id) == project_id, col(Objection.answered_on).is_(None))
    ).all()
    return len(rows)


def notices_of(session: Session, project_id: str) -> Sequence[PublicityNotice]:
    """Return the notices of a project, the newest last."""
    return session.exec(
        select(PublicityNotice)
        .where(col(PublicityNotice.project_id) == project_id)
        .order_by(col(PublicityNotice.ordinal))
    ).all()


def latest_round(session: Session, project_id: str) -> ReviewRound | None:
    """Return the newest review round of a project."""
    return session.exec(
        select(ReviewRound).where(col(ReviewRound.project_id) == project_id).order_by(col(ReviewRound.ordinal).desc())
    ).first()


def notice_view(
    session: Session,
    *,
    project: Project,
    round: ReviewRound,
    policy: Policy,
    marks: Marks,
    published_on: date,
    period: tuple[date, date],
    channels: tuple[str, ...],
    contact: str,
    rehearsal: bool,
) -> dict[str, Any]:
    """Return the view of ``publicity_notice`` and ``publicity_notice_html``: no person is named in it."""
    result = sentence("publicity.paper.passed" if round.passed else "publicity.paper.not_passed", {"mean": round.mean})
    first, last = period
    return {
        "issuer": body_name(policy=policy, role=Role(policy.review.convener)),
        "date": published_on.isoformat(),
        "rehearsal": rehearsal,
        "synthetic_fields": marks.labels(*NOTICE_SOURCES) if rehearsal else [],
        "title_lines": [sentence("publicity.paper.title", {"project": project.name})],
        "doc_no": "",
        "paras": [sentence("publicity.paper.opening")],
        "lines": [
            {
                "project": marks.cell(project.name, "library.enter_project.name"),
                "unit": marks.cell(applicant_of(session, project.id), "application.submit.plan_book.applicant"),
                "result": marks.cell(result, "review.submit_score.scores"),
            }
        ],
        "starts_on": first.isoformat(),
        "ends_on": last.isoformat(),
        "working_days": policy.publicity.working_days,
        "channels": [policy.publicity.channels[channel] for channel in channels],
        "objection": sentence("publicity.paper.objection"),
        "contact": [line.strip() for line in contact.splitlines() if line.strip()],
    }
