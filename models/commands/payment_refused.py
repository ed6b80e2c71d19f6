"""What a payment refused for being over budget or for another purpose leads to (S09, ZY-94): it is told, and looked at.

``tell`` is called by the door in the transaction that keeps the refused attempt. Must never let the payment through.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events, work
from models.commands.ledger import locked
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import LifecycleError, Refusal
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.registry import command
from models.rules.masking import check_impersonal
from models.rules.payment import alarm
from models.tables.contract import Contract
from models.tables.kernel import WorkItem

REFUSED_ITEM: Final = "funding.payment_refused"


class Examined(BaseModel):
    """The refusal that was looked at; ``id`` is the contract's."""

    model_config = ConfigDict(frozen=True)

    id: str


def tell(session: Session, ctx: Context, arguments: Any, fault: LifecycleError) -> None:
    """Open the work item of a contract under which more was asked than was granted, or for something else; one a
    contract however often it is tried, open again when it is tried after the last was examined."""
    found = alarm(details=fault.details)
    if found is None:
        return
    contract = locked(session, Contract, arguments.contract, kind="contract")
    item = work.open_item(
        session,
        ctx,
        kind=REFUSED_ITEM,
        role=Role.CITY_BUREAU,
        subject_kind="contract",
        subject_id=contract.id,
        project_id=contract.project_id,
        due_on=ctx.as_of,
        clause=found.rule or fault.rule or "",
        resolves_with="funding.examine_refusal",
        note=sentence(f"funding.alarm.{found.field}"),
    )
    if item.status != "open":
        work.move_item(session, ctx, kind=REFUSED_ITEM, subject_id=contract.id, due_on=ctx.as_of)


@command("funding.examine_refusal", roles=(*CIVIL_AFFAIRS, Role.FINANCE_BUREAU), clause="ZY-94")
def examine_refusal(
    ctx: Context,
    *,
    contract: Annotated[str, Field(description="合同编号")],
    opinion: Annotated[str, Field(min_length=2, max_length=500, description="核查情况和处理意见")],
) -> Examined:
    """Record what came of looking into a payment that was refused for being over budget or for another purpose.

    Raises ``Refusal`` ``funding.nothing_refused``, ``kernel.not_found``. An opinion with a personal number in it is
    refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=opinion)
    with ctx.writing() as session:
        row = locked(session, Contract, contract, kind="contract")
        waiting = select(WorkItem).where(
            col(WorkItem.kind) == REFUSED_ITEM, col(WorkItem.subject_id) == row.id, col(WorkItem.status) == "open"
        )
        item = session.exec(waiting).first()
        if item is None:
            raise Refusal("funding.nothing_refused", rule="SYS-ALREADY-DONE")
        item.note = sentence("funding.alarm.examined", {"found": item.note or "", "opinion": opinion})
        payload = {"contract_id": row.id, "opinion_digest": digest(opinion)}
        events.on_project(session, ctx, row.project_id, "funding.refusal_examined", payload)
        work.close_item(session, ctx, kind=REFUSED_ITEM, subject_id=row.id)
        return Examined(id=row.id)
