"""Allotments, donations, year's end, money that goes back: each fen keeps its channel, its purpose and its giver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.tables.funding import Fund, PlanLine, Posting
from models.tables.kernel import Event, WorkItem
from tests.support.funds import BUREAU, CHARITY, GIVER, accounts, allot, donate, issue, paper
from tests.support.purchases import (
    CLOSES,
    DAY,
    FINANCE,
    approved_project,
    plan_line,
    signed_contract,
)
from tests.support.world import World, copy_world, open_world, rows


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("funds"))
    yield made
    made.services.engine.dispose()


@pytest.fixture
def world(empty: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(empty, tmp_path)
    yield made
    made.services.engine.dispose()


# --- allotments -----------------------------------------------------------------------------------------------------


def test_a_plan_line_draws_on_the_allotments_of_its_channel_alone(world: World) -> None:
    """ZY-10: what is allotted to one channel is nothing to another."""
    project = approved_project(world)
    allot(world)

    with pytest.raises(Exception, match=r"可用余额 0\.00"):
        plan_line(world, project, amount="1.00", channel="local_budget")
    plan_line(world, project, amount="400000.00", channel="special_fund")

    assert accounts(world, "special_fund") == {"appropriation": -600_000, "allotted": 200_000, "reserved": 400_000}


def test_an_earmark_is_kept_when_money_is_reserved(world: World) -> None:
    """Money for another project is there and still not drawn on; for its own it is."""
    mine, other = approved_project(world, id="prj-mine"), approved_project(world, id="prj-other")
    allot(world, amount="100.00", earmark={"projects": [mine]})
    allot(world, amount="50.00", doc_no="合成财社2号")

    fault = world.refused(
        "funding.earmark",
        "funding.draft_plan",
        as_=FINANCE,
        on=DAY,
        project=other,
        quarter="2016Q2",
        batch=1,
        channel="special_fund",
        amount="60.00",
        content="合成",
    )
    plan_line(world, mine, amount="150.00", channel="special_fund")

    assert fault.facts["kept"] == "100.00"
    assert accounts(world, "special_fund")["reserved"] == 150


def test_an_allotment_is_registered_once_and_supplemented_in_its_channel_and_year(world: World) -> None:
    first = allot(world, amount="100.00")

    again: dict[str, Any] = {"year": 2016, "channel": "special_fund", "amount": "1", "purpose": "合成"}
    call: dict[str, Any] = {"as_": FINANCE, "on": DAY}
    world.refused("funding.allotted", "funding.register_allotment", **call, **again, doc_no=" 合成财社1号 ")
    world.refused(
        "funding.supplements_other",
        "funding.register_allotment",
        **call,
        **(again | {"channel": "local_budget"}),
        doc_no="合成财社追加",
        supplements=first,
    )
    allot(world, amount="20.00", doc_no="合成财社追加", supplements=first)

    shown = world.ask("funding.funds", year=2016)
    assert sorted((one.amount.fen, one.supplements) for one in shown) == [(2_000, first), (10_000, None)]


def test_a_closed_line_gives_money_back_to_the_fund_it_came_from(world: World) -> None:
    project = approved_project(world)
    fund = allot(world)
    line = plan_line(world, project, amount="600000.00", channel="special_fund")
    issue(world, line)

    world.do("funding.close_line", as_=FINANCE, on=DAY, plan_line=line)

    (shown,) = world.ask("funding.funds", year=2016)
    assert (shown.id, {name: money.fen for name, money in shown.accounts.items()}) == (fund, {"allotted": 60_000_000})


# --- donations ------------------------------------------------------------------------------------------------------


def test_donated_money_stays_with_a_charity_and_never_enters_a_budget(world: World) -> None:
    """LAW-GYSYJZ-11."""
    project = approved_project(world)
    base: dict[str, Any] = {"year": 2016, "channel": "donation", "amount": "1"}
    call: dict[str, Any] = {"as_": FINANCE, "on": DAY}

    world.refused("funding.donation_without_donor", "funding.register_budget", **call, project=project, **base)
    world.refused(
        "funding.donation_without_donor", "funding.register_allotment", **call, **base, doc_no="合成", purpose="合成"
    )
    world.refused(
        "funding.keeper_not_charity",
        "funding.register_donation",
        **call,
        donor=GIVER,
        charity={"name": "合成机关", "uscc": "91110000600037341L"},
        amount="1",
        purpose="合成助老",
        consent=paper(world),
        year=2016,
    )

    assert rows(world, Posting) == []


def test_a_receipt_of_a_charity_is_one_donation_and_another_channel_is_none(world: World) -> None:
    donate(world, receipt_no="合成票据1")
    given: dict[str, Any] = {
        "donor": GIVER,
        "charity": CHARITY,
        "amount": "1",
        "purpose": "合成助老",
        "consent": paper(world),
    }
    call: dict[str, Any] = {"as_": BUREAU, "on": DAY, "year": 2016}

    world.refused("funding.donation_registered", "funding.register_donation", **call, **given, receipt_no="合成票据1")
    world.refused("funding.not_donated", "funding.register_donation", **call, **given, channel="local_budget")


def test_a_donor_who_is_a_person_is_sealed_masked_and_in_no_event(world: World) -> None:
    fund = donate(world)

    shown = world.ask("funding.donation", donation=fund, as_="donor:u-giver")
    world_events = json.dumps([row.payload for row in rows(world, Event)], ensure_ascii=False)

    assert (shown.donor, shown.keeper) == ("合*", "合成慈善基金会")
    assert "赵六" not in world_events
    assert "赵六" not in (rows(world, Fund)[0].donor_sealed or "")
    with pytest.raises(Exception, match="只有捐赠方本人"):
        world.ask("funding.donation", donation=fund, as_="donor:u-else")


def test_a_donation_is_used_for_its_purpose_alone(world: World) -> None:
    mine, other = approved_project(world, id="prj-mine"), approved_project(world, id="prj-other")
    donate(world, earmark={"projects": [mine]})

    with pytest.raises(Exception, match="限定其他用途"):
        plan_line(world, other, amount="1.00", channel="donation")
    plan_line(world, mine, amount="1.00", channel="donation")


def test_unspent_money_leaves_with_its_donor_and_the_lines_under_it_are_told(world: World) -> None:
    """LAW-GYSYJZ-18: what was paid stays; the line is short, is a work item, and takes other money of its channel."""
    project = approved_project(world)
    gift = donate(world)
    line = plan_line(world, project, amount="600000.00", channel="donation")
    issue(world, line)
    contract = signed_contract(world, project)
    pay: dict[str, Any] = {"plan_line": line, "contract": contract, "verified_percent": "50"}
    world.do("funding.pay", as_=FINANCE, on=CLOSES, amount="100000.00", **pay)
    call: dict[str, Any] = {"on": CLOSES, "donation": gift, "reason": "合成原因"}

    world.refused("funding.not_the_donor", "funding.withdraw_consent", as_="donor:u-else", notice=paper(world), **call)
    out = world.do("funding.withdraw_consent", as_="donor:u-giver", notice=paper(world), **call)
    world.refused("funding.consent_withdrawn", "funding.withdraw_consent", as_=BUREAU, notice=paper(world), **call)

    assert (out.returned.fen, out.spent.fen, out.lines) == (50_000_000, 10_000_000, (line,))
    assert accounts(world, "donation") == {"appropriation": -600_000, "paid": 100_000, "returned": 500_000}
    assert [(row.kind, row.status) for row in rows(world, WorkItem) if row.subject_id == line] == [
        ("funding.line_uncovered", "open")
    ]
    world.refused("funding.payment_not_due", "funding.pay", as_=FINANCE, on=CLOSES, amount="1.00", **pay)
    world.refused("funding.nothing_to_cover", "funding.cover_line", as_=FINANCE, on=CLOSES, plan_line=line)
    donate(world, amount="500000.00")
    covered = world.do("funding.cover_line", as_=FINANCE, on=CLOSES, plan_line=line)
    world.do("funding.pay", as_=FINANCE, on=CLOSES, amount="1.00", **pay)
    world.refused("funding.line_whole", "funding.cover_line", as_=FINANCE, on=CLOSES, plan_line=line)

    assert (covered.amount.fen, covered.uncovered.fen) == (50_000_000, 0)
    assert {row.status for row in rows(world, WorkItem) if row.subject_id == line} == {"done"}
    assert accounts(world, "donation")["committed"] == 487_999


def test_a_line_a_donor_took_money_from_is_not_issued(world: World) -> None:
    project = approved_project(world)
    gift = donate(world, amount="30.00")
    donate(world, amount="20.00")
    line = plan_line(world, project, amount="40.00", channel="donation")
    world.do("funding.sign_plan", as_=FINANCE, on=DAY, plan_line=line)
    world.do("funding.withdraw_consent", as_=BUREAU, on=DAY, donation=gift, reason="合成原因", notice=paper(world))
    (row,) = rows(world, PlanLine)

    world.refused("funding.line_uncovered", "funding.issue_plan", as_=FINANCE, on=DAY, quarter="2016Q2", batch=1)
    world.do("funding.cancel_line", as_=FINANCE, on=DAY, plan_line=line, reason="合成原因")

    assert 0 < row.uncovered_fen <= 3_000
    assert accounts(world, "donation") == {"appropriation": -50, "allotted": 20, "returned": 30}
    assert {one.status for one in rows(world, WorkItem) if one.kind == "funding.line_uncovered"} == {"done"}


# --- the whole ledger -----------------------------------------------------------------------------------------------


def test_the_check_of_the_ledger_names_a_row_that_was_altered(world: World) -> None:
    project = approved_project(world)
    fund = allot(world, amount="100.00")
    line = plan_line(world, project, amount="40.00", channel="special_fund")
    whole = world.ask("funding.verify_ledger")
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        altered = session.get_one(PlanLine, line)
        altered.amount_fen += 1
        session.add(altered)
        session.commit()

    found = world.ask("funding.verify_ledger")

    assert (whole.ok, whole.entries, whole.faults) == (True, 2, ())
    assert [(one.code, one.subject, one.amount.fen) for one in found.faults] == [("line", line, -1)]
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        altered = session.get_one(PlanLine, line)
        altered.amount_fen -= 1
        session.add(altered)
        session.commit()
    assert fund
