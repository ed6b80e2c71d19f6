"""Commands of procurement on a real database: the open tender, and the lawful branch after it failed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.ports import Rendered, Renderer, Zone
from models.queries.procurement import ProcurementRecord
from models.rules.draw import verify
from models.tables.kernel import Attempt, Document, Event, WorkItem
from models.tables.procurement import Organisation
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
    failed_purchase,
    noticed_purchase,
    planned_purchase,
    tendered_purchase,
)
from tests.support.world import World, open_world

APPROVED = date(2016, 5, 3)
ROSTER = tuple({"id": f"e-{n:02d}", "employer": "合成大学"} for n in range(6))
CONFLICTED = (
    {"id": "e-90", "employer": "合成社工机构甲"},
    {"id": "e-91", "employer": "合成大学", "ties": ("合成社工机构乙",)},
    {"id": "e-92", "employer": "合成社会救助局"},
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_world(tmp_path)
    yield made
    made.services.engine.dispose()


def rows(world: World, model: Any) -> list[Any]:
    with Session(world.services.engine) as session:
        return list(session.exec(select(model)).all())


def record(world: World, purchase: str) -> ProcurementRecord:
    answer: ProcurementRecord = world.ask("procurement.record", procurement=purchase)
    return answer


def approve(world: World, purchase: str, **changes: Any) -> Any:
    arguments = {
        "method": "competitive_negotiation",
        "reason": "在规定的期限内参与竞标的单位不足",
        "documents_lawful": True,
    }
    return world.do(
        "procurement.approve_method_change", as_=FINANCE, on=APPROVED, procurement=purchase, **(arguments | changes)
    )


def draw(world: World, purchase: str, **changes: Any) -> Any:
    arguments = {"seed": "20160505", "roster": ROSTER + CONFLICTED, "size": 2, "purchaser_representatives": 1}
    return world.do("procurement.draw_experts", as_=AGENCY, on=APPROVED, procurement=purchase, **(arguments | changes))


def negotiate(world: World, purchase: str, bidders: tuple[str, ...]) -> Any:
    offers = [
        {"organisation": name, "price": f"58{number}000.00", "responsive": True} for number, name in enumerate(bidders)
    ]
    return world.do(
        "procurement.negotiate", as_=AGENCY, on=APPROVED, procurement=purchase, offers=offers, minutes="合成谈判记录"
    )


def award(purchase: str, organisation: str, price: str) -> dict[str, Any]:
    return {"procurement": purchase, "organisation": organisation, "price": price, "reason": "质量和服务满足要求"}


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
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        organisation = session.get(Organisation, known)
        assert organisation is not None
        organisation.debarred_until = date(2019, 1, 1)
        session.commit()

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
    items = {row.kind: row for row in rows(world, WorkItem)}
    assert items["procurement.award_notice"].due_on == date(2016, 4, 25)
    assert items["contract.sign"].due_on == date(2016, 5, 23)  # 21 May 2016 was a Saturday
    assert "第四十六条" in items["contract.sign"].clause

    world.refused("HS-47", "procurement.publish_award", as_=AGENCY, on=CLOSES, procurement=purchase, sites=())
    world.do("procurement.publish_award", as_=AGENCY, on=CLOSES, procurement=purchase, sites=SITES)

    assert {row.kind: row.status for row in rows(world, WorkItem)} == {
        "procurement.award_notice": "done",
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


# --- failed tender --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bidders", [0, 1, 2])
def test_a_failed_tender_is_not_awarded_without_an_approved_change(world: World, bidders: int) -> None:
    """A1 in Huangshi, with 0, 1 and 2 bidders."""
    purchase, names = failed_purchase(world, budgeted_project(world), bidders=bidders)

    assert record(world, purchase).state == "procurement.failed"
    world.refused(
        "HS-17",
        "procurement.award",
        as_=PURCHASER,
        on=APPROVED,
        **award(purchase, names[0] if names else "nobody", "588000.00"),
    )


def test_elsewhere_the_law_alone_voids_the_tender(tmp_path: Path) -> None:
    """A1 outside Huangshi: LAW-ZFCG-36."""
    world = open_world(tmp_path, region="cn")
    try:
        purchase = planned_purchase(world, budgeted_project(world))
        world.do(
            "procurement.publish_notice",
            as_=AGENCY,
            on=DAY,
            procurement=purchase,
            sites=("designated_media",),
            bids_close_on=CLOSES.isoformat(),
        )
        close(world, purchase)

        world.refused("LAW-ZFCG-36", "procurement.award", as_=PURCHASER, on=APPROVED, **award(purchase, "x", "1.00"))
    finally:
        world.services.engine.dispose()


def test_only_supervision_approves_and_only_with_lawful_documents(world: World) -> None:
    """HS-17: by finance, to negotiation, documents in order; otherwise the re-tender stays open."""
    purchase, _ = failed_purchase(world, budgeted_project(world))
    call = {"on": APPROVED, "procurement": purchase, "reason": "竞标单位不足"}
    change = {**call, "method": "competitive_negotiation"}

    world.refused("SYS-ROLE", "procurement.approve_method_change", as_=PURCHASER, **change, documents_lawful=True)
    world.refused("HS-17", "procurement.approve_method_change", as_=FINANCE, **change, documents_lawful=False)
    world.refused(
        "HS-17", "procurement.approve_method_change", as_=FINANCE, **call, method="single_source", documents_lawful=True
    )
    again = world.do(
        "procurement.publish_notice",
        as_=AGENCY,
        on=APPROVED,
        procurement=purchase,
        sites=SITES,
        bids_close_on="2016-05-23",
    )

    assert (again.state, again.round, again.method) == ("procurement.noticed", 2, "open_tender")


def test_the_approved_negotiation_ends_in_an_award_and_its_record_tells_why(world: World) -> None:
    """HS-17 to HS-19 and A10: the path keeps the reason for leaving open tender, the approver nobody named is blank."""
    listening = _Listening(world.services.renderer)
    world.services = replace(world.services, renderer=listening)
    purchase, bidders = failed_purchase(world, budgeted_project(world))
    approve(world, purchase)
    draw(world, purchase)
    assert negotiate(world, purchase, bidders).suppliers == 2

    world.refused(
        "procurement.price_differs", "procurement.award", as_=PURCHASER, on=APPROVED, **award(purchase, bidders[0], "1")
    )
    awarded = world.do("procurement.award", as_=PURCHASER, on=APPROVED, **award(purchase, bidders[1], "581000.00"))

    assert (awarded.state, awarded.lowest) == ("procurement.awarded", False)
    path = record(world, purchase).methods
    assert [(step.method, step.rule, step.approver) for step in path] == [
        ("open_tender", "HS-14", None),
        ("competitive_negotiation", "HS-17", None),
    ]
    assert path[1].reason == "在规定的期限内参与竞标的单位不足"
    view = listening.views["procurement_record"]
    assert view["method_path"][1]["reason"] == "在规定的期限内参与竞标的单位不足"
    assert view["approvals"][0]["approver"] == {"text": "", "synthetic": False, "stated": False}
    assert view["voids"][0]["reason"] == "第1轮实质响应的供应商不足3家"
    assert {row.kind for row in rows(world, Document)} == {"draw_protocol", "negotiation_minutes", "procurement_record"}


@dataclass
class _Listening:
    """The real renderer, keeping the views it was given."""

    renderer: Renderer
    views: dict[str, Any] = field(default_factory=dict)

    def render(self, *, kind: str, view: Mapping[str, object]) -> Rendered:
        self.views[kind] = view
        return self.renderer.render(kind=kind, view=view)


def test_experts_in_conflict_are_never_drawn_and_the_draw_can_be_repeated(world: World) -> None:
    """A4: employer, tie and purchaser leave the pool; the stored protocol draws the same; the seed is in the log."""
    purchase, _ = failed_purchase(world, budgeted_project(world))
    approve(world, purchase)

    drawn = draw(world, purchase, size=4)

    assert set(drawn.excluded) == {"e-90", "e-91", "e-92"}
    assert not set(drawn.chosen + drawn.alternates) & set(drawn.excluded)
    stored = json.loads(world.services.documents.get(zone=Zone.DOCUMENTS, sha256=drawn.protocol_sha256))
    assert verify(stored) == ()
    assert verify(stored | {"seed": "another"})
    event = next(row for row in rows(world, Event) if row.type == "procurement.experts_drawn")
    assert event.payload["seed"] == "20160505"
    assert "合成大学" not in json.dumps(event.payload, ensure_ascii=False)


def test_a_draw_is_not_repeated_until_it_pleases(world: World) -> None:
    """A second draw needs a new supplier, who is then checked for conflicts before he may negotiate."""
    purchase, bidders = failed_purchase(world, budgeted_project(world), bidders=1)
    approve(world, purchase)
    draw(world, purchase)

    world.refused(
        "HS-18",
        "procurement.draw_experts",
        as_=AGENCY,
        on=APPROVED,
        procurement=purchase,
        seed="2",
        roster=ROSTER,
        size=3,
    )
    joined = bid(world, purchase, "乙", on=APPROVED)
    with pytest.raises(Exception, match="抽取专家之后"):
        negotiate(world, purchase, (*bidders, joined))
    draw(world, purchase, seed="2")
    negotiate(world, purchase, (*bidders, joined))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"size": 3}, "HS-18"),
        ({"size": 1, "purchaser_representatives": 2}, "HS-18"),
        ({"size": 7, "purchaser_representatives": 0}, "draw.too_few"),
        ({"seed": " "}, "draw.seed_missing"),
    ],
)
def test_a_wrong_group_is_not_drawn(world: World, changes: dict[str, Any], expected: str) -> None:
    """Even, too few experts, too small a pool, no seed: nothing is stored."""
    purchase, _ = failed_purchase(world, budgeted_project(world))
    approve(world, purchase)
    arguments = {"seed": "1", "roster": ROSTER + CONFLICTED, "size": 2, "purchaser_representatives": 1} | changes

    world.refused(expected, "procurement.draw_experts", as_=AGENCY, on=APPROVED, procurement=purchase, **arguments)

    assert rows(world, Document) == []


def test_a_negotiation_needs_its_group_its_suppliers_and_happens_once(world: World) -> None:
    """HS-18, LAW-ZFCG-38: each missing ground refused, no award without a negotiation."""
    purchase, bidders = failed_purchase(world, budgeted_project(world))
    approve(world, purchase)
    call = {"as_": AGENCY, "on": APPROVED, "procurement": purchase, "minutes": "合成谈判记录"}
    offers = [{"organisation": name, "price": "580000.00"} for name in bidders]

    world.refused("HS-18", "procurement.negotiate", **call, offers=offers)
    draw(world, purchase)
    world.refused("LAW-ZFCG-38", "procurement.negotiate", **call, offers=offers[:1])
    world.refused("procurement.not_a_supplier", "procurement.negotiate", **call, offers=[offers[0], offers[0]])
    world.refused("HS-19", "procurement.award", as_=PURCHASER, on=APPROVED, **award(purchase, bidders[0], "580000.00"))
    world.do("procurement.negotiate", **call, offers=offers)
    world.refused("procurement.negotiated_already", "procurement.negotiate", **call, offers=offers)


def test_a_cancelled_purchase_is_void_for_good(world: World) -> None:
    """It says why and cannot be awarded."""
    purchase, _ = failed_purchase(world, budgeted_project(world))

    world.do("procurement.cancel", as_=PURCHASER, on=APPROVED, procurement=purchase, reason="采购任务取消")

    assert (record(world, purchase).state, record(world, purchase).void_reason) == ("procurement.void", "采购任务取消")
    world.refused("SYS-STATE", "procurement.award", as_=PURCHASER, on=APPROVED, **award(purchase, "x", "1.00"))


def test_a_dry_run_stores_and_writes_nothing(world: World) -> None:
    """Asking what would happen leaves no trace."""
    from models.commands.door import execute
    from models.core.actors import Actor, Role

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
