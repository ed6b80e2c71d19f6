"""Building the public site of notices: pages, index and feed, scanned and put into the public bucket (S06).

Started by the outbox after every notice published or closed, and by a daily sweep. Writes no row: the pages follow from
the rows, equal rows give equal bytes, and equal bytes are not written again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict

from models.commands.publicity_papers import Printer
from models.context import Context
from models.core.actors import Role
from models.core.hashing import canonical_json, digest, sha256_hex
from models.core.registry import command
from models.queries.publicity_site import FEED, INDEX, Site, site

_FEED_TYPE: Final = "application/feed+json; charset=utf-8"


class SiteBuilt(BaseModel):
    """How many pages the site has, how many of them changed, the digest over all of them, and where it is read."""

    model_config = ConfigDict(frozen=True)

    pages: int
    written: int
    sha256: str
    address: str


@command("publicity.build_site", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-24")
def build_site(ctx: Context) -> SiteBuilt:
    """Print every page of the public site and put those that changed; nothing is put before all have been scanned.

    Raises ``DataFault`` ``publicity.leak`` naming the page and the place, ``Transient`` when the store is away.
    """
    with ctx.reading() as session:
        printer = Printer.of(session, ctx)
        plan = site(session, teller=printer.teller(ctx.policy(region=ctx.services.region)))
    pages = list(_pages(printer, plan))
    store = ctx.services.documents
    written = 0
    if not ctx.dry_run:
        written = sum(store.publish(path=path, data=data, media_type=media) for path, data, media in pages)
    return SiteBuilt(
        pages=len(pages),
        written=written,
        sha256=digest({path: sha256_hex(data) for path, data, _ in pages}),
        address=store.address(path=INDEX),
    )


def _pages(printer: Printer, plan: Site) -> Iterator[tuple[str, bytes, str]]:
    """Yield path, bytes and media type of every page; the index last, so that it never names a page not yet there."""
    for page in plan.notices:
        rendered = printer.draw("publicity_site_notice", page.view)
        yield page.path, rendered.data, rendered.media_type
    printer.check(plan.feed)
    yield FEED, canonical_json(plan.feed), _FEED_TYPE
    rendered = printer.draw("publicity_site_index", plan.index.view)
    yield plan.index.path, rendered.data, rendered.media_type
