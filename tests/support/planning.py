"""Builders of the planning stages (S01–S04) for tests: reached through commands, all people made up."""

from __future__ import annotations

from datetime import date
from typing import Any

from models.core.uploads import Upload
from models.rules.synthetic import LedgerShape, synthetic_ledger
from reports.needs_ledger_file import needs_ledger_file
from reports.workbook import MEDIA_TYPE
from tests.support.world import World

OFFICE = "evaluation_office:u-office"
BUREAU = "city_bureau:u-bureau"
ENTERED_ON = date(2016, 1, 4)
CLASSES = ("URBAN_DIBAO", "RURAL_DIBAO", "RURAL_WUBAO")

SMALL = LedgerShape(
    people=1_000,
    elderly=300,
    disabled=260,
    minors=260,
    severely_ill=200,
    elderly_alone=140,
    single_parent_households=140,
)
"""A ledger that fills four strata of a hundred, yet passes the gate in a moment."""


def synthetic_people(*, people: int = 1_000, seed: int = 7, as_of: date = ENTERED_ON) -> list[dict[str, object]]:
    """Return made-up ledger rows shaped so that every stratum of Huangshi can be filled from a thousand people."""
    return list(synthetic_ledger(people=people, seed=seed, as_of=as_of, region_code="420200", shape=SMALL))


def ledger_upload(world: World, rows: list[dict[str, object]], *, as_of: date = ENTERED_ON) -> Upload:
    """Put the rows into the intake bucket as a filled-in template."""
    data = needs_ledger_file(rows=rows, date=as_of)
    return world.upload(data, name="合成需求台账.xlsx", media_type=MEDIA_TYPE)


def open_survey(
    world: World, *, on: date = ENTERED_ON, title: str = "社会救助对象摸底调查", classes: tuple[str, ...] = CLASSES
) -> str:
    """Open a survey of these classes and return its id."""
    opened = world.do(
        "needs.open_survey", as_=BUREAU, on=on, title=title, classes=classes, scope=f"城区(合成{world.calls})"
    )
    return str(opened.id)


def surveyed(world: World, *, rows: list[dict[str, object]] | None = None, on: date = ENTERED_ON) -> str:
    """Open a survey and import a small made-up ledger; return the survey's id."""
    survey = open_survey(world, on=on)
    upload = ledger_upload(world, rows if rows is not None else synthetic_people(as_of=on), as_of=on)
    world.do("needs.import_ledger", as_=BUREAU, on=on, survey=survey, file=upload.model_dump())
    return survey


def entered(world: World, *, on: date = ENTERED_ON, **arguments: Any) -> str:
    """Enter a project into the library and return its id."""
    given: dict[str, Any] = {
        "name": "社会救助对象服务项目(合成)",
        "needs": ("合成需求调查",),
        "policies": ("政府购买服务办法",),
    }
    return str(
        world.do(
            "library.enter_project", as_=OFFICE, on=on, **({"plan_alignment": f"合成{world.calls}"} | given | arguments)
        ).id
    )


def plan_book(**changes: Any) -> dict[str, Any]:
    """Return a complete made-up plan book; ``changes`` replace its entries."""
    return {
        "applicant": "合成社会服务中心",
        "credit_code": "52420200MJH000000Y",
        "background": "社会救助对象有心理疏导和照护需要。",
        "concept": "由专业社工提供服务。",
        "goals": "累计服务不少于四百人。",
        "steps": "摸底、筛选、服务、评估。",
        "expected_effect": "服务对象困难得到缓解。",
        "budget": [
            {"category": "人员费用", "channel": "local_budget", "amount": "500000.00"},
            {"category": "活动费用", "channel": "local_budget", "amount": "180000.00"},
        ],
        "total": "680000.00",
        "team": [
            {"role": "project_leader", "name": "合成甲"},
            {"role": "executor", "name": "合成乙", "contact": "13800000000"},
            {"role": "accountable_person", "name": "合成丙"},
        ],
    } | changes


def submitted(world: World, *, on: date = ENTERED_ON, **arguments: Any) -> str:
    """Enter a project and submit its plan book; return the project's id."""
    project = entered(world, on=on, **arguments)
    world.do("application.submit", as_=BUREAU, on=on, project=project, plan_book=plan_book())
    return project


def requirements() -> dict[str, str]:
    """Return a complete requirement specification."""
    return {
        "time": "每周至少一次",
        "content": "心理疏导、资源链接、能力提升、社会融入",
        "form": "社工个案服务",
        "unit_qualification": "依法登记的社会组织",
        "staff_qualification": "社会工作者职业资格",
        "expected_effect": "困难得到缓解",
        "steps": "分三个阶段实施",
    }


def costing(**changes: Any) -> dict[str, Any]:
    """Return a complete costing; ``changes`` replace its entries."""
    return {
        "inputs": {"price": "100000.00", "wage": "500000.00", "tax_fee": "80000.00"},
        "comparators": [{"place": "合成市", "note": "每人每年一千五百元"}],
        "consulted": ["price_dept", "statistics_dept"],
        "total": "680000.00",
    } | changes


def prepared(world: World, project: str, *, on: date = ENTERED_ON) -> None:
    """Record the whole preparation that Huangshi's practice asks for before an appraisal."""
    call = {"as_": BUREAU, "on": on, "project": project}
    world.do("feasibility.record_benchmark", **call, places=("合成市民政局",), notes="学习了购买服务的做法。")
    world.do("feasibility.specify_requirements", **call, **requirements())
    world.do("feasibility.review_content", **call, items=[{"code": "counselling", "name": "心理疏导"}])
    world.do("feasibility.estimate_cost", **call, **costing())


def appraisal(**changes: Any) -> dict[str, Any]:
    """Return a positive appraisal; ``changes`` replace its entries."""
    yes = {"positive": True, "reason": "理由充分。"}
    return {
        "findings": dict.fromkeys(("necessity", "feasibility", "public_benefit", "funding_reliability"), yes),
        "fiscal_capacity": yes,
        "funding_balance": "列入年度预算。",
        "risks": "未发现重大风险。",
    } | changes


def candidate(world: World, *, on: date = ENTERED_ON, **arguments: Any) -> str:
    """Bring a project to ``candidate`` and return its id."""
    project = submitted(world, on=on, **arguments)
    prepared(world, project, on=on)
    world.do("feasibility.appraise", as_=BUREAU, on=on, project=project, **appraisal())
    return project
