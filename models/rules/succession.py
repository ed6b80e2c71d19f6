"""Rules of who answers for a recipient (ZY-28): a team under contract, the street office meanwhile, or another unit.

Pure; called by ``commands.succession``, ``commands.midterm_decision`` and ``queries.succession``. Never reads the
database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from models.core.errors import Refusal
from models.policy.schema import Policy
from models.rules.force import binding

TEAM: Final = "team"
INTERIM: Final = "interim"
REFERRED: Final = "referred"
GONE: Final = "gone"
"""Somebody who died, moved away, lives in an institution, needs nothing or declined it: no recipient any more."""
SERVING: Final = ("in_progress", "deferred")
ENDED: Final = ("stopped", "converted", "referred")
"""States of a project that ended before its services were complete: everybody has gone to somebody else."""
ALIVE: Final = ("signed", "running")
"""States of a contract whose team answers for the people it planned or served."""


def has_owner(*, kind: str | None, teams: Collection[str], alive: Collection[str], cared_for: bool) -> bool:
    """Say whether somebody answers for a recipient.

    ``kind`` is that of the newest recorded owner, ``teams`` the contracts that planned, served or took over the person,
    ``alive`` the contracts that run. An interim owner counts only while its task is due (``cared_for``).
    """
    if kind in (REFERRED, GONE) or any(team in alive for team in teams):
        return True
    return kind == INTERIM and cared_for


def check_all_taken(*, waiting: int, policy: Policy) -> None:
    """Refuse to complete a project while people it lost a team for wait with the street office (ZY-28).

    Raises ``Refusal`` ``delivery.people_waiting``.
    """
    if waiting:
        rule = binding(policy=policy, rules=("ZY-28", "SYS-NO-RECIPIENT-LEFT"))
        raise Refusal("delivery.people_waiting", rule=rule, facts={"persons": waiting})


def check_team(*, running: Sequence[str], named: str, policy: Policy) -> None:
    """Refuse a take-over by a contract of the project that does not run, or by which of several is not said (ZY-28).

    Raises ``Refusal`` ``delivery.no_team``.
    """
    if (named and named not in running) or (not named and len(running) != 1):
        rule = binding(policy=policy, rules=("ZY-28", "SYS-NO-RECIPIENT-LEFT"))
        raise Refusal("delivery.no_team", rule=rule, facts={"count": len(running)})


def check_takeover(*, unknown: int, persons: int, policy: Policy) -> None:
    """Refuse a take-over of nobody, or of people who do not wait for a team (ZY-28).

    Raises ``Refusal`` ``delivery.nobody_waiting`` or ``delivery.not_waiting``.
    """
    rule = binding(policy=policy, rules=("ZY-28", "SYS-NO-RECIPIENT-LEFT"))
    if unknown:
        raise Refusal("delivery.not_waiting", rule=rule, facts={"unknown": unknown, "persons": persons})
    if not persons:
        raise Refusal("delivery.nobody_waiting", rule=rule)


def check_named(*, whole: bool, named: int, policy: Policy) -> None:
    """Refuse to hand people over by number alone: each goes to the next unit by name (ZY-28).

    Raises ``Refusal`` ``delivery.handover_unnamed``.
    """
    if whole and not named:
        rule = binding(policy=policy, rules=("ZY-28", "SYS-NO-RECIPIENT-LEFT"))
        raise Refusal("delivery.handover_unnamed", rule=rule)


def check_declined(*, cause: str, signed: bool) -> None:
    """Refuse to let somebody go as having declined who did not sign it (``delivery.unsigned_end``, SYS-END-SERVICE)."""
    if cause == "declined" and not signed:
        raise Refusal("delivery.unsigned_end", rule="SYS-END-SERVICE")
