"""Anhui: bundling offered, the share of social organisations noted, credit rated and shown at the next choice."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from tests.support.purchases import AGENCY, PURCHASER
from tests.support.purchasing import BUREAU, MEDIA, funded
from tests.support.world import World, open_world

DAY = date(2026, 3, 2)
CLOSES = date(2026, 3, 23)
BIDDERS = (
    {"name": "合成服务公司甲", "kind": "enterprise"},
    {"name": "合成社工机构乙", "kind": "social_org"},
    {"name": "合成社工机构丙", "kind": "social_org"},
)


def _plan(world: World, project: str) -> Any:
    plan = {
        "purchaser": "合成民政局",
        "purchaser_kind": "state_organ",
        "budget": "100000.00",
        "contractor_types": ("social_org", "enterprise"),
        "scope": {"category": "照护"},
    }
    return world.do("procurement.plan", as_=PURCHASER, on=DAY, project=project, **plan)


def test_anhui_offers_to_bundle_rates_credit_and_notes_the_share(tmp_path: Path) -> None:
    world = open_world(tmp_path, region="340000")
    project = funded(world, on=DAY)
    assert _plan(world, project).warnings == ()
    purchase = _plan(world, project)
    assert "AH-10" in purchase.warnings[0]
    chosen = {"procurement": purchase.id, "method": "open_tender", "reason": "公开竞争"}
    world.do("procurement.set_method", as_=PURCHASER, on=DAY, **chosen)
    notice = {"procurement": purchase.id, "sites": MEDIA, "bids_close_on": CLOSES.isoformat()}
    world.do("procurement.publish_notice", as_=AGENCY, on=DAY, **notice)
    names = []
    for organisation, price in zip(BIDDERS, ("30000.00", "90000.00", "95000.00"), strict=True):
        bid = {"procurement": purchase.id, "organisation": organisation, "price": price}
        names.append(world.do("procurement.register_bid", as_=AGENCY, on=DAY, **bid).organisation)
    rating = {"as_": BUREAU, "on": DAY, "organisation": names[1], "basis": "合成评定依据"}
    world.refused("AH-32", "procurement.rate_credit", **rating, level="six_star")
    world.refused("AH-32", "procurement.rate_credit", **(rating | {"organisation": names[0]}), level="five_star")
    rated = world.do("procurement.rate_credit", **rating, level="five_star")
    assert rated.measure.startswith("守信激励")
    known = {one.organisation: one for one in world.ask("procurement.bidders", procurement=purchase.id)}
    assert (known[names[1]].credit, known[names[1]].measure) == ("five_star", rated.measure)
    _award(world, purchase.id, names)
    world.services.engine.dispose()


def _award(world: World, purchase: str, names: list[str]) -> None:
    """Award to the enterprise: its low price explained first, the share of AH-19 noted."""
    closed = world.do("procurement.close_bidding", as_=AGENCY, on=CLOSES, procurement=purchase)
    assert closed.low_prices == (names[0],)
    award = {"procurement": purchase, "organisation": names[0], "price": "30000.00", "reason": "综合评审第一"}
    world.refused("LAW-CK2026-2", "procurement.award", as_=PURCHASER, on=CLOSES, **award)
    told = {"procurement": purchase, "organisation": names[0], "believable": True, "explanation": "合成说明"}
    world.refused("LAW-CK2026-2", "procurement.explain_price", as_=AGENCY, on=CLOSES, **told, minutes=29)
    world.do("procurement.explain_price", as_=AGENCY, on=CLOSES, **told, minutes=30)
    awarded = world.do("procurement.award", as_=PURCHASER, on=CLOSES, **award)
    assert "AH-19" in awarded.warnings[0]
    share = world.ask("procurement.social_share", year=2026)
    assert (share.share, share.least, share.enough) == ("0.00", "30.00", False)
