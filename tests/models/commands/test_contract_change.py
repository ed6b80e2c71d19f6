"""A contract after its signing, on a real database: changed in versions, subcontracted, published, filed, followed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.core.ids import derive_id
from models.ports import Zone
from models.tables.kernel import Document, Event, WorkItem
from tests.support.contracting import awarded, running
from tests.support.purchases import (
    CLAUSES,
    CLOSES,
    PURCHASER,
    SITES,
    approved_project,
    awarded_purchase,
    budgeted_project,
    issued_line,
)
from tests.support.world import World, copy_world, open_world, rows

CONTRACTOR = "contractor:u-contractor"
SIGNED = date(2016, 4, 25)
ATTACHED = {
    "assisting": [{"body": "合成社区居委会", "tasks": "协助入户", "party": True}],
    "key_posts": [{"post": "项目负责人", "ref": "SW-00"}],
    "in_kind": [{"item": "免费使用场地", "value": "12000.00", "basis": "合成评估"}],
    "bond": "58800.00",
}


def terms(purchase: str, **changes: Any) -> dict[str, Any]:
    return {
        "procurement": purchase,
        "starts_on": "2016-06-01",
        "ends_on": "2017-06-01",
        "price": "588000.00",
        "clauses": CLAUSES,
    } | changes


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str, str]]:
    """A signed contract of a year on a project whose plan line has 12,000 yuan left; and the project."""
    world = open_world(tmp_path_factory.mktemp("signed"))
    project = budgeted_project(world)
    issued_line(world, project)
    given: dict[str, Any] = terms(awarded_purchase(world, project), attached=ATTACHED)
    contract = world.do("contract.sign", as_=PURCHASER, on=SIGNED, **given)
    yield world, contract.id, project
    world.services.engine.dispose()


@pytest.fixture
def world(signed: tuple[World, str, str], tmp_path: Path) -> Iterator[World]:
    made = copy_world(signed[0], tmp_path)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def contract(signed: tuple[World, str, str]) -> str:
    return signed[1]


def paper(world: World) -> dict[str, Any]:
    return world.upload("合成同意书".encode(), name="同意书.txt", media_type="text/plain").model_dump()


def items(world: World) -> dict[str, WorkItem]:
    return {row.kind: row for row in rows(world, WorkItem)}


def test_helpers_key_posts_and_in_kind_value_stand_apart_from_cash(world: World, contract: str) -> None:
    """AH-05, AH-25: third parties and what is given besides cash are recorded by themselves."""
    status = world.ask("contract.status", contract=contract)

    assert status.third_parties == ("合成社区居委会",)
    assert status.key_posts == {"项目负责人": "SW-00"}
    assert (status.price.fen, status.in_kind.fen) == (58_800_000, 1_200_000)


def test_a_bond_above_a_tenth_is_refused(world: World) -> None:
    """LAW-ZFCGTL-48."""
    purchase = awarded_purchase(world, budgeted_project(world, id="prj-two"))
    given: dict[str, Any] = terms(purchase, attached={"bond": "58800.01"})

    world.refused("LAW-ZFCGTL-48", "contract.sign", as_=PURCHASER, on=SIGNED, **given)


def test_an_extension_to_three_years_holds_and_a_day_more_is_refused(world: World, contract: str) -> None:
    """The whole term counts from the first day; the four conditions warn; each change is a version with its paper."""
    change: dict[str, Any] = {"contract": contract, "reason": "服务需求持续（合成）"}

    extended = world.do("contract.amend", as_=PURCHASER, on=SIGNED, changes={"ends_on": "2019-06-01"}, **change)

    assert (extended.version, extended.ends_on) == (2, date(2019, 6, 1))
    assert "经费来源稳定" in extended.warnings[0]
    longer: dict[str, Any] = {"changes": {"ends_on": "2019-06-02"}, **change}
    world.refused("contract.term_too_long", "contract.amend", as_=PURCHASER, on=SIGNED, **longer)
    (version,) = world.ask("contract.history", contract=contract)
    assert version.diff == {"ends_on": ["2017-06-01", "2019-06-01"]}
    assert [row.id for row in rows(world, Document) if row.kind == "contract_amendment"] == [extended.document]


def test_a_higher_price_is_committed_and_a_lower_one_gives_money_back(world: World, contract: str) -> None:
    """Within the plan and a tenth: 12,000 yuan are left of the line."""
    change: dict[str, Any] = {"contract": contract, "reason": "合成理由"}

    raised = world.do("contract.amend", as_=PURCHASER, on=SIGNED, changes={"price": "600000.00"}, **change)
    assert (raised.price.fen, world.ask("contract.status", contract=contract).committed.fen) == (60_000_000, 60_000_000)
    world.refused(
        "contract.over_plan", "contract.amend", as_=PURCHASER, on=SIGNED, changes={"price": "600000.01"}, **change
    )
    world.refused("LAW-ZFCG-49", "contract.amend", as_=PURCHASER, on=SIGNED, changes={"price": "700000.00"}, **change)
    world.refused("contract.nothing_changed", "contract.amend", as_=PURCHASER, on=SIGNED, changes={}, **change)

    world.do("contract.amend", as_=PURCHASER, on=SIGNED, changes={"price": "500000.00"}, **change)
    assert world.ask("contract.status", contract=contract).committed.fen == 50_000_000
    assert world.ask("funding.balances", year=2016).channels[0].accounts["planned"].fen == 10_000_000


def test_a_part_is_subcontracted_with_consent_and_the_whole_never(world: World, contract: str) -> None:
    """LAW-ZFCG-48, LAW-ZFCGTL-72; staff of the consented subcontractor may serve, of anybody else not (BJ-47)."""
    firm = {"name": "合成助餐公司", "kind": "enterprise"}
    part: dict[str, Any] = {
        "contract": contract,
        "organisation": firm,
        "part": "助餐配送（合成）",
        "reason": "合成理由",
    }
    world.refused("LAW-ZFCG-48", "contract.subcontract", as_=CONTRACTOR, on=SIGNED, amount="80000.00", **part)
    whole: dict[str, Any] = {**part, "consent": paper(world), "amount": "80000.00", "extent": "whole"}
    world.refused("LAW-ZFCGTL-72", "contract.subcontract", as_=CONTRACTOR, on=SIGNED, **whole)

    with_consent: dict[str, Any] = {**part, "consent": paper(world)}
    world.do("contract.subcontract", as_=CONTRACTOR, on=SIGNED, amount="80000.00", **with_consent)

    world.refused(
        "LAW-ZFCGTL-72", "contract.subcontract", as_=CONTRACTOR, on=SIGNED, amount="508000.00", **with_consent
    )
    (version,) = world.ask("contract.history", contract=contract)
    assert (version.kind, version.amount.fen) == ("subcontracted", 8_000_000)
    one: dict[str, Any] = {
        "ref": "SW-01",
        "qualified": True,
        "certificate": "合成证书",
        "employer": version.organisation,
    }
    world.do("delivery.assign_staff", as_=CONTRACTOR, on=SIGNED, contract=contract, staff=(one,))
    other: dict[str, Any] = {"contract": contract, "staff": ({**one, "ref": "SW-02", "employer": "org-elsewhere"},)}
    world.refused("contract.performed_by_other", "delivery.assign_staff", as_=CONTRACTOR, on=SIGNED, **other)


def test_a_key_post_changes_hands_with_the_purchasers_consent(world: World, contract: str) -> None:
    """Who held it stays in the history."""
    change: dict[str, Any] = {"contract": contract, "post": "项目负责人", "ref": "SW-09", "reason": "合成理由"}
    world.refused("contract.post_no_consent", "contract.change_key_post", as_=CONTRACTOR, on=SIGNED, **change)

    world.do("contract.change_key_post", as_=CONTRACTOR, on=SIGNED, consent=paper(world), **change)

    assert world.ask("contract.status", contract=contract).key_posts == {"项目负责人": "SW-09"}
    (version,) = world.ask("contract.history", contract=contract)
    assert version.diff == {"key_posts.项目负责人": ["SW-00", "SW-09"]}


def test_a_contract_is_public_in_two_working_days_and_filed_in_seven(world: World, contract: str) -> None:
    """Monday 25 April 2016: due on Wednesday, and on Thursday 5 May after the holiday; a supplement sets both anew."""
    due = items(world)
    assert due["contract.publish"].due_on == date(2016, 4, 27)
    assert due["contract.file"].due_on == date(2016, 5, 5)
    world.refused("procurement.site_missing", "contract.publish", as_=PURCHASER, on=SIGNED, contract=contract, sites=())

    late = world.do("contract.publish", as_=PURCHASER, on=date(2016, 4, 28), contract=contract, sites=SITES)
    filed = world.do("contract.file", as_=PURCHASER, on=date(2016, 5, 5), contract=contract, body="合成财政局")

    assert (late.late, filed.late) == (True, False)
    assert {items(world)[kind].status for kind in ("contract.publish", "contract.file")} == {"done"}
    page = next(row for row in rows(world, Document) if row.id == late.document)
    assert (page.kind, page.zone) == ("contract_notice_html", "public")
    assert "签订合同·合同金额" not in page.synthetic_fields
    world.refused(
        "contract.published_already",
        "contract.publish",
        as_=PURCHASER,
        on=date(2016, 5, 6),
        contract=contract,
        sites=SITES,
    )
    again: dict[str, Any] = {"contract": contract, "changes": {"ends_on": "2017-07-01"}, "reason": "合成理由"}
    world.do("contract.amend", as_=PURCHASER, on=date(2016, 5, 9), **again)
    assert (items(world)["contract.publish"].status, items(world)["contract.publish"].due_on) == (
        "open",
        date(2016, 5, 11),
    )


def test_a_personal_number_in_a_clause_keeps_the_contract_from_the_public(world: World, contract: str) -> None:
    """SYS-PUBLIC-LEAK: it is found before anything is printed."""
    leak: dict[str, Any] = {"changes": {"clauses": {"scope": "联系人证件 11010519491231002X"}}, "reason": "合成理由"}
    world.do("contract.amend", as_=PURCHASER, on=SIGNED, contract=contract, **leak)

    world.refused("publicity.leak", "contract.publish", as_=PURCHASER, on=SIGNED, contract=contract, sites=SITES)

    public: dict[str, Any] = {"contract": contract, "sites": SITES, "withheld": ("scope",)}
    page = world.do("contract.publish", as_=PURCHASER, on=SIGNED, **public)
    words = next(row for row in rows(world, Document) if row.id == page.document)
    assert "不予公开" in world.services.documents.get(zone=Zone.PUBLIC, sha256=words.sha256).decode()


def test_contracts_of_a_project_follow_each_other(world: World, signed: tuple[World, str, str]) -> None:
    """A second purchase of the same project gives a second contract; it names and does not overlap the first."""
    _, first, project = signed
    purchase = awarded(world, project, on=SIGNED, name="次年")
    next_year: dict[str, Any] = terms(purchase, starts_on="2017-06-01", ends_on="2018-06-01", predecessor=first)
    early: dict[str, Any] = {**next_year, "starts_on": "2017-05-31"}
    world.refused("contract.successor_overlaps", "contract.sign", as_=PURCHASER, on=SIGNED, **early)

    second = world.do("contract.sign", as_=PURCHASER, on=SIGNED, **next_year)

    listed = world.ask("contract.list", project=project)
    assert [(one.id, one.predecessor) for one in listed] == [(first, None), (second.id, first)]


def test_a_breach_is_recorded_with_the_termination(world: World, contract: str) -> None:
    """What was imposed stays in the row, out of the event."""
    breach: dict[str, Any] = {"serious": True, "penalty": "合成罚决字1号"}

    world.do(
        "contract.terminate", as_=PURCHASER, on=CLOSES.replace(day=28), contract=contract, reason="违约", breach=breach
    )

    event = next(row for row in rows(world, Event) if row.type == "contract.terminated")
    assert (event.payload["breach"], event.payload["breach_rule"]) == (True, None)


def test_the_bar_that_follows_a_serious_breach_closes_what_asked_for_it(tmp_path: Path) -> None:
    """BJ-51, BJ-52: in Beijing a grave breach is punished, and the bar becomes the bureau's work."""
    world = open_world(tmp_path, region="110000")
    project = approved_project(world)
    contract = running(world, project, on=CLOSES, until=date(2017, 6, 1), name="甲", start=False)
    ended: dict[str, Any] = {"contract": contract, "reason": "弄虚作假（合成）"}
    breach = {"serious": True, "penalty": ""}
    world.refused("BJ-51", "contract.terminate", as_=PURCHASER, on=SIGNED, breach=breach, **ended)

    world.do("contract.terminate", as_=PURCHASER, on=SIGNED, breach={**breach, "penalty": "合成罚决字1号"}, **ended)
    assert items(world)["contract.penalty"].status == "open"

    bar: dict[str, Any] = {
        "until_on": "2019-04-25",
        "authority": "合成财政局",
        "number": "合成罚决字1号",
        "reason": "弄虚作假（合成）",
    }
    world.do("procurement.bar", as_="city_bureau:u-bureau", on=SIGNED, organisation=derive_id("org", "甲"), **bar)
    assert items(world)["contract.penalty"].status == "done"


def test_a_long_project_outlives_its_first_contract(world: World, signed: tuple[World, str, str]) -> None:
    """Ended with ``continues`` it stays in progress; the last contract completes it."""
    _, first, project = signed
    begun, over = date(2016, 6, 1), date(2017, 6, 1)
    world.do("delivery.start", as_=PURCHASER, on=begun, contract=first)

    ended = world.do("delivery.complete", as_=PURCHASER, on=over, contract=first, continues=True)

    assert (ended.contract, ended.project) == ("contract.ended", "project.in_progress")
    second = running(world, project, on=over, until=date(2018, 6, 1), name="次年")
    done = world.do("delivery.complete", as_=PURCHASER, on=date(2018, 6, 1), contract=second)
    assert done.project == "project.completed"
