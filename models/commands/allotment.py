"""Commands of funding (S09) on money that is not yet a project's: allotments, and what goes back.

An allotment is money of one channel with its purpose; a plan line draws on it when it is drafted (``commands.ledger``).
Donations are ``commands.donation``, a year's end ``commands.year_end``. Must never move money between channels (ZY-10).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events, work
from models.commands.budget import check_room
from models.commands.funding import BUREAUS
from models.commands.ledger import Amount, locked, move, post, year_of
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict, Refusal
from models.core.money import Money
from models.core.registry import command
from models.queries.contract import demanded
from models.queries.ledger import balance
from models.rules.funding import Account, Leg, check_balance, check_channel, check_no_donation
from models.rules.masking import check_impersonal
from models.tables.contract import Contract
from models.tables.funding import Fund, MoneyBack, PlanLine
from models.tables.kernel import Event, Project

FUND_STREAM = "fund"
SURPLUS_ITEM = "funding.surplus"
RECOVER_ITEM = "funding.recovery"  # opened by ``commands.demands`` for what a contractor has to give back
_MONEY = (*BUREAUS, Role.PURCHASER)
Codes = Annotated[tuple[str, ...], Field(max_length=200)]


class Purpose(BaseModel):
    """What money is for, as codes a machine checks; what is left out binds nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    projects: Annotated[Codes, Field(description="限用项目编号")] = ()
    services: Annotated[Codes, Field(description="限用服务项目代码")] = ()
    units: Annotated[Codes, Field(description="限用区划代码")] = ()

    def stored(self) -> dict[str, list[str]]:
        """Return the earmark as the fund's row holds it."""
        given = {"projects": self.projects, "services": self.services, "units": self.units}
        return {name: sorted(codes) for name, codes in given.items() if codes}


class FundOpened(BaseModel):
    """The new fund and what may be reserved of it."""

    model_config = ConfigDict(frozen=True)

    id: str
    amount: Money
    available: Money


class Moved(BaseModel):
    """Money that was moved; ``left`` is what stays where it came from."""

    model_config = ConfigDict(frozen=True)

    id: str
    amount: Money
    left: Money


@command("funding.register_allotment", roles=BUREAUS, clause="ZY-78")
def register_allotment(
    ctx: Context,
    *,
    year: Annotated[int, Field(ge=2000, le=2999, description="预算年度")],
    channel: Annotated[str, Field(description="资金渠道")],
    amount: Annotated[Amount, Field(description="下达金额")],
    doc_no: Annotated[str, Field(min_length=1, max_length=100, description="下达文号")],
    purpose: Annotated[str, Field(min_length=1, max_length=500, description="资金用途")],
    earmark: Annotated[Purpose | None, Field(description="限定用途(代码)")] = None,
    supplements: Annotated[str | None, Field(description="追加所依据的原下达编号")] = None,
    note: Annotated[str, Field(max_length=500, description="资金渠道说明(其他资金必填)")] = "",
) -> FundOpened:
    """Register money allotted to a channel for the year, or more of it (``supplements``): appropriation → allotted.

    Raises ``Refusal`` ``funding.channel_unknown``, ``funding.channel_note`` (ZY-46), ``funding.forbidden_source``,
    ``funding.squeezed`` (FZ-49), ``funding.donation_without_donor``, ``funding.supplements_other``; ``Conflict``
    ``funding.allotted``.
    """
    policy = ctx.policy(region=ctx.services.region)
    check_no_donation(channel=channel)
    check_channel(channel=channel, note=note, policy=policy)
    with ctx.writing() as session:
        check_room(session, wanted=amount, channel=channel, year=year, policy=policy)
        _check_allotment(session, year=year, channel=channel, doc_no=doc_no.strip(), supplements=supplements)
        fund = Fund(
            id=ctx.new_id("fnd"),
            kind="allotment",
            region=policy.region,
            channel=channel,
            year=year,
            amount_fen=amount.fen,
            doc_no=doc_no.strip(),
            purpose=purpose,
            earmark=earmark.stored() if earmark else {},
            supplements_id=supplements,
            registered_on=ctx.as_of,
            synthetic=ctx.services.rehearsal,
        )
        return open_fund(session, ctx, fund, type="funding.allotted")


def _check_allotment(session: Session, *, year: int, channel: str, doc_no: str, supplements: str | None) -> None:
    same = select(Fund.id).where(
        col(Fund.kind) == "allotment",
        col(Fund.year) == year,
        col(Fund.channel) == channel,
        col(Fund.doc_no) == doc_no,
    )
    if session.exec(same).first() is not None:
        raise Conflict("funding.allotted", rule="SYS-ALREADY-DONE", facts={"year": year, "channel": channel})
    if supplements is not None:
        first = locked(session, Fund, supplements, kind="fund")
        if (first.kind, first.year, first.channel) != ("allotment", year, channel):
            raise Refusal("funding.supplements_other", rule="SYS-EARMARK", facts={"year": year, "channel": channel})


def open_fund(session: Session, ctx: Context, fund: Fund, *, type: str) -> FundOpened:
    """Write a fund with its event and open its money: appropriation → allotted."""
    session.add(fund)
    session.flush()
    event = note(session, ctx, fund, type, {"year": fund.year, "channel": fund.channel, "amount_fen": fund.amount_fen})
    amount = Money(fund.amount_fen)
    legs = (
        Leg(Account.APPROPRIATION, fund.channel, fund.year, -amount, fund.id),
        Leg(Account.ALLOTTED, fund.channel, fund.year, amount, fund.id),
    )
    post(session, ctx, event=event, legs=legs)
    available = balance(session, account=Account.ALLOTTED, fund=fund.id)
    return FundOpened(id=fund.id, amount=amount, available=available)


def note(session: Session, ctx: Context, fund: Fund, type: str, payload: dict[str, object]) -> Event:
    """Append an event to a fund's own stream."""
    return events.append(session, ctx, stream_kind=FUND_STREAM, stream_id=fund.id, type=type, payload=payload)


def recovery_subject(line: str, contract: str) -> str:
    """Return what the work item for money to be got back is about; ``recover`` closes it when all is there."""
    return f"{line}:{contract}"


def surplus_subject(project: str | None, fund: str | None, year: int, channel: str) -> str:
    """Return what the work item for money that has to go back is about; ``return_money`` closes it."""
    return f"{project or fund}:{year}:{channel}"


@command("funding.return_money", roles=BUREAUS, clause="ZY-93")
def return_money(
    ctx: Context,
    *,
    year: Annotated[int, Field(ge=2000, le=2999, description="预算年度")],
    channel: Annotated[str, Field(description="资金渠道")],
    amount: Annotated[Amount, Field(description="退回金额")],
    reason: Annotated[str, Field(min_length=1, max_length=500, description="退回原因")],
    project: Annotated[str | None, Field(description="项目编号")] = None,
    fund: Annotated[str | None, Field(description="下达或捐赠编号")] = None,
) -> Moved:
    """Return unspent, unreserved money to where it came from: remaining or allotted → returned.

    Give a project or a fund. Raises ``Refusal`` ``funding.one_owner``, ``funding.over_balance``, ``kernel.not_found``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    if (project is None) is (fund is None):
        raise Refusal("funding.one_owner", rule="SYS-ARGUMENTS")
    with ctx.writing() as session:
        if project is not None:
            locked(session, Project, project, kind="project")
        elif fund is not None:
            locked(session, Fund, fund, kind="fund")
        source = Account.REMAINING if fund is None else Account.ALLOTTED
        available = balance(session, account=source, channel=channel, year=year, project=project, fund=fund)
        policy = ctx.policy(region=ctx.services.region)
        check_balance(wanted=amount, available=available, channel=channel, year=year, policy=policy)
        row = MoneyBack(
            id=ctx.new_id("mbk"),
            kind="returned",
            year=year,
            channel=channel,
            amount_fen=amount.fen,
            project_id=project,
            fund_id=fund,
            reason=reason,
            back_on=ctx.as_of,
        )
        session.add(row)
        payload = {"money_back_id": row.id, "year": year, "channel": channel, "amount_fen": amount.fen}
        event = events.append(
            session,
            ctx,
            stream_kind=FUND_STREAM if fund else events.PROJECT_STREAM,
            stream_id=fund or project or "",
            type="funding.returned",
            payload=payload,
        )
        legs = (Leg(source, channel, year, -amount, fund), Leg(Account.RETURNED, channel, year, amount, fund))
        post(session, ctx, event=event, legs=legs, project_id=project)
        if amount == available:
            work.close_item(session, ctx, kind=SURPLUS_ITEM, subject_id=surplus_subject(project, fund, year, channel))
        return Moved(id=row.id, amount=amount, left=available - amount)


@command("funding.recover", roles=_MONEY, clause="ZY-93")
def recover(
    ctx: Context,
    *,
    plan_line: Annotated[str, Field(description="投资计划行编号")],
    contract: Annotated[str, Field(description="合同编号")],
    amount: Annotated[Amount, Field(description="追回金额")],
    basis: Annotated[str, Field(min_length=1, max_length=500, description="追回依据")],
    received_on: Annotated[date | None, Field(description="到账日期;不填为办理日期")] = None,
) -> Moved:
    """Book paid money that came back from a contractor: paid → recovered. It is not free to be paid out again.

    Raises ``Refusal`` ``funding.over_recovery``, ``funding.received_in_future``, ``kernel.not_found``.
    """
    on = received_on or ctx.as_of
    if on > ctx.as_of:
        raise Refusal("funding.received_in_future", rule="SYS-DATE", facts={"on": on.isoformat()})
    with ctx.writing() as session:
        line = locked(session, PlanLine, plan_line, kind="plan_line")
        signed = locked(session, Contract, contract, kind="contract")
        return book_recovery(session, ctx, line=line, contract=signed, amount=amount, on=on, reason=basis)


def book_recovery(
    session: Session, ctx: Context, *, line: PlanLine, contract: Contract, amount: Money, on: date, reason: str = ""
) -> Moved:
    """Book paid money of a plan line and a contract as come back on a day, in the caller's transaction.

    ``reason`` may be empty where the caller keeps it in a row of its own.

    Raises ``Refusal`` ``funding.over_recovery``.
    """
    standing = balance(session, account=Account.PAID, plan_line=line.id, contract=contract.id)
    if amount > standing:
        facts = {"wanted": str(amount), "paid": str(standing)}
        raise Refusal("funding.over_recovery", rule="SYS-BALANCE", facts=facts)
    row = MoneyBack(
        id=ctx.new_id("mbk", line.id, contract.id),
        kind="recovered",
        year=year_of(line),
        channel=line.channel,
        amount_fen=amount.fen,
        project_id=line.project_id,
        plan_line_id=line.id,
        contract_id=contract.id,
        reason=reason,
        back_on=on,
    )
    session.add(row)
    event = _recovered(session, ctx, row)
    move(
        session,
        ctx,
        event=event,
        line=line,
        source=Account.PAID,
        target=Account.RECOVERED,
        amount=amount,
        contract_id=contract.id,
    )
    wanted = demanded(session, line=line.id, contract=contract.id)
    back = balance(session, account=Account.RECOVERED, plan_line=line.id, contract=contract.id)
    if wanted is not None and back >= wanted:
        work.close_item(session, ctx, kind=RECOVER_ITEM, subject_id=recovery_subject(line.id, contract.id))
    return Moved(id=row.id, amount=amount, left=standing - amount)


def _recovered(session: Session, ctx: Context, row: MoneyBack) -> Event:
    return events.on_project(
        session,
        ctx,
        row.project_id or "",
        "funding.recovered",
        {
            "money_back_id": row.id,
            "plan_line_id": row.plan_line_id,
            "contract_id": row.contract_id,
            "amount_fen": row.amount_fen,
            "received_on": row.back_on.isoformat(),
        },
    )
