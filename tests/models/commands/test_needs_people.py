"""The person file: one person one row, earlier assessments kept, exactly once whatever dies, unmasked reads traced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import Session, select

from models.commands.door import execute
from models.core.actors import Actor, Role
from models.core.errors import Conflict
from models.tables.kernel import Event, WorkItem
from models.tables.needs import IndicatorSet, NeedsAssessment, Person
from tests.support.needs import assessment, someone
from tests.support.planning import BUREAU, CLASSES, ENTERED_ON, ledger_upload, open_survey, surveyed, synthetic_people
from tests.support.world import World, copy_world, open_world

CALL: dict[str, Any] = {"as_": BUREAU, "on": ENTERED_ON}
TOWNSHIP = "township:u-town"
NEXT_YEAR = date(2017, 1, 4)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("fresh"))
    yield world
    world.services.engine.dispose()


@pytest.fixture
def world(fresh: World, tmp_path: Path) -> Iterator[World]:
    world = copy_world(fresh, tmp_path)
    yield world
    world.services.engine.dispose()


def in_zunyi(fresh: World, tmp_path: Path) -> World:
    """Return a fresh world of its own in the region where the rules of Zunyi bind."""
    world = copy_world(fresh, tmp_path, name="zunyi")
    world.services = replace(world.services, region="520300")
    return world


def _all(world: World, table: type[Any]) -> list[Any]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(table)).all())


def _count(world: World, table: type[Any]) -> int:
    with Session(world.services.engine) as session:
        return int(session.exec(select(func.count()).select_from(table)).one())


def _assess(world: World, survey: str, *, on: date = ENTERED_ON, **changes: Any) -> Any:
    return world.do("needs.assess_person", as_=TOWNSHIP, on=on, survey=survey, **someone(**changes))


# --- one person, one file -------------------------------------------------------------------------------------------


def test_assessed_person_has_one_file_with_degree_answers_and_due_day(world: World) -> None:
    survey = open_survey(world)

    done = _assess(world, survey)

    (person,) = _all(world, Person)
    assert (person.id, done.reassessed, done.reassess_due_on) == (done.id, False, NEXT_YEAR)
    assert (person.max_level, person.severe_count, person.moderate_count) == (3, 1, 1)
    assert (person.own_ability, person.existing_benefits) == (["shopping"], ["medical_insurance"])
    assert len(person.dimensions) == 7
    (version,) = _all(world, IndicatorSet)
    assert person.indicator_version == version.version
    assert version.status == "proposed"


def test_person_assessed_again_keeps_file_and_history(world: World) -> None:
    first = _assess(world, open_survey(world))
    later = open_survey(world, on=NEXT_YEAR, title="第二次摸底调查")
    changed = assessment(assessed_on=NEXT_YEAR.isoformat(), willing=False)

    again = _assess(world, later, on=NEXT_YEAR, assessment=changed)

    assert (again.id, again.reassessed, again.reassess_due_on) == (first.id, True, date(2018, 1, 4))
    assert _count(world, Person) == 1
    newest, oldest = world.ask("needs.assessments", as_=TOWNSHIP, person=first.id)
    assert (newest.survey, newest.superseded_on, newest.assessed_on) == (later, None, NEXT_YEAR)
    assert (oldest.superseded_on, oldest.assessed_on, oldest.levels["disease"]) == (NEXT_YEAR, ENTERED_ON, "SEVERE")


def test_assessment_that_is_not_newer_is_a_conflict_and_changes_nothing(world: World) -> None:
    survey = open_survey(world)
    _assess(world, survey)

    fault = world.refused(
        "needs.assessed_later",
        "needs.assess_person",
        as_=TOWNSHIP,
        on=ENTERED_ON,
        survey=survey,
        **someone(assessment=assessment(willing=False)),
    )

    assert fault.family == "conflict"
    assert _all(world, Person)[0].willing
    assert _count(world, NeedsAssessment) == 0


def test_ledger_of_the_next_survey_replaces_each_row_and_keeps_the_old(world: World) -> None:
    rows = synthetic_people(people=60)
    first = surveyed(world, rows=rows)
    for row in rows:
        row["assessed_on"] = NEXT_YEAR
    later = open_survey(world, on=NEXT_YEAR, title="第二次摸底调查")
    upload = ledger_upload(world, rows, as_of=NEXT_YEAR)

    done = world.do("needs.import_ledger", as_=BUREAU, on=NEXT_YEAR, survey=later, file=upload.model_dump())

    assert (done.people, done.reassessed, done.older) == (60, 60, 0)
    assert (_count(world, Person), _count(world, NeedsAssessment)) == (60, 60)
    before, after = (world.ask("needs.summary", survey=survey) for survey in (first, later))
    assert (before.people, before.superseded) == (0, 60)
    assert (after.people, after.superseded) == (60, 0)


def test_older_assessment_that_comes_late_joins_the_history(world: World) -> None:
    rows = synthetic_people(people=10)
    late = open_survey(world, title="补录的调查")
    surveyed(world, rows=rows)
    for row in rows:
        row["assessed_on"] = date(2015, 1, 5)
    born_before = [row for row in rows if row["birth_date"] < date(2015, 1, 5)]  # type: ignore[operator]

    done = world.do("needs.import_ledger", **CALL, survey=late, file=ledger_upload(world, born_before).model_dump())

    assert (done.reassessed, done.older) == (0, len(born_before))
    assert all(person.assessed_on > date(2015, 1, 5) for person in _all(world, Person))
    assert {row.assessed_on for row in _all(world, NeedsAssessment)} == {date(2015, 1, 5)}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"identity": "TEKUN"}, "SYS-CODE-LIST"),
        ({"levels": {"disease": "SEVERE"}}, "SYS-CODE-LIST"),
        ({"discovery": "rumour"}, "SYS-CODE-LIST"),
        ({"assessed_on": NEXT_YEAR.isoformat()}, "FZ-19"),
    ],
)
def test_assessment_with_gaps_or_unknown_codes_is_refused(world: World, changes: dict[str, Any], rule: str) -> None:
    given = someone(assessment=assessment(**changes))

    world.refused(rule, "needs.assess_person", as_=TOWNSHIP, on=ENTERED_ON, survey=open_survey(world), **given)

    assert _count(world, Person) == 0


def test_seven_dimensions_must_be_answered_in_zunyi(fresh: World, tmp_path: Path) -> None:
    day = date(2025, 1, 2)
    world = in_zunyi(fresh, tmp_path)
    survey = open_survey(world, on=day, classes=("DIBAO",))
    given = assessment(identity="DIBAO", assessed_on=day.isoformat())
    call: dict[str, Any] = {"as_": TOWNSHIP, "on": day, "survey": survey}

    world.refused("ZY-55", "needs.assess_person", **call, **someone(assessment=given | {"dimensions": {}}))
    done = world.do("needs.assess_person", **call, **someone(assessment=given))

    assert done.reassess_due_on == date(2026, 1, 2)
    world.services.engine.dispose()


# --- due again ------------------------------------------------------------------------------------------------------


def test_need_due_again_is_a_work_item_that_closes_and_opens_with_the_next_assessment(
    fresh: World, tmp_path: Path
) -> None:
    first, second = date(2025, 1, 2), date(2026, 1, 2)
    world = in_zunyi(fresh, tmp_path)
    survey = open_survey(world, on=first, classes=("DIBAO",))
    given = assessment(identity="DIBAO", assessed_on=first.isoformat())
    _assess(world, survey, on=first, assessment=given)
    sweep: dict[str, Any] = {"as_": "system:scheduler"}

    early = world.do("needs.open_reassessments", **sweep, on=date(2025, 6, 1))
    due = world.do("needs.open_reassessments", **sweep, on=second)
    twice = world.do("needs.open_reassessments", **sweep, on=second)
    (item,) = [row for row in _all(world, WorkItem) if row.kind == "needs.reassess"]
    assert (early.opened, due.opened, twice.opened) == (0, 1, 0)
    assert (item.due_on, item.status, item.role, item.clause) == (second, "open", "township", "ZY-57")

    _assess(world, survey, on=second, assessment=given | {"assessed_on": second.isoformat()})
    (item,) = [row for row in _all(world, WorkItem) if row.kind == "needs.reassess"]
    assert item.status == "done"
    again = world.do("needs.open_reassessments", **sweep, on=date(2027, 1, 2))
    (item,) = [row for row in _all(world, WorkItem) if row.kind == "needs.reassess"]
    assert (again.again, item.status, item.due_on) == (1, "open", date(2027, 1, 2))
    world.services.engine.dispose()


def test_next_survey_falls_due_where_surveying_recurs(fresh: World, tmp_path: Path, world: World) -> None:
    zunyi = in_zunyi(fresh, tmp_path)
    open_survey(zunyi, on=date(2025, 1, 2), classes=("DIBAO",))
    open_survey(world)

    (item,) = _all(zunyi, WorkItem)
    assert (item.kind, item.due_on, item.clause, item.provisional) == ("needs.survey", date(2026, 1, 2), "ZY-57", True)
    assert _count(world, WorkItem) == 0
    zunyi.services.engine.dispose()


# --- roll-up --------------------------------------------------------------------------------------------------------


def test_street_ledgers_add_up_to_the_district_and_to_the_survey(world: World) -> None:
    survey = surveyed(world, rows=synthetic_people(people=400))

    rolled = world.ask("needs.streets", survey=survey)

    assert rolled.reconciled
    assert len(rolled.streets) == 8
    assert sum(row.people for row in rolled.streets) == rolled.total.people == 400
    assert sum(row.severe for row in rolled.streets) == rolled.total.severe > 0
    listed = [world.ask("needs.ledger", survey=survey, street=row.street, limit=1000) for row in rolled.streets]
    assert [len(rows) for rows in listed] == [row.people for row in rolled.streets]
    assert len({row.person for rows in listed for row in rows}) == 400


def test_household_rolls_up_from_its_members(world: World) -> None:
    rows = synthetic_people(people=80)
    survey = surveyed(world, rows=rows)
    number = max((str(row["household_no"]) for row in rows), key=[str(row["household_no"]) for row in rows].count)

    rolled = world.ask("needs.household", survey=survey, household_no=number)

    members = [row for row in rows if row["household_no"] == number]
    levels = [level for row in members for key, level in row.items() if key.startswith("hardship_")]
    assert len(rolled.members) == len(members)
    assert rolled.severe_count == levels.count("SEVERE")
    assert rolled.moderate_count == levels.count("MODERATE")


# --- personal data --------------------------------------------------------------------------------------------------


def test_unmasked_read_leaves_who_when_and_why_in_the_persons_stream(world: World) -> None:
    done = _assess(world, open_survey(world))

    shown = world.do("needs.reveal_person", as_=TOWNSHIP, on=NEXT_YEAR, person=done.id, reason="入户送餐前核对住址")

    assert (shown.id_number, shown.name) == (someone()["id_number"], someone()["name"])
    (event,) = [row for row in _all(world, Event) if row.type == "needs.person_revealed"]
    assert (event.stream_kind, event.stream_id, event.actor) == ("person", done.id, "township:u-town")
    assert (event.occurred_at, event.payload["reason"]) == (NEXT_YEAR, "入户送餐前核对住址")
    assert str(someone()["id_number"]) not in json.dumps(event.payload)


def test_an_unmasked_read_sent_again_shows_nothing(world: World) -> None:
    done = _assess(world, open_survey(world))
    call: dict[str, Any] = {
        "name": "needs.reveal_person",
        "arguments": {"person": done.id, "reason": "入户送餐前核对住址"},
        "actor": Actor(Role.TOWNSHIP, "u-town"),
        "as_of": NEXT_YEAR,
        "command_id": "cmd-reveal",
        "once": True,
    }
    execute(world.services, **call)

    with pytest.raises(Conflict, match="没有留存"):
        execute(world.services, **call)


@pytest.mark.parametrize("role", ["evaluation_office", "expert", "finance_bureau", "contractor", "public", "system"])
def test_other_roles_never_read_unmasked(world: World, role: str) -> None:
    done = _assess(world, open_survey(world))

    world.refused(
        "SYS-ROLE", "needs.reveal_person", as_=f"{role}:u-x", on=ENTERED_ON, person=done.id, reason="想看一看"
    )


def test_unmasked_read_without_a_trace_is_refused(world: World) -> None:
    done = _assess(world, open_survey(world))
    call: dict[str, Any] = {"as_": TOWNSHIP, "on": ENTERED_ON, "person": done.id}

    world.refused("needs.reveal_not_dry", "needs.reveal_person", **call, reason="入户前核对", dry_run=True)
    world.refused("needs.reason_names_person", "needs.reveal_person", **call, reason=f"找{someone()['name']}")
    world.refused("needs.reason_names_person", "needs.reveal_person", **call, reason="联系13800138000核对")

    assert not [row for row in _all(world, Event) if row.type == "needs.person_revealed"]


def test_classes_of_the_builders_are_those_of_the_survey() -> None:
    assert assessment()["identity"] in CLASSES
