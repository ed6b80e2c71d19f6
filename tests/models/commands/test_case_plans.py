"""Completion waits for the case plan of everybody selected (HS-07)."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, delete

from models.tables.delivery import CasePlan
from tests.support.delivering import COMPLETED_ON, CONTRACTOR, selected
from tests.support.purchases import PURCHASER


def test_completion_waits_for_the_case_plan_of_everybody_selected(running: Any) -> None:
    """HS-07: a selected person whose plan is missing bars completion; planning again opens the way."""
    world, contract = running.world, running.bought.contract
    person = selected(world, running.bought.project)[0]
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.exec(delete(CasePlan).where(col(CasePlan.person_id) == person))
        session.commit()

    world.refused("HS-07", "delivery.complete", as_=PURCHASER, on=COMPLETED_ON, contract=contract)
    world.do("delivery.plan_cases", as_=CONTRACTOR, on=COMPLETED_ON, contract=contract)

    done = world.do("delivery.complete", as_=PURCHASER, on=COMPLETED_ON, contract=contract)
    assert done.project == "project.completed"
