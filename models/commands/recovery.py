"""Commands of recovery (SX1): a case of misused money and the first steps of its ladder (ZY-113–116).

Found → reported and the unit's head summoned → interviewed, with minutes → ordered to pay back by a day → paid back
(a posting), or recovered by force once the day has passed. How a case ends is ``commands.recovery_end``. What each step
waits for is a work item.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events, project_papers, work
from models.commands.allotment import book_recovery
from models.commands.ledger import Amount, locked
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import Once, command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.ledger import balance
from models.queries.papers import head
from models.queries.reader import found, project_of
from models.queries.recovery import notice_view, standing_of, steps_of
from models.rules import recovery as rules
from models.rules.bodies import body_name
from models.rules.funding import Account
from models.tables.contract import Contract
from models.tables.funding import PlanLine
from models.tables.recovery import MisuseCase, MisuseStep

STAGE: Final = "recovery"
CASE_KIND: Final = "misuse_case"
SUMMON: Final = "recovery.summon"
INTERVIEW: Final = "recovery.interview"
ORDER: Final = "recovery.order"
REPAY: Final = "recovery.repay"
RECOVER: Final = "recovery.recover"
TRANSFER: Final = "recovery.transfer"
RECEIPT: Final = "recovery.receipt"
_RESOLVED_BY: Final = {
    SUMMON: "recovery.summon",
    INTERVIEW: "recovery.record_interview",
    ORDER: "recovery.order_repayment",
    REPAY: "recovery.register_repayment",
    RECOVER: "recovery.start_recovery",
    TRANSFER: "recovery.transfer_officer",
    RECEIPT: "recovery.record_receipt",
}
_FINDERS: Final = (*CIVIL_AFFAIRS, Role.FINANCE_BUREAU, Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION)
_BOOKERS: Final = (*CIVIL_AFFAIRS, Role.FINANCE_BUREAU)
CaseId = Annotated[str, Field(description="案件编号")]


class CaseState(BaseModel):
    """A case after a step: what it came to, what is still owed, what is due when, the paper of the step."""

    model_config = ConfigDict(frozen=True)

    id: str
    step: str
    owed: Money
    due_on: date | None = None
    document: str | None = None


@command("recovery.open_case", roles=_FINDERS, clause="ZY-113", once_a_day=Once.BY_ANYONE)
def open_case(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    kind: Annotated[str, Field(description="情形:截留、挪用、挤占等(代码)")],
    unit: Annotated[str, Field(min_length=2, max_length=120, description="责任单位名称(不写个人姓名)")],
    amount: Annotated[Amount, Field(description="涉及金额")],
    event_on: Annotated[date, Field(description="行为发生日期")],
    evidence: Annotated[Upload, Field(description="发现的材料")],
    plan_line: Annotated[str | None, Field(description="投资计划行编号")] = None,
    contract: Annotated[str | None, Field(description="合同编号")] = None,
    officer_involved: Annotated[bool, Field(description="是否涉及行政管理人员")] = False,
) -> CaseState:
    """Open a case of misused money; it is to be reported and the unit's head summoned at once (ZY-113, ZY-114).

    Raises ``Refusal`` ``recovery.kind_unknown``, ``recovery.found_before``, ``recovery.half_named``,
    ``recovery.more_than_paid``, ``kernel.not_found``.
    """
    with ctx.writing() as session:
        policy = ctx.policy(region=project_of(session, project).region)
        rules.check_found(kind=kind, event_on=event_on, found_on=ctx.as_of, named=(plan_line, contract), policy=policy)
        _check_named(session, project, plan_line, contract, amount=amount)
        row = MisuseCase(
            id=ctx.new_id("mis"),
            project_id=project,
            kind=kind,
            unit=unit,
            amount_fen=amount.fen,
            plan_line_id=plan_line,
            contract_id=contract,
            event_on=event_on,
            found_on=ctx.as_of,
            officer_involved=officer_involved,
            step=rules.OPENED,
            policy_digest=policy.digest,
            synthetic=ctx.services.rehearsal,
        )
        session.add(row)
        session.flush()
        document = filed_upload(session, ctx, row, stored=evidence, kind="misuse_evidence")
        take(session, ctx, row, step=rules.OPENED, document=document, amount=amount, facts={"kind": kind})
        wait(session, ctx, row, kind=SUMMON, due_on=ctx.as_of, policy=policy)
        return state_of(row, document=document)


def _check_named(session: Session, project: str, plan_line: str | None, contract: str | None, *, amount: Money) -> None:
    """Refuse a plan line or a contract of another project, and more misused than was paid under them.

    Raises ``Refusal`` ``kernel.not_found``, ``recovery.more_than_paid``: what was never paid cannot be booked back.
    """
    if plan_line is not None and contract is not None:
        line, signed = session.get(PlanLine, plan_line), session.get(Contract, contract)
        found(line if line and line.project_id == project else None, kind="plan_line", id=plan_line)
        found(signed if signed and signed.project_id == project else None, kind="contract", id=contract)
        paid = balance(session, account=Account.PAID, plan_line=plan_line, contract=contract)
        rules.check_paid(amount=amount, paid=paid)


@command("recovery.summon", roles=CIVIL_AFFAIRS, clause="ZY-114")
def summon(
    ctx: Context,
    *,
    case: CaseId,
    reported_on: Annotated[date, Field(description="报政府分管领导日期")],
    interview_on: Annotated[date, Field(description="约谈日期")],
    place: Annotated[str, Field(min_length=2, max_length=120, description="约谈地点")],
) -> CaseState:
    """Report a case to the leader in charge and summon the head of the unit: prints the notice of interview.

    Raises ``Refusal`` ``recovery.order_of_days``; ``Conflict`` ``recovery.taken``, ``recovery.closed``.
    """
    if not reported_on <= ctx.as_of <= interview_on:
        raise Refusal("recovery.order_of_days", rule="SYS-DATE")
    facts = {"reported_on": reported_on.isoformat(), "interview_on": interview_on.isoformat(), "place": place}
    printed, policy = noticed(ctx, case=case, step=rules.SUMMONED, facts=facts)
    with ctx.writing() as session:
        row = standing(session, ctx, case, step=rules.SUMMONED)
        document = project_papers.filed(session, ctx, project=row.project_id, stage=STAGE, printed=printed)
        take(session, ctx, row, step=rules.SUMMONED, document=document, due=interview_on)
        work.close_item(session, ctx, kind=SUMMON, subject_id=row.id)
        wait(session, ctx, row, kind=INTERVIEW, due_on=interview_on, policy=policy)
        if row.officer_involved:
            wait(session, ctx, row, kind=TRANSFER, due_on=ctx.as_of, policy=policy)
        return state_of(row, document=document, due=interview_on)


@command("recovery.record_interview", roles=CIVIL_AFFAIRS, clause="ZY-114")
def record_interview(
    ctx: Context,
    *,
    case: CaseId,
    held_on: Annotated[date, Field(description="约谈日期")],
    minutes: Annotated[Upload, Field(description="约谈记录")],
) -> CaseState:
    """File the minutes of the interview; the order to pay back is due next.

    Raises ``Refusal`` ``recovery.step_jumped`` (ZY-114), ``recovery.order_of_days``; ``Conflict`` ``recovery.taken``.
    """
    with ctx.writing() as session:
        row = standing(session, ctx, case, step=rules.INTERVIEWED)
        summoned = next(one for one in steps_of(session, row.id) if one.step == rules.SUMMONED)
        if not summoned.taken_on <= held_on <= ctx.as_of:
            raise Refusal("recovery.order_of_days", rule="SYS-DATE")
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        document = filed_upload(session, ctx, row, stored=minutes, kind="interview_minutes")
        take(session, ctx, row, step=rules.INTERVIEWED, document=document, facts={"held_on": held_on.isoformat()})
        work.close_item(session, ctx, kind=INTERVIEW, subject_id=row.id)
        wait(session, ctx, row, kind=ORDER, due_on=ctx.as_of, policy=policy)
        return state_of(row, document=document)


@command("recovery.order_repayment", roles=CIVIL_AFFAIRS, clause="ZY-115")
def order_repayment(ctx: Context, *, case: CaseId) -> CaseState:
    """Order the money back within ``recovery.repay_days``: prints the order; repayment and, a day later, recovery by
    force are due. A term whose last day is no working day ends on the next one.

    Raises ``Refusal`` ``recovery.step_jumped`` (ZY-115) before the interview; ``Conflict`` ``recovery.taken``.
    """
    with ctx.reading() as session:
        region = project_of(session, standing(session, ctx, case, step=rules.ORDERED).project_id).region
    days = ctx.policy(region=region).recovery.repay_days
    term = ctx.services.calendar.days_after(ctx.as_of, days=days, roll=True)
    due, provisional = term.date, term.provisional
    printed, policy = noticed(ctx, case=case, step=rules.ORDERED, facts={"due_on": due.isoformat()})
    with ctx.writing() as session:
        row = standing(session, ctx, case, step=rules.ORDERED)
        document = project_papers.filed(session, ctx, project=row.project_id, stage=STAGE, printed=printed)
        row.due_on = due
        take(session, ctx, row, step=rules.ORDERED, document=document, due=due)
        work.close_item(session, ctx, kind=ORDER, subject_id=row.id)
        wait(session, ctx, row, kind=REPAY, due_on=due, policy=policy, provisional=provisional)
        after = due + timedelta(days=1)
        wait(session, ctx, row, kind=RECOVER, due_on=after, policy=policy, provisional=provisional)
        return state_of(row, document=document, due=due)


@command("recovery.register_repayment", roles=_BOOKERS, clause="ZY-115", once_a_day=Once.BY_ANYONE)
def register_repayment(
    ctx: Context,
    *,
    case: CaseId,
    amount: Annotated[Amount, Field(description="归还金额")],
    voucher: Annotated[Upload, Field(description="到账凭证")],
) -> CaseState:
    """Book money that came back, whole or in part: paid → recovered where it was paid under a plan line.

    Raises ``Refusal`` ``recovery.not_ordered`` (ZY-115), ``recovery.too_much``, ``funding.over_recovery``.
    """
    with ctx.writing() as session:
        row = locked_case(session, case)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        rules.check_repayment(amount=amount, standing=standing_of(session, row), policy=policy)
        row.repaid_fen += amount.fen
        document = filed_upload(session, ctx, row, stored=voucher, kind="repayment_voucher")
        if row.plan_line_id is not None and row.contract_id is not None:
            line = locked(session, PlanLine, row.plan_line_id, kind="plan_line")
            signed = locked(session, Contract, row.contract_id, kind="contract")
            book_recovery(session, ctx, line=line, contract=signed, amount=amount, on=ctx.as_of)
        take(session, ctx, row, step=rules.REPAID, document=document, amount=amount)
        if row.repaid_fen == row.amount_fen:
            for kind in (REPAY, RECOVER):
                work.close_item(session, ctx, kind=kind, subject_id=row.id)
        return state_of(row, document=document)


@command("recovery.start_recovery", roles=CIVIL_AFFAIRS, clause="ZY-116")
def start_recovery(
    ctx: Context,
    *,
    case: CaseId,
    procedure: Annotated[str, Field(min_length=4, max_length=500, description="追偿程序和受理机关")],
) -> CaseState:
    """Start the recovery procedure once the order's day has passed unpaid: prints the decision.

    Raises ``Refusal`` ``recovery.not_overdue`` (ZY-116); ``Conflict`` ``recovery.taken``.
    """
    printed, _ = noticed(ctx, case=case, step=rules.RECOVERING, facts={"procedure": procedure})
    with ctx.writing() as session:
        row = standing(session, ctx, case, step=rules.RECOVERING)
        document = project_papers.filed(session, ctx, project=row.project_id, stage=STAGE, printed=printed)
        owed = Money(row.amount_fen - row.repaid_fen)
        take(session, ctx, row, step=rules.RECOVERING, document=document, amount=owed)
        work.close_item(session, ctx, kind=RECOVER, subject_id=row.id)
        return state_of(row, document=document)


def locked_case(session: Session, case: str) -> MisuseCase:
    """Return a case and hold it until the transaction ends. Raises ``Refusal`` ``kernel.not_found``."""
    return found(session.get(MisuseCase, case, with_for_update=True), kind=CASE_KIND, id=case)


def standing(session: Session, ctx: Context, case: str, *, step: str) -> MisuseCase:
    """Return a case on which ``step`` may be taken today. Raises as ``rules.check_step``."""
    row = locked_case(session, case)
    policy = ctx.policy(region=project_of(session, row.project_id).region)
    rules.check_step(step=step, standing=standing_of(session, row), on=ctx.as_of, policy=policy)
    return row


def noticed(
    ctx: Context, *, case: str, step: str, facts: Mapping[str, object], receiver: str = ""
) -> tuple[project_papers.Printed, Policy]:
    """Print the paper of a step that may be taken today, with today's policy. The receiver is the unit by default."""
    with ctx.reading() as session:
        row = standing(session, ctx, case, step=step)
        project = project_of(session, row.project_id)
        policy = ctx.policy(region=project.region)
        sheet = project_papers.sheet(session, ctx, project, sources=())
        view = notice_view(
            step=step,
            row=row,
            head=head(
                sheet=sheet,
                title=f"recovery.paper.{step}.title",
                issuer=body_name(policy=policy, role=ctx.actor.role),
            ),
            receiver=receiver or row.unit,
            facts=facts,
            policy=policy,
        )
    return project_papers.printed(ctx, kind="recovery_notice", view=view), policy


def filed_upload(session: Session, ctx: Context, row: MisuseCase, *, stored: Upload, kind: str) -> str:
    """File a paper that came from outside in the project's file and return its id."""
    policy = ctx.policy(region=project_of(session, row.project_id).region)
    return documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=row.project_id,
        stage=STAGE,
        kind=kind,
        title=sentence(f"recovery.document.{kind}"),
        issuer=body_name(policy=policy, role=ctx.actor.role),
    ).id


def take(
    session: Session,
    ctx: Context,
    row: MisuseCase,
    *,
    step: str,
    document: str | None = None,
    due: date | None = None,
    amount: Money | None = None,
    number: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write a step of a case and its event."""
    ordinal = len(steps_of(session, row.id)) + 1
    fen = None if amount is None else amount.fen
    session.add(
        MisuseStep(
            id=ctx.new_id("mst", row.id, str(ordinal)),
            case_id=row.id,
            ordinal=ordinal,
            step=step,
            taken_on=ctx.as_of,
            document_id=document,
            due_on=due,
            amount_fen=fen,
            number=number,
        )
    )
    row.step = step
    session.add(row)
    payload = {"case_id": row.id, "step": step, "document_id": document, "amount_fen": fen, **(facts or {})}
    if due is not None:
        payload["due_on"] = due.isoformat()
    events.on_project(session, ctx, row.project_id, f"recovery.{step}", payload)
    session.flush()


def wait(
    session: Session,
    ctx: Context,
    row: MisuseCase,
    *,
    kind: str,
    due_on: date,
    policy: Policy,
    provisional: bool = False,
) -> None:
    """Open the work item of what a case waits for."""
    work.open_item(
        session,
        ctx,
        kind=kind,
        role=Role.CITY_BUREAU,
        subject_kind=CASE_KIND,
        subject_id=row.id,
        project_id=row.project_id,
        due_on=due_on,
        provisional=provisional,
        clause=policy.clause("recovery.ladder"),
        resolves_with=_RESOLVED_BY[kind],
    )


def state_of(row: MisuseCase, *, document: str | None = None, due: date | None = None) -> CaseState:
    """Return a case as its commands tell it."""
    owed = Money(row.amount_fen - row.repaid_fen)
    return CaseState(id=row.id, step=row.step, owed=owed, due_on=due, document=document)
