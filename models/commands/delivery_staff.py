"""The command of delivery (S12) on who serves: the staff of a contract, their qualification and who sends them.

Services come from the contractor or from a subcontractor the purchaser consented to; staff of anybody else would be a
transfer in fact (BJ-47). Certificates are sealed before they reach the table.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events
from models.context import Context
from models.core.actors import Role
from models.core.registry import command
from models.queries.contract import performers
from models.queries.reader import found, project_of
from models.rules import delivery as rules
from models.rules import lifecycle
from models.rules.contract_change import check_performers
from models.rules.lifecycle import Thing
from models.tables.contract import Contract
from models.tables.delivery import DeliveryStaff

_ALIVE = ("signed", "running")
_DOERS = (Role.CONTRACTOR, Role.PURCHASER)


class StaffMember(BaseModel):
    """One member of staff: work number, certificate number or code, professionally qualified or not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", description="服务人员编号")]
    certificate: Annotated[str, Field(max_length=60, description="资质证书编号")] = ""
    qualified: Annotated[bool, Field(description="具备专业资质")]
    valid_until: Annotated[date | None, Field(description="证书有效期至;不填为长期")] = None
    employer: Annotated[str | None, Field(description="派出单位编号;不填为承接主体")] = None


class StaffAssigned(BaseModel):
    """How many people the contract has, and how many of them are qualified (HS-49); ``id`` is the contract."""

    model_config = ConfigDict(frozen=True)

    id: str
    staff: int
    qualified: int


@command("delivery.assign_staff", roles=_DOERS, clause="HS-49")
def assign_staff(
    ctx: Context,
    *,
    contract: str,
    staff: Annotated[tuple[StaffMember, ...], Field(min_length=1, description="服务人员")],
) -> StaffAssigned:
    """Assign staff to a contract; a work number that is there already gets the new certificate and qualification.

    Raises ``Refusal`` ``delivery.staff_twice`` (SYS-UNIQUE), ``delivery.certificate_missing`` (HS-49),
    ``contract.performed_by_other`` (BJ-47) for staff of a body that is neither the contractor nor a consented
    subcontractor, ``lifecycle.not_in_state``.
    """
    with ctx.writing() as session:
        row = found(session.get(Contract, contract), kind="contract", id=contract)
        lifecycle.check_state_in(thing=Thing.CONTRACT, command=ctx.command, state=row.state, allowed=_ALIVE)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        check_performers(
            employers={one.employer for one in staff if one.employer}, allowed=performers(session, row), policy=policy
        )
        uncertified = [one.ref for one in staff if one.qualified and not one.certificate.strip()]
        rules.check_staff(refs=tuple(one.ref for one in staff), uncertified=uncertified, policy=policy)
        known = {member.ref: member for member in staff_of(session, contract)}
        for member in staff:
            assigned = known.setdefault(
                member.ref,
                DeliveryStaff(
                    id=ctx.new_id("stf", contract, member.ref),
                    contract_id=contract,
                    ref=member.ref,
                    certificate_sealed="",
                    qualified=False,
                    assigned_on=ctx.as_of,
                ),
            )
            assigned.certificate_sealed = ctx.services.vault.seal(member.certificate)
            assigned.qualified, assigned.employer_id = member.qualified, member.employer
            assigned.certificate_until = member.valid_until
            session.add(assigned)
        result = StaffAssigned(
            id=contract, staff=len(known), qualified=sum(member.qualified for member in known.values())
        )
        payload = {"contract_id": contract, "named": len(staff), "staff": result.staff, "qualified": result.qualified}
        events.on_project(session, ctx, row.project_id, "delivery.staff_assigned", payload)
        return result


def staff_of(session: Session, contract: str) -> list[DeliveryStaff]:
    """Return the staff of a contract."""
    return list(session.exec(select(DeliveryStaff).where(col(DeliveryStaff.contract_id) == contract)).all())
