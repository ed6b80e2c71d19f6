"""Rules of the delivery of alerts: who is told of a work item, and which alerts are no longer told.

Pure; called by ``commands.alerts``. Levels and days are policy; texts are the message catalogue's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

OVERDUE: Final = "overdue"
SUPERVISOR: Final = "supervisor"
NOBODY: Final = "-"
"""Stands for the account in the receipt of an alert that nobody could be told."""

OWN_ONLY: Final = frozenset(
    {"contractor", "purchaser", "tender_agency", "third_party_evaluator", "expert", "donor", "recipient"}
)
"""Roles of many bodies or persons that must not learn of each other's work: told of their own only."""


class Suppressed(StrEnum):
    """Why an alert is not told to somebody."""

    NO_CONTACT = "no_contact"  # nobody is registered for the role and unit: who supervises is told instead
    NO_CHANNEL = "no_channel"  # the installation has no address to send through
    DONE = "done"  # the item was closed before the alert went out
    MOVED = "moved"  # the item has another due date by now
    SUPERSEDED = "superseded"  # a later level of the same item goes out instead


@dataclass(frozen=True)
class Reachable:
    """A registered contact, without its address."""

    id: str
    account: str
    role: str
    unit: str
    supervises: bool
    since: date = date.min


@dataclass(frozen=True)
class Subject:
    """Whose business a work item is: the role, the units that must act, accounts named in person; ``above``: units
    whose supervisors see it done.
    """

    role: str
    units: frozenset[str]
    accounts: frozenset[str] = frozenset()
    above: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Raised:
    """An alert, or a line of a message, with its item: ``due_on`` is its own, ``item_due_on`` the item's at present."""

    id: str
    item: str
    level: str
    due_on: date
    raised_on: date
    open: bool
    item_due_on: date


def is_overdue(level: str) -> bool:
    """Say whether an alert of this level is told in the day's digest."""
    return level == SUPERVISOR or level.startswith(OVERDUE)


def told(
    *, level: str, subject: Subject, contacts: Iterable[Reachable], supervisors: Mapping[str, str]
) -> tuple[Reachable, ...]:
    """Return who is told of an alert, one contact an account, sorted by account.

    Before and after the due date whoever must act; at the level ``supervisor`` those who supervise them.
    """
    supervisor = level == SUPERVISOR
    role = supervisors.get(subject.role, subject.role) if supervisor else subject.role
    units = subject.units | subject.above if supervisor else subject.units
    found = (
        one
        for one in contacts
        if one.supervises is supervisor
        and ((one.role == role and one.unit in units) or (not supervisor and one.account in subject.accounts))
    )
    accounts = {one.account: one for one in sorted(found, key=lambda one: one.id, reverse=True)}
    return tuple(accounts[account] for account in sorted(accounts))


def untold(*, alert: Raised, newest: str) -> Suppressed | None:
    """Return why an alert is told to nobody any more, ``None`` when it is told.

    ``newest`` is the latest alert of the same item, due date and hearer (supervisors hear apart from the others).
    Asked when messages are made, and of each line again right before its message leaves.
    """
    if not alert.open:
        return Suppressed.DONE
    if alert.due_on != alert.item_due_on:
        return Suppressed.MOVED
    return None if alert.id == newest else Suppressed.SUPERSEDED


def newest_of(alerts: Iterable[Raised]) -> dict[tuple[str, bool], str]:
    """Return (item, for supervisors) → the id of its latest alert for the present due date."""
    present = [one for one in alerts if one.due_on == one.item_due_on]
    return {
        (one.item, one.level == SUPERVISOR): one.id
        for one in sorted(present, key=lambda one: (one.raised_on, is_overdue(one.level), one.id))
    }
