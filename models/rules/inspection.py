"""Rules of random inspection (S13): risk strata, how many of each are drawn, who may inspect whom, orders and replies.

Pure; called by ``commands.inspection`` and ``commands.rectification``. The draw itself is ``rules.draw``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from models.core.errors import Refusal
from models.policy.schema import Policy
from models.rules.draw import Candidate, Draw, draw, protocol_of
from models.rules.force import binding

KEY: Final = "key"
HIGH: Final = "high"
ORDINARY: Final = "ordinary"
STRATA: Final = (KEY, HIGH, ORDINARY)


@dataclass(frozen=True)
class Drawn:
    """A round's outcome: the draw of the targets and, for each, the draw of its inspectors."""

    targets: Draw
    inspectors: Mapping[str, Draw]
    target_protocol: dict[str, Any]
    inspector_protocols: dict[str, dict[str, Any]]


def stratum_of(*, on_key_list: bool, open_findings: int, policy: Policy) -> str:
    """Return the risk stratum of a project: on the key list, of higher risk by its open findings, or ordinary."""
    if on_key_list:
        return KEY
    return HIGH if open_findings >= policy.monitoring.risk_findings else ORDINARY


def sizes_of(*, targets: Mapping[str, str], policy: Policy) -> dict[str, int]:
    """Return how many are drawn of each stratum that has projects: its rate of them, rounded up (ZY-87).

    Raises ``Refusal`` ``monitoring.no_targets`` (SYS-DRAW).
    """
    if not targets:
        raise Refusal("monitoring.no_targets", rule="SYS-DRAW")
    counts = Counter(targets.values())
    rates = {**policy.monitoring.risk_rates, ORDINARY: policy.monitoring.inspection_rate}
    return {name: _share(counts[name], rates[name]) for name in STRATA if counts[name]}


def _share(population: int, rate: Decimal) -> int:
    return min(int((population * rate).to_integral_value(ROUND_CEILING)), population)


def target_roster(targets: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Return the frozen roster of projects, each in the category of its stratum."""
    return tuple(Candidate(project, stratum, "") for project, stratum in sorted(targets.items()))


def check_inspectors(*, count: int, policy: Policy) -> None:
    """Refuse a roster with fewer people than inspect one target (``monitoring.too_few_inspectors``, ZY-87)."""
    wanted = policy.monitoring.inspectors_per_target
    if count < wanted:
        rule = binding(policy=policy, rules=("ZY-87", "SYS-DRAW"))
        raise Refusal("monitoring.too_few_inspectors", rule=rule, facts={"given": count, "wanted": wanted})


def drawn_of(
    *,
    targets: Mapping[str, str],
    sizes: Mapping[str, int],
    inspectors: tuple[Candidate, ...],
    contractors: Mapping[str, frozenset[str]],
    per_target: int,
    seed: str,
    draw_id: str,
) -> Drawn:
    """Draw targets by stratum, then inspectors for each who have no tie with its contractors (双随机, ZY-87).

    ``contractors`` is project → names of its contractors. The inspectors of a target are drawn by the round's seed and
    the target's id, so that one published commitment covers all. Raises ``Refusal`` ``draw.*``.
    """
    roster = target_roster(targets)
    size, none = sum(sizes.values()), frozenset[str]()
    chosen = draw(roster=roster, conflicts_with=none, size=size, quotas=sizes, seed=seed, draw_id=draw_id)
    protocol = protocol_of(roster=roster, conflicts_with=none, size=size, quotas=sizes, drawn=chosen)
    people: dict[str, Draw] = {}
    protocols: dict[str, dict[str, Any]] = {}
    for target in chosen.chosen:
        tied = contractors.get(target, none)
        made = draw(
            roster=inspectors,
            conflicts_with=tied,
            size=per_target,
            quotas={},
            seed=f"{seed}\n{target}",
            draw_id=f"{draw_id}-{target}",
        )
        people[target] = made
        protocols[target] = protocol_of(roster=inspectors, conflicts_with=tied, size=per_target, quotas={}, drawn=made)
    return Drawn(chosen, people, protocol, protocols)


def check_drawn_inspector(*, actor: str, drawn: Collection[str], policy: Policy) -> None:
    """Refuse the record of somebody who was not drawn for this target (``monitoring.not_drawn``, ZY-87)."""
    if actor not in drawn:
        raise Refusal("monitoring.not_drawn", rule=binding(policy=policy, rules=("ZY-87", "SYS-DRAW")))


def check_replaceable(*, out: str, drawn: Collection[str], alternates: Collection[str], policy: Policy) -> None:
    """Refuse to replace somebody who was not drawn, or when nobody drawn behind is left (ZY-87).

    Raises ``Refusal`` ``monitoring.inspector_unknown``, ``monitoring.no_alternate``.
    """
    rule = binding(policy=policy, rules=("ZY-87", "SYS-DRAW"))
    if out not in drawn:
        raise Refusal("monitoring.inspector_unknown", rule=rule)
    if not alternates:
        raise Refusal("monitoring.no_alternate", rule=rule)


def check_publishable(*, drawn_on: date | None, open_inspections: int, policy: Policy) -> None:
    """Refuse to publish a round before every drawn project was inspected (``monitoring.inspections_open``, ZY-87)."""
    if drawn_on is None or open_inspections:
        rule = binding(policy=policy, rules=("ZY-87", "SYS-DRAW"))
        raise Refusal("monitoring.inspections_open", rule=rule, facts={"open": open_inspections})


def check_source(*, source: str, known: bool) -> None:
    """Refuse an order that cites something its project has not (``monitoring.source_unknown``, SYS-CODE-LIST)."""
    if not known:
        raise Refusal("monitoring.source_unknown", rule="SYS-CODE-LIST", facts={"source": source})


def check_order_due(*, ordered_on: date, due_on: date) -> None:
    """Refuse an order due before it is given (``monitoring.due_passed``, SYS-PERIOD)."""
    if due_on <= ordered_on:
        raise Refusal("monitoring.due_passed", rule="SYS-PERIOD")


def check_recheck(*, replied_on: date | None, replied_by: str, actor: str, policy: Policy) -> None:
    """Refuse to close an order nobody answered, or a re-check by whoever answered it (ZY-88, FZ-76).

    Raises ``Refusal`` ``monitoring.no_reply``, ``monitoring.own_recheck``.
    """
    rule = binding(policy=policy, rules=("ZY-88", "FZ-76", "SYS-RECTIFICATION"))
    if replied_on is None:
        raise Refusal("monitoring.no_reply", rule=rule)
    if actor == replied_by:
        raise Refusal("monitoring.own_recheck", rule=rule)
