"""Builders of the decision set (S04): report, county opinion, formalities; reached through commands, all made up."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session, select

from models.policy.resolver import load_policy_book
from models.tables.needs import Survey
from tests.support.guides import DESIGN, settle
from tests.support.planning import entered, plan_book
from tests.support.world import World
from tests.support.zunyi import COUNTIES

BUREAU = "city_bureau:u-bureau"
COUNTY = "county_government:u-county"
FORMALITIES = ("guiding_catalogue", "budget_line", "procurement_plan", "impact_assessment")
BALANCE = (
    {"year": 2025, "channel": "local_budget", "sources": "400000.00", "uses": {"人员费用": "400000.00"}},
    {
        "year": 2026,
        "channel": "local_budget",
        "sources": "280000.00",
        "uses": {"人员费用": "100000.00", "活动费用": "180000.00"},
    },
)
RISKS = (
    {
        "name": "服务人员流动",
        "likelihood": "medium",
        "impact": "medium",
        "measure": "签订服务协议,储备替补人员。",
        "owner": "承接单位项目部",
    },
)


def applied(world: World, *, on: date, payer: str = "government") -> str:
    """Settle Zunyi, enter a project of the payer class and submit its application; return the project."""
    settle(world, on=on)
    with Session(world.services.engine) as session:
        survey = session.exec(select(Survey.id)).one()
    project = entered(
        world,
        on=on,
        payer=payer,
        needs=(survey,),
        policies=("P-01",),
        fund_sources=("local_budget",),
        origin="township",
        submitter=COUNTIES[0],
    )
    world.do("application.submit", as_=BUREAU, on=on, project=project, plan_book=plan_book(), design=DESIGN)
    return project


def chapters(**changes: str) -> dict[str, str]:
    """Return every chapter of the national outline with made-up text; ``changes`` replace entries."""
    outline = load_policy_book().resolve(region="520300", on=date(2025, 3, 3)).feasibility.report_chapters
    return {code: f"{title}的内容(合成)。" for code, title in outline.items()} | changes


def report(**changes: Any) -> dict[str, Any]:
    """Return a complete report; ``changes`` replace its entries."""
    return {
        "author": "合成咨询单位",
        "chapters": chapters(),
        "balance": list(BALANCE),
        "risk_register": list(RISKS),
    } | changes


def compiled(world: World, project: str, *, on: date, **changes: Any) -> Any:
    """Compile the report of an appraised project."""
    return world.do("feasibility.compile_report", as_=BUREAU, on=on, project=project, **report(**changes))


def opinion(world: World, project: str, sha256: str, *, on: date, **changes: Any) -> Any:
    """Give the county government's opinion on a report."""
    given: dict[str, Any] = {
        "positive": True,
        "opinion": "报告内容完整,资金来源可靠(合成)。",
        "number": "合成府函〔2025〕1号",
    } | changes
    return world.do("feasibility.give_opinion", as_=COUNTY, on=on, project=project, report_sha256=sha256, **given)


def formality(world: World, project: str, code: str, *, on: date, **changes: Any) -> Any:
    """Record one formality with a made-up paper."""
    file = world.upload(f"合成{code}".encode(), name=f"{code}.pdf", media_type="application/pdf").model_dump()
    given: dict[str, Any] = {"file": file, "number": "合成〔2025〕8号"} | changes
    return world.do("feasibility.record_formality", as_=BUREAU, on=on, project=project, code=code, **given)


def formalities(world: World, project: str, *, on: date) -> Any:
    """Record every formality of a project the government pays, and complete the checklist."""
    for code in FORMALITIES:
        formality(world, project, code, on=on)
    return world.do("feasibility.complete_formalities", as_=BUREAU, on=on, project=project)


def whole_set(world: World, project: str, *, on: date) -> None:
    """Put together one report, one opinion, one set."""
    opinion(world, project, compiled(world, project, on=on).sha256, on=on)
    formalities(world, project, on=on)
