"""What supervision a region schedules, as policy data: who must act, how often or in which phase, what satisfies it.

Owns the reading of one schedule from YAML; used by ``sections_execution`` as a kind of value and by
``rules.supervision``. Must never know a schedule by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from models.core.actors import Role
from models.policy.reading import count, items, mapping, one_of, text
from models.policy.values import Kind

ACTS: Final = ("supervision", "phase", "report", "follow_up", "inspection", "attendance")
_KEYS: Final = {"rule", "title", "act", "lead", "lines", "aspects", "parties", "joint", "every_months"}


@dataclass(frozen=True)
class Schedule:
    """One schedule. ``act`` says what satisfies a period of it: a supervision record (on one of ``lines``, none: any;
    covering all ``aspects``; ``joint`` with others; or records of so many ``parties``), a record in each ``phase``, the
    contractor's ``report``, a closed ``follow_up``, a published ``inspection`` round, key-post ``attendance``.

    Every role of ``lead`` owes it. Without ``every_months`` the region's own interval of inspections counts.
    """

    rule: str
    title: str
    act: str
    lead: tuple[Role, ...]
    lines: tuple[str, ...]
    aspects: tuple[str, ...]
    parties: int
    joint: bool
    every_months: int | None


def _read_table(raw: object) -> Mapping[str, Schedule]:
    return MappingProxyType({text(code): _schedule(entry) for code, entry in mapping(raw).items()})


def _schedule(raw: object) -> Schedule:
    given = mapping(raw)
    lead = tuple(Role(text(role)) for role in items(given.get("lead")))
    joint = given.get("joint", False)
    if set(given) - _KEYS or not lead or not isinstance(joint, bool):
        raise ValueError
    months = given.get("every_months")
    return Schedule(
        rule=text(given.get("rule")),
        title=text(given.get("title")),
        act=one_of(given.get("act"), ACTS),
        lead=lead,
        lines=tuple(text(line) for line in items(given.get("lines", []))),
        aspects=tuple(text(aspect) for aspect in items(given.get("aspects", []))),
        parties=count(given["parties"]) if "parties" in given else 0,
        joint=joint,
        every_months=None if months is None else count(months),
    )


ScheduleTable = Annotated[
    Mapping[str, Schedule],
    Kind("schedules", _read_table, "代码: {rule, title, act, lead, lines, aspects, parties, joint, every_months}"),
]
