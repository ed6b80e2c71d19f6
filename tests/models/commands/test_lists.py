"""The three lists through the commands: versions that are superseded, never edited; sheets; credit by contributor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from tests.support import needy
from tests.support.needy import OFFICE
from tests.support.world import World, copy_world, open_world

NEXT = date(2025, 3, 10)
LATER = date(2025, 3, 17)


@pytest.fixture(scope="module")
def _standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = open_world(tmp_path_factory.mktemp("lists"), region="520300")
    needy.add_service(world)
    needy.add_resource(world)
    needy.publish(world)
    yield world
    world.services.engine.dispose()


@pytest.fixture
def world(_standing: World, tmp_path: Path) -> Iterator[World]:
    """A city with one service and one resource, both lists published in their first version."""
    copy = copy_world(_standing, tmp_path)
    yield copy
    copy.services.engine.dispose()


def _shown(world: World, kind: str = "service", **more: Any) -> Any:
    return world.ask("lists.show", kind=kind, **more)


def test_a_version_is_superseded_and_stays_as_it_was(world: World) -> None:
    old = _shown(world)
    (row,) = old.rows
    changed = needy.add_service(world, on=NEXT, standard="每日两餐", replaces=row["id"])
    assert (_shown(world).number, _shown(world).drafts) == (1, 1)
    done = needy.publish_services(world, on=NEXT)
    new = _shown(world)
    assert (done.number, new.number, new.added, new.removed) == (2, 2, (changed,), (row["id"],))
    assert _shown(world, number=1).rows == old.rows
    assert new.rows[0]["standard"] == "每日两餐"
    assert new.co_drafters == ("合成慈善总会",)


def test_a_replaced_or_withdrawn_row_is_not_touched_again(world: World) -> None:
    row = _shown(world).rows[0]["id"]
    needy.add_service(world, on=NEXT, standard="每日两餐", replaces=row)
    again = {"as_": OFFICE, "on": LATER, **needy.service(standard="三餐", replaces=row)}
    world.refused("lists.replaced", "lists.register_service", **again)
    call = {"as_": OFFICE, "on": LATER, "kind": "service", "row": row, "reason": "不再提供"}
    world.refused("lists.replaced", "lists.withdraw_row", **call)


def test_a_withdrawn_row_is_left_out_of_the_next_version(world: World) -> None:
    row = _shown(world).rows[0]["id"]
    visit = needy.add_service(world, on=NEXT, service_class="CARE", item="visit")
    world.do("lists.withdraw_row", as_=OFFICE, on=NEXT, kind="service", row=row, reason="不再提供")
    needy.publish_services(world, on=NEXT)
    assert [found["id"] for found in _shown(world).rows] == [visit]


def test_rows_and_versions_cannot_be_edited_in_the_database(world: World) -> None:
    for table in ("service_list_row", "list_version"):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            world.services.engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608  # names of our own tables


def test_a_list_that_did_not_change_is_not_published_again(world: World) -> None:
    world.refused("lists.unchanged", "lists.publish_resource_list", as_=OFFICE, on=NEXT)


def test_a_service_list_without_charity_or_fiscal_conclusion_is_refused(world: World) -> None:
    needy.add_service(world, on=NEXT, service_class="CARE", item="visit")
    call = {"as_": OFFICE, "on": NEXT, "fiscal_capacity_positive": True, "fiscal_capacity": "合成论证"}
    world.refused("ZY-49", "lists.publish_service_list", **call)
    call = {"as_": OFFICE, "on": NEXT, "co_drafters": ("合成慈善总会",)}
    world.refused("ZY-05", "lists.publish_service_list", **call, fiscal_capacity_positive=True)
    world.refused("ZY-05", "lists.publish_service_list", **call, fiscal_capacity="合成论证")


def test_a_service_standard_is_kept_with_the_row_it_came_with(world: World) -> None:
    paper = world.upload(b"%PDF-1.7 synthetic", name="标准.pdf", media_type="application/pdf").model_dump()
    row = needy.add_service(world, on=NEXT, service_class="CARE", item="visit", standard_file=paper)
    needy.publish_services(world, on=NEXT)
    assert {found["id"]: bool(found["standard_document_id"]) for found in _shown(world).rows}[row]


def test_an_other_code_is_registered_with_a_warning(world: World) -> None:
    given = needy.service(item="OTHER", other_reason="理发")
    assert world.do("lists.register_service", as_=OFFICE, on=NEXT, **given).warnings


def test_the_contact_of_a_provider_is_shown_nowhere(world: World) -> None:
    assert "13800000000" not in str(_shown(world, "resource"))
    assert "contact" not in str(_shown(world, "resource"))


def test_a_resource_that_ends_before_it_begins_is_refused(world: World) -> None:
    given = needy.resource(world, valid_until="2024-01-01")
    world.refused("lists.period", "lists.register_resource", as_=OFFICE, on=NEXT, **given)


def test_supply_tells_growth_and_which_unit_brought_what(world: World) -> None:
    needy.add_resource(world, on=NEXT, provider="合成志愿队", kind="volunteer", submitted_by="合成妇联")
    world.do("lists.publish_resource_list", as_=OFFICE, on=NEXT)
    found = world.ask("lists.supply")
    assert (found.providers_by_version, found.growth) == ({1: 1, 2: 2}, 1)
    assert found.rows_by_unit == {"合成团委": 1, "合成妇联": 1}


def _project(world: World, **changes: Any) -> dict[str, Any]:
    design = dict.fromkeys(("coverage", "time_span", "supplier", "mechanism", "supervision", "safeguards"), "已明确")
    return {
        "title": "合成助餐项目",
        "payer_class": "GOVERNMENT_PAID",
        "shares": [
            {"channel": "local_budget", "contributor": "合成财政局", "amount": "700.00"},
            {"channel": "donation", "contributor": "合成慈善总会", "amount": "300.00"},
        ],
        "total": "1000.00",
        "surveys": (needy.survey(world),),
        "services": (_shown(world).rows[0]["id"],),
        "resources": (_shown(world, "resource").rows[0]["id"],),
        "design": design,
        "plan_alignment": "合成五年规划",
        "brand": "情满遵义·温暖救助",
    } | changes


def test_a_project_row_joins_the_lists_and_each_contributor_keeps_the_credit(world: World) -> None:
    world.do("lists.register_project", as_=OFFICE, on=NEXT, **_project(world))
    done = world.do("lists.publish_project_list", as_=OFFICE, on=NEXT)
    assert (done.number, done.rows) == (1, 1)
    credit = {(row.channel, row.contributor): row.amount.fen for row in world.ask("lists.credit")}
    assert credit == {("donation", "合成慈善总会"): 30_000, ("local_budget", "合成财政局"): 70_000}


def test_a_project_row_of_pooled_money_or_unknown_links_is_refused(world: World) -> None:
    given = _project(world)
    call = {"as_": OFFICE, "on": NEXT}
    world.refused("ZY-10", "lists.register_project", **call, **(given | {"total": "1001.00"}))
    world.refused("kernel.not_found", "lists.register_project", **call, **(given | {"services": ("service_row-x",)}))
    world.refused("ZY-04", "lists.register_project", **call, **(given | {"design": None}))
    world.refused("lists.empty", "lists.publish_project_list", **call)
