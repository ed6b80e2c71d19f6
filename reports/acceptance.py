"""The conclusion of comprehensive acceptance (综合评估验收结论, D22): indicators, satisfaction, grade, what follows."""

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


KINDS = (PaperKind("acceptance_conclusion", AcceptanceConclusion, "acceptance_conclusion.typ"),)
