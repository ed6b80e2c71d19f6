"""The public pages of a purchase: its notice and its result with the fields of law, and their links on the site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.ports import Zone
from models.tables.kernel import Document
from tests.support.purchases import (
    AGENCY,
    CLAUSES,
    CLOSES,
    DAY,
    PURCHASER,
    SITES,
    awarded_purchase,
    budgeted_project,
    planned_purchase,
)
from tests.support.purchasing import prepare
from tests.support.world import World, copy_world, open_world, rows

SYSTEM = "system:scheduler"
NOTICE: dict[str, Any] = {"sites": SITES, "bids_close_on": CLOSES.isoformat(), "contact": "合成路1号 0714-0000000"}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("pages"))
    budgeted_project(world)
    budgeted_project(world, id="prj-two")
    yield world
    world.services.engine.dispose()


@pytest.fixture
def world(begun: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(begun, tmp_path)
    yield made
    made.services.engine.dispose()


def page(world: World, document: str) -> tuple[Document, str]:
    row = next(one for one in rows(world, Document) if one.id == document)
    return row, world.services.documents.get(zone=Zone.PUBLIC, sha256=row.sha256).decode()


def test_a_notice_prints_what_the_law_lists_and_a_second_one_says_so(world: World) -> None:
    """LAW-ZFCGTL-30: budget and whom to ask; the criteria, until when documents are given out and bids come in."""
    purchase = planned_purchase(world, "prj-made-up")
    prepare(world, purchase, on=DAY)
    call: dict[str, Any] = {"as_": AGENCY, "on": DAY, "procurement": purchase}

    told = world.do("procurement.publish_notice", **call, **NOTICE)

    row, words = page(world, told.document)
    assert (row.kind, row.zone, row.title) == ("procurement_notice_html", "public", "合成项目e-up公开招标公告")
    for stated in (
        "600,000.00",
        "2016-04-21",
        "0714-0000000",
        "合成市民政局",
        "服务方案 70",
        "市招投标中心网站",
        purchase,
    ):
        assert stated in words
    world.do("procurement.close_bidding", as_=AGENCY, on=CLOSES, procurement=purchase)
    again = {**NOTICE, "bids_close_on": "2016-05-12"}
    retendered = world.do("procurement.publish_notice", as_=AGENCY, on=CLOSES, procurement=purchase, **again)
    assert page(world, retendered.document)[0].title.endswith("(第2次)")


def test_a_personal_number_keeps_a_notice_back_and_nothing_is_noticed(world: World) -> None:
    """SYS-PUBLIC-LEAK."""
    purchase = planned_purchase(world, "prj-made-up")
    leak = NOTICE | {"contact": "联系人手机 13800138000"}

    world.refused("publicity.leak", "procurement.publish_notice", as_=AGENCY, on=DAY, procurement=purchase, **leak)

    assert world.ask("procurement.record", procurement=purchase).state == "procurement.planned"
    assert not [row for row in rows(world, Document) if row.zone == Zone.PUBLIC]


def test_the_site_lists_notice_result_and_contract(world: World) -> None:
    """LAW-ZFCGTL-43: winner, price, how to challenge; the index leads to all three and does not move by itself."""
    purchase = awarded_purchase(world, "prj-made-up")
    shown = world.do("procurement.publish_award", as_=AGENCY, on=CLOSES, procurement=purchase, sites=SITES)
    _, words = page(world, shown.document)
    for stated in ("合成社工机构甲", "588,000.00", "综合评分第一", "7个工作日"):
        assert stated in words
    term = {"starts_on": "2016-06-01", "ends_on": "2017-06-01", "price": "588000.00", "clauses": CLAUSES}
    contract = world.do("contract.sign", as_=PURCHASER, on=CLOSES, procurement=purchase, **term).id
    world.do("contract.publish", as_=PURCHASER, on=CLOSES, contract=contract, sites=SITES)

    world.do("publicity.build_site", as_=SYSTEM, on=CLOSES)
    again = world.do("publicity.build_site", as_=SYSTEM, on=date(2016, 5, 3))

    index = world.services.documents.pages["site/index.html"][0].decode()  # type: ignore[attr-defined]
    public = [row for row in rows(world, Document) if row.zone == Zone.PUBLIC]
    assert (len(public), again.written) == (3, 0)
    for row in public:
        assert f'<a href="../{row.key}">{row.title}</a>' in index
