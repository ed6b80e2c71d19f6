"""The payment command of funding (S09, S12–S16): money leaves only when everything it rests on is there (ZY-112)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, intake, payment_refused, transition
from models.commands.ledger import Amount, locked, move, settle_prefinancing, settle_termination
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.queries.application import lines_of, newest_application
from models.queries.ledger import balance, is_settled, paid
from models.queries.reader import project_of
from models.rules.bodies import body_name
from models.rules.funding import DONATION, Account
from models.rules.payment import Category, PaymentCase, check_account_own, check_payment, is_last, verified
from models.tables.contract import Contract
from models.tables.funding import Payment, PlanLine, ProgressCheck, ProjectAccount
from models.tables.kernel import Event, Project

_PAYERS = (Role.FINANCE_BUREAU, Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU)
_VERIFIERS = (*CIVIL_AFFAIRS, Role.FINANCE_BUREAU, Role.PURCHASER, Role.THIRD_PARTY_EVALUATOR)
_KEEPERS = (Role.CONTRACTOR, Role.PURCHASER, *CIVIL_AFFAIRS)
_ESTIMATED = "feasibility.cost_estimated"
_ACCEPTED = "project.accepted"
_OVERTURNED = ("project.acceptance_overturned", "acceptance.overturned")


class Paid(BaseModel):
    """A payment and where it leaves its plan line and contract."""

    model_config = ConfigDict(frozen=True)

    id: str
    amount: Money
    final: bool
    line_state: str
    line_paid: Money
    contract_paid: Money


class Registered(BaseModel):
    """What was registered to a contract."""

    model_config = ConfigDict(frozen=True)

    id: str


Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=15, decimal_places=4)]


@command("funding.register_account", roles=_KEEPERS, clause="ZY-92")
def register_account(
    ctx: Context,
    *,
    contract: Annotated[str, Field(description="合同编号")],
    bank: Annotated[str, Field(min_length=2, max_length=120, description="开户行或专账所在账套")],
    number: Annotated[str, Field(min_length=4, max_length=40, description="专账账号或编号")],
) -> Registered:
    """Register the account or ledger a contractor keeps for one project and for nothing else; a later one replaces it.

    Raises ``Refusal`` ``funding.account_shared`` (ZY-92) for one that another project has.
    """
    number = "".join(number.split())
    with ctx.writing() as session:
        signed = locked(session, Contract, contract, kind="contract")
        policy = ctx.policy(region=project_of(session, signed.project_id).region)
        lookup = ctx.services.vault.lookup(number)
        elsewhere = select(ProjectAccount.id).where(
            col(ProjectAccount.number_hash) == lookup, col(ProjectAccount.project_id) != signed.project_id
        )
        check_account_own(shared=session.exec(elsewhere).first() is not None, policy=policy)
        row = ProjectAccount(
            id=ctx.new_id("acc"),
            project_id=signed.project_id,
            contract_id=signed.id,
            bank=bank,
            number_sealed=ctx.services.vault.seal(number),
            number_hash=lookup,
            registered_on=ctx.as_of,
        )
        session.add(row)
        _note(session, ctx, signed, "funding.account_registered", {"account_id": row.id})
        return Registered(id=row.id)


@command("funding.verify_progress", roles=_VERIFIERS, clause="ZY-112")
def verify_progress(
    ctx: Context,
    *,
    contract: Annotated[str, Field(description="合同编号")],
    percent: Annotated[Percent, Field(description="核实的项目进度（百分数）")],
    basis: Annotated[str, Field(min_length=2, max_length=500, description="核实依据")],
    file: Annotated[Upload | None, Field(description="核实材料")] = None,
) -> Registered:
    """Record the progress of a contract as verified; payments rest on the newest record. Work beyond the money
    committed is the contractor's advance: money for it is due to be planned (ZY-93).

    Raises ``Refusal`` ``kernel.not_found``, ``DataFault`` ``storage.missing`` for a file that is not in the store.
    """
    if file is not None and not ctx.dry_run:
        intake.read(ctx, file=file)
    with ctx.writing() as session:
        signed = locked(session, Contract, contract, kind="contract")
        last = _newest(session, signed)
        row = ProgressCheck(
            id=ctx.new_id("prg"),
            ordinal=last.ordinal + 1 if last else 1,
            project_id=signed.project_id,
            contract_id=signed.id,
            percent=str(percent),
            basis=basis,
            document_id=_file_check(session, ctx, signed, file) if file is not None else None,
            verified_on=ctx.as_of,
            verified_by=ctx.actor.role,
        )
        session.add(row)
        payload = {"check_id": row.id, "percent": row.percent, "document_id": row.document_id}
        _note(session, ctx, signed, "funding.progress_verified", payload)
        session.flush()
        settle_prefinancing(session, ctx, signed)
        return Registered(id=row.id)


def _file_check(session: Session, ctx: Context, contract: Contract, file: Upload) -> str:
    policy = ctx.policy(region=project_of(session, contract.project_id).region)
    return documents.file_upload(
        session,
        ctx,
        stored=file,
        project_id=contract.project_id,
        stage="funding",
        kind="progress_check",
        title=sentence("funding.paper.progress_check"),
        issuer=body_name(policy=policy, role=ctx.actor.role),
    ).id


def _note(session: Session, ctx: Context, contract: Contract, type: str, payload: Mapping[str, Any]) -> None:
    events.on_project(session, ctx, contract.project_id, type, {**payload, "contract_id": contract.id})


@command("funding.pay", roles=_PAYERS, clause="ZY-112", refused=payment_refused.tell)
def pay(
    ctx: Context,
    *,
    plan_line: str,
    contract: str,
    amount: Annotated[Amount, Field(description="支付金额")],
    verified_percent: Annotated[
        Percent | None, Field(description="核实的项目进度（百分数）；不填取最近一次核实记录")
    ] = None,
    final: Annotated[bool, Field(description="是否尾款")] = False,
    basis: Annotated[str, Field(description="支付依据")] = "",
    categories: Annotated[dict[str, Amount] | None, Field(description="按预算类别分列的金额")] = None,
) -> Paid:
    """Pay a contractor from an issued plan line under a signed contract: committed → paid.

    Raises ``Refusal`` ``funding.payment_not_due`` naming every missing part at once: plan line, amounts, estimate,
    contract, verified progress (ZY-112, HS-28), the dedicated account (ZY-92), the estimate as a ceiling (ZY-93), the
    categories of the budget (ZY-94), and for the last payment the evaluation and its grade (HS-37, HS-44). What is over
    budget or for another purpose is also told to who supervises the money.
    """
    with ctx.writing() as session:
        line = locked(session, PlanLine, plan_line, kind="plan_line")
        signed = locked(session, Contract, contract, kind="contract")
        project = locked(session, Project, line.project_id, kind="project")  # its budget is paid from several lines
        policy = ctx.policy(region=project.region)
        percent = verified(stated=verified_percent, recorded=_recorded(session, signed), policy=policy)
        case = _case(session, line, signed, amount=amount, percent=percent, final=final, categories=categories)
        check_payment(case=case, policy=policy)
        row = Payment(
            id=ctx.new_id("pay"),
            project_id=line.project_id,
            plan_line_id=line.id,
            contract_id=signed.id,
            amount_fen=amount.fen,
            verified_percent=str(percent),
            final=is_last(case=case),
            basis=basis,
            paid_on=ctx.as_of,
            categories={name: part.fen for name, part in (categories or {}).items()},
        )
        session.add(row)
        _pay_out(session, ctx, line, signed, row, in_full=case.line_paid + amount == case.line_amount)
        return Paid(
            id=row.id,
            amount=amount,
            final=row.final,
            line_state=f"plan_line.{line.state}",
            line_paid=case.line_paid + amount,
            contract_paid=case.contract_paid + amount,
        )


def _newest(session: Session, contract: Contract) -> ProgressCheck | None:
    checks = select(ProgressCheck).where(col(ProgressCheck.contract_id) == contract.id)
    return session.exec(checks.order_by(col(ProgressCheck.ordinal).desc())).first()


def _recorded(session: Session, contract: Contract) -> Decimal | None:
    check = _newest(session, contract)
    return Decimal(check.percent) if check else None


def _case(
    session: Session,
    line: PlanLine,
    contract: Contract,
    *,
    amount: Money,
    percent: Decimal | None,
    final: bool,
    categories: Mapping[str, Money] | None,
) -> PaymentCase:
    accepted = _acceptance(session, line.project_id)
    estimated = _last_event(session, line.project_id, _ESTIMATED)
    account = select(ProjectAccount.id).where(col(ProjectAccount.contract_id) == contract.id)
    return PaymentCase(
        amount=amount,
        line_state=line.state,
        line_amount=Money(line.amount_fen),
        line_paid=paid(session, plan_line=line.id),
        same_project=contract.project_id == line.project_id,
        contract_state=contract.state,
        price=Money(contract.price_fen),
        contract_paid=paid(session, contract=contract.id),
        reserved_for_contract=balance(session, account=Account.COMMITTED, plan_line=line.id, contract=contract.id),
        estimated=estimated is not None,
        verified_percent=percent,
        final=final,
        accepted=accepted is not None,
        grade=accepted.get("grade") if accepted else None,
        settled=is_settled(session, contract.id),
        estimate=Money(estimated["total_fen"]) if estimated else None,
        project_paid=paid(session, project=line.project_id),
        account=session.exec(account).first() is not None,
        categories=None if categories is None else _categories(session, line, categories),
    )


def _categories(session: Session, line: PlanLine, given: Mapping[str, Money]) -> dict[str, Category]:
    """Return the breakdown of a payment against the approved budget and what was paid of each category before. Donated
    money pays what the budget asks of donations, where it asks anything of them (LAW-GYSYJZ-18)."""
    application = newest_application(session, line.project_id)
    lines = lines_of(session, application.id) if application else []
    earlier = select(Payment.categories).where(col(Payment.project_id) == line.project_id)
    if line.channel == DONATION and (given_for := [one for one in lines if one.channel == DONATION]):
        lines = given_for
        paid_from = col(PlanLine.id) == col(Payment.plan_line_id)
        earlier = earlier.join(PlanLine, paid_from).where(col(PlanLine.channel) == DONATION)
    before = session.exec(earlier).all()
    return {
        name: Category(
            budget=Money.total(Money(one.amount_fen) for one in lines if one.category == name),
            paid=Money.total(Money(one.get(name, 0)) for one in before),
            now=amount,
        )
        for name, amount in given.items()
    }


def _acceptance(session: Session, project: str) -> Mapping[str, Any] | None:
    """Return what the acceptance of a project says, ``None`` before it and after it was overturned."""
    overturned = (last := _last_event(session, project, _ACCEPTED, *_OVERTURNED)) and "overturned" in last
    return None if overturned else last


def _last_event(session: Session, project: str, *types: str) -> Mapping[str, Any] | None:
    return session.exec(
        select(Event.payload)
        .where(col(Event.stream_kind) == events.PROJECT_STREAM, col(Event.stream_id) == project)
        .where(col(Event.type).in_(types))
        .order_by(col(Event.seq).desc())
    ).first()


def _pay_out(
    session: Session, ctx: Context, line: PlanLine, contract: Contract, row: Payment, *, in_full: bool
) -> None:
    """Record a payment and move its money: committed → paid."""
    event = _record(session, ctx, line=line, row=row, in_full=in_full)
    move(
        session,
        ctx,
        event=event,
        line=line,
        source=Account.COMMITTED,
        target=Account.PAID,
        amount=Money(row.amount_fen),
        contract_id=contract.id,
    )
    settle_termination(session, ctx, line, contract)


def _record(session: Session, ctx: Context, *, line: PlanLine, row: Payment, in_full: bool) -> Event:
    """Append the payment's event; paying the line in full also moves it."""
    payload = {
        "payment_id": row.id,
        "contract_id": row.contract_id,
        "amount_fen": row.amount_fen,
        "verified_percent": row.verified_percent,
        "final": row.final,
        "categories": len(row.categories),
    }
    if in_full:
        return transition.apply(session, ctx, line, payload=payload, outcome="in_full")
    return events.on_project(session, ctx, line.project_id, "funding.paid", {**payload, "plan_line_id": line.id})
