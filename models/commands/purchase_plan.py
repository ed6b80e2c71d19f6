"""Commands that begin a purchase (S10): the plan with its scope, and the approval of another method beforehand.

The plan names purchaser, budget and range of contractors, and what is bought under which budget item: purchases are
added up by it. An exemption (LAW-ZFCG-27) is given by finance before the notice; it stands on the purchase.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import transition
from models.commands.ledger import Amount, locked
from models.commands.procurement import BUYERS, ProcurementState, note, policy_of, state_of
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.chains import types_of
from models.queries.ledger import granted, paid
from models.queries.purchasing import codes_of, current_list
from models.rules import lifecycle
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.rules.procurement import ApprovedBudget, check_budget_first, check_contractor_types, check_purchaser
from models.rules.purchase_scope import PurchaseScope, bundle_warning, check_organiser, check_scope
from models.rules.steps import check_step
from models.tables.contract import Contract
from models.tables.funding import BudgetLine
from models.tables.kernel import Project
from models.tables.procurement import Procurement

_PURCHASABLE = ("approved", "planned", "in_progress")
_Code = Annotated[str, Field(min_length=1, max_length=60)]


class Scope(BaseModel):
    """What is bought and under which budget: purchases of one year, budget item and category are added up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    object: Annotated[str, Field(description="采购对象:货物、服务或者工程")] = "service"
    level: Annotated[
        Literal["", "nation", "province", "city", "county", "township"], Field(description="购买主体层级;不填为本级")
    ] = ""
    category: Annotated[str, Field(max_length=60, description="品目或者服务类别")] = ""
    budget_item: Annotated[str, Field(max_length=60, description="预算项目;不填为本项目")] = ""
    budget_year: Annotated[int | None, Field(ge=2000, le=2999, description="预算年度;不填为当年")] = None
    catalogue_item: Annotated[_Code | None, Field(description="指导性目录的代码")] = None
    plan_item: Annotated[_Code | None, Field(description="年度购买计划(政府采购预算)的代码")] = None
    in_catalogue: Annotated[bool, Field(description="属于政府集中采购目录")] = False
    forms: Annotated[tuple[str, ...], Field(description="内容中含有的负面清单情形")] = ()
    new_spend: Annotated[bool, Field(description="属于新增支出")] = True
    designed_by: Annotated[
        tuple[_Code, ...], Field(max_length=20, description="提供整体设计、规范编制或者项目管理、监理、检测的单位")
    ] = ()


@command("procurement.plan", roles=(*BUYERS, Role.EVALUATION_OFFICE), clause="ZY-80")
def plan(
    ctx: Context,
    *,
    project: str,
    purchaser: Annotated[str, Field(min_length=2, description="购买主体")],
    purchaser_kind: Annotated[str, Field(description="购买主体类别")],
    budget: Annotated[Amount, Field(description="采购预算")],
    contractor_types: Annotated[tuple[str, ...], Field(description="承接主体范围")],
    guided_by: Annotated[str | None, Field(description="指导(组织实施)单位")] = None,
    scope: Annotated[Scope | None, Field(description="采购范围和预算归属")] = None,
) -> ProcurementState:
    """Begin a purchase: purchaser, budget that an earlier reply covers, range of contractors, what is bought.

    Raises ``Refusal`` ``procurement.step_missing`` (BJ-24), ``procurement.no_budget``, ``procurement.over_budget``
    (HS-21, BJ-26, LAW-ZFCG-6), ``procurement.purchaser_kind``, ``procurement.guidance_missing`` (HS-13),
    ``procurement.organiser_missing`` (BJ-07), ``procurement.contractor_type`` (HS-15), ``procurement.form_banned``
    (LAW-ZFGMFW-10), ``procurement.not_in_catalogue`` (BJ-27), ``procurement.not_in_plan`` (BJ-29).
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
        check_organiser(kind=purchaser_kind, guided_by=guided_by, policy=policy)
        check_contractor_types(types=contractor_types, policy=policy)
        asked = scope or Scope()
        _check_scope(session, ctx, asked, policy)
        purchase = _born(ctx, row, policy, asked)
        purchase.purchaser, purchase.purchaser_kind, purchase.guided_by = purchaser, purchaser_kind, guided_by
        purchase.budget_fen, purchase.contractor_types = budget.fen, list(contractor_types)
        warnings = bundle_warning(open_purchases=_open_beside(session, purchaser), policy=policy)
        payload = {"budget_fen": budget.fen, "purchaser_kind": purchaser_kind, "warnings": len(warnings)}
        transition.apply(session, ctx, purchase, payload=payload)
        return state_of(purchase, warnings)


def _born(ctx: Context, project: Project, policy: Policy, scope: Scope) -> Procurement:
    """Return the purchase before it is kept: what is bought, under which budget item, of which year."""
    return Procurement(
        id=ctx.new_id("prc"),
        project_id=project.id,
        state="",
        version=0,
        policy_digest=policy.digest,
        purchaser="",
        purchaser_kind="",
        budget_fen=0,
        category="".join(scope.category.split()),
        object=scope.object,
        level=scope.level or ctx.services.policies.packs[project.region].level,
        budget_year=scope.budget_year or ctx.as_of.year,
        budget_item="".join(scope.budget_item.split()) or project.id,
        catalogue_item=scope.catalogue_item,
        plan_item=scope.plan_item,
        in_catalogue=scope.in_catalogue,
        new_spend=scope.new_spend,
        designed_by=["".join(name.split()) for name in scope.designed_by],
    )


def _check_scope(session: Session, ctx: Context, scope: Scope, policy: Policy) -> None:
    year = scope.budget_year or ctx.as_of.year
    catalogue, planned = (
        codes_of(current_list(session, region=policy.region, kind=kind, year=year))
        for kind in ("catalogue", "annual_plan")
    )
    facts = PurchaseScope(
        object=scope.object,
        forms=scope.forms,
        catalogue_item=scope.catalogue_item,
        plan_item=scope.plan_item,
        catalogue=catalogue,
        planned=planned,
    )
    check_scope(scope=facts, policy=policy)


def _open_beside(session: Session, purchaser: str) -> int:
    statement = select(func.count()).where(col(Procurement.purchaser) == purchaser, col(Procurement.state) == "planned")
    return int(session.exec(statement).one())


def _budgets_of(session: Session, project: str) -> tuple[ApprovedBudget, ...]:
    rows = session.exec(select(BudgetLine).where(col(BudgetLine.project_id) == project)).all()
    replies = [ApprovedBudget(replied_on=row.replied_on, amount=Money(row.amount_fen)) for row in rows]
    funds = granted(session, project=project)  # a plan line on an allotment or donation grants as a reply does
    return (*replies, *(ApprovedBudget(replied_on=one.since, amount=one.amount) for one in funds))


def _taken_up(session: Session, project: str) -> Money:
    """Return what the purchases of a project take up: their budgets, under a contract its price; of a terminated one
    only what was paid.
    """
    purchases = session.exec(
        select(Procurement.id, Procurement.budget_fen).where(
            col(Procurement.project_id) == project, col(Procurement.state) != "void"
        )
    ).all()
    signed = {
        row.procurement_id: paid(session, contract=row.id) if row.state == "terminated" else Money(row.price_fen)
        for row in session.exec(select(Contract).where(col(Contract.project_id) == project))
    }
    return Money.total(signed.get(id_, Money(fen)) for id_, fen in purchases)


@command("procurement.approve_exemption", roles=(Role.FINANCE_BUREAU,), clause="LAW-ZFCG-27")
def approve_exemption(
    ctx: Context,
    *,
    procurement: str,
    method: Annotated[str, Field(description="批准采用的采购方式")],
    reason: Annotated[str, Field(min_length=2, max_length=400, description="特殊情况")],
    number: Annotated[str, Field(min_length=2, max_length=60, description="批准文号")],
) -> ProcurementState:
    """Approve another method than open tender before the purchase goes out, as the supervision of purchasing.

    An approved purchase does not count as split (LAW-ZFCGTL-28). Raises ``Refusal`` ``procurement.method_unknown``,
    ``SYS-STATE``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        lifecycle.check_state_in(thing=Thing.PROCUREMENT, command=ctx.command, state=row.state, allowed=("planned",))
        methods = policy_of(session, ctx, row).procurement.methods
        if method not in methods:
            facts = {"method": method, "allowed": "、".join(f"{code}（{name}）" for code, name in methods.items())}
            raise Refusal("procurement.method_unknown", rule="LAW-ZFCG-26", facts=facts)
        row.exemption = {"method": method, "on": ctx.as_of.isoformat(), "number": number, "reason": reason}
        session.add(row)
        note(session, ctx, row, "procurement.exemption_approved", {"method": method, "number": number})
        return state_of(row)
