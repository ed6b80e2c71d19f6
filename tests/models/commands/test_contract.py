"""Commands of the contract on a real database: signed as awarded, recorded when late, released when terminated."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.tables.kernel import Document, Event, WorkItem
from tests.support.papers import words_of
from tests.support.purchases import (
    CLAUSES,
    CLOSES,
    PURCHASER,
    awarded_purchase,
    budgeted_project,
    issued_line,
    signed_contract,
    tendered_purchase,
)
from tests.support.world import World, rows


def terms(purchase: str, **changes: Any) -> dict[str, Any]:
    return {
        "procurement": purchase,
        "starts_on": "2016-06-01",
        "ends_on": "2017-06-01",
        "price": "588000.00",
        "clauses": CLAUSES,
    } | changes


def test_a_contract_is_signed_as_awarded(world: World) -> None:
    """Money is committed, the clock closes, the summary is filed with what was made up."""
    project = budgeted_project(world)
    issued_line(world, project)
    purchase = awarded_purchase(world, project)

    signed = world.do("contract.sign", as_=PURCHASER, on=CLOSES, synthetic=("price",), **terms(purchase))

    assert (signed.state, signed.committed.fen, signed.days_late, signed.warnings) == (
        "contract.signed",
        58_800_000,
        0,
        (),
    )
    assert {row.kind: row.status for row in rows(world, WorkItem)}["contract.sign"] == "done"
    summary = next(row for row in rows(world, Document) if row.kind == "contract_summary")
    assert summary.synthetic_fields == ["签订合同·合同金额"]
    status = world.ask("contract.status", contract=signed.id)
    assert (status.price.fen, status.committed.fen, status.paid.fen) == (58_800_000, 58_800_000, 0)
    assert "二、付款安排合成条款三、主要条款" in words_of(world, summary.sha256)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ends_on": "2019-06-02"}, "contract.term_too_long"),
        ({"ends_on": "2016-06-01"}, "SYS-PERIOD"),
        ({"price": "587999.99"}, "LAW-ZFCG-46"),
        ({"clauses": CLAUSES | {"breach": ""}}, "contract.clause_missing"),
        ({"extension_conditions": ("cheap",)}, "contract.condition_unknown"),
    ],
)
def test_a_contract_off_its_terms_is_refused(world: World, changes: dict[str, Any], expected: str) -> None:
    """Nothing is signed, nothing filed."""
    purchase = awarded_purchase(world, budgeted_project(world))
    before = len(rows(world, Event))

    world.refused(expected, "contract.sign", as_=PURCHASER, on=CLOSES, **terms(purchase, **changes))

    assert len(rows(world, Event)) == before


def test_a_term_of_three_years_warns_for_conditions_nobody_stated(world: World) -> None:
    """Decision 19: it warns and is recorded; with all four conditions it does not warn."""
    first = awarded_purchase(world, budgeted_project(world, id="prj-one"))
    second = awarded_purchase(world, budgeted_project(world, id="prj-two"))
    four = ("fixed_content", "continuity", "stable_funding", "small_price_change")

    warned = world.do("contract.sign", as_=PURCHASER, on=CLOSES, **terms(first, ends_on="2019-06-01"))
    quiet = world.do(
        "contract.sign", as_=PURCHASER, on=CLOSES, **terms(second, ends_on="2019-06-01", extension_conditions=four)
    )

    assert "经费来源稳定" in warned.warnings[0]
    assert quiet.warnings == ()
    event = next(row for row in rows(world, Event) if row.type == "contract.signed")
    assert event.payload["conditions_unstated"] == list(four)


def test_a_late_signing_is_recorded_not_blocked(world: World) -> None:
    """Thirty days from 21 April end on Saturday 21 May 2016 and roll to Monday."""
    on_time = signed_contract(world, budgeted_project(world, id="prj-one"), on=date(2016, 5, 23))
    late = signed_contract(world, budgeted_project(world, id="prj-two"), on=date(2016, 5, 25))

    assert world.ask("contract.status", contract=on_time).days_late == 0
    assert world.ask("contract.status", contract=late).days_late == 2


def test_no_contract_without_an_award_and_none_twice(world: World) -> None:
    """An open tender gives nothing to sign; an award is signed once."""
    purchase, _ = tendered_purchase(world, budgeted_project(world, id="prj-one"))
    world.refused("SYS-STATE", "contract.sign", as_=PURCHASER, on=CLOSES, **terms(purchase))
    awarded = awarded_purchase(world, budgeted_project(world, id="prj-two"))
    world.do("contract.sign", as_=PURCHASER, on=CLOSES, **terms(awarded))

    world.refused("SYS-CONFLICT", "contract.sign", as_=PURCHASER, on=CLOSES, **terms(awarded))

    assert len([row for row in rows(world, Event) if row.type == "contract.signed"]) == 1


def test_a_terminated_contract_gives_its_money_back_to_the_plan(world: World) -> None:
    """What was paid stays paid; a terminated contract is not paid or terminated again."""
    project = budgeted_project(world)
    line = issued_line(world, project)
    contract = signed_contract(world, project)
    pay = {"plan_line": line, "contract": contract, "amount": "88000.00", "verified_percent": "20"}
    world.do("funding.pay", as_=PURCHASER, on=CLOSES, **pay)

    ended = world.do("contract.terminate", as_=PURCHASER, on=CLOSES, contract=contract, reason="合成原因")

    assert (ended.state, ended.released.fen) == ("contract.terminated", 50_000_000)
    balances = world.ask("funding.balances", year=2016)
    assert balances.balanced
    assert balances.channels[0].accounts["planned"].fen == 51_200_000
    world.refused("funding.payment_not_due", "funding.pay", as_=PURCHASER, on=CLOSES, **pay)
    world.refused("SYS-STATE", "contract.terminate", as_=PURCHASER, on=CLOSES, contract=contract, reason="合成原因")
