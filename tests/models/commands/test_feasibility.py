"""Feasibility through the door: the preparation, and the appraisal that makes a candidate or sends back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.money import Money
from models.tables.application import Application
from models.tables.kernel import Attempt, Event, WorkItem
from tests.support import feasible
from tests.support.planning import (
    BUREAU,
    ENTERED_ON,
    appraisal,
    candidate,
    costing,
    entered,
    prepared,
    requirements,
    submitted,
)
from tests.support.world import World, open_world

CALL: dict[str, Any] = {"as_": BUREAU, "on": ENTERED_ON}
LATER: dict[str, Any] = {"as_": BUREAU, "on": date(2025, 3, 3)}
NO = {"positive": False, "reason": "资金没有着落。"}


@pytest.fixture
def zunyi(tmp_path: Path) -> Iterator[World]:
    world = open_world(tmp_path, region="520300")
    yield world
    world.services.engine.dispose()


def test_whole_preparation_and_a_positive_appraisal_make_a_candidate(world: World) -> None:
    project = candidate(world)

    assert world.ask("project.status", project=project).state == "project.candidate"
    record = world.ask("feasibility.record", project=project)
    assert (record.cost_total, record.outcome, record.grounds) == (Money.yuan("680000.00"), "positive", ())
    assert record.benchmark_places == ("合成市民政局",)
    with Session(world.services.engine) as session:
        assert session.exec(select(WorkItem.status).where(col(WorkItem.kind) == "application.appraisal")).all() == [
            "done"
        ]


def test_huangshi_refuses_a_candidate_without_preparation(world: World) -> None:
    project = submitted(world)

    fault = world.refused("HS-02", "feasibility.appraise", **CALL, project=project, **appraisal())

    assert [detail.rule for detail in fault.details] == ["HS-02", "HS-08", "HS-12", "HS-23"]
    assert world.ask("project.status", project=project).state == "project.submitted"


def test_negative_finding_returns_the_project_with_its_grounds(world: World) -> None:
    project = submitted(world)
    findings = appraisal()["findings"] | {"funding_reliability": NO}

    result = world.do("feasibility.appraise", **CALL, project=project, **appraisal(findings=findings))

    assert (result.outcome, result.grounds, result.state) == (
        "negative",
        ("funding_reliability",),
        "project.returned",
    )
    with Session(world.services.engine) as session:
        event = session.exec(select(Event).where(col(Event.type) == "project.appraisal_failed")).one()
    assert event.payload["findings"]["funding_reliability"] is False
    assert "资金" not in json.dumps(event.payload, ensure_ascii=False)


def test_negative_fiscal_capacity_returns_a_government_paid_project(zunyi: World) -> None:
    project = feasible.applied(zunyi, on=date(2025, 3, 3))

    result = zunyi.do("feasibility.appraise", **LATER, project=project, **appraisal(fiscal_capacity=NO))

    assert (result.outcome, result.grounds) == ("negative", ("fiscal_capacity",))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"fiscal_capacity": None}, "ZY-05"),
        ({"funding_balance": ""}, "ZY-64"),
        ({"risks": ""}, "ZY-64"),
        ({"major": True}, "ZY-65"),
        ({"findings": {}}, "ZY-63"),
    ],
)
def test_incomplete_appraisal_is_refused_in_zunyi(zunyi: World, changes: dict[str, Any], rule: str) -> None:
    project = feasible.applied(zunyi, on=date(2025, 3, 3))

    zunyi.refused(rule, "feasibility.appraise", **LATER, project=project, **appraisal(**changes))


def test_major_project_with_a_stability_assessment_passes_in_zunyi(zunyi: World) -> None:
    project = feasible.applied(zunyi, on=date(2025, 3, 3))

    result = zunyi.do(
        "feasibility.appraise", **LATER, project=project, **appraisal(major=True, stability="风险等级为低。")
    )

    assert (result.major, result.state) == (True, "project.candidate")


def test_a_small_costing_does_not_make_a_major_application_minor(zunyi: World) -> None:
    project = feasible.applied(zunyi, on=date(2025, 3, 3))
    zunyi.do("feasibility.estimate_cost", **LATER, project=project, **costing())
    with Session(zunyi.services.engine) as session:
        session.exec(select(Application)).one().total_fen = Money.yuan("5000000.00").fen
        session.commit()

    zunyi.refused("ZY-65", "feasibility.appraise", **LATER, project=project, **appraisal())


def test_government_duty_in_the_content_is_refused_and_kept_as_an_attempt(world: World) -> None:
    project = entered(world)
    items = [{"code": "counselling", "name": "心理疏导"}, {"code": "approve_benefits", "name": "低保审批"}]

    fault = world.refused("HS-12", "feasibility.review_content", **CALL, project=project, items=items)

    assert "低保审批" in fault.message
    assert world.ask("feasibility.record", project=project).content is None
    with Session(world.services.engine) as session:
        attempt = session.exec(select(Attempt)).one()
    assert (attempt.command, attempt.rule) == ("feasibility.review_content", "HS-12")


@pytest.mark.parametrize("duty", [True, "government_direct"])
def test_reviewer_may_find_a_duty_behind_a_harmless_code(world: World, duty: bool | str) -> None:
    project = entered(world)
    items = [{"code": "paperwork", "name": "救助材料审核", "duty": duty}]

    world.refused("HS-12", "feasibility.review_content", **CALL, project=project, items=items)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"comparators": []}, "HS-23"),
        ({"consulted": ["price_dept"]}, "HS-24"),
        ({"inputs": {"price": "180000.00", "wage": "500000.00"}}, "HS-25"),
        ({"total": "680000.01"}, "HS-25"),
    ],
)
def test_incomplete_costing_is_refused(world: World, changes: dict[str, Any], rule: str) -> None:
    project = entered(world)

    world.refused(rule, "feasibility.estimate_cost", **CALL, project=project, **costing(**changes))


def test_requirement_without_steps_is_refused(world: World) -> None:
    project = entered(world)

    world.refused(
        "HS-09", "feasibility.specify_requirements", **CALL, project=project, **(requirements() | {"steps": ""})
    )


def test_benchmark_without_notes_is_refused(world: World) -> None:
    project = entered(world)

    world.refused("HS-02", "feasibility.record_benchmark", **CALL, project=project, places=("甲市",), notes=" ")


def test_newest_costing_counts(world: World) -> None:
    project = submitted(world)
    prepared(world, project)
    world.do(
        "feasibility.estimate_cost",
        **CALL,
        project=project,
        **costing(inputs={"price": "1.00", "wage": "2.00", "tax_fee": "0.50"}, total="3.50"),
    )

    assert world.ask("feasibility.record", project=project).cost_total == Money.yuan("3.50")


def test_candidate_takes_no_further_preparation(world: World) -> None:
    project = candidate(world)

    world.refused("SYS-STATE", "feasibility.estimate_cost", **CALL, project=project, **costing())


def test_project_that_was_not_submitted_is_not_appraised(world: World) -> None:
    project = entered(world)

    world.refused("SYS-STATE", "feasibility.appraise", **CALL, project=project, **appraisal())


def test_guidance_of_experts_is_on_file_with_the_requirements(world: World) -> None:
    """HS-11."""
    project = entered(world)
    call = CALL | {"project": project, **requirements(), "guided_by": ("合成大学社工系",)}
    world.refused("HS-11", "feasibility.specify_requirements", **call)

    world.do("feasibility.specify_requirements", **call, guidance="建议分三个阶段实施(合成)。")

    record = world.ask("feasibility.record", project=project)
    assert (record.guided_by, record.guidance) == (("合成大学社工系",), "建议分三个阶段实施(合成)。")


def test_beijing_reviews_content_against_its_list(tmp_path: Path) -> None:
    """BJ-10 to BJ-13, BJ-25."""
    world = open_world(tmp_path, region="110000")
    day = date(2019, 3, 4)
    call: dict[str, Any] = {"as_": BUREAU, "on": day, "project": entered(world, on=day)}
    case = {"code": "case_work", "name": "个案帮扶(合成)", "standard": "每月一次(合成)"}
    other = {"code": "OTHER", "name": "其他服务(合成)", "item_class": "SERVICE", "standard": "每月一次(合成)"}

    world.refused("BJ-25", "feasibility.review_content", **call, items=[case | {"standard": ""}])
    world.refused("BJ-11", "feasibility.review_content", **call, items=[other])
    world.refused("BJ-13", "feasibility.review_content", **call, items=[case, case | {"duty": "government_direct"}])
    reviewed = world.do("feasibility.review_content", **call, items=[case, other | {"reason": "居民提出(合成)"}])

    assert len(reviewed.warnings) == 1
    assert world.ask("feasibility.record", project=call["project"]).content_warnings == reviewed.warnings


def test_anhui_warns_of_what_another_level_mainly_buys(tmp_path: Path) -> None:
    """AH-01, AH-08, AH-09."""
    world = open_world(tmp_path, region="340000")
    call: dict[str, Any] = {"as_": BUREAU, "on": ENTERED_ON, "project": entered(world)}
    visit = {"code": "visit", "name": "探访(合成)", "item_class": "public_service"}
    world.refused("AH-01", "feasibility.review_content", **call, items=[visit])
    domain = next(iter(world.services.policies.resolve(region="340000", on=ENTERED_ON).lists.purchase_domains or {}))

    reviewed = world.do(
        "feasibility.review_content", **call, items=[visit | {"domain": domain}], purchaser_level="city"
    )

    assert "AH-08" in reviewed.warnings[0]
