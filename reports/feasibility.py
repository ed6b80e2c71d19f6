"""Papers of feasibility (S04): the report (可行性研究报告, D05), the county government's opinion on it (审查意见, D06),
the checklist of formalities (一套手续清单, L05).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.paper import Fact, Figure, Line, Paper, PaperKind, Paragraph, View


class Chapter(View):
    """One chapter of the outline, in its order; its number is set by the template."""

    title: Line
    paras: Annotated[tuple[Paragraph, ...], Field(min_length=1)]


class Conclusion(View):
    """One finding of the appraisal, its verdict and its reason."""

    finding: Line
    verdict: Line
    reason: Line


class BalanceRow(View):
    """One channel in a year: sources, what each purpose takes of them, their sum. Amounts in yuan."""

    year: Line
    channel: Line
    sources: Figure
    uses: tuple[Line, ...]
    total: Figure


class RiskRow(View):
    """One risk of the register."""

    risk: Line
    likelihood: Line
    impact: Line
    measure: Line
    owner: Line


class FeasibilityReport(Paper):
    """Facts (version, author, outline), the chapters, the appraisal's conclusions, balance table, register of risks,
    the social-stability annex (empty: none), and what is attached.
    """

    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    chapters: Annotated[tuple[Chapter, ...], Field(min_length=1)]
    conclusions: Annotated[tuple[Conclusion, ...], Field(min_length=1)]
    balance: tuple[BalanceRow, ...]
    risks: tuple[RiskRow, ...]
    stability: tuple[Paragraph, ...]
    attachments: tuple[Line, ...]


class CountyOpinion(Paper):
    """Facts (the report's version and digest), the opinion in words, its conditions, the conclusion."""

    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    opinion: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    conditions: tuple[Line, ...]
    conclusion: Annotated[tuple[Paragraph, ...], Field(min_length=1)]


class FormalityRow(View):
    """One formality: held (with number, date and digest of its paper) or not applicable and why."""

    name: Line
    state: Line
    number: Figure
    issued_on: Figure
    file: Figure


class FormalitySet(Paper):
    """Facts and one row a formality."""

    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    rows: Annotated[tuple[FormalityRow, ...], Field(min_length=1)]


KINDS = (
    PaperKind("feasibility_report", FeasibilityReport, "feasibility_report.typ"),
    PaperKind("county_review_opinion", CountyOpinion, "county_review_opinion.typ"),
    PaperKind("formality_set", FormalitySet, "formality_set.typ"),
)
