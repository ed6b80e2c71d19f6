"""Rules of books: what a row must hold, which rows a unit still lacks, what a row's clock says, what the public sees.

Pure; called by ``commands.book`` and ``queries.book``. Knows no book by name: they are rows of ``policy.books``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from models.core.actors import ROLE_NAMES, Role
from models.core.calendar import Due, WorkCalendar
from models.core.errors import Detail, Refusal
from models.core.identifiers import find_leaks
from models.core.messages import sentence
from models.core.money import Money
from models.policy.books import OTHER, QUALIFICATIONS, STATIONS_MIN, Book, BookField, When
from models.policy.schema import Policy
from models.rules.units import Unit

Value = str | int | bool | list[str]
_REASON: Final = "_reason"
_MONTH: Final = re.compile(r"[1-9][0-9]{3}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Clean:
    """A row that may be kept: what is open, what is to be sealed, and the rules it is kept against (soft ones)."""

    fields: Mapping[str, Value]
    personal: Mapping[str, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Gap:
    """What a unit lacks in a book: rows that are missing, values no row covers (``group``: of that project, say)."""

    unit: str
    rule: str
    rows: int
    values: tuple[str, ...]
    group: str = ""


def books_of(policy: Policy) -> dict[str, tuple[str, Book]]:
    """Return book code → (its leaf key, the book), for every book in force here."""
    return {code: (key, book) for key, table in policy.books.themes().items() for code, book in table.items()}


def book_of(policy: Policy, code: str) -> Book:
    """Return a book in force. Raises ``Refusal`` ``book.unknown`` (SYS-BOOK)."""
    known = books_of(policy)
    if code not in known:
        raise Refusal("book.unknown", rule="SYS-BOOK", facts={"book": code, "known": "、".join(known) or "—"})
    return known[code][1]


def choices(field: BookField, policy: Policy) -> dict[str, str]:
    """Return code → label of what an enumeration may hold, the entries of another leaf first."""
    added = policy.duties.entry_qualifications if field.values_from == QUALIFICATIONS else None
    return {**(added or {}), **field.values}


def check_unit(*, book: Book, unit: Unit, role: Role, offices: tuple[Role, ...]) -> None:
    """Refuse a unit of a level that has no rows in the book, and a role that does not keep it.

    Raises ``Refusal`` ``book.wrong_level`` (the book's rule), ``book.not_yours`` (SYS-ROLE).
    """
    if unit.level not in book.lead:
        levels = "、".join(sentence(f"unit.level.{level}") for level in book.lead)
        facts = {"book": book.title, "unit": unit.name, "levels": levels}
        raise Refusal("book.wrong_level", rule=book.rule, facts=facts)
    lead = book.lead[unit.level]
    if role not in {*offices, lead}:
        raise Refusal("book.not_yours", rule="SYS-ROLE", facts={"book": book.title, "role": ROLE_NAMES[lead]})


def clean(
    *, book: Book, given: Mapping[str, Any], units: Iterable[str], policy: Policy, document: bool, on: date
) -> Clean:
    """Return the row as it is kept. Every fault of it is told at once, each under the rule that asks for the field.

    ``on`` is today: nothing that starts or ends a clock is dated later.

    Raises ``Refusal`` ``book.row_wrong``.
    """
    faults = [
        Detail(problem=sentence("book.problem.unknown", {"field": code}), field=code, rule=book.rule)
        for code in given
        if code not in _known(book)
    ]
    values: dict[str, Value] = {}
    for code, field in book.fields.items():
        value, problem = _read(field, given.get(code), choices(field, policy), frozenset(units))
        if problem is None and _wants_reason(value) and not str(given.get(code + _REASON) or "").strip():
            problem = "reason"
        if problem is not None:
            text = sentence(f"book.problem.{problem}", {"field": field.label})
            faults.append(Detail(problem=text, field=code, rule=field.rule or book.rule))
        elif value is not None:
            values[code] = value
            if _wants_reason(value):
                values[code + _REASON] = str(given[code + _REASON]).strip()
    faults += (*_across(book, values, document), *_days(book, values, on))
    if faults:
        facts = {"book": book.title, "problems": "；".join(fault.problem for fault in faults)}
        raise Refusal("book.row_wrong", rule=faults[0].rule, facts=facts, details=tuple(faults))
    personal = {
        code: str(value) for code, value in values.items() if code in book.fields and book.fields[code].personal
    }
    warned = {check.rule: None for check in book.warn if applies(check.when, values) and _less(check.less, values)}
    return Clean({code: value for code, value in values.items() if code not in personal}, personal, tuple(warned))


def _known(book: Book) -> set[str]:
    return {*book.fields, *(code + _REASON for code, field in book.fields.items() if OTHER in field.values)}


def _wants_reason(value: Value | None) -> bool:
    return value == OTHER or (isinstance(value, list) and OTHER in value)


def _read(
    field: BookField, raw: Any, listed: Mapping[str, str], units: frozenset[str]
) -> tuple[Value | None, str | None]:
    """Return the value as it is kept, or what is wrong with it (a code of ``book.problem``)."""
    if raw is None or raw == "" or raw == ():
        return None, "missing" if field.required else None
    match field.type:
        case "bool":
            return (raw, None) if isinstance(raw, bool) else (None, "bool")
        case "int":
            return (raw, None) if isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0 else (None, "int")
        case "money":
            return _money(raw)
        case "date":
            return _day(raw)
        case "month":
            return (raw, None) if isinstance(raw, str) and _MONTH.fullmatch(raw) else (None, "month")
        case "enum":
            return (raw, None) if raw in listed else (None, "choice")
        case "set":
            codes = [raw] if isinstance(raw, str) else list(raw) if isinstance(raw, tuple | list) else [""]
            return (sorted(set(codes), key=list(listed).index), None) if set(codes) <= set(listed) else (None, "choice")
        case "unit":
            return (raw, None) if raw in units else (None, "unit")
    text = str(raw).strip()
    if not text:
        return None, "missing" if field.required else None
    return (None, "leak") if not field.personal and find_leaks(text) else (text, None)


def _money(raw: Any) -> tuple[Value | None, str | None]:
    try:
        amount = Money.yuan(raw) if isinstance(raw, str) else Money(raw) if type(raw) is int else None
    except (ValueError, ArithmeticError):
        amount = None
    return (None, "money") if amount is None or amount.fen < 0 else (amount.fen, None)


def _day(raw: Any) -> tuple[Value | None, str | None]:
    try:
        day = raw if isinstance(raw, date) else date.fromisoformat(str(raw))
    except ValueError:
        return None, "date"
    return day.isoformat(), None


def _across(book: Book, values: Mapping[str, Value], document: bool) -> Iterator[Detail]:
    """Yield what is wrong with fields together: two that must differ, one that must stay empty, a document."""
    told = [values[code] for code in book.distinct if code in values]
    if len(set(map(str, told))) < len(told):
        labels = "、".join(book.fields[code].label for code in book.distinct)
        rule = next((book.fields[code].rule for code in book.distinct if book.fields[code].rule), book.rule)
        yield Detail(problem=sentence("book.problem.same", {"fields": labels}), field=book.distinct[0], rule=rule)
    for check in book.forbid:
        for code in check.fields:
            if code in values and applies(check.when, values):
                text = sentence("book.problem.forbidden", {"field": book.fields[code].label})
                yield Detail(problem=text, field=code, rule=check.rule)
    for check in book.require:
        for code in check.fields:
            if code not in values and applies(check.when, values):
                text = sentence("book.problem.missing", {"field": book.fields[code].label})
                yield Detail(problem=text, field=code, rule=check.rule)
    if book.document == "required" and not document:
        yield Detail(problem=sentence("book.problem.document"), field="document", rule=book.rule)
    if book.document == "none" and document:
        yield Detail(problem=sentence("book.problem.no_document"), field="document", rule=book.rule)


def _days(book: Book, values: Mapping[str, Value], on: date) -> Iterator[Detail]:
    """Yield days of a row's clock that cannot be: begun or done after today, due or done before it began."""
    step = book.follow_up
    if step is None:
        return
    since = values.get(step.since)
    for code in (step.since, step.done):
        if (day := values.get(code)) and str(day) > on.isoformat():
            text = sentence("book.problem.future", {"field": book.fields[code].label})
            yield Detail(problem=text, field=code, rule=book.fields[code].rule or book.rule)
    for code in (step.due, step.done):
        if code and since and (day := values.get(code)) and str(day) < str(since):
            facts = {"field": book.fields[code].label, "since": book.fields[step.since].label}
            problem = sentence("book.problem.before", facts)
            yield Detail(problem=problem, field=code, rule=book.fields[code].rule or book.rule)


def applies(when: When, values: Mapping[str, Any]) -> bool:
    """Say whether every field named has one of the values named (truths are written ``true`` and ``false``)."""
    return all(_written(values.get(code)) in wanted for code, wanted in when.items())


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _less(pair: Sequence[str], values: Mapping[str, Value]) -> bool:
    if not pair:
        return True
    first, second = (values.get(code) for code in pair)
    return isinstance(first, int) and isinstance(second, int) and first < second


def gaps_of(*, book: Book, unit: str, rows: Sequence[Mapping[str, Any]], policy: Policy) -> tuple[Gap, ...]:
    """Return what a unit lacks in a book that demands rows of it; nothing where all is there."""
    counted = [row for row in rows if applies(book.counted_when, row)]
    least = (policy.duties.stations_min or 0) if book.minimum == STATIONS_MIN else int(book.minimum)
    found = []
    if len(counted) < least:
        found.append(Gap(unit, book.rule, least - len(counted), ()))
    groups: dict[str, set[str]] = defaultdict(set)
    if book.covers and not book.per:
        groups[""] = set()
    for row in counted:
        held = row.get(book.covers, ())
        groups[str(row.get(book.per, ""))] |= {held} if isinstance(held, str) else set(held)
    if book.covers:
        field = book.fields[book.covers]
        wanted = [code for code in choices(field, policy) if code != OTHER]
        for group, held in sorted(groups.items()):
            if lacking := tuple(code for code in wanted if code not in held):
                found.append(Gap(unit, field.rule or book.rule, 0, lacking, group))
    return tuple(found)


def clock_of(*, book: Book, values: Mapping[str, Any], policy: Policy, calendar: WorkCalendar) -> Due | None:
    """Return when a row must have its follow-up (a disclosure, so many working days after it was formed), if it lacks
    it still.
    """
    step = book.follow_up
    if step is None or not values.get(step.since) or values.get(step.done) or not applies(step.when, values):
        return None
    if step.due and values.get(step.due):
        return Due(date.fromisoformat(str(values[step.due])), provisional=False)
    since = date.fromisoformat(str(values[step.since]))
    return calendar.add_working_days(since, days=policy.publicity.disclosure_working_days)


def published_book(policy: Policy, code: str) -> Book:
    """Return a book that has a public roster. Raises ``Refusal`` ``book.not_published`` (SYS-PRIVACY)."""
    book = book_of(policy, code)
    if not book.published:
        raise Refusal("book.not_published", rule="SYS-PRIVACY", facts={"book": book.title})
    return book
