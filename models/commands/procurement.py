"""Commands of procurement (S10) around the purchase: method, notice, change of method, cancelling.

The plan stands in ``commands.purchase_plan``, bids in ``commands.bidding``, the negotiation in
``commands.negotiation``, the award in ``commands.award``. After
the notice the policy is that of the notice's date (decision 11). A failed tender is a lawful branch: re-tender, or an
approved change of method.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import documents, events, purchase_clocks, purchase_gates, purchase_pages, transition
from models.commands.ledger import locked
from models.commands.purchase_pages import Terms
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict, Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.ports import StoredObject
from models.queries.procurement import bids_of, is_converted
from models.queries.purchasing import documents_of
from models.queries.reader import found, project_of
from models.rules import lifecycle
from models.rules.force import binding
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.rules.procurement import check_method_change, check_notice
from models.rules.purchase_method import OPEN_TENDER, MethodCase, choose_method
from models.rules.tender_documents import check_on_offer
from models.tables.kernel import Document, Project
from models.tables.procurement import MethodStep, Procurement

BUYERS = (Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU)
RUNNERS = (*BUYERS, Role.TENDER_AGENCY)


class ProcurementState(BaseModel):
    """A procurement after a command: its id, state, method and round, and what was noted though it stands."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    method: str | None
    round: int
    warnings: tuple[str, ...] = ()
    document: str | None = None


def state_of(row: Procurement, warnings: tuple[str, ...] = (), *, document: str | None = None) -> ProcurementState:
    """Return the result of a procurement command; ``document`` is its public page."""
    state = f"procurement.{row.state}"
    return ProcurementState(
        id=row.id, state=state, method=row.method, round=row.round, warnings=warnings, document=document
    )


def policy_of(session: Session, ctx: Context, row: Procurement) -> Policy:
    """Return the policy of a procurement: that of its notice, before it that of the act."""
    return ctx.policy(region=project_of(session, row.project_id).region, on=row.noticed_on or ctx.as_of)


@command("procurement.set_method", roles=BUYERS, clause="HS-14")
def set_method(
    ctx: Context,
    *,
    procurement: str,
    method: Annotated[str, Field(description="采购方式")],
    reason: Annotated[str, Field(description="采用该方式的理由")],
) -> ProcurementState:
    """Choose the method with its reason, before the notice; above the threshold only open tender stands.

    Raises ``Refusal`` ``procurement.tender_forced`` (HS-14, LAW-ZFCG-27), ``procurement.split`` (LAW-ZFCGTL-28),
    ``procurement.method_informal`` (BJ-31), ``procurement.reason_missing`` (LAW-ZFCG-42),
    ``procurement.method_unknown``.
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("planned",))
        locked(session, Project, row.project_id, kind="project")  # purchases of one budget are added up one by one
        policy = policy_of(session, ctx, row)
        case = _method_case(session, ctx, row, method=method, reason=reason)
        warnings = choose_method(case=case, policy=policy)
        row.method = method
        step = _add_step(session, ctx, row, reason=reason, approver=None, after_failure=False, policy=policy)
        payload = {"method": method, "step": step.ordinal, "earlier_fen": case.earlier.fen, "warnings": len(warnings)}
        note(session, ctx, row, "procurement.method_set", payload)
        return state_of(row, warnings)


def _method_case(session: Session, ctx: Context, row: Procurement, *, method: str, reason: str) -> MethodCase:
    """Gather what a choice of method rests on: what was bought this year without tender, by budget item and purchaser.

    Purchases converted after a failed tender, or exempted beforehand, do not count. A purchase whose category nobody
    stated counts with every category.
    """
    others = session.exec(
        select(Procurement).where(
            col(Procurement.id) != row.id,
            col(Procurement.state) != "void",
            col(Procurement.budget_year) == row.budget_year,
            col(Procurement.method).is_not(None),
            col(Procurement.method) != OPEN_TENDER,
        )
    ).all()
    alike = [
        one
        for one in others
        if (one.category == row.category or not one.category or not row.category)
        and one.exemption.get("method") != one.method
        and not is_converted(session, one)
    ]
    same = [one for one in alike if one.budget_item == row.budget_item]
    elsewhere = [one for one in alike if one.budget_item != row.budget_item and one.purchaser == row.purchaser]
    return MethodCase(
        method=method,
        reason=reason,
        amount=Money(row.budget_fen),
        earlier=Money.total(Money(one.budget_fen) for one in same),
        elsewhere=Money.total(Money(one.budget_fen) for one in elsewhere),
        object=row.object,
        level=row.level,
        exempted=row.exemption.get("method") == method,
        in_catalogue=row.in_catalogue,
    )


def _add_step(
    session: Session,
    ctx: Context,
    row: Procurement,
    *,
    reason: str,
    approver: str | None,
    after_failure: bool,
    policy: Policy,
) -> MethodStep:
    rules = ("HS-17", "LAW-ZFCG-37") if after_failure else ("HS-14", "LAW-ZFCG-26")
    taken = session.exec(select(func.count()).where(col(MethodStep.procurement_id) == row.id)).one()
    step = MethodStep(
        id=ctx.new_id("mst", row.id, str(taken + 1)),
        procurement_id=row.id,
        ordinal=taken + 1,
        method=row.method or "",
        chosen_on=ctx.as_of,
        reason=reason,
        approver=approver,
        after_failure=after_failure,
        rule=binding(policy=policy, rules=rules) or "",
    )
    row.method_reason = reason
    session.add(row)
    session.add(step)
    session.flush()
    return step


def note(session: Session, ctx: Context, row: Procurement, type: str, payload: Mapping[str, object]) -> None:
    """Append an event of a procurement that moves no state, to its project's chain."""
    events.on_project(session, ctx, row.project_id, type, {"procurement_id": row.id, "round": row.round, **payload})


def file_stored(
    session: Session,
    ctx: Context,
    row: Procurement,
    stored: StoredObject | Upload,
    *,
    kind: str,
    title: str = "",
) -> Document:
    """File a stored object with a purchase, in its purchaser's name; ``title`` is the kind's unless given."""
    return documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=row.project_id,
        stage="procurement",
        kind=kind,
        title=title or sentence(f"procurement.paper.{kind}"),
        issuer=row.purchaser,
    )


@command("procurement.publish_notice", roles=RUNNERS, clause="HS-47")
def publish_notice(
    ctx: Context,
    *,
    procurement: str,
    sites: Annotated[tuple[str, ...], Field(description="公开网站")],
    bids_close_on: Annotated[date, Field(description="投标（响应）截止日期")],
    documents_until: Annotated[date | None, Field(description="招标文件提供截止日期;不填为至投标截止")] = None,
    contact: Annotated[str, Field(max_length=500, description="联系方式(单位固定电话、地址)")] = "",
) -> ProcurementState:
    """Publish the purchase and open a new round of bids; from a failed tender this is the re-tender.

    Its page is printed for the public, scanned for personal data and filed. Raises ``Refusal``
    ``procurement.site_missing`` (HS-47), ``procurement.time_too_short`` (LAW-ZFCG-35), ``procurement.offer_too_short``
    (LAW-ZFCGTL-31), ``procurement.method_missing``, ``procurement.suspended`` (LAW-ZFCG-57), ``SYS-STATE``, and what
    must stand before a notice where the region asks for it (``commands.purchase_gates``: ZY-80 to ZY-82, FZ-36, BJ-22,
    BJ-30); ``DataFault`` ``publicity.leak``.
    """
    terms = Terms(sites, bids_close_on, documents_until, contact)
    with ctx.reading() as session:
        row = found(session.get(Procurement, procurement), kind="procurement", id=procurement)
        policy, _ = _check_notice(session, ctx, row, terms)
        page = purchase_pages.notice_page(session, ctx, row, terms, policy)
        seen = _printed_from(session, row)
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        policy, warnings = _check_notice(session, ctx, row, terms)
        if _printed_from(session, row) != seen:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        purchase_clocks.stop_round(session, ctx, row)
        row.notice_sites, row.noticed_on, row.bids_close_on = list(sites), ctx.as_of, bids_close_on
        row.documents_until, row.failed_with, row.policy_digest = documents_until, None, policy.digest
        _open_round(row)
        session.add(row)
        payload: dict[str, object] = {"sites": list(sites), "bids_close_on": bids_close_on.isoformat()}
        payload["round"] = row.round
        document = purchase_pages.filed(session, ctx, row, page).id
        payload |= {"method": row.method, "warnings": len(warnings), "document_id": document}
        transition.apply(session, ctx, row, payload=payload)
        purchase_clocks.owe_closing(session, ctx, row, policy)
        purchase_clocks.owe_sample(session, ctx, policy)
        return state_of(row, warnings, document=document)


def _check_notice(session: Session, ctx: Context, row: Procurement, terms: Terms) -> tuple[Policy, tuple[str, ...]]:
    """Check that a notice may go out; return the policy of the day, which the purchase keeps, and what is noted."""
    lifecycle.check_in_state(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state)
    if row.method is None:
        raise Refusal("procurement.method_missing", rule="LAW-ZFCG-26")
    policy, calendar = ctx.policy(region=project_of(session, row.project_id).region), ctx.services.calendar
    check_notice(
        method=row.method,
        sites=terms.sites,
        noticed_on=ctx.as_of,
        closes_on=terms.bids_close_on,
        policy=policy,
        calendar=calendar,
    )
    check_on_offer(from_on=ctx.as_of, until_on=terms.documents_until, policy=policy, calendar=calendar)
    return policy, purchase_gates.before_notice(session, ctx, row, policy)


def _printed_from(session: Session, row: Procurement) -> tuple[object, ...]:
    """Return what the page of a notice hangs on beside its terms."""
    kept = documents_of(session, row.id)
    return row.version, row.method, kept.id if kept is not None else None


def _open_round(row: Procurement) -> None:
    row.round += 1
    row.bidding_closed_on = None
    row.negotiated_on = None
    row.evaluated_on = None
    row.reported_on = None


@command("procurement.approve_method_change", roles=(Role.FINANCE_BUREAU,), clause="HS-17")
def approve_method_change(
    ctx: Context,
    *,
    procurement: str,
    method: Annotated[str, Field(description="变更后的采购方式")],
    reason: Annotated[str, Field(min_length=1, description="变更理由")],
    documents_lawful: Annotated[bool, Field(description="招标文件没有不合理条款、公告时间及程序合法")],
    approver: Annotated[str | None, Field(description="批准机关；未载明的留空")] = None,
) -> ProcurementState:
    """Approve another method after a failed tender, as the supervision of purchasing; the path keeps the reason.

    Raises ``Refusal`` ``procurement.documents_unlawful`` or ``procurement.change_not_offered`` (HS-17, LAW-ZFCG-37).
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_in_state(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state)
        policy = policy_of(session, ctx, row)
        counted = row.failed_with or 0
        if row.method != OPEN_TENDER:
            row.failed_with = None  # only an open tender that failed is negotiated on with fewer than usual
        way = check_method_change(
            method=method,
            current=row.method or "",
            documents_lawful=documents_lawful,
            counted=counted,
            policy=policy,
        )
        left, row.method = row.method, method
        _open_round(row)
        step = _add_step(
            session,
            ctx,
            row,
            reason=reason,
            approver=(approver or "").strip() or None,
            after_failure=True,
            policy=policy,
        )
        payload = {
            "left": left,
            "method": method,
            "step": step.ordinal,
            "documents_lawful": documents_lawful,
            "way": way,
        }
        transition.apply(session, ctx, row, payload=payload)
        return state_of(row)


@command("procurement.cancel", roles=BUYERS, clause="LAW-ZFCG-36")
def cancel(
    ctx: Context, *, procurement: str, reason: Annotated[str, Field(min_length=2, description="终止采购的理由")]
) -> ProcurementState:
    """End a procurement without an award, with its reason. Raises ``Refusal`` ``SYS-STATE``.

    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_in_state(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state)
        row.void_reason = reason
        session.add(row)
        purchase_clocks.stop_round(session, ctx, row)
        purchase_clocks.owe_bonds(session, ctx, row, policy_of(session, ctx, row), bids_of(session, row))
        transition.apply(session, ctx, row, payload={"round": row.round})
        return state_of(row)
