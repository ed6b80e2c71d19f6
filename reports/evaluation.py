"""The report of an evaluation (第三方评估 / 综合评价): scores by dimension, their basis, the total, the conclusion."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.paper import Fact, Figure, Line, Paper, PaperKind, Paragraph, View


class DimensionScore(View):
    """One dimension (or, in a comprehensive evaluation, one input): weight, score, and what it rests on."""

    dimension: Line
    weight: Figure
    score: Figure
    basis: Line


class EvaluationReport(Paper):
    """``which`` names the evaluation (第三方中期评估, 第三方末期评估, 综合评价)."""

    which: Line
    facts: tuple[Fact, ...]
    method: tuple[Paragraph, ...]
    scores: Annotated[tuple[DimensionScore, ...], Field(min_length=1)]
    total: Figure
    grade: Figure
    conclusion: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    problems: tuple[Line, ...]


KINDS = (PaperKind("evaluation_report", EvaluationReport, "evaluation_report.typ"),)
