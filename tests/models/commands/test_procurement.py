"""Commands of procurement on a real database: budget, method, notice, bids, award by open tender."""

from __future__ import annotations

from datetime import date

import pytest

from models.commands.door import execute
from models.core.actors import Actor, Role
from models.tables.kernel import Attempt, Document, Event, WorkItem
from tests.support.negotiations import award, record
from tests.support.papers import words_of
from tests.support.purchases import (
    AGENCY,
    CLOSES,
    DAY,
    FINANCE,
    PURCHASER,
    SITES,
    approved_project,
    bid,
    budgeted_project,
    close,
    noticed_purchase,
    planned_purchase,
    tendered_purchase,
)
from tests.support.world import World, rows

# --- plan and method ------------------------------------------------------------------------------------------------


def test_budget_comes_before_purchase(world: World) -> None:
    """HS-21; the refused attempt is kept with its rule."""
    project = approved_project(world)

    with pytest.raises(Exception, match="先预算"):
        planned_purchase(world, project)

    assert [(row.command, row.rule) for row in rows(world, Attempt)] == [("procurement.plan", "HS-21")]


@pytest.mark.parametrize(("budget", "forced"), [("500000.00", False), ("500000.01", True)])
def test_the_threshold_of_huangshi_is_strict(world: World, budget: str, forced: bool) -> None:
    """A2 through the door, at the threshold and a fen above it."""
    project = budgeted_project(world)
    if forced:
        with pytest.raises(Exception, match="公开招标") as caught:
            planned_purchase(world, project, budget=budget, method="competitive_negotiation")
        assert getattr(caught.value, "rule", "") == "HS-14"
        return

    purchase = planned_purchase(world, project, budget=budget, method="competitive_negotiation")

    assert record(world, purchase).method == "competitive_negotiation"


def test_two_small_purchases_do_not_replace_a_tender(world: World) -> None:
    """The second untendered purchase of the year is added to the first."""
    project = budgeted_project(world)
    planned_purchase(world, project, budget="300000.00", method="competitive_negotiation")

    with pytest.raises(Exception, match="化整为零"):
        planned_purchase(world, project, budget="300000.00", method="competitive_negotiation")


def test_a_notice_needs_a_method_both_sites_and_time(world: World) -> None:
    """Each in its violated form; the state stays planned."""
    purchase = planned_purchase(world, budgeted_project(world))
    call = {"as_": AGENCY, "on": DAY, "procurement": purchase}

    world.refused("HS-47", "procurement.publish_notice", **call, sites=SITES[:1], bids_close_on="2016-05-01")
    world.refused("LAW-ZFCG-35", "procurement.publish_notice", **call, sites=SITES, bids_close_on="2016-04-20")

    assert record(world, purchase).state == "procurement.planned"


# --- bids -----------------------------------------------------------------------------------------------------------


def test_prices_stay_sealed_until_the_bidding_is_closed(world: World) -> None:
    """Who bid is seen, for how much only afterwards."""
    purchase = noticed_purchase(world, budgeted_project(world))
    for letter in "甲乙丙":
        bid(world, purchase, letter)

    assert {line.price for line in record(world, purchase).bids} == {None}
    assert close(world, purchase).state == "procurement.noticed"
    assert {line.price.fen for line in record(world, purchase).bids if line.price} == {58_800_000}


def test_a_bid_is_refused_late_twice_of_a_wrong_kind_or_with_a_wrong_code(world: World) -> None:
    """One bid a round, in time, of an admitted kind; a social credit code is checked when given."""
    purchase = noticed_purchase(world, budgeted_project(world))
    bid(world, purchase, "甲")
    call = {"as_": AGENCY, "procurement": purchase, "price": "1.00", "substantive": True}
    other = {"name": "合成社工机构丁", "kind": "social_org"}

    world.refused(
        "procurement.bid_twice",
        "procurement.register_bid",
        on=DAY,
        **call,
        organisation=other | {"name": "合成社工机构甲"},
    )
    world.refused("procurement.bid_late", "procurement.register_bid", on=date(2016, 4, 22), **call, organisation=other)
    world.refused("HS-15", "procurement.register_bid", on=DAY, **call, organisation=other | {"kind": "individual"})
    fault = world.refused(
        "door.arguments_invalid",
        "procurement.register_bid",
        on=DAY,
        **call,
        organisation=other | {"uscc": "91110000600037341X"},
    )

    assert "organisation.uscc" in str(fault.details[0].field)
    assert len(record(world, purchase).bids) == 1


def test_a_barred_organisation_is_found_again_by_its_code(world: World) -> None:
    """A new name does not shake off a debarment."""
    purchase = noticed_purchase(world, budgeted_project(world))
    code = "91110000600037341L"
    known = bid(world, purchase, "甲", organisation={"name": "合成企业甲", "kind": "enterprise", "uscc": code})
    world.do(
        "procurement.bar",
        as_=FINANCE,
        on=DAY,
        organisation=known,
        from_on="2016-01-01",
        until_on="2019-01-01",
        authority="合成财政局",
        number="合成财罚〔2016〕1号",
        reason="合成事由甲",
    )

    world.refused(
        "procurement.debarred",
        "procurement.register_bid",
        as_=AGENCY,
        on=DAY,
        procurement=purchase,
        organisation={"name": "合成企业换名", "kind": "enterprise", "uscc": code.lower()},
    )


# --- open tender ----------------------------------------------------------------------------------------------------


def test_a_tender_with_three_answers_is_awarded_with_its_record_and_clocks(world: World) -> None:
    """The record is filed; the notice of award and the contract get their dates with their clauses."""
    purchase, bidders = tendered_purchase(world, budgeted_project(world))

    awarded = world.do(
        "procurement.award", as_=PURCHASER, on=CLOSES, **award(purchase, bidders[0], "588000.00"), synthetic=("price",)
    )

    assert awarded.state == "procurement.awarded"
    document = next(row for row in rows(world, Document) if row.id == awarded.document)
    assert (document.kind, document.synthetic_fields) == ("procurement_record", ["确定成交供应商·成交金额"])
    assert "《政府采购法》第二十六条（HS-14）" in words_of(world, document.sha256)
    items = {row.kind: row for row in rows(world, WorkItem)}
    assert items["procurement.award_notice"].due_on == date(2016, 4, 25)
    assert items["contract.sign"].due_on == date(2016, 5, 23)  # 21 May 2016 was a Saturday
    assert "第四十六条" in items["contract.sign"].clause

    world.refused("HS-47", "procurement.publish_award", as_=AGENCY, on=CLOSES, procurement=purchase, sites=())
    world.do("procurement.publish_award", as_=AGENCY, on=CLOSES, procurement=purchase, sites=SITES)

    assert {row.kind: row.status for row in rows(world, WorkItem)} == {
        "funding.project_table": "open",  # HS-27: the reply came without the table
        "procurement.award_notice": "done",
        "procurement.bids_close": "done",
        "contract.sign": "open",
    }


def test_an_award_holds_to_bid_budget_and_answer(world: World) -> None:
    """Not before closing, not to a stranger, not at another price, not by the agency."""
    purchase = noticed_purchase(world, budgeted_project(world))
    bidders = tuple(bid(world, purchase, letter) for letter in "甲乙丙")
    void = bid(world, purchase, "丁", substantive=False, void_reason="缺资格证明")
    call = {"as_": PURCHASER, "on": CLOSES}

    world.refused("procurement.not_closed", "procurement.award", **call, **award(purchase, bidders[0], "588000.00"))
    close(world, purchase)
    world.refused("procurement.price_differs", "procurement.award", **call, **award(purchase, bidders[0], "1.00"))
    world.refused("HS-19", "procurement.award", **call, **award(purchase, void, "588000.00"))
    world.refused("kernel.not_found", "procurement.award", **call, **award(purchase, "nobody", "588000.00"))
    world.refused("SYS-ROLE", "procurement.award", as_=AGENCY, on=CLOSES, **award(purchase, bidders[0], "588000.00"))

    assert record(world, purchase).award is None


def test_nothing_is_awarded_twice(world: World) -> None:
    """The second award is refused and leaves the first."""
    purchase, bidders = tendered_purchase(world, budgeted_project(world))
    world.do("procurement.award", as_=PURCHASER, on=CLOSES, **award(purchase, bidders[0], "588000.00"))

    world.refused(
        "SYS-STATE", "procurement.award", as_=PURCHASER, on=CLOSES, **award(purchase, bidders[1], "588000.00")
    )

    assert record(world, purchase).winner == bidders[0]


def test_a_dry_run_stores_and_writes_nothing(world: World) -> None:
    """Asking what would happen leaves no trace."""
    purchase, bidders = tendered_purchase(world, budgeted_project(world))
    before = (len(rows(world, Event)), len(rows(world, Document)), getattr(world.services.documents, "writes", 0))

    result = execute(
        world.services,
        name="procurement.award",
        arguments=award(purchase, bidders[0], "588000.00"),
        actor=Actor(Role.PURCHASER, "u"),
        as_of=CLOSES,
        command_id="cmd-dry",
        dry_run=True,
    )

    after = (len(rows(world, Event)), len(rows(world, Document)), getattr(world.services.documents, "writes", 0))
    assert (result.state, after) == ("procurement.awarded", before)
