"""Which comes first, feasibility or the panel (S04, S05): a switch of the region (``feasibility.before_review``).

Pure; called by the commands that move a project along either path. The transition table holds the moves of both; a
project keeps the order that held in its region on the day it entered the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from models.core.errors import Refusal
from models.policy.schema import Policy
from models.rules.force import binding
from models.rules.lifecycle import Thing, not_in_state

_ALLOWED: Final[Mapping[bool, Mapping[str, tuple[str, ...]]]] = {
    True: {
        "review.open_round": ("candidate", "reviewed", "under_review"),
        "feasibility.appraise": ("submitted",),
        "publicity.publish_notice": ("reviewed",),
    },
    False: {
        "review.open_round": ("submitted", "reviewed", "under_review"),
        "feasibility.appraise": ("reviewed",),
        "publicity.publish_notice": ("candidate",),
    },
}
"""Feasibility comes first → command → states from which it may move a project."""

_EARNED: Final[Mapping[bool, Mapping[str, str]]] = {
    True: {
        "feasibility": "submitted",
        "review": "candidate",
        "publicity": "reviewed",
        "decision": "on_publicity",
        "approval": "decided",
    },
    False: {
        "review": "submitted",
        "feasibility": "reviewed",
        "publicity": "candidate",
        "decision": "on_publicity",
        "approval": "decided",
    },
}
"""Feasibility comes first → what a project earns on its way to approval, in order, and the state before each."""

_AROUND_THE_PANEL: Final = ("feasibility", "review", "publicity")


def check_order(*, command: str, state: str, entered: Policy) -> None:
    """Refuse a step taken before the one that precedes it in this region.

    ``entered`` is the policy of the day the project entered the library. Raises ``Refusal``
    ``feasibility.not_appraised`` (ZY-62) where the appraisal comes first, else ``lifecycle.not_in_state`` (SYS-STATE).
    """
    first = entered.feasibility.before_review
    allowed = _ALLOWED[first][command]
    if state in allowed:
        return
    rule = binding(policy=entered, rules=("ZY-62",))
    if rule and first and command == "review.open_round" and state == "submitted":
        raise Refusal("feasibility.not_appraised", rule=rule)
    raise not_in_state(thing=Thing.PROJECT, command=command, state=state, allowed=allowed)


def awaits_review(*, state: str, entered: Policy) -> bool:
    """Say whether a project in this state waits for its first round."""
    return state == _ALLOWED[entered.feasibility.before_review]["review.open_round"][0]


def earned(*, state: str, entered: Policy) -> tuple[str, ...]:
    """Return the parts a project in this state has earned, or is about to (a running notice), in its order."""
    path = _EARNED[entered.feasibility.before_review]
    waiting_for = list(path.values())
    return tuple(path)[: waiting_for.index(state) if state in waiting_for else len(path)]


def way_back(*, part: str, entered: Policy) -> str:
    """Return the outcome of a modification that voids ``part`` and what follows: how far back depends on the order."""
    return part if entered.feasibility.before_review or part not in _AROUND_THE_PANEL else f"{part}_panel_first"
