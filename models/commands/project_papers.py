"""A paper about one project, from its sheet to its row: marks gathered, view rendered, document filed.

Called by the commands of supervision, evaluation and acceptance; ``documents`` does the storing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from models.commands import documents
from models.context import Context
from models.queries.papers import Sheet
from models.queries.provenance import marks
from models.tables.kernel import Project


@dataclass(frozen=True)
class Printed:
    """A rendered paper that has no row yet, with its title and issuer."""

    paper: documents.Paper
    title: str
    issuer: str


def sheet(session: Session, ctx: Context, row: Project, *, sources: tuple[str, ...]) -> Sheet:
    """Return the sheet a view is written on: the project's marks, those of this command counted."""
    known = marks(session, row.id, pending=ctx.synthetic, command=ctx.command)
    return Sheet(row, known, sources, ctx.as_of, ctx.services.rehearsal)


def printed(ctx: Context, *, kind: str, view: Mapping[str, Any]) -> Printed:
    """Render and store a paper, before the transaction. Raises as ``documents.render``."""
    paper = documents.render(ctx, kind=kind, view=view, synthetic_fields=view["synthetic_fields"])
    return Printed(paper, "".join(view["title_lines"]), view["issuer"])


def filed(session: Session, ctx: Context, *, project: str, stage: str, printed: Printed) -> str:
    """Write the row of a printed paper inside the transaction and return its id."""
    document = documents.file_paper(
        session,
        ctx,
        paper=printed.paper,
        project_id=project,
        stage=stage,
        title=printed.title,
        issuer=printed.issuer,
    )
    return document.id
