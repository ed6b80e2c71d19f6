"""``project_at(world, "candidate")``: a made-up project in any state up to approval, reached through real commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.support import deciding, planning
from tests.support.world import World


def _under_review(world: World) -> str:
    deciding.roster(world)
    project = planning.candidate(world)
    deciding.open_round(world, project)
    return project


def _on_publicity(world: World) -> str:
    project = deciding.reviewed(world)
    deciding.publish(world, project)
    return project


_BUILDERS: Final[dict[str, Callable[[World], str]]] = {
    "in_library": planning.entered,
    "submitted": planning.submitted,
    "candidate": planning.candidate,
    "under_review": _under_review,
    "reviewed": deciding.reviewed,
    "on_publicity": _on_publicity,
    "decided": deciding.decided,
    "approved": deciding.approved,
}


def project_at(world: World, state: str) -> str:
    """Return the id of a project in a state. Raises ``KeyError`` for a state no builder reaches."""
    return _BUILDERS[state](world)
