"""Commands of recovery (SX1) on how a case ends: officers handed over, fines by the law of the day, the case closed.

An officer of the administration is handed over to the discipline and supervision body of the same level, which gives a
receipt (ZY-117); a case with one is not closed without it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events, project_papers, work
from models.commands.ledger import Amount
from models.commands.recovery import (
    INTERVIEW,
    ORDER,
    RECEIPT,
    RECOVER,
    REPAY,
    STAGE,
    SUMMON,
    TRANSFER,
    CaseId,
    CaseState,
    filed_upload,
    locked_case,
    noticed,
    standing,
    state_of,
    take,
    wait,
)
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict, Refusal
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.queries.reader import project_of
from models.queries.recovery import standing_of, steps_of
from models.rules import recovery as rules
from models.tables.recovery import MisuseCase, MisuseFine

_WAITING: Final = (SUMMON, INTERVIEW, ORDER, REPAY, RECOVER, TRANSFER, RECEIPT)
_FINING: Final = (*CIVIL_AFFAIRS, Role.FINANCE_BUREAU, Role.AUDIT_BODY)
_Number = Annotated[str, Field(min_length=2, max_length=60, description="文号")]


@command(
    "recovery.record_officer", roles=(*CIVIL_AFFAIRS, Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION), clause="ZY-117"
)
def record_officer(
    ctx: Context, *, case: CaseId, finding: Annotated[Upload, Field(description="涉及行政管理人员的材料")]
) -> CaseState:
    """Record that an officer of the administration is involved; the hand-over is due at once.

    Raises ``Conflict`` ``recovery.taken``, ``recovery.closed``.
    """
    with ctx.writing() as session:
        row = standing(session, ctx, case, step=rules.OFFICER)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        row.officer_involved = True
        document = filed_upload(session, ctx, row, stored=finding, kind="officer_finding")
        take(session, ctx, row, step=rules.OFFICER, document=document)
        wait(session, ctx, row, kind=TRANSFER, due_on=ctx.as_of, policy=policy)
        return state_of(row, document=document)


@command("recovery.transfer_officer", roles=CIVIL_AFFAIRS, clause="ZY-117")
def transfer_officer(
    ctx: Context,
    *,
    case: CaseId,
    body: Annotated[str, Field(min_length=2, max_length=120, description="同级纪检监察机关名称")],
) -> CaseState:
    """Hand a case over to the discipline and supervision body of the same level: prints the letter, awaits a receipt.

    Raises ``Refusal`` ``recovery.step_jumped`` before the case was reported, ``recovery.no_officer`` (ZY-117).
    """
    printed, policy = noticed(ctx, case=case, step=rules.TRANSFERRED, facts={"body": body}, receiver=body)
    with ctx.writing() as session:
        row = standing(session, ctx, case, step=rules.TRANSFERRED)
        due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.recovery.receipt_working_days)
        document = project_papers.filed(session, ctx, project=row.project_id, stage=STAGE, printed=printed)
        take(session, ctx, row, step=rules.TRANSFERRED, document=document, due=due.date)
        work.close_item(session, ctx, kind=TRANSFER, subject_id=row.id)
        wait(
            session,
            ctx,
            row,
            kind=RECEIPT,
            due_on=due.date,
            provisional=due.provisional,
            policy=policy,
        )
        return state_of(row, document=document, due=due.date)


@command("recovery.record_receipt", roles=(*CIVIL_AFFAIRS, Role.DISCIPLINE_SUPERVISION), clause="ZY-117")
def record_receipt(
    ctx: Context,
    *,
    case: CaseId,
    number: _Number,
    received_on: Annotated[date, Field(description="回执日期")],
    receipt: Annotated[Upload, Field(description="接收回执")],
) -> CaseState:
    """File the receipt of the body that took a case over.

    Raises ``Refusal`` ``recovery.step_jumped`` (ZY-117), ``recovery.order_of_days``; ``Conflict`` ``recovery.taken``.
    """
    with ctx.writing() as session:
        row = standing(session, ctx, case, step=rules.RECEIVED)
        sent = next(one for one in steps_of(session, row.id) if one.step == rules.TRANSFERRED)
        if not sent.taken_on <= received_on <= ctx.as_of:
            raise Refusal("recovery.order_of_days", rule="SYS-DATE")
        document = filed_upload(session, ctx, row, stored=receipt, kind="handover_receipt")
        facts = {"received_on": received_on.isoformat()}
        take(session, ctx, row, step=rules.RECEIVED, document=document, number=number, facts=facts)
        work.close_item(session, ctx, kind=RECEIPT, subject_id=row.id)
        return state_of(row, document=document)


class FineRecorded(BaseModel):
    """A fine and the article of the day of the conduct it rests on."""

    model_config = ConfigDict(frozen=True)

    id: str
    amount: Money
    clause: str


@command("recovery.record_fine", roles=_FINING, clause="SYS-FINE")
def record_fine(
    ctx: Context,
    *,
    case: CaseId,
    base: Annotated[Amount, Field(description="违法所得或者骗取的价款额")],
    multiple: Annotated[Decimal, Field(ge=0, max_digits=6, decimal_places=2, description="倍数")],
    authority: Annotated[str, Field(min_length=2, max_length=80, description="作出处罚决定的机关")],
    number: _Number,
    decision: Annotated[Upload, Field(description="处罚决定书")],
) -> FineRecorded:
    """Record a fine some authority decided, held to the law in force on the day of the conduct (decision 11).

    Raises ``Refusal`` ``recovery.no_fine_then``, ``recovery.fine_out_of_bounds`` (SYS-FINE); ``Conflict``
    ``recovery.fined``, ``recovery.closed``.
    """
    with ctx.writing() as session:
        row = locked_case(session, case)
        if row.closed_on is not None:
            raise Conflict("recovery.closed", rule="SYS-ALREADY-DONE")
        same = select(MisuseFine.id).where(col(MisuseFine.case_id) == row.id, col(MisuseFine.number) == number)
        if session.exec(same).first() is not None:
            raise Conflict("recovery.fined", rule="SYS-ALREADY-DONE")
        then = ctx.policy(region=project_of(session, row.project_id).region, on=row.event_on)
        bounds = rules.fine_bounds(kind=row.kind, policy=then)
        amount = rules.fine(base=base, multiple=multiple, bounds=bounds)
        document = filed_upload(session, ctx, row, stored=decision, kind="fine_decision")
        made = MisuseFine(
            id=ctx.new_id("fin", row.id, number),
            case_id=row.id,
            number=number,
            authority=authority,
            base_fen=base.fen,
            multiple=str(multiple),
            amount_fen=amount.fen,
            clause=bounds.clause,
            decided_on=ctx.as_of,
        )
        session.add(made)
        _note_fine(session, ctx, row, made, policy_digest=then.digest, document=document)
        return FineRecorded(id=made.id, amount=amount, clause=bounds.clause)


def _note_fine(
    session: Session, ctx: Context, row: MisuseCase, made: MisuseFine, *, policy_digest: str, document: str
) -> None:
    payload = {
        "case_id": row.id,
        "fine_id": made.id,
        "amount_fen": made.amount_fen,
        "multiple": made.multiple,
        "event_on": row.event_on.isoformat(),
        "policy_digest": policy_digest,
        "document_id": document,
    }
    events.on_project(session, ctx, row.project_id, "recovery.fined", payload)


@command("recovery.close_case", roles=CIVIL_AFFAIRS, clause="ZY-116")
def close_case(
    ctx: Context,
    *,
    case: CaseId,
    ruling: Annotated[Upload | None, Field(description="余款无法追回的法律文书;已全部归还的不填")] = None,
) -> CaseState:
    """Close a case: interviewed, all paid back (or recovered as far as a ruling says it can be), officers handed over.

    Raises ``Refusal`` ``recovery.step_jumped`` (ZY-114), ``recovery.still_owed`` (ZY-116), ``recovery.no_receipt``
    (ZY-117); ``Conflict`` ``recovery.closed``.
    """
    with ctx.writing() as session:
        row = locked_case(session, case)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        rules.check_may_close(standing=standing_of(session, row), ruled=ruling is not None, policy=policy)
        document = None if ruling is None else filed_upload(session, ctx, row, stored=ruling, kind="recovery_ruling")
        row.closed_on = ctx.as_of
        take(session, ctx, row, step=rules.CLOSED, document=document)
        for kind in _WAITING:
            work.close_item(session, ctx, kind=kind, subject_id=row.id)
        return state_of(row, document=document)
