"""Commands of procurement (S10) around the purchase: plan, method, notice, change of method, cancelling.

Bids stand in ``commands.bidding``, the negotiation in ``commands.negotiation``, the award in ``commands.award``. After
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

from models.commands import events, transition
from models.commands.ledger import Amount, locked
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.chains import types_of
from models.queries.ledger import paid
from models.queries.procurement import is_converted
from models.queries.reader import project_of
from models.rules import lifecycle
from models.rules.force import binding
from models.rules.lifecycle import Thing
from models.rules.procurement import (
    OPEN_TENDER,
    ApprovedBudget,
    check_budget_first,
    check_contractor_types,
    check_method,
    check_method_change,
    check_notice,
    check_purchaser,
)
from models.rules.steps import check_step
from models.tables.contract import Contract
from models.tables.funding import BudgetLine
from models.tables.kernel import Project
from models.tables.procurement import MethodStep, Procurement

BUYERS = (Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU)
RUNNERS = (*BUYERS, Role.TENDER_AGENCY)
_PURCHASABLE = ("approved", "planned", "in_progress")


class ProcurementState(BaseModel):
    """A procurement after a command: its id, state, method and round."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    method: str | None
    round: int


def state_of(row: Procurement) -> ProcurementState:
    """Return the result of a procurement command."""
    return ProcurementState(id=row.id, state=f"procurement.{row.state}", method=row.method, round=row.round)


def policy_of(session: Session, ctx: Context, row: Procurement) -> Policy:
    """Return the policy of a procurement: that of its notice, before it that of the act."""
    return ctx.policy(region=project_of(session, row.project_id).region, on=row.noticed_on or ctx.as_of)


@command("procurement.plan", roles=(*BUYERS, Role.EVALUATION_OFFICE), clause="ZY-80")
def plan(
    ctx: Context,
    *,
    project: str,
    purchaser: Annotated[str, Field(min_length=2, description="购买主体")],
    purchaser_kind: Annotated[str, Field(description="购买主体类别")],
    budget: Annotated[Amount, Field(description="采购预算")],
    contractor_types: Annotated[tuple[str, ...], Field(description="承接主体范围")],
    guided_by: Annotated[str | None, Field(description="指导单位")] = None,
) -> ProcurementState:
    """Begin a purchase: purchaser, budget that an earlier reply covers, range of contractors.

    Raises ``Refusal`` ``procurement.step_missing`` (BJ-24), ``procurement.no_budget``, ``procurement.over_budget``
    (HS-21, LAW-ZFCG-6), ``procurement.purchaser_kind``, ``procurement.guidance_missing`` (HS-13),
    ``procurement.contractor_type`` (HS-15).
    """
    with ctx.writing() as session:
        row = locked(session, Project, project, kind="project")
        policy = ctx.policy(region=row.region)
        check_step(step="procurement.planned", happened=types_of(session, project), policy=policy)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=_PURCHASABLE)
        check_budget_first(
            planned=budget,
            planned_on=ctx.as_of,
            budgets=_budgets_of(session, project),
            others=_taken_up(session, project),
            policy=policy,
        )
        check_purchaser(kind=purchaser_kind, guided_by=guided_by, policy=policy)
        check_contractor_types(types=contractor_types, policy=policy)
        purchase = Procurement(
            id=ctx.new_id("prc"),
            project_id=project,
            state="",
            version=0,
            policy_digest=policy.digest,
            purchaser=purchaser,
            purchaser_kind=purchaser_kind,
            guided_by=guided_by,
            budget_fen=budget.fen,
            contractor_types=list(contractor_types),
        )
        transition.apply(session, ctx, purchase, payload={"budget_fen": budget.fen, "purchaser_kind": purchaser_kind})
        return state_of(purchase)


def _budgets_of(session: Session, project: str) -> tuple[ApprovedBudget, ...]:
    rows = session.exec(select(BudgetLine).where(col(BudgetLine.project_id) == project)).all()
    return tuple(ApprovedBudget(replied_on=row.replied_on, amount=Money(row.amount_fen)) for row in rows)


def _taken_up(session: Session, project: str) -> Money:
    """Return what the purchases of a project take up: their budgets; of a terminated contract only what was paid."""
    purchases = session.exec(
        select(Procurement.id, Procurement.budget_fen).where(
            col(Procurement.project_id) == project, col(Procurement.state) != "void"
        )
    ).all()
    ended = {
        row.procurement_id: row.id
        for row in session.exec(
            select(Contract).where(col(Contract.project_id) == project, col(Contract.state) == "terminated")
        )
    }
    return Money.total(paid(session, contract=ended[id_]) if id_ in ended else Money(fen) for id_, fen in purchases)


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
    ``procurement.reason_missing`` (LAW-ZFCG-42), ``procurement.method_unknown``.
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("planned",))
        policy = policy_of(session, ctx, row)
        check_method(
            method=method,
            reason=reason,
            amount=Money(row.budget_fen),
            earlier=_bought_without_tender(session, ctx, row),
            policy=policy,
        )
        row.method = method
        step = _add_step(session, ctx, row, reason=reason, approver=None, after_failure=False, policy=policy)
        note(session, ctx, row, "procurement.method_set", {"method": method, "step": step.ordinal})
        return state_of(row)


def _bought_without_tender(session: Session, ctx: Context, row: Procurement) -> Money:
    """What the project bought this year without tender; purchases converted with approval do not count."""
    others = session.exec(
        select(Procurement).where(
            col(Procurement.project_id) == row.project_id,
            col(Procurement.id) != row.id,
            col(Procurement.state) != "void",
            col(Procurement.method).is_not(None),
            col(Procurement.method) != OPEN_TENDER,
        )
    ).all()
    return Money.total(
        Money(other.budget_fen)
        for other in others
        if not is_converted(session, other) and _first_step(session, other).chosen_on.year == ctx.as_of.year
    )


def _first_step(session: Session, row: Procurement) -> MethodStep:
    return session.exec(
        select(MethodStep).where(col(MethodStep.procurement_id) == row.id).order_by(col(MethodStep.ordinal))
    ).all()[0]


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
    events.append(
        session,
        ctx,
        stream_kind=events.PROJECT_STREAM,
        stream_id=row.project_id,
        type=type,
        payload={"procurement_id": row.id, "round": row.round, **payload},
    )


@command("procurement.publish_notice", roles=RUNNERS, clause="HS-47")
def publish_notice(
    ctx: Context,
    *,
    procurement: str,
    sites: Annotated[tuple[str, ...], Field(description="公开网站")],
    bids_close_on: Annotated[date, Field(description="投标（响应）截止日期")],
) -> ProcurementState:
    """Publish the purchase and open a new round of bids; from a failed tender this is the re-tender.

    Raises ``Refusal`` ``procurement.site_missing`` (HS-47), ``procurement.time_too_short`` (LAW-ZFCG-35),
    ``procurement.method_missing``, ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_in_state(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state)
        if row.method is None:
            raise Refusal("procurement.method_missing", rule="LAW-ZFCG-26")
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        check_notice(
            method=row.method,
            sites=sites,
            noticed_on=ctx.as_of,
            closes_on=bids_close_on,
            policy=policy,
            calendar=ctx.services.calendar,
        )
        row.notice_sites, row.noticed_on, row.bids_close_on = list(sites), ctx.as_of, bids_close_on
        row.policy_digest = policy.digest
        _open_round(row)
        session.add(row)
        payload = {"sites": list(sites), "bids_close_on": bids_close_on.isoformat(), "round": row.round}
        transition.apply(session, ctx, row, payload={**payload, "method": row.method})
        return state_of(row)


def _open_round(row: Procurement) -> None:
    row.round += 1
    row.bidding_closed_on = None
    row.negotiated_on = None


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
    """
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_in_state(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state)
        policy = policy_of(session, ctx, row)
        check_method_change(method=method, current=row.method or "", documents_lawful=documents_lawful, policy=policy)
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
        payload = {"left": left, "method": method, "step": step.ordinal, "documents_lawful": documents_lawful}
        transition.apply(session, ctx, row, payload=payload)
        return state_of(row)


@command("procurement.cancel", roles=BUYERS, clause="LAW-ZFCG-36")
def cancel(
    ctx: Context, *, procurement: str, reason: Annotated[str, Field(min_length=2, description="终止采购的理由")]
) -> ProcurementState:
    """End a procurement without an award, with its reason. Raises ``Refusal`` ``SYS-STATE``."""
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_in_state(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state)
        row.void_reason = reason
        session.add(row)
        transition.apply(session, ctx, row, payload={"round": row.round})
        return state_of(row)
