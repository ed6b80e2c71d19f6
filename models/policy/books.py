"""What a book (登记簿) is, as policy data: who keeps it, which fields a row has, which rows nobody may do without.

Owns the reading of one book from YAML; used by ``sections_around`` as a kind of value and by ``rules.book``. Venues,
windows, staff, tasks, allowances and standards are all rows of such books, never tables of their own. Must never know a
book by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Final

from models.core.actors import Role
from models.policy.duties import LEVELS
from models.policy.reading import count, flag, items, mapping, one_of, text
from models.policy.values import ADDED, Kind

OTHER: Final = "OTHER"
"""The value of an enumeration that needs its reason in ``<field>_reason``."""
TYPES: Final = ("text", "int", "money", "date", "month", "enum", "set", "bool", "unit")
DOCUMENT: Final = ("none", "optional", "required")
STATIONS_MIN: Final = "stations_min"
QUALIFICATIONS: Final = "entry_qualifications"
_MASKS: Final = ("clear", "surname", "last4", "omit")
_STRENGTHS: Final = ("M", "S")
_FIELD_KEYS: Final = {"label", "type", "required", "values", "values_from", "personal", "mask", "rule"}
_BOOK_KEYS: Final = {
    "rule",
    "title",
    "strength",
    "lead",
    "fields",
    "key",
    "document",
    "minimum",
    "covers",
    "per",
    "counted_when",
    "published",
    "public_when",
    "distinct",
    "forbid",
    "require",
    "warn",
    "follow_up",
}

When = Mapping[str, tuple[str, ...]]
"""Field code → the values of which it has one; all fields must agree, so an empty one holds always."""


@dataclass(frozen=True)
class BookField:
    """One field. ``values`` are the codes of an ``enum`` or ``set``; ``values_from`` names the leaf that adds more.

    A ``personal`` field is sealed and read as ``mask`` shows it. ``rule`` is the one that asks for the field where it
    is not the book's own.
    """

    label: str
    type: str
    required: bool
    values: Mapping[str, str]
    values_from: str
    personal: bool
    mask: str
    rule: str


@dataclass(frozen=True)
class Check:
    """Where ``when`` holds, the fields named must be empty (``forbid``) or filled (``require``), or the row is kept
    with a warning.

    With ``less`` (two number fields) the warning stands only where the first is below the second.
    """

    rule: str
    when: When
    fields: tuple[str, ...]
    less: tuple[str, ...]


@dataclass(frozen=True)
class FollowUp:
    """A row in which ``since`` is set wants ``done`` within the working days of disclosure, where ``when`` holds.

    ``due`` names the field that holds another last day.
    """

    rule: str
    since: str
    done: str
    when: When
    due: str = field(default="", metadata={ADDED: True})


@dataclass(frozen=True)
class Book:
    """One book. ``lead`` is level of unit → role that writes the rows of such units.

    ``key`` are the fields that tell one row of a unit from another (none: every entry is a row). ``minimum`` rows are
    owed by every unit of these levels (``stations_min``: as that leaf says), and with ``covers`` its rows together must
    hold every value of that field — each ``per`` (a project, say) that has rows, where that is set; only rows to which
    ``counted_when`` applies count. ``published`` is the rule that asks for a public roster, of the rows to which
    ``public_when`` applies. Strength M becomes a work item, S is only shown.
    """

    rule: str
    title: str
    strength: str
    lead: Mapping[str, Role]
    fields: Mapping[str, BookField]
    key: tuple[str, ...]
    document: str
    minimum: int | str
    covers: str
    per: str
    counted_when: When
    published: str
    public_when: When
    distinct: tuple[str, ...]
    forbid: tuple[Check, ...]
    require: tuple[Check, ...] = field(metadata={ADDED: True})
    warn: tuple[Check, ...]
    follow_up: FollowUp | None

    @property
    def demands(self) -> bool:
        """Whether a unit of a level named in ``lead`` must have rows."""
        return bool(self.minimum) or bool(self.covers)


def _read_table(raw: object) -> Mapping[str, Book]:
    return MappingProxyType({text(code): _book(entry) for code, entry in mapping(raw).items()})


def _book(raw: object) -> Book:
    given = mapping(raw)
    if set(given) - _BOOK_KEYS:
        raise ValueError
    rule = text(given.get("rule"))
    book = Book(
        rule=rule,
        title=text(given.get("title")),
        strength=one_of(given.get("strength"), _STRENGTHS),
        lead=MappingProxyType({one_of(key, LEVELS): Role(text(role)) for key, role in mapping(given["lead"]).items()}),
        fields=MappingProxyType({text(code): _field(one) for code, one in mapping(given.get("fields")).items()}),
        key=_texts(given.get("key", [])),
        document=one_of(given.get("document", "none"), DOCUMENT),
        minimum=_minimum(given.get("minimum")),
        covers=text(given["covers"]) if "covers" in given else "",
        per=text(given["per"]) if "per" in given else "",
        counted_when=_when(given.get("counted_when", {})),
        published=text(given["published"]) if "published" in given else "",
        public_when=_when(given.get("public_when", {})),
        distinct=_texts(given.get("distinct", [])),
        forbid=tuple(_check(one, rule) for one in items(given.get("forbid", []))),
        require=tuple(_check(one, rule) for one in items(given.get("require", []))),
        warn=tuple(_check(one, rule) for one in items(given.get("warn", []))),
        follow_up=_follow_up(given["follow_up"], rule) if "follow_up" in given else None,
    )
    _check_names(book)
    return book


def _field(raw: object) -> BookField:
    given = mapping(raw)
    if set(given) - _FIELD_KEYS:
        raise ValueError
    field = BookField(
        label=text(given.get("label")),
        type=one_of(given.get("type", "text"), TYPES),
        required=flag(given.get("required", False)),
        values=MappingProxyType({text(key): text(name) for key, name in mapping(given.get("values", {})).items()}),
        values_from=one_of(given["values_from"], (QUALIFICATIONS,)) if "values_from" in given else "",
        personal=flag(given.get("personal", False)),
        mask=one_of(given.get("mask", "omit" if given.get("personal") else "clear"), _MASKS),
        rule=text(given["rule"]) if "rule" in given else "",
    )
    listed = bool(field.values or field.values_from)
    if listed is not (field.type in ("enum", "set")) or (field.personal and field.type != "text"):
        raise ValueError
    return field


def _check_names(book: Book) -> None:
    """Refuse a book that speaks of a field it does not have, or has a value covered that is none of a list."""
    named = {*book.key, *book.distinct, *book.counted_when, *book.public_when}
    named |= {
        code
        for check in (*book.forbid, *book.require, *book.warn)
        for code in (*check.when, *check.fields, *check.less)
    }
    named |= {book.per} - {""}
    if book.follow_up is not None:
        named |= {book.follow_up.since, book.follow_up.done, *book.follow_up.when, book.follow_up.due} - {""}
    listed = {code for code, field in book.fields.items() if field.type in ("enum", "set")}
    if named - set(book.fields) or (book.covers and book.covers not in listed) or not book.lead:
        raise ValueError
    if any(not check.fields for check in (*book.forbid, *book.require)):
        raise ValueError


def _check(raw: object, rule: str) -> Check:
    given = mapping(raw)
    if set(given) - {"rule", "when", "fields", "less"}:
        raise ValueError
    return Check(
        rule=text(given.get("rule", rule)),
        when=_when(given.get("when", {})),
        fields=_texts(given.get("fields", [])),
        less=_texts(given.get("less", [])),
    )


def _follow_up(raw: object, rule: str) -> FollowUp:
    given = mapping(raw)
    if set(given) - {"rule", "since", "done", "when", "due"}:
        raise ValueError
    when = _when(given.get("when", {}))
    due = text(given["due"]) if "due" in given else ""
    return FollowUp(text(given.get("rule", rule)), text(given.get("since")), text(given.get("done")), when, due)


def _when(raw: object) -> When:
    return MappingProxyType({text(code): _texts(values) for code, values in mapping(raw).items()})


def _texts(raw: object) -> tuple[str, ...]:
    return tuple(text(item) for item in items(raw))


def _minimum(raw: object) -> int | str:
    if raw is None:
        return 0
    return one_of(raw, (STATIONS_MIN,)) if isinstance(raw, str) else count(raw)


BookTable = Annotated[
    Mapping[str, Book],
    Kind("books", _read_table, "代码: {rule, title, strength, lead, fields, 其余见 models/policy/books.py}"),
]
