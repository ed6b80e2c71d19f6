"""The payment command of funding (S09, S12–S16): money leaves only when everything it rests on is there (ZY-112)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events, transition
from models.commands.ledger import Amount, locked, move
from models.context import Context
from models.core.actors import Role
from models.core.money import Money
from models.core.registry import command
from models.queries.ledger import balance, is_settled, paid
from models.queries.reader import project_of
from models.rules.funding import Account, PaymentCase, check_payment, is_last
from models.tables.contract import Contract
from models.tables.funding import Payment, PlanLine
from models.tables.kernel import Event

_PAYERS = (Role.FINANCE_BUREAU, Role.PURCHASER, Role.CITY_BUREAU, Role.COUNTY_BUREAU)
_ESTIMATED = "feasibility.cost_estimated"
_ACCEPTED = "project.accepted"


class Paid(BaseModel):
    """A payment and where it leaves its plan line and contract."""

    model_config = ConfigDict(frozen=True)

    id: str
    amount: Money
    final: bool
    line_state: str
    line_paid: Money
    contract_paid: Money


@command("funding.pay", roles=_PAYERS, clause="ZY-112")
def pay(
    ctx: Context,
    *,
    plan_line: str,
    contract: str,
    amount: Annotated[Amount, Field(description="支付金额")],
    verified_percent: Annotated[
        Decimal, Field(ge=0, le=100, max_digits=15, decimal_places=4, description="核实的项目进度（百分数）")
    ],
    final: Annotated[bool, Field(description="是否尾款")] = False,
    basis: Annotated[str, Field(description="支付依据")] = "",
) -> Paid:
    """Pay a contractor from an issued plan line under a signed contract: committed → paid.

    Raises ``Refusal`` ``funding.payment_not_due`` naming every missing part: plan line, amounts, estimate, contract,
    verified progress (ZY-112, HS-28), and for the last payment the evaluation and its grade (HS-37, HS-44).
    """
    with ctx.writing() as session:
        line = locked(session, PlanLine, plan_line, kind="plan_line")
        signed = locked(session, Contract, contract, kind="contract")
        case = _case(session, line, signed, amount=amount, verified_percent=verified_percent, final=final)
        policy = ctx.policy(region=project_of(session, line.project_id).region)
        check_payment(case=case, policy=policy)
        row = Payment(
            id=ctx.new_id("pay"),
            project_id=line.project_id,
            plan_line_id=line.id,
            contract_id=signed.id,
            amount_fen=amount.fen,
            verified_percent=str(verified_percent),
            final=is_last(case=case),
            basis=basis,
            paid_on=ctx.as_of,
        )
        session.add(row)
        event = _record(session, ctx, line=line, row=row, in_full=case.line_paid + amount == case.line_amount)
        move(
            session,
            ctx,
            event=event,
            line=line,
            source=Account.COMMITTED,
            target=Account.PAID,
            amount=amount,
            contract_id=signed.id,
        )
        return Paid(
            id=row.id,
            amount=amount,
            final=row.final,
            line_state=f"plan_line.{line.state}",
            line_paid=case.line_paid + amount,
            contract_paid=case.contract_paid + amount,
        )


def _case(
    session: Session, line: PlanLine, contract: Contract, *, amount: Money, verified_percent: Decimal, final: bool
) -> PaymentCase:
    accepted = _last_event(session, line.project_id, _ACCEPTED)
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
        estimated=_last_event(session, line.project_id, _ESTIMATED) is not None,
        verified_percent=verified_percent,
        final=final,
        accepted=accepted is not None,
        grade=accepted.get("grade") if accepted else None,
        settled=is_settled(session, contract.id),
    )


def _last_event(session: Session, project: str, type: str) -> Mapping[str, Any] | None:
    return session.exec(
        select(Event.payload)
        .where(col(Event.stream_kind) == events.PROJECT_STREAM, col(Event.stream_id) == project)
        .where(col(Event.type) == type)
        .order_by(col(Event.seq).desc())
    ).first()


def _record(session: Session, ctx: Context, *, line: PlanLine, row: Payment, in_full: bool) -> Event:
    """Append the payment's event; paying the line in full also moves it."""
    payload = {
        "payment_id": row.id,
        "contract_id": row.contract_id,
        "amount_fen": row.amount_fen,
        "verified_percent": row.verified_percent,
        "final": row.final,
    }
    if in_full:
        return transition.apply(session, ctx, line, payload=payload, outcome="in_full")
    return events.append(
        session,
        ctx,
        stream_kind=events.PROJECT_STREAM,
        stream_id=line.project_id,
        type="funding.paid",
        payload={**payload, "plan_line_id": line.id},
    )
