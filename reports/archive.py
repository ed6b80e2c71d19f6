"""The report of a project from first need to archive (项目全过程报告): what happened when, on which clause, by whom;
what the source states and what the rehearsal assumed; what came of it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.paper import Fact, Figure, Line, Paper, PaperKind, Paragraph, View


class Act(View):
    """One act of a stage. ``date`` is blank where no source states it."""

    date: Figure
    act: Line
    clause: str
    actor: Line


class Stage(View):
    """One stage with its acts, in order."""

    title: Line
    acts: Annotated[tuple[Act, ...], Field(min_length=1)]


class StatedValue(View):
    """A field beside what the original says (blank when it says nothing, never 0) and what the run used."""

    field: Line
    original: Figure
    adopted: Figure


class Outcome(View):
    """One result. ``change`` is worded ("−58.3%"); ``approximate`` prints 约 before it."""

    indicator: Line
    before: Figure
    after: Figure
    change: str
    approximate: bool
    note: str = ""


class CaseReport(Paper):
    """The report. ``closing`` holds the concluding paragraphs, ``facts`` the project's head data."""

    facts: tuple[Fact, ...]
    overview: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    stated_values: tuple[StatedValue, ...]
    outcomes: tuple[Outcome, ...]
    closing: tuple[Paragraph, ...] = ()


KINDS = (PaperKind("case_report", CaseReport, "case_report.typ"),)
