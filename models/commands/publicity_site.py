"""Building the public site of notices: pages, index and feed, scanned and put into the public bucket (S06).

Started by the outbox after every notice published or closed, and by a daily sweep. The pages follow from the rows:
equal rows give equal bytes, and equal bytes are not written again. All it writes is the office's work about pages that
the scan held back: what was found and where, never the words.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.commands import work
from models.commands.publicity_papers import Printer
from models.context import Context
from models.core.actors import Role
from models.core.errors import DataFault
from models.core.hashing import canonical_json, digest, sha256_hex
from models.core.messages import sentence
from models.core.registry import command
from models.queries.publicity_history import Teller
from models.queries.publicity_site import FEED, INDEX, Page, Shown, papers, shown, site
from models.rules.publicity_leaks import RULE

_LOG = logging.getLogger(__name__)
_FEED_TYPE: Final = "application/feed+json; charset=utf-8"

WITHHELD: Final = "publicity.page_withheld"


@dataclass(frozen=True)
class _Put:
    """A page that may be public."""

    path: str
    data: bytes
    media_type: str


@dataclass(frozen=True)
class _Withheld:
    """A page that may not: ``places`` says what kinds of personal data were found and where, never the values."""

    path: str
    places: str
    project: str | None


class SiteBuilt(BaseModel):
    """How many pages were built, how many of them changed, the digest over all of them, and where the site is read.

    ``withheld`` pages hold personal data and were left as they stand; ``withheld_pages`` are their paths, what was
    found in them stands in the office's work list.
    """

    model_config = ConfigDict(frozen=True)

    pages: int
    written: int
    sha256: str
    address: str
    withheld: int
    withheld_pages: tuple[str, ...]


@command("publicity.build_site", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-24")
def build_site(ctx: Context) -> SiteBuilt:
    """Print every page of the public site and put those that changed; nothing is put before all have been scanned.

    A page that holds personal data is left as it stands and becomes the office's work; the others are built. Its notice
    stays listed unless the entry itself is at fault. Raises ``Transient`` when the store is away.
    """
    with ctx.reading() as session:
        printer = Printer.of(session, ctx)
        teller = printer.teller(ctx.policy(region=ctx.services.region))
        every, filed = shown(session, teller=teller), papers(session)
    tried = [*_notices(printer, every), *_lists(printer, every, filed, teller)]
    pages = [one for one in tried if isinstance(one, _Put)]
    withheld = [one for one in tried if isinstance(one, _Withheld)]
    store = ctx.services.documents
    written = 0
    if not ctx.dry_run:
        written = sum(store.publish(path=one.path, data=one.data, media_type=one.media_type) for one in pages)
    with ctx.writing() as session:
        for put in pages:
            work.close_item(session, ctx, kind=WITHHELD, subject_id=put.path)
        for held in withheld:
            _tell(session, ctx, held)
    return SiteBuilt(
        pages=len(pages),
        written=written,
        sha256=digest({one.path: sha256_hex(one.data) for one in pages}),
        address=store.address(path=INDEX),
        withheld=len(withheld),
        withheld_pages=tuple(one.path for one in withheld),
    )


def _notices(printer: Printer, every: Sequence[Shown]) -> Iterator[_Put | _Withheld]:
    for one in every:
        yield _drawn(printer, one.page, kind="publicity_site_notice", project=one.notice.project_id)


def _lists(
    printer: Printer, every: Sequence[Shown], filed: Sequence[Mapping[str, str]], teller: Teller
) -> Iterator[_Put | _Withheld]:
    """Yield feed and index; the index last, so that it never names a page not yet there."""
    fit = [one for one in every if _clean(printer.knowing(*one.page.known), one.entry)]
    plan = site(fit, teller=teller, papers=[paper for paper in filed if _clean(printer, paper)])
    try:
        printer.knowing(*plan.index.known).check(plan.feed)
    except DataFault as fault:
        yield _withheld(FEED, fault)
    else:
        yield _Put(FEED, canonical_json(plan.feed), _FEED_TYPE)
    yield _drawn(printer, plan.index, kind="publicity_site_index")


def _drawn(printer: Printer, page: Page, *, kind: str, project: str | None = None) -> _Put | _Withheld:
    try:
        rendered = printer.knowing(*page.known).draw(kind, page.view)
    except DataFault as fault:
        return _withheld(page.path, fault, project=project)
    return _Put(page.path, rendered.data, rendered.media_type)


def _withheld(path: str, fault: DataFault, *, project: str | None = None) -> _Withheld:
    if fault.code != "publicity.leak":
        raise fault
    kinds = sorted({detail.value_class or "" for detail in fault.details})
    _LOG.error("public page withheld", extra={"page": path, "kinds": kinds})
    return _Withheld(path, "、".join(dict.fromkeys(detail.problem for detail in fault.details)), project)


def _clean(printer: Printer, entry: Mapping[str, object]) -> bool:
    try:
        printer.check(entry)
    except DataFault:
        return False
    return True


def _tell(session: Session, ctx: Context, held: _Withheld) -> None:
    """Open the office's work on a page, due at once: what must be public is not. Known already, only its note moves."""
    item = work.open_item(
        session,
        ctx,
        kind=WITHHELD,
        role=Role.EVALUATION_OFFICE,
        subject_kind="site_page",
        subject_id=held.path,
        project_id=held.project,
        due_on=ctx.as_of,
        clause=RULE,
        resolves_with="publicity.build_site",
    )
    if item.status != "open":
        work.move_item(session, ctx, kind=WITHHELD, subject_id=held.path, due_on=ctx.as_of)
    item.note = sentence("publicity.site.withheld", {"places": held.places})
    session.add(item)
