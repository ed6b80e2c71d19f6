"""Rules of tickets: who answers, until when, what is told once, who takes over, and when a matter may be closed.

Pure; called by ``commands.ticket``. Knows no kind by name: they are rows of ``policy.tickets``.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from models.core.actors import ROLE_NAMES, Role
from models.core.calendar import Due, WorkCalendar
from models.core.errors import Refusal
from models.core.messages import sentence
from models.policy.schema import Policy
from models.policy.tickets import TicketKind
from models.rules.force import binding
from models.rules.units import Unit

_ONCE: Final = ("BJ-56",)  # first asked, A/B posts, everything told at once


def kind_of(policy: Policy, code: str) -> TicketKind:
    """Return a kind of ticket in force. Raises ``Refusal`` ``ticket.unknown`` (SYS-TICKET)."""
    known = policy.tickets.kinds or {}
    if code not in known:
        raise Refusal("ticket.unknown", rule="SYS-TICKET", facts={"kind": code, "known": "、".join(known) or "—"})
    return known[code]


def check_unit(*, kind: TicketKind, unit: Unit, role: Role, offices: tuple[Role, ...]) -> None:
    """Refuse a unit that has no such window, and a role that does not work at it.

    Raises ``Refusal`` ``ticket.wrong_level`` (the kind's rule), ``ticket.not_yours`` (SYS-ROLE).
    """
    if unit.level not in kind.lead:
        levels = "、".join(sentence(f"unit.level.{level}") for level in kind.lead)
        raise Refusal("ticket.wrong_level", rule=kind.rule, facts={"kind": kind.title, "levels": levels})
    if role not in {*offices, kind.lead[unit.level]}:
        facts = {"kind": kind.title, "role": ROLE_NAMES[kind.lead[unit.level]]}
        raise Refusal("ticket.not_yours", rule="SYS-ROLE", facts=facts)


def check_owner(*, kind: TicketKind, owner: str, backup: str, policy: Policy) -> None:
    """Refuse a matter without a second who stands in for the first asked, or with one and the same for both.

    Raises ``Refusal`` ``ticket.no_backup``.
    """
    rule = binding(policy=policy, rules=_ONCE) or kind.rule_of("owner")
    if kind.backup and (not backup or backup == owner):
        raise Refusal("ticket.no_backup", rule=rule, facts={"kind": kind.title})


def due_of(*, kind: TicketKind, opened_on: date, calendar: WorkCalendar) -> Due:
    """Return until when a matter is to be closed; an enquiry on the day it is asked."""
    if kind.working_days is None:
        return Due(opened_on, provisional=False)
    return calendar.add_working_days(opened_on, days=kind.working_days)


def check_notice(*, kind: TicketKind, notified_on: date | None, closed_on: date | None, policy: Policy) -> None:
    """Refuse a second notice of what is missing: the first had to name all. Raises ``Refusal`` ``ticket.told_once``,
    ``ticket.closed``.
    """
    check_open(kind=kind, closed_on=closed_on)
    if notified_on is not None:
        rule = binding(policy=policy, rules=_ONCE) or kind.rule_of("notice")
        raise Refusal("ticket.told_once", rule=rule, facts={"on": notified_on.isoformat()})


def check_open(*, kind: TicketKind, closed_on: date | None) -> None:
    """Refuse to act on a closed matter. Raises ``Refusal`` ``ticket.closed`` (SYS-TICKET)."""
    if closed_on is not None:
        raise Refusal("ticket.closed", rule="SYS-TICKET", facts={"kind": kind.title, "on": closed_on.isoformat()})


def check_receiver(*, kind: TicketKind, receiver: str, account: str, sender: str, pending: bool) -> None:
    """Refuse a hand-over to nobody by name, to oneself, or while another is not taken over yet.

    Raises ``Refusal`` ``ticket.no_receiver``, ``ticket.transfer_pending`` (the rule of transfers).
    """
    rule = kind.rule_of("transfer")
    if not receiver.strip() or not account.strip() or account == sender:
        raise Refusal("ticket.no_receiver", rule=rule)
    if pending:
        raise Refusal("ticket.transfer_pending", rule=rule)


def check_sender(*, actor: str, role: Role, owners: frozenset[str], offices: tuple[Role, ...]) -> None:
    """Refuse to take back a hand-over of another's matter, the bureaus excepted.

    Raises ``Refusal`` ``ticket.not_sender`` (SYS-ROLE).
    """
    if actor not in owners and role not in offices:
        raise Refusal("ticket.not_sender", rule="SYS-ROLE")


def check_acceptance(*, kind: TicketKind, receiver_account: str, actor: str) -> None:
    """Refuse anybody but the receiver who was named. Raises ``Refusal`` ``ticket.not_receiver``."""
    if receiver_account != actor:
        raise Refusal("ticket.not_receiver", rule=kind.rule_of("transfer"))


def check_answerer(*, kind: TicketKind, took_over: frozenset[str], actor: str) -> None:
    """Refuse an answer from another department that did not take the matter over. Raises ``ticket.not_receiver``."""
    if actor not in took_over:
        raise Refusal("ticket.not_receiver", rule=kind.rule_of("transfer"))


def check_closing(*, kind: TicketKind, answered_on: date | None, pending: bool) -> None:
    """Refuse to close what was not answered to the person who asked, or lies between two departments.

    Raises ``Refusal`` ``ticket.unanswered`` (the rule of answers), ``ticket.transfer_pending``.
    """
    if pending:
        raise Refusal("ticket.transfer_pending", rule=kind.rule_of("transfer"))
    if answered_on is None:
        raise Refusal("ticket.unanswered", rule=kind.rule_of("answer"), facts={"kind": kind.title})
