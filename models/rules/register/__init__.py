"""The rule register: every rule of the source documents, what it does here, who holds it and the case that proves it.

One YAML file a region, read once. Called by ``lifecycle rules`` and by the check that keeps it honest
(``tests/fitness/test_rule_register.py``); how to read it is in ``docs/rules.md``. Decides nothing: what binds where is
``models.rules.force``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

import yaml

STAGES: Final = (
    "needs",
    "library",
    "application",
    "feasibility",
    "review",
    "publicity",
    "decision",
    "funding",
    "procurement",
    "contract",
    "delivery",
    "monitoring",
    "midterm",
    "acceptance",
    "evaluation",
    "audit",
    "archive",
    "incentive",
    "recovery",
    "issues",
    "around",
)
"""The stages in their order; ``around`` holds the rules that belong to none (windows, staff, training, venues)."""
_FILES: Final = ("zunyi", "beijing", "fengze", "anhui", "huangshi")


class Strength(StrEnum):
    """How the source words it: mandatory, soft, or one place's practice."""

    MANDATORY = "M"
    SOFT = "S"
    PRACTICE = "C"


class Kind(StrEnum):
    """What the rule does here."""

    GATE = "gate"
    WARNING = "warning"
    DEADLINE = "deadline"
    SCHEDULE = "schedule"
    LEDGER = "ledger"
    DOCUMENT = "document"
    PUBLICATION = "publication"
    RECORD = "record"


class Status(StrEnum):
    """Whether the rule is held today."""

    IN_FORCE = "in_force"
    LATER = "later"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, kw_only=True)
class RuleEntry:
    """One rule: where it stands in its source, what it does here, and its proof.

    ``held_by`` names commands, queries, deployments, quality suites or policy leaves; ``case`` is a test
    (``tests/…::test``) or a step of a shipped case (``portal/cases/….yaml#verb``) that holds, ``case_refused`` one that
    refuses. ``reason`` says why a rule is later or not applicable, or what of a rule in force is still missing.
    """

    id: str
    region: str
    article: str
    stage: str
    strength: Strength
    kind: Kind
    gist: str
    status: Status
    held_by: tuple[str, ...] = ()
    case: str = ""
    case_refused: str = ""
    reason: str = ""


@cache
def register() -> tuple[RuleEntry, ...]:
    """Return every rule, region by region, in the order of the source. Raises ``TypeError`` on a key nobody knows."""
    folder = resources.files(__package__)
    packs = [yaml.safe_load((folder / f"{name}.yaml").read_text("utf-8")) for name in _FILES]
    return tuple(_entry(rule, region=pack["region"]) for pack in packs for rule in pack["rules"])


def regions() -> tuple[str, ...]:
    """Return the codes of the regions whose documents are in the register, sorted."""
    return tuple(sorted({entry.region for entry in register()}))


def _entry(rule: Mapping[str, str], *, region: str) -> RuleEntry:
    given = dict(rule)
    held_by = tuple(name for name in given.pop("held_by", "").split("、") if name)
    strength, kind, status = Strength(given.pop("strength")), Kind(given.pop("kind")), Status(given.pop("status"))
    return RuleEntry(region=region, strength=strength, kind=kind, status=status, held_by=held_by, **given)
