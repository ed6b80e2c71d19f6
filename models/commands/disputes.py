"""Queries, challenges and complaints of suppliers (S10): raised in time, answered by the day of law, suspension.

Words of suppliers are sealed. A complaint under way may suspend the purchase; until then no award is made.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import work
from models.commands.bidding import Bidder
from models.commands.ledger import locked
from models.commands.organisations import known_or_new
from models.commands.procurement import RUNNERS, note, policy_of
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.registry import command
from models.queries.procurement import organisation_of
from models.queries.reader import found
from models.rules import disputes as rules
from models.tables.procurement import Organisation, Procurement
from models.tables.purchasing import Dispute

_KIND = "procurement.dispute"
_Words = Annotated[str, Field(min_length=2, max_length=4000)]


class DisputeKept(BaseModel):
    """A dispute: by when it is answered, whether it was, and until when the purchase is suspended."""

    model_config = ConfigDict(frozen=True)

    id: str
    due_on: date
    answered: bool
    late: bool = False
    suspended_until: date | None = None


@command("procurement.raise_dispute", roles=(*RUNNERS, Role.CONTRACTOR, Role.FINANCE_BUREAU), clause="LAW-ZFCG-52")
def raise_dispute(
    ctx: Context,
    *,
    procurement: str,
    kind: Annotated[Literal["query", "challenge", "complaint"], Field(description="询问、质疑或者投诉")],
    organisation: Annotated[str | Bidder, Field(description="供应商;没有登记过的潜在供应商填写名称、代码和类型")],
    matter: Annotated[_Words, Field(description="事项和理由(加密保存)")],
    known_on: Annotated[date | None, Field(description="知道或者应当知道之日(质疑)")] = None,
    earlier: Annotated[str | None, Field(description="所投诉的质疑")] = None,
    affects_award: Annotated[bool, Field(description="可能影响成交结果")] = False,
) -> DisputeKept:
    """Enter a query, challenge or complaint and start its clock; one that may change the result holds the contract up.

    Raises ``Refusal`` ``procurement.dispute_late`` (LAW-ZFCG-52, LAW-ZFCG-55), ``procurement.dispute_unfounded``.
    """
    rules.check_kind(kind=kind)
    with ctx.writing() as session:
        row = locked(session, Procurement, procurement, kind="procurement")
        policy, calendar = policy_of(session, ctx, row), ctx.services.calendar
        supplier = _supplier(session, ctx, organisation)
        since = known_on if kind == rules.CHALLENGE else _since(session, row, earlier, ctx.as_of)
        rules.check_in_time(kind=kind, on=ctx.as_of, since=since, policy=policy, calendar=calendar)
        due, leaf = rules.answer_by(kind=kind, on=ctx.as_of, policy=policy, calendar=calendar)
        kept = Dispute(
            id=ctx.new_id("dsp", row.id),
            procurement_id=row.id,
            kind=kind,
            organisation_id=supplier.id,
            earlier_id=earlier,
            raised_on=ctx.as_of,
            due_on=due.date,
            matter_sealed=ctx.services.vault.seal(matter),
            affects_award=affects_award,
        )
        session.add(kept)
        work.open_item(
            session,
            ctx,
            kind=_KIND,
            role=Role.FINANCE_BUREAU if kind == rules.COMPLAINT else Role.PURCHASER,
            subject_kind="dispute",
            subject_id=kept.id,
            due_on=due.date,
            clause=policy.clause(leaf),
            resolves_with="procurement.answer_dispute",
            project_id=row.project_id,
            provisional=due.provisional,
        )
        payload = {"dispute": kept.id, "kind": kind, "organisation_id": supplier.id, "due_on": due.date.isoformat()}
        note(session, ctx, row, "procurement.dispute_raised", payload | {"affects_award": affects_award})
        return _kept(kept)


def _supplier(session: Session, ctx: Context, named: str | Bidder) -> Organisation:
    """Return who disputes; a supplier that could have bid and did not is entered now."""
    if isinstance(named, str):
        return organisation_of(session, named)
    return known_or_new(session, ctx, name=named.name, uscc=named.uscc, kind=named.kind)


def _since(session: Session, row: Procurement, earlier: str | None, on: date) -> date | None:
    """Return when the time of a complaint began: the challenge's answer, or the day it was due if that is past."""
    if earlier is None:
        return None
    challenge = found(session.get(Dispute, earlier), kind="dispute", id=earlier)
    if challenge.kind != rules.CHALLENGE or challenge.procurement_id != row.id:
        return None
    return challenge.answered_on or (challenge.due_on if on > challenge.due_on else None)


@command("procurement.answer_dispute", roles=(*RUNNERS, Role.FINANCE_BUREAU), clause="LAW-ZFCG-53")
def answer_dispute(
    ctx: Context,
    *,
    dispute: str,
    upheld: Annotated[bool, Field(description="是否成立")],
    answer: Annotated[_Words, Field(description="答复(处理决定)内容(加密保存)")],
) -> DisputeKept:
    """Answer a query or challenge, or decide a complaint; the clock stops and a suspension ends.

    Raises ``Refusal`` ``procurement.not_the_judge`` (LAW-ZFCG-56: finance decides complaints, and only those),
    ``procurement.answered_already``.
    """
    with ctx.writing() as session:
        kept = _open(session, dispute)
        row = found(session.get(Procurement, kept.procurement_id), kind="procurement", id=kept.procurement_id)
        if (kept.kind == rules.COMPLAINT) is not (ctx.actor.role is Role.FINANCE_BUREAU):
            raise Refusal("procurement.not_the_judge", rule=rules.check_kind(kind=kept.kind))
        kept.answered_on, kept.upheld = ctx.as_of, upheld
        kept.answer_sealed = ctx.services.vault.seal(answer)
        session.add(kept)
        work.close_item(session, ctx, kind=_KIND, subject_id=kept.id)
        payload = {"dispute": kept.id, "kind": kept.kind, "upheld": upheld, "late": ctx.as_of > kept.due_on}
        note(session, ctx, row, "procurement.dispute_answered", payload)
        return _kept(kept)


@command("procurement.suspend", roles=(Role.FINANCE_BUREAU,), clause="LAW-ZFCG-57")
def suspend(
    ctx: Context,
    *,
    dispute: str,
    days: Annotated[int, Field(ge=1, le=366, description="暂停日数")],
) -> DisputeKept:
    """Suspend a purchase while a complaint is under way, for no longer than the law allows.

    Raises ``Refusal`` ``procurement.suspension_long`` (LAW-ZFCG-57), ``procurement.answered_already``,
    ``procurement.not_a_complaint``.
    """
    with ctx.writing() as session:
        kept = _open(session, dispute)
        row = found(session.get(Procurement, kept.procurement_id), kind="procurement", id=kept.procurement_id)
        if kept.kind != rules.COMPLAINT:
            raise Refusal("procurement.not_a_complaint", rule="LAW-ZFCG-57")
        until = rules.suspended_until(on=ctx.as_of, days=days, policy=policy_of(session, ctx, row))
        kept.suspended_until = until
        session.add(kept)
        note(session, ctx, row, "procurement.suspended", {"dispute": kept.id, "until": until.isoformat()})
        return _kept(kept)


def _open(session: Session, dispute: str) -> Dispute:
    kept = found(session.get(Dispute, dispute, with_for_update=True), kind="dispute", id=dispute)
    if kept.answered_on is not None:
        facts = {"on": kept.answered_on.isoformat()}
        raise Refusal("procurement.answered_already", rule="SYS-ALREADY-DONE", facts=facts)
    return kept


def _kept(row: Dispute) -> DisputeKept:
    return DisputeKept(
        id=row.id,
        due_on=row.due_on,
        answered=row.answered_on is not None,
        late=row.answered_on is not None and row.answered_on > row.due_on,
        suspended_until=row.suspended_until,
    )
