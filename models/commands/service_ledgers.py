"""Issuing what was served and what the checks found as workbooks: one person's service file, a month's findings.

Who asks decides how people are shown (``queries.service_file.person_shown``); sealed words are opened as that query
opens them. Events hold ids and digests only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents
from models.commands.documents import Paper
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.queries.check_findings import FindingShown, check_findings
from models.queries.month_records import Month
from models.queries.monthly_checks import HOURS_SHORT, Fault, faults
from models.queries.reader import project_of
from models.queries.service_file import LEDGER_READERS, FileAnswer, FileRecord, ServiceFile, person_shown, service_file
from models.rules.bodies import body_name
from models.rules.delivery import item_names
from models.tables.kernel import Document, Project
from models.tables.needs import Person

_FILE: Final = (
    *("seq", "person_name", "id_number", "kind", "day", "time", "minutes", "item", "staff", "qualified", "place"),
    *("result", "signed", "satisfied", "off_plan", "corrected", "recorded_on"),
)
_FINDINGS: Final = (
    *("seq", "id", "check", "project", "contract", "records", "persons", "minutes", "days", "amount", "found_on"),
    *("due_on", "state"),
)
_FAULTS: Final = (
    *("seq", "id", "check", "contract", "person_name", "id_number", "day", "time", "item", "staff", "promised"),
    *("given", "amount"),
)
_CHECKERS: Final = (
    *(*CIVIL_AFFAIRS, Role.PURCHASER, Role.FINANCE_BUREAU),
    *(Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION),
)
_Line = list[str]


class FileIssued(BaseModel):
    """The filed workbook: document id, digest and lines."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    lines: int


class FindingsIssued(BaseModel):
    """The filed workbooks of a month: the findings (``id``), and every service, promise and payment behind them."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    findings: int
    details: str
    details_sha256: str
    faults: int


@dataclass(frozen=True)
class _Book:
    """A workbook to be printed: its kind, title, heads and lines; ``synthetic`` when it holds made-up content."""

    kind: str
    title: str
    heads: Sequence[str]
    lines: Sequence[_Line]
    synthetic: bool


@command("delivery.issue_service_file", roles=LEDGER_READERS, clause="FZ-55")
def issue_service_file(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    person: Annotated[str, Field(description="服务对象编号(筛选或档案编号)")],
) -> FileIssued:
    """Print the service file of one person (一人一档, L09) as xlsx: an extract, no part of the project's own papers.

    Raises ``Refusal`` ``delivery.not_selected`` (SYS-SELECTED-ONLY), ``delivery.file_empty`` (SYS-EMPTY-LEDGER).
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        file = service_file(ctx.reader(session), project=project, person=person)
    if not (file.records or file.answers):
        raise Refusal("delivery.file_empty", rule="SYS-EMPTY-LEDGER")
    title = sentence("delivery.file.title", {"project": row.name, "person": file.person})
    book = _Book("service_file_xlsx", title, _FILE, list(_file_lines(file)), row.synthetic)
    paper = _printed(ctx, book)
    with ctx.writing() as session:
        filed = _filed(session, ctx, book, paper, stage="delivery")
        return FileIssued(id=filed.id, sha256=filed.sha256, lines=len(book.lines))


def _file_lines(file: ServiceFile) -> Iterator[_Line]:
    """Yield what is planned, what was done and what was answered, each with the person in front."""
    for item, minutes in file.planned.items():
        yield [file.name, file.id_number, *_planned(item, minutes)]
    for record in file.records:
        yield [file.name, file.id_number, *_served(record)]
    for answer in file.answers:
        yield [file.name, file.id_number, *_answered(answer)]


def _planned(item: str, minutes: int | None) -> _Line:
    promised = sentence("delivery.file.by_month", {"minutes": minutes}) if minutes else ""
    return [sentence("delivery.file.kind.plan"), "", "", promised, item, *[""] * 9]


def _served(one: FileRecord) -> _Line:
    return [
        sentence("delivery.file.kind.service"),
        one.on.isoformat(),
        f"{one.start}—{one.end}",
        str(one.minutes),
        one.item,
        one.staff,
        _yes_no(one.qualified),
        one.place,
        one.result,
        sentence(f"delivery.file.signed.{one.signed_by or 'nobody'}"),
        _yes_no(one.satisfied),
        _yes_no(one.off_plan),
        _yes_no(one.corrected),
        one.recorded_on.isoformat(),
    ]


def _answered(one: FileAnswer) -> _Line:
    told = "；".join(filter(None, [sentence(f"monitoring.follow_up.answer.{one.answer}"), one.words]))
    method = sentence(f"monitoring.follow_up.method.{one.method}")
    satisfied = None if one.answer == "unreachable" else one.answer == "satisfied"
    asked = [sentence("delivery.file.kind.answer"), one.on.isoformat(), "", "", method, "", "", "", told, ""]
    return [*asked, _yes_no(satisfied), "", "", one.on.isoformat()]


@command("monitoring.issue_findings", roles=_CHECKERS, clause="SYS-MONTHLY-CHECK")
def issue_findings(
    ctx: Context, *, month: Annotated[date, Field(description="核查月份(当月任一日)")]
) -> FindingsIssued:
    """Print what the checks of a month found as xlsx, and behind it every service, promise and payment at fault now.

    Raises ``Refusal`` ``monitoring.findings_empty`` (SYS-EMPTY-LEDGER).
    """
    asked = Month(month.replace(day=1))
    with ctx.reading() as session:
        found = check_findings(ctx.reader(session), month=asked.label).findings
        if not found:
            raise Refusal("monitoring.findings_empty", rule="SYS-EMPTY-LEDGER", facts={"month": asked.label})
        books = tuple(_books(session, ctx, asked, found))
    papers = [_printed(ctx, book) for book in books]
    with ctx.writing() as session:
        first, second = (
            _filed(session, ctx, book, paper, stage="monitoring") for book, paper in zip(books, papers, strict=True)
        )
        return FindingsIssued(
            id=first.id,
            sha256=first.sha256,
            findings=len(books[0].lines),
            details=second.id,
            details_sha256=second.sha256,
            faults=len(books[1].lines),
        )


def _books(session: Session, ctx: Context, month: Month, found: Sequence[FindingShown]) -> Iterator[_Book]:
    projects = {one.project: project_of(session, one.project) for one in found}
    synthetic = any(row.synthetic for row in projects.values())
    lines: tuple[list[_Line], ...] = (
        [_finding(one, projects[one.project]) for one in found],
        list(_faults(session, ctx, month, found)),
    )
    kinds = (("check_findings_xlsx", _FINDINGS), ("check_details_xlsx", _FAULTS))
    for (kind, heads), held in zip(kinds, lines, strict=True):
        yield _Book(kind, sentence(f"monitoring.ledger.{kind}", {"month": month.label}), heads, held, synthetic)


def _finding(one: FindingShown, project: Project) -> _Line:
    state = f"monitoring.finding_state.{one.outcome or ('overdue' if one.overdue else 'open')}"
    return [
        *(one.id, one.name, project.name, one.contract),
        *(str(number) if number else "" for number in (one.records, one.persons, one.minutes, one.days)),
        Money(one.amount_fen).plain() if one.amount_fen else "",
        *(one.found_on.isoformat(), one.due_on.isoformat()),
        sentence(state),
    ]


def _faults(session: Session, ctx: Context, month: Month, found: Sequence[FindingShown]) -> Iterator[_Line]:
    """Yield what is behind the findings; a check that region does not run has no finding and is left out."""
    reader, policy = ctx.reader(session), ctx.policy(region=ctx.services.region)
    shown_as = {(one.check, one.contract): one for one in found}
    held = [
        one
        for one in faults(session, month=month, contracts={one.contract for one in found})
        if (one.check, one.contract) in shown_as
    ]
    asked = select(Person).where(col(Person.id).in_({one.person for one in held if one.person}))
    people = {person.id: person_shown(reader, person, policy) for person in session.exec(asked)}
    names = item_names(policy=policy)
    for one in held:
        yield _fault(one, shown_as[one.check, one.contract], people, names)


def _fault(one: Fault, finding: FindingShown, people: Mapping[str, tuple[str, str]], names: Mapping[str, str]) -> _Line:
    hours = (str(one.promised), str(one.given)) if one.check == HOURS_SHORT else ("", "")
    return [
        *(finding.id, finding.name, one.contract),
        *people.get(one.person, ("", "")),
        one.on.isoformat() if one.on else "",
        f"{one.start}—{one.end}" if one.start else "",
        names.get(one.item, one.item),
        one.staff,
        *hours,
        Money(one.amount_fen).plain() if one.amount_fen else "",
    ]


def _printed(ctx: Context, book: _Book) -> Paper:
    policy = ctx.policy(region=ctx.services.region)
    made = [sentence("ledger.made_up")] if book.synthetic and ctx.services.rehearsal else []
    view: dict[str, Any] = {
        "title": book.title,
        "issuer": body_name(policy=policy, role=ctx.actor.role),
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": made,
        "rows": [],
        "heads": [sentence(f"ledger.head.{name}") for name in book.heads],
        "lines": [_cells(number, line) for number, line in enumerate(book.lines, start=1)],
    }
    return documents.render(ctx, kind=book.kind, view=view, synthetic_fields=made)


def _cells(number: int, line: Iterable[str]) -> list[dict[str, str]]:
    return [{"text": text} for text in (str(number), *line)]


def _filed(session: Session, ctx: Context, book: _Book, paper: Paper, *, stage: str) -> Document:
    issuer = body_name(policy=ctx.policy(region=ctx.services.region), role=ctx.actor.role)
    return documents.file_paper(
        session, ctx, paper=paper, project_id=None, stage=stage, title=book.title, issuer=issuer
    )


def _yes_no(value: bool | None) -> str:
    return "" if value is None else sentence("ledger.yes" if value else "ledger.no")
