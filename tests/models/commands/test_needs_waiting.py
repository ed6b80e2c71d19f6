"""``needs.take_recipients``: who waits for an item becomes the project's recipient, the most pressed first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.tables.kernel import Project
from models.tables.matching import MatchRun
from models.tables.needs import Person
from tests.support import needy
from tests.support.delivering import selected
from tests.support.purchases import approved_project
from tests.support.world import World, open_world

CALL: dict[str, Any] = {"as_": needy.OFFICE, "on": needy.DAY}


@dataclass(frozen=True)
class Matched:
    """A world with one meal place for four who want meals, and a visit that nobody offers."""

    world: World
    run: str
    people: dict[str, str]
    project: str

    def take(self, **given: Any) -> Any:
        return self.world.do("needs.take_recipients", **CALL, project=self.project, run=self.run, **given)


@pytest.fixture
def matched(tmp_path: Path) -> Matched:
    world = open_world(tmp_path, region="520300")
    survey = needy.survey(world)
    told = (("served", "SEVERE", ("meal",)), ("mild", "MILD", ("meal",)), ("moderate", "MODERATE", ("meal", "visit")))
    people = {
        name: needy.person(world, survey, number, level=level, demands=demands)
        for number, (name, level, demands) in enumerate(told)
    }
    people["unwilling"] = needy.person(world, survey, 3, willing=False)
    needy.add_service(world)
    needy.add_resource(world)
    needy.publish(world)
    run = str(world.do("matching.run", **CALL, survey=survey).id)
    return Matched(world, run, people, approved_project(world))


def test_who_waits_is_taken_once_the_most_pressed_first(matched: Matched) -> None:
    taken = matched.take(items=("meal", "visit"))

    assert (taken.people, taken.counts, taken.seed) == (2, {"meal": 2}, "")
    assert set(selected(matched.world, matched.project)) == {matched.people["moderate"], matched.people["mild"]}
    shown = matched.world.ask("needs.selection", project=matched.project, on=needy.DAY)
    assert shown.counts == {"meal": 2}


def test_the_order_of_the_items_says_under_which_a_person_stands(matched: Matched) -> None:
    assert matched.take(items=("visit", "meal")).counts == {"visit": 1, "meal": 1}


def test_scarce_places_go_to_the_most_pressed(matched: Matched) -> None:
    matched.take(items=("meal",), places=1)

    assert selected(matched.world, matched.project) == [matched.people["moderate"]]


def test_who_confirmed_may_be_taken_and_nobody_else(matched: Matched) -> None:
    world = matched.world
    confirmed = {"items": ("meal",), "whom": "confirmed"}
    world.refused("ZY-60", "needs.take_recipients", **CALL, project=matched.project, run=matched.run, **confirmed)
    offered = needy.outcomes(world, matched.run)[matched.people["served"], "meal"].outcome
    world.do("matching.confirm_item", as_=needy.STREET, on=needy.DAY, outcome=offered, entitlements_in_place=True)

    matched.take(**confirmed)

    assert selected(world, matched.project) == [matched.people["served"]]


def test_a_project_gets_its_recipients_once(matched: Matched) -> None:
    given = {"project": matched.project, "run": matched.run, "items": ("meal",)}
    matched.world.refused("kernel.not_found", "needs.take_recipients", **CALL, **(given | {"run": "match_run-none"}))
    matched.take(items=("meal",))

    matched.world.refused("needs.already_selected", "needs.take_recipients", **CALL, **given)


def test_whom_a_project_under_way_serves_is_not_taken_again(matched: Matched) -> None:
    matched.take(items=("meal",), places=1)
    other = approved_project(matched.world, id="prj-made-up-2")
    given = {"project": other, "run": matched.run, "items": ("meal",)}

    matched.world.do("needs.take_recipients", **CALL, **given)

    assert selected(matched.world, other) == [matched.people["mild"]]


def test_who_changed_their_mind_is_not_taken_and_an_old_matching_does_not_count(matched: Matched) -> None:
    world = matched.world
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(Person, matched.people["moderate"]).willing = False
        session.commit()
    newer = str(world.do("matching.run", **CALL, survey=survey_of(world, matched.run)).id)
    given = {"project": matched.project, "items": ("meal",)}

    world.refused("matching.outcome_stale", "needs.take_recipients", **CALL, run=matched.run, **given)
    world.do("needs.take_recipients", **CALL, run=newer, **given)

    assert selected(world, matched.project) == [matched.people["mild"]]


def test_a_slip_is_mended_before_delivery_and_leaves_its_trace(matched: Matched) -> None:
    world, project = matched.world, matched.project
    matched.take(items=("meal",), places=1)
    world.refused("needs.reason_names_somebody", "needs.void_selection", **CALL, project=project, reason="13800138000")

    voided = world.do("needs.void_selection", **CALL, project=project, reason="名额填错(合成)")

    assert voided.people == 1
    assert matched.take(items=("meal",)).people == 2
    told = [line.type for line in world.ask("project.history", project=project, on=needy.DAY)]
    assert told.count("needs.recipients_selected") == 2
    assert "needs.recipients_voided" in told
    for state in ("in_progress", "planned"):  # made up for one call: a project that runs has somebody who serves
        with Session(world.services.engine) as session:
            session.connection(execution_options={"writing": True})
            session.get_one(Project, project).state = state
            session.commit()
        if state == "in_progress":
            world.refused("SYS-STATE", "needs.void_selection", **CALL, project=project, reason="名额填错(合成)")


def survey_of(world: World, run: str) -> str:
    with Session(world.services.engine) as session:
        return session.get_one(MatchRun, run).survey_id


def test_where_strata_bind_nobody_is_taken_from_a_matching(tmp_path: Path) -> None:
    world = open_world(tmp_path)
    given = {"project": approved_project(world), "run": "match_run-any", "items": ("meal",)}

    world.refused("HS-05", "needs.take_recipients", **CALL, **given)
