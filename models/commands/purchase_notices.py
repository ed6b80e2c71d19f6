"""What is made public about a purchase besides its notice (S10): intent, requirements, a single source.

Each is printed for the public, scanned for personal data and filed; sites as for the notice. BJ-30: before a contractor
is selected the public knows project, content, what is asked of contractors and how they are judged; BJ-22: no further
condition is used that was not public.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import purchase_pages
from models.commands.ledger import Amount, locked
from models.commands.procurement import BUYERS, RUNNERS, note, policy_of
from models.commands.publicity_papers import Printer
from models.commands.purchase_pages import Page
from models.commands.purchase_papers import notice_view
from models.context import Context
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.queries.procurement import organisation_of
from models.queries.publicity_history import published_names
from models.queries.purchasing import documents_of, notices_count
from models.queries.reader import found, project_of
from models.rules import lifecycle
from models.rules.force import binding
from models.rules.lifecycle import Thing
from models.rules.procurement import SINGLE_SOURCE, check_sites
from models.tables.procurement import Procurement
from models.tables.purchasing import PurchaseNotice

_BEFORE = ("planned", "failed", "method_changed")
_Text = Annotated[str, Field(min_length=2, max_length=2000)]
_Sites = Annotated[tuple[str, ...], Field(description="公开网站")]


class Published(BaseModel):
    """What was made public: its id, printed paper, and for a single source the last day of publicity."""

    model_config = ConfigDict(frozen=True)

    id: str
    document: str
    closes_on: date | None = None


@command("procurement.publish_intent", roles=RUNNERS, clause="SYS-INTENT")
def publish_intent(
    ctx: Context,
    *,
    procurement: str,
    needs: Annotated[_Text, Field(description="采购需求概况")],
    expected_month: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}$", description="预计采购时间(年-月)")],
    budget: Annotated[Amount, Field(description="预算金额")],
    sites: _Sites,
) -> Published:
    """Make the intent to purchase public, ahead of the notice.

    Raises ``Refusal`` ``procurement.site_missing`` (HS-47, LAW-ZFCGTL-8); ``DataFault`` ``publicity.leak``.
    """
    facts = (("needs", needs), ("expected_month", expected_month), ("budget", f"{budget}"))
    return _publish(ctx, procurement, kind="intent", facts=facts, sites=sites)


@command("procurement.publish_requirements", roles=RUNNERS, clause="BJ-30")
def publish_requirements(
    ctx: Context,
    *,
    procurement: str,
    content: Annotated[_Text, Field(description="服务项目和内容")],
    contractor_requirements: Annotated[_Text, Field(description="对承接主体的要求")],
    evaluation_standards: Annotated[_Text, Field(description="绩效评价标准")],
    sites: _Sites,
) -> Published:
    """Make project, content, requirements on contractors and standards of evaluation public before the notice.

    The further conditions of the tender documents are printed with it (BJ-22). Raises ``Refusal``
    ``procurement.site_missing``; ``DataFault`` ``publicity.leak``.
    """
    facts = (
        ("content", content),
        ("contractor_requirements", contractor_requirements),
        ("evaluation_standards", evaluation_standards),
    )
    return _publish(ctx, procurement, kind="requirements", facts=facts, sites=sites)


@command("procurement.publish_single_source", roles=BUYERS, clause="LAW-ZFCGTL-38")
def publish_single_source(
    ctx: Context,
    *,
    procurement: str,
    organisation: Annotated[str, Field(description="拟定的唯一供应商")],
    reason: Annotated[_Text, Field(description="只能从唯一供应商采购的理由")],
    sites: _Sites,
) -> Published:
    """Show the public that one supplier alone is meant to be asked, for the working days of law, before the award.

    Raises ``Refusal`` ``procurement.not_single_source``, ``procurement.site_missing``; ``DataFault``
    ``publicity.leak``.
    """
    with ctx.reading() as session:
        row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
        supplier = organisation_of(session, organisation)
        if row.method != SINGLE_SOURCE:
            raise Refusal("procurement.not_single_source", rule="LAW-ZFCGTL-38")
        days = policy_of(session, ctx, row).procurement.single_source_working_days
    closes_on = ctx.services.calendar.add_working_days(ctx.as_of, days=days).date
    facts = (("winner", supplier.name), ("reason", reason), ("closes_on", closes_on.isoformat()))
    return _publish(
        ctx,
        procurement,
        kind="single_source",
        facts=facts,
        sites=sites,
        supplier=supplier.id,
        closes_on=closes_on,
        allowed=(*_BEFORE, "noticed"),
    )


def _publish(
    ctx: Context,
    procurement: str,
    *,
    kind: str,
    facts: tuple[tuple[str, str], ...],
    sites: tuple[str, ...],
    supplier: str | None = None,
    closes_on: date | None = None,
    allowed: tuple[str, ...] = _BEFORE,
) -> Published:
    """Print, scan, store, then keep: one public paper about a purchase."""
    with ctx.reading() as session:
        row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=allowed)
        check_sites(sites=sites, policy=policy_of(session, ctx, row))
        conditions = _conditions(session, row.id) if kind == "requirements" else {}
        project = project_of(session, row.project_id)
        title = sentence(f"procurement.public.{kind}", {"project": project.name})
        view = notice_view(
            ctx,
            title=title,
            issuer=row.purchaser,
            facts=(("project", project.name), ("purchaser", row.purchaser), *facts),
            columns=("code", "text", "serves"),
            rows=[[code, one["text"], one["serves"]] for code, one in conditions.items()],
        )
        named = (organisation_of(session, supplier).name,) if supplier else ()
        public = (*published_names(session, project.id), row.purchaser, *named)
        paper = Printer.of(session, ctx).knowing(*public).paper(purchase_pages.KIND, view)
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=allowed)
        filed = purchase_pages.filed(session, ctx, row, Page(view, paper, title))
        kept = PurchaseNotice(
            id=ctx.new_id("pnt", kind),
            procurement_id=row.id,
            ordinal=notices_count(session, row.id) + 1,
            kind=kind,
            published_on=ctx.as_of,
            closes_on=closes_on,
            sites=list(sites),
            qualifications=sorted(conditions),
            organisation_id=supplier,
            document_id=filed.id,
        )
        session.add(kept)
        rule = binding(policy=policy_of(session, ctx, row), rules=("BJ-30", "LAW-ZFCGTL-8"))
        payload = {"notice": kept.id, "kind": kind, "sites": list(sites), "sha256": filed.sha256, "rule": rule}
        note(session, ctx, row, "procurement.made_public", payload)
        return Published(id=kept.id, document=filed.id, closes_on=closes_on)


def _conditions(session: Session, procurement: str) -> dict[str, dict[str, str]]:
    documents_now = documents_of(session, procurement)
    return dict(documents_now.qualifications) if documents_now is not None else {}
