"""Rules of audit filing (S17): which bodies a finished project is filed with, and when both receipts are on file.

Pure; called by ``commands.audit`` and, before a project is closed, by ``commands.archive``. Never reads the database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.policy.schema import Policy
from models.rules.force import binding


@dataclass(frozen=True)
class Handover:
    """A filing with one body: the day it was prepared, and whether its receipt is on file already."""

    filed_on: date
    received: bool


def clause(*, policy: Policy) -> str | None:
    """Return the rule both receipts rest on in this region."""
    return binding(policy=policy, rules=("ZY-31", "SYS-RECEIPTS"))


def body_names(*, policy: Policy, bodies: Collection[str]) -> str:
    """Return the names of bodies as users read them, in policy order."""
    return "、".join(name for body, name in policy.audit.receipt_bodies.items() if body in bodies)


def missing_bodies(*, policy: Policy, received: Collection[str]) -> tuple[str, ...]:
    """Return the bodies whose receipt is not on file, in policy order."""
    return tuple(body for body in policy.audit.receipt_bodies if body not in received)


def check_not_prepared(*, prepared: Collection[str]) -> None:
    """Refuse a second filing of the same project. Raises ``Refusal`` ``audit.already_prepared``."""
    if prepared:
        raise Refusal("audit.already_prepared", rule="SYS-ALREADY-DONE")


def check_settled(*, open_: Sequence[str], policy: Policy) -> None:
    """Refuse to file a project that ended early while its money is under way or somebody waits for a team.

    ``open_`` says in words what is open. Raises ``Refusal`` ``audit.unsettled`` (ZY-93).
    """
    if open_:
        rule = binding(policy=policy, rules=("ZY-93", "SYS-SETTLED"))
        raise Refusal("audit.unsettled", rule=rule, facts={"open": "；".join(open_)})


def check_has_documents(*, count: int) -> None:
    """Refuse to hand over nothing. Raises ``Refusal`` ``audit.nothing_to_hand_over`` (SYS-RECEIPTS)."""
    if count == 0:
        raise Refusal("audit.nothing_to_hand_over", rule="SYS-RECEIPTS")


def check_receipt(
    *, body: str, filed: Handover | None, role: Role, received_on: date, as_of: date, policy: Policy
) -> None:
    """Refuse a receipt from the wrong hand, for no filing, recorded before, or dated outside [filing, today].

    A body records its own receipt; the evaluation office may do so on its behalf. Raises ``Refusal``
    ``audit.unknown_body``, ``audit.not_the_body``, ``audit.not_prepared``, ``audit.receipt_recorded_already``,
    ``audit.receipt_date``.
    """
    names = policy.audit.receipt_bodies
    if body not in names:
        facts = {"body": body, "known": "、".join(names)}
        raise Refusal("audit.unknown_body", rule=clause(policy=policy), facts=facts)
    if role not in (Role(body), Role.EVALUATION_OFFICE):
        raise Refusal("audit.not_the_body", rule="SYS-ROLE", facts={"role": ROLE_NAMES[role], "body": names[body]})
    if filed is None:
        raise Refusal("audit.not_prepared", rule=clause(policy=policy), facts={"body": names[body]})
    if filed.received:
        raise Refusal("audit.receipt_recorded_already", rule="SYS-ALREADY-DONE", facts={"body": names[body]})
    if not filed.filed_on <= received_on <= as_of:
        facts = {"received_on": received_on.isoformat(), "first": filed.filed_on.isoformat(), "last": as_of.isoformat()}
        raise Refusal("audit.receipt_date", rule="SYS-DATE", facts=facts)


def check_both_received(*, received: Collection[str], policy: Policy) -> None:
    """Refuse to close a project while a receipt is missing (ZY-31). Raises ``Refusal`` ``audit.receipt_missing``."""
    missing = missing_bodies(policy=policy, received=received)
    if missing:
        facts = {"bodies": body_names(policy=policy, bodies=missing)}
        raise Refusal("audit.receipt_missing", rule=clause(policy=policy), facts=facts)
