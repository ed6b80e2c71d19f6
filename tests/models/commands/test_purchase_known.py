"""What an earlier contract earned is shown when its contractor bids again (BJ-41, AH-31)."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from models.tables.contract import Contract
from tests.support.delivering import CONCLUDED_ON, conclude


def test_the_result_of_an_earlier_contract_is_shown_at_the_choice(checked: Any) -> None:
    world, bought = checked.world, checked.bought
    with Session(world.services.engine) as session:
        contract = session.get_one(Contract, bought.contract)
        purchase, contractor = contract.procurement_id, contract.organisation_id

    before = {one.organisation: one for one in world.ask("procurement.bidders", procurement=purchase)}
    grade = conclude(world, bought.project).grade
    after = {one.organisation: one for one in world.ask("procurement.bidders", procurement=purchase)}

    assert before[contractor].results == ()
    assert [(one.project, one.grade, one.concluded_on) for one in after[contractor].results] == [
        (bought.project, grade, CONCLUDED_ON)
    ]
    assert all(one.results == () for name, one in after.items() if name != contractor)
