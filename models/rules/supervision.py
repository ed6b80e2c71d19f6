"""Rules of scheduled supervision (S13): the periods of a schedule, and what satisfies one of them.

Pure; called by ``commands.scheduled`` and ``queries.supervision``. Knows no schedule by name: they are policy data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from models.core.periods import add_months
from models.policy.schema import Policy
from models.policy.supervision import Schedule
from models.rules.monitoring import phase_of

SUPERVISED: Final = frozenset({"approved", "planned", "in_progress", "completed", "self_checked", "not_accepted"})
"""States in which a project owes records of its phases."""

_ONCE_A_REGION: Final = frozenset({"inspection"})


@dataclass(frozen=True)
class Turn:
    """One period of a schedule, both days included."""

    first: date
    last: date


@dataclass(frozen=True)
class Act:
    """One supervision record: its day, line, phase, codes of its findings, and whether others took part."""

    on: date
    line: str
    phase: str
    findings: frozenset[str]
    joint: bool


def of_region(schedule: Schedule) -> bool:
    """Say whether the region owes it once, not each project."""
    return schedule.act in _ONCE_A_REGION


def turns(*, since: date, as_of: date, months: int) -> Iterator[Turn]:
    """Yield the periods from ``since`` that have begun by ``as_of``, oldest first."""
    number = 0
    while (first := add_months(since, months=number * months)) <= as_of:
        yield Turn(first, add_months(since, months=(number + 1) * months) - timedelta(days=1))
        number += 1


def months_of(*, schedule: Schedule, policy: Policy) -> int:
    """Return the interval of a schedule: its own, else that of inspections here."""
    return schedule.every_months or policy.monitoring.inspection_months


def satisfied(*, schedule: Schedule, turn: Turn, acts: Sequence[Act]) -> bool:
    """Say whether records of a period do what a supervision schedule asks (ZY-26, BJ-04, BJ-43, BJ-44, HS-30 …).

    With ``aspects`` one record alone must cover all of them; ``parties`` counts the lines that spoke.
    """
    within = [act for act in acts if turn.first <= act.on <= turn.last]
    fitting = [
        act
        for act in within
        if (not schedule.lines or act.line in schedule.lines)
        and act.findings.issuperset(schedule.aspects)
        and (act.joint or not schedule.joint)
    ]
    if schedule.parties:
        return len({act.line for act in fitting}) >= schedule.parties
    return bool(fitting)


def phases_owed(*, state: str, acts: Sequence[Act], policy: Policy) -> tuple[tuple[str, bool], ...]:
    """Return the phases up to the present one that have no record, each with whether it is over (ZY-107, FZ-51)."""
    order = list(policy.monitoring.phases)
    if state not in SUPERVISED:
        return ()
    present = order.index(phase_of(state=state))
    seen = {act.phase for act in acts}
    return tuple((phase, place < present) for place, phase in enumerate(order[: present + 1]) if phase not in seen)
