"""Commands of procurement after a failed tender: the approved change, the draw, the negotiation (A1, A4, A10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from infra.seeds import SecretSeeds
from models.ports import Rendered, Renderer, Zone
from models.rules.draw import verify
from models.tables.kernel import Document, Event
from tests.support.negotiations import APPROVED, CONFLICTED, ROSTER, approve, award, draw, negotiate, record
from tests.support.purchases import (
    AGENCY,
    CLOSES,
    DAY,
    FINANCE,
    PURCHASER,
    SITES,
    bid,
    budgeted_project,
    close,
    failed_purchase,
    planned_purchase,
)
from tests.support.world import World, open_world, rows

# --- failed tender --------------------------------------------------------------------------------------------------


def test_a_dry_run_does_not_tell_whom_a_seed_would_draw(world: World) -> None:
    purchase, _ = failed_purchase(world, budgeted_project(world))
    approve(world, purchase)

    tried = draw(world, purchase, dry_run=True)

    assert (tried.chosen, tried.alternates, tried.excluded) == ((), (), ())
    assert len(draw(world, purchase).chosen) == 2


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
    told = world.do("procurement.inform_bidders", as_=AGENCY, on=APPROVED, procurement=purchase)
    approve(world, purchase)
    world.refused("SYS-STATE", "procurement.inform_bidders", as_=AGENCY, on=APPROVED, procurement=purchase)
    draw(world, purchase)
    assert (told.bidders, negotiate(world, purchase, bidders).suppliers) == (2, 2)

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
    assert [void["informed_on"]["text"] for void in view["voids"]] == [APPROVED.isoformat()]
    assert view["method_path"][1]["clause"] == "《政府采购法》第三十条、第三十七条（HS-17）"
    assert view["approvals"][0]["approver"] == {"text": "", "synthetic": False, "stated": False}
    assert view["voids"][0]["reason"] == "第1轮实质响应的供应商不足3家"
    filed = {"procurement_notice_html", "draw_protocol", "negotiation_minutes", "procurement_record"}
    assert {row.kind for row in rows(world, Document)} == filed


@dataclass
class _Listening:
    """The real renderer, keeping the views it was given."""

    renderer: Renderer
    views: dict[str, Any] = field(default_factory=dict)

    def render(self, *, kind: str, view: Mapping[str, object]) -> Rendered:
        self.views[kind] = view
        return self.renderer.render(kind=kind, view=view)

    def words(self, *, rendered: Rendered) -> str:
        return self.renderer.words(rendered=rendered)


def test_experts_in_conflict_are_never_drawn_and_the_draw_can_be_repeated(world: World) -> None:
    """A4: employer, tie, recent relation, purchaser leave the pool; the protocol draws the same; the seed is told."""
    purchase, _ = failed_purchase(world, budgeted_project(world))
    approve(world, purchase)

    drawn = draw(world, purchase, size=4)

    assert set(drawn.excluded) == {"e-90", "e-91", "e-92", "e-93"}
    assert not set(drawn.chosen + drawn.alternates) & set(drawn.excluded)
    stored = json.loads(world.services.documents.get(zone=Zone.DOCUMENTS, sha256=drawn.protocol_sha256))
    assert verify(stored) == ()
    assert verify(stored | {"seed": "another"})
    event = next(row for row in rows(world, Event) if row.type == "procurement.experts_drawn")
    assert event.payload["seed"] == "20160505"
    assert "合成大学" not in json.dumps(event.payload, ensure_ascii=False)


def test_the_seed_of_a_draw_is_committed_to_before_it(world: World) -> None:
    """In production the system makes the seed, publishes its digest, and takes no other."""
    purchase, _ = failed_purchase(world, budgeted_project(world))
    approve(world, purchase)
    services = replace(world.services, rehearsal=False, seeds=SecretSeeds())
    production = World(services=services, clock=world.clock, calls=world.calls)
    pool: dict[str, Any] = {"as_": AGENCY, "on": APPROVED, "procurement": purchase, "roster": ROSTER + CONFLICTED}

    group = pool | {"size": 2, "purchaser_representatives": 1}

    production.refused("draw.seed_typed", "procurement.draw_experts", **group, seed="1")
    production.refused("draw.seed_uncommitted", "procurement.draw_experts", **group)
    committed = production.do("procurement.commit_seed", **pool)
    production.refused("draw.roster_changed", "procurement.draw_experts", **(group | {"roster": ROSTER}))
    drawn = production.do("procurement.draw_experts", **group)

    stored = json.loads(world.services.documents.get(zone=Zone.DOCUMENTS, sha256=drawn.protocol_sha256))
    assert verify(stored, published=committed.seed_commitment) == ()
    assert world.ask("draw.record", subject=purchase).seed_commitment == committed.seed_commitment
    kinds = [row.type for row in rows(world, Event) if row.type in ("draw.seed_committed", "procurement.experts_drawn")]
    assert kinds == ["draw.seed_committed", "procurement.experts_drawn"]


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
    joined = tuple(bid(world, purchase, letter, on=APPROVED) for letter in "乙丙")
    with pytest.raises(Exception, match="抽取专家之后"):
        negotiate(world, purchase, (*bidders, *joined))
    draw(world, purchase, seed="2")
    negotiate(world, purchase, (*bidders, *joined))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"size": 3}, "HS-18"),
        ({"size": 1, "purchaser_representatives": 2}, "HS-18"),
        ({"size": 7, "purchaser_representatives": 0}, "draw.too_few"),
        ({"seed": " "}, "door.arguments_invalid"),
    ],
)
def test_a_wrong_group_is_not_drawn(world: World, changes: dict[str, Any], expected: str) -> None:
    """Even, too few experts, too small a pool, no seed: nothing is stored."""
    purchase, _ = failed_purchase(world, budgeted_project(world))
    approve(world, purchase)
    arguments = {"seed": "1", "roster": ROSTER + CONFLICTED, "size": 2, "purchaser_representatives": 1} | changes

    world.refused(expected, "procurement.draw_experts", as_=AGENCY, on=APPROVED, procurement=purchase, **arguments)

    assert "draw_protocol" not in {row.kind for row in rows(world, Document)}


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
