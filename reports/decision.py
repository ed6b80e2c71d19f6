"""The approval document (批准文件, D11): what is approved, with how much from which source, on which conditions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.paper import Figure, Line, Official, PaperKind, View


class SourceAmount(View):
    """One funding channel and its amount; channels are never pooled."""

    source: Line
    amount: Figure
    note: str = ""


class ApprovalDocument(Official):
    """Under letterhead. ``amount_unit`` names the unit of all amounts (万元), ``total`` is their sum as computed."""

    amount_unit: Line
    sources: Annotated[tuple[SourceAmount, ...], Field(min_length=1)]
    total: Figure
    conditions: tuple[Line, ...]


KINDS = (PaperKind("approval_document", ApprovalDocument, "approval_document.typ"),)
