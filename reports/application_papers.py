"""Papers of the application (S03): the work guide (工作指南, PDF and HTML), the application as submitted (项目申报书,
D02), the notice of acceptance or of what is missing (受理、补正告知书), the ledger of the office's own overruns.

Views only; called by the renderer. Names arrive masked, phones never arrive. The form applicants fill in is
``application_form``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.columns import Column
from reports.paper import Fact, Figure, Ledger, LedgerKind, Line, Paper, PaperKind, Paragraph, Row, View


class GuideStep(View):
    """One box of the flow chart: ``limit`` as worded, ``branches`` the names of steps it may lead to off the line."""

    number: Line
    name: Line
    actor: str
    limit: Line
    leads_on: bool
    branches: tuple[Line, ...]


class GuidePaper(Paper):
    """The six items of a guide version; the flow chart is drawn from ``steps``."""

    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    materials: Annotated[tuple[Line, ...], Field(min_length=1)]
    attachments: Annotated[tuple[Line, ...], Field(min_length=1)]
    intake_channel: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    conditions: Annotated[tuple[Line, ...], Field(min_length=1)]
    steps: Annotated[tuple[GuideStep, ...], Field(min_length=1)]


class BudgetRow(View):
    """One line of the applied budget."""

    category: Figure
    channel: Figure
    amount: Figure


class TeamRow(View):
    """One member of the team; ``name`` arrives masked."""

    role: Figure
    name: Figure
    qualification: Figure


class ApplicationPaper(Paper):
    """An application as submitted: pinned guide version and revision stand among the facts."""

    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    parts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    design: tuple[Fact, ...]
    budget: Annotated[tuple[BudgetRow, ...], Field(min_length=1)]
    total: Figure
    team: tuple[TeamRow, ...]
    attachments: tuple[Line, ...]


class ApplicationNotice(Paper):
    """What the applicant is told: accepted, or everything that is missing, at once."""

    facts: Annotated[tuple[Fact, ...], Field(min_length=1)]
    paras: Annotated[tuple[Paragraph, ...], Field(min_length=1)]
    gaps: tuple[Line, ...]
    closing: Annotated[tuple[Paragraph, ...], Field(min_length=1)]


class BreachRow(Row):
    """One time limit the office overran."""

    seq: Figure
    step: Figure
    project: Figure
    role: Figure
    due_on: Figure
    closed_on: Figure
    days: Figure
    raised_on: Figure


class Breaches(Ledger):
    """The office's own overruns (ZY-16)."""

    rows: tuple[BreachRow, ...]


BREACH_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", "int", width=6),
    Column("step", "环节", width=16),
    Column("project", "项目编号", width=28),
    Column("role", "责任机关", width=20),
    Column("due_on", "办理时限届满日", width=16),
    Column("closed_on", "实际办结日", width=14),
    Column("days", "超出工作日", "int", width=12),
    Column("raised_on", "记入日期", width=14),
)

KINDS = (
    PaperKind("application_guide", GuidePaper, "application_guide.typ"),
    PaperKind("application_guide_html", GuidePaper, "application_guide.html"),
    PaperKind("application_paper", ApplicationPaper, "application_paper.typ"),
    PaperKind("application_notice", ApplicationNotice, "application_notice.typ"),
    LedgerKind("office_breaches_xlsx", Breaches, "办理超时台账", BREACH_COLUMNS),
)
