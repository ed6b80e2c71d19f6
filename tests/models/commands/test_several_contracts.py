"""Several contracts on one project: each gate hangs on its own contract, and the project ends with the last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.tables.contract import Contract
from models.tables.kernel import Document, WorkItem
from tests.support.purchases import (
    AGENCY,
    CLAUSES,
    CLOSES,
    DAY,
    FINANCE,
    PURCHASER,
    SITES,
    bid,
    budgeted_project,
    issued_line,
)
from tests.support.world import World, copy_world, open_world, rows

CONTRACTOR = "contractor:u-contractor"
BEGUN = date(2016, 6, 1)
OVER = date(2017, 6, 1)


def noticed(world: World, project: str, letter: str) -> str:
    """Begin to buy 200,000 yuan of service for a purchaser of its own, with three bids of firms of their own."""
    purchase = str(
        world.do(
            "procurement.plan",
            as_=PURCHASER,
            on=DAY,
            project=project,
            purchaser=f"合成街道{letter}",
            purchaser_kind="administrative_institution",
            guided_by="合成市民政局",
            budget="200000.00",
            contractor_types=("social_org",),
        ).id
    )
    call: dict[str, Any] = {"on": DAY, "procurement": purchase}
    world.do("procurement.set_method", as_=PURCHASER, **call, method="open_tender", reason="公开竞争")
    world.do("procurement.publish_notice", as_=AGENCY, **call, sites=SITES, bids_close_on=CLOSES.isoformat())
    for number in range(3):
        bid(world, purchase, f"{letter}{number}", price="180000.00")
    return purchase


def contracted(world: World, purchase: str, letter: str, **changes: Any) -> str:
    """Award a purchase and sign its contract of a year; return the contract."""
    call: dict[str, Any] = {"on": CLOSES, "procurement": purchase}
    world.do("procurement.close_bidding", as_=AGENCY, **call)
    award = {"organisation": f"合成社工机构{letter}0", "price": "180000.00", "reason": "质量和服务满足要求"}
    world.do("procurement.award", as_=PURCHASER, **call, **award)
    terms: dict[str, Any] = {
        "starts_on": "2016-06-01",
        "ends_on": "2017-06-01",
        "price": "180000.00",
        "clauses": CLAUSES,
        "attached": {"key_posts": [{"post": "项目负责人", "ref": f"SW-{letter}"}]},
    }
    return str(world.do("contract.sign", as_=PURCHASER, **call, **(terms | changes)).id)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str, tuple[str, str, str], str]]:
    """Two contracts side by side and the tail of the first, on one project with one plan line."""
    world = open_world(tmp_path_factory.mktemp("several"))
    project = budgeted_project(world)
    line = issued_line(world, project)
    bought = {letter: noticed(world, project, letter) for letter in "ABC"}
    first, beside = (contracted(world, bought[letter], letter) for letter in "AB")
    later = {"starts_on": "2017-06-01", "ends_on": "2018-06-01", "predecessor": first}
    tail = contracted(world, bought["C"], "C", **later)
    yield world, project, (first, beside, tail), line
    world.services.engine.dispose()


@pytest.fixture
def world(signed: tuple[World, str, tuple[str, str, str], str], tmp_path: Path) -> Iterator[World]:
    made = copy_world(signed[0], tmp_path)
    yield made
    made.services.engine.dispose()


def status(world: World, contract: str) -> Any:
    return world.ask("contract.status", contract=contract)


def paper(world: World) -> dict[str, Any]:
    return world.upload("合成同意书".encode(), name="同意书.txt", media_type="text/plain").model_dump()


def test_money_clocks_and_papers_belong_to_the_contract_they_name(
    world: World, signed: tuple[World, str, tuple[str, str, str], str]
) -> None:
    """A payment, a supplement, a publication and a filing of one move nothing of the others."""
    _, _, (first, beside, tail), line = signed
    assert [status(world, one).committed.fen for one in (first, beside, tail)] == [18_000_000] * 3
    pay: dict[str, Any] = {"as_": FINANCE, "on": date(2016, 7, 1), "plan_line": line, "contract": first}
    world.do("funding.verify_progress", as_=PURCHASER, on=BEGUN, contract=beside, percent="90", basis="合成核实")
    world.do("funding.verify_progress", as_=PURCHASER, on=BEGUN, contract=first, percent="10", basis="合成核实")
    world.refused("HS-28", "funding.pay", **pay, amount="18000.01")
    world.do("funding.pay", **pay, amount="18000.00")
    amended = {"contract": beside, "changes": {"price": "190000.00"}, "reason": "需求增加（合成）"}
    change = world.do("contract.amend", as_=PURCHASER, on=BEGUN, **amended)

    assert [status(world, one).committed.fen for one in (first, beside, tail)] == [16_200_000, 19_000_000, 18_000_000]
    assert [status(world, one).paid.fen for one in (first, beside, tail)] == [1_800_000, 0, 0]
    assert next(row for row in rows(world, Document) if row.id == change.document).issuer == "合成街道B"
    world.do("contract.publish", as_=PURCHASER, on=CLOSES, contract=first, sites=SITES)
    owed = {row.subject_id for row in rows(world, WorkItem) if row.kind == "contract.publish" and row.status == "open"}
    assert owed == {beside, tail}


def test_staff_and_key_posts_are_those_of_their_own_contract(
    world: World, signed: tuple[World, str, tuple[str, str, str], str]
) -> None:
    """Whom another contract of the same project engaged serves here only by consent (LAW-ZFCGTL-72, ZY-86)."""
    _, _, (first, beside, _tail), _ = signed
    other = next(row.organisation_id for row in rows(world, Contract) if row.id == beside)
    staff = ({"ref": "SW-01", "qualified": True, "certificate": "合成证书1号", "employer": other},)
    world.refused("LAW-ZFCGTL-72", "delivery.assign_staff", as_=CONTRACTOR, on=BEGUN, contract=first, staff=staff)
    world.do("delivery.assign_staff", as_=CONTRACTOR, on=BEGUN, contract=beside, staff=staff)

    change: dict[str, Any] = {"contract": first, "post": "项目负责人", "ref": "SW-09", "reason": "合成理由"}
    world.do("contract.change_key_post", as_=PURCHASER, on=date(2016, 7, 15), consent=paper(world), **change)

    assert [status(world, one).key_posts["项目负责人"] for one in (first, beside)] == ["SW-09", "SW-B"]


def test_attendance_is_judged_by_who_held_the_post_in_that_month(
    world: World, signed: tuple[World, str, tuple[str, str, str], str]
) -> None:
    """A consented change in July makes nobody a substitute in June, and neither of the two in July (ZY-86)."""
    first = signed[2][0]
    change: dict[str, Any] = {"contract": first, "post": "项目负责人", "ref": "SW-09", "reason": "合成理由"}
    world.do("contract.change_key_post", as_=PURCHASER, on=date(2016, 7, 15), consent=paper(world), **change)

    def substituted(month: str, ref: str) -> tuple[str, ...]:
        post = {"post": "项目负责人", "ref": ref, "days_due": 20, "days_present": 20}
        call: dict[str, Any] = {"contract": first, "month": month, "posts": [post]}
        told = world.do("monitoring.record_attendance", as_=PURCHASER, on=date(2016, 9, 5), **call)
        return tuple(told.substituted)

    assert substituted("2016-06-30", "SW-A") == ()
    assert substituted("2016-07-01", "SW-A") == ()
    assert substituted("2016-08-31", "SW-A") == ("项目负责人",)
    ahead: dict[str, Any] = {
        "contract": first,
        "month": "2016-10-01",
        "posts": [{"post": "项目负责人", "ref": "SW-09"}],
    }
    ahead["posts"][0] |= {"days_due": 20, "days_present": 20}
    world.refused("monitoring.month_ahead", "monitoring.record_attendance", as_=PURCHASER, on=date(2016, 9, 5), **ahead)


def test_a_barred_firm_takes_no_part_as_a_subcontractor_either(
    world: World, signed: tuple[World, str, tuple[str, str, str], str]
) -> None:
    """BJ-52, LAW-ZFCG-22: who may not take part in purchases does not come in by the back door."""
    firm = {"name": "合成被禁机构", "kind": "enterprise", "uscc": "91110000600037341L"}
    given: dict[str, Any] = {
        "contract": signed[2][0],
        "organisation": firm,
        "part": "助餐配送（合成）",
        "amount": "10000.00",
        "reason": "合成理由",
        "consent": paper(world),
    }
    agreed = world.do("contract.subcontract", as_=PURCHASER, on=BEGUN, **given)
    taken = world.ask("contract.history", contract=signed[2][0])[0].organisation
    bar = {"authority": "合成财政局", "number": "合成财罚〔2016〕1号", "reason": "合成事由甲", "until_on": "2018-06-01"}
    world.do("procurement.bar", as_=FINANCE, on=BEGUN, organisation=taken, **bar)

    world.refused("LAW-ZFCG-22", "contract.subcontract", as_=PURCHASER, on=BEGUN, **given)
    assert agreed.version == 2


def test_what_a_tender_saved_buys_the_next_service(
    world: World, signed: tuple[World, str, tuple[str, str, str], str]
) -> None:
    """Three contracts of 180,000 yuan leave 60,000 of a budget of 600,000, whatever their purchases were planned at."""
    plan: dict[str, Any] = {
        "project": signed[1],
        "purchaser": "合成街道D",
        "purchaser_kind": "state_organ",
        "contractor_types": ("social_org",),
    }
    world.refused("HS-21", "procurement.plan", as_=PURCHASER, on=CLOSES, **plan, budget="60000.01")

    assert world.do("procurement.plan", as_=PURCHASER, on=CLOSES, **plan, budget="60000.00").warnings == ()


def test_the_project_ends_with_its_last_contract_and_a_dismissed_firm_frees_its_own_money(
    world: World, signed: tuple[World, str, tuple[str, str, str], str]
) -> None:
    _, _, (first, beside, tail), _ = signed
    for contract in (first, beside):
        world.do("delivery.start", as_=PURCHASER, on=BEGUN, contract=contract)
    ended = {"contract": beside, "reason": "服务达不到标准（合成）"}
    freed = world.do("contract.terminate", as_=PURCHASER, on=date(2016, 9, 1), **ended)

    assert (freed.released.fen, status(world, first).committed.fen) == (18_000_000, 18_000_000)
    done = world.do("delivery.complete", as_=PURCHASER, on=OVER, contract=first)
    assert (done.contract, done.project) == ("contract.ended", "project.in_progress")  # the tail is signed
    world.do("delivery.start", as_=PURCHASER, on=OVER, contract=tail)
    last = world.do("delivery.complete", as_=PURCHASER, on=date(2018, 6, 1), contract=tail)
    assert last.project == "project.completed"
    states = {row.id: row.state for row in rows(world, Contract)}
    assert [states[one] for one in (first, beside, tail)] == ["ended", "terminated", "ended"]
