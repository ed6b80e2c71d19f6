"""Rules of the administrative units: which level stands below which, and sums that go up the tree.

Pure; called by ``commands.unit``, ``rules.duty`` and ``queries.library``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from models.core.errors import Refusal
from models.core.messages import sentence

_BELOW: Final = {
    "province": ("city", "county"),  # a municipality has its districts right below it
    "city": ("county",),
    "county": ("township",),
    "township": ("village",),
}


@dataclass(frozen=True)
class Unit:
    """One unit of the tree; ``parent`` is ``None`` for the region served."""

    code: str
    name: str
    level: str
    parent: str | None


@dataclass(frozen=True)
class Placed:
    """A project where it stands: unit, amount in fen (``None`` while nothing was applied for), whether it has left."""

    project: str
    unit: str
    amount_fen: int | None
    left: bool


@dataclass
class Sums:
    """What stands at a unit itself (``own_…``) and at it with everything below; those that left are counted apart."""

    own_projects: int = 0
    own_fen: int = 0
    projects: int = 0
    fen: int = 0
    left: int = 0
    unpriced: int = 0
    children: list[str] = field(default_factory=list)


def check_place(*, unit: Unit, units: Mapping[str, Unit]) -> None:
    """Refuse a unit whose parent is unknown or not one level above it (ZY-43).

    Raises ``Refusal`` ``unit.parent_unknown``, ``unit.level_wrong``.
    """
    parent = units.get(unit.parent or "")
    facts = {"unit": unit.name, "parent": unit.parent or ""}
    if parent is None:
        raise Refusal("unit.parent_unknown", rule="ZY-43", facts=facts)
    wanted = _BELOW.get(parent.level, ())
    if unit.level not in wanted:
        below = "、".join(sentence(f"unit.level.{level}") for level in wanted) or sentence("unit.level.none")
        raise Refusal("unit.level_wrong", rule="ZY-43", facts=facts | {"parent": parent.name, "below": below})


def walk(units: Sequence[Unit]) -> Iterator[tuple[int, Unit]]:
    """Yield (depth, unit) from the top down, each unit before those below it, siblings by code."""
    below: dict[str | None, list[Unit]] = defaultdict(list)
    for unit in sorted(units, key=lambda one: one.code):
        below[unit.parent].append(unit)
    waiting = [(0, unit) for unit in reversed(below[None])]
    while waiting:
        depth, unit = waiting.pop()
        yield depth, unit
        waiting += [(depth + 1, child) for child in reversed(below[unit.code])]


def roll_up(*, units: Sequence[Unit], placed: Iterable[Placed]) -> dict[str, Sums]:
    """Return the sums of every unit, empty ones too: each project counts once at its unit and once at each above it.

    Raises ``KeyError`` for a project that stands at no known unit: a roll-up must not lose one.
    """
    sums = {unit.code: Sums() for unit in units}
    for one in placed:
        here = sums[one.unit]
        if one.left:
            here.left += 1
            continue
        here.own_projects += 1
        here.own_fen += one.amount_fen or 0
        here.unpriced += one.amount_fen is None
    for here in sums.values():
        here.projects, here.fen = here.own_projects, here.own_fen
    for _, unit in reversed(list(walk(units))):
        if unit.parent is not None:
            above, here = sums[unit.parent], sums[unit.code]
            above.children.append(unit.code)
            above.projects += here.projects
            above.fen += here.fen
            above.left += here.left
            above.unpriced += here.unpriced
    return sums
