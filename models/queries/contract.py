"""Reads of the contract (S11): where it stands and what was paid."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

from models.core.money import Money
from models.core.registry import query
from models.queries.ledger import balance, is_settled, paid
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, found
from models.rules.funding import Account
from models.tables.contract import Contract


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
    )
