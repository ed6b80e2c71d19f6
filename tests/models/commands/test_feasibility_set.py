"""One report, one opinion, one set through the door: made, pinned, stale, renewed; and both orders of the panel.

All made up. Zunyi, where no decision stands without the three (ZY-69).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.policy.resolver import PolicyBook, load_policy_book
from models.tables.kernel import Document, Event
from tests.support import deciding as path
from tests.support import feasible, guides
from tests.support.planning import BUREAU, OFFICE, appraisal
from tests.support.world import World, copy_world, open_world

DAY = date(2025, 3, 3)
DECIDED = date(2025, 3, 13)
KEY = "feasibility.before_review"
VOIDS = "decision.modification_voids"


def _decide(world: World, project: str, *, expect: str = "") -> Any:
    call: dict[str, Any] = {"as_": BUREAU, "on": DECIDED, "project": project, **path.decision()}
    return world.refused(expect, "decision.decide", **call) if expect else world.do("decision.decide", **call)


def _publicised(world: World, project: str, *, on: date = date(2025, 3, 4), until: date = date(2025, 3, 12)) -> None:
    notice = path.publish(world, project, on=on)
    world.do("publicity.close_notice", as_=path.SYSTEM, on=until, notice=notice.id)


def _reviewed(world: World, project: str, *, on: date = DAY) -> None:
    opened = path.open_round(world, project, on=on)
    path.score(world, opened, on=on)
    world.do("review.close_round", as_=OFFICE, on=on, round=opened.id, opinion="同意(合成)。")
    path.sign(world, opened.id, on=on)


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    """A project after its publicity, appraised before its panel, with nothing of the set yet."""
    world = open_world(tmp_path_factory.mktemp("base"), region="520300")
    path.roster(world, on=DAY)
    project = feasible.applied(world, on=DAY)
    world.refused("ZY-62", "review.open_round", as_=OFFICE, on=DAY, project=project, seed="early")
    world.refused("ZY-66", "feasibility.compile_report", as_=BUREAU, on=DAY, project=project, **feasible.report())
    world.do("feasibility.appraise", as_=BUREAU, on=DAY, project=project, **appraisal())
    _reviewed(world, project)
    _publicised(world, project)
    return world, project


@pytest.fixture
def world(_base: tuple[World, str], tmp_path: Path) -> World:
    return copy_world(_base[0], tmp_path)


@pytest.fixture
def project(_base: tuple[World, str]) -> str:
    return _base[1]


def _set(world: World, project: str) -> Any:
    return world.ask("feasibility.decision_set", project=project, on=DECIDED)


def test_the_decision_waits_for_report_opinion_and_formalities_and_names_what_is_missing(
    world: World, project: str
) -> None:
    assert all(part in _decide(world, project, expect="ZY-69").message for part in ("报告", "意见", "手续"))

    made = feasible.compiled(world, project, on=DECIDED)
    told = _decide(world, project, expect="ZY-69").facts["missing"]
    assert told == "一个意见、一套手续"
    feasible.opinion(world, project, made.sha256, on=DECIDED)
    assert _decide(world, project, expect="ZY-69").facts["missing"] == "一套手续"
    feasible.formalities(world, project, on=DECIDED)

    assert _decide(world, project).state == "project.decided"


def test_papers_handed_in_with_the_decision_do_not_stand_in_for_the_set(world: World, project: str) -> None:
    files: dict[str, Any] = {
        part: world.upload(f"合成{part}".encode(), name=f"{part}.pdf", media_type="application/pdf").model_dump()
        for part in ("report", "opinion", "formalities")
    }
    call: dict[str, Any] = {"as_": BUREAU, "on": DECIDED, "project": project, **path.decision()}

    world.refused("ZY-69", "decision.decide", **call, **files, opinion_issuer="county_government")


def test_a_report_is_a_paper_whose_digest_and_outline_are_pinned(world: World, project: str) -> None:
    attachment = world.upload("全文(合成)".encode(), name="全文.pdf", media_type="application/pdf")

    made = feasible.compiled(world, project, on=DECIDED, attachment=attachment.model_dump())

    held = _set(world, project)
    with Session(world.services.engine) as session:
        paper = session.get_one(Document, made.document)
        event = session.exec(select(Event).where(col(Event.type) == "feasibility.report_compiled")).one()
        kinds = session.exec(select(Document.kind).where(col(Document.project_id) == project)).all()
    assert (paper.kind, paper.sha256) == ("feasibility_report", made.sha256)
    assert (held.report_sha256, held.report_version, held.counting) == (made.sha256, 1, ("feasibility_report",))
    assert "304" in held.outline_source
    assert event.payload["outline_digest"] == held.outline_digest
    assert "合成咨询单位" not in str(event.payload)
    assert "feasibility_report_attachment" in kinds
    assert made.warnings == ()
    assert world.do("document.verify", as_=OFFICE, on=DECIDED, document=made.document).same


@pytest.mark.parametrize(
    ("changes", "rule", "told"),
    [
        ({"chapters": {"overview": "概述(合成)"}}, "ZY-61", "项目运营方案"),
        ({"balance": [{**feasible.BALANCE[0], "sources": "399999.99"}]}, "ZY-64", "2025 年"),
        ({"risk_register": [{**feasible.RISKS[0], "owner": " "}]}, "ZY-64", "责任单位"),
        ({"balance": [], "risk_register": []}, "ZY-64", "资金平衡表"),
    ],
)
def test_an_incomplete_report_is_refused(
    world: World, project: str, changes: Mapping[str, Any], rule: str, told: str
) -> None:
    given = feasible.report(**changes)

    fault = world.refused(rule, "feasibility.compile_report", as_=BUREAU, on=DECIDED, project=project, **given)

    assert told in fault.message
    assert _set(world, project).report_version is None


def test_a_bureaus_opinion_is_refused_and_says_who_gives_it(world: World, project: str) -> None:
    made = feasible.compiled(world, project, on=DECIDED)
    given = {"project": project, "report_sha256": made.sha256, "positive": True, "opinion": "同意(合成)。"}
    for role in ("county_bureau:u-county-bureau", BUREAU):
        fault = world.refused("ZY-67", "feasibility.give_opinion", as_=role, on=DECIDED, **given)
        assert "属地县级人民政府" in fault.way_out

    opinion = feasible.opinion(world, project, made.sha256, on=DECIDED)

    with Session(world.services.engine) as session:
        paper = session.get_one(Document, opinion.document)
    assert (paper.kind, paper.issuer) == ("county_review_opinion", "属地县级人民政府")


def test_a_changed_report_makes_the_opinion_stale_until_it_is_renewed(world: World, project: str) -> None:
    feasible.whole_set(world, project, on=DECIDED)
    old = _set(world, project).report_sha256

    changed = feasible.compiled(world, project, on=DECIDED, chapters=feasible.chapters(overview="改写(合成)"))

    assert changed.sha256 != old
    assert changed.version == 2
    assert "旧版" in _decide(world, project, expect="ZY-69").facts["missing"]
    with pytest.raises(Exception, match="不是最新的报告"):
        feasible.opinion(world, project, old, on=DECIDED)
    feasible.opinion(world, project, changed.sha256, on=DECIDED)
    assert _decide(world, project).state == "project.decided"


def test_an_unfavourable_opinion_supports_no_positive_decision(world: World, project: str) -> None:
    feasible.whole_set(world, project, on=DECIDED)
    sha256 = _set(world, project).report_sha256

    feasible.opinion(world, project, sha256, on=DECIDED, positive=False, opinion="资金来源不实(合成)。")

    assert "不同意" in _decide(world, project, expect="ZY-69").facts["missing"]


def test_open_formalities_are_named_and_one_may_not_apply(world: World, project: str) -> None:
    call: dict[str, Any] = {"as_": BUREAU, "on": DECIDED, "project": project}
    recorded = feasible.formality(world, project, "budget_line", on=DECIDED)
    assert recorded.open == ("guiding_catalogue", "procurement_plan", "impact_assessment")

    fault = world.refused("ZY-68", "feasibility.complete_formalities", **call)
    world.refused("ZY-68", "feasibility.record_formality", **call, code="procurement_plan")

    assert len(fault.details) == 3
    for code in ("guiding_catalogue", "procurement_plan"):
        feasible.formality(world, project, code, on=DECIDED)
    world.do("feasibility.record_formality", **call, code="impact_assessment", not_applicable="不采集信息(合成)")
    done = world.do("feasibility.complete_formalities", **call)
    with Session(world.services.engine) as session:
        assert session.get_one(Document, done.document).kind == "formality_set"
    assert _set(world, project).formalities[-1].not_applicable == "不采集信息(合成)"


def test_an_enterprise_project_needs_only_its_own_formalities(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="520300")
    project = feasible.applied(world, on=DAY, payer="enterprise")
    call: dict[str, Any] = {"as_": BUREAU, "on": DAY, "project": project}

    world.refused("feasibility.formality_unknown", "feasibility.record_formality", **call, code="budget_line")
    world.do("feasibility.record_formality", **call, code="impact_assessment", not_applicable="不采集信息(合成)")

    assert world.do("feasibility.complete_formalities", **call).document


def test_tables_of_the_appraisal_serve_the_report(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="520300")
    project = feasible.applied(world, on=DAY)
    given = appraisal(funding_balance="", risks="", balance=feasible.BALANCE, risk_register=feasible.RISKS)
    uneven = given | {"balance": [{**feasible.BALANCE[0], "uses": {}}]}
    world.refused("feasibility.balance_uneven", "feasibility.appraise", as_=BUREAU, on=DAY, project=project, **uneven)

    world.do("feasibility.appraise", as_=BUREAU, on=DAY, project=project, **given)
    feasible.compiled(world, project, on=DAY, balance=(), risk_register=())

    assert len(world.ask("feasibility.decision_set", project=project, on=DAY).balance) == 2


LESS = {"budget": [{"category": "人员费用", "channel": "local_budget", "amount": "600000.00"}]}


def _modify(world: World, project: str, *, on: date, changes: Mapping[str, Any] = LESS) -> Any:
    return world.do("decision.modify", as_=OFFICE, on=on, project=project, changes=changes, reason="预算调减(合成)")


def test_another_budget_voids_report_opinion_and_set_until_all_are_new(world: World, project: str) -> None:
    """ZY-05, ZY-65, ZY-69: a decision never rests on what was said of the old budget."""
    feasible.whole_set(world, project, on=DECIDED)
    old = _set(world, project)
    assert len(old.counting) == 3

    done = _modify(world, project, on=DECIDED)

    assert (done.voided, done.state) == (("feasibility", "review", "publicity"), "project.submitted")
    held = _set(world, project)
    assert held.counting == ()
    assert all("变更" in reason for reason in held.reasons.values())
    marked = {paper.document for paper in world.ask("decision.record", project=project, on=DECIDED).voided}
    assert {old.report_document, old.opinion_document, old.formalities_document} <= marked
    assert marked == set(done.documents)
    call: dict[str, Any] = {"as_": BUREAU, "on": DECIDED, "project": project}
    world.refused("ZY-66", "feasibility.compile_report", **call, **feasible.report())
    world.do("feasibility.appraise", **call, **appraisal())
    with pytest.raises(Exception, match="没有有效的"):
        feasible.opinion(world, project, old.report_sha256, on=DECIDED)
    _reviewed(world, project, on=DECIDED)
    _publicised(world, project, on=date(2025, 3, 14), until=date(2025, 3, 24))
    later: dict[str, Any] = {"as_": BUREAU, "on": date(2025, 3, 25), "project": project, **path.decision()}
    assert "变更" in str(world.refused("ZY-69", "decision.decide", **later).facts["missing"])
    feasible.opinion(world, project, feasible.compiled(world, project, on=DECIDED).sha256, on=DECIDED)
    assert str(world.refused("ZY-69", "decision.decide", **later).facts["missing"]).startswith("一套手续")
    world.do("feasibility.complete_formalities", **call)
    assert world.do("decision.decide", **later).state == "project.decided"


def test_another_term_leaves_the_set_as_it_is(world: World, project: str) -> None:
    feasible.whole_set(world, project, on=DECIDED)

    moved = _modify(
        world, project, on=DECIDED, changes={"period": {"starts_on": "2025-05-01", "ends_on": "2025-12-31"}}
    )

    assert (moved.voided, moved.state) == ((), "project.on_publicity")
    assert len(_set(world, project).counting) == 3
    assert _decide(world, project).state == "project.decided"


def panel_first() -> PolicyBook:
    """Return the shipped book with the switch turned and a budget that does not concern the panel (synthetic)."""
    packs = dict(load_policy_book().packs)
    cn = packs["cn"]
    turned = tuple(replace(entry, value=False) for entry in cn.leaves[KEY])
    voids = tuple(
        replace(entry, value={**entry.value, "budget": ("feasibility", "publicity", "decision", "approval")})
        for entry in cn.leaves[VOIDS]
    )
    packs["cn"] = replace(cn, leaves={**cn.leaves, KEY: turned, VOIDS: voids})
    return PolicyBook(packs)


def test_where_the_panel_goes_first_the_appraisal_follows_it(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="520300")
    world = replace(world, services=replace(world.services, policies=panel_first()))
    path.roster(world, on=DAY)
    project = feasible.applied(world, on=DAY)
    call: dict[str, Any] = {"as_": BUREAU, "on": DAY, "project": project}
    world.refused("SYS-STATE", "feasibility.appraise", **call, **appraisal())

    _reviewed(world, project)
    notice = {"channels": ("website",), "contact": "联系电话:0714-6234567"}
    world.refused("SYS-STATE", "publicity.publish_notice", as_=OFFICE, on=DAY, project=project, **notice)
    assert world.do("feasibility.appraise", **call, **appraisal()).state == "project.candidate"
    world.refused("SYS-STATE", "review.open_round", as_=OFFICE, on=DAY, project=project, seed="late")
    old = feasible.compiled(world, project, on=DAY)
    feasible.opinion(world, project, old.sha256, on=DAY)

    done = _modify(world, project, on=DAY)

    assert (done.voided, done.state) == (("feasibility",), "project.reviewed")
    assert _set(world, project).counting == ()
    world.refused("ZY-66", "feasibility.compile_report", **call, **feasible.report())
    world.do("feasibility.appraise", **call, **appraisal())
    new = feasible.compiled(world, project, on=DAY)
    feasible.opinion(world, project, new.sha256, on=DAY)
    assert set(_set(world, project).counting) == {"feasibility_report", "county_review_opinion"}
    _publicised(world, project)
    feasible.whole_set(world, project, on=DECIDED)
    assert _decide(world, project).state == "project.decided"

    content = _modify(world, project, on=DECIDED, changes={"content": {"goals": "累计服务不少于五百人(合成)。"}})

    earned = ("review", "feasibility", "publicity", "decision")
    assert (content.voided, content.state) == (earned, "project.submitted")


def test_where_the_panel_goes_first_a_failed_appraisal_sends_the_project_back(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="520300")
    world = replace(world, services=replace(world.services, policies=panel_first()))
    path.roster(world, on=DAY)
    project = feasible.applied(world, on=DAY)
    _reviewed(world, project)
    no = {"positive": False, "reason": "财力不足(合成)。"}

    failed = world.do("feasibility.appraise", as_=BUREAU, on=DAY, project=project, **appraisal(fiscal_capacity=no))

    assert (failed.state, failed.grounds) == ("project.returned", ("fiscal_capacity",))


def test_where_the_panel_goes_first_nothing_is_appraised_on_a_review_that_was_overthrown(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="520300")
    world = replace(world, services=replace(world.services, policies=panel_first()))
    path.roster(world, on=DAY)
    project = feasible.applied(world, on=DAY)
    _reviewed(world, project)
    call: dict[str, Any] = {"as_": BUREAU, "project": project, **appraisal()}
    world.do("feasibility.appraise", on=DAY, **call)
    day = date(2025, 3, 5)
    notice = path.publish(world, project, on=DAY)
    told = {"notice": notice.id, "matter": "材料不实(合成)", "objector": "合成某人"}
    raised = world.do("publicity.raise_objection", as_="public:u-any", on=day, **told)
    answer = {"objection": raised.id, "outcome": "upheld", "reply": "属实,重新评审(合成)。"}
    world.do("publicity.answer_objection", as_=OFFICE, on=day, **answer)

    assert world.refused("publicity.review_first", "feasibility.appraise", on=day, **call).rule == "ZY-24"

    _reviewed(world, project, on=day)
    assert world.do("feasibility.appraise", on=day, **call).state == "project.candidate"


def _under_guide(tmp_path: Path) -> tuple[World, str]:
    """A submission pinned to a guide, in a region where the panel goes first."""
    world = open_world(tmp_path, region="520300")
    world = replace(world, services=replace(world.services, policies=panel_first()))
    path.roster(world, on=DAY)
    guides.settle(world, on=DAY)
    guides.activated(world, on=DAY)
    return world, guides.applied(world, on=DAY)


def test_where_the_panel_goes_first_it_waits_until_the_conditions_were_looked_at(tmp_path: Path) -> None:
    """ZY-15: once the panel sits nobody could accept any more, and the appraisal would be refused for ever."""
    world, project = _under_guide(tmp_path)
    for command in ("review.commit_seed", "review.open_round"):
        world.refused("application.not_accepted", command, as_=OFFICE, on=DAY, project=project)
    assert world.ask("review.candidates_due", as_=path.SYSTEM, on=date(2025, 12, 1)) == ()

    accepted: dict[str, Any] = {"conditions": guides.findings(), "public_benefit": True}
    world.do("application.accept", as_=OFFICE, on=DAY, project=project, **accepted)
    _reviewed(world, project)

    world.do("guide.sweep_clocks", as_=path.SYSTEM, on=DAY)
    due = {item.kind: item.due_on for item in world.ask("work.list") if "appraisal" in item.kind}
    assert due == {"guide.step.appraisal": date(2025, 3, 17)}  # ten working days from the panel's result
    appraised = world.do("feasibility.appraise", as_=BUREAU, on=DAY, project=project, **appraisal())
    assert appraised.state == "project.candidate"
