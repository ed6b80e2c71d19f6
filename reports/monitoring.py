"""The record of supervision (监督检查记录, D18): lines of supervision, method, findings, orders and their closure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.paper import Fact, Figure, Line, Paper, PaperKind, Paragraph, View


class Inspection(View):
    """One inspection. ``inspectors`` are roles or masked names; ``due`` and ``closed_on`` belong to the order."""

    line: Line
    method: Line
    date: Figure
    inspectors: Figure
    findings: Line
    order: str
    due: Figure
    closed_on: Figure


class SupervisionRecord(Paper):
    """Facts (target, draw seed where drawn at random), inspections, conclusion."""

    facts: tuple[Fact, ...]
    inspections: Annotated[tuple[Inspection, ...], Field(min_length=1)]
    conclusion: tuple[Paragraph, ...]


class RectificationOrder(Paper):
    """An order to rectify (整改通知书): facts, what is wrong, what is demanded by when."""

    facts: tuple[Fact, ...]
    problem: str
    demand: str
    closing: tuple[Paragraph, ...]


KINDS = (
    PaperKind("supervision_record", SupervisionRecord, "supervision_record.typ"),
    PaperKind("rectification_order", RectificationOrder, "rectification_order.typ"),
)
