"""Ending a contract before its time (S11): the reason, what a breach leads to, the money, and who serves on.

``release`` is also what the end of a whole project does with its contracts (``commands.ending``).
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import contract_watch, demands, succession, transition, work
from models.commands.contract import BUYERS
from models.commands.demands import Demand, Reclaim
from models.commands.follow_up import EXIT_STEP
from models.commands.ledger import SETTLEMENT_ITEM, Amount, issued_lines, locked, move, settlement_of
from models.context import Context
from models.core.actors import Role
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.ledger import balance, unpaid_work
from models.queries.reader import project_of
from models.rules import contract_change as changes
from models.rules import lifecycle
from models.rules.force import binding
from models.rules.funding import Account
from models.rules.lifecycle import Thing
from models.rules.masking import check_impersonal
from models.rules.payment import PAYMENT_RULES
from models.tables.contract import Contract
from models.tables.funding import PlanLine
from models.tables.kernel import Event

_PENALTY_ITEM: Final = "contract.penalty"


class ContractTerminated(BaseModel):
    """The terminated contract, what went back from committed to planned, and what is still to be paid under it."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    released: Money
    owed: Money


class Breach(BaseModel):
    """Why somebody failed: ``serious`` when the public was gravely harmed; ``penalty`` is what was imposed, by whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    serious: Annotated[bool, Field(description="情节严重、造成恶劣社会影响")]
    penalty: Annotated[str, Field(max_length=300, description="处罚决定及机关")] = ""


@command("contract.terminate", roles=BUYERS, clause="BJ-51")
def terminate(
    ctx: Context,
    *,
    contract: str,
    reason: Annotated[str, Field(min_length=2, description="终止原因")],
    breach: Annotated[Breach | None, Field(description="违约情形")] = None,
    recover: Annotated[tuple[Reclaim, ...], Field(max_length=50, description="应追回的已付资金")] = (),
    withheld: Annotated[Amount, Field(description="已核实未支付、因违约等不再支付的金额")] = Money.ZERO,
) -> ContractTerminated:
    """Terminate a signed or running contract with its reason. What was verified and not paid stays committed and is due
    to be paid, but for what is ``withheld``; the rest goes back: committed → planned.

    After a serious breach the bar of the contractor becomes due (BJ-52). Whoever is left without a team goes, by name,
    into the interim care of the street office, and a successor becomes due (ZY-28). What was paid for nothing is
    claimed (``recover``). Raises ``Refusal`` ``contract.penalty_missing`` (BJ-51), ``midterm.over_demand``,
    ``contract.withheld_beyond`` (ZY-112), ``SYS-STATE``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = locked(session, Contract, contract, kind="contract")
        lifecycle.check_in_state(thing=Thing.CONTRACT, command=ctx.command, state=row.state)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        rule = None
        if breach is not None:
            rule = changes.check_breach(serious=breach.serious, penalty=breach.penalty, policy=policy)
            row.breach = {**breach.model_dump(), "rule": rule}
            if rule:
                _await_bar(session, ctx, row, rule)
        row.terminated_on, row.termination_reason = ctx.as_of, reason
        session.add(row)
        claimed = [Demand(contract=row.id, plan_line=one.plan_line, amount=one.amount) for one in recover]
        total = demands.claim(session, ctx, claimed, policy=policy)
        payload = {"terminated_on": ctx.as_of.isoformat(), "breach": breach is not None, "breach_rule": rule}
        payload["demanded_fen"] = total.fen
        event = transition.apply(session, ctx, row, payload=payload)
        succession.seek(session, ctx, row, policy)
        work.close_item(session, ctx, kind=EXIT_STEP, subject_id=row.id)
        released = release(session, ctx, event, row, withheld=withheld)
        owed = balance(session, account=Account.COMMITTED, contract=row.id)
        return ContractTerminated(id=row.id, state=f"contract.{row.state}", released=released, owed=owed)


def _await_bar(session: Session, ctx: Context, row: Contract, rule: str) -> None:
    """Ask the bureau for the bar that follows a serious breach (BJ-52); its term is the bureau's to set."""
    work.open_item(
        session,
        ctx,
        kind=_PENALTY_ITEM,
        role=Role.CITY_BUREAU,
        subject_kind="contract",
        subject_id=row.id,
        project_id=row.project_id,
        due_on=ctx.as_of,
        clause=rule,
        resolves_with="procurement.bar",
    )


def release(session: Session, ctx: Context, event: Event, contract: Contract, *, withheld: Money = Money.ZERO) -> Money:
    """Give back to the plan what stands committed to a contract beyond its verified work: committed → planned.

    What was verified and not paid stays, line by line, and is due to be paid (ZY-112), but for what is ``withheld``.
    """
    contract_watch.ended(session, ctx, contract)
    unpaid = unpaid_work(session, contract)
    policy = ctx.policy(region=project_of(session, contract.project_id).region)
    changes.check_withheld(withheld=withheld, unpaid=unpaid, policy=policy)
    owed, released = unpaid - withheld, Money.ZERO
    for line in issued_lines(session, contract.project_id):
        committed = balance(session, account=Account.COMMITTED, plan_line=line.id, contract=contract.id)
        kept = min(owed, committed)
        owed -= kept
        if kept:
            _await_payment(session, ctx, contract, line, policy)
        move(
            session,
            ctx,
            event=event,
            line=line,
            source=Account.COMMITTED,
            target=Account.PLANNED,
            amount=committed - kept,
            contract_id=contract.id,
        )
        released += committed - kept
    return released


def _await_payment(session: Session, ctx: Context, contract: Contract, line: PlanLine, policy: Policy) -> None:
    work.open_item(
        session,
        ctx,
        kind=SETTLEMENT_ITEM,
        role=Role.PURCHASER,
        subject_kind="contract",
        subject_id=settlement_of(line.id, contract.id),
        project_id=contract.project_id,
        due_on=ctx.as_of,
        clause=binding(policy=policy, rules=PAYMENT_RULES) or "SYS-PAYMENT-BASIS",
        resolves_with="funding.pay",
    )
