"""Beijing's steps of a purchase at the commands that take them (BJ-24): too early is refused, in turn it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlmodel import Session

from models.commands import events
from models.context import Context
from models.core.actors import Actor, Role
from models.core.ids import derive_id
from models.tables.kernel import Project
from models.tables.procurement import Procurement
from tests.support.purchases import CLAUSES, PURCHASER, approved_project
from tests.support.world import World, open_world

DAY = date(2019, 4, 1)


@pytest.fixture
def beijing(tmp_path: Path) -> Iterator[World]:
    made = open_world(tmp_path, region="110000")
    yield made
    made.services.engine.dispose()


def _happened(world: World, project: str, *types: str) -> None:
    """Put events on the project's chain, as the earlier stages do (合成)."""
    world.clock.day = DAY
    ctx = Context(world.services, Actor(Role.SYSTEM, "u-x"), DAY, "tests.step", derive_id("cmd", *types))
    with ctx.writing() as session:
        for type_ in types:
            events.append(session, ctx, stream_kind="project", stream_id=project, type=type_, payload={})


def test_a_purchase_is_planned_after_application_and_review(beijing: World) -> None:
    project = approved_project(beijing)
    plan = {
        "project": project,
        "purchaser": "合成区民政局",
        "purchaser_kind": "state_organ",
        "budget": "588000.00",
        "contractor_types": ("social_org",),
    }
    fault = beijing.refused("BJ-24", "procurement.plan", as_=PURCHASER, on=DAY, **plan)
    assert fault.facts["missing"] == "项目申报"
    _happened(beijing, project, "project.submitted")
    fault = beijing.refused("BJ-24", "procurement.plan", as_=PURCHASER, on=DAY, **plan)
    assert fault.facts["missing"] == "项目评审"
    _happened(beijing, project, "project.reviewed")
    beijing.refused("BJ-28", "procurement.plan", as_=PURCHASER, on=DAY, **plan)  # the next rule: no budget yet


def test_a_contract_is_signed_after_the_bidders_were_examined(beijing: World) -> None:
    project = approved_project(beijing)
    _happened(beijing, project, "project.submitted", "project.reviewed", "procurement.planned")
    with Session(beijing.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.add(
            Procurement(
                id="prc-1",
                project_id=project,
                state="noticed",
                version=1,
                policy_digest="0" * 64,
                purchaser="合成区民政局",
                purchaser_kind="state_organ",
                budget_fen=58_800_000,
            )
        )
        session.commit()
    terms = {"procurement": "prc-1", "starts_on": "2019-05-01", "ends_on": "2020-05-01", "price": "588000.00"}
    fault = beijing.refused("BJ-24", "contract.sign", as_=PURCHASER, on=DAY, **terms, clauses=CLAUSES)
    assert fault.facts["missing"] == "资质审查"
    _happened(beijing, project, "procurement.bid_registered")
    beijing.refused("SYS-STATE", "contract.sign", as_=PURCHASER, on=DAY, **terms, clauses=CLAUSES)  # no award yet


def test_the_result_is_evaluated_after_supervision_of_the_contract(beijing: World) -> None:
    project = approved_project(beijing)
    with Session(beijing.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(Project, project).state = "self_checked"
        session.commit()
    _happened(beijing, project, "project.submitted", "project.reviewed", "procurement.planned", "monitoring.supervised")
    _happened(beijing, project, "procurement.bid_registered", "contract.signed")
    end = {
        "project": project,
        "purchaser_scores": {},
        "recipient_scores": {},
        "satisfaction": {"asked": 10, "satisfied": 9},
        "outcome": "accepted",
    }
    fault = beijing.refused("BJ-24", "acceptance.conclude", as_=PURCHASER, on=DAY, **end)
    assert fault.facts["missing"] == "项目监管"
    _happened(beijing, project, "monitoring.supervised")
    beijing.refused("BJ-37", "acceptance.conclude", as_=PURCHASER, on=DAY, **end)  # in turn: the next rule speaks
