"""Building the public site of notices: pages, index and feed, scanned and put into the public bucket (S06).

Started by the outbox after every notice published or closed, and by a daily sweep. Writes no row: the pages follow from
the rows, equal rows give equal bytes, and equal bytes are not written again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict

from models.commands.publicity_papers import Printer
from models.context import Context
from models.core.actors import Role
from models.core.errors import DataFault
from models.core.hashing import canonical_json, digest, sha256_hex
from models.core.registry import command
from models.queries.publicity_site import FEED, INDEX, Shown, Site, shown, site

_LOG = logging.getLogger(__name__)
_FEED_TYPE: Final = "application/feed+json; charset=utf-8"

_Put = tuple[str, bytes, str]
"""Path on the site, bytes, media type."""


class SiteBuilt(BaseModel):
    """How many pages were built, how many of them changed, the digest over all of them, and where the site is read.

    ``withheld`` pages hold personal data and were left as they stand; ``withheld_pages`` are their paths.
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

    A page that holds personal data is left as it stands and reported; the others are built. Its notice stays listed
    unless the entry itself is at fault. Raises ``Transient`` when the store is away.
    """
    with ctx.reading() as session:
        printer = Printer.of(session, ctx)
        teller = printer.teller(ctx.policy(region=ctx.services.region))
        every = shown(session, teller=teller)
    pages, withheld = _notices(printer, every)
    listed = [one for one in every if _clean(printer.knowing(*one.page.known), one.entry)]
    pages += _lists(printer, site(listed, teller=teller))
    store = ctx.services.documents
    written = 0
    if not ctx.dry_run:
        written = sum(store.publish(path=path, data=data, media_type=media) for path, data, media in pages)
    return SiteBuilt(
        pages=len(pages),
        written=written,
        sha256=digest({path: sha256_hex(data) for path, data, _ in pages}),
        address=store.address(path=INDEX),
        withheld=len(withheld),
        withheld_pages=tuple(withheld),
    )


def _notices(printer: Printer, every: Sequence[Shown]) -> tuple[list[_Put], list[str]]:
    """Return the pages of the notices, and the paths of those that hold personal data."""
    pages: list[_Put] = []
    withheld: list[str] = []
    for one in every:
        try:
            rendered = printer.knowing(*one.page.known).draw("publicity_site_notice", one.page.view)
        except DataFault as fault:
            if fault.code != "publicity.leak":
                raise
            _LOG.error("public page withheld", extra={"page": one.page.path, "kinds": _kinds(fault)})
            withheld.append(one.page.path)
        else:
            pages.append((one.page.path, rendered.data, rendered.media_type))
    return pages, withheld


def _kinds(fault: DataFault) -> list[str]:
    """Return what kinds of personal data were found, for the log; never the values."""
    return sorted({detail.value_class or "" for detail in fault.details})


def _clean(printer: Printer, entry: Mapping[str, object]) -> bool:
    try:
        printer.check(entry)
    except DataFault:
        return False
    return True


def _lists(printer: Printer, plan: Site) -> list[_Put]:
    """Return feed and index; the index last, so that it never names a page not yet there."""
    printer = printer.knowing(*plan.index.known)
    printer.check(plan.feed)
    rendered = printer.draw("publicity_site_index", plan.index.view)
    return [
        (FEED, canonical_json(plan.feed), _FEED_TYPE),
        (plan.index.path, rendered.data, rendered.media_type),
    ]
