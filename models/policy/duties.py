"""What a recurring or dated duty is, as policy data: who owes it, when it is due, what proves it was done.

Owns the reading of one duty from YAML; used by ``sections_around`` as a kind of value and by ``rules.duty``. Planning
dispatches, trainings, pilot reports, inspections, venue checks and disclosures are all rows of such tables, never code.
Must never know a duty by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Annotated, Final, Literal, get_args

from models.core.actors import Role
from models.policy.reading import count, day, items, mapping, one_of, text
from models.policy.values import Kind

Evidence = Literal["minutes", "report", "case", "receipt", "participants", "consulted"]
EVIDENCE: Final[tuple[str, ...]] = get_args(Evidence)
LEVELS: Final = ("province", "city", "county", "township", "village")
_STRENGTHS: Final = ("M", "S")
_KEYS: Final = {
    "rule",
    "title",
    "strength",
    "lead",
    "evidence",
    "every_months",
    "times",
    "windows",
    "starts_on",
    "parts",
    "after",
    "cooperating",
    "proof_rules",
}


@dataclass(frozen=True)
class Window:
    """One dated task: from ``first`` to ``last``, both included; ``key`` is its period's label."""

    key: str
    first: date
    last: date


@dataclass(frozen=True)
class Duty:
    """One duty. ``lead`` is level of unit → role that answers for it: every unit of these levels owes the duty.

    Exactly one of three: ``every_months`` (a calendar period, ``times`` in each), ``windows`` (fixed dates), or neither
    (a log without a cadence, kept from ``starts_on``, that never closes). ``evidence`` is what a record must bring,
    ``parts`` the parts its report must have, ``after`` the duties that go before (out of order is flagged, never
    refused), ``cooperating`` who works along, ``proof_rules`` the rule that asks for a proof (or for ``parts``) where
    it is not the duty's own. Strength M becomes a due row, S is only kept in the ledger.
    """

    rule: str
    title: str
    strength: str
    lead: Mapping[str, Role]
    evidence: tuple[str, ...]
    every_months: int | None
    times: int
    windows: tuple[Window, ...]
    starts_on: date | None
    parts: Mapping[str, str]
    after: tuple[str, ...]
    cooperating: tuple[str, ...]
    proof_rules: Mapping[str, str]

    @property
    def is_log(self) -> bool:
        """Whether nothing is ever due: entries are kept as they come."""
        return self.every_months is None and not self.windows


def _read_table(raw: object) -> Mapping[str, Duty]:
    table = {text(code): _duty(entry) for code, entry in mapping(raw).items()}
    if any(before not in table for duty in table.values() for before in duty.after):
        raise ValueError
    return MappingProxyType(table)


def _duty(raw: object) -> Duty:
    given = mapping(raw)
    if set(given) - _KEYS:
        raise ValueError
    duty = Duty(
        rule=text(given.get("rule")),
        title=text(given.get("title")),
        strength=one_of(given.get("strength"), _STRENGTHS),
        lead=MappingProxyType(
            {one_of(level, LEVELS): Role(text(role)) for level, role in mapping(given.get("lead")).items()}
        ),
        evidence=tuple(one_of(item, EVIDENCE) for item in items(given.get("evidence", []))),
        every_months=_months(given.get("every_months")),
        times=count(given.get("times", 1)),
        windows=tuple(_window(item) for item in items(given.get("windows", []))),
        starts_on=day(given["starts_on"]) if given.get("starts_on") is not None else None,
        parts=MappingProxyType({text(key): text(name) for key, name in mapping(given.get("parts", {})).items()}),
        after=tuple(text(item) for item in items(given.get("after", []))),
        cooperating=tuple(text(item) for item in items(given.get("cooperating", []))),
        proof_rules=MappingProxyType(
            {
                one_of(key, (*EVIDENCE, "parts")): text(rule)
                for key, rule in mapping(given.get("proof_rules", {})).items()
            }
        ),
    )
    if not duty.lead or (duty.every_months is not None and duty.windows) or (duty.times > 1 and not duty.every_months):
        raise ValueError
    return duty


def _window(raw: object) -> Window:
    given = mapping(raw)
    if set(given) != {"key", "first", "last"}:
        raise ValueError
    window = Window(text(given["key"]), day(given["first"]), day(given["last"]))
    if window.last < window.first:
        raise ValueError
    return window


def _months(raw: object) -> int | None:
    if raw is None:
        return None
    months = count(raw)
    if 12 % months:
        raise ValueError
    return months


DutyTable = Annotated[
    Mapping[str, Duty],
    Kind("duties", _read_table, "代码: {rule, title, strength, lead, evidence, every_months 或 windows}"),
]
