"""The hand-over list for audit filing (备案审计送件单, D23). Two bodies get one each and fill in the receipt."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.paper import Body, Fact, Figure, Line, Paper, PaperKind, View


class HandoverItem(View):
    """One document handed over; ``sha256`` lets the receiver check the file alone.

    ``pages`` counts pages, or says how large a file without fixed pages is.
    """

    title: Line
    doc_no: Figure
    date: Figure
    pages: Figure
    sha256: Line


class AuditHandover(Paper):
    """``receiver`` is the body; the receipt block prints blank for its hand and seal."""

    receiver: Line
    facts: tuple[Fact, ...]
    paras: Body
    items: Annotated[tuple[HandoverItem, ...], Field(min_length=1)]


KINDS = (PaperKind("audit_handover", AuditHandover, "audit_handover.typ"),)
