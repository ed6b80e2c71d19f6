"""The public notice (公示, D08) of a review result, as PDF for the board and as HTML for the site, its closing page and
the pages of the public site; and the sheet for internal use on which an objection is handled (公示异议处理表, D09).

The notice is not one of the statutory kinds of official document, hence without red letterhead. Names arrive already
masked for the public; this module prints them and must never receive ID numbers, phones of recipients or addresses.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from reports.paper import Body, Fact, Figure, Line, Paper, PaperKind, Paragraph, View


class PublicityLine(View):
    """One project on show: its name, the applying unit, the result."""

    project: Figure
    unit: Figure
    result: Figure


class PublicityRecipient(View):
    """One recipient on show, the name already masked, and the project."""

    project: Line
    name: Figure


class PublicityNotice(Paper):
    """The notice: what is shown, from when to when (both days included), where, and how to object."""

    paras: Annotated[Body, Field(min_length=1)]
    lines: Annotated[tuple[PublicityLine, ...], Field(min_length=1)]
    recipients: tuple[PublicityRecipient, ...] = ()
    recipients_note: str = ""
    starts_on: dt.date
    ends_on: dt.date
    working_days: int
    channels: tuple[Line, ...]
    objection: Line
    contact: tuple[Line, ...]


Href = Annotated[str, Field(pattern=r"^(\.\./)*[a-z0-9][a-z0-9./_-]*$")]
"""A relative address inside the public bucket: a public page refers to nothing outside."""


class HistoryTable(View):
    """One table of a history; ``none`` stands in its place when it has no rows."""

    heading: Line
    columns: tuple[Line, ...]
    rows: tuple[tuple[str, ...], ...]
    none: str


class PublicityHistory(Paper):
    """Everything that happened to a notice: dates, digests, channels, outages, objections and their answers."""

    paras: Annotated[Body, Field(min_length=1)]
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    tables: tuple[HistoryTable, ...]


class SiteLink(View):
    """A paper a page of the site leads to."""

    label: Line
    href: Href


class SiteNotice(PublicityHistory):
    """One page of the public site: a notice's history so far and its papers."""

    links: tuple[SiteLink, ...]
    home: Href


class SiteEntry(View):
    """One notice in the index of the site."""

    title: Line
    href: Href
    period: Line
    state: Line
    digest: Line


class SitePaper(View):
    """One public paper on a purchase, contract or inspection in the index."""

    title: Line
    href: Href
    date: Line
    digest: Line


class SiteIndex(Paper):
    """The index of the public site; ``date`` is the day of the last change, never of building."""

    paras: Annotated[Body, Field(min_length=1)]
    entries: tuple[SiteEntry, ...]
    papers: tuple[SitePaper, ...] = ()
    feed: Href


class ObjectionSheet(Paper):
    """How one objection was handled. Never who objected; ``matter`` and ``reply`` bear no personal number."""

    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    matter: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    reply: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    conclusion: Annotated[tuple[Paragraph, ...], Field(min_length=1)]


KINDS = (
    PaperKind("publicity_notice", PublicityNotice, "publicity_notice.typ"),
    PaperKind("publicity_notice_html", PublicityNotice, "publicity_notice.html"),
    PaperKind("publicity_closing", PublicityHistory, "publicity_closing.typ"),
    PaperKind("publicity_closing_html", PublicityHistory, "publicity_closing.html"),
    PaperKind("publicity_site_notice", SiteNotice, "publicity_site_notice.html"),
    PaperKind("publicity_site_index", SiteIndex, "publicity_site_index.html"),
    PaperKind("objection_sheet", ObjectionSheet, "objection_sheet.typ"),
)
