"""Rules of the needs survey (S01): which classes a survey covers, who belongs to a stratum, who is selected.

Pure; called by ``commands.needs``. Never reads the database, never sees a name: a person is an id and some flags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from random import Random
from typing import Final

from models.core.errors import Detail, Refusal
from models.core.hashing import digest, sha256_hex
from models.core.messages import sentence
from models.policy.schema import Policy
from models.rules.force import binding


class AgeBand(StrEnum):
    """Where a person stands by age; the two bounds are policy."""

    MINOR = "minor"
    ADULT = "adult"
    ELDERLY = "elderly"


@dataclass(frozen=True)
class Member:
    """What a selection may know of a person."""

    id: str
    age_band: AgeBand
    lives_alone: bool
    disabled: bool
    severely_ill: bool
    single_parent_student: bool
    willing: bool


STRATA: Final[Mapping[str, Callable[[Member], bool]]] = {
    "elderly_alone": lambda person: person.lives_alone and person.age_band is AgeBand.ELDERLY,
    "single_parent_minor_student": lambda person: person.single_parent_student and person.age_band is AgeBand.MINOR,
    "disabled": lambda person: person.disabled,
    "severely_ill": lambda person: person.severely_ill,
}
"""What each stratum code of ``policy.needs.strata`` means (HS-05)."""


@dataclass(frozen=True)
class Adjustment:
    """Another number for one stratum than policy states, and why."""

    count: int
    reason: str


@dataclass(frozen=True)
class Selected:
    """The outcome: ``chosen`` stratum → ids in the order drawn. ``pool_digest`` covers who could be drawn in each."""

    pool_digest: str
    chosen: Mapping[str, tuple[str, ...]]


def check_classes(*, classes: Sequence[str], policy: Policy) -> None:
    """Refuse a survey with unknown classes, or one that leaves out a class the full survey must cover.

    Raises ``Refusal`` ``needs.class_unknown`` (SYS-CODE-LIST), ``needs.class_missing`` (HS-03, where it binds).
    """
    names = class_names(policy=policy)
    unknown = tuple(
        Detail(problem=sentence("needs.code_unknown", {"code": code}), field="classes", expected="、".join(names))
        for code in classes
        if code not in names
    )
    if unknown or not classes:
        raise Refusal("needs.class_unknown", rule="SYS-CODE-LIST", details=unknown)
    rule = binding(policy=policy, rules=("HS-03",))
    whole = policy.needs.historic_identity_classes or {}
    missing = [label for code, label in whole.items() if code not in classes]
    if rule and missing:
        raise Refusal("needs.class_missing", rule=rule, facts={"classes": "、".join(missing)})


def class_names(*, policy: Policy) -> dict[str, str]:
    """Return every identity class that counts at the policy's date, code → name, those of the time first."""
    return {**(policy.needs.historic_identity_classes or {}), **policy.needs.identity_classes}


def age_band(*, birth: date, on: date, policy: Policy) -> AgeBand:
    """Return the age band on a day, in completed years. Raises ``Refusal`` ``policy.unset`` without the bounds."""
    years = on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
    if years < policy.need("needs.adult_from_years"):
        return AgeBand.MINOR
    return AgeBand.ELDERLY if years >= policy.need("needs.elderly_from_years") else AgeBand.ADULT


def wanted_counts(*, adjustments: Mapping[str, Adjustment], policy: Policy) -> dict[str, int]:
    """Return stratum → persons to select: what policy states, or the adjusted number where a reason is noted.

    Raises ``Refusal`` (HS-05): ``needs.stratum_unknown``, ``needs.adjustment_not_allowed``,
    ``needs.adjustment_without_reason``; ``policy.unset`` where the region states no strata.
    """
    stated: Mapping[str, int] = policy.need("needs.strata")
    rule = _rule(policy)
    unknown = [code for code in adjustments if code not in stated]
    if unknown:
        facts = {"strata": "、".join(unknown), "known": _names(stated, policy)}
        raise Refusal("needs.stratum_unknown", rule=rule, facts=facts)
    changed = {code: item for code, item in adjustments.items() if item.count != stated[code]}
    if changed and not policy.needs.strata_adjustable:
        raise Refusal("needs.adjustment_not_allowed", rule=rule, facts={"strata": _names(changed, policy)})
    bare = [code for code, item in changed.items() if not item.reason.strip()]
    if bare:
        raise Refusal("needs.adjustment_without_reason", rule=rule, facts={"strata": _names(bare, policy)})
    return {code: changed[code].count if code in changed else count for code, count in stated.items()}


def select(*, members: Iterable[Member], wanted: Mapping[str, int], seed: str, policy: Policy) -> Selected:
    """Draw distinct persons for every stratum, all of them willing; equal input gives equal output.

    Each pool is shuffled by the seed and its own digest; the scarcest stratum draws first, and a person who also fits
    another stratum is moved there when this one would else fall short. So a stratum comes up short only when no
    distribution of distinct persons fills all. Raises ``Refusal`` ``needs.seed_missing`` (SYS-DRAW),
    ``needs.stratum_short`` (HS-05) naming what is missing.
    """
    if not seed.strip():
        raise Refusal("needs.seed_missing", rule="SYS-DRAW")
    willing = [person for person in members if person.willing]
    pools = {code: sorted(person.id for person in willing if STRATA[code](person)) for code in wanted}
    pool_digest = digest(pools)
    for code, pool in pools.items():
        random = Random(int(sha256_hex(f"{seed}\n{code}\n{pool_digest}".encode()), 16))  # noqa: S311  # recorded seed
        random.shuffle(pool)
    held: dict[str, str] = {}
    drawn = dict.fromkeys(wanted, 0)
    for code in sorted(wanted, key=lambda code: (len(pools[code]) - wanted[code], code)):
        while drawn[code] < wanted[code] and _take(code, pools, held, set()):
            drawn[code] += 1
    _check_filled(wanted=wanted, drawn=drawn, policy=policy)
    chosen = {code: tuple(person for person in pools[code] if held.get(person) == code) for code in wanted}
    return Selected(pool_digest=pool_digest, chosen=chosen)


def shortfall(*, selected: int, policy: Policy) -> int:
    """Return how many persons a selection falls short of the number the project must serve (HS-06), zero when none."""
    return max((policy.needs.served_min or 0) - selected, 0)


def target_rule(*, policy: Policy) -> str | None:
    """Return the rule behind the number to serve: the case's where it binds, else the system's own."""
    return binding(policy=policy, rules=("HS-06", "SYS-STRATA"))


def _take(code: str, pools: Mapping[str, Sequence[str]], held: dict[str, str], asked: set[str]) -> bool:
    """Give the stratum one more person: a free one, or one whose present stratum finds another (augmenting path)."""
    asked.add(code)
    free = next((person for person in pools[code] if person not in held), None)
    if free is not None:
        held[free] = code
        return True
    for person in pools[code]:
        holder = held[person]
        if holder not in asked and _take(holder, pools, held, asked):
            held[person] = code
            return True
    return False


def _check_filled(*, wanted: Mapping[str, int], drawn: Mapping[str, int], policy: Policy) -> None:
    short = tuple(
        Detail(
            problem=sentence("needs.stratum_found", {"found": drawn[code]}),
            field=_names((code,), policy),
            expected=str(count),
        )
        for code, count in wanted.items()
        if drawn[code] < count
    )
    if short:
        gaps = (
            sentence("needs.stratum_gap", {"stratum": item.field, "found": item.problem, "wanted": item.expected})
            for item in short
        )
        facts = {"strata": "、".join(gaps)}
        raise Refusal("needs.stratum_short", rule=_rule(policy), facts=facts, details=short)


def _rule(policy: Policy) -> str | None:
    return binding(policy=policy, rules=("HS-05", "SYS-STRATA"))


def _names(codes: Iterable[str], policy: Policy) -> str:
    labels = policy.needs.stratum_names or {}
    return "、".join(labels.get(code, code) for code in codes)
