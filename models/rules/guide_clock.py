"""When the office's clocks start and stop (ZY-16): every entry of a step is a run of its own, read off the events.

Pure; called by ``commands.guide_clock``. The steps of a submission itself (intake, and the appraisal where it comes
first) run from the submission and are kept by ``commands.application_record``. Never reads the database or a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final


@dataclass(frozen=True)
class Happened:
    """One event of a project: its id, type and day."""

    id: str
    type: str
    on: date


@dataclass(frozen=True)
class Run:
    """One entry of a step: the event that started it, its day, the day it ended (``None``: it still runs)."""

    step: str
    event: str
    started_on: date
    ended_on: date | None = None


@dataclass(frozen=True)
class _Clock:
    starts: frozenset[str]
    ends: frozenset[str]


_OUT: Final = "project.withdrawn project.feasibility_voided"
"""What takes a project out of every step there is a clock for."""


def _clock(starts: str, ends: str) -> _Clock:
    return _Clock(frozenset(starts.split()), frozenset(f"{ends} {_OUT}".split()))


_COMMON: Final = {
    "county_opinion": _clock(
        "feasibility.report_compiled", "feasibility.opinion_given project.decided project.rejected"
    ),
    "decision": _clock(
        "publicity.closed project.decision_voided",
        "project.decided project.rejected project.objected project.objection_upheld project.publicity_voided"
        " project.review_voided",
    ),
    "approval": _clock(
        "project.decided project.modified project.approval_voided",
        "project.approved project.decision_voided project.publicity_voided project.review_voided",
    ),
}
_FEASIBILITY_FIRST: Final = _COMMON | {
    "review": _clock("project.appraised project.review_voided project.objection_upheld", "project.reviewed"),
}
_PANEL_FIRST: Final = _COMMON | {
    "review": _clock(
        "application.accepted project.objection_upheld",
        "project.reviewed project.application_superseded project.review_voided",
    ),
    "appraisal": _clock(
        "project.reviewed project.feasibility_voided",
        "project.appraised project.appraisal_failed project.review_opened project.review_voided",
    ),
}
EVENTS: Final = frozenset(
    name
    for clocks in (_FEASIBILITY_FIRST, _PANEL_FIRST)
    for clock in clocks.values()
    for name in clock.starts | clock.ends
)
"""The types of events that start or stop a clock."""

LAST_STARTS: Final = _COMMON["decision"].starts | _COMMON["approval"].starts
"""The types that start the last steps, in either order of panel and appraisal."""


def runs(*, events: Iterable[Happened], panel_first: bool) -> tuple[Run, ...]:
    """Return every run of every step, in the order of their starts; ``events`` are a project's, oldest first.

    A step entered anew before it ended (a new version of the report) ends the earlier run.
    """
    clocks = _PANEL_FIRST if panel_first else _FEASIBILITY_FIRST
    found: list[Run] = []
    open_: dict[str, int] = {}
    for event in events:
        for step, clock in clocks.items():
            starts = event.type in clock.starts
            if step in open_ and (starts or event.type in clock.ends):
                at = open_.pop(step)
                found[at] = replace(found[at], ended_on=event.on)
            if starts:
                open_[step] = len(found)
                found.append(Run(step, event.id, event.on))
    return tuple(found)
