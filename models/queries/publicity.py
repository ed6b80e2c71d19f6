"""Reads of publicity (S06): notices due, one notice as each role may see it, the views of notice and objection sheet.

The objector is shown to the evaluation office alone, the matter to those who handle it; the public sees counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import HANDLERS, Role
from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.papers import Sheet, facts, head
from models.queries.provenance import Marks
from models.queries.reader import Reader, found
from models.queries.review import applicant_of
from models.rules.bodies import body_name, written_date
from models.rules.masking import redacted
from models.tables.kernel import Project
from models.tables.publicity import Objection, PublicityNotice
from models.tables.review import ReviewRound

SHEET_SOURCES: Final = ("library.enter_project", "publicity.raise_objection", "publicity.answer_objection")
NOTICE_SOURCES: Final = (
    "library.enter_project",
    "application.submit",
    "review.submit_score",
    "publicity.publish_notice",
)


class ObjectionView(BaseModel):
    """One objection; ``objector``, ``matter`` and ``reply`` are empty for who may not read them."""

    model_config = ConfigDict(frozen=True)

    id: str
    raised_on: date
    answer_due_on: date
    late: bool
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
    sha256: str
    html_sha256: str
    closing_document: str | None
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
        sha256=row.sha256,
        html_sha256=row.html_sha256,
        closing_document=row.closing_document_id,
        objections=tuple(_objection_view(reader, one) for one in objections_of(reader.session, row.id)),
    )


def _objection_view(reader: Reader, one: Objection) -> ObjectionView:
    handler, office = reader.actor.role in HANDLERS, reader.actor.role is Role.EVALUATION_OFFICE
    return ObjectionView(
        id=one.id,
        raised_on=one.raised_on,
        answer_due_on=one.answer_due_on,
        late=one.late,
        outcome=one.outcome,
        answered_on=one.answered_on,
        objector=reader.vault.open(one.objector_sealed) if office else "",
        matter=reader.vault.open(one.matter_sealed) if handler else "",
        reply=reader.vault.open(one.reply_sealed) if handler and one.reply_sealed else "",
    )


def sheet_view(*, sheet: Sheet, issuer: str, one: Objection, outcome: str, matter: str, reply: str) -> dict[str, Any]:
    """Return the view of ``objection_sheet`` for an objection being answered: the objector stays unnamed, personal
    numbers in matter and reply are blotted out.
    """
    lines = [
        ("project", sheet.project.name, "library.enter_project.name"),
        ("objection_no", sentence("publicity.sheet.ordinal", {"n": one.ordinal}), ""),
        ("objector", sentence("publicity.sheet.protected"), ""),
        ("raised_on", written_date(one.raised_on), "publicity.raise_objection.on"),
        ("answer_due_on", written_date(one.answer_due_on), ""),
        ("answered_on", written_date(sheet.on), "publicity.answer_objection.on"),
    ]
    return {
        **head(sheet=sheet, title="publicity.sheet.title", issuer=issuer),
        "facts": facts(sheet=sheet, stage="publicity", lines=lines),
        "matter": [line for line in redacted(matter).splitlines() if line.strip()],
        "reply": [line for line in redacted(reply).splitlines() if line.strip()],
        "conclusion": [sentence(f"publicity.sheet.{'late_' if one.late else ''}{outcome}")],
    }


def objections_of(session: Session, notice_id: str) -> Sequence[Objection]:
    """Return the objections to a notice in the order raised."""
    return session.exec(
        select(Objection).where(col(Objection.notice_id) == notice_id).order_by(col(Objection.ordinal))
    ).all()


def open_objections(session: Session, *, project_id: str) -> int:
    """Return how many objections to any notice of a project wait for an answer; late ones hold nothing up."""
    rows = session.exec(
        select(Objection.id)
        .join(PublicityNotice, col(PublicityNotice.id) == col(Objection.notice_id))
        .where(
            col(PublicityNotice.project_id) == project_id,
            col(Objection.answered_on).is_(None),
            col(Objection.late).is_(False),
        )
    ).all()
    return len(rows)


def notices_of(session: Session, project_id: str) -> Sequence[PublicityNotice]:
    """Return the notices of a project, the newest last."""
    return session.exec(
        select(PublicityNotice)
        .where(col(PublicityNotice.project_id) == project_id)
        .order_by(col(PublicityNotice.ordinal))
    ).all()


def open_notice(session: Session, project_id: str) -> PublicityNotice | None:
    """Return the notice of a project that is not closed yet."""
    return next((notice for notice in notices_of(session, project_id) if notice.closed_on is None), None)


def latest_round(session: Session, project_id: str) -> ReviewRound | None:
    """Return the newest review round of a project."""
    return session.exec(
        select(ReviewRound).where(col(ReviewRound.project_id) == project_id).order_by(col(ReviewRound.ordinal).desc())
    ).first()


@dataclass(frozen=True)
class Shown:
    """One project on a notice: its review, whose marks count, its recipients as the public may read them."""

    project: Project
    round: ReviewRound
    marks: Marks
    recipients: tuple[str, ...]


def notice_view(
    session: Session,
    *,
    shown: Sequence[Shown],
    policy: Policy,
    published_on: date,
    period: tuple[date, date],
    working_days: int,
    channels: tuple[str, ...],
    contact: str,
    rehearsal: bool,
) -> dict[str, Any]:
    """Return the view of ``publicity_notice`` and ``publicity_notice_html``; people stand in it masked, if at all."""
    first, last = period
    recipients = [_recipient(item, name) for item in shown for name in item.recipients]
    sources = (*NOTICE_SOURCES, "needs.select_recipients") if recipients else NOTICE_SOURCES
    labels = sorted({label for item in shown for label in item.marks.labels(*sources)})
    title = "publicity.paper.title" if len(shown) == 1 else "publicity.paper.title_several"
    return {
        "issuer": body_name(policy=policy, role=Role(policy.review.convener)),
        "date": published_on.isoformat(),
        "rehearsal": rehearsal,
        "synthetic_fields": labels if rehearsal else [],
        "title_lines": sentence(title, {"project": shown[0].project.name, "count": len(shown)}).split("|"),
        "doc_no": "",
        "paras": [sentence("publicity.paper.opening")],
        "lines": [_line(session, item) for item in shown],
        "recipients": recipients,
        "recipients_note": _recipients_note(policy) if recipients else "",
        "starts_on": first.isoformat(),
        "ends_on": last.isoformat(),
        "working_days": working_days,
        "channels": [policy.publicity.channels[channel] for channel in channels],
        "objection": sentence("publicity.paper.objection"),
        "contact": [line.strip() for line in contact.splitlines() if line.strip()],
    }


def _line(session: Session, item: Shown) -> dict[str, Any]:
    passed = "publicity.paper.passed" if item.round.passed else "publicity.paper.not_passed"
    applicant = applicant_of(session, item.project.id)
    return {
        "project": item.marks.cell(item.project.name, "library.enter_project.name"),
        "unit": item.marks.cell(applicant, "application.submit.plan_book.applicant"),
        "result": item.marks.cell(sentence(passed, {"mean": item.round.mean}), "review.submit_score.scores"),
    }


def _recipient(item: Shown, name: str) -> dict[str, Any]:
    return {"project": item.project.name, "name": item.marks.cell(name, "needs.select_recipients")}


def _recipients_note(policy: Policy) -> str:
    return sentence(
        "publicity.paper.recipients_adults" if policy.publicity.exclude_minors else "publicity.paper.recipients"
    )
