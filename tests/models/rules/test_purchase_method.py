"""Method by region, level, object and date; splitting of a budget item, and purchases spread over several."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.loader import load_packs
from models.policy.resolver import PolicyBook, load_policy_book
from models.policy.schema import Policy
from models.rules.purchase_method import MethodCase, choose_method, tender_threshold

_CONFIRMED = """
procurement.open_tender_table:
  - value: {city.service: 4000000}
    unit: amounts
    meaning: 公开招标数额标准(合成)
    status: enacted
    evidence: L
    citation: {title: 合成目录及标准, number: null, article: null}
    effective: {from: 2025-04-01, to: null}
"""
TABLE = {"city.service": Money.yuan(4_000_000), "county.service": Money.yuan(2_000_000), "city.goods": Money.yuan(1)}


def policy(region: str = "420200", *, on: date = date(2016, 4, 1), **leaves: Any) -> Policy:
    """Return the policy of a region; ``leaves`` stand for amounts a province would state (合成)."""
    found = load_policy_book().resolve(region=region, on=on)
    return replace(found, procurement=replace(found.procurement, **leaves))


def case(yuan: int, **changes: Any) -> MethodCase:
    given: dict[str, Any] = {"method": "competitive_negotiation", "reason": "合成理由", "amount": Money.yuan(yuan)}
    return MethodCase(**(given | changes))


def refused(policy: Policy, case: MethodCase) -> Refusal:
    with pytest.raises(Refusal) as caught:
        choose_method(case=case, policy=policy)
    assert caught.value.way_out
    return caught.value


@pytest.mark.parametrize(
    ("level", "object_", "expected"),
    [
        ("city", "service", 4_000_000),
        ("county", "service", 2_000_000),
        ("city", "goods", 1),
        ("township", "service", 500_000),  # no row of its own: the one amount of the region's services
        ("county", "goods", None),  # never borrowed from another level or object
    ],
)
def test_the_threshold_is_that_of_level_and_object(level: str, object_: str, expected: int | None) -> None:
    found = tender_threshold(policy=policy(open_tender_table=TABLE), level=level, object=object_)

    assert found == (None if expected is None else Money.yuan(expected))


def test_the_centres_amount_holds_for_no_local_purchase() -> None:
    """It has a date, and stands for the nation's own purchases alone."""
    now = policy("520300", on=date(2025, 3, 3))

    assert tender_threshold(policy=now, level="nation", object="service") == Money.yuan(2_000_000)
    assert tender_threshold(policy=now, level="city", object="service") is None
    assert tender_threshold(policy=policy("520300", on=date(2019, 1, 2)), level="nation", object="service") is None


def test_where_no_amount_is_stated_the_warning_names_what_is_confirmed_by_whom_and_where_it_is_entered() -> None:
    (warning,) = choose_method(case=case(9_000_000, level="county"), policy=policy("520300"))

    for named in (
        "服务的公开招标数额标准",
        "同级财政部门",
        "市民政局",
        "procurement.open_tender_table(county.service)",
        "单一来源",
    ):
        assert named in warning
    assert choose_method(case=case(400_000), policy=policy()) == ()


def test_an_amount_the_office_confirmed_and_entered_as_policy_data_holds_from_its_day(tmp_path: Path) -> None:
    """The office's own value is a dated leaf of its pack; "以上" holds the amount itself, unlike Huangshi's text."""
    root = Path(str(resources.files("models.policy") / "regions"))
    shutil.copytree(root, tmp_path / "regions")
    with (tmp_path / "regions" / "520300" / "procurement.yaml").open("a", encoding="utf-8") as pack:
        pack.write(_CONFIRMED)
    book = PolicyBook(load_packs(tmp_path / "regions"))
    before, now = (book.resolve(region="520300", on=date(2025, month, 1)) for month in (3, 4))
    bought = case(4_000_000, level="city")

    assert refused(now, bought).rule == "LAW-ZFCG-27"
    assert choose_method(case=replace(bought, amount=Money(399_999_999)), policy=now) == ()
    assert len(choose_method(case=bought, policy=before)) == 1


def test_a_budget_item_is_not_split_but_an_exempted_purchase_is_none() -> None:
    split = case(300_000, earlier=Money.yuan(200_001))

    assert refused(policy(), split).code == "procurement.split"
    assert refused(policy(), split).rule == "LAW-ZFCGTL-28"
    assert choose_method(case=case(300_000, earlier=Money.yuan(200_000)), policy=policy()) == ()
    assert choose_method(case=replace(split, exempted=True), policy=policy()) == ()


def test_the_same_kind_spread_over_budget_items_is_warned_of_not_refused() -> None:
    spread = case(300_000, elsewhere=Money.yuan(200_001))

    assert "200,001.00" in choose_method(case=spread, policy=policy())[0]


def test_an_approval_beforehand_lifts_the_tender_of_a_large_purchase() -> None:
    large = case(500_001)

    assert refused(policy(), large).rule == "HS-14"
    assert choose_method(case=replace(large, exempted=True), policy=policy()) == ()


def test_beijing_takes_a_statutory_method_in_the_catalogue_and_above_the_floor() -> None:
    """BJ-31; below the floor and outside the catalogue other ways stand; elsewhere the rule does not bind."""
    floor = {"purchase_floor_table": {"county.service": Money.yuan(1_000_000)}}
    beijing = policy("110000", on=date(2019, 4, 1), **floor)
    other = case(1_000_000, method="OTHER", level="county")

    assert refused(beijing, other).rule == "BJ-31"
    assert refused(beijing, replace(other, amount=Money(1), in_catalogue=True)).code == "procurement.method_informal"
    assert choose_method(case=replace(other, method="competitive_consultation"), policy=beijing)
    assert choose_method(case=replace(other, amount=Money.yuan(999_999)), policy=beijing)
    assert choose_method(case=other, policy=policy("340000", on=date(2019, 4, 1), **floor))
