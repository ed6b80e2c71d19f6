"""Entering the library, its policy list and roll-up, and the list of open work, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.core.hashing import digest
from models.ports import Zone
from models.tables.evaluation import ResultEvaluation
from models.tables.kernel import Document, Event, Project
from models.tables.needs import Survey
from tests.support.planning import open_survey
from tests.support.world import World, copy_world, open_world
from tests.support.zunyi import CITY, CONSULTED, COUNTIES, LISTED, TOWNSHIPS, VILLAGES, listed, minutes, registered

OFFICE = "evaluation_office:u-office"
DAY = date(2025, 4, 1)
TOWNSHIP = f"dispatch_yearly/{TOWNSHIPS[0]}/2025"


@pytest.fixture
def zunyi(tmp_path: Path) -> Iterator[World]:
    made = open_world(tmp_path, region="520300")
    yield made
    made.services.engine.dispose()


def _entry(**changes: Any) -> dict[str, Any]:
    given = {"as_": OFFICE, "on": DAY, "name": "合成项目", "needs": ("合成需求",), "policies": ("合成政策",)}
    return given | changes


def _record(world: World) -> dict[str, Any]:
    return {
        "as_": "township:u-t",
        "on": DAY,
        "duty": "dispatch_yearly",
        "period": "2025",
        "unit": TOWNSHIPS[0],
        "held_on": DAY,
        "minutes": minutes(world),
        "participants": 7,
        "consulted": ("合成社会工作协会",),
    }


# --- entry ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("library.unknown_code", {"payer": "nobody"}),
        ("door.arguments_invalid", {"needs": ("合成需求", " ")}),
        ("door.arguments_invalid", {"policies": ("",)}),
        ("kernel.not_found", {"needs": ("sur-nobody",)}),
        ("SYS-REGION", {"region": "520300"}),
        ("SYS-REGION", {"region": "cn"}),
        ("policy.unknown_region", {"region": "999999"}),
    ],
)
def test_an_entry_with_a_broken_reference_is_refused(world: World, expected: str, changes: dict[str, Any]) -> None:
    world.refused(expected, "library.enter_project", **_entry(**changes))


def test_an_entry_answers_to_a_survey_that_exists_or_to_a_need_in_words(world: World) -> None:
    survey = open_survey(world, on=DAY)

    entered = world.do("library.enter_project", **_entry(needs=(survey, "合成需求"), payer="joint", region="420200"))

    assert entered.state == "project.in_library"
    with Session(world.services.engine) as session:
        (event,) = session.exec(select(Event).where(Event.stream_id == entered.id)).all()
    assert event.payload["needs"] == [survey, digest("合成需求")]  # words may name somebody


# --- entry in Zunyi -------------------------------------------------------------------------------------------------


def _zunyi_entry(world: World, **changes: Any) -> dict[str, Any]:
    """Return an entry that meets every rule of Zunyi; ``changes`` break one."""
    given = {
        "as_": "county_bureau:u-c",
        "on": DAY,
        "name": "合成项目",
        "needs": (_survey(world),),
        "policies": ("P-01",),
        "fund_sources": ("donation",),
        "origin": "township",
        "submitter": COUNTIES[0],
        "unit": VILLAGES[0],
        "plan_alignment": "合成规划",
        "services": ("visit",),
        "branded": True,
    }
    return given | changes


def _survey(world: World) -> str:
    with Session(world.services.engine) as session:
        return session.exec(select(Survey.id)).one()


@pytest.fixture(scope="module")
def _ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("ready"), region="520300")
    registered(made, on=DAY, deep=True)
    listed(made, on=DAY)
    open_survey(made, on=DAY, classes=("TEKUN", "DIBAO"))
    yield made
    made.services.engine.dispose()


@pytest.fixture
def ready(_ready: World, tmp_path: Path) -> Iterator[World]:
    """Zunyi with its made-up units, a published policy list and a survey."""
    made = copy_world(_ready, tmp_path)
    yield made
    made.services.engine.dispose()


def test_an_entry_linked_to_registered_needs_and_listed_policies_is_taken(ready: World) -> None:
    entered = ready.do("library.enter_project", **_zunyi_entry(ready))

    with Session(ready.services.engine) as session:
        details = session.get_one(Project, entered.id).details
    assert (entered.state, entered.doubts) == ("project.in_library", ())
    assert (details["submitter"], details["submitted_by"]) == (COUNTIES[0], "county_bureau")
    assert (details["plan_alignment"], details["fund_sources"]) == ("合成规划", ["donation"])
    assert details["theme"] == "情满遵义·温暖救助"


@pytest.mark.parametrize(
    ("code", "rule", "changes"),
    [
        ("library.link_missing", "ZY-44", {"needs": ()}),
        ("library.link_missing", "ZY-44", {"policies": ()}),
        ("library.need_unregistered", "ZY-44", {"needs": ("合成需求",)}),
        ("library.policy_not_listed", "ZY-44", {"policies": ("P-01", "P-99")}),
        ("library.field_missing", "ZY-39", {"origin": None}),
        ("library.field_missing", "ZY-39", {"submitter": None}),
        ("library.submitter_not_county", "ZY-39", {"submitter": VILLAGES[0]}),
        ("library.field_missing", "ZY-45", {"plan_alignment": " "}),
        ("library.field_missing", "ZY-46", {"fund_sources": ()}),
        ("library.unknown_code", "ZY-46", {"fund_sources": ("gold",)}),
        ("library.other_needs_reason", "ZY-46", {"fund_sources": ("OTHER",)}),
        ("kernel.not_found", "SYS-NOT-FOUND", {"unit": "nowhere"}),
    ],
)
def test_an_entry_that_breaks_a_rule_of_zunyi_is_refused(
    ready: World, code: str, rule: str, changes: dict[str, Any]
) -> None:
    fault = ready.refused(code, "library.enter_project", **_zunyi_entry(ready, **changes))

    assert fault.rule == rule


def test_soft_rules_are_recorded_with_the_entry(ready: World) -> None:
    """ZY-47: the theme; ZY-39: somebody else entered it for the county."""
    entered = ready.do("library.enter_project", **_zunyi_entry(ready, as_=OFFICE, branded=False))

    assert [doubt.rule for doubt in entered.doubts] == ["ZY-47", "ZY-39"]


def test_a_similar_closed_project_recommends_to_a_new_one(ready: World) -> None:
    """ZY-30: the advice of an evaluated project of the same service is shown at entry; of another service, not."""
    earlier = ready.do("library.enter_project", **_zunyi_entry(ready)).id
    with Session(ready.services.engine) as session:
        session.add(
            ResultEvaluation(
                id="rev-1",
                project_id=earlier,
                effects={},
                recommendations=["合成建议"],
                evaluated_on=DAY,
                policy_digest="",
                document_id="",
            )
        )
        session.commit()

    same = ready.do("library.enter_project", **_zunyi_entry(ready, name="合成项目二"))
    other = ready.do("library.enter_project", **_zunyi_entry(ready, name="合成项目三", services=("meal",)))
    next_one = ready.do("library.enter_project", **_zunyi_entry(ready, name="合成四", services=(), predecessor=earlier))

    assert [one.recommendations for one in same.recommendations] == [("合成建议",)]
    assert other.recommendations == ()
    assert [one.project for one in next_one.recommendations] == [earlier]
    assert ready.ask("library.recommendations", services=("visit",)) == same.recommendations


# --- the policy list ------------------------------------------------------------------------------------------------


def test_the_policy_list_is_published_in_versions_with_those_consulted(zunyi: World) -> None:
    first = listed(zunyi, on=DAY)
    items = [*LISTED, {"code": "P-02", "title": "合成托幼政策", "issuer": "合成发布单位", "field": "托幼"}]
    second = listed(zunyi, on=DAY, items=items)

    with Session(zunyi.services.engine) as session:
        document = session.get_one(Document, second.document)
    assert (first.version, second.version, second.added, second.removed) == (1, 2, ("P-02",), ())
    assert document.zone == Zone.PUBLIC
    assert zunyi.ask("library.policy_list").consulted == CONSULTED
    assert [item.code for item in zunyi.ask("library.policy_list", version=1).items] == ["P-01"]


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("ZY-35", {"consulted": {}}),
        ("ZY-35", {"consulted": {"drc": "合成市发展改革委", "association": "合成行业协会"}}),
        ("SYS-CODE-LIST", {"consulted": {"nobody": "合成"}}),
        ("ZY-36", {"items": [*LISTED, *LISTED]}),
    ],
)
def test_a_policy_list_nobody_was_consulted_on_is_refused(zunyi: World, rule: str, changes: dict[str, Any]) -> None:
    given = {"items": list(LISTED), "consulted": CONSULTED} | changes

    zunyi.refused(rule, "library.publish_policy_list", as_=OFFICE, on=DAY, **given)


def test_an_unchanged_policy_list_is_no_new_version(ready: World) -> None:
    given = {"items": list(LISTED), "consulted": CONSULTED}

    ready.refused("library.policy_list_unchanged", "library.publish_policy_list", as_=OFFICE, on=DAY, **given)


# --- the roll-up ----------------------------------------------------------------------------------------------------


def test_the_library_rolls_up_from_village_to_city_and_reconciles_after_a_move(ready: World) -> None:
    """ZY-43: a project counts at its village, township, county and city; moved, the sums above both stay."""
    project = ready.do("library.enter_project", **_zunyi_entry(ready)).id
    ready.do("library.enter_project", **_zunyi_entry(ready, name="合成项目二", unit=None, submitter=COUNTIES[1]))

    before = {row.code: row.projects for row in ready.ask("library.rollup").rows}
    ready.do("library.move_project", as_=OFFICE, on=DAY, project=project, unit=VILLAGES[1], reason="合成原因")
    after = ready.ask("library.rollup")

    moved = {row.code: row.projects for row in after.rows}
    assert [before[code] for code in (VILLAGES[0], VILLAGES[1], "syn-town-01", COUNTIES[0], CITY)] == [1, 0, 1, 1, 2]
    assert [moved[code] for code in (VILLAGES[0], VILLAGES[1], "syn-town-01", COUNTIES[0], CITY)] == [0, 1, 1, 1, 2]
    assert (after.reconciles, after.total, len(after.rows)) == (True, 2, 19)
    again = {"project": project, "unit": VILLAGES[1], "reason": "合成原因"}
    ready.refused("library.already_there", "library.move_project", as_=OFFICE, on=DAY, **again)
    ready.refused("unit.in_use", "unit.retire", as_=OFFICE, on=DAY, unit=VILLAGES[1])


def test_the_roll_up_is_printed_with_empty_units(ready: World) -> None:
    ready.do("library.enter_project", **_zunyi_entry(ready))

    issued = ready.do("library.issue_rollup", as_=OFFICE, on=DAY)

    assert (issued.units, issued.projects) == (19, 1)


# --- the list of open work ------------------------------------------------------------------------------------------


def test_open_work_is_listed_by_role_and_day_with_its_last_alert(zunyi: World) -> None:
    registered(zunyi, on=DAY, deep=True)
    zunyi.do("duty.open_due", as_=OFFICE, on=DAY, theme="planning", months=12)
    zunyi.do("duty.open_due", as_=OFFICE, on=DAY, theme="planning", months=1)
    for day in (date(2025, 4, 15), date(2025, 4, 30)):
        zunyi.do("work.sweep_deadlines", as_="system:scheduler", on=day)

    everything = zunyi.ask("work.list")
    (monthly,) = zunyi.ask("work.list", due_by="2025-04-30", role="")
    township, _ = zunyi.ask("work.list", as_="township:u-t", role="township")

    assert len(everything) == 20
    assert everything[0] == monthly
    assert (monthly.kind, monthly.role, monthly.resolves_with, monthly.due_on, monthly.alert) == (
        "duty",
        "city_bureau",
        "duty.record",
        date(2025, 4, 30),
        "0",
    )
    assert (township.subject, township.alert, township.provisional) == (TOWNSHIP, None, False)


def test_done_work_is_not_listed_and_the_public_does_not_see_the_list(zunyi: World) -> None:
    registered(zunyi, on=DAY, deep=True)
    zunyi.do("duty.open_due", as_=OFFICE, on=DAY, theme="planning", months=12)
    zunyi.do("duty.record", **_record(zunyi))

    assert [item.subject for item in zunyi.ask("work.list", role="township")] == [
        f"dispatch_yearly/{TOWNSHIPS[1]}/2025"
    ]
    for role, fault in (("public", "无权"), ("recipient", "无权")):
        with pytest.raises(Exception, match=fault):
            zunyi.ask("work.list", as_=role)
    with pytest.raises(Exception, match="填报内容有误"):
        zunyi.ask("work.list", role="nobody")


# --- for the public or not (FZ-01) ----------------------------------------------------------------------------------


def test_fengze_wants_to_know_whether_a_plan_is_for_the_public_and_holds_to_it(tmp_path: Path) -> None:
    fengze = open_world(tmp_path, region="350503")
    refusal = fengze.refused("FZ-01", "library.enter_project", **_entry())
    assert refusal.facts["fields"] == "方案公开属性"
    withheld, public = (
        fengze.do("library.enter_project", **_entry(name=f"合成项目{attribute}", attribute=attribute)).id
        for attribute in ("withheld", "active")
    )
    call: dict[str, Any] = {"as_": OFFICE, "on": DAY, "items": ("policy",), "sites": ("区政府网站",)}

    refusal = fengze.refused("FZ-01", "publicity.disclose", **call, project=withheld)
    disclosed = fengze.do("publicity.disclose", **call, project=public)

    assert refusal.facts["attribute"] == "不予公开"
    assert disclosed.items == ("policy",)
    fengze.services.engine.dispose()


def test_an_attribute_stated_wrongly_is_stated_anew_with_its_reason(tmp_path: Path) -> None:
    fengze = open_world(tmp_path, region="350503")
    project = fengze.do("library.enter_project", **_entry(attribute="withheld")).id
    call: dict[str, Any] = {"as_": OFFICE, "on": DAY, "project": project, "reason": "原定有误(合成)"}
    fengze.refused("library.attribute_unchanged", "library.restate_attribute", **call, attribute="withheld")
    named = call | {"reason": "电话13912345678"}
    fengze.refused("kernel.reason_names_person", "library.restate_attribute", **named, attribute="active")

    fengze.do("library.restate_attribute", **call, attribute="active")

    with Session(fengze.services.engine) as session:
        row = session.exec(select(Project)).one()
        event = session.exec(select(Event).where(Event.type == "library.attribute_restated")).one()
    assert (row.details["attribute"], row.details["attribute_restated"]["before"]) == ("active", "withheld")
    told = {"attribute": "active", "before": "withheld", "reason_digest": digest(call["reason"])}
    assert {key: value for key, value in event.payload.items() if key != "command"} == told
    given: dict[str, Any] = {"items": ("policy",), "sites": ("区政府网站",)}
    fengze.do("publicity.disclose", as_=OFFICE, on=DAY, project=project, **given)
    fengze.services.engine.dispose()
