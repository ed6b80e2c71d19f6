"""Reads of who serves whom under a contract: what a service record may name (S12)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from sqlmodel import col, select

from models.core.actors import Role
from models.core.registry import query
from models.queries.reader import Reader, found, project_of
from models.tables.contract import Contract
from models.tables.delivery import DeliveryStaff
from models.tables.needs import Selection


class Roster(BaseModel):
    """Ids of the selected persons, work numbers of the qualified staff, and the kinds of service: no names."""

    model_config = ConfigDict(frozen=True)

    contract: str
    persons: tuple[str, ...]
    staff: tuple[str, ...]
    kinds: tuple[str, ...]


@query("delivery.roster", roles=(Role.CONTRACTOR, Role.PURCHASER, Role.EVALUATION_OFFICE, Role.SYSTEM), clause="HS-10")
def roster(reader: Reader, *, contract: str) -> Roster:
    """Return whom a contract serves, with whom and with what, in order of selection."""
    session = reader.session
    row = found(session.get(Contract, contract), kind="contract", id=contract)
    policy = reader.policies.resolve(region=project_of(session, row.project_id).region, on=reader.as_of)
    persons = session.exec(
        select(Selection.person_id)
        .where(col(Selection.project_id) == row.project_id)
        .order_by(col(Selection.stratum), col(Selection.ordinal))
    ).all()
    staff = session.exec(
        select(DeliveryStaff.ref)
        .where(col(DeliveryStaff.contract_id) == contract, col(DeliveryStaff.qualified))
        .order_by(col(DeliveryStaff.ref))
    ).all()
    kinds = tuple(policy.delivery.nonmaterial_kinds or policy.delivery.service_item_names)
    return Roster(contract=contract, persons=tuple(persons), staff=tuple(staff), kinds=kinds)
