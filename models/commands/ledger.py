"""The double-entry ledger of money: the only writer of postings.

``post`` and the two moves of a commitment are called by funding and contract commands inside their write transaction,
with the event the entry belongs to. Channels are never pooled (ZY-10): every leg names its channel and year, and an
entry that does not sum to zero in each of them is stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator
from sqlmodel import Session, col, select

from models.commands import work
from models.context import Context
from models.core.actors import Role
from models.core.malformed import malformed
from models.core.messages import sentence
from models.core.money import LARGEST_AMOUNT, Money
from models.queries.ledger import balance, held_by_fund, paid, use_of, worth_of
from models.queries.reader import found
from models.rules.force import binding
from models.rules.funding import Account, Leg, check_balanced
from models.rules.ledger import Earmark, Held, fits, narrow_first, portions
from models.tables.contract import Contract
from models.tables.funding import Fund, PlanLine, Posting
from models.tables.kernel import Event, Project
from models.tables.procurement import Procurement

_OF_A_CONTRACT: Final = frozenset({Account.COMMITTED, Account.PAID})
PREFINANCED_ITEM: Final = "funding.prefinanced"
SETTLEMENT_ITEM: Final = "contract.settlement"
_OUT: Final = -1
_IN: Final = 1

Lockable = TypeVar("Lockable", Project, PlanLine, Procurement, Contract, Fund)


def _positive(amount: Money) -> Money:
    if amount <= Money.ZERO:
        raise malformed("money.not_positive")
    return amount


def _not_negative(amount: Money) -> Money:
    if amount < Money.ZERO:
        raise malformed("money.negative")
    return amount


def _writable(amount: Money) -> Money:
    if abs(amount) > LARGEST_AMOUNT:
        raise malformed("money.beyond_ceiling")
    return amount


Bounded = Annotated[Money, AfterValidator(_writable)]
"""An amount of money as an argument whose sign a rule of the domain looks at."""

Amount = Annotated[Money, AfterValidator(_positive), AfterValidator(_writable)]
"""An amount of money as an argument: more than zero."""

NotNegative = Annotated[Money, AfterValidator(_not_negative), AfterValidator(_writable)]
"""An amount of money as an argument that may be nothing."""


def locked(session: Session, model: type[Lockable], id: str, *, kind: str) -> Lockable:
    """Return a row and hold it until the transaction ends, so that sums read after it stay true.

    Raises ``Refusal`` code ``kernel.not_found``.
    """
    statement: Any = select(model).where(col(model.id) == id).with_for_update()
    row: Lockable | None = session.exec(statement).one_or_none()
    return found(row, kind=kind, id=id)


def post(
    session: Session,
    ctx: Context,
    *,
    event: Event,
    legs: tuple[Leg, ...],
    project_id: str | None = None,
    plan_line_id: str | None = None,
    contract_id: str | None = None,
) -> None:
    """Write one balanced entry. Raises ``DataFault`` code ``funding.unbalanced`` (SYS-LEDGER) and writes nothing."""
    check_balanced(legs=legs)
    for number, leg in enumerate(legs, start=_legs_of(session, event) + 1):
        session.add(
            Posting(
                id=ctx.new_id("pst", event.event_id, str(number)),
                entry_id=event.event_id,
                leg=number,
                account=leg.account,
                channel=leg.channel,
                year=leg.year,
                project_id=project_id,
                plan_line_id=plan_line_id,
                contract_id=contract_id,
                fund_id=leg.fund,
                amount_fen=leg.amount.fen,
                occurred_on=ctx.as_of,
            )
        )
    session.flush()


def _legs_of(session: Session, event: Event) -> int:
    return len(session.exec(select(Posting.id).where(col(Posting.entry_id) == event.event_id)).all())


def move(
    session: Session,
    ctx: Context,
    *,
    event: Event,
    line: PlanLine,
    source: Account,
    target: Account,
    amount: Money,
    contract_id: str | None = None,
) -> None:
    """Move an amount of a plan line from one account to another, fund by fund; nothing is written for zero.

    What goes back to ``REMAINING`` and came from a fund goes back to the fund. Raises ``DataFault``
    ``funding.not_held`` (SYS-LEDGER) when the line does not hold the amount there.
    """
    bound = contract_id if source in _OF_A_CONTRACT else None
    taken = portions(held=held_by_fund(session, account=source, plan_line=line.id, contract=bound), amount=amount)
    if taken:
        _post_line(session, ctx, event=event, line=line, taken=taken, way=(source, target), contract_id=contract_id)


def reserve(
    session: Session, ctx: Context, *, event: Event, line: PlanLine, held: tuple[Held, ...], amount: Money
) -> None:
    """Reserve money for a plan line out of what its project may draw (``Drawable.held``), own budget first.

    A line that is out already is not reserved for but planned at once (a hole is covered again).
    """
    target = Account.PLANNED if line.state == "issued" else Account.RESERVED
    taken = portions(held=held, amount=amount)
    _post_line(session, ctx, event=event, line=line, taken=taken, way=(Account.REMAINING, target))


def _post_line(
    session: Session,
    ctx: Context,
    *,
    event: Event,
    line: PlanLine,
    taken: Iterable[Held],
    way: tuple[Account, Account],
    contract_id: str | None = None,
) -> None:
    year = year_of(line)
    legs = tuple(
        Leg(_home(account, fund), line.channel, year, part * sign, fund)
        for fund, part in taken
        for account, sign in zip(way, (_OUT, _IN), strict=True)
    )
    post(
        session,
        ctx,
        event=event,
        legs=legs,
        project_id=line.project_id,
        plan_line_id=line.id,
        contract_id=contract_id,
    )


def _home(account: Account, fund: str | None) -> Account:
    return Account.ALLOTTED if account is Account.REMAINING and fund is not None else account


@dataclass(frozen=True)
class Drawable:
    """What a project may reserve of a channel and year, by fund: own budget first, then money for few before money for
    many; ``kept`` is for other purposes."""

    held: tuple[Held, ...]
    kept: Money

    def first(self, funds: Mapping[str, int]) -> tuple[Held, ...]:
        """Return the same with what was meant for the project (fund → fen) next after its own budget."""
        own = [one for one in self.held if one[0] is None]
        rest = {fund: amount for fund, amount in self.held if fund is not None}
        meant = [(fund, min(Money(fen), rest[fund])) for fund, fen in funds.items() if fund in rest]
        left = [(fund, amount - dict(meant).get(fund, Money.ZERO)) for fund, amount in rest.items()]
        return (*own, *meant, *left)

    @property
    def total(self) -> Money:
        """The sum a plan line may be drafted up to."""
        return Money.total(amount for _, amount in self.held)


def drawable(session: Session, *, project: Project, channel: str, year: int) -> Drawable:
    """Return what a project may reserve, and hold the funds it would draw on until the transaction ends (ZY-78).

    Money kept for one purpose is not drawn for another (ZY-94); a donation its donor took back is not drawn at all.
    """
    own = balance(session, account=Account.REMAINING, channel=channel, year=year, project=project.id)
    held: list[Held] = [(None, own)] if own > Money.ZERO else []
    standing = dict(held_by_fund(session, account=Account.ALLOTTED, channel=channel, year=year))
    named = select(Fund).where(col(Fund.id).in_(standing)).order_by(col(Fund.id)).with_for_update()
    use = use_of(project)
    funds = [(Earmark.read(row.earmark), row) for row in session.exec(named)]
    fitting = sorted(
        (
            (narrow_first(mark), row.id)
            for mark, row in funds
            if row.withdrawn_on is None and fits(earmark=mark, use=use)
        )
    )
    held += [(fund, standing[fund]) for _, fund in fitting]
    kept = Money.total(standing.values()) - Money.total(standing[fund] for _, fund in fitting)
    return Drawable(tuple(held), kept)


def year_of(line: PlanLine) -> int:
    """Return the budget year of a plan line: that of its quarter."""
    return int(line.quarter[:4])


def commit_to(session: Session, ctx: Context, *, event: Event, contract: Contract, lines: Iterable[PlanLine]) -> Money:
    """Commit issued plan lines to a contract, in their order, until its price is covered; return what was committed.

    Called at signing and again at every later batch: a contract may be paid from several quarters.
    """
    left = Money(contract.price_fen) - committed_ever(session, contract)
    before = left
    for line in lines:
        planned = balance(session, account=Account.PLANNED, plan_line=line.id)
        amount = min(left, planned)
        if amount > Money.ZERO:
            move(
                session,
                ctx,
                event=event,
                line=line,
                source=Account.PLANNED,
                target=Account.COMMITTED,
                amount=amount,
                contract_id=contract.id,
            )
            left -= amount
    if left < before:
        settle_prefinancing(session, ctx, contract)
    return before - left


def settle_prefinancing(session: Session, ctx: Context, contract: Contract) -> None:
    """Make it due to plan money for work a contractor advances, and done when its money is there (ZY-93).

    No contractor advances the work (政府投资条例 art. 22 by reference): what is verified under a contract is worth at
    most what plan lines have committed to it.
    """
    advanced = worth_of(session, contract) - committed_ever(session, contract)
    clause = binding(policy=ctx.policy(region=ctx.services.region), rules=("ZY-93",))
    if advanced <= Money.ZERO or clause is None:
        work.close_item(session, ctx, kind=PREFINANCED_ITEM, subject_id=contract.id)
        return
    item = work.open_item(
        session,
        ctx,
        kind=PREFINANCED_ITEM,
        role=Role.CITY_BUREAU,
        subject_kind="contract",
        subject_id=contract.id,
        project_id=contract.project_id,
        due_on=ctx.as_of,
        clause=clause,
        resolves_with="funding.draft_plan",
    )
    item.note = sentence("funding.prefinanced", {"amount": str(advanced)})
    if item.status != "open":
        work.move_item(session, ctx, kind=PREFINANCED_ITEM, subject_id=contract.id, due_on=ctx.as_of)


def settlement_of(line: str, contract: str) -> str:
    """Return what a task about money under a plan line and contract calls it (see ``queries.work_arguments``)."""
    return f"{line}:{contract}"


def settle_termination(session: Session, ctx: Context, line: PlanLine, contract: Contract) -> None:
    """Close the task to pay a terminated contract for its verified work once nothing stands committed to it."""
    if not balance(session, account=Account.COMMITTED, plan_line=line.id, contract=contract.id):
        work.close_item(session, ctx, kind=SETTLEMENT_ITEM, subject_id=settlement_of(line.id, contract.id))


def committed_ever(session: Session, contract: Contract) -> Money:
    """Return what stands committed to a contract, paid or not; what was got back stays spent."""
    return balance(session, account=Account.COMMITTED, contract=contract.id) + paid(session, contract=contract.id)


def issued_lines(session: Session, project_id: str) -> tuple[PlanLine, ...]:
    """Return the issued plan lines of a project in the order of quarter, batch, channel."""
    rows = session.exec(
        select(PlanLine)
        .where(col(PlanLine.project_id) == project_id, col(PlanLine.state) == "issued")
        .order_by(col(PlanLine.quarter), col(PlanLine.batch), col(PlanLine.channel), col(PlanLine.id))
    ).all()
    return tuple(rows)
