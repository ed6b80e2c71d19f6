"""The renderer: a kind and a view in, bytes and their provenance out (port ``models.ports.Renderer``).

Built once by ``infra.bootstrap`` and called by commands through the port. It checks the view against the kind's model,
prints it (Typst for PDF, Jinja2 for HTML, xlsx for ledgers), and says exactly what is wrong when it cannot. It computes
no figure, reads no database and never asks for the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import jinja2
import jinja2.meta
from pydantic import ValidationError

from models.core.errors import DataFault, Detail
from models.core.hashing import canonical_json, sha256_hex
from models.core.messages import catalogue, sentence
from models.ports import Rendered
from models.rules.bodies import written_date
from reports import (
    acceptance,
    application_papers,
    archive,
    audit,
    book,
    contract,
    decision,
    duty,
    evaluation,
    feasibility,
    funding,
    library,
    lists,
    midterm,
    monitoring,
    needs,
    press,
    procurement,
    project_ledgers,
    publicity,
    recovery,
    review,
    workbook,
)
from reports.paper import Ledger, LedgerKind, Paper, PaperKind, Sheet, rehearsal_banner, synthetic_statement
from reports.words import words_of

KINDS: dict[str, PaperKind | LedgerKind] = {
    kind.id: kind
    for module in (
        needs,
        library,
        application_papers,
        book,
        duty,
        lists,
        feasibility,
        review,
        publicity,
        decision,
        funding,
        procurement,
        contract,
        midterm,
        monitoring,
        acceptance,
        evaluation,
        audit,
        archive,
        recovery,
        project_ledgers,
    )
    for kind in module.KINDS
}


class PaperRenderer:
    """The one implementation of ``models.ports.Renderer``."""

    def __init__(self, *, font_dir: Path | None = None) -> None:
        """Take the folder of a site's own (licensed) fonts; without it the fonts of the wheel print everything."""
        self._font_dir = font_dir

    def render(self, *, kind: str, view: Mapping[str, object]) -> Rendered:
        """Render the paper ``kind`` from a JSON-able view; equal views give equal bytes.

        Raises ``DataFault`` code ``paper.unprintable``, its details naming each missing or unknown field, each value
        that does not fit, each character no font has.
        """
        entry = KINDS.get(kind)
        if entry is None:
            raise _unprintable(kind, Detail(problem=sentence("paper.problem.kind")))
        checked = _checked(entry, view)
        match entry:
            case LedgerKind():
                assert isinstance(checked, Ledger)
                return _ledger(entry, checked)
            case PaperKind() if entry.template.endswith(".html"):
                assert isinstance(checked, Paper)
                return _html(entry, checked)
            case PaperKind():
                return self._pdf(entry, checked)

    def words(self, *, rendered: Rendered) -> str:
        """Return the words a reader finds in a rendered PDF or HTML paper."""
        return words_of(rendered)

    def _pdf(self, entry: PaperKind, view: Sheet) -> Rendered:
        data = _view_json(view)
        try:
            machine = press.press(font_dir=self._font_dir)
            digest = press.template_digest(template=entry.template)
            printed = machine.print_pdf(
                template=entry.template,
                view=data,
                words={"banner": rehearsal_banner(view), "statement": synthetic_statement(view)},
            )
        except press.PressError as err:
            raise _unprintable(entry.id, *_complaints(view, err)) from err
        except OSError as err:
            raise _unprintable(entry.id, Detail(problem=sentence("paper.problem.template"))) from err
        return Rendered(
            data=printed,
            media_type="application/pdf",
            template=entry.template,
            template_digest=digest,
            view_digest=sha256_hex(data),
            font_digest=machine.font_digest,
            engine=press.engine(),
        )


def _checked(entry: PaperKind | LedgerKind, view: Mapping[str, object]) -> Sheet:
    try:
        return entry.view.model_validate(dict(view))
    except ValidationError as err:
        details = tuple(_field_fault(fault["type"], fault["loc"]) for fault in err.errors(include_input=False))
        raise _unprintable(entry.id, *details) from None  # the cause would carry the values


def _field_fault(problem: str, place: tuple[int | str, ...]) -> Detail:
    field = ".".join(str(part) for part in place)
    code = f"paper.problem.{problem}"
    return Detail(
        problem=sentence(code if code in catalogue() else "paper.problem.invalid", {"field": field}),
        field=field or None,
    )


def _unprintable(kind: str, *details: Detail) -> DataFault:
    problem = "；".join(dict.fromkeys(detail.problem for detail in details))
    return DataFault("paper.unprintable", facts={"kind": kind, "problem": problem}, details=details)


def _complaints(view: Sheet, err: press.PressError) -> tuple[Detail, ...]:
    texts = list(_texts(view.model_dump(mode="json"), ""))
    found = [
        Detail(
            problem=sentence(
                "paper.problem.glyph",
                {"character": character, "codepoint": " ".join(f"U+{ord(part):04X}" for part in character)},
            ),
            field=next((place for place, text in texts if character in text), None),
        )
        for character in err.characters
    ]
    return tuple(found) or (Detail(problem=sentence("paper.problem.layout")),)


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield place, value
        case dict():
            for name, item in value.items():
                yield from _texts(item, f"{place}.{name}" if place else str(name))
        case list():
            for index, item in enumerate(value):
                yield from _texts(item, f"{place}.{index}")


def _view_json(view: Sheet) -> bytes:
    return canonical_json(view.model_dump(mode="json"))


@cache
def _pages() -> jinja2.Environment:
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(press.TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["cn_date"] = written_date
    return pages


def _page_source(template: str) -> bytes:
    """Return a page's template with those it is laid out by, for its digest."""
    source = (press.TEMPLATES / template).read_bytes()
    parents = jinja2.meta.find_referenced_templates(_pages().parse(source.decode()))
    return source + b"".join(_page_source(name) for name in parents if name)


def _html(entry: PaperKind, view: Paper) -> Rendered:
    try:
        source = _page_source(entry.template)
        page = (
            _pages()
            .get_template(entry.template)
            .render(d=view, banner=rehearsal_banner(view), statement=synthetic_statement(view))
        )
    except (jinja2.TemplateError, OSError) as err:
        raise _unprintable(entry.id, Detail(problem=sentence("paper.problem.template"))) from err
    return Rendered(
        data=page.encode(),
        media_type="text/html; charset=utf-8",
        template=entry.template,
        template_digest=sha256_hex(source),
        view_digest=sha256_hex(_view_json(view)),
        font_digest="",
        engine=f"jinja2 {version('jinja2')}",
    )


def _ledger(entry: LedgerKind, view: Ledger) -> Rendered:
    parts = (rehearsal_banner(view), view.issuer, written_date(view.date), synthetic_statement(view))
    meta = workbook.TableMeta(
        sheet_name=entry.sheet_name,
        issuer=view.issuer,
        date=view.date,
        note="  ".join(part for part in parts if part),
    )
    columns, rows = entry.columns, [dict(row) for row in view.rows]
    if isinstance(view, book.OpenLedger):
        columns, rows = view.columns, view.cells
    data = workbook.write_table(columns=columns, rows=rows, title=view.title, meta=meta)
    return Rendered(
        data=data,
        media_type=workbook.MEDIA_TYPE,
        template=f"{entry.id}/{workbook.LAYOUT_VERSION}",
        template_digest=workbook.layout_digest(columns=columns),
        view_digest=sha256_hex(_view_json(view)),
        font_digest="",
        engine=workbook.engine(),
    )
