"""Commands of books (登记簿): a row is added, revised or taken out; every revision stays.

Venues, windows, staff, tasks, allowances, standards are rows of ``policy.books``; nothing here knows one by name. What
a unit lacks becomes a work item (``commands.book_gaps``), closed here as soon as the row is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, work
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.calendar import Due
from models.core.errors import Conflict, Refusal
from models.core.hashing import canonical_json, sha256_hex
from models.core.identifiers import find_leaks
from models.core.ids import derive_id
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.books import Book
from models.policy.schema import Policy
from models.queries.book import every_unit, gaps_on, has_public, opened, was_published
from models.queries.reader import found
from models.queries.units import root_unit, unit_on, units_on
from models.rules import book as rules
from models.rules.book import Clean
from models.rules.units import Unit
from models.tables.book import BookRow

KIND: Final = "book"
CLOCK: Final = "book_clock"
ROSTER: Final = "book_roster"
_ROLES: Final = (*CIVIL_AFFAIRS, Role.TOWNSHIP, Role.VILLAGE_COMMITTEE)
_REVEALERS: Final = (Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.TOWNSHIP)

Given = dict[str, str | int | bool | date | tuple[str, ...]]
Fields = Annotated[Given, Field(max_length=40, description="登记内容:代码→内容")]


class RowKept(BaseModel):
    """The row as it stands: its id, revision, and the soft rules it is kept against."""

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int
    warnings: tuple[str, ...]


@command("book.add_row", roles=_ROLES, clause="SYS-BOOK")
def add_row(
    ctx: Context,
    *,
    book: Annotated[str, Field(description="登记簿代码")],
    unit: Annotated[str | None, Field(description="区划代码;不填为本级")] = None,
    fields: Fields,
    document: Annotated[Upload | None, Field(description="依据文件")] = None,
) -> RowKept:
    """Add a row to a book of a unit.

    Raises ``Refusal`` ``book.unknown``, ``book.wrong_level``, ``book.not_yours``, ``book.row_wrong`` (under the rule
    that asks for the field); ``Conflict`` ``book.row_exists`` for a row with the same key that stands already.
    """
    policy = ctx.policy(region=ctx.services.region)
    kept = rules.book_of(policy, book)
    with ctx.writing() as session:
        place, clean = _checked(session, ctx, policy, kept, unit, fields, document)
        row_id = derive_id("row", book, place.code, _key(ctx, kept, clean))
        last = _last(session, row_id)
        if last is not None and last.until_on is None:
            raise Conflict("book.row_exists", rule="SYS-ALREADY-DONE", facts={"book": kept.title, "row": row_id})
        row = _write(session, ctx, policy, (book, kept), place, row_id, clean, document, last)
        return RowKept(id=row_id, revision=row.revision, warnings=clean.warnings)


@command("book.revise_row", roles=_ROLES, clause="SYS-BOOK")
def revise_row(
    ctx: Context,
    *,
    row: Annotated[str, Field(description="登记编号")],
    fields: Fields,
    reason: Annotated[str, Field(min_length=2, max_length=200, description="变更原因")],
    document: Annotated[Upload | None, Field(description="依据文件")] = None,
) -> RowKept:
    """Write a new revision: the fields named change, an empty text clears one, all others stay.

    Raises ``Refusal`` as ``book.add_row`` does, ``book.key_changed`` for a field of the key, ``book.retired``.
    """
    policy = ctx.policy(region=ctx.services.region)
    with ctx.writing() as session:
        last = _standing(session, row)
        kept = rules.book_of(policy, last.book)
        _check_reason(reason)
        before = opened(ctx.services.vault, last)
        merged = {code: tuple(value) if isinstance(value, list) else value for code, value in before.items()} | fields
        place, clean = _checked(session, ctx, policy, kept, last.unit_code, merged, document, held=last.document_id)
        if derive_id("row", last.book, place.code, _key(ctx, kept, clean)) != row and kept.key:
            raise Refusal("book.key_changed", rule=kept.rule, facts={"book": kept.title, "row": row})
        done = _write(session, ctx, policy, (last.book, kept), place, row, clean, document, last, reason)
        return RowKept(id=row, revision=done.revision, warnings=clean.warnings)


@command("book.retire_row", roles=_ROLES, clause="SYS-BOOK")
def retire_row(
    ctx: Context,
    *,
    row: Annotated[str, Field(description="登记编号")],
    reason: Annotated[str, Field(min_length=2, max_length=200, description="撤销原因")],
) -> RowKept:
    """Take a row out from today on; it and its revisions stay. Raises ``Refusal`` ``book.retired``."""
    policy = ctx.policy(region=ctx.services.region)
    with ctx.writing() as session:
        last = _standing(session, row)
        kept = rules.book_of(policy, last.book)
        _check_reason(reason)
        root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
        place = every_unit(session, root=root)[last.unit_code]  # the unit itself may be gone
        rules.check_unit(book=kept, unit=place, role=ctx.actor.role, offices=CIVIL_AFFAIRS)
        last.until_on, last.retire_reason = ctx.as_of, reason
        session.add(last)
        session.flush()
        _settle(session, ctx, policy, (last.book, kept), place, row, {})
        _owe_roster(session, ctx, policy, (last.book, kept), (last.fields,))
        payload = {"row": row, "revision": last.revision, "rule": last.rule}
        events.append(session, ctx, stream_kind=KIND, stream_id=last.book, type="book.row_retired", payload=payload)
        return RowKept(id=row, revision=last.revision, warnings=tuple(last.warnings))


class RowRevealed(BaseModel):
    """The personal fields of one row, unmasked."""

    model_config = ConfigDict(frozen=True)

    row: str
    fields: dict[str, str]


@command("book.reveal_row", roles=_REVEALERS, clause="SYS-PERSONAL-DATA")
def reveal_row(
    ctx: Context,
    *,
    row: Annotated[str, Field(description="登记编号")],
    reason: Annotated[str, Field(min_length=4, max_length=200, description="查看理由")],
) -> RowRevealed:
    """Show who is named in a row, and record who asked, when and why. Raises ``Refusal`` ``book.reveal_not_dry``."""
    if ctx.dry_run:
        raise Refusal("book.reveal_not_dry", rule="SYS-PERSONAL-DATA")
    with ctx.writing() as session:
        last = found(_last(session, row), kind="book_row", id=row)
        personal = {code: text for code, text in opened(ctx.services.vault, last).items() if code not in last.fields}
        _check_reason(reason, *personal.values())
        payload = {"row": row, "reason": reason}
        events.append(session, ctx, stream_kind=KIND, stream_id=last.book, type="book.row_revealed", payload=payload)
        return RowRevealed(row=row, fields=personal)


def _checked(
    session: Session,
    ctx: Context,
    policy: Policy,
    book: Book,
    unit: str | None,
    fields: Mapping[str, Any],
    document: Upload | None,
    *,
    held: str | None = None,
) -> tuple[Unit, Clean]:
    place = _place(session, ctx, book, unit)
    root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
    units = units_on(session, root=root, on=ctx.as_of)
    has_document = document is not None or held is not None
    return place, rules.clean(book=book, given=fields, units=units, policy=policy, document=has_document, on=ctx.as_of)


def _place(session: Session, ctx: Context, book: Book, unit: str | None) -> Unit:
    root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
    place = unit_on(session, root=root, code=unit or root.code, on=ctx.as_of)
    rules.check_unit(book=book, unit=place, role=ctx.actor.role, offices=CIVIL_AFFAIRS)
    return place


def _key(ctx: Context, book: Book, clean: Clean) -> str:
    """Return what tells the row from others of its unit; a book without a key takes every entry as a row."""
    if not book.key:
        return ctx.new_id("entry")
    lookup = ctx.services.vault.lookup
    parts = [lookup(clean.personal[code]) if code in clean.personal else clean.fields.get(code) for code in book.key]
    return sha256_hex(canonical_json(parts))


def _last(session: Session, row_id: str) -> BookRow | None:
    statement = select(BookRow).where(col(BookRow.row_id) == row_id).order_by(col(BookRow.revision).desc()).limit(1)
    return session.exec(statement.with_for_update()).one_or_none()


def _standing(session: Session, row_id: str) -> BookRow:
    last = found(_last(session, row_id), kind="book_row", id=row_id)
    if last.until_on is not None:
        raise Refusal("book.retired", rule="SYS-BOOK", facts={"row": row_id, "on": last.until_on.isoformat()})
    return last


def _check_reason(reason: str, *names: str) -> None:
    if find_leaks(reason) or any(name and name in reason for name in names):
        raise Refusal("book.names_person", rule="SYS-PRIVACY")


def _write(
    session: Session,
    ctx: Context,
    policy: Policy,
    named: tuple[str, Book],
    place: Unit,
    row_id: str,
    clean: Clean,
    document: Upload | None,
    last: BookRow | None,
    reason: str = "",
) -> BookRow:
    code, book = named
    filed = _filed(session, ctx, book, place, document)
    row = BookRow(
        id=derive_id("rev", row_id, str(last.revision + 1 if last else 1)),
        row_id=row_id,
        revision=last.revision + 1 if last else 1,
        book=code,
        rule=book.rule,
        unit_code=place.code,
        fields=dict(clean.fields),
        personal_sealed=ctx.services.vault.seal(canonical_json(clean.personal).decode()) if clean.personal else None,
        document_id=filed or (last.document_id if last and last.until_on is None else None),
        warnings=list(clean.warnings),
        from_on=ctx.as_of,
        reason=reason,
        policy_digest=policy.digest,
        synthetic=bool(ctx.synthetic),
    )
    touched = [row.fields]
    if last is not None and last.until_on is None:
        last.until_on = ctx.as_of
        touched.append(last.fields)
        session.add(last)
    session.add(row)
    session.flush()
    _settle(session, ctx, policy, named, place, row_id, {**clean.fields, **clean.personal})
    _owe_roster(session, ctx, policy, named, touched)
    payload = {"row": row_id, "revision": row.revision, "rule": book.rule, "warnings": row.warnings}
    payload["amounts_fen"] = [
        clean.fields[key] for key, one in book.fields.items() if one.type == "money" and key in clean.fields
    ]
    events.append(session, ctx, stream_kind=KIND, stream_id=code, type="book.row_kept", payload=payload)
    return row


def _filed(session: Session, ctx: Context, book: Book, place: Unit, document: Upload | None) -> str | None:
    if document is None:
        return None
    title = sentence("book.document", {"book": book.title, "unit": place.name})
    issuer = ROLE_NAMES[book.lead[place.level]]
    return documents.file_upload(
        session, ctx, stored=document, project_id=None, stage=KIND, kind="book_document", title=title, issuer=issuer
    ).id


def _settle(
    session: Session,
    ctx: Context,
    policy: Policy,
    named: tuple[str, Book],
    place: Unit,
    row_id: str,
    values: Mapping[str, Any],
) -> None:
    """Close what the row answers, open what it now asks for: its own clock."""
    code, book = named
    clause = policy.clause(rules.books_of(policy)[code][0])
    if not gaps_on(session, policy=policy, units={place.code: place}, books={code: book}, on=ctx.as_of):
        work.close_item(session, ctx, kind=KIND, subject_id=f"{code}/{place.code}")
    due = rules.clock_of(book=book, values=values, policy=policy, calendar=ctx.services.calendar)
    if due is None:
        work.close_item(session, ctx, kind=CLOCK, subject_id=row_id)
    else:
        _owe(session, ctx, kind=CLOCK, role=book.lead[place.level], subject=row_id, due=due, clause=clause)
        work.move_item(session, ctx, kind=CLOCK, subject_id=row_id, due_on=due.date, provisional=due.provisional)


def _owe_roster(
    session: Session, ctx: Context, policy: Policy, named: tuple[str, Book], touched: Sequence[Mapping[str, Any]]
) -> None:
    """Owe the public roster anew when what was written stood on it or now does.

    ``touched`` is the row before and after. With nothing to show and no old page to replace nothing is owed.
    """
    code, book = named
    if not book.published or not any(rules.applies(book.public_when, fields) for fields in touched):
        return
    if not (has_public(session, code=code, book=book, on=ctx.as_of) or was_published(session, code=code)):
        work.close_item(session, ctx, kind=ROSTER, subject_id=code)
        return
    days = policy.publicity.disclosure_working_days
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=days)
    clause = policy.clause(rules.books_of(policy)[code][0])
    _owe(session, ctx, kind=ROSTER, role=_publisher(ctx), subject=code, due=due, clause=clause)


def _publisher(ctx: Context) -> Role:
    """Return the bureau of the region served: rosters are published by the one that answers for all units."""
    root = root_unit(policies=ctx.services.policies, region=ctx.services.region)
    return Role.COUNTY_BUREAU if root.level == "county" else Role.CITY_BUREAU


def _owe(session: Session, ctx: Context, *, kind: str, role: Role, subject: str, due: Due, clause: str) -> None:
    """Open a work item; one that was done before is opened again, one still open keeps its first due date."""
    resolves_with = "book.publish_roster" if kind == ROSTER else "book.revise_row"
    item = work.open_item(
        session,
        ctx,
        kind=kind,
        role=role,
        subject_kind="book",
        subject_id=subject,
        due_on=due.date,
        provisional=due.provisional,
        clause=clause,
        resolves_with=resolves_with,
    )
    if item.status != "open":
        work.move_item(session, ctx, kind=kind, subject_id=subject, due_on=due.date, provisional=due.provisional)
