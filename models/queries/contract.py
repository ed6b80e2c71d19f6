"""Reads of the contract (S11): where it stands and what was paid."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.money import Money
from models.core.periods import add_months
from models.core.registry import query
from models.queries.ledger import balance, is_settled, paid
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, found, project_of
from models.rules.funding import Account
from models.tables.contract import Contract, ContractChange

_POST = "key_posts."


class ContractStatus(BaseModel):
    """A contract: term [starts_on, ends_on), price, what stands committed and paid, by how many days it was late."""

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    procurement: str
    organisation: str
    state: str
    signed_on: date
    starts_on: date
    ends_on: date
    price: Money
    committed: Money
    paid: Money
    settled: bool
    days_late: int
    extension_conditions: tuple[str, ...]
    clauses: dict[str, str]
    terminated_on: date | None
    policy_digest: str
    version: int
    predecessor: str | None
    key_posts: dict[str, str]
    third_parties: tuple[str, ...]
    in_kind: Money
    published_on: date | None
    filed_on: date | None


@query("contract.status", roles=EVERYONE_INSIDE, clause="BJ-46")
def status(reader: Reader, *, contract: str) -> ContractStatus:
    """Return a contract with its commitment and payments."""
    session = reader.session
    row = found(session.get(Contract, contract), kind="contract", id=contract)
    return ContractStatus(
        id=row.id,
        project=row.project_id,
        procurement=row.procurement_id,
        organisation=row.organisation_id,
        state=f"contract.{row.state}",
        signed_on=row.signed_on,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        price=Money(row.price_fen),
        committed=balance(session, account=Account.COMMITTED, contract=row.id),
        paid=paid(session, contract=row.id),
        settled=is_settled(session, row.id),
        days_late=row.days_late,
        extension_conditions=tuple(row.extension_conditions),
        clauses=row.clauses,
        terminated_on=row.terminated_on,
        policy_digest=row.policy_digest,
        version=len(changes_of(session, row.id)) + 1,
        predecessor=row.predecessor_id,
        key_posts=row.key_posts,
        third_parties=tuple(one["body"] for one in row.assisting if one["party"]),
        in_kind=Money.total(Money(one["value_fen"]) for one in row.in_kind),
        published_on=row.published_on,
        filed_on=row.filed_on,
    )


class ContractVersion(BaseModel):
    """One change of a contract: the version it made, its kind, its difference as field → [before, after]."""

    model_config = ConfigDict(frozen=True)

    version: int
    kind: str
    changed_on: date
    reason: str
    amount: Money
    organisation: str | None
    document: str | None
    diff: dict[str, Any]


class ContractLine(BaseModel):
    """One contract of a project, in the order of their terms."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: str
    starts_on: date
    ends_on: date
    price: Money
    predecessor: str | None


@query("contract.history", roles=EVERYONE_INSIDE, clause="LAW-ZFCG-49")
def history(reader: Reader, *, contract: str) -> tuple[ContractVersion, ...]:
    """Return what was changed of a contract since it was signed, oldest first."""
    found(reader.session.get(Contract, contract), kind="contract", id=contract)
    return tuple(
        ContractVersion(
            version=one.ordinal + 1,
            kind=one.kind,
            changed_on=one.changed_on,
            reason=one.reason,
            amount=Money(one.amount_fen),
            organisation=one.organisation_id,
            document=one.document_id,
            diff=one.diff,
        )
        for one in changes_of(reader.session, contract)
    )


@query("contract.list", roles=EVERYONE_INSIDE, clause="BJ-36")
def contracts(reader: Reader, *, project: str) -> tuple[ContractLine, ...]:
    """Return the contracts of a project by their first day: a long project has several, one after the other."""
    project_of(reader.session, project)
    rows = reader.session.exec(
        select(Contract).where(col(Contract.project_id) == project).order_by(col(Contract.starts_on), col(Contract.id))
    ).all()
    return tuple(
        ContractLine(
            id=row.id,
            state=f"contract.{row.state}",
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            price=Money(row.price_fen),
            predecessor=row.predecessor_id,
        )
        for row in rows
    )


def changes_of(session: Session, contract: str) -> tuple[ContractChange, ...]:
    """Return the changes of a contract, oldest first."""
    statement = select(ContractChange).where(col(ContractChange.contract_id) == contract)
    return tuple(session.exec(statement.order_by(col(ContractChange.ordinal))).all())


def subcontracted(session: Session, contract: str) -> tuple[ContractChange, ...]:
    """Return the consented subcontracts of a contract."""
    return tuple(one for one in changes_of(session, contract) if one.organisation_id is not None)


def performers(session: Session, row: Contract) -> frozenset[str]:
    """Return the organisations that may send staff: the contractor and those the purchaser consented to."""
    return frozenset({row.organisation_id, *(one.organisation_id or "" for one in subcontracted(session, row.id))})


def holders(session: Session, row: Contract, *, month: date) -> dict[str, frozenset[str]]:
    """Return by key post who held it at any time in a month, as the contract and its consented changes say (ZY-86)."""
    after = add_months(month.replace(day=1), months=1)
    changed = [one for one in reversed(changes_of(session, row.id)) if one.kind == "key_post_changed"]
    held = {}
    for post, ref in row.key_posts.items():
        names, now = set(), ref
        for one in (one for one in changed if f"{_POST}{post}" in one.diff):
            if one.changed_on < month.replace(day=1):
                break
            names |= {now} if one.changed_on < after else set()
            now = one.diff[f"{_POST}{post}"][0]
        held[post] = frozenset({*names, now})
    return held


def original_price(session: Session, row: Contract) -> Money:
    """Return the price as the contract was signed: today's without what supplements changed."""
    added = (one.amount_fen for one in changes_of(session, row.id) if one.kind == "amended")
    return Money(row.price_fen - sum(added))


def agreed_on(session: Session, row: Contract) -> date:
    """Return when the contract or its newest supplement was signed."""
    return max((one.changed_on for one in changes_of(session, row.id) if one.kind == "amended"), default=row.signed_on)


def demanded(session: Session, *, line: str, contract: str) -> Money | None:
    """Return what is claimed back of a contract under a plan line, ``None`` when nothing is."""
    rows = session.exec(select(Contract.demanded).where(col(Contract.id) == contract)).one_or_none() or []
    mine = [one["amount_fen"] for one in rows if one["plan_line"] == line]
    return Money(sum(mine)) if mine else None


def owed_back(session: Session, *, project: str) -> Money:
    """Return what contractors of a project still have to give back of what is claimed."""
    owed = Money.ZERO
    for contract in session.exec(select(Contract).where(col(Contract.project_id) == project)).all():
        for line in {one["plan_line"] for one in contract.demanded}:
            wanted = demanded(session, line=line, contract=contract.id) or Money.ZERO
            back = balance(session, account=Account.RECOVERED, plan_line=line, contract=contract.id)
            owed += max(wanted - back, Money.ZERO)
    return owed
