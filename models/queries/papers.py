"""What the papers of supervision, evaluation and acceptance have in common: their head and their two-column facts.

Called by the commands that build a view. Words figures with their marks, computes none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from models.core.messages import sentence
from models.queries.provenance import Marks
from models.tables.kernel import Project


@dataclass(frozen=True)
class Sheet:
    """A paper about a project on a day: whose marks count, from which commands its figures come."""

    project: Project
    marks: Marks
    sources: tuple[str, ...]
    on: date
    rehearsal: bool


def head(*, sheet: Sheet, title: str, issuer: str, subtitle: str = "") -> dict[str, Any]:
    """Return the fields every paper has; ``title`` is a message code with the fact ``project``. A ``subtitle`` tells
    papers of one kind apart; it stands below the title in brackets.
    """
    below = [sentence("paper.subtitle", {"text": subtitle})] if subtitle else []
    return {
        "title_lines": [sentence(title, {"project": sheet.project.name}), *below],
        "issuer": issuer,
        "doc_no": "",
        "date": sheet.on.isoformat(),
        "rehearsal": sheet.rehearsal,
        "synthetic_fields": sheet.marks.labels(*sheet.sources) if sheet.rehearsal else [],
    }


def facts(*, sheet: Sheet, stage: str, lines: Iterable[tuple[str, object | None, str]]) -> list[dict[str, Any]]:
    """Return lines (code, text, argument path) as facts; labels are messages ``<stage>.paper.<code>``."""
    return [
        {"label": sentence(f"{stage}.paper.{code}"), "value": sheet.marks.cell(text, path)}
        for code, text, path in lines
    ]
