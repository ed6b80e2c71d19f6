"""Rules of the needs survey at home: Fengze's streets, answers and channels, Beijing's register and tags."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.tables.kernel import WorkItem
from models.tables.needs import EnrolmentGap, Person
from tests.support import needy
from tests.support.needy import DAY, STREET
from tests.support.world import World, copy_world, open_world

BUREAU = "county_bureau:u-bureau"
CITY = "city_bureau:u-city"
STREETS = ("350503001", "350503002")
NEXT_YEAR = date(2026, 3, 3)
AGAIN = date(2025, 9, 3)


@pytest.fixture(scope="module")
def _fengze(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("fengze"), region="350503")
    units = [{"code": code, "name": f"合成街道{code[-1]}", "level": "township", "parent": "350503"} for code in STREETS]
    world.do("unit.register", as_=BUREAU, on=DAY, units=units)
    yield world
    world.services.engine.dispose()


@pytest.fixture
def fengze(_fengze: World, tmp_path: Path) -> Iterator[World]:
    world = copy_world(_fengze, tmp_path)
    yield world
    world.services.engine.dispose()


@pytest.fixture(scope="module")
def _beijing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("beijing"), region="110000")
    yield world
    world.services.engine.dispose()


@pytest.fixture
def beijing(_beijing: World, tmp_path: Path) -> Iterator[World]:
    world = copy_world(_beijing, tmp_path)
    yield world
    world.services.engine.dispose()


def _items(world: World, kind: str) -> list[WorkItem]:
    with Session(world.services.engine) as session:
        return [item for item in session.exec(select(WorkItem)).all() if item.kind == kind]


def _people(world: World) -> list[Person]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(Person)).all())


# --- Fengze ---------------------------------------------------------------------------------------------------------


def test_each_street_of_fengze_has_its_own_part_of_the_survey(fengze: World) -> None:
    survey = needy.survey(fengze)
    needy.person(fengze, survey, 0, told={"street": "合成街道1", "region_code": STREETS[0]})
    call: dict[str, Any] = {"as_": STREET, "on": DAY, "survey": survey, "unit": STREETS[0]}
    assert {(item.subject_id, item.clause) for item in _items(fengze, "needs.street_survey")} == {
        (f"{survey}/{code}", "FZ-15") for code in STREETS
    }

    fengze.refused("FZ-15", "needs.complete_street", **call, listed=2)
    done = fengze.do("needs.complete_street", **call, listed=1)

    assert (done.listed, done.surveyed) == (1, 1)
    status = {item.subject_id: item.status for item in _items(fengze, "needs.street_survey")}
    assert status == {f"{survey}/{STREETS[0]}": "done", f"{survey}/{STREETS[1]}": "open"}
    fengze.refused("SYS-CODE-LIST", "needs.complete_street", **(call | {"unit": "350503009"}), listed=0)


def test_street_of_fengze_still_counts_whom_a_later_survey_assessed_again(fengze: World) -> None:
    lives: dict[str, Any] = {"told": {"street": "合成街道1", "region_code": STREETS[0]}}
    first = needy.survey(fengze)
    for number in range(2):
        needy.person(fengze, first, number, **lives)
    needy.person(fengze, first, 1, **lives, on=AGAIN)  # twice in one survey is one person
    later = needy.survey(fengze, on=AGAIN)
    needy.person(fengze, later, 0, **lives, on=AGAIN)
    call: dict[str, Any] = {"as_": STREET, "on": AGAIN, "unit": STREETS[0]}

    fengze.refused("FZ-15", "needs.complete_street", **call, survey=first, listed=3)
    done = fengze.do("needs.complete_street", **call, survey=first, listed=2)

    assert done.surveyed == 2
    assert fengze.do("needs.complete_street", **call, survey=later, listed=1).surveyed == 1


def test_fengze_serves_who_has_the_identity_and_said_what_is_needed(fengze: World) -> None:
    survey = needy.survey(fengze)
    wanting = needy.person(fengze, survey, 0)
    unwilling = needy.person(fengze, survey, 1, willing=False)
    needy.person(fengze, survey, 2, willing=False, demands=())
    needy.add_service(fengze)
    needy.add_resource(fengze, capacity=3)
    needy.publish(fengze)

    run = fengze.do("matching.run", as_=needy.OFFICE, on=DAY, survey=survey)

    found = needy.outcomes(fengze, run.id)
    assert {key: (row.reason, row.rule) for key, row in found.items()} == {
        (wanting, "meal"): ("matched", ""),
        (unwilling, "meal"): ("not_willing", "FZ-08"),
    }


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("FZ-12", {"dimensions": dict.fromkeys(needy.DIMENSIONS[1:], "MILD")}),
        ("FZ-12", {"demands": ()}),
        ("FZ-13", {"levels": dict.fromkeys(needy.HARDSHIPS[1:], "NONE")}),
        ("FZ-14", {"levels": dict.fromkeys(needy.HARDSHIPS, "NONE") | {"disease": "UNBEARABLE"}}),
        ("FZ-19", {"assessed_on": NEXT_YEAR.isoformat()}),
        ("FZ-21", {"discovery": "rumour"}),
    ],
)
def test_fengze_refuses_an_assessment_that_leaves_out(fengze: World, rule: str, changes: dict[str, Any]) -> None:
    survey = needy.survey(fengze)

    with pytest.raises(Exception, match="评估结果") as fault:
        needy.person(fengze, survey, 0, **changes)

    assert getattr(fault.value, "rule", None) == rule
    assert _people(fengze) == []


def test_fengze_keeps_answers_level_and_channel_and_looks_again_within_a_year(fengze: World) -> None:
    survey = needy.survey(fengze)
    needy.person(fengze, survey, 0, level="MODERATE", discovery="proactive_discovery")

    (person,) = _people(fengze)
    assert set(person.dimensions) == set(needy.DIMENSIONS)
    assert (person.demands, person.levels["disease"], person.max_level) == (["meal"], "MODERATE", 2)
    assert (person.discovery, person.reassess_due_on) == ("proactive_discovery", NEXT_YEAR)
    fengze.do("needs.open_reassessments", as_="system:scheduler", on=NEXT_YEAR)
    (again,) = _items(fengze, "needs.reassess")
    assert (again.subject_id, again.clause, again.due_on) == (person.id, "FZ-19", NEXT_YEAR)
    (next_survey,) = _items(fengze, "needs.survey")
    assert (next_survey.clause, next_survey.due_on) == ("FZ-20", NEXT_YEAR)


# --- Beijing --------------------------------------------------------------------------------------------------------


def _register(world: World, *lines: str) -> dict[str, Any]:
    data = "\n".join(("身份证号,未纳入原因", *lines)).encode("utf-8-sig")
    return world.upload(data, name="名册.csv", media_type="text/csv").model_dump()


def test_beijing_explains_everybody_of_the_register_who_is_not_enrolled(beijing: World) -> None:
    survey = needy.survey(beijing)
    needy.person(beijing, survey, 0)
    inside, outside = needy._id_numbers("110000")[:2]
    call: dict[str, Any] = {"as_": CITY, "on": DAY, "survey": survey}

    beijing.refused("BJ-01", "needs.issue_ledger", **call)
    gap = beijing.refused("BJ-01", "needs.check_enrolment", **call, roster=_register(beijing, inside, outside))
    assert [detail.row for detail in gap.details] == [3]
    assert outside not in str(gap.as_json())
    broken = _register(beijing, inside, "11010119000101001X,")
    beijing.refused("needs.register_unreadable", "needs.check_enrolment", **call, roster=broken)
    explained = _register(beijing, inside, f"{outside},已迁出本市")
    done = beijing.do("needs.check_enrolment", **call, roster=explained)

    assert (done.listed, done.enrolled, done.explained) == (2, 1, 1)
    with Session(beijing.services.engine) as session:
        (kept,) = session.exec(select(EnrolmentGap)).all()
    assert beijing.services.vault.open(kept.reason_sealed) == "已迁出本市"
    assert beijing.do("needs.issue_ledger", **call).people == 1


def test_beijing_counts_whom_a_later_survey_assessed_again_and_takes_no_empty_register(beijing: World) -> None:
    first = needy.survey(beijing)
    needy.person(beijing, first, 0)
    later = needy.survey(beijing, on=AGAIN)
    needy.person(beijing, later, 0, on=AGAIN)
    call: dict[str, Any] = {"as_": CITY, "on": AGAIN, "survey": first}
    inside = needy._id_numbers("110000")[0]

    beijing.refused("BJ-01", "needs.check_enrolment", **call, roster=_register(beijing))
    done = beijing.do("needs.check_enrolment", **call, roster=_register(beijing, inside))

    assert (done.listed, done.enrolled, done.explained) == (1, 1, 0)


def test_beijing_tags_special_difficulties_and_keeps_the_degree_in_the_ledger(beijing: World) -> None:
    survey = needy.survey(beijing)
    with pytest.raises(Exception, match="评估结果") as fault:
        needy.person(beijing, survey, 0, special_tags=("poor",))
    assert getattr(fault.value, "rule", None) == "BJ-09"
    with pytest.raises(Exception, match="评估结果") as fault:
        needy.person(beijing, survey, 0, levels={"disease": "SEVERE"})
    assert getattr(fault.value, "rule", None) == "BJ-78"

    needy.person(beijing, survey, 0, level="SEVERE", special_tags=("dementia",), severely_ill=True)

    (row,) = beijing.ask("needs.ledger", survey=survey)
    assert set(row.special_tags) - {"minor"} == {"dementia", "severe_illness"}
    assert (row.levels, row.max_level, row.severe_count) == ({"disease": "SEVERE"}, 3, 1)


def test_beijing_follows_discovery_accuracy_response_and_precision(beijing: World) -> None:
    survey = needy.survey(beijing)
    assert [row.percent for row in beijing.ask("needs.kpis", survey=survey)] == [None] * 4
    needy.person(beijing, survey, 0, discovery="self")
    needy.person(beijing, survey, 1)
    needy.add_service(beijing)
    needy.add_resource(beijing, capacity=1)
    needy.publish(beijing)
    run = beijing.do("matching.run", as_=needy.OFFICE, on=DAY, survey=survey)
    (offered,) = [row.outcome for row in needy.outcomes(beijing, run.id).values() if row.reason == "matched"]
    beijing.do("matching.confirm_item", as_=STREET, on=DAY, outcome=offered)

    found = {row.code: (row.count, row.of, row.percent) for row in beijing.ask("needs.kpis", survey=survey)}

    assert found == {
        "discovery": (1, 2, 50),
        "accuracy": (2, 2, 100),
        "response": (1, 2, 50),
        "precision": (1, 1, 100),
    }
