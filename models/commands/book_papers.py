"""Issuing books: the ledger as a workbook for the office, the public roster as a page in the public zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, work
from models.commands.book import KIND, ROSTER
from models.commands.publicity_papers import Printer
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.queries import book as reads
from models.queries.book import BookRows, RowShown
from models.rules import book as rules
from models.rules.bodies import body_name

_VENUE: Final = "address"


class BookIssued(BaseModel):
    """The filed paper: document id, digest, and how many rows stand in it."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    rows: int


@command("book.issue", roles=CIVIL_AFFAIRS, clause="SYS-BOOK")
def issue(ctx: Context, *, book: Annotated[str, Field(description="登记簿代码")]) -> BookIssued:
    """Print a book as xlsx as it stands today, personal fields masked, and file it.

    Raises ``Refusal`` ``book.unknown``, ``book.empty`` (SYS-EMPTY-LEDGER).
    """
    with ctx.reading() as session:
        found = reads.standing(ctx.reader(session), book=book)
    _check_rows(found.rows, found.title)
    labels = list(dict.fromkeys(label for row in found.rows for label in row.texts))
    title = sentence("book.ledger.title", {"book": found.title})
    view = {
        "title": title,
        **_head(ctx, found.rows),
        "rows": [],
        "heads": [*(sentence(f"book.ledger.{name}") for name in ("seq", "unit", "since", "warnings")), *labels],
        "lines": [_line(number, row, labels) for number, row in enumerate(found.rows, start=1)],
    }
    paper = documents.render(ctx, kind="book_ledger_xlsx", view=view, synthetic_fields=_made(found.rows))
    with ctx.writing() as session:
        document = documents.file_paper(
            session, ctx, paper=paper, project_id=None, stage=KIND, title=title, issuer=ROLE_NAMES[ctx.actor.role]
        )
        return BookIssued(id=document.id, sha256=document.sha256, rows=found.total)


@command("book.publish_roster", roles=CIVIL_AFFAIRS, clause="SYS-BOOK")
def publish_roster(
    ctx: Context,
    *,
    books: Annotated[tuple[str, ...], Field(min_length=1, max_length=10, description="登记簿代码")],
    title: Annotated[str, Field(min_length=2, max_length=60, description="名册标题")],
) -> BookIssued:
    """Publish the roster of books as one page: only the rows and fields the public may see.

    A book that was published before may be published empty: the page then says that there is none at present.
    Raises ``Refusal`` ``book.not_published`` (SYS-PRIVACY), ``book.empty``; ``DataFault`` ``publicity.leak``.
    """
    codes = tuple(dict.fromkeys(books))
    with ctx.reading() as session:
        tables = [reads.public(ctx.reader(session), book=code) for code in codes]
        before = any(reads.was_published(session, code=code) for code in codes)
        printer = Printer.of(session, ctx)
    shown = [row for table in tables for row in table.rows]
    if not before:
        _check_rows(shown, title)
    view = {"title_lines": [title], "doc_no": "", **_head(ctx, shown), "tables": [_table(one) for one in tables]}
    paper = printer.paper("book_roster_html", view, fields=_scanned(title, shown))
    with ctx.writing() as session:
        document = documents.file_paper(
            session, ctx, paper=paper, project_id=None, stage=KIND, title=title, issuer=ROLE_NAMES[ctx.actor.role]
        )
        _published(session, ctx, tables, document.sha256)
        return BookIssued(id=document.id, sha256=document.sha256, rows=len(shown))


def _scanned(title: str, rows: Sequence[RowShown]) -> dict[str, Any]:
    """Return what the leak scan reads; the address of a venue goes where addresses stand on purpose, and alone."""
    return {
        "title": title,
        "rows": [
            {"unit": row.unit_name} | {code: text for code, text in row.values.items() if code != _VENUE}
            for row in rows
        ],
        "contact": [row.values[_VENUE] for row in rows if _VENUE in row.values],
    }


def _published(session: Session, ctx: Context, tables: Sequence[BookRows], sha256: str) -> None:
    policy = ctx.policy(region=ctx.services.region)
    for table in tables:
        work.close_item(session, ctx, kind=ROSTER, subject_id=table.book)
        payload = {
            "rule": rules.published_book(policy, table.book).published,
            "rows": table.total,
            "document_sha256": sha256,
        }
        events.append(
            session, ctx, stream_kind=KIND, stream_id=table.book, type=reads.ROSTER_PUBLISHED, payload=payload
        )


def _head(ctx: Context, rows: Sequence[RowShown]) -> dict[str, Any]:
    policy = ctx.policy(region=ctx.services.region)
    return {
        "issuer": body_name(policy=policy, role=ctx.actor.role),
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": _made(rows),
    }


def _made(rows: Sequence[RowShown]) -> list[str]:
    return [sentence("book.synthetic")] if any(row.synthetic for row in rows) else []


def _line(number: int, row: RowShown, labels: Sequence[str]) -> list[dict[str, Any]]:
    head = [str(number), row.unit_name, row.from_on.isoformat(), "、".join(row.warnings)]
    cells: list[dict[str, Any]] = [{"text": text} for text in head]
    texts = [row.texts.get(label, "") for label in labels]
    return [*cells, *({"text": text, "synthetic": row.synthetic and bool(text)} for text in texts)]


def _table(found: BookRows) -> dict[str, Any]:
    labels = list(dict.fromkeys(label for row in found.rows for label in row.texts))
    return {
        "title": found.title,
        "heads": [sentence("book.ledger.seq"), sentence("book.ledger.unit"), *labels],
        "lines": [
            [cell for place, cell in enumerate(_line(number, row, labels)) if place not in (2, 3)]
            for number, row in enumerate(found.rows, start=1)
        ],
    }


def _check_rows(rows: Sequence[RowShown], title: str) -> None:
    if not rows:
        raise Refusal("book.empty", rule="SYS-EMPTY-LEDGER", facts={"book": title})
