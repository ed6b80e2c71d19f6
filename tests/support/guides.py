"""A complete made-up work guide for tests, and the steps of an application under it."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session, select

from models.tables.needs import Survey
from tests.support.planning import BUREAU, OFFICE, entered, open_survey, plan_book
from tests.support.world import World
from tests.support.zunyi import COUNTIES, listed, registered

ON = date(2025, 3, 3)
CONDITIONS = ("team_complete", "budget_itemised")
DESIGN = {
    "coverage": "合成范围",
    "time_span": "合成时间",
    "supplier": "合成主体",
    "mechanism": "合成机制",
    "supervision": "合成监管",
    "safeguards": "合成保障",
}


def settle(world: World, *, on: date = ON) -> None:
    """Register what an entry into Zunyi's library rests on: units, a policy list, a survey."""
    registered(world, on=on)
    listed(world, on=on)
    open_survey(world, on=on, classes=("TEKUN", "DIBAO"))


def zunyi_project(world: World, *, on: date = ON) -> str:
    """Enter a made-up project into the library of a settled Zunyi and return its id."""
    with Session(world.services.engine) as session:
        survey = session.exec(select(Survey.id)).one()
    return entered(
        world,
        on=on,
        needs=(survey,),
        policies=("P-01",),
        fund_sources=("local_budget",),
        origin="township",
        submitter=COUNTIES[0],
    )


def guide_content(**changes: Any) -> dict[str, Any]:
    """Return the six items of a made-up guide with every step limited; ``changes`` replace items."""
    line = ("intake", "appraisal", "county_opinion", "review", "decision", "approval")
    names = ("受理", "可行性论证", "县级人民政府意见", "专家评审", "决策", "批准")
    limits = (3, 10, 5, 8, 6, 4)
    return {
        "materials": ["项目申报书", "需求台账摘要"],
        "attachments": [
            {"code": "registration", "name": "登记证书复印件"},
            {"code": "references", "name": "同类项目业绩", "required": False},
        ],
        "intake_channel": "评审机制办公室窗口受理(合成)。",
        "review_conditions": [
            {"code": "team_complete", "text": "项目团队三类人员齐备。"},
            {"code": "budget_itemised", "text": "预算按类别和渠道分列。"},
        ],
        "procedure": [
            {"code": code, "name": name, "actor": "评审机制办公室", "next": list(line[at : at + 1])}
            for at, (code, name) in enumerate(zip(line, names, strict=True), start=1)
        ],
        "time_limits": dict(zip(line, limits, strict=True)),
    } | changes


def activated(world: World, *, on: date = ON, **changes: Any) -> Any:
    """Draft and publish a guide; return the activation."""
    drafted = world.do("guide.draft", as_=OFFICE, on=on, **guide_content(**changes))
    return world.do("guide.activate", as_=OFFICE, on=on, guide=drafted.id)


def attached(world: World, project: str, *, on: date = ON, kind: str = "registration") -> Any:
    """Attach a made-up file."""
    upload = world.upload(f"合成附件{kind}".encode(), name="合成登记证书.pdf", media_type="application/pdf")
    return world.do("application.attach", as_=BUREAU, on=on, project=project, kind=kind, file=upload.model_dump())


def applied(world: World, *, on: date = ON, complete: bool = True, **changes: Any) -> str:
    """Enter a project and submit its application, with ``complete`` nothing missing; return the project."""
    project = zunyi_project(world, on=on)
    if complete:
        attached(world, project, on=on)
    design: dict[str, Any] = {"design": DESIGN} if complete else {}
    world.do("application.submit", as_=BUREAU, on=on, project=project, plan_book=plan_book(**changes), **design)
    return project


def findings(**changes: bool) -> list[dict[str, Any]]:
    """Return a finding of each condition, met unless ``changes`` says otherwise."""
    return [{"condition": code, "met": changes.get(code, True)} for code in CONDITIONS]
