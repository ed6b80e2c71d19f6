"""The papers of acceptance: the self-check (自查自验报告, D21) and the conclusion (综合评估验收结论, D22)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.paper import Fact, Figure, Line, Paper, PaperKind, Paragraph, View


class Indicator(View):
    """One indicator: target, actual, their ratio, the score, and why it deviates."""

    name: Line
    target: Figure
    actual: Figure
    ratio: Figure
    score: Figure
    note: str = ""


class Checked(Indicator):
    """One indicator of a self-check: with what shows it."""

    evidence: str = ""


class SelfCheckReport(Paper):
    """What was reached and spent by the contractor's own account; ``instruments`` are the sheets attached (ZY-96)."""

    facts: tuple[Fact, ...]
    indicators: Annotated[tuple[Checked, ...], Field(min_length=1)]
    money: tuple[Fact, ...]
    instruments: tuple[Line, ...]


class AcceptanceConclusion(Paper):
    """``grade`` and ``conclusion`` are the decision; ``problems`` each ask for an improvement; ``next_batch`` says how
    the conclusion counts when the next batch is allocated."""

    facts: tuple[Fact, ...]
    indicators: tuple[Indicator, ...]
    satisfaction_asked: Figure
    satisfaction_rate: Figure
    recipients_opinion: Line
    grade: Figure
    conclusion: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    problems: tuple[Line, ...]
    next_batch: Line


KINDS = (
    PaperKind("self_check_report", SelfCheckReport, "self_check_report.typ"),
    PaperKind("acceptance_conclusion", AcceptanceConclusion, "acceptance_conclusion.typ"),
)
