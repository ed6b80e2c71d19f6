"""Year's end and money that goes back: carried on or owed back as policy says, recovered, and shown in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.commands import project_ledgers
from models.context import Context
from models.core.actors import Actor, Role
from models.queries.reader import project_of
from models.tables.funding import MoneyBack
from models.tables.kernel import Project, WorkItem
from tests.support.funds import accounts, allot, issue
from tests.support.purchases import (
    CLOSES,
    DAY,
    FINANCE,
    OFFICE,
    PURCHASER,
    approved_project,
    budgeted_project,
    issued_line,
    plan_line,
    signed_contract,
)
from tests.support.world import World, copy_world, open_world, rows

_FIGURES = ("income", "paid", "balance", "total_paid")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("year-end"))
    yield made
    made.services.engine.dispose()


@pytest.fixture
def world(empty: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(empty, tmp_path)
    yield made
    made.services.engine.dispose()


def test_at_the_end_of_a_year_balances_go_on_or_are_owed_back_as_policy_says(world: World) -> None:
    """What plan lines hold stays; a second closing finds nothing; what goes back closes its to-do."""
    project = approved_project(world)
    world.do(
        "funding.register_budget", as_=FINANCE, on=DAY, project=project, year=2016, channel="local_budget", amount="90"
    )
    allot(world, amount="100.00")
    plan_line(world, project, amount="40.00", channel="special_fund")
    world.refused("funding.year_running", "funding.carry_over", as_=FINANCE, on=date(2016, 12, 31), year=2016)
    new_year: dict[str, Any] = {"as_": FINANCE, "on": date(2017, 1, 3)}

    closed = world.do("funding.carry_over", **new_year, year=2016)
    again = world.do("funding.carry_over", **new_year, year=2016)
    back: dict[str, Any] = {"year": 2016, "channel": "local_budget", "project": project, "reason": "合成年末结余"}
    world.refused("funding.over_balance", "funding.return_money", **new_year, **back, amount="90.01")
    returned = world.do("funding.return_money", **new_year, **back, amount="90.00")

    assert (closed.carried, {name: money.fen for name, money in closed.amounts.items()}, closed.surplus) == (
        1,
        {"special_fund": 6_000},
        1,
    )
    assert (again.carried, again.surplus, returned.left.fen) == (0, 1, 0)
    assert accounts(world, "special_fund") == {"appropriation": -100, "reserved": 40, "carried": 60}
    assert accounts(world, "special_fund", year=2017) == {"allotted": 60, "carried": -60}
    assert accounts(world, "local_budget") == {"appropriation": -90, "returned": 90}
    assert [row.status for row in rows(world, WorkItem) if row.kind == "funding.surplus"] == ["done"]


def test_the_daily_run_carries_every_year_that_is_over_and_asks_for_the_surplus_again(world: World) -> None:
    """Two years without a scheduler are made up for; what comes free after the surplus went back is owed back too."""
    project = approved_project(world)
    world.do(
        "funding.register_budget", as_=FINANCE, on=DAY, project=project, year=2016, channel="local_budget", amount="90"
    )
    line = plan_line(world, project, amount="40.00", channel="local_budget")
    allot(world, amount="100.00")
    run: dict[str, Any] = {"as_": "system:scheduler", "on": date(2018, 1, 2)}
    back: dict[str, Any] = {"as_": FINANCE, "year": 2016, "channel": "local_budget", "project": project}

    before = world.do("funding.carry_over", as_="system:scheduler", on=date(2016, 12, 31))
    closed = world.do("funding.carry_over", **run)
    world.do("funding.return_money", **back, on=date(2018, 1, 2), amount="50", reason="合成年末结余")
    world.do("funding.cancel_line", as_=FINANCE, on=date(2018, 1, 3), plan_line=line, reason="合成撤销")
    again = world.do("funding.carry_over", **run | {"on": date(2018, 1, 4)})

    assert (before.carried, before.surplus) == (0, 0)
    assert (closed.carried, closed.surplus, again.carried, again.surplus) == (2, 1, 0, 1)
    assert accounts(world, "special_fund", year=2018) == {"allotted": 100, "carried": -100}
    (item,) = (row for row in rows(world, WorkItem) if row.kind == "funding.surplus")
    assert (item.status, item.due_on) == ("open", date(2018, 1, 4))


def test_what_a_project_leaves_that_is_over_goes_back_whatever_its_channel(world: World) -> None:
    """ZY-93, article 25 by reference: it is not carried on from year to year."""
    ended, going = approved_project(world, id="prj-ended"), approved_project(world, id="prj-going")
    for project in (ended, going):
        budget: dict[str, Any] = {"project": project, "year": 2016, "channel": "special_fund", "amount": "90"}
        world.do("funding.register_budget", as_=FINANCE, on=DAY, **budget)
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(Project, ended).state = "archived"
        session.commit()

    now = world.do("funding.carry_over", as_="system:scheduler", on=date(2016, 6, 1))
    later = world.do("funding.carry_over", as_="system:scheduler", on=date(2017, 1, 1))

    assert (now.carried, now.surplus, later.carried, later.surplus) == (0, 1, 1, 1)
    (item,) = (row for row in rows(world, WorkItem) if row.kind == "funding.surplus")
    assert (item.project_id, item.status, item.due_on) == (ended, "open", date(2016, 6, 1))
    back: dict[str, Any] = {"year": 2016, "channel": "special_fund", "project": ended, "reason": "合成结余"}
    world.do("funding.return_money", as_=FINANCE, on=date(2017, 1, 2), amount="90", **back)
    assert [row.status for row in rows(world, WorkItem) if row.kind == "funding.surplus"] == ["done"]


def test_carried_money_is_planned_in_the_next_year(world: World) -> None:
    project = approved_project(world)
    allot(world, amount="100.00")
    world.do("funding.carry_over", as_=OFFICE, on=date(2017, 1, 3), year=2016)

    plan_line(world, project, amount="100.00", channel="special_fund", quarter="2017Q1", on=date(2017, 1, 4))

    assert accounts(world, "special_fund", year=2017) == {"reserved": 100, "carried": -100}
    assert [fund.year for fund in world.ask("funding.funds", year=2017)] == [2016]


def test_unused_money_of_a_fund_goes_back_and_one_owner_is_named(world: World) -> None:
    fund = allot(world, amount="100.00")
    call: dict[str, Any] = {
        "as_": FINANCE,
        "on": DAY,
        "year": 2016,
        "channel": "special_fund",
        "reason": "合成原因",
        "amount": "60",
    }

    world.refused("funding.one_owner", "funding.return_money", **call)
    assert world.do("funding.return_money", **call, fund=fund).left.fen == 4_000


def test_money_got_back_from_a_contractor_is_not_free_to_be_paid_again(world: World) -> None:
    """Article 34 by reference (ZY-93): paid → recovered; the contract has had its money all the same."""
    project = approved_project(world)
    allot(world)
    line = plan_line(world, project, amount="600000.00", channel="special_fund")
    issue(world, line)
    contract = signed_contract(world, project)
    pay: dict[str, Any] = {"plan_line": line, "contract": contract, "verified_percent": "50"}
    world.do("funding.pay", as_=FINANCE, on=CLOSES, amount="294000.00", **pay)
    back: dict[str, Any] = {
        "as_": PURCHASER,
        "on": CLOSES,
        "plan_line": line,
        "contract": contract,
        "basis": "合成追回决定",
    }

    world.refused("funding.over_recovery", "funding.recover", **back, amount="294000.01")
    world.refused("funding.received_in_future", "funding.recover", **back, amount="1", received_on="2030-01-01")
    left = world.do("funding.recover", **back, amount="94000.00")
    over = world.refused("funding.payment_not_due", "funding.pay", as_=FINANCE, on=CLOSES, amount="1.00", **pay)

    assert left.left.fen == 20_000_000
    assert [(row.amount_fen, row.reason) for row in rows(world, MoneyBack)] == [(9_400_000, "合成追回决定")]
    assert [detail.field for detail in over.details] == ["progress"]
    assert {
        name: value for name, value in accounts(world, "special_fund").items() if name in ("paid", "recovered")
    } == {
        "paid": 200_000,
        "recovered": 94_000,
    }


def test_the_printed_money_ledger_shows_what_was_got_back_and_what_went_back(world: World) -> None:
    """L08: a recovery takes a payment back, a return takes income back; the balance follows, fen by fen."""
    project = budgeted_project(world, amount="600000.00")
    line = issued_line(world, project, amount="590000.00")
    contract = signed_contract(world, project)
    pay: dict[str, Any] = {"plan_line": line, "contract": contract, "verified_percent": "50"}
    world.do("funding.pay", as_=FINANCE, on=CLOSES, amount="200000.00", **pay)
    world.do(
        "funding.recover",
        as_=FINANCE,
        on=CLOSES,
        plan_line=line,
        contract=contract,
        amount="20000.01",
        basis="合成追回决定",
    )
    surplus: dict[str, Any] = {"year": 2016, "channel": "local_budget", "project": project, "reason": "合成结余"}
    world.do("funding.return_money", as_=FINANCE, on=date(2016, 4, 22), amount="10000.00", **surplus)
    ctx = Context(world.services, Actor(Role.EVALUATION_OFFICE, "u-office"), CLOSES, "audit.prepare_filing", "cmd-x")

    with ctx.reading() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        drafts = {one.kind: one for one in project_ledgers.drafted(session, ctx, row, policy=policy)}

    shown = [
        (row["category"], *(row[name]["text"] if isinstance(row[name], dict) else row[name] for name in _FIGURES))
        for row in drafts["money_ledger_xlsx"].view["rows"]
    ]
    assert shown[1:] == [
        ("进度款", "—", "200,000.00", "400,000.00", "200,000.00"),
        ("追回资金", "—", "-20,000.01", "420,000.01", "179,999.99"),
        ("退回结余", "-10,000.00", "—", "410,000.01", "—"),
    ]
