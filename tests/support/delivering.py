"""Builders of delivery to evaluation (S12–S16): from the needs survey to an accepted project, through real commands.

One project of Huangshi's shape: four strata of a hundred made-up people (合成), a contract of a year from June 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session, col, select

from models.tables.needs import Selection
from tests.support.deciding import approved
from tests.support.planning import BUREAU, OFFICE, surveyed
from tests.support.purchases import DAY, FINANCE, PURCHASER, issued_line, signed_contract
from tests.support.world import World

CONTRACTOR = "contractor:u-contractor"
EVALUATOR = "third_party_evaluator:u-evaluator"
STARTED_ON = date(2016, 6, 1)
RECORDED_ON = date(2017, 5, 20)
COMPLETED_ON = date(2017, 5, 31)
CHECKED_ON = date(2017, 6, 20)
CONCLUDED_ON = date(2017, 7, 10)
STAFF = tuple(
    {"ref": f"SW-{number:02d}", "certificate": f"合成证{number:02d}", "qualified": True} for number in range(15)
)
DIMENSIONS = ("compliance", "professionalism", "effect", "demonstration")
EVALUATING = {"name": "合成评估机构"}


@dataclass(frozen=True)
class Purchase:
    """A project and its contract."""

    project: str
    contract: str


def contracted(world: World) -> Purchase:
    """Return a project with four hundred selected people, an issued plan line and a signed contract."""
    survey = surveyed(world)
    project = approved(world, needs=(survey,))
    world.do("needs.select_recipients", as_=OFFICE, on=DAY, project=project, survey=survey, seed="合成-2016")
    world.do(
        "funding.register_budget",
        as_=FINANCE,
        on=DAY,
        project=project,
        year=2016,
        channel="local_budget",
        amount="600000.00",
        reply_no=None,
    )
    issued_line(world, project)
    return Purchase(project, signed_contract(world, project))


def started(world: World) -> Purchase:
    """Return a running contract with fifteen qualified members of staff and all case plans."""
    bought = contracted(world)
    world.do("delivery.start", as_=PURCHASER, on=STARTED_ON, contract=bought.contract)
    world.do("delivery.assign_staff", as_=CONTRACTOR, on=STARTED_ON, contract=bought.contract, staff=STAFF)
    world.do("delivery.plan_cases", as_=CONTRACTOR, on=STARTED_ON, contract=bought.contract)
    return bought


def selected(world: World, project: str) -> list[str]:
    """Return the ids of the people selected for a project."""
    with Session(world.services.engine) as session:
        rows = session.exec(
            select(Selection.person_id).where(col(Selection.project_id) == project).order_by(col(Selection.id))
        )
        return list(rows.all())


def service(person: str, *, day: int = 0, **changes: Any) -> dict[str, Any]:
    """Return one made-up service record; ``day`` counts from the start of the contract."""
    return {
        "person": person,
        "on": (STARTED_ON + timedelta(days=day)).isoformat(),
        "start": "09:00",
        "end": "10:30",
        "item": "comfort",
        "staff": "SW-00",
        "place": "合成社区服务站",
        "result": "情绪有所缓解",
        "satisfied": True,
    } | changes


def serve(world: World, bought: Purchase, people: Sequence[str], *, on: date = RECORDED_ON, day: int = 0) -> Any:
    """Record one service to each of these people."""
    return world.do(
        "delivery.record_services",
        as_=CONTRACTOR,
        on=on,
        contract=bought.contract,
        records=[service(person, day=day) for person in people],
    )


FINDINGS: dict[str, tuple[str, str, dict[str, str]]] = {
    "purchaser": (
        PURCHASER,
        "service_records",
        {"funds": "专款专用", "progress": "按计划进行", "satisfaction": "已调查"},
    ),
    "finance": (
        FINANCE,
        "records",
        {"regularity": "规范", "pace": "与进展相符", "budget_execution": "按预算执行"},
    ),
    "third_party": (EVALUATOR, "on_site", {"progress": "按计划进行"}),
    "expert": ("expert:u-expert", "on_site", {"advice": "个案记录宜统一格式"}),
    "recipient": (
        "recipient:u-recipient",
        "phone",
        {"staff_professionalism": "满意", "hours": "满意", "effect": "满意"},
    ),
    "community": ("village_committee:u-village", "on_site", {"before": "少与人来往", "after": "常参加社区活动"}),
}


def supervise(world: World, project: str, *lines: str, on: date = date(2016, 12, 1)) -> None:
    """Record one act of supervision on each of these lines (on all six when none is named)."""
    for line in lines or tuple(FINDINGS):
        speaker, method, findings = FINDINGS[line]
        world.do(
            "monitoring.record_supervision",
            as_=speaker,
            on=on,
            project=project,
            line=line,
            method=method,
            findings=findings,
        )


def third_party(world: World, project: str, phase: str, *, on: date, score: object = 86, **changes: Any) -> Any:
    """Record a third-party evaluation with one score in every dimension."""
    given: dict[str, Any] = {"evaluator": EVALUATING, "scores": dict.fromkeys(DIMENSIONS, score)}
    return world.do(
        "evaluation.record_third_party", as_=EVALUATOR, on=on, project=project, phase=phase, **(given | changes)
    )


def completed_from(world: World, bought: Purchase, *, served: int = 400, phases: Sequence[str] = ("mid",)) -> None:
    """Bring a started project to its completion: so many served, six lines supervised, evaluated mid-way."""
    serve(world, bought, selected(world, bought.project)[:served])
    supervise(world, bought.project)
    if "mid" in phases:
        third_party(world, bought.project, "mid", on=date(2016, 12, 15))
    world.do("delivery.complete", as_=PURCHASER, on=COMPLETED_ON, contract=bought.contract)


def self_check(world: World, project: str, *, on: date = CHECKED_ON, **changes: Any) -> Any:
    """File the contractor's self-check."""
    given: dict[str, Any] = {
        "indicators": [
            {"name": "累计服务对象(人)", "target": 400, "actual": 400},
            {"name": "专业社工(人)", "actual": 15},
        ],
        "spent": "588000.00",
    }
    return world.do("acceptance.submit_self_check", as_=CONTRACTOR, on=on, project=project, **(given | changes))


def self_checked_from(
    world: World, bought: Purchase, *, served: int = 400, phases: Sequence[str] = ("mid", "end")
) -> None:
    """Bring a started project to its self-check, with both clocks and the third-party evaluations named."""
    completed_from(world, bought, served=served, phases=phases)
    world.do("acceptance.open_clocks", as_="system:scheduler", on=COMPLETED_ON, project=bought.project)
    if "end" in phases:
        third_party(world, bought.project, "end", on=date(2017, 6, 10))
    self_check(world, bought.project)


def verdict(**changes: Any) -> dict[str, Any]:
    """Return the arguments of an accepting conclusion; ``changes`` replace them."""
    return {
        "purchaser_scores": {"effect": 88, "management": 85, "social_impact": 90},
        "recipient_scores": {"staff_professionalism": 92, "hours": 88, "effect": 90},
        "satisfaction": {"asked": 400, "satisfied": 372},
        "outcome": "accepted",
    } | changes


def conclude(world: World, project: str, *, on: date = CONCLUDED_ON, **changes: Any) -> Any:
    """Conclude the comprehensive acceptance."""
    return world.do("acceptance.conclude", as_=BUREAU, on=on, project=project, **verdict(**changes))


def accepted(world: World) -> Purchase:
    """Return an accepted project."""
    bought = started(world)
    self_checked_from(world, bought)
    conclude(world, bought.project)
    return bought
