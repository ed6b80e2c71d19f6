"""A project of Zunyi brought to completion by its real moves, with nothing filed on the way; all made up (合成).

Stands in for the stages before acceptance, so that tests of acceptance do not play them all.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from models.commands import transition
from models.context import Context
from models.core.actors import Actor, Role
from models.core.ids import derive_id
from models.tables.kernel import Project
from tests.support.world import World
from tests.support.zunyi import candidate

_MOVES = (
    ("review.open_round", ""),
    ("review.close_round", ""),
    ("publicity.publish_notice", ""),
    ("decision.decide", "positive"),
    ("decision.approve", ""),
    ("funding.issue_plan", ""),
    ("delivery.start", ""),
)


def running(world: World, *, on: date, **project: Any) -> str:
    """Return a project in progress."""
    name = candidate(world, on=on, **project)
    for command, outcome in _MOVES:
        move(world, name, command, outcome=outcome, on=on)
    return name


def move(world: World, project: str, command: str, *, on: date, outcome: str = "") -> None:
    """Make one move of a project as its command would, without the rest of the command."""
    actor = Actor(Role.EVALUATION_OFFICE, "u-office")
    ctx = Context(world.services, actor, on, command, derive_id("cmd", "completing", project, command, outcome))
    world.clock.day = on
    with ctx.writing() as session:
        transition.apply(session, ctx, session.get_one(Project, project), payload={}, outcome=outcome)


def completed(world: World, project: str, *, on: date) -> str:
    """Complete a project in progress and return its id."""
    move(world, project, "delivery.complete", on=on)
    return project
