"""What a kind of ticket (办事工单) is, as policy data: window matters and hotline calls, their limits and their rules.

Owns the reading of one kind from YAML; used by ``sections_around`` as a kind of value and by ``rules.ticket``. Must
never know a kind by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from models.core.actors import Role
from models.policy.duties import LEVELS
from models.policy.reading import count, mapping, one_of, text
from models.policy.values import Kind

STEPS: Final = ("owner", "notice", "limit", "answer", "transfer")


@dataclass(frozen=True)
class TicketKind:
    """One kind. ``lead`` is level of unit → role that handles the tickets of such units.

    ``working_days`` is the limit (``None``: answered the day it is asked); ``backup`` whether the first who is asked
    names a second (A/B posts). ``rules`` names the rule of a step where it is not the kind's own: who answers for it
    (``owner``), the one notice of all that is missing (``notice``), the ``limit``, the ``answer`` that is told back,
    the ``transfer`` to another department.
    """

    rule: str
    title: str
    lead: Mapping[str, Role]
    working_days: int | None
    backup: bool
    rules: Mapping[str, str]

    def rule_of(self, step: str) -> str:
        """Return the rule that governs a step."""
        return self.rules.get(step, self.rule)


def _read_table(raw: object) -> Mapping[str, TicketKind]:
    return MappingProxyType({text(code): _kind(entry) for code, entry in mapping(raw).items()})


def _kind(raw: object) -> TicketKind:
    given = mapping(raw)
    if set(given) - {"rule", "title", "lead", "working_days", "backup", "rules"}:
        raise ValueError
    backup, days = given.get("backup", False), given.get("working_days")
    if not isinstance(backup, bool) or not given.get("lead"):
        raise ValueError
    return TicketKind(
        rule=text(given.get("rule")),
        title=text(given.get("title")),
        lead=MappingProxyType({one_of(key, LEVELS): Role(text(role)) for key, role in mapping(given["lead"]).items()}),
        working_days=None if days is None else count(days),
        backup=backup,
        rules=MappingProxyType(
            {one_of(step, STEPS): text(rule) for step, rule in mapping(given.get("rules", {})).items()}
        ),
    )


TicketTable = Annotated[
    Mapping[str, TicketKind],
    Kind("tickets", _read_table, "代码: {rule, title, lead, working_days, backup, rules}"),
]
