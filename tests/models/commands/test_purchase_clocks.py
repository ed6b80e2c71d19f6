"""The clocks of a purchase: opened, closed and dated by the commands; disputes, deposits, bars, exemptions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.commands import work
from models.context import Context
from models.core.actors import Actor, Role
from models.core.ids import derive_id
from models.ports import Zone
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
    close,
    noticed_purchase,
    planned_purchase,
    signed_contract,
)
from tests.support.purchasing import due
from tests.support.world import World, copy_world, open_world, rows


@pytest.fixture(scope="module")
def tendered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str, tuple[str, ...]]]:
    """A purchase with an agency and three bids, each with a deposit."""
    world = open_world(tmp_path_factory.mktemp("clocks"))
    purchase = noticed_purchase(world, budgeted_project(world))
    agency = {"name": "合成招标代理公司", "kind": "enterprise"}
    engaging = {"procurement": purchase, "agency": agency, "staff": {"s-1": "项目负责人"}}
    world.do("procurement.engage_agency", as_=PURCHASER, on=DAY, **engaging)
    names = tuple(bid(world, purchase, letter, bond="12000.00") for letter in "甲乙丙")
    yield world, purchase, names
    world.services.engine.dispose()


def test_report_choice_and_deposits_run_by_the_working_days_of_law(
    tendered: tuple[World, str, tuple[str, ...]], tmp_path: Path
) -> None:
    """2 days for the agency's report, 5 for the purchaser's choice, 5 for the deposits; each closed by its act."""
    world, purchase, names = copy_world(tendered[0], tmp_path), tendered[1], tendered[2]
    world.refused("LAW-ZFCGTL-43", "procurement.submit_report", as_=AGENCY, on=DAY, procurement=purchase)
    assert due(world)["procurement.bids_close"].due_on == CLOSES
    close(world, purchase)
    assert "procurement.bids_close" not in due(world)
    marks = [{"organisation": name, "quality_met": True, "score": "90"} for name in names]
    call = {"procurement": purchase, "report": "合成评审报告"}
    world.refused("procurement.not_marked", "procurement.evaluate_bids", as_=AGENCY, on=CLOSES, **call, marks=marks[:2])
    world.do("procurement.evaluate_bids", as_=AGENCY, on=CLOSES, **call, marks=marks)
    assert due(world)["procurement.agency_report"].due_on == date(2016, 4, 25)
    world.do("procurement.submit_report", as_=AGENCY, on=date(2016, 4, 22), procurement=purchase)
    assert "procurement.agency_report" not in due(world)
    assert due(world)["procurement.winner"].due_on == date(2016, 4, 29)
    winner = {"organisation": names[0], "price": "588000.00", "reason": "综合评审第一"}
    world.do("procurement.award", as_=PURCHASER, on=date(2016, 4, 25), procurement=purchase, **winner)
    items = due(world)
    assert "procurement.winner" not in items
    deposit = items["procurement.bond_return"]
    assert deposit.due_on == date(2016, 5, 3)  # Labour Day lies between
    world.do("procurement.return_bond", as_=PURCHASER, on=date(2016, 4, 26), bid=deposit.subject_id)
    world.refused(
        "LAW-ZFCGTL-33", "procurement.return_bond", as_=PURCHASER, on=date(2016, 4, 26), bid=deposit.subject_id
    )


def test_disputes_have_their_days_and_a_complaint_may_suspend_the_purchase(
    tendered: tuple[World, str, tuple[str, ...]], tmp_path: Path
) -> None:
    world, purchase, names = copy_world(tendered[0], tmp_path), tendered[1], tendered[2]
    close(world, purchase)
    raising: dict[str, Any] = {"procurement": purchase, "organisation": names[1], "matter": "合成质疑事项"}
    challenge = {**raising, "kind": "challenge"}
    world.refused("LAW-ZFCG-52", "procurement.raise_dispute", as_=AGENCY, on=CLOSES, **challenge, known_on="2016-04-11")
    asked = world.do("procurement.raise_dispute", as_=AGENCY, on=CLOSES, **challenge, known_on="2016-04-12")
    assert asked.due_on == date(2016, 5, 3)
    complaint = {**raising, "kind": "complaint", "earlier": asked.id}
    world.refused("LAW-ZFCG-55", "procurement.raise_dispute", as_=FINANCE, on=CLOSES, **complaint)
    answer = {"upheld": False, "answer": "合成答复"}
    world.refused("LAW-ZFCG-53", "procurement.answer_dispute", as_=FINANCE, on=CLOSES, dispute=asked.id, **answer)
    world.do("procurement.answer_dispute", as_=AGENCY, on=CLOSES, dispute=asked.id, **answer)
    lodged = world.do("procurement.raise_dispute", as_=FINANCE, on=CLOSES, **complaint)
    world.refused("LAW-ZFCG-57", "procurement.suspend", as_=FINANCE, on=CLOSES, dispute=lodged.id, days=31)
    world.do("procurement.suspend", as_=FINANCE, on=CLOSES, dispute=lodged.id, days=30)
    award = {"procurement": purchase, "organisation": names[0], "price": "588000.00", "reason": "综合评审第一"}
    world.refused("LAW-ZFCG-57", "procurement.award", as_=PURCHASER, on=CLOSES, **award)
    world.do("procurement.answer_dispute", as_=FINANCE, on=CLOSES, dispute=lodged.id, **answer)
    assert "procurement.dispute" not in due(world)
    shown = world.ask("procurement.disputes", as_=FINANCE, procurement=purchase)
    assert {(one.kind, one.matter, one.answer) for one in shown} == {
        ("challenge", "合成质疑事项", "合成答复"),
        ("complaint", "合成质疑事项", "合成答复"),
    }
    world.do("procurement.award", as_=PURCHASER, on=CLOSES, **award)


def test_an_award_that_fell_goes_to_the_next_candidate_in_order(
    tendered: tuple[World, str, tuple[str, ...]], tmp_path: Path
) -> None:
    """LAW-ZFCGTL-43, 49: nobody is skipped; who declined is out; the clocks of award and contract run anew."""
    world, purchase, names = copy_world(tendered[0], tmp_path), tendered[1], tendered[2]
    close(world, purchase)
    marks = [
        {"organisation": name, "quality_met": True, "score": score}
        for name, score in zip(names, ("90", "85", "80"), strict=True)
    ]
    world.do(
        "procurement.evaluate_bids", as_=AGENCY, on=CLOSES, procurement=purchase, report="合成评审报告", marks=marks
    )
    call = {"procurement": purchase, "price": "588000.00", "reason": "综合评审第一"}
    world.refused("LAW-ZFCGTL-43", "procurement.award", as_=PURCHASER, on=CLOSES, organisation=names[1], **call)
    world.do("procurement.award", as_=PURCHASER, on=CLOSES, organisation=names[0], **call)
    world.do("procurement.publish_award", as_=AGENCY, on=CLOSES, procurement=purchase, sites=SITES)
    given: dict[str, Any] = {"procurement": purchase, "cause": "declined", "reason": "来函表示不再签订合同"}

    fallen = world.do("procurement.withdraw_award", as_=PURCHASER, on=date(2016, 4, 25), **given)

    assert (fallen.state, {"contract.sign", "procurement.award_notice"} & set(due(world))) == (
        "procurement.noticed",
        set(),
    )
    later = date(2016, 4, 26)
    world.refused("LAW-ZFCGTL-49", "procurement.award", as_=PURCHASER, on=later, organisation=names[0], **call)
    world.do("procurement.award", as_=PURCHASER, on=later, organisation=names[1], **call)
    assert due(world)["procurement.award_notice"].due_on == date(2016, 4, 28)
    shown = world.do("procurement.publish_award", as_=AGENCY, on=date(2016, 4, 27), procurement=purchase, sites=SITES)
    assert due(world)["contract.sign"].due_on == date(2016, 5, 27)  # thirty days from the notice of award
    assert "合成社工机构乙" in _page(world, shown.document)
    world.do("contract.sign", as_=PURCHASER, on=date(2016, 5, 27), **_terms(purchase))
    world.refused("LAW-ZFCGTL-49", "procurement.withdraw_award", as_=PURCHASER, on=date(2016, 5, 27), **given)


def test_a_dispute_about_the_result_holds_the_contract_up(
    tendered: tuple[World, str, tuple[str, ...]], tmp_path: Path
) -> None:
    """LAW-ZFCGTL-54, LAW-ZFCG-57; a supplier that did not bid may challenge too; the winner's deposit is owed at the
    signing, not before (LAW-ZFCGTL-33)."""
    world, purchase, names = copy_world(tendered[0], tmp_path), tendered[1], tendered[2]
    close(world, purchase)
    award = {"procurement": purchase, "organisation": names[0], "price": "588000.00", "reason": "综合评审第一"}
    world.do("procurement.award", as_=PURCHASER, on=CLOSES, **award)
    assert len(_deposits(world)) == 2
    outsider = {"name": "合成潜在供应商", "kind": "enterprise"}
    raising: dict[str, Any] = {"procurement": purchase, "organisation": outsider, "matter": "合成质疑事项"}
    asked = world.do(
        "procurement.raise_dispute",
        as_=AGENCY,
        on=CLOSES,
        **raising,
        kind="challenge",
        known_on="2016-04-20",
        affects_award=True,
    )
    signing: dict[str, Any] = {"as_": PURCHASER, "on": date(2016, 4, 25), **_terms(purchase)}
    world.refused("LAW-ZFCGTL-54", "contract.sign", **signing)
    answer = {"upheld": False, "answer": "合成答复"}
    world.do("procurement.answer_dispute", as_=AGENCY, on=CLOSES, dispute=asked.id, **answer)
    lodged = world.do(
        "procurement.raise_dispute", as_=FINANCE, on=CLOSES, **raising, kind="complaint", earlier=asked.id
    )
    world.do("procurement.suspend", as_=FINANCE, on=CLOSES, dispute=lodged.id, days=30)
    world.refused("LAW-ZFCG-57", "contract.sign", **signing)
    signed = world.do("contract.sign", **(signing | {"on": date(2016, 5, 21)}))
    assert any("1 项询问、质疑或者投诉" in warning for warning in signed.warnings)
    assert len(_deposits(world)) == 3


def _deposits(world: World) -> list[WorkItem]:
    return [row for row in rows(world, WorkItem) if row.kind == "procurement.bond_return"]


def _terms(purchase: str) -> dict[str, Any]:
    term = {"starts_on": "2016-06-01", "ends_on": "2017-06-01"}
    return {"procurement": purchase, "price": "588000.00", "clauses": CLAUSES, **term}


def _page(world: World, document: str) -> str:
    found = next(row for row in rows(world, Document) if row.id == document)
    return world.services.documents.get(zone=Zone.PUBLIC, sha256=found.sha256).decode()


def test_an_amendment_moves_the_deadline_and_a_large_deposit_is_refused(
    tendered: tuple[World, str, tuple[str, ...]], tmp_path: Path
) -> None:
    world, purchase = copy_world(tendered[0], tmp_path), tendered[1]
    call = {"as_": AGENCY, "on": date(2016, 4, 12), "procurement": purchase, "changes": "合成修改"}
    world.refused("LAW-ZFCGTL-31", "procurement.amend_documents", **call)
    assert world.do("procurement.amend_documents", **call, bids_close_on="2016-04-27").bids_close_on == date(
        2016, 4, 27
    )
    assert due(world)["procurement.bids_close"].due_on == date(2016, 4, 27)
    late = {"organisation": {"name": "合成社工机构丁", "kind": "social_org"}, "bond": "12000.01"}
    world.refused("LAW-ZFCGTL-33", "procurement.register_bid", as_=AGENCY, on=DAY, procurement=purchase, **late)


def test_a_bar_keeps_out_until_it_is_over_or_lifted(
    tendered: tuple[World, str, tuple[str, ...]], tmp_path: Path
) -> None:
    world, purchase, names = copy_world(tendered[0], tmp_path), tendered[1], tendered[2]
    close(world, purchase)
    bar = {"organisation": names[0], "authority": "合成财政局", "number": "合成财罚〔2016〕1号", "reason": "合成事由甲"}
    world.refused("LAW-ZFCG-77", "procurement.bar", as_=FINANCE, on=CLOSES, **bar, until_on="2019-04-22")
    kept = world.do("procurement.bar", as_=FINANCE, on=CLOSES, **bar, until_on="2019-04-21")
    award = {"procurement": purchase, "organisation": names[0], "price": "588000.00", "reason": "综合评审第一"}
    world.refused("procurement.winner_debarred", "procurement.award", as_=PURCHASER, on=CLOSES, **award)
    assert [(line.in_force, line.number) for line in world.ask("procurement.bars")] == [(True, bar["number"])]
    world.do("procurement.lift_bar", as_=FINANCE, on=date(2016, 4, 22), bar=kept.id, reason="合成撤销决定")
    world.refused(
        "procurement.bar_over", "procurement.lift_bar", as_=FINANCE, on=CLOSES, bar=kept.id, reason="合成撤销决定"
    )
    world.do("procurement.award", as_=PURCHASER, on=date(2016, 4, 22), **award)
    watched = {"checkpoint": "after", "party": "supplier", "passed": True, "finding": "采购过程合规"}
    found = world.do("procurement.supervise", as_=PURCHASER, on=date(2016, 4, 22), procurement=purchase, **watched)
    assert found.rule == "HS-20"


def test_the_same_purchaser_spreading_one_kind_over_projects_is_warned_and_an_exemption_clears(tmp_path: Path) -> None:
    """Splitting one budget item is refused; over two projects it is noted; with an approval both stand."""
    world = open_world(tmp_path)
    first, second = (budgeted_project(world, id=name) for name in ("prj-made-one", "prj-made-two"))
    planned_purchase(world, first, budget="300000.00", method="competitive_negotiation")
    with pytest.raises(Exception, match="化整为零"):
        planned_purchase(world, first, budget="300000.00", method="competitive_negotiation")
    spread = planned_purchase(world, second, budget="300000.00", method="open_tender")
    choice = {"procurement": spread, "method": "competitive_negotiation", "reason": "未达公开招标数额标准"}
    assert "其他预算项目" in world.do("procurement.set_method", as_=PURCHASER, on=DAY, **choice).warnings[0]
    with pytest.raises(Exception, match="化整为零"):
        planned_purchase(world, second, budget="250000.00", method="competitive_negotiation")
    _single_source(world, second)
    world.services.engine.dispose()


def _single_source(world: World, project: str) -> None:
    """Buy from one supplier with an approval beforehand; intent and supplier are shown to the public."""
    large = planned_purchase(world, project, budget="50000.00", method="open_tender")
    approval = {
        "procurement": large,
        "method": "single_source",
        "reason": "合成特殊情况",
        "number": "合成财采〔2016〕1号",
    }
    world.do("procurement.approve_exemption", as_=FINANCE, on=DAY, **approval)
    single = {"procurement": large, "method": "single_source", "reason": "合成特殊情况"}
    world.do("procurement.set_method", as_=PURCHASER, on=DAY, **single)
    public = {
        "procurement": large,
        "needs": "合成需求",
        "expected_month": "2016-05",
        "budget": "50000.00",
        "sites": SITES,
    }
    assert world.do("procurement.publish_intent", as_=PURCHASER, on=DAY, **public).document
    one = {"name": "合成社工机构甲", "kind": "social_org"}
    notice = {"procurement": large, "sites": SITES, "bids_close_on": DAY.isoformat()}
    world.do("procurement.publish_notice", as_=AGENCY, on=DAY, **notice)
    supplier = bid(world, large, "甲", organisation=one, price="50000.00")
    shown = world.do(
        "procurement.publish_single_source",
        as_=PURCHASER,
        on=DAY,
        procurement=large,
        organisation=supplier,
        reason="只能从其采购",
        sites=SITES,
    )
    assert shown.closes_on == date(2016, 4, 11)  # Qingming lies between
    share = world.ask("procurement.social_share", year=2016)
    assert (share.awarded.fen, share.least) == (0, None)


def test_a_cancelled_purchase_owes_deposits_and_nothing_else(
    tendered: tuple[World, str, tuple[str, ...]], tmp_path: Path
) -> None:
    world, purchase, names = copy_world(tendered[0], tmp_path), tendered[1], tendered[2]
    close(world, purchase)
    marks = [{"organisation": name, "quality_met": True, "score": "90"} for name in names]
    world.do(
        "procurement.evaluate_bids", as_=AGENCY, on=CLOSES, procurement=purchase, marks=marks, report="合成评审报告"
    )
    assert "procurement.agency_report" in due(world)
    world.do("procurement.cancel", as_=PURCHASER, on=CLOSES, procurement=purchase, reason="采购任务取消(合成)")

    assert {kind for kind in due(world) if kind.startswith("procurement.")} == {"procurement.bond_return"}


def test_a_bar_settles_what_a_breached_contract_asked_for(tmp_path: Path) -> None:
    """The item a terminated contract left behind (BJ-51) is done once its contractor is barred."""
    world = open_world(tmp_path)
    contract = signed_contract(world, budgeted_project(world))
    world.clock.day = CLOSES
    ctx = Context(world.services, Actor(Role.SYSTEM, "u-x"), CLOSES, "tests.breach", derive_id("cmd", "breach"))
    with ctx.writing() as session:
        contractor = session.get_one(Contract, contract).organisation_id
        work.open_item(
            session,
            ctx,
            kind="contract.breach",
            role=Role.CITY_BUREAU,
            subject_kind="contract",
            subject_id=contract,
            due_on=CLOSES,
            clause="合成依据",
            resolves_with="procurement.bar",
        )
    assert "contract.breach" in due(world)
    bar = {"authority": "合成财政局", "number": "合成财罚〔2016〕2号", "reason": "合成违约事由"}
    world.do("procurement.bar", as_=FINANCE, on=CLOSES, organisation=contractor, until_on="2018-04-21", **bar)

    assert "contract.breach" not in due(world)
    world.services.engine.dispose()
