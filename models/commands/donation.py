"""Commands of funding (S09) on donations: each stays in its charity's sub-ledger, for its purpose, while its donor
consents.

Money drawn from a donation is marked as its own in every posting. When the donor withdraws, what is unspent leaves,
wherever it stands; what was paid stays paid; the plan lines it lay under are told to the office. Who a donor is, where
that is a person, stands sealed in the row and in no event.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, work
from models.commands.allotment import FundOpened, Purpose, note, open_fund
from models.commands.funding import BUREAUS, UNCOVERED_ITEM
from models.commands.ledger import (
    Amount,
    commit_to,
    drawable,
    locked,
    post,
    reserve,
    settle_prefinancing,
    year_of,
)
from models.commands.organisations import known_or_new
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict, Refusal
from models.core.hashing import digest
from models.core.identifiers import parse_credit_code
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.queries.ledger import Placed, is_settled, placed_of
from models.queries.reader import found, project_of
from models.rules.funding import (
    DONATION,
    DONOR_LAW_USE,
    PAYABLE_CONTRACTS,
    Account,
    Leg,
    check_channel,
    check_keeper,
    check_uncovered,
)
from models.rules.masking import check_impersonal
from models.tables.contract import Contract
from models.tables.funding import Fund, PlanLine
from models.tables.kernel import Event, Project

_GIVERS = (*BUREAUS, Role.DONOR)
_CreditCode = Annotated[str, AfterValidator(lambda text: parse_credit_code(text).code)]


class Donor(BaseModel):
    """Who gives: a person, whose name is sealed, or an organisation. ``account`` may read what became of the money."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[Literal["person", "organisation"], Field(description="捐赠方类别")]
    name: Annotated[str, Field(min_length=2, max_length=120, description="捐赠方名称")]
    uscc: Annotated[_CreditCode | None, Field(description="统一社会信用代码")] = None
    account: Annotated[str | None, Field(max_length=64, description="捐赠方账号")] = None


class Charity(BaseModel):
    """The charity that keeps the money."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=120, description="慈善组织名称")]
    uscc: Annotated[_CreditCode, Field(description="统一社会信用代码")]
    public_fundraising: Annotated[bool, Field(description="是否具有公开募捐资格;不填按具有办理")] = True


class ConsentWithdrawn(BaseModel):
    """What left with the donor and what had been spent; ``lines`` lost money from under them."""

    model_config = ConfigDict(frozen=True)

    id: str
    returned: Money
    spent: Money
    lines: tuple[str, ...]


class Covered(BaseModel):
    """A plan line that got other money of its channel; ``uncovered`` is what still lacks."""

    model_config = ConfigDict(frozen=True)

    id: str
    amount: Money
    uncovered: Money


@command("funding.register_donation", roles=_GIVERS, clause="BJ-54")
def register_donation(
    ctx: Context,
    *,
    donor: Annotated[Donor, Field(description="捐赠方")],
    charity: Annotated[Charity, Field(description="管理善款的慈善组织")],
    amount: Annotated[Amount, Field(description="捐赠金额")],
    purpose: Annotated[str, Field(min_length=2, max_length=500, description="捐赠用途")],
    consent: Annotated[Upload, Field(description="捐赠协议或同意书")],
    year: Annotated[int, Field(ge=2000, le=2999, description="使用年度")],
    channel: Annotated[str, Field(description="资金渠道")] = DONATION,
    earmark: Annotated[Purpose | None, Field(description="限定用途(代码)")] = None,
    receipt_no: Annotated[str | None, Field(max_length=100, description="捐赠票据号")] = None,
) -> FundOpened:
    """Register a donation in the sub-ledger of the charity that keeps it: appropriation → allotted.

    Raises ``Refusal`` ``funding.keeper_not_charity`` (LAW-GYSYJZ-11), ``funding.not_donated``,
    ``funding.channel_unknown``; ``Conflict`` ``funding.donation_registered``.
    """
    policy = ctx.policy(region=ctx.services.region)
    check_channel(channel=channel, note=purpose, policy=policy)
    if channel != DONATION:
        raise Refusal("funding.not_donated", rule="SYS-CODE-LIST", facts={"channel": policy.funding.sources[channel]})
    check_keeper(uscc=charity.uscc)
    with ctx.writing() as session:
        keeper = known_or_new(session, ctx, name=charity.name, uscc=charity.uscc, kind="charity")
        _check_new(session, keeper=keeper.id, receipt_no=receipt_no)
        fund = Fund(
            id=ctx.new_id("don"),
            kind=DONATION,
            region=policy.region,
            channel=channel,
            year=year,
            amount_fen=amount.fen,
            doc_no=receipt_no,
            purpose=purpose,
            earmark=earmark.stored() if earmark else {},
            keeper_id=keeper.id,
            public_fundraising=charity.public_fundraising,
            donor_account=ctx.actor.id if ctx.actor.role is Role.DONOR else donor.account,
            registered_on=ctx.as_of,
            synthetic=ctx.services.rehearsal,
        )
        _name_donor(session, ctx, fund, donor)
        fund.consent_id = _file(session, ctx, consent, kind="donor_consent", issuer=charity.name)
        return open_fund(session, ctx, fund, type="funding.donated")


def _check_new(session: Session, *, keeper: str, receipt_no: str | None) -> None:
    same = select(Fund.id).where(col(Fund.keeper_id) == keeper, col(Fund.doc_no) == receipt_no)
    if receipt_no is not None and session.exec(same).first() is not None:
        raise Conflict("funding.donation_registered", rule="SYS-ALREADY-DONE")


def _name_donor(session: Session, ctx: Context, fund: Fund, donor: Donor) -> None:
    if donor.kind == "person":
        fund.donor_sealed = ctx.services.vault.seal(donor.name)
    else:
        fund.donor_id = known_or_new(session, ctx, name=donor.name, uscc=donor.uscc, kind="donor").id


def _file(session: Session, ctx: Context, stored: Upload, *, kind: str, issuer: str) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=stored,
        project_id=None,
        stage="funding",
        kind=kind,
        title=sentence(f"funding.paper.{kind}"),
        issuer=issuer,
    ).id


@command("funding.withdraw_consent", roles=_GIVERS, clause=DONOR_LAW_USE)
def withdraw_consent(
    ctx: Context,
    *,
    donation: Annotated[str, Field(description="捐赠编号")],
    reason: Annotated[str, Field(min_length=2, max_length=500, description="撤回原因")],
    notice: Annotated[Upload, Field(description="捐赠方的书面通知")],
) -> ConsentWithdrawn:
    """Take a donor's unspent money out, wherever it stands: → returned. What was paid stays paid.

    Every plan line that loses money is short of it (``uncovered``), is not issued, and becomes a work item; a contract
    under it is paid only from what is left. Raises ``Refusal`` ``kernel.not_found``, ``funding.not_the_donor``;
    ``Conflict`` ``funding.consent_withdrawn``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        fund = _donation(session, ctx, donation)
        if fund.withdrawn_on is not None:
            facts = {"on": fund.withdrawn_on.isoformat()}
            raise Conflict("funding.consent_withdrawn", rule="SYS-ALREADY-DONE", facts=facts)
        fund.withdrawn_on, fund.withdraw_reason = ctx.as_of, reason
        session.add(fund)
        standing = placed_of(session, fund=fund.id)
        spent = Money.total(one.amount for one in standing if one.account in (Account.PAID, Account.RECOVERED))
        unspent = [one for one in standing if one.account in _UNSPENT]
        returned = Money.total(one.amount for one in unspent)
        notice_id = _file(session, ctx, notice, kind="donor_withdrawal", issuer=sentence("funding.donor"))
        payload = {"returned_fen": returned.fen, "spent_fen": spent.fen, "document_id": notice_id}
        event = note(session, ctx, fund, "funding.consent_withdrawn", {**payload, "reason_digest": digest(reason)})
        for one in unspent:
            if one.line is None:
                _give_back(session, ctx, fund, event, one)
        lines = _take_from_lines(session, ctx, fund, unspent)
        return ConsentWithdrawn(id=fund.id, returned=returned, spent=spent, lines=lines)


_UNSPENT = (Account.ALLOTTED, Account.RESERVED, Account.PLANNED, Account.COMMITTED)


def _donation(session: Session, ctx: Context, id: str) -> Fund:
    fund = locked(session, Fund, id, kind="fund")
    if fund.kind != DONATION:
        found(None, kind="fund", id=id)
    if ctx.actor.role is Role.DONOR and fund.donor_account != ctx.actor.id:
        raise Refusal("funding.not_the_donor", rule="SYS-ROLE")
    return fund


def _give_back(session: Session, ctx: Context, fund: Fund, event: Event, one: Placed) -> None:
    post(
        session,
        ctx,
        event=event,
        legs=(
            Leg(one.account, fund.channel, one.year, -one.amount, fund.id),
            Leg(Account.RETURNED, fund.channel, one.year, one.amount, fund.id),
        ),
        project_id=one.project,
        plan_line_id=one.line,
        contract_id=one.contract,
    )


def _take_from_lines(session: Session, ctx: Context, fund: Fund, unspent: list[Placed]) -> tuple[str, ...]:
    by_line: dict[str, list[Placed]] = defaultdict(list)
    for one in unspent:
        if one.line is not None:
            by_line[one.line].append(one)
    for name, held in sorted(by_line.items()):
        line = locked(session, PlanLine, name, kind="plan_line")
        lost = Money.total(one.amount for one in held)
        line.uncovered_fen += lost.fen
        session.add(line)
        event = _line_event(
            session, ctx, line, "funding.line_uncovered", {"donation_id": fund.id, "lost_fen": lost.fen}
        )
        for one in held:
            _give_back(session, ctx, fund, event, one)
            if one.contract is not None:
                settle_prefinancing(session, ctx, locked(session, Contract, one.contract, kind="contract"))
        work.open_item(
            session,
            ctx,
            kind=UNCOVERED_ITEM,
            role=Role.CITY_BUREAU,
            subject_kind="plan_line",
            subject_id=line.id,
            project_id=line.project_id,
            due_on=ctx.as_of,
            clause=DONOR_LAW_USE,
            resolves_with="funding.cover_line",
        )
        work.move_item(session, ctx, kind=UNCOVERED_ITEM, subject_id=line.id, due_on=ctx.as_of)
    return tuple(sorted(by_line))


def _line_event(session: Session, ctx: Context, line: PlanLine, type: str, payload: dict[str, object]) -> Event:
    return events.on_project(session, ctx, line.project_id, type, {**payload, "plan_line_id": line.id})


@command("funding.cover_line", roles=BUREAUS, clause=DONOR_LAW_USE)
def cover_line(ctx: Context, *, plan_line: Annotated[str, Field(description="投资计划行编号")]) -> Covered:
    """Put other money of the same channel and year under a plan line that lost a donation, as far as there is some.

    Covered in full the work item closes. Raises ``Refusal`` ``funding.line_whole``, ``funding.nothing_to_cover``.
    """
    with ctx.writing() as session:
        line = locked(session, PlanLine, plan_line, kind="plan_line")
        project = locked(session, Project, line.project_id, kind="project")
        own = drawable(session, project=project, channel=line.channel, year=year_of(line))
        check_uncovered(state=line.state, uncovered=Money(line.uncovered_fen), available=own.total)
        amount = min(Money(line.uncovered_fen), own.total)
        line.uncovered_fen -= amount.fen
        session.add(line)
        event = _line_event(session, ctx, line, "funding.line_covered", {"amount_fen": amount.fen})
        reserve(session, ctx, event=event, line=line, held=own.held, amount=amount)
        if line.state == "issued":
            _commit_again(session, ctx, event, line)
        if not line.uncovered_fen:
            work.close_item(session, ctx, kind=UNCOVERED_ITEM, subject_id=line.id)
        return Covered(id=line.id, amount=amount, uncovered=Money(line.uncovered_fen))


def _commit_again(session: Session, ctx: Context, event: Event, line: PlanLine) -> None:
    """Commit the new money to the contracts that lost theirs, oldest first."""
    contracts = session.exec(
        select(Contract)
        .where(col(Contract.project_id) == project_of(session, line.project_id).id)
        .where(col(Contract.state).in_(PAYABLE_CONTRACTS))
        .order_by(col(Contract.signed_on), col(Contract.id))
    ).all()
    for contract in (one for one in contracts if not is_settled(session, one.id)):
        commit_to(session, ctx, event=event, contract=contract, lines=(line,))
