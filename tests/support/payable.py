"""Builders of what a payment in Zunyi rests on, for tests: budget, estimate, contract, issued plan line (合成)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlmodel import Session, SQLModel

from models.commands import events
from models.context import Context
from models.core.actors import Actor, Role
from models.tables.application import Application, ApplicationBudgetLine
from models.tables.contract import Contract
from models.tables.procurement import Organisation, Procurement
from tests.support.purchases import FINANCE
from tests.support.world import World

BUREAU = "city_bureau:u-bureau"
SPRING = date(2025, 4, 1)
SIGNED = date(2025, 5, 6)
BUDGET = {"人员费用": 50_000_00, "活动费用": 10_000_00}


def insert(world: World, *rows: SQLModel) -> None:
    """Insert rows that other stages leave behind (合成), in their order."""
    with Session(world.services.engine, expire_on_commit=False) as session:
        session.connection(execution_options={"writing": True})
        for row in rows:
            session.add(row)
            session.flush()
        session.commit()


def applied(world: World, project: str, *, channels: Mapping[str, str] = MappingProxyType({})) -> None:
    """Leave an application with its budget behind, and the approved estimate; ``channels`` is category → channel."""
    application = Application(
        id=f"app-{project}",
        project_id=project,
        revision=1,
        policy_digest="0" * 64,
        applicant="合成社会服务中心",
        parts={},
        total_fen=sum(BUDGET.values()),
        submitted_on=SPRING,
        gate_report_sha256="0" * 64,
        document_id="doc-made-up",
    )
    lines = [
        ApplicationBudgetLine(
            id=f"abl-{project}-{number}",
            application_id=application.id,
            ordinal=number,
            category=name,
            channel=channels.get(name, "local_budget"),
            amount_fen=fen,
        )
        for number, (name, fen) in enumerate(BUDGET.items(), start=1)
    ]
    insert(world, application, *lines)
    estimated(world, project)


def estimated(world: World, project: str) -> None:
    """Leave the approved estimate in the project's chain (合成)."""
    context = Context(
        services=world.services,
        actor=Actor(Role.CITY_BUREAU, "u-bureau"),
        as_of=SPRING,
        command="feasibility.estimate_cost",
        command_id=f"cmd-{project}",
    )
    with context.writing() as session:
        payload = {"total_fen": sum(BUDGET.values())}
        events.append(
            session,
            context,
            stream_kind="project",
            stream_id=project,
            type="feasibility.cost_estimated",
            payload=payload,
        )


def contract(world: World, project: str) -> str:
    """Leave a signed contract behind."""
    organisation = Organisation(id="org-made-up", name="合成社工机构", kind="social_org", synthetic=True)
    purchase = Procurement(
        id="prc-made-up",
        project_id=project,
        state="awarded",
        version=1,
        policy_digest="0" * 64,
        purchaser="合成社会救助局",
        purchaser_kind="state_organ",
        budget_fen=60_000_00,
    )
    signed = Contract(
        id="ctr-made-up",
        project_id=project,
        procurement_id=purchase.id,
        organisation_id=organisation.id,
        state="running",
        version=1,
        policy_digest="0" * 64,
        signed_on=SPRING,
        starts_on=SPRING,
        ends_on=date(2026, 4, 1),
        price_fen=60_000_00,
    )
    insert(world, organisation, purchase, signed)
    return signed.id


def planned(world: World, project: str) -> str:
    """Return an issued plan line of sixty thousand yuan."""
    call: dict[str, Any] = {"on": SPRING, "project": project, "channel": "local_budget", "amount": "60000.00"}
    world.do("funding.register_budget", as_=FINANCE, year=2025, **call)
    line = world.do(
        "funding.draft_plan", as_=BUREAU, **call, quarter="2025Q2", batch=1, content="合成", target="合成"
    ).id
    for signer in (BUREAU, "drc:u-drc"):
        world.do("funding.sign_plan", as_=signer, on=SPRING, plan_line=line)
    world.do("funding.issue_plan", as_=BUREAU, on=SPRING, quarter="2025Q2", batch=1)
    return str(line)
