"""Commands of funding on a real database: the ledger always balances, a batch goes out once, money needs its parts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.commands import events
from models.commands.plan_papers import ten_thousands
from models.context import Context
from models.core.actors import Actor, Role
from models.core.money import Money
from models.tables.funding import PlanLine, Posting
from models.tables.kernel import Document, Event, Project
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
from tests.support.world import World, open_world, rows


def accounts(world: World) -> dict[str, int]:
    """The accounts of the local budget of 2016 in fen; the ledger must balance whenever it is looked at."""
    balances = world.ask("funding.balances", year=2016)
    assert balances.balanced
    return {name: money.fen for name, money in balances.channels[0].accounts.items() if money}


def accept(world: World, project: str, *, grade: str) -> None:
    """Append what the acceptance stage leaves in the chain, until its commands are at hand here."""
    context = Context(
        services=world.services,
        actor=Actor(Role.EVALUATION_OFFICE, "u-office"),
        as_of=date(2017, 7, 1),
        command="acceptance.conclude",
        command_id=f"cmd-{grade}",
    )
    with context.writing() as session:
        events.append(
            session,
            context,
            stream_kind="project",
            stream_id=project,
            type="project.accepted",
            payload={"grade": grade},
        )


# --- budget and plan ------------------------------------------------------------------------------------------------


def test_a_budget_line_opens_its_money(world: World) -> None:
    """Appropriation is the source, the money remains."""
    budgeted_project(world)

    assert accounts(world) == {"appropriation": -60_000_000, "remaining": 60_000_000}


def test_a_line_never_issued_is_cancelled_and_gives_its_money_and_place_back(world: World) -> None:
    project = budgeted_project(world)
    line = plan_line(world, project)
    call: dict[str, Any] = {"as_": FINANCE, "on": DAY, "reason": "项目暂缓(合成)"}
    assert accounts(world) == {"appropriation": -60_000_000, "reserved": 60_000_000}

    cancelled = world.do("funding.cancel_line", **call, plan_line=line)

    assert cancelled.state == "plan_line.closed"
    assert accounts(world) == {"appropriation": -60_000_000, "remaining": 60_000_000}
    assert world.ask("funding.plan", quarter="2016Q2", batch=1).lines == ()
    world.refused("SYS-STATE", "funding.cancel_line", **call, plan_line=line)
    world.refused("funding.batch_empty", "funding.issue_plan", as_=FINANCE, on=DAY, quarter="2016Q2", batch=1)
    again = issued_line(world, project)
    world.refused("SYS-STATE", "funding.cancel_line", **call, plan_line=again)
    with Session(world.services.engine) as session:
        assert session.get_one(PlanLine, line).cancel_reason == "项目暂缓(合成)"
        assert all("暂缓" not in str(event.payload) for event in session.exec(select(Event)).all())


def test_a_budget_line_is_refused_with_a_wrong_amount_channel_or_date(world: World) -> None:
    """Nothing is posted for a refused line."""
    base = {"as_": FINANCE, "on": DAY, "project": approved_project(world), "year": 2016}

    world.refused("door.arguments_invalid", "funding.register_budget", **base, channel="local_budget", amount="0")
    world.refused("funding.channel_unknown", "funding.register_budget", **base, channel="pocket", amount="1")
    world.refused(
        "funding.reply_in_future",
        "funding.register_budget",
        **base,
        channel="local_budget",
        amount="1",
        replied_on="2016-04-02",
    )

    assert rows(world, Posting) == []


def test_a_plan_line_reserves_what_is_left_and_not_a_fen_more(world: World) -> None:
    """ZY-78; in Huangshi our own rule stands behind it."""
    project = budgeted_project(world)

    line = plan_line(world, project, amount="400000.00")
    with pytest.raises(Exception, match=r"200,000\.00"):
        plan_line(world, project, amount="200000.01", batch=2)

    assert accounts(world) == {"appropriation": -60_000_000, "remaining": 20_000_000, "reserved": 40_000_000}
    assert [row.id for row in rows(world, PlanLine)] == [line]


def test_a_project_does_not_plan_with_the_money_of_another(world: World) -> None:
    """The budget line belongs to its project, so no project takes what was granted to somebody else."""
    budgeted_project(world, id="prj-one")
    other = approved_project(world, id="prj-two")

    with pytest.raises(Exception, match=r"可用余额 0\.00"):
        plan_line(world, other, amount="1.00")


def test_a_plan_line_waits_for_the_approval_and_stands_once(world: World) -> None:
    """An unapproved project has no plan line; the same place in a batch is taken once."""
    project = budgeted_project(world)
    plan_line(world, project, amount="1.00")

    with pytest.raises(Exception, match="已有一行计划"):
        plan_line(world, project, amount="1.00")
    entered = world.do(
        "library.enter_project", as_=OFFICE, on=DAY, name="合成项目未批准", needs=("n",), policies=("p",)
    ).id
    with pytest.raises(Exception, match="已批准"):
        plan_line(world, entered, amount="1.00")


def test_the_last_of_the_co_issuers_moves_the_line(tmp_path: Path) -> None:
    """ZY-77 in Zunyi: bureau and DRC, each once."""
    world = open_world(tmp_path, region="520300")
    try:
        day = date(2025, 4, 1)
        project = approved_project(world)
        world.do(
            "funding.register_budget",
            as_=FINANCE,
            on=day,
            project=project,
            year=2025,
            channel="local_budget",
            amount="10",
        )
        line = world.do(
            "funding.draft_plan",
            as_=OFFICE,
            on=day,
            project=project,
            quarter="2025Q2",
            batch=1,
            channel="local_budget",
            amount="10",
            content="合成",
        ).id
        call = {"on": day, "plan_line": line}

        world.refused("ZY-77", "funding.sign_plan", as_="finance_bureau:u", **call)
        first = world.do("funding.sign_plan", as_="city_bureau:u", **call)
        world.refused("funding.signed_already", "funding.sign_plan", as_="city_bureau:u2", **call)
        unsigned = world.refused(
            "funding.batch_unsigned", "funding.issue_plan", as_=OFFICE, on=day, quarter="2025Q2", batch=1
        )
        last = world.do("funding.sign_plan", as_="drc:u", **call)

        assert (first.state, first.missing) == ("plan_line.drafted", ("drc",))
        assert "发展改革委" in unsigned.message
        assert (last.state, last.missing) == ("plan_line.signed", ())
    finally:
        world.services.engine.dispose()


def test_an_issued_batch_plans_its_money_its_projects_and_its_papers(world: World) -> None:
    """Two projects in one notice: each gets the notice and the ledger into its own files."""
    lines = []
    for name in ("prj-one", "prj-two"):
        lines.append(plan_line(world, budgeted_project(world, id=name), amount="500000.00"))
        world.do("funding.sign_plan", as_=FINANCE, on=DAY, plan_line=lines[-1])

    issued = world.do("funding.issue_plan", as_=FINANCE, on=DAY, quarter="2016Q2", batch=1)

    assert (issued.lines, issued.projects, issued.amount.fen) == (2, 2, 100_000_000)
    assert accounts(world) == {"appropriation": -120_000_000, "remaining": 20_000_000, "planned": 100_000_000}
    assert {row.state for row in rows(world, Project)} == {"planned"}
    documents = rows(world, Document)
    assert sorted((row.project_id, row.kind) for row in documents) == [
        (project, kind) for project in ("prj-one", "prj-two") for kind in ("investment_plan_notice", "plan_ledger_xlsx")
    ]
    assert len({row.sha256 for row in documents}) == 2
    assert world.ask("funding.plan", quarter="2016Q2", batch=1).issued


def test_a_batch_is_issued_exactly_once(world: World) -> None:
    """The second call is refused and leaves one set of rows; nothing joins a batch that is out."""
    project = budgeted_project(world)
    issued_line(world, project, amount="500000.00")
    before = (len(rows(world, Posting)), len(rows(world, Document)), len(rows(world, Event)))

    world.refused("funding.batch_issued", "funding.issue_plan", as_=FINANCE, on=DAY, quarter="2016Q2", batch=1)
    with pytest.raises(Exception, match="已经下达"):
        plan_line(world, project, amount="1.00", channel="local_budget")

    assert (len(rows(world, Posting)), len(rows(world, Document)), len(rows(world, Event))) == before


def test_an_empty_batch_is_not_issued(world: World) -> None:
    """Nothing to issue."""
    world.refused("funding.batch_empty", "funding.issue_plan", as_=FINANCE, on=DAY, quarter="2016Q3", batch=9)


# --- payment --------------------------------------------------------------------------------------------------------


def _pay(contract: str, line: str, amount: str, percent: str, **more: Any) -> dict[str, Any]:
    return {"plan_line": line, "contract": contract, "amount": amount, "verified_percent": percent, **more}


def test_money_follows_progress_and_the_last_of_it_the_evaluation(world: World) -> None:
    """HS-28, A3 (HS-37), HS-44: one contract from first to last payment, and the rest goes back to its channel."""
    project = budgeted_project(world)
    line = issued_line(world, project)
    contract = signed_contract(world, project)
    assert accounts(world)["committed"] == 58_800_000
    call = {"as_": FINANCE, "on": date(2017, 7, 2)}

    over = world.refused("HS-28", "funding.pay", **call, **_pay(contract, line, "294000.01", "50"))
    half = world.do("funding.pay", **call, **_pay(contract, line, "294000.00", "50"))
    early = world.refused("HS-37", "funding.pay", **call, **_pay(contract, line, "1.00", "100", final=True))
    all_of_it = world.refused("HS-37", "funding.pay", **call, **_pay(contract, line, "294000.00", "100"))
    accept(world, project, grade="qualified")
    too_much = world.refused("HS-44", "funding.pay", **call, **_pay(contract, line, "264600.01", "100", final=True))
    last = world.do("funding.pay", **call, **_pay(contract, line, "264600.00", "100", final=True))
    again = world.refused("HS-44", "funding.pay", **call, **_pay(contract, line, "1.00", "100", final=True))
    closed = world.do("funding.close_line", as_=FINANCE, on=call["on"], plan_line=line)

    assert [fault.details[0].field for fault in (over, early, all_of_it, too_much, again)] == [
        "progress",
        "evaluation",
        "evaluation",
        "result",
        "settled",
    ]
    assert (half.final, last.final, last.line_state) == (False, True, "plan_line.issued")
    assert closed.state == "plan_line.closed"
    assert accounts(world) == {"appropriation": -60_000_000, "remaining": 4_140_000, "paid": 55_860_000}
    assert world.ask("contract.status", contract=contract).settled


def test_a_payment_that_uses_up_its_line_moves_it_to_paid(world: World) -> None:
    """The line is paid in full when its amount is."""
    project = budgeted_project(world)
    line = issued_line(world, project, amount="100000.00")
    contract = signed_contract(world, project)

    paid = world.do("funding.pay", as_=FINANCE, on=CLOSES, **_pay(contract, line, "100000.00", "50"))

    assert (paid.line_state, paid.final) == ("plan_line.paid", False)
    world.refused("funding.payment_not_due", "funding.pay", as_=FINANCE, on=CLOSES, **_pay(contract, line, "1", "50"))


def test_no_payment_from_a_line_that_is_not_issued_or_to_a_foreign_contract(world: World) -> None:
    """ZY-79: a plan line that was not issued permits nothing; the refusal is kept as an attempt, money stays."""
    project = budgeted_project(world)
    contract = signed_contract(world, project)
    drafted = plan_line(world, project, on=CLOSES)
    foreign = plan_line(world, budgeted_project(world, id="prj-else"), batch=2)
    before = accounts(world)

    fault = world.refused(
        "funding.payment_not_due", "funding.pay", as_=FINANCE, on=CLOSES, **_pay(contract, drafted, "1", "100")
    )
    other = world.refused(
        "funding.payment_not_due", "funding.pay", as_=FINANCE, on=CLOSES, **_pay(contract, foreign, "1", "100")
    )

    assert [detail.field for detail in fault.details] == ["plan_line"]
    assert "contract_project" in {detail.field for detail in other.details}
    assert accounts(world) == before


def test_a_contract_signed_before_the_plan_is_committed_when_the_plan_is_out(world: World) -> None:
    """Order of signing and issuing does not matter for what may be paid."""
    project = budgeted_project(world)
    contract = signed_contract(world, project)
    assert "committed" not in accounts(world)

    line = issued_line(world, project, on=CLOSES)

    assert accounts(world)["committed"] == 58_800_000
    world.do("funding.pay", as_=PURCHASER, on=CLOSES, **_pay(contract, line, "1.00", "10"))


def test_after_completion_only_what_contracts_still_lack_is_planned(world: World) -> None:
    """A contract over two quarters may outlast its project's delivery; leftover budget goes back instead."""
    project = budgeted_project(world)
    issued_line(world, project, amount="300000.00")
    contract = signed_contract(world, project)
    with Session(world.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(Project, project).state = "completed"
        session.commit()
    late: dict[str, Any] = {"project": project, "quarter": "2016Q3", "batch": 1, "channel": "local_budget"}
    late |= {"content": "尾款(合成)", "target": "合成"}
    call: dict[str, Any] = {"as_": FINANCE, "on": CLOSES}

    fault = world.refused("funding.beyond_contracts", "funding.draft_plan", **call, **late, amount="288000.01")
    line = world.do("funding.draft_plan", **call, **late, amount="288000.00").id
    world.refused("SYS-PLAN-LINE", "funding.draft_plan", **call, **(late | {"batch": 2}), amount="1.00")
    world.do("funding.sign_plan", **call, plan_line=line)
    world.do("funding.issue_plan", **call, quarter="2016Q3", batch=1)

    assert fault.facts == {"wanted": "288,000.01", "owed": "288,000.00"}
    assert accounts(world)["committed"] == 58_800_000
    world.do("contract.terminate", as_=PURCHASER, on=CLOSES, contract=contract, reason="合成原因")


def test_a_line_with_an_open_contract_is_not_closed(world: World) -> None:
    """First the last payment or the termination."""
    project = budgeted_project(world)
    line = issued_line(world, project)
    contract = signed_contract(world, project)

    world.refused("funding.contract_open", "funding.close_line", as_=FINANCE, on=CLOSES, plan_line=line)
    world.do("contract.terminate", as_=PURCHASER, on=CLOSES, contract=contract, reason="合成原因")
    world.do("funding.close_line", as_=FINANCE, on=CLOSES, plan_line=line)

    assert accounts(world) == {"appropriation": -60_000_000, "remaining": 60_000_000}


def test_the_annex_words_amounts_in_ten_thousand_yuan_without_losing_a_fen() -> None:
    """Two decimals where they are exact, more where they are not."""
    assert ten_thousands(Money.yuan("600000")) == "60.00"
    assert ten_thousands(Money.yuan("12345600")) == "1,234.56"
    assert ten_thousands(Money.yuan("600000.01")) == "60.000001"
