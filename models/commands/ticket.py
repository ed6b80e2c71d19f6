"""Commands of tickets (办事工单): window matters and hotline calls from the first word to the answer that is told back.

Kinds, limits and rules are ``policy.tickets``. What a person says and how to reach them is sealed at once; events hold
ids, dates and counts. The work item of a ticket is alerted by the daily deadline sweep like any other.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session, col, select

from models.commands import events, work
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.registry import command
from models.policy.tickets import TicketKind
from models.queries.reader import found, project_of
from models.queries.units import root_unit, unit_on
from models.rules import ticket as rules
from models.tables.ticket import Ticket, TicketTransfer

_KIND: Final = "ticket"
_OFFICES: Final = (Role.CITY_BUREAU, Role.COUNTY_BUREAU)
_ROLES: Final = (*_OFFICES, Role.TOWNSHIP)
_RECEIVERS: Final = (*_ROLES, Role.FINANCE_BUREAU, Role.DRC, Role.COUNTY_GOVERNMENT, Role.VILLAGE_COMMITTEE)

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Account = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class TicketKept(BaseModel):
    """The ticket as it stands after the act."""

    model_config = ConfigDict(frozen=True)

    id: str
    due_on: str
    answered: bool
    closed: bool
    late: bool


@command("ticket.open", roles=_ROLES, clause="SYS-TICKET")
def open_ticket(
    ctx: Context,
    *,
    kind: Annotated[str, Field(description="工单类别代码")],
    unit: Annotated[str | None, Field(description="区划代码;不填为本级")] = None,
    matter: Annotated[Words, Field(description="事项(加密保存)")],
    contact: Annotated[Words, Field(description="联系方式(加密保存)")],
    backup: Annotated[Account | None, Field(description="B岗账号")] = None,
    answer: Annotated[Words | None, Field(description="即时答复(加密保存)")] = None,
    project: Annotated[str | None, Field(description="所涉项目编号")] = None,
) -> TicketKept:
    """Take a matter in; whoever is asked first answers for it, with a second where policy wants one.

    Raises ``Refusal`` ``ticket.unknown``, ``ticket.wrong_level``, ``ticket.not_yours``, ``ticket.no_backup`` (BJ-56),
    ``kernel.not_found`` for a project nobody knows.
    """
    policy = ctx.policy(region=ctx.services.region)
    wanted = rules.kind_of(policy, kind)
    root = root_unit(policies=ctx.services.policies, region=policy.region)
    vault = ctx.services.vault
    with ctx.writing() as session:
        place = unit_on(session, root=root, code=unit or root.code, on=ctx.as_of)
        rules.check_unit(kind=wanted, unit=place, role=ctx.actor.role, offices=_OFFICES)
        rules.check_owner(kind=wanted, owner=ctx.actor.id, backup=backup or "", policy=policy)
        due = rules.due_of(kind=wanted, opened_on=ctx.as_of, calendar=ctx.services.calendar)
        row = Ticket(
            id=ctx.new_id("ticket"),
            kind=kind,
            rule=wanted.rule,
            unit_code=place.code,
            owner=ctx.actor.id,
            backup=backup or "",
            matter_sealed=vault.seal(matter),
            contact_sealed=vault.seal(contact),
            contact_hash=vault.lookup(contact),
            opened_on=ctx.as_of,
            due_on=due.date,
            provisional=due.provisional,
            project_id=project_of(session, project).id if project else None,
            policy_digest=policy.digest,
            synthetic=bool(ctx.synthetic),
        )
        if answer is not None:
            row.answered_on, row.answer_sealed = ctx.as_of, vault.seal(answer)
        _owe(session, ctx, row, role=wanted.lead[place.level], clause=policy.clause("tickets.kinds"))
        return _kept(session, ctx, row, "ticket.opened")


def _owe(session: Session, ctx: Context, row: Ticket, *, role: Role, clause: str) -> None:
    work.open_item(
        session,
        ctx,
        kind=_KIND,
        role=role,
        subject_kind="ticket",
        subject_id=row.id,
        due_on=row.due_on,
        provisional=row.provisional,
        clause=clause,
        resolves_with="ticket.close",
        project_id=row.project_id,
    )


@command("ticket.notify_missing", roles=_ROLES, clause="SYS-TICKET")
def notify_missing(
    ctx: Context,
    *,
    ticket: Annotated[str, Field(description="工单编号")],
    items: Annotated[tuple[Words, ...], Field(min_length=1, max_length=50, description="所缺的全部材料")],
) -> TicketKept:
    """Tell all that is missing, once. Raises ``Refusal`` ``ticket.told_once`` (BJ-56) the second time."""
    policy = ctx.policy(region=ctx.services.region)
    with ctx.writing() as session:
        row, kind = _row(session, ctx, ticket)
        rules.check_notice(kind=kind, notified_on=row.notified_on, closed_on=row.closed_on, policy=policy)
        row.notified_on, row.missing_items = ctx.as_of, len(items)
        row.missing_sealed = ctx.services.vault.seal("\n".join(items))
        return _kept(session, ctx, row, "ticket.missing_told")


@command("ticket.transfer", roles=_ROLES, clause="SYS-TICKET")
def transfer(
    ctx: Context,
    *,
    ticket: Annotated[str, Field(description="工单编号")],
    department: Annotated[str, Field(min_length=2, max_length=60, description="转往部门")],
    receiver: Annotated[str, Field(max_length=60, description="接收人姓名(加密保存)")] = "",
    account: Annotated[Account | None, Field(description="接收人账号")] = None,
) -> TicketKept:
    """Hand a matter to a named receiver of another department, who must take it over; the owner stays the owner.

    Raises ``Refusal`` ``ticket.no_receiver``, ``ticket.transfer_pending`` (BJ-58), ``ticket.closed``.
    """
    with ctx.writing() as session:
        row, kind = _row(session, ctx, ticket)
        rules.check_open(kind=kind, closed_on=row.closed_on)
        past = _transfers(session, row.id)
        named, pending = account or "", _pending(past) is not None
        rules.check_receiver(kind=kind, receiver=receiver, account=named, sender=ctx.actor.id, pending=pending)
        session.add(
            TicketTransfer(
                id=ctx.new_id("handover", row.id),
                ticket_id=row.id,
                ordinal=len(past) + 1,
                department=department,
                receiver_account=named,
                receiver_sealed=ctx.services.vault.seal(receiver.strip()),
                sent_on=ctx.as_of,
            )
        )
        return _kept(session, ctx, row, "ticket.transferred")


@command("ticket.take_back", roles=_ROLES, clause="SYS-TICKET")
def take_back(
    ctx: Context,
    *,
    ticket: Annotated[str, Field(description="工单编号")],
    reason: Annotated[Words, Field(description="撤回理由(加密保存)")],
) -> TicketKept:
    """Withdraw a hand-over that nobody took over (a wrong account, say); its row stays with the reason.

    Raises ``Refusal`` ``ticket.nothing_handed``, ``ticket.not_sender`` (SYS-ROLE), ``ticket.closed``.
    """
    with ctx.writing() as session:
        row, kind = _row(session, ctx, ticket)
        rules.check_open(kind=kind, closed_on=row.closed_on)
        rules.check_sender(
            actor=ctx.actor.id, role=ctx.actor.role, owners=frozenset({row.owner, row.backup}), offices=_OFFICES
        )
        waiting = _pending(_transfers(session, row.id))
        if waiting is None:
            raise Refusal("ticket.nothing_handed", rule="SYS-TICKET")
        waiting.withdrawn_on, waiting.withdrawn_reason_sealed = ctx.as_of, ctx.services.vault.seal(reason)
        session.add(waiting)
        return _kept(session, ctx, row, "ticket.taken_back")


@command("ticket.accept", roles=_RECEIVERS, clause="SYS-TICKET")
def accept(ctx: Context, *, ticket: Annotated[str, Field(description="工单编号")]) -> TicketKept:
    """Take over what was handed on. Raises ``Refusal`` ``ticket.not_receiver`` (BJ-58), ``ticket.nothing_handed``."""
    with ctx.writing() as session:
        row, kind = _row(session, ctx, ticket)
        waiting = _pending(_transfers(session, row.id))
        if waiting is None:
            raise Refusal("ticket.nothing_handed", rule="SYS-TICKET")
        rules.check_acceptance(kind=kind, receiver_account=waiting.receiver_account, actor=ctx.actor.id)
        waiting.accepted_on = ctx.as_of
        session.add(waiting)
        return _kept(session, ctx, row, "ticket.accepted")


@command("ticket.answer", roles=_RECEIVERS, clause="SYS-TICKET")
def answer(
    ctx: Context,
    *,
    ticket: Annotated[str, Field(description="工单编号")],
    reply: Annotated[Words, Field(description="答复内容(加密保存)")],
) -> TicketKept:
    """Record what was told to the person who asked; a later answer takes the place of an earlier one.

    Another department answers what it took over. Raises ``Refusal`` ``ticket.not_receiver`` (BJ-58), ``ticket.closed``.
    """
    with ctx.writing() as session:
        row, kind = _row(session, ctx, ticket)
        rules.check_open(kind=kind, closed_on=row.closed_on)
        if ctx.actor.role not in _ROLES:
            took_over = {one.receiver_account for one in _transfers(session, row.id) if one.accepted_on is not None}
            rules.check_answerer(kind=kind, took_over=frozenset(took_over), actor=ctx.actor.id)
        row.answered_on, row.answer_sealed = ctx.as_of, ctx.services.vault.seal(reply)
        return _kept(session, ctx, row, "ticket.answered")


@command("ticket.close", roles=_ROLES, clause="SYS-TICKET")
def close(ctx: Context, *, ticket: Annotated[str, Field(description="工单编号")]) -> TicketKept:
    """Close an answered matter; closed after its due date is kept as late.

    Raises ``Refusal`` ``ticket.unanswered`` (BJ-57), ``ticket.transfer_pending`` (BJ-58), ``ticket.closed``.
    """
    with ctx.writing() as session:
        row, kind = _row(session, ctx, ticket)
        rules.check_open(kind=kind, closed_on=row.closed_on)
        pending = _pending(_transfers(session, row.id)) is not None
        rules.check_closing(kind=kind, answered_on=row.answered_on, pending=pending)
        row.closed_on, row.late = ctx.as_of, ctx.as_of > row.due_on
        work.close_item(session, ctx, kind=_KIND, subject_id=row.id)
        return _kept(session, ctx, row, "ticket.closed")


def _row(session: Session, ctx: Context, ticket: str) -> tuple[Ticket, TicketKind]:
    row = found(session.get(Ticket, ticket, with_for_update=True), kind="ticket", id=ticket)
    return row, rules.kind_of(ctx.policy(region=ctx.services.region, on=row.opened_on), row.kind)


def _transfers(session: Session, ticket: str) -> list[TicketTransfer]:
    statement = select(TicketTransfer).where(col(TicketTransfer.ticket_id) == ticket)
    return list(session.exec(statement.order_by(col(TicketTransfer.ordinal))).all())


def _pending(handed: list[TicketTransfer]) -> TicketTransfer | None:
    """Return the hand-over that waits for its receiver; there is at most one."""
    return next((one for one in handed if one.accepted_on is None and one.withdrawn_on is None), None)


def _kept(session: Session, ctx: Context, row: Ticket, type: str) -> TicketKept:
    session.add(row)
    session.flush()
    payload = {
        "ticket": row.id,
        "kind": row.kind,
        "rule": row.rule,
        "due_on": row.due_on.isoformat(),
        "missing_items": row.missing_items,
        "late": row.late,
    }
    events.append(session, ctx, stream_kind=_KIND, stream_id=row.id, type=type, payload=payload)
    return TicketKept(
        id=row.id,
        due_on=row.due_on.isoformat(),
        answered=row.answered_on is not None,
        closed=row.closed_on is not None,
        late=row.late,
    )
