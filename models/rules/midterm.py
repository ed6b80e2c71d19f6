"""Rules of the midterm evaluation (S14): who owes one and when, what it must say, when its disposition takes effect.

Pure; called by ``commands.midterm``, ``commands.midterm_decision`` and ``queries.midterm``. Never reads the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.money import Money
from models.core.periods import Period, add_months
from models.policy.schema import Policy
from models.rules.force import binding

_MONTHS_A_YEAR: Final = 12
FUNDING: Final = "remaining_funding"
KINDS: Final = ("department", "locality")
"""Whom a re-decision hears: departments concerned, and the locality (ZY-104)."""


class Disposition(StrEnum):
    """What may become of a project; CONVERT hands it over to another one."""

    STOP = "STOP"
    DEFER = "DEFER"
    CONVERT = "CONVERT"
    CONTINUE = "CONTINUE"


ENDING: Final = frozenset({Disposition.STOP, Disposition.CONVERT})


class Timing(StrEnum):
    """When an evaluation was held; ``VOLUNTARY`` for a project that owes none."""

    IN_WINDOW = "in_window"
    LATE = "late"
    VOLUNTARY = "voluntary"


def window_of(*, term: Period | None, started_on: date, policy: Policy) -> Period | None:
    """Return the days in which a project owes its evaluation, ``None`` when it owes none (ZY-101).

    ``term`` is the planned period. Strictly longer than the years of policy: exactly five owe none, a day more does.
    The last day of the window is inside.
    """
    leaves = policy.midterm
    if leaves.trigger_years is None or leaves.window_from_years is None or leaves.window_to_years is None:
        return None
    if term is None or term.end is None:
        return None
    if term.days <= Period.lasting(term.start, months=_MONTHS_A_YEAR * leaves.trigger_years).days:
        return None
    return Period.through(
        add_months(started_on, months=_MONTHS_A_YEAR * leaves.window_from_years),
        add_months(started_on, months=_MONTHS_A_YEAR * leaves.window_to_years),
    )


def timing(*, window: Period | None, on: date, changed: bool = False, policy: Policy) -> Timing:
    """Return how an evaluation of this day stands to its window; one that is late is recorded, not refused.

    Before the window a project is evaluated only when its money or conditions ``changed``: it cannot wait (ZY-105), and
    the evaluation it owes is still to come. Raises ``Refusal`` ``midterm.too_early`` (ZY-101).
    """
    if window is None or (on < window.start and changed):
        return Timing.VOLUNTARY
    if on < window.start:
        facts = {"from": window.start.isoformat(), "until": str(window.last_day), "source": _source(policy)}
        raise Refusal("midterm.too_early", rule=binding(policy=policy, rules=("ZY-101", "SYS-MIDTERM")), facts=facts)
    return Timing.IN_WINDOW if on in window else Timing.LATE


def check_findings(*, reasons: Mapping[str, str], policy: Policy) -> None:
    """Refuse an evaluation without its two findings, each with its reason; unknown ones are refused too.

    Raises ``Refusal`` ``midterm.not_here`` where the region has none, ``midterm.finding_unknown`` (SYS-CODE-LIST),
    ``midterm.finding_missing`` (ZY-102).
    """
    wanted = policy.midterm.findings
    if wanted is None or policy.midterm.dispositions is None:
        raise Refusal("midterm.not_here", rule="SYS-MIDTERM")
    unknown = [code for code in reasons if code not in wanted]
    if unknown:
        facts = {"given": "、".join(unknown), "known": "、".join(wanted)}
        raise Refusal("midterm.finding_unknown", rule="SYS-CODE-LIST", facts=facts)
    missing = [name for code, name in wanted.items() if not reasons.get(code, "").strip()]
    if missing:
        rule = binding(policy=policy, rules=("ZY-102", "SYS-MIDTERM"))
        raise Refusal("midterm.finding_missing", rule=rule, facts={"findings": "、".join(missing)})


def check_disposition(*, disposition: str, analysed: bool, policy: Policy) -> Disposition:
    """Return the disposition; refuse one that is none of the four, or that no analysis of change leads to (ZY-103).

    Raises ``Refusal`` ``midterm.disposition_unknown`` or ``midterm.not_analysed``.
    """
    known = policy.midterm.dispositions or {}
    rule = binding(policy=policy, rules=("ZY-103", "SYS-MIDTERM"))
    if disposition not in known:
        facts = {"given": disposition, "known": "、".join(f"{code}（{name}）" for code, name in known.items())}
        raise Refusal("midterm.disposition_unknown", rule=rule, facts=facts)
    if not analysed:
        raise Refusal("midterm.not_analysed", rule=rule)
    return Disposition(disposition)


def check_plan(
    *, planned: bool, policy: Policy, funds_assured: bool = True, conditions_changed: bool = False, ending: bool = False
) -> None:
    """Refuse a project without assured funds, under changed conditions or about to end that has no plan with its
    estimated loss.

    Raises ``Refusal`` ``midterm.plan_missing`` (ZY-105).
    """
    if (not funds_assured or conditions_changed or ending) and not planned:
        raise Refusal("midterm.plan_missing", rule=binding(policy=policy, rules=("ZY-105", "SYS-MIDTERM")))


def check_assessed(*, assessed: bool, decided: bool, policy: Policy) -> None:
    """Refuse a re-decision on nothing, or on what was decided already (``midterm.not_assessed``, ZY-104)."""
    if not assessed or decided:
        raise Refusal("midterm.not_assessed", rule=binding(policy=policy, rules=("ZY-104", "SYS-MIDTERM")))


def check_authority(*, role: Role, authority: str, policy: Policy) -> None:
    """Refuse a re-decision by another body than decided the project in the first place.

    Raises ``Refusal`` ``midterm.wrong_authority`` (ZY-104).
    """
    if role != authority:
        facts = {"authority": ROLE_NAMES[Role(authority)], "role": ROLE_NAMES[role]}
        raise Refusal(
            "midterm.wrong_authority", rule=binding(policy=policy, rules=("ZY-104", "SYS-MIDTERM")), facts=facts
        )


def check_consulted(*, kinds: Collection[str], policy: Policy) -> None:
    """Refuse a re-decision before departments and locality were heard (``midterm.not_consulted``, ZY-104)."""
    if not set(KINDS) <= set(kinds):
        raise Refusal("midterm.not_consulted", rule=binding(policy=policy, rules=("ZY-104", "SYS-MIDTERM")))


def check_owned(*, unowned: int, successor: bool, team: bool, policy: Policy) -> None:
    """Refuse to end a project while people it serves would be nobody's (ZY-28).

    ``unowned`` people were not referred one by one; a ``successor`` project takes all of them when it has a ``team``
    under contract. Raises ``Refusal`` ``midterm.no_team`` or ``midterm.recipients_left``.
    """
    if not policy.delivery.no_recipient_left or not unowned:
        return
    rule = binding(policy=policy, rules=("ZY-28", "SYS-NO-RECIPIENT-LEFT"))
    if successor and not team:
        raise Refusal("midterm.no_team", rule=rule, facts={"persons": unowned})
    if not successor:
        raise Refusal("midterm.recipients_left", rule=rule, facts={"persons": unowned})


def check_successor(*, disposition: Disposition, named: bool, other: bool, same_region: bool) -> None:
    """Refuse a conversion into nothing, a successor of a project that goes on, and one of another region or itself.

    Raises ``Refusal`` ``midterm.successor_missing`` or ``midterm.successor_wrong`` (SYS-MIDTERM).
    """
    if disposition is Disposition.CONVERT and not named:
        raise Refusal("midterm.successor_missing", rule="SYS-MIDTERM")
    if named and (disposition not in ENDING or not other or not same_region):
        raise Refusal("midterm.successor_wrong", rule="SYS-MIDTERM")


def _source(policy: Policy) -> str:
    return policy.clause("midterm.window_from_years")


def check_demand(*, amount: Money, paid: Money) -> None:
    """Refuse to demand back more than was paid (``midterm.over_demand``, SYS-BALANCE)."""
    if amount > paid:
        raise Refusal("midterm.over_demand", rule="SYS-BALANCE", facts={"amount": str(amount), "paid": str(paid)})


def check_served_before(*, days: Collection[date], deferrals: Collection[Period], policy: Policy) -> None:
    """Refuse services of days on which their project was deferred, resumed or not since
    (``midterm.served_while_deferred``, ZY-104).
    """
    while_deferred = [day for day in days if any(day in deferral for deferral in deferrals)]
    if while_deferred:
        rule = binding(policy=policy, rules=("ZY-104", "SYS-MIDTERM"))
        since = max(one.start for one in deferrals if min(while_deferred) in one)
        facts = {"records": len(while_deferred), "since": since.isoformat()}
        raise Refusal("midterm.served_while_deferred", rule=rule, facts=facts)
