"""The papers of decision and approval: the decision opinion (决策意见, D10), who decided what in which meeting on what
basis; the approval document (批准文件, D11), what is approved, with how much from which source, on which conditions;
the notice to a rejected applicant (不予立项告知书); the register of numbers (发文字号登记簿).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.columns import Column
from reports.paper import Fact, Figure, Ledger, LedgerKind, Line, Official, Paper, PaperKind, Paragraph, Row, View


class DecisionOpinion(Paper):
    """``basis`` is what the decision rests on, ``conclusion`` the decision itself."""

    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    basis: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    conclusion: Annotated[tuple[Paragraph, ...], Field(min_length=1)]


class SourceAmount(View):
    """One funding channel and its amount; channels are never pooled."""

    source: Line
    amount: Figure
    note: str = ""


class ApprovalDocument(Official):
    """Under letterhead. ``amount_unit`` names the unit of all amounts (万元), ``total`` is their sum as computed,
    ``total_capitals`` the same in capitals (大写)."""

    amount_unit: Line
    sources: Annotated[tuple[SourceAmount, ...], Field(min_length=1)]
    total: Figure
    total_capitals: Figure
    conditions: tuple[Line, ...]


class RejectionNotice(Official):
    """What the applicant is told: the decision, its ``reasons``, and what can be done now (``remedies``)."""

    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    reasons: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    remedies: Annotated[tuple[Line, ...], Field(min_length=1)]


class NumberRow(Row):
    """One number of the register."""

    seq: Figure
    doc_no: Figure
    issuer: Figure
    project: Figure
    issued_on: Figure
    state: Figure
    voided_on: Figure
    reason: Figure


class NumberRegister(Ledger):
    """The register of a year; voided numbers stand in it with their reasons."""

    rows: tuple[NumberRow, ...]


NUMBER_COLUMNS = (
    Column("seq", "序号", "int", width=6),
    Column("doc_no", "发文字号", width=22),
    Column("issuer", "发文机关", width=26),
    Column("project", "项目", width=32),
    Column("issued_on", "印发日期", "date", width=12),
    Column("state", "状态", width=8),
    Column("voided_on", "作废日期", width=12),
    Column("reason", "作废理由", width=30),
)

KINDS = (
    PaperKind("decision_opinion", DecisionOpinion, "decision_opinion.typ"),
    PaperKind("approval_document", ApprovalDocument, "approval_document.typ"),
    PaperKind("rejection_notice", RejectionNotice, "rejection_notice.typ"),
    LedgerKind("number_register_xlsx", NumberRegister, "发文字号登记簿", NUMBER_COLUMNS),
)
