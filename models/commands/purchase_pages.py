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
from models.commands.procurement_papers import marked, winner_path
from models.commands.publicity_papers import Printer
from models.commands.purchase_papers import notice_view
from models.context import Context
from models.core.messages import sentence
from models.core.money import Money
from models.policy.schema import Policy
from models.queries.procurement import organisation_of
from models.queries.provenance import Marks, marks
from models.queries.publicity_history import published_names
from models.queries.purchasing import documents_of, engagements_of
from models.queries.reader import project_of
from models.rules.publicity_leaks import blotted
from models.tables.kernel import Document, Project
from models.tables.procurement import Procurement

KIND: Final = "procurement_notice_html"
_SOURCES: Final = (
    "library.enter_project",
    "procurement.plan",
    "procurement.set_method",
    "procurement.prepare_documents",
    "procurement.engage_agency",
    "procurement.register_bid",
    "procurement.award",
    "procurement.publish_notice",
)


Fact = tuple[str, str, str]
"""Label, text, and the argument that said it (empty for what no argument said)."""


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
    types = "、".join(leaves.contractor_types.get(code, code) for code in row.contractor_types)
    criteria = "；".join(f"{one['name']} {one['weight']}" for one in kept.criteria.values()) if kept else ""
    until = (terms.documents_until or terms.bids_close_on).isoformat()
    sites = "、".join(leaves.notice_sites.get(code, code) for code in terms.sites)
    facts = (
        *_heads(session, row, project, policy),
        ("budget", _yuan(row.budget_fen), "procurement.plan.budget"),
        ("contractor_types", types, "procurement.plan.contractor_types"),
        ("criteria", criteria, "procurement.prepare_documents.criteria"),
        ("documents_until", until, "procurement.publish_notice.documents_until"),
        ("bids_close_on", terms.bids_close_on.isoformat(), "procurement.publish_notice.bids_close_on"),
        ("sites", sites, "procurement.publish_notice.sites"),
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
    bidder = winner_path(_seen(session, ctx, row))
    facts = (
        *_heads(session, row, project, policy),
        ("winner", winner.name, bidder),
        ("uscc", winner.uscc or "", bidder),
        ("price", _yuan(row.award_fen or 0), "procurement.award.price"),
        ("reason", blotted(row.award_reason or "", names=names), "procurement.award.reason"),
        ("awarded_on", row.awarded_on.isoformat() if row.awarded_on else "", "procurement.award.on"),
        ("experts", "、".join(row.draw.get("chosen", ()) if row.draw.get("round") == row.round else ()), ""),
        ("challenge", sentence("procurement.paper.challenge_text", {"days": days}), ""),
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


def _seen(session: Session, ctx: Context, row: Procurement) -> Marks:
    return marks(session, row.project_id, pending=ctx.synthetic, command=ctx.command)


def _heads(session: Session, row: Procurement, project: Project, policy: Policy) -> tuple[Fact, ...]:
    agencies = (organisation_of(session, one.organisation_id).name for one in engagements_of(session, row.id))
    return (
        ("project", project.name, "library.enter_project.name"),
        ("number", row.id, ""),
        ("purchaser", row.purchaser, "procurement.plan.purchaser"),
        ("guided_by", row.guided_by or "", "procurement.plan.guided_by"),
        ("agency", "、".join(agencies), "procurement.engage_agency.agency"),
        ("method", policy.procurement.methods.get(row.method or "", ""), "procurement.set_method.method"),
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
    facts: tuple[Fact, ...],
    columns: tuple[str, ...],
    rows: list[list[str]],
) -> dict[str, Any]:
    seen = _seen(session, ctx, row)
    told = [(code, marked(text, seen, path) if path else text) for code, text, path in facts]
    view = notice_view(ctx, title=title, issuer=row.purchaser, facts=told, columns=columns, rows=rows)
    made_up = seen.labels(*_SOURCES) if ctx.services.rehearsal else []
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
