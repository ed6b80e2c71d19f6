"""Printing for the public: scan the fields, print, scan the printed words, store; and the closing page of a notice.

Called by the publicity commands and the site. Nothing reaches the public bucket unscanned. The clear names of
recipients live in ``Printer`` for the length of one command: they must never be logged, returned or stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import Session

from models.commands import documents
from models.context import Context
from models.core.messages import sentence
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.ports import Rendered, Zone
from models.queries.provenance import marks
from models.queries.publicity_history import Teller, Told, history_view, recipient_names
from models.queries.reader import project_of
from models.rules.publicity_leaks import check_no_leak, check_printed
from models.tables.kernel import Project
from models.tables.publicity import PublicityNotice

CLOSING_KINDS: Final = ("publicity_closing", "publicity_closing_html")


@dataclass(frozen=True)
class Printer:
    """Prints for the public with the names of the ledger at hand."""

    ctx: Context
    names: frozenset[str]

    @classmethod
    def of(cls, session: Session, ctx: Context) -> Printer:
        """Return a printer that knows everybody in the ledgers."""
        return cls(ctx, recipient_names(session, ctx.services.vault))

    def teller(self, policy: Policy) -> Teller:
        """Return what telling a history under ``policy`` needs."""
        services = self.ctx.services
        return Teller(policy, services.policies, services.calendar, services.vault, self.names, services.rehearsal)

    def check(self, view: Mapping[str, object]) -> None:
        """Refuse personal data in the fields of a view. Raises ``DataFault`` ``publicity.leak``."""
        check_no_leak(view=view, names=self.names)

    def knowing(self, *texts: str) -> Printer:
        """Return a printer that lets pass the names standing in texts which are public already.

        Somebody called like a published project may come into the ledger later; taking that page back would hide the
        notice and protect nobody. Personal numbers are found all the same.
        """
        public = ["".join(text.split()) for text in texts]
        return Printer(self.ctx, frozenset(name for name in self.names if not any(name in text for text in public)))

    def draw(self, kind: str, view: Mapping[str, object], *, fields: Mapping[str, object] | None = None) -> Rendered:
        """Print without storing; fields and printed words are scanned. Raises ``DataFault`` ``publicity.leak``.

        ``fields`` is the view as it is to be scanned, where addresses stand in it on purpose.
        """
        self.check(view if fields is None else fields)
        renderer = self.ctx.services.renderer
        rendered = renderer.render(kind=kind, view=view)
        check_printed(part=kind, text=renderer.words(rendered=rendered), names=self.names)
        return rendered

    def paper(
        self, kind: str, view: Mapping[str, Any], *, fields: Mapping[str, object] | None = None
    ) -> documents.Paper:
        """Print and store in the public bucket, before the transaction. Raises as ``draw``, and ``Transient``."""
        rendered = self.draw(kind, view, fields=fields)
        return documents.store(
            self.ctx,
            kind=kind,
            rendered=rendered,
            view=view,
            synthetic_fields=view["synthetic_fields"],
            zone=Zone.PUBLIC,
        )


def file_received(
    session: Session, ctx: Context, *, project: Project, upload: Upload, kind: str, title: str, issuer: str
) -> str:
    """File what somebody handed in about a notice of a project, and return its document; ``title`` is a message."""
    return documents.file_upload(
        session,
        ctx,
        stored=upload,
        project_id=project.id,
        stage="publicity",
        kind=kind,
        title=sentence(title, {"project": project.name}),
        issuer=issuer,
    ).id


@dataclass(frozen=True)
class Closing:
    """The closing papers of a notice, printed but not filed."""

    papers: tuple[documents.Paper, ...]
    title: str
    issuer: str


def closing(session: Session, ctx: Context, *, notice: PublicityNotice, told: Told) -> Closing:
    """Print the page that tells a notice's whole history as it closes now. Raises as ``Printer.paper``."""
    project = project_of(session, notice.project_id)
    printer = Printer.of(session, ctx)
    view = history_view(
        session,
        notice=notice,
        told=told,
        project=project,
        marks=marks(session, project.id, pending=ctx.synthetic, command=ctx.command),
        teller=printer.teller(ctx.policy(region=project.region)),
    )
    printer = printer.knowing(notice.project_name, view["issuer"])  # both stand on the notice
    papers = tuple(printer.paper(kind, view) for kind in CLOSING_KINDS)
    return Closing(papers, view["title_lines"][0], view["issuer"])


def file_closing(
    session: Session, ctx: Context, *, notice: PublicityNotice, project: Project, closing: Closing
) -> tuple[str, ...]:
    """Write the rows of the closing papers in the transaction and note them on the notice; return their ids."""
    ids = tuple(
        documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=project.id,
            stage="publicity",
            title=closing.title,
            issuer=closing.issuer,
        ).id
        for paper in closing.papers
    )
    notice.closing_document_id, notice.closing_html_document_id = ids
    session.add(notice)
    return ids
