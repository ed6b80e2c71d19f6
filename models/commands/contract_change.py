"""Commands that change a signed contract (S11): amended, part of it subcontracted, a key post taken by somebody else.

Every change is a new version of the contract with its difference and reason; nothing is edited away. Texts stay in
the rows; events hold kinds, amounts, counts and digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import contract_publication, contract_watch, documents, events, organisations, project_papers
from models.commands.bidding import Bidder
from models.commands.contract import BUYERS
from models.commands.ledger import Amount, commit_to, issued_lines, locked, move
from models.context import Context
from models.core.actors import Role
from models.core.errors import Conflict
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.contract import changes_of, original_price, subcontracted
from models.queries.ledger import balance, paid
from models.queries.papers import Sheet, facts, head
from models.queries.purchasing import barred_until
from models.queries.reader import found, project_of
from models.rules import contract_change as rules
from models.rules import lifecycle
from models.rules.contract import check_clauses, check_term, conditions_warning, missing_extension_conditions
from models.rules.funding import Account
from models.rules.lifecycle import Thing
from models.rules.procurement import check_not_debarred
from models.tables.contract import Contract, ContractChange
from models.tables.kernel import Event
from models.tables.procurement import Procurement

_STAGE: Final = "contract"
_ALIVE: Final = ("signed", "running")
_PAPER: Final = "contract_amendment"
_SOURCES: Final = ("contract.sign", "contract.amend")
Reason = Annotated[str, Field(min_length=2, max_length=500, description="变更理由")]


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Amendment(_Given):
    """What shall change; what is left out stays. ``clauses`` is code → new text."""

    ends_on: Annotated[date | None, Field(description="合同终止日期（当日不计入期限）")] = None
    price: Annotated[Amount | None, Field(description="合同金额")] = None
    clauses: Annotated[dict[str, str] | None, Field(description="条款的新内容")] = None


class ContractChanged(BaseModel):
    """The contract at its new version; ``id`` is the change, ``document`` its paper or the consent."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    price: Money
    ends_on: date
    document: str | None
    warnings: tuple[str, ...] = ()


@command("contract.amend", roles=BUYERS, clause="LAW-ZFCG-49")
def amend(
    ctx: Context,
    *,
    contract: str,
    changes: Annotated[Amendment, Field(description="变更内容")],
    reason: Reason,
    extension_conditions: Annotated[tuple[str, ...], Field(description="延长期限时已具备的条件")] = (),
) -> ContractChanged:
    """Sign a supplement: a later end, another price, other clauses; publication and filing become due anew.

    The policy is that of the day of signing. An extension counts from the first day of the contract; a higher price
    stays within the supplements the law allows and within the plan, and is committed; a lower one gives money back.
    Raises ``Refusal`` ``contract.nothing_changed``, ``contract.term_too_long`` (BJ-36, AH-15),
    ``contract.over_supplement`` (LAW-ZFCG-49), ``contract.over_plan`` (ZY-78), ``contract.below_paid``,
    ``contract.clause_missing`` (BJ-34), ``SYS-STATE``.
    """
    with ctx.reading() as session:
        row = _alive(ctx, found(session.get(Contract, contract), kind="contract", id=contract))
        policy = ctx.policy(region=project_of(session, row.project_id).region, on=row.signed_on)
        plan = _plan(session, row, changes, extension_conditions, policy)
        printed = project_papers.printed(ctx, kind=_PAPER, view=_amendment_view(session, ctx, row, plan, reason))
    with ctx.writing() as session:
        row = _alive(ctx, locked(session, Contract, contract, kind="contract"))
        if _plan(session, row, changes, extension_conditions, policy) != plan:
            raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
        document = project_papers.filed(session, ctx, project=row.project_id, stage=_STAGE, printed=printed)
        change = _change(session, ctx, row, "amended", plan.diff, reason, policy, amount=plan.rise, document=document)
        row.ends_on, row.price_fen, row.clauses = plan.ends_on, plan.price.fen, plan.clauses
        row.extension_conditions = sorted({*row.extension_conditions, *extension_conditions})
        session.add(row)
        event = _note(session, ctx, change, {"kinds": sorted(plan.diff), "unstated": list(plan.unstated)})
        _repost(session, ctx, event, row, plan.rise)
        contract_publication.owe(session, ctx, row, policy)
        contract_watch.expect_end(session, ctx, row, policy)
        return _changed(row, change, conditions_warning(unstated=plan.unstated, policy=policy))


@dataclass(frozen=True)
class _Plan:
    """What an amendment comes to: its difference, the contract as it will be, what its price rises by."""

    diff: dict[str, Any]
    ends_on: date
    price: Money
    clauses: dict[str, str]
    rise: Money
    unstated: tuple[str, ...]


def _plan(session: Session, row: Contract, changes: Amendment, conditions: tuple[str, ...], policy: Policy) -> _Plan:
    ends_on = changes.ends_on or row.ends_on
    price = Money(row.price_fen) if changes.price is None else changes.price
    clauses = {**row.clauses, **(changes.clauses or {})}
    pairs: dict[str, tuple[Any, Any]] = {
        "ends_on": (row.ends_on.isoformat(), ends_on.isoformat()),
        "price_fen": (row.price_fen, price.fen),
        **{f"clauses.{code}": (row.clauses.get(code), text) for code, text in clauses.items()},
    }
    diff = {name: list(pair) for name, pair in pairs.items() if pair[0] != pair[1]}
    rules.check_changed(diff=diff)
    check_term(starts_on=row.starts_on, ends_on=ends_on, policy=policy)
    check_clauses(clauses=clauses, policy=policy)
    rise = price - Money(row.price_fen)
    lines = issued_lines(session, row.project_id)
    planned = Money.total(balance(session, account=Account.PLANNED, plan_line=line.id) for line in lines)
    rules.check_supplement(
        original=original_price(session, row),
        price=price,
        paid=paid(session, contract=row.id),
        planned=planned,
        rise=rise,
        policy=policy,
    )
    stated = (*row.extension_conditions, *conditions)
    unstated = missing_extension_conditions(starts_on=row.starts_on, ends_on=ends_on, stated=stated, policy=policy)
    return _Plan(diff, ends_on, price, clauses, rise, unstated if "ends_on" in diff else ())


def _repost(session: Session, ctx: Context, event: Event, row: Contract, rise: Money) -> None:
    """Commit what a higher price needs; give back what a lower one frees, newest plan line first."""
    lines = issued_lines(session, row.project_id)
    if rise > Money.ZERO:
        commit_to(session, ctx, event=event, contract=row, lines=lines)
    committed = balance(session, account=Account.COMMITTED, contract=row.id)
    over = committed + paid(session, contract=row.id) - Money(row.price_fen)
    for line in reversed(lines):
        held = balance(session, account=Account.COMMITTED, plan_line=line.id, contract=row.id)
        part = min(over, held)
        if part > Money.ZERO:
            way = (Account.COMMITTED, Account.PLANNED)
            move(session, ctx, event=event, line=line, source=way[0], target=way[1], amount=part, contract_id=row.id)
            over -= part


def _amendment_view(session: Session, ctx: Context, row: Contract, plan: _Plan, reason: str) -> dict[str, Any]:
    project = project_of(session, row.project_id)
    sheet: Sheet = project_papers.sheet(session, ctx, project, sources=_SOURCES)
    lines: list[tuple[str, object | None, str]] = [
        ("version", len(changes_of(session, row.id)) + 2, ""),
        ("ends_on_before", row.ends_on, "contract.sign.ends_on"),
        ("ends_on", plan.ends_on, "contract.amend.changes.ends_on"),
        ("price_before", Money(row.price_fen), "contract.sign.price"),
        ("price", plan.price, "contract.amend.changes.price"),
    ]
    return {
        **head(sheet=sheet, title="contract.paper.amendment_title", issuer=_purchaser(session, row)),
        "facts": facts(sheet=sheet, stage=_STAGE, lines=lines),
        "reason": reason,
        "terms": [
            sentence("contract.paper.clause", {"name": name.partition(".")[2], "text": pair[1]})
            for name, pair in plan.diff.items()
            if name.startswith("clauses.")
        ],
    }


def _purchaser(session: Session, row: Contract) -> str:
    """Return the purchaser of this very contract: a project's other purchases may have others."""
    return found(session.get(Procurement, row.procurement_id), kind="procurement", id=row.procurement_id).purchaser


@command("contract.subcontract", roles=(*BUYERS, Role.CONTRACTOR), clause="LAW-ZFCG-48")
def subcontract(
    ctx: Context,
    *,
    contract: str,
    organisation: Annotated[Bidder, Field(description="分包承担主体")],
    part: Annotated[str, Field(min_length=2, max_length=500, description="分包内容")],
    amount: Annotated[Amount, Field(description="分包金额")],
    reason: Reason,
    extent: Annotated[Literal["part", "whole"], Field(description="部分分包(part)或者全部转让(whole)")] = "part",
    consent: Annotated[Upload | None, Field(description="购买主体书面同意")] = None,
) -> ContractChanged:
    """Record that part of the service is subcontracted with the purchaser's consent; the whole is never handed on.

    Raises ``Refusal`` ``contract.transferred`` (BJ-47, LAW-ZFCGTL-72), ``contract.no_consent`` (LAW-ZFCG-48),
    ``procurement.debarred`` for one that is barred (BJ-52, LAW-ZFCG-22), ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = _alive(ctx, locked(session, Contract, contract, kind="contract"))
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        given = Money.total(Money(one.amount_fen) for one in subcontracted(session, row.id)) + amount
        rules.check_not_transferred(whole=extent == "whole", given=given, price=Money(row.price_fen), policy=policy)
        rules.check_consent(consented=consent is not None, policy=policy)
        firm = organisations.known_or_new(
            session, ctx, name=organisation.name, uscc=organisation.uscc, kind=organisation.kind
        )
        barred = barred_until(session, organisation=firm.id, on=ctx.as_of)
        check_not_debarred(debarred_until=barred, on=ctx.as_of, policy=policy)
        document = _consent(session, ctx, row, consent, "subcontract_consent") if consent else None
        diff = {"subcontractors": [None, firm.id], "part": [None, part]}
        change = _change(
            session,
            ctx,
            row,
            "subcontracted",
            diff,
            reason,
            policy,
            amount=amount,
            document=document,
            organisation=firm.id,
        )
        _note(session, ctx, change, {"organisation_id": firm.id})
        return _changed(row, change)


@command("contract.change_key_post", roles=(*BUYERS, Role.CONTRACTOR), clause="ZY-86")
def change_key_post(
    ctx: Context,
    *,
    contract: str,
    post: Annotated[str, Field(min_length=2, max_length=60, description="关键岗位")],
    ref: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", description="接任人员编号")],
    reason: Reason,
    consent: Annotated[Upload | None, Field(description="购买主体书面同意")] = None,
) -> ContractChanged:
    """Put somebody else on a key post the contract names, with the purchaser's consent; who held it stays on record.

    Raises ``Refusal`` ``contract.post_unknown``, ``contract.post_no_consent`` (ZY-86), ``SYS-STATE``.
    """
    with ctx.writing() as session:
        row = _alive(ctx, locked(session, Contract, contract, kind="contract"))
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        rules.check_key_post(post=post, posts=row.key_posts, consented=consent is not None, policy=policy)
        diff = {f"key_posts.{post}": [row.key_posts[post], ref]}
        rules.check_changed(diff={} if row.key_posts[post] == ref else diff)
        document = _consent(session, ctx, row, consent, "key_post_consent") if consent else None
        change = _change(session, ctx, row, "key_post_changed", diff, reason, policy, document=document)
        row.key_posts = {**row.key_posts, post: ref}
        session.add(row)
        _note(session, ctx, change, {"posts": 1})
        return _changed(row, change)


def _alive(ctx: Context, row: Contract) -> Contract:
    lifecycle.check_state_in(thing=Thing.CONTRACT, command=ctx.command, state=row.state, allowed=_ALIVE)
    return row


def _consent(session: Session, ctx: Context, row: Contract, consent: Upload, kind: str) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=consent,
        project_id=row.project_id,
        stage=_STAGE,
        kind=kind,
        title=sentence(f"contract.paper.{kind}"),
        issuer=_purchaser(session, row),
    ).id


def _change(
    session: Session,
    ctx: Context,
    row: Contract,
    kind: str,
    diff: Mapping[str, Any],
    reason: str,
    policy: Policy,
    *,
    document: str | None,
    amount: Money = Money.ZERO,
    organisation: str | None = None,
) -> ContractChange:
    change = ContractChange(
        id=ctx.new_id("cch", row.id),
        contract_id=row.id,
        project_id=row.project_id,
        ordinal=len(changes_of(session, row.id)) + 1,
        kind=kind,
        diff=dict(diff),
        reason=reason,
        amount_fen=amount.fen,
        organisation_id=organisation,
        document_id=document,
        changed_on=ctx.as_of,
        policy_digest=policy.digest,
    )
    session.add(change)
    session.flush()
    return change


def _note(session: Session, ctx: Context, change: ContractChange, payload: Mapping[str, Any]) -> Event:
    return events.on_project(
        session,
        ctx,
        change.project_id,
        f"contract.{change.kind}",
        {
            "contract_id": change.contract_id,
            "change_id": change.id,
            "version": change.ordinal + 1,
            "amount_fen": change.amount_fen,
            "document_id": change.document_id,
            "content_digest": digest([change.diff, change.reason]),
            **payload,
        },
    )


def _changed(row: Contract, change: ContractChange, warnings: tuple[str, ...] = ()) -> ContractChanged:
    return ContractChanged(
        id=change.id,
        version=change.ordinal + 1,
        price=Money(row.price_fen),
        ends_on=row.ends_on,
        document=change.document_id,
        warnings=warnings,
    )
