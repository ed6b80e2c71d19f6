"""The papers of a project in mid-term (S14, S15): report, plan, re-decision, referral, hand-over sheet."""

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
    PaperKind("project_referral", MidtermPaper, "midterm_paper.typ"),
    PaperKind("handover_sheet", MidtermPaper, "midterm_paper.typ"),
)
