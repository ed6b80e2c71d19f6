"""Reads of books: which are in force, their rows on a date, who lacks what, and what the public may see of them.

Personal fields are shown as policy masks them, to everybody; a whole name is shown by ``book.reveal_row`` alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, func, or_, select

from models.core.actors import INSIDE, Role
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import query
from models.policy.books import OTHER, Book
from models.policy.schema import Policy
from models.ports import Vault
from models.queries.reader import Reader, found
from models.queries.units import root_unit, units_on
from models.rules import book as rules
from models.rules.book import Gap
from models.rules.masking import masked
from models.rules.units import Unit
from models.tables.book import BookRow
from models.tables.duty import AdministrativeUnit
from models.tables.kernel import Event

ROSTER_PUBLISHED: Final = "book.roster_published"


class BookInForce(BaseModel):
    """One book as policy states it."""

    model_config = ConfigDict(frozen=True)

    book: str
    title: str
    rule: str
    strength: str
    levels: tuple[str, ...]
    fields: dict[str, str]
    key: tuple[str, ...]
    published: bool
    clause: str


@query("book.in_force", roles=tuple(Role), clause="SYS-BOOK")
def in_force(reader: Reader) -> tuple[BookInForce, ...]:
    """Return the books in force in the region served, with the clause each rests on."""
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    return tuple(
        BookInForce(
            book=code,
            title=book.title,
            rule=book.rule,
            strength=book.strength,
            levels=tuple(book.lead),
            fields={name: field.label for name, field in book.fields.items()},
            key=book.key,
            published=bool(book.published),
            clause=policy.clause(key),
        )
        for code, (key, book) in rules.books_of(policy).items()
    )


class RowShown(BaseModel):
    """One revision of a row. ``texts`` is label → text as a reader may see it; ``values`` the same by field code.

    ``due_on`` is set while the row waits for its follow-up (a disclosure).
    """

    model_config = ConfigDict(frozen=True)

    row: str
    revision: int
    book: str
    unit: str
    unit_name: str
    values: dict[str, str]
    texts: dict[str, str]
    document: str | None
    warnings: tuple[str, ...]
    from_on: date
    until_on: date | None
    reason: str
    retire_reason: str
    due_on: date | None
    synthetic: bool


class BookRows(BaseModel):
    """The rows asked for, and how many there are."""

    model_config = ConfigDict(frozen=True)

    book: str
    title: str
    rows: tuple[RowShown, ...]
    total: int


@query("book.rows", roles=INSIDE, clause="SYS-BOOK")
def rows(
    reader: Reader,
    *,
    book: Annotated[str, Field(description="登记簿代码")],
    unit: Annotated[str | None, Field(description="区划代码;不填为全部")] = None,
    limit: Annotated[int, Field(ge=1, le=5000, description="至多返回的行数")] = 1000,
    offset: Annotated[int, Field(ge=0, description="跳过的行数")] = 0,
) -> BookRows:
    """Return the rows of a book as they stood on the date asked for; ``total`` counts all of them.

    Raises ``Refusal`` ``book.unknown``.
    """
    return standing(reader, book=book, unit=unit, limit=limit, offset=offset)


def standing(
    reader: Reader, *, book: str, unit: str | None = None, limit: int | None = None, offset: int = 0
) -> BookRows:
    """Return the rows of a book, all of them without ``limit``; what ``book.rows`` answers and the ledger prints."""
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    kept = rules.book_of(policy, book)
    statement = live(reader.as_of).where(col(BookRow.book) == book)
    if unit is not None:
        statement = statement.where(col(BookRow.unit_code) == unit)
    total = reader.session.exec(select(func.count()).select_from(statement.order_by(None).subquery())).one()
    found_rows = reader.session.exec(statement.limit(limit).offset(offset)).all()
    return BookRows(book=book, title=kept.title, rows=_shown(reader, policy, kept, found_rows), total=total)


@query("book.history", roles=INSIDE, clause="SYS-BOOK")
def history(reader: Reader, *, row: Annotated[str, Field(description="登记编号")]) -> BookRows:
    """Return every revision of one row, the first first; nothing is ever deleted."""
    statement = select(BookRow).where(col(BookRow.row_id) == row).order_by(col(BookRow.revision))
    kept = reader.session.exec(statement).all()
    first = found(kept[0] if kept else None, kind="book_row", id=row)
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    book = rules.book_of(policy, first.book)
    shown = _shown(reader, policy, book, kept)
    return BookRows(book=first.book, title=book.title, rows=shown, total=len(shown))


class BookGap(BaseModel):
    """What a unit lacks: so many rows, or the values no row covers (``group``: of one project, say)."""

    model_config = ConfigDict(frozen=True)

    book: str
    title: str
    rule: str
    strength: str
    unit: str
    unit_name: str
    rows: int
    values: tuple[str, ...]
    group: str


class BookGaps(BaseModel):
    """Everything that is lacking today, S books included."""

    model_config = ConfigDict(frozen=True)

    gaps: tuple[BookGap, ...]
    total: int


@query("book.gaps", roles=INSIDE, clause="SYS-BOOK")
def gaps(reader: Reader, *, book: Annotated[str | None, Field(description="登记簿代码;不填为全部")] = None) -> BookGaps:
    """Return the units that lack rows a book demands of them today."""
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    units = _units(reader)
    books = {code: kept for code, (_, kept) in rules.books_of(policy).items() if book in (None, code)}
    found = tuple(
        BookGap(
            book=code,
            title=books[code].title,
            rule=gap.rule,
            strength=books[code].strength,
            unit=gap.unit,
            unit_name=units[gap.unit].name,
            rows=gap.rows,
            values=_labels(books[code], gap.values, policy),
            group=gap.group,
        )
        for code, gap in gaps_on(reader.session, policy=policy, units=units, books=books, on=reader.as_of)
    )
    return BookGaps(gaps=found, total=len(found))


def _labels(book: Book, values: Sequence[str], policy: Policy) -> tuple[str, ...]:
    listed = rules.choices(book.fields[book.covers], policy) if book.covers else {}
    return tuple(listed[value] for value in values)


def live(on: date) -> Any:
    """Return the select of the rows that stand on a date, ordered."""
    open_yet = or_(col(BookRow.until_on).is_(None), col(BookRow.until_on) > on)
    order = (col(BookRow.unit_code), col(BookRow.from_on), col(BookRow.row_id))
    return select(BookRow).where(col(BookRow.from_on) <= on, open_yet).order_by(*order)


def gaps_on(
    session: Session, *, policy: Policy, units: Mapping[str, Unit], books: Mapping[str, Book], on: date
) -> list[tuple[str, Gap]]:
    """Return (book code, gap) of every unit and book in one read; personal fields are not opened for it."""
    asked = {code: book for code, book in books.items() if book.demands}
    held: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    statement = live(on).where(col(BookRow.book).in_(list(asked)))
    if len(units) == 1:  # one row was written: the other units' rows do not matter
        statement = statement.where(col(BookRow.unit_code).in_(list(units)))
    for row in session.exec(statement).all():
        held[row.book, row.unit_code].append(row.fields)
    return [
        (code, gap)
        for code, book in asked.items()
        for unit in units.values()
        if unit.level in book.lead
        for gap in rules.gaps_of(book=book, unit=unit.code, rows=held[code, unit.code], policy=policy)
    ]


def has_public(session: Session, *, code: str, book: Book, on: date) -> bool:
    """Say whether any row of a published book is for the public on a date."""
    held = session.exec(live(on).where(col(BookRow.book) == code)).all()
    return any(rules.applies(book.public_when, row.fields) for row in held)


def was_published(session: Session, *, code: str) -> bool:
    """Say whether a roster of a book was ever published: its page stands until a newer one takes its place."""
    statement = select(Event.event_id).where(
        col(Event.stream_kind) == "book", col(Event.stream_id) == code, col(Event.type) == ROSTER_PUBLISHED
    )
    return session.exec(statement.limit(1)).first() is not None


def opened(vault: Vault, row: BookRow) -> dict[str, Any]:
    """Return all values of a row, the personal ones unsealed. Raises ``DataFault`` ``vault.unreadable``."""
    personal = json.loads(vault.open(row.personal_sealed)) if row.personal_sealed else {}
    return {**row.fields, **personal}


def written(book: Book, values: Mapping[str, Any], policy: Policy) -> dict[str, str]:
    """Return field code → text as it is printed, in the order of the book; personal fields masked as policy says."""
    shown = {code: _text(book, code, values[code], policy) for code in book.fields if code in values}
    masks = {code: field.mask for code, field in book.fields.items() if field.personal}
    shown |= {code: masked(field=code, text=shown[code], styles=masks) for code in masks if code in shown}
    for code, value in values.items():
        if code not in book.fields:  # the reason of another kind
            of = code.removesuffix("_reason")
            shown[of] = f"{shown.get(of, '')}({value})"
    return shown


def _text(book: Book, code: str, value: Any, policy: Policy) -> str:
    field = book.fields[code]
    match field.type:
        case "bool":
            return sentence("book.yes" if value else "book.no")
        case "money":
            return Money(value).plain()
        case "enum" | "set":
            labels = rules.choices(field, policy) | {OTHER: field.values.get(OTHER, "")}
            return "、".join(labels.get(one, one) for one in ([value] if isinstance(value, str) else value))
        case _:
            return str(value)


def _shown(reader: Reader, policy: Policy, book: Book, kept: Iterable[BookRow]) -> tuple[RowShown, ...]:
    units, made = _units(reader, gone=True), []
    for row in kept:
        values = opened(reader.vault, row)
        texts = written(book, values, policy)
        due = None
        if row.until_on is None:
            due = rules.clock_of(book=book, values=values, policy=policy, calendar=reader.calendar)
        made.append(
            RowShown(
                row=row.row_id,
                revision=row.revision,
                book=row.book,
                unit=row.unit_code,
                unit_name=units[row.unit_code].name,
                values=texts,
                texts={book.fields[code].label: text for code, text in texts.items()},
                document=row.document_id,
                warnings=tuple(row.warnings),
                from_on=row.from_on,
                until_on=row.until_on,
                reason=row.reason,
                retire_reason=row.retire_reason,
                due_on=due.date if due else None,
                synthetic=row.synthetic,
            )
        )
    return tuple(made)


def _units(reader: Reader, *, gone: bool = False) -> dict[str, Unit]:
    root = root_unit(policies=reader.policies, region=reader.region)
    return every_unit(reader.session, root=root) if gone else units_on(reader.session, root=root, on=reader.as_of)


def every_unit(session: Session, *, root: Unit) -> dict[str, Unit]:
    """Return every unit there ever was: rows of one that is no more can still be read and taken out."""
    every = session.exec(select(AdministrativeUnit)).all()
    return {root.code: root} | {one.code: Unit(one.code, one.name, one.level, one.parent_code) for one in every}


@query("book.public", roles=tuple(Role), clause="SYS-BOOK")
def public(reader: Reader, *, book: Annotated[str, Field(description="登记簿代码")]) -> BookRows:
    """Return what the public may see of a published book today. Raises ``Refusal`` ``book.not_published``."""
    policy = reader.policies.resolve(region=reader.region, on=reader.as_of)
    kept = rules.published_book(policy, book)
    here = reader.session.exec(live(reader.as_of).where(col(BookRow.book) == book)).all()
    shown = _shown(reader, policy, kept, (row for row in here if rules.applies(kept.public_when, row.fields)))
    bare = tuple(
        row.model_copy(update={"warnings": (), "document": None, "reason": "", "retire_reason": ""}) for row in shown
    )
    return BookRows(book=book, title=kept.title, rows=bare, total=len(bare))
