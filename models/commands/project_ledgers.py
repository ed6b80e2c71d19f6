"""Printing the ledgers of a project and filing them with it, so that the auditors' list and the bundle hold them.

Called by ``commands.audit.prepare_filing``, when the project's figures are final. ``queries.project_ledgers`` says what
stands in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from models.commands import documents, project_papers
from models.context import Context
from models.policy.schema import Policy
from models.queries.project_ledgers import Desk, Printable, ledgers
from models.tables.kernel import Document, Project


@dataclass(frozen=True)
class Printed:
    """A rendered ledger that has no row yet."""

    ledger: Printable
    paper: documents.Paper


def drafted(session: Session, ctx: Context, row: Project, *, policy: Policy) -> tuple[Printable, ...]:
    """Read the ledgers of a project (inside a reading session)."""
    sheet = project_papers.sheet(session, ctx, row, sources=())
    return ledgers(Desk(session=session, sheet=sheet, policy=policy, vault=ctx.services.vault))


def printed(ctx: Context, drafts: Sequence[Printable]) -> tuple[Printed, ...]:
    """Render and store the ledgers, before the transaction. Raises as ``documents.render``."""
    return tuple(
        Printed(
            draft,
            documents.render(ctx, kind=draft.kind, view=draft.view, synthetic_fields=draft.view["synthetic_fields"]),
        )
        for draft in drafts
    )


def filed(session: Session, ctx: Context, *, project: str, papers: Sequence[Printed]) -> list[Document]:
    """Write the rows of the printed ledgers inside the transaction."""
    return [
        documents.file_paper(
            session,
            ctx,
            paper=one.paper,
            project_id=project,
            stage=one.ledger.stage,
            title=one.ledger.view["title"],
            issuer=one.ledger.view["issuer"],
        )
        for one in papers
    ]
