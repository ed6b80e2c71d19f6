"""Ledgers that carry their own heads (a book's columns are policy data), and the public roster of books as a page.

Names arrive masked.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from reports.columns import Column
from reports.paper import Figure, Ledger, LedgerKind, Line, Paper, PaperKind, View

_NARROW = 10
_WIDE = 20


class _Table(View):
    """Heads and lines; every line has a cell for each head."""

    heads: Annotated[tuple[Line, ...], Field(min_length=1)]
    lines: tuple[tuple[Figure, ...], ...]

    @model_validator(mode="after")
    def _even(self) -> _Table:
        if any(len(line) != len(self.heads) for line in self.lines):
            raise PydanticCustomError("invalid", "a line has not one cell for each head")
        return self


class RosterTable(_Table):
    """One book of a roster."""

    title: Line


class Roster(Paper):
    """The public roster: a table for each book."""

    tables: Annotated[tuple[RosterTable, ...], Field(min_length=1)]


class OpenLedger(Ledger, _Table):
    """A ledger whose columns stand in the view."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order of the heads."""
        return tuple(
            Column(str(place), head, width=_WIDE if place else _NARROW) for place, head in enumerate(self.heads)
        )

    @property
    def cells(self) -> list[dict[str, Figure]]:
        """The lines by column key."""
        return [{str(place): cell for place, cell in enumerate(line)} for line in self.lines]


KINDS = (
    LedgerKind("book_ledger_xlsx", OpenLedger, "登记簿", ()),
    LedgerKind("ticket_ledger_xlsx", OpenLedger, "工单台账", ()),
    LedgerKind("service_file_xlsx", OpenLedger, "服务档案", ()),
    LedgerKind("check_findings_xlsx", OpenLedger, "月度核查结果", ()),
    LedgerKind("check_details_xlsx", OpenLedger, "月度核查明细", ()),
    PaperKind("book_roster_html", Roster, "book_roster.html"),
    PaperKind("inspection_result_html", Roster, "book_roster.html"),
)
