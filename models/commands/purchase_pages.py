"""The two public pages every purchase has (S10): the notice, and the result with the documents it rests on.

Called by ``commands.procurement`` and ``commands.award``: printed and scanned before their transaction, filed in it.
What the law lists for each is printed (LAW-ZFCGTL-30, 43); experts stand by number, what nobody stated stays blank. The
site's index finds the pages by their kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlmodel import Session

from models.commands import documents
from models.commands.publicity_papers import Printer
from models.commands.purchase_papers import notice_view
from models.context import Context
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.queries.procurement import organisation_of
from models.queries.provenance import marks
from models.queries.publicity_history import published_names
from models.queries.purchasing import documents_of, engagements_of
from models.queries.reader import project_of
from models.rules.publicity_leaks import blotted
from models.tables.kernel import Document, Project
from models.tables.procurement import Procurement

KIND: Final = "procurement_notice_html"
_SOURCES: Final = ("procurement.plan", "procurement.register_bid", "procurement.award", "procurement.publish_notice")


@dataclass(frozen=True)
class Terms:
    """What a notice sets: where it stands, until when documents are given out and bids come in, whom to ask."""

    sites: tuple[str, ...]
    bids_close_on: date
    documents_until: date | None
    contact: str


@dataclass(frozen=True)
class Page:
    """A page printed and stored, but not filed."""

    view: dict[str, Any]
    paper: documents.Paper
    title: str


def notice_page(session: Session, ctx: Context, row: Procurement, terms: Terms, policy: Policy) -> Page:
    """Print the notice of the round that begins. Raises ``DataFault`` ``publicity.leak``, ``Transient``."""
    project = project_of(session, row.project_id)
    kept = documents_of(session, row.id)
    leaves = policy.procurement
    facts = (
        *_heads(session, row, project, policy),
        ("budget", _yuan(row.budget_fen)),
        ("contractor_types", "、".join(leaves.contractor_types.get(code, code) for code in row.contractor_types)),
        ("criteria", "；".join(f"{one['name']} {one['weight']}" for one in kept.criteria.values()) if kept else ""),
        ("documents_until", (terms.documents_until or terms.bids_close_on).isoformat()),
        ("bids_close_on", terms.bids_close_on.isoformat()),
        ("sites", "、".join(leaves.notice_sites.get(code, code) for code in terms.sites)),
    )
    conditions = kept.qualifications if kept else {}
    rows = [[code, one["text"], one["serves"]] for code, one in conditions.items()]
    title = _title("notice", project, row, policy, round_=row.round + 1)
    view = _view(session, ctx, row, project, title=title, facts=facts, columns=("code", "text", "serves"), rows=rows)
    return _printed(session, ctx, row, view, contact=terms.contact)


def award_page(session: Session, ctx: Context, row: Procurement, policy: Policy, *, contact: str) -> Page:
    """Print the result with its documents. Raises ``DataFault`` ``publicity.leak``, ``Transient``.

    Free texts written before are blotted where they name somebody: a result is not held back for them.
    """
    project = project_of(session, row.project_id)
    winner = organisation_of(session, row.winner_organisation_id or "")
    kept = documents_of(session, row.id)
    names = Printer.of(session, ctx).knowing(winner.name, row.purchaser).names
    sections = {code: blotted(text, names=names) for code, text in kept.sections.items()} if kept else {}
    days = policy.procurement.challenge_working_days
    facts = (
        *_heads(session, row, project, policy),
        ("winner", winner.name),
        ("uscc", winner.uscc or ""),
        ("price", _yuan(row.award_fen or 0)),
        ("reason", blotted(row.award_reason or "", names=names)),
        ("awarded_on", row.awarded_on.isoformat() if row.awarded_on else ""),
        ("experts", "、".join(row.draw.get("chosen", ()) if row.draw.get("round") == row.round else ())),
        ("challenge", sentence("procurement.paper.challenge_text", {"days": days})),
    )
    title = _title("result", project, row, policy, round_=row.round)
    rows = [[code, text] for code, text in sections.items()]
    view = _view(session, ctx, row, project, title=title, facts=facts, columns=("code", "text"), rows=rows)
    return _printed(session, ctx, row, view, contact=contact, known=(winner.name,))


def filed(session: Session, ctx: Context, row: Procurement, page: Page) -> Document:
    """File a page in the transaction."""
    return documents.file_paper(
        session,
        ctx,
        paper=page.paper,
        project_id=row.project_id,
        stage="procurement",
        title=page.title,
        issuer=row.purchaser,
    )


def _heads(session: Session, row: Procurement, project: Project, policy: Policy) -> tuple[tuple[str, str], ...]:
    agencies = (organisation_of(session, one.organisation_id).name for one in engagements_of(session, row.id))
    return (
        ("project", project.name),
        ("number", row.id),
        ("purchaser", row.purchaser),
        ("guided_by", row.guided_by or ""),
        ("agency", "、".join(agencies)),
        ("method", policy.procurement.methods.get(row.method or "", "")),
    )


def _title(kind: str, project: Project, row: Procurement, policy: Policy, *, round_: int) -> str:
    facts = {"project": project.name, "method": policy.procurement.methods.get(row.method or "", ""), "round": round_}
    return sentence(f"procurement.public.{kind}" if round_ == 1 else f"procurement.public.{kind}_again", facts)


def _yuan(fen: int) -> str:
    return sentence("funding.paper.yuan", {"amount": Money(fen)})


def _view(
    session: Session,
    ctx: Context,
    row: Procurement,
    project: Project,
    *,
    title: str,
    facts: tuple[tuple[str, str], ...],
    columns: tuple[str, ...],
    rows: list[list[str]],
) -> dict[str, Any]:
    view = notice_view(ctx, title=title, issuer=row.purchaser, facts=facts, columns=columns, rows=rows)
    made_up = marks(session, project.id).labels(*_SOURCES) if ctx.services.rehearsal else []
    return {**view, "synthetic_fields": sorted({*view["synthetic_fields"], *made_up})}


def _printed(
    session: Session,
    ctx: Context,
    row: Procurement,
    view: dict[str, Any],
    *,
    contact: str,
    known: tuple[str, ...] = (),
) -> Page:
    """Print a view; the office's own address is added after the fields were scanned for home addresses."""
    label = sentence("procurement.paper.contact")
    shown = {**view, "facts": [*view["facts"], {"label": label, "value": contact.strip()}]} if contact.strip() else view
    agencies = (organisation_of(session, one.organisation_id).name for one in engagements_of(session, row.id))
    public = (*published_names(session, row.project_id), row.purchaser, *known, *agencies)
    paper = Printer.of(session, ctx).knowing(*public).paper(KIND, shown, fields=view)
    return Page(view, paper, view["title_lines"][0])
