"""The public notice (公示, D08) of a review result, as PDF for the board and as HTML for the site.

Not one of the statutory kinds of official document, hence without red letterhead. Names arrive already masked for the
public; this module prints them and must never receive ID numbers, phones of recipients or addresses.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from reports.paper import Body, Figure, Line, Paper, PaperKind, View


class PublicityLine(View):
    """One project on show: its name, the applying unit, the result."""

    project: Figure
    unit: Figure
    result: Figure


class PublicityNotice(Paper):
    """The notice: what is shown, from when to when (both days included), where, and how to object."""

    paras: Annotated[Body, Field(min_length=1)]
    lines: Annotated[tuple[PublicityLine, ...], Field(min_length=1)]
    starts_on: dt.date
    ends_on: dt.date
    working_days: int
    channels: tuple[Line, ...]
    objection: Line
    contact: tuple[Line, ...]


KINDS = (
    PaperKind("publicity_notice", PublicityNotice, "publicity_notice.typ"),
    PaperKind("publicity_notice_html", PublicityNotice, "publicity_notice.html"),
)
