"""What funding asks for where a seed binds: Zunyi's payments, Fengze's untouched aid, Huangshi's, Anhui's records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.funding import check_channel
from models.tables.contract import Contract
from models.tables.funding import Posting, ProjectAccount
from tests.support.payable import BUREAU, SIGNED, SPRING, applied, contract, planned
from tests.support.purchases import DAY, FINANCE, PURCHASER, approved_project
from tests.support.world import World, copy_world, open_world

COUNTY = "county_bureau:u-county"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = open_world(tmp_path_factory.mktemp("zunyi"), region="520300")
    yield made
    made.services.engine.dispose()


@pytest.fixture
def zunyi(built: World, tmp_path: Path) -> Iterator[World]:
    made = copy_world(built, tmp_path)
    yield made
    made.services.engine.dispose()


def test_money_leaves_in_zunyi_only_when_every_part_is_there(zunyi: World) -> None:
    """ZY-112, ZY-92, ZY-93, ZY-94: each part comes, and the refusal names what still lacks."""
    project = approved_project(zunyi)
    applied(zunyi, project)
    signed = contract(zunyi, project)
    line = planned(zunyi, project)
    pay: dict[str, Any] = {"as_": FINANCE, "on": SIGNED, "plan_line": line, "contract": signed}

    bare = zunyi.refused("ZY-112", "funding.pay", **pay, amount="30000.00", verified_percent="100")
    zunyi.do("funding.verify_progress", as_=BUREAU, on=SIGNED, contract=signed, percent="60", basis="合成现场核查")
    zunyi.do(
        "funding.register_account",
        as_="contractor:u-c",
        on=SIGNED,
        contract=signed,
        bank="合成银行",
        number="合成账号 0001",
    )
    split = {"人员费用": "20000.00", "活动费用": "10000.01"}
    over = zunyi.refused("ZY-94", "funding.pay", **pay, amount="30000.01", categories=split)
    other = zunyi.refused("ZY-94", "funding.pay", **pay, amount="1.00", categories={"招待费用": "1.00"})
    first = zunyi.do("funding.pay", **pay, amount="30000.00", categories=split | {"活动费用": "10000.00"})
    again = zunyi.refused("ZY-94", "funding.pay", **pay, amount="1.00", categories={"活动费用": "1.00"})
    ahead = zunyi.refused("ZY-112", "funding.pay", **pay, amount="6000.01", categories={"人员费用": "6000.01"})

    assert [detail.field for detail in bare.details] == ["unverified", "account", "categories"]
    assert [fault.details[0].field for fault in (over, other, again, ahead)] == [
        "category_over",
        "category_unknown",
        "category_over",
        "progress",
    ]
    assert (first.final, first.contract_paid.fen) == (False, 3_000_000)


def test_no_payment_of_a_project_goes_beyond_its_estimate(zunyi: World) -> None:
    """ZY-93: a budget line above the estimate pays no more than the estimate."""
    project = approved_project(zunyi)
    applied(zunyi, project)
    signed = contract(zunyi, project)
    zunyi.do("funding.verify_progress", as_=BUREAU, on=SIGNED, contract=signed, percent="100", basis="合成核查")
    line = planned(zunyi, project)

    fault = zunyi.refused(
        "funding.payment_not_due",
        "funding.pay",
        as_=FINANCE,
        on=SIGNED,
        plan_line=line,
        contract=signed,
        amount="60000.01",
    )

    assert ("over_estimate", "ZY-93") in [(detail.field, detail.rule) for detail in fault.details]


def test_a_dedicated_account_is_sealed_and_belongs_to_one_project(zunyi: World) -> None:
    """ZY-92."""
    project, other = approved_project(zunyi, id="prj-one"), approved_project(zunyi, id="prj-two")
    signed = contract(zunyi, project)
    call: dict[str, Any] = {"as_": PURCHASER, "on": SIGNED, "bank": "合成银行", "number": "合成账号0001"}

    zunyi.do("funding.register_account", **call, contract=signed)
    with Session(zunyi.services.engine) as session:
        session.connection(execution_options={"writing": True})
        session.get_one(Contract, signed).project_id = other
        session.commit()
    zunyi.refused("ZY-92", "funding.register_account", **call | {"number": "合成账号 0001"}, contract=signed)

    with Session(zunyi.services.engine) as session:
        assert "0001" not in session.exec(select(ProjectAccount)).one().number_sealed


def test_what_fengze_keeps_for_basic_aid_is_not_taken(tmp_path: Path) -> None:
    """FZ-49, FZ-44: neither the aid's own money nor the part of a channel the book keeps for it."""
    world = open_world(tmp_path, region="350503")
    project = approved_project(world)
    call: dict[str, Any] = {"as_": FINANCE, "on": SPRING, "project": project, "year": 2025}
    kept = {
        "year": 2025,
        "channel": "local_budget",
        "total": "100000.00",
        "basic_living": "60000.00",
        "special": "0.00",
    }
    row: dict[str, Any] = {"as_": COUNTY, "on": SPRING, "book": "set_aside", "unit": "350503"}

    world.do("book.add_row", **row, fields=kept)
    world.refused("FZ-49", "funding.register_budget", **call, channel="basic_living_aid", amount="1")
    world.refused("FZ-44", "funding.register_budget", **call, channel="pocket", amount="1")
    world.refused("FZ-49", "funding.register_budget", **call, channel="local_budget", amount="40000.01")
    world.do("funding.register_budget", **call, channel="local_budget", amount="40000.00")
    world.refused(
        "FZ-49",
        "funding.register_allotment",
        as_=FINANCE,
        on=SPRING,
        year=2025,
        channel="local_budget",
        amount="0.01",
        doc_no="合成1号",
        purpose="合成",
    )
    lottery = world.do("funding.register_budget", **call, channel="lottery_welfare_fund", amount="5.00")

    assert lottery.remaining.fen == 500
    with Session(world.services.engine) as session:
        assert {row.channel for row in session.exec(select(Posting))} == {"local_budget", "lottery_welfare_fund"}


@pytest.mark.parametrize("channel", ["donation", "community_fund", "in_kind"])
def test_social_support_in_fengze_is_a_donation_a_fund_or_voluntary_work(channel: str) -> None:
    """FZ-48, FZ-47: each is a channel of its own."""
    fengze = load_policy_book().resolve(region="350503", on=SPRING)

    check_channel(channel=channel, note="", policy=fengze)
    check_channel(channel="lottery_welfare_fund", note="", policy=fengze)
    with pytest.raises(Refusal) as caught:
        check_channel(channel="enterprise_self", note="", policy=fengze)
    assert caught.value.rule == "FZ-44"


def test_a_district_of_beijing_budgets_each_year_and_donations_are_a_source_apart(tmp_path: Path) -> None:
    """BJ-53, BJ-54."""
    world = open_world(tmp_path, region="110000")
    district = {"code": "syn-d1", "name": "合成区", "level": "county", "parent": "110000"}
    world.do("unit.register", as_=BUREAU, on=SPRING, units=[district])
    paper = world.upload("合成批复".encode(), name="合成批复.txt", media_type="text/plain").model_dump()
    record: dict[str, Any] = {"as_": FINANCE, "on": SPRING, "duty": "purchase_budget", "unit": "syn-d1"}

    world.do("duty.open_due", as_="system:scheduler", on=SPRING)
    world.refused("BJ-53", "duty.record", **record, period="2025", held_on="2025-04-01")
    world.do("duty.record", **record, period="2025", held_on="2025-04-01", report=paper)
    world.do(
        "funding.register_donation",
        as_=BUREAU,
        on=SPRING,
        donor={"kind": "organisation", "name": "合成爱心企业"},
        charity={"name": "合成慈善基金会", "uscc": "53420200MJ0000000J"},
        amount="1.00",
        purpose="合成助老",
        consent=paper,
        year=2025,
    )

    (channel,) = world.ask("funding.balances", year=2025).channels
    assert (channel.channel, channel.accounts["allotted"].fen) == ("donation", 100)


def test_nothing_is_granted_after_finance_found_content_or_standard_wanting(tmp_path: Path) -> None:
    """HS-22, HS-26: the last word of finance counts."""
    world = open_world(tmp_path)
    project = approved_project(world)
    budget: dict[str, Any] = {"as_": FINANCE, "on": DAY, "project": project, "year": 2016, "channel": "local_budget"}
    review: dict[str, Any] = {"as_": FINANCE, "on": DAY, "project": project, "opinion": "合成审查意见"}

    bad = world.do("funding.review_request", **review, content=True, standard=False)
    world.refused("HS-22", "funding.register_budget", **budget, amount="10")
    good = world.do("funding.review_request", **review, content=True, standard=True)
    world.do("funding.register_budget", **budget, amount="10")

    assert (bad.positive, good.positive) == (False, True)


def test_lottery_and_community_funds_are_reported_apart_in_anhui(tmp_path: Path) -> None:
    """AH-20, AH-27: allowed sources, each with accounts of its own."""
    world = open_world(tmp_path, region="340000")
    for number, channel in enumerate(("lottery_welfare_fund", "community_fund"), start=1):
        world.do(
            "funding.register_allotment",
            as_=FINANCE,
            on=SPRING,
            year=2025,
            channel=channel,
            amount=str(number),
            doc_no=f"合成{number}号",
            purpose="合成",
        )

    balances = world.ask("funding.balances", year=2025)

    assert [(one.channel, one.accounts["allotted"].fen) for one in balances.channels] == [
        ("community_fund", 200),
        ("lottery_welfare_fund", 100),
    ]
