"""The record of agencies (一代理一记录, ZY-82): engagement, staff on it by number, their conduct, the assessment.

A notice sent out by an agency needs its engagement where the rule binds. Staff stand by number, never by name.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, purchase_pages, work
from models.commands.bidding import Bidder
from models.commands.ledger import locked
from models.commands.organisations import known_or_new
from models.commands.procurement import BUYERS, note, policy_of
from models.commands.purchase_clocks import AGENCY_RECORD
from models.commands.purchase_pages import Page
from models.commands.purchase_papers import notice_view
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict, Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.procurement import organisation_of
from models.queries.purchasing import conduct_of, engagements_of
from models.queries.reader import found, project_of
from models.rules.force import binding
from models.tables.procurement import Procurement
from models.tables.purchasing import AgencyConduct, AgencyEngagement

_Ref = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
_Duty = Annotated[str, Field(min_length=1, max_length=80)]
_RULES = ("ZY-82", "SYS-AGENCY")
_PAPER: Final = "agency_record_html"


class Engaged(BaseModel):
    """An engagement and how many entries its record holds."""

    model_config = ConfigDict(frozen=True)

    id: str
    organisation: str
    entries: int
    closed: bool


@command("procurement.engage_agency", roles=BUYERS, clause="ZY-82")
def engage_agency(
    ctx: Context,
    *,
    procurement: str,
    agency: Annotated[Bidder, Field(description="采购代理机构")],
    staff: Annotated[dict[_Ref, _Duty], Field(min_length=1, max_length=40, description="从业人员编号→职责")],
) -> Engaged:
    """Open the record of an agency for one purchase, with its staff. Raises ``Conflict`` for one engaged already."""
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        firm = known_or_new(session, ctx, name=agency.name, uscc=agency.uscc, kind=agency.kind)
        if any(one.organisation_id == firm.id for one in engagements_of(session, row.id)):
            raise Conflict("procurement.engaged_already", rule="SYS-ALREADY-DONE")
        kept = AgencyEngagement(
            id=ctx.new_id("agn", row.id, firm.id),
            procurement_id=row.id,
            organisation_id=firm.id,
            staff=dict(staff),
            engaged_on=ctx.as_of,
        )
        session.add(kept)
        rule = binding(policy=policy_of(session, ctx, row), rules=_RULES)
        payload = {"engagement": kept.id, "organisation_id": firm.id, "staff": len(staff), "rule": rule}
        note(session, ctx, row, "procurement.agency_engaged", payload)
        return Engaged(id=kept.id, organisation=firm.id, entries=0, closed=False)


@command("procurement.note_conduct", roles=(*BUYERS, Role.EVALUATION_OFFICE), clause="ZY-82")
def note_conduct(
    ctx: Context,
    *,
    engagement: str,
    staff: Annotated[_Ref, Field(description="从业人员编号")],
    checkpoint: Annotated[str, Field(description="环节:购买前、购买中、购买后")],
    conduct: Annotated[str, Field(min_length=2, max_length=400, description="代理行为")],
    proper: Annotated[bool, Field(description="是否规范")],
) -> Engaged:
    """Add an entry to an agency's record.

    Raises ``Refusal`` ``procurement.staff_unknown`` (ZY-82), ``procurement.checkpoint_unknown``,
    ``procurement.record_closed``.
    """
    with ctx.writing() as session:
        kept = _open(session, engagement)
        row = found(session.get(Procurement, kept.procurement_id), kind="procurement", id=kept.procurement_id)
        policy = policy_of(session, ctx, row)
        rule = binding(policy=policy, rules=_RULES)
        if staff not in kept.staff:
            raise Refusal("procurement.staff_unknown", rule=rule, facts={"staff": staff})
        if checkpoint not in policy.procurement.checkpoints:
            facts = {"checkpoints": "、".join(policy.procurement.checkpoints), "parties": "—"}
            raise Refusal("procurement.checkpoint_unknown", rule="SYS-CODE-LIST", facts=facts)
        ordinal = len(conduct_of(session, kept.id)) + 1
        session.add(
            AgencyConduct(
                id=ctx.new_id("agc", kept.id, str(ordinal)),
                engagement_id=kept.id,
                ordinal=ordinal,
                staff_ref=staff,
                checkpoint=checkpoint,
                conduct=conduct,
                proper=proper,
                noted_on=ctx.as_of,
            )
        )
        payload = {"engagement": kept.id, "entry": ordinal, "checkpoint": checkpoint, "proper": proper, "rule": rule}
        note(session, ctx, row, "procurement.agency_conduct", payload)
        return Engaged(id=kept.id, organisation=kept.organisation_id, entries=ordinal, closed=False)


@command("procurement.close_agency_record", roles=BUYERS, clause="ZY-82")
def close_agency_record(
    ctx: Context,
    *,
    engagement: str,
    assessment: Annotated[str, Field(min_length=2, max_length=400, description="对代理服务的评价")],
) -> Engaged:
    """Close an agency's record with an assessment and print it (一代理一记录); a record without an entry is none.

    Raises ``Refusal`` ``procurement.record_empty`` (ZY-82), ``procurement.record_closed``.
    """
    with ctx.reading() as session:
        kept = _open(session, engagement)
        row = found(session.get(Procurement, kept.procurement_id), kind="procurement", id=kept.procurement_id)
        policy, entries = policy_of(session, ctx, row), conduct_of(session, kept.id)
        if not entries:
            raise Refusal("procurement.record_empty", rule=binding(policy=policy, rules=_RULES))
        view = _view(session, ctx, row, kept, entries, assessment=assessment, policy=policy)
    paper = documents.render(ctx, kind=_PAPER, view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        kept = _open(session, engagement)
        row = found(session.get(Procurement, kept.procurement_id), kind="procurement", id=kept.procurement_id)
        if len(conduct_of(session, kept.id)) != len(entries):
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        kept.closed_on, kept.assessment = ctx.as_of, assessment
        session.add(kept)
        filed = purchase_pages.filed(session, ctx, row, Page(view, paper, view["title_lines"][0]))
        work.close_item(session, ctx, kind=AGENCY_RECORD, subject_id=kept.id)
        payload = {"engagement": kept.id, "entries": len(entries), "document_id": filed.id}
        note(session, ctx, row, "procurement.agency_record_closed", payload)
        return Engaged(id=kept.id, organisation=kept.organisation_id, entries=len(entries), closed=True)


def _view(
    session: Session,
    ctx: Context,
    row: Procurement,
    kept: AgencyEngagement,
    entries: tuple[AgencyConduct, ...],
    *,
    assessment: str,
    policy: Policy,
) -> dict[str, Any]:
    firm, points = organisation_of(session, kept.organisation_id).name, policy.procurement.checkpoints
    facts = (
        ("project", project_of(session, row.project_id).name),
        ("number", row.id),
        ("agency", firm),
        ("staff", "；".join(f"{ref}（{duty}）" for ref, duty in kept.staff.items())),
        ("engaged_on", kept.engaged_on.isoformat()),
        ("assessment", assessment),
    )
    rows = [
        [
            one.noted_on.isoformat(),
            points.get(one.checkpoint, one.checkpoint),
            one.staff_ref,
            one.conduct,
            sentence(f"procurement.paper.{'proper' if one.proper else 'improper'}"),
        ]
        for one in entries
    ]
    return notice_view(
        ctx,
        title=sentence("procurement.paper.agency_record", {"agency": firm}),
        issuer=row.purchaser,
        facts=facts,
        columns=("noted_on", "checkpoint", "staff", "conduct", "verdict"),
        rows=rows,
    )


def _open(session: Session, engagement: str) -> AgencyEngagement:
    kept = found(session.get(AgencyEngagement, engagement, with_for_update=True), kind="engagement", id=engagement)
    if kept.closed_on is not None:
        facts = {"on": kept.closed_on.isoformat()}
        raise Refusal("procurement.record_closed", rule="SYS-ALREADY-DONE", facts=facts)
    return kept
