"""Commands of funding (S09) on the plan: plan lines, co-issuers' signatures, the quarterly batch.

Money moves only through ``commands.ledger``; budgets stand in ``commands.budget``, payments in ``commands.payment``.
The plan's policy is that of the quarter's first day (decision 11). Must never pool channels (ZY-10).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, transition, work
from models.commands.ledger import (
    Amount,
    commit_to,
    committed_ever,
    drawable,
    locked,
    move,
    reserve,
    settle_termination,
)
from models.commands.plan_papers import ledger_view, notice_view
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict, Refusal
from models.core.hashing import digest
from models.core.money import Money
from models.core.periods import Quarter
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.decision import approval_in_force
from models.queries.ledger import balance, is_settled
from models.queries.reader import project_of
from models.rules import lifecycle
from models.rules.funding import (
    PAYABLE_CONTRACTS,
    Account,
    BatchLine,
    check_approved,
    check_balance,
    check_batch,
    check_batch_open,
    check_channel,
    check_covered,
    check_may_sign,
    check_still_owed,
    missing_signatures,
)
from models.rules.ledger import check_purpose
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.tables.contract import Contract
from models.tables.decision import Approval
from models.tables.funding import PlanLine
from models.tables.kernel import Project

BUREAUS = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.FINANCE_BUREAU)
_CO_ISSUERS = (*BUREAUS, Role.DRC, Role.COUNTY_GOVERNMENT)
PLAN_ITEM = "funding.plan_line"  # the work item that ``commands.quarter`` opens for a project without a plan line
UNCOVERED_ITEM = "funding.line_uncovered"  # opened by ``commands.donation`` when a donor takes money from under a line
_PLANNABLE = ("approved", "planned", "in_progress")
_OWED = ("completed", "self_checked", "not_accepted", "accepted")  # only what contracts still lack is planned


class PlanLineState(BaseModel):
    """A plan line: its state and the roles whose signature is missing."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    missing: tuple[str, ...]


class PlanIssued(BaseModel):
    """An issued batch: how many lines of how many projects, their sum, the notice's document ids."""

    model_config = ConfigDict(frozen=True)

    id: str
    lines: int
    projects: int
    amount: Money
    documents: tuple[str, ...]


@command("funding.draft_plan", roles=BUREAUS, clause="ZY-75")
def draft_plan(
    ctx: Context,
    *,
    project: str,
    quarter: Annotated[Quarter, Field(description="下达季度")],
    batch: Annotated[int, Field(ge=1, le=99, description="批次")],
    channel: Annotated[str, Field(description="资金渠道")],
    amount: Annotated[Amount, Field(description="本批下达")],
    content: Annotated[str, Field(min_length=1, description="内容和规模")],
    period_start: Annotated[date | None, Field(description="实施开始日期")] = None,
    period_end: Annotated[date | None, Field(description="实施结束日期")] = None,
    target: Annotated[str, Field(description="绩效目标")] = "",
) -> PlanLineState:
    """Draft the plan line of a project in one batch of one channel and reserve its money: remaining → reserved.

    Raises ``Refusal`` ``funding.over_balance`` (ZY-78), ``funding.batch_issued`` (ZY-77) for a batch already out,
    ``funding.line_exists``, ``funding.period_reversed``, ``SYS-STATE`` before approval.
    """
    if period_start and period_end and period_end < period_start:
        raise Refusal("funding.period_reversed", rule="SYS-PERIOD")
    line = PlanLine(
        id=ctx.new_id("pln"),
        project_id=project,
        state="",
        version=0,
        policy_digest="",
        quarter=str(quarter),
        batch=batch,
        channel=channel,
        amount_fen=amount.fen,
        content=content,
        period_start=period_start,
        period_end=period_end,
        target=target,
    )
    with ctx.writing() as session:
        return draft_line(session, ctx, line)


def draft_line(
    session: Session, ctx: Context, line: PlanLine, *, funds: Mapping[str, int] = MappingProxyType({})
) -> PlanLineState:
    """Write a new plan line after every guard and reserve its money, ``funds`` (fund → fen) before other funds.

    Policy and approval are put in here.
    """
    project, quarter, amount = line.project_id, Quarter.parse(line.quarter), Money(line.amount_fen)
    row = locked(session, Project, project, kind="project")
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=_PLANNABLE + _OWED)
    if row.state in _OWED:
        check_still_owed(wanted=amount, owed=_owed(session, project))
    policy = ctx.policy(region=row.region, on=quarter.first_day)
    check_channel(channel=line.channel, note=line.content, policy=policy)
    _check_place_free(session, policy, project=project, quarter=quarter, batch=line.batch, channel=line.channel)
    own = drawable(session, project=row, channel=line.channel, year=quarter.year)
    check_purpose(wanted=amount, fitting=own.total, kept=own.kept, policy=policy)
    check_balance(wanted=amount, available=own.total, channel=line.channel, year=quarter.year, policy=policy)
    line.policy_digest = policy.digest
    line.approval_id = approval.id if (approval := approval_in_force(session, project)) else None
    payload = {"quarter": line.quarter, "batch": line.batch, "channel": line.channel, "amount_fen": amount.fen}
    event = transition.apply(session, ctx, line, payload=payload)
    reserve(session, ctx, event=event, line=line, held=own.first(funds), amount=amount)
    work.close_item(session, ctx, kind=PLAN_ITEM, subject_id=project)
    return _state_of(line, policy)


def _owed(session: Session, project: str) -> Money:
    """Return what the project's contracts cost beyond what is committed to them or already drafted for them."""
    contracts = session.exec(
        select(Contract).where(col(Contract.project_id) == project, col(Contract.state).in_(PAYABLE_CONTRACTS))
    ).all()
    lacking = [Money(one.price_fen) - committed_ever(session, one) for one in contracts]
    return Money.total(lacking) - balance(session, account=Account.RESERVED, project=project)


def _check_place_free(
    session: Session, policy: Policy, *, project: str, quarter: Quarter, batch: int, channel: str
) -> None:
    of_batch = (
        col(PlanLine.quarter) == str(quarter),
        col(PlanLine.batch) == batch,
        col(PlanLine.cancelled_on).is_(None),
    )
    check_batch_open(states=tuple(session.exec(select(PlanLine.state).where(*of_batch).distinct())), policy=policy)
    there = select(PlanLine.id).where(*of_batch, col(PlanLine.project_id) == project, col(PlanLine.channel) == channel)
    if session.exec(there).first() is not None:
        raise Refusal("funding.line_exists", rule="SYS-PLAN-LINE", facts={"quarter": str(quarter), "batch": batch})


@command("funding.sign_plan", roles=_CO_ISSUERS, clause="ZY-77")
def sign_plan(ctx: Context, *, plan_line: str) -> PlanLineState:
    """Sign a plan line as one of its co-issuers, each once; the last signature moves it to signed.

    Raises ``Refusal`` ``funding.not_co_issuer`` or ``funding.signed_already`` (ZY-77), ``funding.approval_voided``
    (ZY-75), ``SYS-STATE``.
    """
    with ctx.writing() as session:
        line = locked(session, PlanLine, plan_line, kind="plan_line")
        policy = _policy_of(session, ctx, line)
        signed = tuple(entry["role"] for entry in line.signatures)
        check_may_sign(role=ctx.actor.role, signed=signed, policy=policy)
        lifecycle.check_in_state(thing=Thing.PLAN_LINE, command=ctx.command, state=line.state)
        if not _is_approved(session, line):
            check_approved(projects=(project_of(session, line.project_id).name,), policy=policy)
        line.signatures = [
            *line.signatures,
            {"role": ctx.actor.role.value, "actor": ctx.actor.id, "signed_on": ctx.as_of.isoformat()},
        ]
        session.add(line)
        payload = {"role": ctx.actor.role.value, "signatures": len(line.signatures)}
        if missing_signatures(signed=(*signed, ctx.actor.role.value), policy=policy):
            events.on_project(
                session, ctx, line.project_id, "funding.plan_signed", {**payload, "plan_line_id": line.id}
            )
        else:
            transition.apply(session, ctx, line, payload=payload, outcome="complete")
        return _state_of(line, policy)


@command("funding.issue_plan", roles=BUREAUS, clause="ZY-77")
def issue_plan(
    ctx: Context,
    *,
    quarter: Annotated[Quarter, Field(description="下达季度")],
    batch: Annotated[int, Field(ge=1, le=99, description="批次")],
    doc_no: Annotated[str, Field(description="文号；未载明的留空")] = "",
) -> PlanIssued:
    """Issue a batch once all its lines are signed by all co-issuers: reserved → planned, projects become planned.

    Prints the investment-plan notice with its annex and the plan ledger of the year and files both with every project.
    Raises ``Refusal`` ``funding.batch_empty``, ``funding.batch_unsigned`` or, the second time,
    ``funding.batch_issued`` (ZY-77), ``funding.approval_voided`` (ZY-75); ``Conflict`` when a line changed meanwhile.
    """
    with ctx.reading() as session:
        lines = _batch(session, quarter, batch)
        _check_issuable(session, ctx, lines, quarter)
        seen = [(line.id, line.version) for line in lines]
        notice = notice_view(session, ctx, lines=lines, quarter=quarter, batch=batch, doc_no=doc_no)
        ledger = ledger_view(session, ctx, year=quarter.year, issuing=lines)
    papers = (
        ("".join(notice["title_lines"]), _render(ctx, "investment_plan_notice", notice)),
        (ledger["title"], _render(ctx, "plan_ledger_xlsx", ledger)),
    )
    with ctx.writing() as session:
        lines = [locked(session, PlanLine, line.id, kind="plan_line") for line in _batch(session, quarter, batch)]
        if [(line.id, line.version) for line in lines] != seen:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        for line in lines:
            _issue_line(session, ctx, line)
        projects = tuple(dict.fromkeys(line.project_id for line in lines))
        filed = [
            documents.file_paper(
                session,
                ctx,
                paper=paper,
                project_id=project,
                stage="funding",
                title=title,
                issuer=notice["issuer"],
                doc_no=doc_no or None,
            ).id
            for project in projects
            for title, paper in papers
        ]
        total = Money.total(Money(line.amount_fen) for line in lines)
        return PlanIssued(
            id=f"{quarter}-{batch}", lines=len(lines), projects=len(projects), amount=total, documents=tuple(filed)
        )


def _render(ctx: Context, kind: str, view: dict[str, Any]) -> documents.Paper:
    return documents.render(ctx, kind=kind, view=view, synthetic_fields=view["synthetic_fields"])


def _check_issuable(session: Session, ctx: Context, lines: list[PlanLine], quarter: Quarter) -> None:
    rows = tuple(
        BatchLine(
            project=project_of(session, line.project_id).name,
            state=line.state,
            missing=missing_signatures(
                signed=tuple(entry["role"] for entry in line.signatures), policy=_policy_of(session, ctx, line)
            ),
            approved=_is_approved(session, line),
        )
        for line in lines
    )
    check_batch(lines=rows, policy=ctx.policy(region=ctx.services.region, on=quarter.first_day))


def _issue_line(session: Session, ctx: Context, line: PlanLine) -> None:
    check_covered(uncovered=Money(line.uncovered_fen))
    amount = Money(line.amount_fen)
    payload = {"quarter": line.quarter, "batch": line.batch, "channel": line.channel, "amount_fen": amount.fen}
    event = transition.apply(session, ctx, line, payload=payload)
    move(session, ctx, event=event, line=line, source=Account.RESERVED, target=Account.PLANNED, amount=amount)
    project = locked(session, Project, line.project_id, kind="project")
    if project.state == "approved":
        transition.apply(session, ctx, project, payload={"quarter": line.quarter, "batch": line.batch})
    contracts = session.exec(
        select(Contract)
        .where(col(Contract.project_id) == project.id, col(Contract.state).in_(PAYABLE_CONTRACTS))
        .order_by(col(Contract.signed_on), col(Contract.id))
    ).all()
    for contract in (one for one in contracts if not is_settled(session, one.id)):
        commit_to(session, ctx, event=event, contract=contract, lines=(line,))


def _is_approved(session: Session, line: PlanLine) -> bool:
    """Say whether the project may be planned and the approval the line was drafted on stands."""
    approval = session.get(Approval, line.approval_id) if line.approval_id else None
    state = project_of(session, line.project_id).state
    return state in _PLANNABLE + _OWED and (approval is None or approval.voided_on is None)


@command("funding.cancel_line", roles=BUREAUS, clause="ZY-75")
def cancel_line(
    ctx: Context,
    *,
    plan_line: str,
    reason: Annotated[str, Field(min_length=2, max_length=500, description="撤销理由")],
) -> PlanLineState:
    """Cancel a plan line that was never issued and give its reserved money back: reserved → remaining.

    Its place in the batch is free again. Raises ``SYS-STATE`` for a line that was issued: such a line is closed.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        line = locked(session, PlanLine, plan_line, kind="plan_line")
        lifecycle.check_in_state(thing=Thing.PLAN_LINE, command=ctx.command, state=line.state)
        reserved = balance(session, account=Account.RESERVED, plan_line=line.id)
        line.cancelled_on, line.cancel_reason = ctx.as_of, reason
        payload = {"returned_fen": reserved.fen, "reason_digest": digest(reason)}
        event = transition.apply(session, ctx, line, payload=payload)
        work.close_item(session, ctx, kind=UNCOVERED_ITEM, subject_id=line.id)
        move(session, ctx, event=event, line=line, source=Account.RESERVED, target=Account.REMAINING, amount=reserved)
        return _state_of(line, _policy_of(session, ctx, line))


@command("funding.close_line", roles=BUREAUS, clause="ZY-112")
def close_line(ctx: Context, *, plan_line: str) -> PlanLineState:
    """Close an issued or fully paid plan line and return what was not paid to the channel: → remaining.

    Raises ``Refusal`` ``funding.contract_open`` while a contract still has a claim on the line, ``SYS-STATE``.
    """
    with ctx.writing() as session:
        line = locked(session, PlanLine, plan_line, kind="plan_line")
        lifecycle.check_in_state(thing=Thing.PLAN_LINE, command=ctx.command, state=line.state)
        held = _held_by_contracts(session, line)
        still_due = [one for one, _ in held if one.state in PAYABLE_CONTRACTS and not is_settled(session, one.id)]
        if still_due:
            raise Refusal("funding.contract_open", rule="SYS-PLAN-LINE", facts={"count": len(still_due)})
        planned = balance(session, account=Account.PLANNED, plan_line=line.id)
        returned = Money.total((planned, *(amount for _, amount in held)))
        event = transition.apply(session, ctx, line, payload={"returned_fen": returned.fen})
        work.close_item(session, ctx, kind=UNCOVERED_ITEM, subject_id=line.id)
        move(session, ctx, event=event, line=line, source=Account.PLANNED, target=Account.REMAINING, amount=planned)
        for contract, amount in held:
            move(
                session,
                ctx,
                event=event,
                line=line,
                source=Account.COMMITTED,
                target=Account.REMAINING,
                amount=amount,
                contract_id=contract.id,
            )
            settle_termination(session, ctx, line, contract)
        return _state_of(line, _policy_of(session, ctx, line))


def _held_by_contracts(session: Session, line: PlanLine) -> list[tuple[Contract, Money]]:
    """Return what of a line stands committed and unpaid, by contract."""
    contracts = session.exec(
        select(Contract).where(col(Contract.project_id) == line.project_id).order_by(col(Contract.id))
    ).all()
    held = [(one, balance(session, account=Account.COMMITTED, plan_line=line.id, contract=one.id)) for one in contracts]
    return [(contract, amount) for contract, amount in held if amount]


def _batch(session: Session, quarter: Quarter, batch: int) -> list[PlanLine]:
    return list(
        session.exec(
            select(PlanLine)
            .where(
                col(PlanLine.quarter) == str(quarter),
                col(PlanLine.batch) == batch,
                col(PlanLine.cancelled_on).is_(None),
            )
            .order_by(col(PlanLine.project_id), col(PlanLine.channel))
        ).all()
    )


def _policy_of(session: Session, ctx: Context, line: PlanLine) -> Policy:
    region = project_of(session, line.project_id).region
    return ctx.policy(region=region, on=Quarter.parse(line.quarter).first_day)


def _state_of(line: PlanLine, policy: Policy) -> PlanLineState:
    signed = tuple(entry["role"] for entry in line.signatures)
    return PlanLineState(
        id=line.id, state=f"plan_line.{line.state}", missing=missing_signatures(signed=signed, policy=policy)
    )
