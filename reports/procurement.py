"""The record of procurement (采购活动记录, D13): the path of methods with reasons, bidders, voids, approvals, the
expert draw with its seed, the award. The law asks for the reason whenever a method other than open tender was used.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.paper import Body, Fact, Figure, Line, Paper, PaperKind, Paragraph, View


class MethodStep(View):
    """One step of the method path: the method then in force, what happened, why, and on which clause."""

    date: Figure
    method: Line
    act: Line
    reason: Line
    clause: str = ""


class Bidder(View):
    """One supplier that answered."""

    name: Figure
    attempt: Line
    qualified: Figure
    quote: Figure
    note: str = ""


class VoidTender(View):
    """One void: why, and when the bidders were told."""

    date: Figure
    reason: Line
    informed_on: Figure


class Approval(View):
    """One approval: of what, by whom, under which number."""

    date: Figure
    matter: Line
    approver: Figure
    doc_no: Figure


class DrawnExpert(View):
    """One name of the draw, masked, in the order drawn, with the result of the conflict check."""

    order: Line
    expert: Line
    category: Line
    outcome: Line


class ExpertDraw(View):
    """A draw anybody can repeat: pool and its digest, seed, how many were wanted, who came out."""

    drawn_on: Figure
    pool: Line
    pool_size: Figure
    pool_digest: Figure
    seed: Figure
    method: Line
    drawn: tuple[DrawnExpert, ...]


class ProcurementRecord(Paper):
    """The whole record. ``award`` is empty for a procurement that ended without one; ``award_note`` then says why."""

    facts: tuple[Fact, ...]
    method_path: Annotated[tuple[MethodStep, ...], Field(min_length=1)]
    bidders: tuple[Bidder, ...]
    voids: tuple[VoidTender, ...]
    approvals: tuple[Approval, ...]
    draw: ExpertDraw | None
    evaluation: tuple[Paragraph, ...]
    award: tuple[Fact, ...]
    award_note: str = ""


class NoticeTable(View):
    """The table of a public paper; ``none`` stands in its place when it has no rows."""

    heading: Line
    columns: tuple[Line, ...]
    rows: tuple[tuple[str, ...], ...]
    none: str


class PurchasePaper(Paper):
    """What is made public about a purchase, or its tender documents: facts and one table."""

    paras: Body
    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    tables: tuple[NoticeTable, ...]


KINDS = (
    PaperKind("procurement_record", ProcurementRecord, "procurement_record.typ"),
    PaperKind("procurement_notice_html", PurchasePaper, "procurement_notice.html"),
    PaperKind("agency_record_html", PurchasePaper, "procurement_notice.html"),
    PaperKind("tender_documents_html", PurchasePaper, "procurement_notice.html"),
)
