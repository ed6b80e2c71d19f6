"""What of a project goes into the quarterly programme (S09): its phase, its worth, and what its unit earned.

Pure; called by ``queries.plan_candidates`` and ``commands.plan_proposal``. A figure nobody recorded is taken from
policy and said to be assumed; nothing is guessed silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from models.core.errors import Refusal
from models.core.money import Money
from models.core.periods import Quarter
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.plan_programme import POINT, WHOLE, Candidate, Part

TILT: Final = "tilt"
LESS: Final = "less"
NONE: Final = "none"
_NO_GRADE: Final = "NONE"
_LAST_QUARTER: Final = 4
_MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True)
class Standing:
    """What a unit earned in the last batch (ZY-110, ZY-111): the ``effect``, the conditions it ``met``, the reason."""

    unit: str
    effect: str
    met: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Purpose:
    """What a project may get of one channel: its own unreserved budget, what it applied for and was not planned yet,
    in fen, the funds it fits, and what earlier batches of the quarter gave it."""

    channel: str
    own: int
    asked: int
    funds: tuple[str, ...]
    given: int = 0


@dataclass(frozen=True)
class Facts:
    """What the records say of a project on a day; ``None`` for what none says."""

    project: str
    unit: str
    people: int | None
    score: Decimal | None
    grade: str | None
    cites: str
    ends_on: date | None
    carry_over: bool
    social: bool
    money: tuple[Purpose, ...]


def check_standing(*, standing: Standing, policy: Policy) -> None:
    """Refuse a tilt for a unit that does not meet every condition, and less or nothing for one that does or without a
    reason.

    Raises ``Refusal`` ``funding.unknown_effect``, ``funding.tilt_without_conditions`` (ZY-110),
    ``funding.sanction_unfounded`` or ``funding.sanction_without_reason`` (ZY-111).
    """
    incentive = policy.incentive
    facts: dict[str, object] = {
        "unit": standing.unit,
        "effect": incentive.effects.get(standing.effect, standing.effect),
    }
    if standing.effect not in incentive.effects or any(one not in incentive.conditions for one in standing.met):
        known = "、".join((*incentive.effects, *incentive.conditions))
        raise Refusal("funding.unknown_effect", rule="SYS-CODE-LIST", facts=facts | {"known": known})
    lacking = "、".join(name for code, name in incentive.conditions.items() if code not in standing.met)
    if standing.effect == TILT:
        if lacking:
            rule = binding(policy=policy, rules=("ZY-110", "SYS-INCENTIVE"))
            raise Refusal("funding.tilt_without_conditions", rule=rule, facts=facts | {"lacking": lacking})
        return
    rule = binding(policy=policy, rules=("ZY-111", "SYS-INCENTIVE"))
    if not lacking:
        raise Refusal("funding.sanction_unfounded", rule=rule, facts=facts)
    if not standing.reason.strip():
        raise Refusal("funding.sanction_without_reason", rule=rule, facts=facts)


def phases_left(*, quarter: Quarter, ends_on: date | None, policy: Policy) -> int:
    """Return in how many quarters of the plan's year a project still needs money: until its end, at most to Q4.

    A plan of the whole year (``funding.plan_months`` 12) has one phase.
    """
    if policy.funding.plan_months >= _MONTHS_A_YEAR:
        return 1
    last = Quarter.of(ends_on) if ends_on and ends_on >= quarter.first_day else None
    until = last.number if last and last.year == quarter.year else _LAST_QUARTER
    return max(until, quarter.number) - quarter.number + 1


def candidate_of(
    *,
    facts: Facts,
    quarter: Quarter,
    standing: Standing | None,
    policy: Policy,
    without: frozenset[str] = frozenset(),
) -> Candidate:
    """Return a project as the programme sees it, ``without`` the channels in which the batch already holds it.

    ZY-110 raises the worth of a tilted unit's projects, ZY-111 lowers worth and money of those that get less; what was
    begun is carried on in full either way.
    """
    incentive = policy.incentive
    effect = standing.effect if standing and not facts.carry_over else ""
    factor = policy.funding.plan_grade_weights.get(facts.grade or _NO_GRADE, Decimal(1))
    factor *= {TILT: incentive.tilt_factor, LESS: incentive.reduce_factor}.get(effect, Decimal(1))
    cut = incentive.reduce_factor if effect == LESS else Decimal(1)
    phases = phases_left(quarter=quarter, ends_on=facts.ends_on, policy=policy)
    stated = {"people": facts.people, "score": facts.score}
    score = policy.review.pass_mark if facts.score is None else facts.score
    people = (policy.needs.served_min or 1) if facts.people is None else facts.people
    parts = (
        _part(one, phases, cut)
        for one in sorted(facts.money, key=lambda one: one.channel)
        if one.channel not in without
    )
    return Candidate(
        project=facts.project,
        unit=facts.unit,
        people=people,
        score=int(score * POINT),
        factor=int(factor * WHOLE),
        parts=tuple(part for part in parts if part.now or (facts.carry_over and part.pool)),
        carry_over=facts.carry_over,
        social=facts.social,
        effect=effect,
        reason=standing.reason if standing and effect else "",
        cites=facts.cites,
        assumed=tuple(name for name, value in stated.items() if value is None),
    )


def _part(one: Purpose, phases: int, cut: Decimal) -> Part:
    """Return what is left of the phase of this quarter; from the pool only what the project's own budget does not
    cover."""
    pool = max(one.asked - one.own, 0) if one.funds else 0
    year = Money(one.own + pool).share(cut)
    phase = -(-(year.fen + one.given) // phases)  # as ``Money.split`` does: the odd fen goes first
    now = min(max(phase - one.given, 0), year.fen)
    return Part(one.channel, now, max(year.fen - one.own, 0), one.funds if year.fen > one.own else ())


def standings_by_unit(standings: tuple[Standing, ...]) -> Mapping[str, Standing]:
    """Return the standings by unit. Raises ``Refusal`` ``funding.standing_twice`` for a unit told twice."""
    found = {one.unit: one for one in standings}
    if len(found) < len(standings):
        raise Refusal("funding.standing_twice", rule="SYS-ARGUMENTS")
    return found
