"""Registering budgets and planning purchases on a real database: the same money is never there twice."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, select

from models.tables.funding import Posting
from models.tables.kernel import Document, WorkItem
from tests.support.purchases import (
    CLOSES,
    DAY,
    FINANCE,
    PURCHASER,
    approved_project,
    budgeted_project,
    planned_purchase,
    signed_contract,
)
from tests.support.world import World


def _call(project: str, **changes: Any) -> dict[str, Any]:
    given = {"as_": FINANCE, "on": DAY, "project": project, "year": 2016, "channel": "local_budget", "amount": "10"}
    return given | changes


def test_the_same_reply_is_registered_once(world: World) -> None:
    """The number decides; spaces around it do not make another reply, and no number tells nothing apart."""
    project = approved_project(world)
    world.do("funding.register_budget", **_call(project, reply_no="合成财预1号"))

    for again in ("合成财预1号", " 合成财预1号 ", None, ""):
        fault = world.refused("funding.budget_registered", "funding.register_budget", **_call(project, reply_no=again))
        assert (fault.family, fault.rule) == ("conflict", "SYS-ALREADY-DONE")

    with Session(world.services.engine) as session:
        assert sorted(row.amount_fen for row in session.exec(select(Posting))) == [-1000, 1000]


def test_a_further_reply_another_year_channel_or_project_is_another_line(world: World) -> None:
    project = approved_project(world)
    world.do("funding.register_budget", **_call(project))

    more = world.do("funding.register_budget", **_call(project, reply_no="合成财预追加1号"))
    world.do("funding.register_budget", **_call(project, year=2017))
    world.do("funding.register_budget", **_call(project, channel="special_fund"))
    world.do("funding.register_budget", **_call(approved_project(world, id="prj-other")))

    assert more.remaining.fen == 2000


def test_an_amount_nobody_could_mean_is_refused(world: World) -> None:
    project = approved_project(world)

    world.refused("door.arguments_invalid", "funding.register_budget", **_call(project, amount="1000000000000.01"))


def _plan(project: str, budget: str) -> dict[str, Any]:
    return {
        "as_": PURCHASER,
        "project": project,
        "purchaser": "合成社会救助局",
        "purchaser_kind": "administrative_institution",
        "guided_by": "合成市民政局",
        "budget": budget,
        "contractor_types": ("social_org",),
    }


def test_two_purchases_share_one_budget_until_one_is_cancelled(world: World) -> None:
    project = budgeted_project(world)
    first = planned_purchase(world, project, budget="400000.00", method="competitive_negotiation")

    world.refused("procurement.over_budget", "procurement.plan", on=DAY, **_plan(project, "200000.01"))
    world.do("procurement.cancel", as_=PURCHASER, on=DAY, procurement=first, reason="合成原因")

    assert world.do("procurement.plan", on=DAY, **_plan(project, "600000.00")).state == "procurement.planned"


def test_the_budget_of_a_terminated_contract_is_free_again_but_for_what_was_paid(world: World) -> None:
    project = budgeted_project(world)
    contract = signed_contract(world, project)
    world.refused("procurement.over_budget", "procurement.plan", on=CLOSES, **_plan(project, "600000.00"))

    world.do("contract.terminate", as_=PURCHASER, on=CLOSES, contract=contract, reason="合成原因")

    assert world.do("procurement.plan", on=CLOSES, **_plan(project, "600000.00")).state == "procurement.planned"


def test_the_table_that_should_come_with_the_reply_is_waited_for(world: World) -> None:
    """HS-27: in Huangshi the table of purchases goes out with the budget reply; where it did not, it becomes due."""
    project = approved_project(world)
    line = world.do("funding.register_budget", **_call(project)).id
    table = world.upload(b"xlsx (synthetic)", name="项目表.xlsx", media_type="application/octet-stream").model_dump()
    given = {"as_": FINANCE, "on": DAY, "budget_line": line, "project_table": table}

    filed = world.do("funding.file_project_table", **given)

    with Session(world.services.engine) as session:
        (item,) = session.exec(select(WorkItem).where(WorkItem.kind == "funding.project_table")).all()
        assert (item.role, item.status, "二(三)" in item.clause) == ("finance_bureau", "done", True)
        assert session.get_one(Document, filed.id).kind == "project_table"
    world.refused("funding.table_filed", "funding.file_project_table", **given)


def test_a_table_that_came_with_the_reply_leaves_nothing_to_do(world: World) -> None:
    table = world.upload(b"xlsx (synthetic)", name="项目表.xlsx", media_type="application/octet-stream").model_dump()

    world.do("funding.register_budget", **_call(approved_project(world), project_table=table))

    with Session(world.services.engine) as session:
        assert session.exec(select(WorkItem).where(WorkItem.kind == "funding.project_table")).all() == []
