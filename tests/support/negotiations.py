"""Steps of a purchase after a failed tender, for tests: approved change, draw, negotiation, award."""

from __future__ import annotations

from datetime import date
from typing import Any

from models.queries.procurement import ProcurementRecord
from tests.support.purchases import AGENCY, FINANCE
from tests.support.world import World

APPROVED = date(2016, 5, 3)
ROSTER: tuple[dict[str, Any], ...] = tuple({"id": f"e-{n:02d}", "employer": "合成大学"} for n in range(6))
CONFLICTED: tuple[dict[str, Any], ...] = (
    {"id": "e-90", "employer": "合成社工机构甲"},
    {"id": "e-91", "employer": "合成大学", "ties": ("合成社工机构乙",)},
    {"id": "e-92", "employer": "合成社会救助局"},
    {
        "id": "e-93",
        "employer": "合成大学",
        "relations": ({"organisation": "合成社工机构甲", "kind": "director", "ended_on": "2013-05-04"},),
    },
)


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
