"""What was asked beyond the budget or for another purpose is told; what a contractor advances is due to be planned, and
what was verified before a contract ended is due to be paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from models.tables.funding import PlanLine
from models.tables.kernel import Attempt, WorkItem
from tests.support.funds import donate, paper
from tests.support.payable import BUREAU, SIGNED, SPRING, applied, contract, planned
from tests.support.purchases import FINANCE, approved_project
from tests.support.world import World, copy_world, open_world, rows


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("refused"), region="520300")
    yield made
    made.services.engine.dispose()


@pytest.fixture
def zunyi(built: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(built, tmp_path)
    yield made
    made.services.engine.dispose()


def ready_to_pay(world: World, **changes: Any) -> dict[str, Any]:
    """Everything a payment in Zunyi rests on; return how it is called."""
    project = approved_project(world)
    applied(world, project, **changes)
    signed = contract(world, project)
    line = planned(world, project)
    world.do("funding.verify_progress", as_=BUREAU, on=SIGNED, contract=signed, percent="60", basis="合成现场核查")
    account: dict[str, Any] = {"contract": signed, "bank": "合成银行", "number": "合成账号0001"}
    world.do("funding.register_account", as_="contractor:u-c", on=SIGNED, **account)
    return {"as_": FINANCE, "plan_line": line, "contract": signed}


def told(world: World, kind: str) -> list[tuple[str, date, str]]:
    return [(row.clause, row.due_on, row.status) for row in rows(world, WorkItem) if row.kind == kind]


def test_a_payment_over_budget_is_blocked_and_told_once_however_often_it_is_tried(zunyi: World) -> None:
    """ZY-94: who supervises the money gets one work item a contract; examined, it opens again at the next try."""
    pay = ready_to_pay(zunyi)
    over: dict[str, Any] = pay | {"amount": "30000.01", "categories": {"活动费用": "30000.01"}}
    later = date(2025, 6, 3)

    for _ in range(3):
        zunyi.refused("ZY-94", "funding.pay", on=SIGNED, **over)
    tried = told(zunyi, "funding.payment_refused")
    opinion = {"contract": pay["contract"], "opinion": "合成:误填金额,已退回重报"}
    zunyi.do("funding.examine_refusal", as_=BUREAU, on=SIGNED, **opinion)
    zunyi.refused("funding.nothing_refused", "funding.examine_refusal", as_=BUREAU, on=SIGNED, **opinion)
    (examined,) = (row for row in rows(zunyi, WorkItem) if row.kind == "funding.payment_refused")
    zunyi.refused("ZY-94", "funding.pay", on=later, **over)

    assert tried == [("ZY-94", SIGNED, "open")]
    assert (examined.status, examined.note) == ("done", "申请支付超出批准的预算类别；核查：合成:误填金额,已退回重报")
    assert told(zunyi, "funding.payment_refused") == [("ZY-94", later, "open")]
    assert len(rows(zunyi, Attempt)) == 5


def test_a_payment_that_only_lacks_a_paper_alarms_nobody(zunyi: World) -> None:
    pay = ready_to_pay(zunyi)

    zunyi.refused("ZY-94", "funding.pay", on=SIGNED, **pay, amount="1.00")
    zunyi.refused("ZY-112", "funding.pay", on=SIGNED, **pay, amount="40000.00", categories={"人员费用": "40000.00"})

    assert told(zunyi, "funding.payment_refused") == []


def test_donated_money_pays_what_the_budget_asks_of_donations_alone(zunyi: World) -> None:
    """ZY-94, LAW-GYSYJZ-18: activities were asked of donations, staff was not; the local budget may pay either."""
    pay = ready_to_pay(zunyi, channels={"活动费用": "donation"})
    (row,) = rows(zunyi, PlanLine)
    with Session(zunyi.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(PlanLine, row.id).channel = "donation"
        session.commit()
    staff = zunyi.refused("ZY-94", "funding.pay", on=SIGNED, **pay, amount="1.00", categories={"人员费用": "1.00"})
    with Session(zunyi.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(PlanLine, row.id).channel = "local_budget"
        session.commit()

    zunyi.do("funding.pay", on=SIGNED, **pay, amount="2.00", categories={"人员费用": "1.00", "活动费用": "1.00"})

    assert [detail.field for detail in staff.details] == ["category_unknown"]


def test_work_a_contractor_advances_is_due_to_be_planned_until_its_money_is_there(zunyi: World) -> None:
    """ZY-93: verified work is worth more than the plan committed; the next batch that covers it closes the to-do."""
    project = approved_project(zunyi)
    applied(zunyi, project)
    signed = contract(zunyi, project)
    line: dict[str, Any] = {"on": SPRING, "project": project, "channel": "local_budget"}
    zunyi.do("funding.register_budget", as_=FINANCE, **line, year=2025, amount="60000.00")

    def issue(batch: int, amount: str) -> None:
        drafted: dict[str, Any] = line | {"quarter": "2025Q2", "batch": batch, "amount": amount, "content": "合成"}
        name = zunyi.do("funding.draft_plan", as_=BUREAU, **drafted).id
        for signer in (BUREAU, "drc:u-drc"):
            zunyi.do("funding.sign_plan", as_=signer, on=SPRING, plan_line=name)
        zunyi.do("funding.issue_plan", as_=BUREAU, on=SPRING, quarter="2025Q2", batch=batch)

    verify: dict[str, Any] = {"as_": BUREAU, "on": SIGNED, "contract": signed, "basis": "合成现场核查"}
    issue(1, "30000.00")
    zunyi.do("funding.verify_progress", **verify, percent="50")
    covered = told(zunyi, "funding.prefinanced")
    zunyi.do("funding.verify_progress", **verify, percent="50.0001")
    ahead = told(zunyi, "funding.prefinanced")
    issue(2, "0.05")
    short = told(zunyi, "funding.prefinanced")
    issue(3, "0.01")

    assert (covered, ahead) == ([], [("ZY-93", SIGNED, "open")])
    assert [status for *_, status in (*short, *told(zunyi, "funding.prefinanced"))] == ["open", "done"]


def test_work_done_for_money_its_donor_took_back_is_due_to_be_planned(zunyi: World) -> None:
    """ZY-93, LAW-GYSYJZ-18: the contractor advances what was verified and not paid until other money is there."""
    project = approved_project(zunyi)
    applied(zunyi, project)
    signed = contract(zunyi, project)
    gift = donate(zunyi, amount="30000.00", year=2025)
    drafted: dict[str, Any] = {"quarter": "2025Q2", "batch": 1, "channel": "donation", "amount": "30000.00"}
    line = zunyi.do("funding.draft_plan", as_=BUREAU, on=SPRING, project=project, content="合成", **drafted).id
    for signer in (BUREAU, "drc:u-drc"):
        zunyi.do("funding.sign_plan", as_=signer, on=SPRING, plan_line=line)
    zunyi.do("funding.issue_plan", as_=BUREAU, on=SPRING, quarter="2025Q2", batch=1)
    zunyi.do("funding.verify_progress", as_=BUREAU, on=SIGNED, contract=signed, percent="50", basis="合成现场核查")

    leave: dict[str, Any] = {"donation": gift, "reason": "合成原因", "notice": paper(zunyi)}
    zunyi.do("funding.withdraw_consent", as_=BUREAU, on=SIGNED, **leave)
    ahead = told(zunyi, "funding.prefinanced")
    donate(zunyi, amount="30000.00", year=2025)
    zunyi.do("funding.cover_line", as_=FINANCE, on=SIGNED, plan_line=line)

    assert ahead == [("ZY-93", SIGNED, "open")]
    assert [status for *_, status in told(zunyi, "funding.prefinanced")] == ["done"]


def test_what_was_verified_before_a_contract_ended_is_paid_and_no_more(zunyi: World) -> None:
    """ZY-112: sixty percent of sixty thousand were verified, ten thousand paid; the rest of the price is free again."""
    pay = ready_to_pay(zunyi)
    staff: dict[str, Any] = {"amount": "10000.00", "categories": {"人员费用": "10000.00"}}
    zunyi.do("funding.pay", on=SIGNED, **pay, **staff)

    ended = zunyi.do("contract.terminate", as_=BUREAU, on=SIGNED, contract=pay["contract"], reason="合成:无法继续")
    due = told(zunyi, "contract.settlement")
    more: dict[str, Any] = {"amount": "26000.01", "categories": {"人员费用": "26000.01"}}
    zunyi.refused("ZY-112", "funding.pay", on=SIGNED, **pay, **more)
    owed: dict[str, Any] = {"amount": "26000.00", "categories": {"人员费用": "26000.00"}}
    zunyi.do("funding.pay", on=SIGNED, **pay, **owed)
    zunyi.refused("ZY-112", "funding.pay", on=SIGNED, **pay, **staff)

    assert (ended.released.fen, ended.owed.fen) == (24_000_00, 26_000_00)
    assert due == [("ZY-112", SIGNED, "open")]
    assert told(zunyi, "contract.settlement") == [("ZY-112", SIGNED, "done")]


def test_what_is_withheld_from_a_terminated_contract_is_free_again(zunyi: World) -> None:
    """ZY-112: no more can be withheld than was verified and is unpaid; a line closed later gives up the rest."""
    pay = ready_to_pay(zunyi)
    call: dict[str, Any] = {"as_": BUREAU, "on": SIGNED, "contract": pay["contract"], "reason": "合成:违约"}

    zunyi.refused("contract.withheld_beyond", "contract.terminate", **call, withheld="36000.01")
    ended = zunyi.do("contract.terminate", **call, withheld="6000.00")
    zunyi.do("funding.close_line", as_=BUREAU, on=SIGNED, plan_line=pay["plan_line"])

    assert (ended.released.fen, ended.owed.fen) == (30_000_00, 30_000_00)
    assert told(zunyi, "contract.settlement") == [("ZY-112", SIGNED, "done")]
    assert zunyi.ask("funding.balances", year=2025).balanced
