"""Projects of Zunyi with issued money and people they serve, for tests of the midterm; all made up (合成)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from models.commands import events
from models.commands.ledger import move
from models.core.ids import derive_id
from models.core.money import Money
from models.rules.funding import Account
from models.tables.contract import Contract
from models.tables.delivery import CasePlan
from models.tables.funding import Payment, PlanLine
from models.tables.kernel import Project
from models.tables.needs import Selection, SelectionRound
from tests.support import needy
from tests.support.contracting import context
from tests.support.world import World

BEGUN = date(2025, 4, 1)
TODAY = date(2027, 4, 1)
OFFICE = "evaluation_office:u-office"
BUREAU = "city_bureau:u-bureau"
FINANCE = "finance_bureau:u-finance"
HEARD = (
    {"kind": "department", "body": "合成市财政局", "opinion": "同意（合成）"},
    {"kind": "locality", "body": "合成县人民政府", "opinion": "同意（合成）"},
)
PLAN = {
    "way": "restructure",
    "measures": "合并站点（合成）",
    "loss_estimate": "12000.00",
    "recipients": "由转入项目接续（合成）",
    "funds": "余款退回（合成）",
}


def planned(world: World, name: str, *, on: date = BEGUN) -> str:
    """Return a planned project with 120,000 yuan in an issued plan line; its batch is its place among the projects."""
    project = f"prj-{name}"
    policy = world.services.policies.resolve(region=world.services.region, on=on)
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        batch = len(session.exec(select(Project)).all()) + 1
        row = Project(
            id=project,
            region=world.services.region,
            name=f"合成项目{name}",
            payer="government",
            state="approved",
            version=1,
            policy_digest=policy.digest,
            entered_on=on,
            synthetic=True,
        )
        session.add(row)
        session.commit()
    money: dict[str, Any] = {"project": project, "channel": "local_budget", "amount": "120000.00"}
    world.do("funding.register_budget", as_=FINANCE, on=on, year=on.year, reply_no=None, **money)
    place: dict[str, Any] = {"quarter": f"{on.year}Q2", "batch": batch}
    line = world.do("funding.draft_plan", as_=BUREAU, on=on, content="合成内容", **place, **money).id
    for signer in (BUREAU, "drc:u-drc"):
        world.do("funding.sign_plan", as_=signer, on=on, plan_line=line)
    world.do("funding.issue_plan", as_=OFFICE, on=on, **place)
    return project


def serve(world: World, project: str, people: Sequence[str], *, on: date = BEGUN) -> list[str]:
    """Select people for a project and plan their cases under its contract; return the ids of their selections."""
    survey = needy.survey(world, on=needy.DAY)
    persons = [needy.person(world, survey, number) for number, _ in enumerate(people)]
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        contract = session.exec(select(Contract.id).where(col(Contract.project_id) == project)).one()
        round_ = SelectionRound(
            id=derive_id("slr", project),
            project_id=project,
            survey_id=survey,
            seed="合成",
            pool_digest="0" * 64,
            counts={"all": len(people)},
            selected_on=on,
            policy_digest="0" * 64,
        )
        session.add(round_)
        session.flush()
        for ordinal, person in enumerate(persons, start=1):
            session.add(_selection(round_, person, ordinal))
            session.add(_case_plan(project, contract, person, on=on))
        session.commit()
    return [derive_id("sel", project, person) for person in persons]


def _selection(round_: SelectionRound, person: str, ordinal: int) -> Selection:
    return Selection(
        id=derive_id("sel", round_.project_id, person),
        round_id=round_.id,
        project_id=round_.project_id,
        person_id=person,
        stratum="all",
        ordinal=ordinal,
    )


def _case_plan(project: str, contract: str, person: str, *, on: date) -> CasePlan:
    return CasePlan(
        id=derive_id("cas", project, person),
        contract_id=contract,
        project_id=project,
        person_id=person,
        stratum="all",
        hardships={},
        services=["meal"],
        planned_on=on,
    )


def assess(world: World, *, project: str = "prj-long", on: date = TODAY, **changes: Any) -> Any:
    findings = {
        "effectiveness": {"positive": True, "reason": "服务达到计划（合成）"},
        "remaining_funding": {"positive": True, "reason": "后续预算已安排（合成）"},
    }
    given: dict[str, Any] = {
        "project": project,
        "findings": findings,
        "environment": "没有变化（合成）",
        "own_change": "没有变化（合成）",
        "conditions_changed": False,
        "recommendation": "CONTINUE",
        "reason": "需求持续（合成）",
    }
    if changes.get("recommendation") in ("STOP", "CONVERT"):
        given["restructuring"] = PLAN
    return world.do("midterm.assess", as_=OFFICE, on=on, **(given | changes))


def decide(disposition: str, **changes: Any) -> dict[str, Any]:
    return {
        "project": "prj-long",
        "disposition": disposition,
        "basis": "期中评估结论（合成）",
        "consulted": HEARD,
    } | changes


def paid(world: World, line: str, contract: str, *, fen: int, project: str = "prj-long") -> None:
    """Pay an amount under a contract by the ledger alone (合成)."""
    ctx = context(world, "funding.pay", on=BEGUN, about=f"pay-{contract}")
    with ctx.writing() as session:
        payload = {"amount_fen": fen}
        event = events.on_project(session, ctx, project, "funding.paid", payload)
        session.add(
            Payment(
                id="pay-made-up",
                project_id=project,
                plan_line_id=line,
                contract_id=contract,
                amount_fen=fen,
                verified_percent="40",
                final=False,
                basis="合成",
                paid_on=BEGUN,
            )
        )
        move(
            session,
            ctx,
            event=event,
            line=session.get_one(PlanLine, line),
            source=Account.COMMITTED,
            target=Account.PAID,
            amount=Money(fen),
            contract_id=contract,
        )
