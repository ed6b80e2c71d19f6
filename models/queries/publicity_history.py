"""What happened to a public notice, read together: its clock, and the page that tells the whole story (S06).

Called by the publicity commands and the site. Objectors and matters never appear; answers and reasons appear with
everything personal blotted out. ``recipient_names`` hands clear names to the leak scan inside a command: never log or
return them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.calendar import Due, WorkCalendar
from models.core.messages import sentence
from models.core.registry import query
from models.policy.resolver import PolicyBook
from models.policy.schema import Policy
from models.ports import Vault
from models.queries.provenance import Marks
from models.queries.publicity import NOTICE_SOURCES, objections_of
from models.queries.reader import Reader
from models.rules.bodies import body_name, written_date
from models.rules.masking import masked
from models.rules.publicity import is_minor
from models.rules.publicity_clock import Handling, Outage, Posting, period_end, reachable, unreachable_days
from models.rules.publicity_leaks import blotted
from models.tables.kernel import Project
from models.tables.needs import Person, Selection
from models.tables.publicity import NoticeOutage, NoticePosting, Objection, PublicityNotice

HISTORY_SOURCES: Final = (
    *NOTICE_SOURCES,
    "publicity.record_outage",
    "publicity.answer_objection",
    "publicity.close_notice",
)


@query("publicity.notices_due", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-24")
def notices_due(reader: Reader) -> tuple[str, ...]:
    """Return the ids of open notices whose last day has passed and on which no objection waits, oldest first; a notice
    that nobody can read at present goes on.
    """
    waiting = select(Objection.id).where(
        col(Objection.notice_id) == col(PublicityNotice.id),
        col(Objection.answered_on).is_(None),
        col(Objection.late).is_(False),
    )
    rows = reader.session.exec(
        select(PublicityNotice.id, PublicityNotice.sheet_id)
        .where(col(PublicityNotice.closed_on).is_(None), col(PublicityNotice.paused_on).is_(None))
        .where(col(PublicityNotice.ends_on) < reader.as_of, ~waiting.exists())
        .order_by(col(PublicityNotice.ends_on), col(PublicityNotice.id))
    ).all()
    return tuple(notice for notice, sheet in rows if readable_on(reader.session, sheet_id=sheet, on=reader.as_of))


def recipient_names(session: Session, vault: Vault) -> frozenset[str]:
    """Return the clear names of everybody in the needs ledgers, for comparison only."""
    return frozenset(vault.open(sealed).strip() for sealed in session.exec(select(Person.name_sealed)))


def listed_recipients(session: Session, vault: Vault, *, project: str, policy: Policy, as_of: date) -> tuple[str, ...]:
    """Return the selected recipients of a project as the public may read them; minors are left out as policy says."""
    people = session.exec(
        select(Person)
        .join(Selection, col(Selection.person_id) == col(Person.id))
        .where(col(Selection.project_id) == project)
        .order_by(col(Selection.ordinal), col(Person.id))
    ).all()
    styles, hide = policy.publicity.mask_public, policy.publicity.exclude_minors
    return tuple(
        masked(field="name", text=vault.open(person.name_sealed), styles=styles)
        for person in people
        if not (hide and is_minor(birth_year=person.birth_year, age_band=person.age_band, as_of=as_of, policy=policy))
    )


def postings_of(session: Session, sheet_id: str) -> Sequence[NoticePosting]:
    """Return where a notice stands or stood, in the order posted."""
    return session.exec(
        select(NoticePosting)
        .where(col(NoticePosting.sheet_id) == sheet_id)
        .order_by(col(NoticePosting.posted_on), col(NoticePosting.channel))
    ).all()


def outages_of(session: Session, sheet_id: str) -> Sequence[NoticeOutage]:
    """Return the outages of a notice's channels, oldest first."""
    return session.exec(
        select(NoticeOutage)
        .where(col(NoticeOutage.sheet_id) == sheet_id)
        .order_by(col(NoticeOutage.first_day), col(NoticeOutage.channel))
    ).all()


def published_names(session: Session, project: str) -> tuple[str, ...]:
    """Return the names under which a project stands on its notices: public already, whatever it is called now."""
    rows = session.exec(select(PublicityNotice.project_name).where(col(PublicityNotice.project_id) == project))
    return tuple(dict.fromkeys(rows))


def items_of(session: Session, sheet_id: str) -> Sequence[PublicityNotice]:
    """Return the projects' rows on one notice."""
    return session.exec(
        select(PublicityNotice).where(col(PublicityNotice.sheet_id) == sheet_id).order_by(col(PublicityNotice.id))
    ).all()


def clock_end(session: Session, *, notice: PublicityNotice, policy: Policy, calendar: WorkCalendar, as_of: date) -> Due:
    """Return the last day of a notice as its records stand."""
    handled = [
        Handling(one.raised_on, one.answered_on, withdrawn=one.outcome == "withdrawn")
        for one in objections_of(session, notice.id)
        if one.answered_on is not None and not one.late and one.outcome != "upheld"
    ]
    postings, outages = _channels(session, notice.sheet_id)
    end = period_end(
        published_on=notice.published_on,
        days=notice.working_days,
        postings=postings,
        outages=outages,
        handled=handled,
        as_of=as_of,
        policy=policy,
        calendar=calendar,
    )
    return Due(end.date, end.provisional or any(outage.last is None for outage in outages))


def readable_on(session: Session, *, sheet_id: str, on: date) -> bool:
    """Say whether a notice can be read on any channel on a day."""
    postings, outages = _channels(session, sheet_id)
    return reachable(on=on, postings=postings, outages=outages)


def _channels(session: Session, sheet_id: str) -> tuple[list[Posting], list[Outage]]:
    postings = [Posting(row.channel, row.posted_on, row.taken_down_on) for row in postings_of(session, sheet_id)]
    return postings, [Outage(row.channel, row.first_day, row.last_day) for row in outages_of(session, sheet_id)]


@dataclass(frozen=True)
class Answer:
    """An answer being given by the running command, not in the database yet."""

    objection: str
    outcome: str
    reply: str


@dataclass(frozen=True)
class Told:
    """How a notice stands on a day: its last day, when and how it closed (both empty while it is open)."""

    on: date
    ends_on: date
    closed_on: date | None
    result: str | None
    answer: Answer | None = None


@dataclass(frozen=True)
class Teller:
    """What telling a history needs besides the rows: the policy of the day, those a notice may have been published
    under, and the ``names`` that are blotted out of answers and reasons.
    """

    policy: Policy
    policies: PolicyBook
    calendar: WorkCalendar
    vault: Vault
    names: Collection[str]
    rehearsal: bool


def history_view(
    session: Session, *, notice: PublicityNotice, told: Told, project: Project, marks: Marks, teller: Teller
) -> dict[str, Any]:
    """Return the view of ``publicity_closing`` (and, with links, of a page of the site)."""
    objections = objections_of(session, notice.id)
    return {
        "issuer": body_name(policy=teller.policy, role=Role(teller.policy.review.convener)),
        "date": told.on.isoformat(),
        "rehearsal": teller.rehearsal,
        "synthetic_fields": marks.labels(*HISTORY_SOURCES) if teller.rehearsal else [],
        "title_lines": [sentence("publicity.history.title", {"project": notice.project_name})],
        "doc_no": "",
        "paras": [sentence(f"publicity.history.{told.result or 'open'}")],
        "facts": _facts(notice, told, marks, lost=_lost(session, notice, told, project, teller)),
        "tables": [
            _channel_table(session, notice, teller.policy),
            _outage_table(session, notice, teller),
            _objection_table(objections, told, teller),
        ],
    }


def _lost(session: Session, notice: PublicityNotice, told: Told, project: Project, teller: Teller) -> str:
    """Return the working days that did not count because no channel could be read, written out.

    Whether they count is for the policy the notice was published under, as for its clock.
    """
    postings, outages = _channels(session, notice.sheet_id)
    pinned = teller.policies.resolve(region=project.region, on=notice.published_on)
    if not (outages and pinned.publicity.outage_extends):
        return ""
    days = unreachable_days(
        postings=postings,
        outages=outages,
        first=notice.starts_on,
        last=min(told.ends_on, told.on),
        calendar=teller.calendar,
    )
    return "、".join(written_date(day) for day in days)


def _facts(notice: PublicityNotice, told: Told, marks: Marks, *, lost: str) -> list[dict[str, Any]]:
    period = sentence(
        "publicity.history.span",
        {"first": written_date(notice.starts_on), "last": written_date(told.ends_on), "days": notice.working_days},
    )
    lines = [
        ("project", marks.cell(notice.project_name, "library.enter_project.name")),
        ("published_on", marks.cell(written_date(notice.published_on), "publicity.publish_notice.on")),
        ("period", marks.cell(period, "publicity.publish_notice.on")),
        ("lost", marks.cell(lost, "publicity.record_outage.first")),
        ("closed_on", marks.cell(written_date(told.closed_on) if told.closed_on else "", "publicity.close_notice.on")),
        ("sha256", marks.cell(notice.sha256, "")),
        ("html_sha256", marks.cell(notice.html_sha256, "")),
    ]
    return [{"label": sentence(f"publicity.history.{code}"), "value": cell} for code, cell in lines if cell["text"]]


def _table(code: str, rows: list[list[str]]) -> dict[str, Any]:
    return {
        "heading": sentence(f"publicity.history.{code}.heading"),
        "columns": sentence(f"publicity.history.{code}.columns").split("|") if rows else [],
        "rows": rows,
        "none": "" if rows else sentence(f"publicity.history.{code}.none"),
    }


def _day(day: date | None, until_then: str) -> str:
    return written_date(day) if day else sentence(f"publicity.history.{until_then}")


def _channel_table(session: Session, notice: PublicityNotice, policy: Policy) -> dict[str, Any]:
    labels = policy.publicity.channels
    rows = [
        [labels.get(row.channel, row.channel), written_date(row.posted_on), _day(row.taken_down_on, "still_posted")]
        for row in postings_of(session, notice.sheet_id)
    ]
    return _table("channels", rows)


def _outage_table(session: Session, notice: PublicityNotice, teller: Teller) -> dict[str, Any]:
    labels, names = teller.policy.publicity.channels, teller.names
    rows = [
        [
            labels.get(row.channel, row.channel),
            written_date(row.first_day),
            _day(row.last_day, "still_out"),
            blotted(row.reason, names=names),
        ]
        for row in outages_of(session, notice.sheet_id)
    ]
    return _table("outages", rows)


def _objection_table(objections: Sequence[Objection], told: Told, teller: Teller) -> dict[str, Any]:
    return _table("objections", [_objection(one, told, teller) for one in objections])


def _objection(one: Objection, told: Told, teller: Teller) -> list[str]:
    outcome, answered_on = one.outcome, one.answered_on
    reply = teller.vault.open(one.reply_sealed) if one.reply_sealed else ""
    if told.answer is not None and told.answer.objection == one.id:
        outcome, answered_on, reply = told.answer.outcome, told.on, told.answer.reply
    return [
        str(one.ordinal),
        written_date(one.raised_on),
        sentence("publicity.history.late" if one.late else "publicity.history.in_time"),
        _day(answered_on, "still_handled"),
        sentence(f"publicity.history.outcome.{outcome or 'waiting'}"),
        blotted(reply, names=teller.names),
    ]
