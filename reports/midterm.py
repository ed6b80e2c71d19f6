"""The papers of the midterm evaluation (S14): its report, the restructuring plan, the re-decision."""

from __future__ import annotations

from reports.paper import Body, Fact, Paper, PaperKind


class MidtermPaper(Paper):
    """Facts, then findings, measures or reasons under their headings."""

    facts: tuple[Fact, ...]
    body: Body


KINDS = (
    PaperKind("midterm_report", MidtermPaper, "midterm_paper.typ"),
    PaperKind("restructuring_plan", MidtermPaper, "midterm_paper.typ"),
    PaperKind("midterm_decision", MidtermPaper, "midterm_paper.typ"),
)
