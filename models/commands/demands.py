"""Money paid for what will not be done (S11, S14): claimed back of a contractor, an open item until all of it is there.

Called in their transaction by the commands that end contracts and projects. ``funding.recover`` books what comes back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import work
from models.commands.allotment import RECOVER_ITEM, recovery_subject
from models.commands.ledger import Amount, locked
from models.context import Context
from models.core.actors import Role
from models.core.money import Money
from models.policy.schema import Policy
from models.queries.contract import demanded
from models.queries.ledger import balance
from models.rules.force import binding
from models.rules.funding import Account
from models.rules.midterm import check_demand
from models.tables.contract import Contract


class Reclaim(BaseModel):
    """What of the money paid under a plan line has to be got back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan_line: Annotated[str, Field(description="投资计划行编号")]
    amount: Annotated[Amount, Field(description="应追回金额")]


class Demand(Reclaim):
    """What of the money paid under a plan line and contract has to be got back."""

    contract: Annotated[str, Field(description="合同编号")]


def check(session: Session, demands: Iterable[Demand]) -> Money:
    """Return the sum of demands; refuse to claim more than was paid and is not claimed (``midterm.over_demand``)."""
    sums: defaultdict[tuple[str, str], Money] = defaultdict(lambda: Money.ZERO)
    for one in demands:
        sums[one.plan_line, one.contract] += one.amount
    for (line, contract), amount in sums.items():
        held = [
            balance(session, account=account, plan_line=line, contract=contract)
            for account in (Account.PAID, Account.RECOVERED)
        ]
        claimed = demanded(session, line=line, contract=contract) or Money.ZERO
        check_demand(amount=amount, paid=Money.total(held) - max(claimed, held[1]))
    return Money.total(sums.values())


def claim(session: Session, ctx: Context, demands: Iterable[Demand], *, policy: Policy) -> Money:
    """Write what is claimed of each contract and make it due at once; return the sum. Raises as ``check``."""
    wanted = tuple(demands)
    total = check(session, wanted)
    for one in wanted:
        row = locked(session, Contract, one.contract, kind="contract")
        row.demanded = [*row.demanded, {"plan_line": one.plan_line, "amount_fen": one.amount.fen}]
        session.add(row)
        session.flush()
        _make_due(session, ctx, row, one.plan_line, policy)
    return total


def _make_due(session: Session, ctx: Context, row: Contract, line: str, policy: Policy) -> None:
    subject = recovery_subject(line, row.id)
    item = work.open_item(
        session,
        ctx,
        kind=RECOVER_ITEM,
        role=Role.FINANCE_BUREAU,
        subject_kind="contract",
        subject_id=subject,
        project_id=row.project_id,
        due_on=ctx.as_of,
        clause=binding(policy=policy, rules=("ZY-105", "SYS-BALANCE")) or "",
        resolves_with="funding.recover",
    )
    if item.status != "open":
        work.move_item(session, ctx, kind=RECOVER_ITEM, subject_id=subject, due_on=ctx.as_of)
    item.note = str(demanded(session, line=line, contract=row.id))
    session.add(item)
