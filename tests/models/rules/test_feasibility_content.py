"""Purchase content: codes by region, tasks of the government, money that may not buy it, who mainly buys what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.feasibility_content import ContentItem, check_content

BOOK = load_policy_book()
BEIJING = BOOK.resolve(region="110000", on=date(2019, 3, 1))
ANHUI = BOOK.resolve(region="340000", on=date(2025, 3, 1))
ZUNYI = BOOK.resolve(region="520300", on=date(2025, 3, 1))
FENGZE = BOOK.resolve(region="350503", on=date(2025, 3, 1))
HUANGSHI = BOOK.resolve(region="420200", on=date(2016, 3, 1))

STANDARD = "每户每月至少一次(合成)"
SURVEY = ContentItem("means_survey", "家计调查(合成)", False, item_class="ADMINISTRATIVE", standard=STANDARD)
CASES = ContentItem("case_work", "个案帮扶(合成)", False, item_class="SERVICE", standard=STANDARD)
DOMAIN = next(iter(ANHUI.lists.purchase_domains or {}))
VISITS = ContentItem("visit", "探访(合成)", False, item_class="public_service", domain=DOMAIN)
BASIC = ContentItem("counselling", "心理疏导(合成)", False)


def _rules(item: ContentItem, policy: Policy, payer: str = "government") -> list[str | None]:
    with pytest.raises(Refusal) as caught:
        check_content(items=(item,), policy=policy, payer=payer)
    assert caught.value.code == "feasibility.content_refused"
    return [detail.rule for detail in caught.value.details]


def test_beijing_buys_the_items_it_lists() -> None:
    """BJ-10, BJ-11; the class may be left to the code."""
    assert check_content(items=(SURVEY, CASES, replace(CASES, item_class="")), policy=BEIJING) == ()


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        (replace(SURVEY, code="catering"), "BJ-10"),
        (replace(CASES, code="catering"), "BJ-11"),
        (replace(CASES, item_class="ADMINISTRATIVE"), "BJ-10"),
        (replace(SURVEY, item_class="SERVICE"), "BJ-11"),
    ],
)
def test_beijing_refuses_a_code_outside_its_class(item: ContentItem, rule: str) -> None:
    assert _rules(item, BEIJING) == [rule]


def test_an_item_outside_the_list_needs_its_class_and_a_reason_and_is_warned_of() -> None:
    other = replace(CASES, code="OTHER", reason="居民会议提出(合成)")

    (warning,) = check_content(items=(other,), policy=BEIJING)

    assert "居民会议提出" in warning
    assert _rules(replace(other, reason=" "), BEIJING) == ["BJ-11"]
    assert _rules(replace(other, item_class=""), BEIJING) == ["BJ-10"]


def test_beijing_asks_for_a_standard_the_service_can_be_checked_by() -> None:
    """BJ-25, named together with whatever else is wrong."""
    assert _rules(replace(CASES, standard=" "), BEIJING) == ["BJ-25"]
    assert _rules(replace(CASES, code="catering", standard=""), BEIJING) == ["BJ-11", "BJ-25"]


@pytest.mark.parametrize(
    ("code", "duty", "rule"),
    [
        ("approve_benefits", "", "BJ-12"),
        ("case_work", "supervision", "BJ-12"),
        ("government_direct", "", "BJ-13"),
        ("case_work", "government_direct", "BJ-13"),
    ],
)
def test_beijing_buys_neither_administration_nor_what_the_government_must_provide(
    code: str, duty: str, rule: str
) -> None:
    item = replace(CASES, code=code, is_duty=bool(duty), duty_code=duty)
    with pytest.raises(Refusal) as caught:
        check_content(items=(CASES, item), policy=BEIJING)

    assert (caught.value.code, caught.value.rule) == ("feasibility.government_duty", rule)
    assert len(caught.value.details) == 1


def test_anhui_sorts_every_item_into_one_of_its_domains() -> None:
    """AH-01."""
    assert check_content(items=(VISITS,), policy=ANHUI) == ()
    assert _rules(replace(VISITS, domain=""), ANHUI) == ["AH-01"]
    assert _rules(replace(VISITS, domain="space_travel"), ANHUI) == ["AH-01"]


@pytest.mark.parametrize(
    ("level", "usual", "unusual", "rule"),
    [
        ("province", "sector_management", "public_service", "AH-08"),
        ("city", "auxiliary_service", "grassroots_governance", "AH-08"),
        ("county", "public_service", "auxiliary_service", "AH-09"),
        ("township", "grassroots_governance", "sector_management", "AH-09"),
    ],
)
def test_anhui_warns_of_items_another_level_mainly_buys(level: str, usual: str, unusual: str, rule: str) -> None:
    """AH-08, AH-09: soft wording, so a warning and never a refusal."""
    assert check_content(items=(replace(VISITS, item_class=usual),), policy=ANHUI, level=level) == ()

    (warning,) = check_content(items=(replace(VISITS, item_class=unusual),), policy=ANHUI, level=level)

    assert rule in warning
    assert check_content(items=(replace(VISITS, item_class=unusual),), policy=ZUNYI, level=level) == ()


@pytest.mark.parametrize(
    ("policy", "beyond", "covered"), [(ZUNYI, "ZY-06", "ZY-03"), (FENGZE, "FZ-28", "FZ-05")], ids=["ZY", "FZ"]
)
def test_government_money_buys_neither_luxury_nor_what_material_aid_covers(
    policy: Policy, beyond: str, covered: str
) -> None:
    luxury, doubled = replace(BASIC, beyond_basic=True), replace(BASIC, covered_by_material=True)

    assert _rules(luxury, policy) == [beyond]
    assert _rules(doubled, policy, "joint") == [covered]
    assert check_content(items=(BASIC,), policy=policy, payer="government") == ()
    assert check_content(items=(luxury, doubled), policy=policy, payer="enterprise") == ()


def test_what_one_region_asks_binds_in_no_other() -> None:
    assert check_content(items=(BASIC, replace(BASIC, code="OTHER")), policy=HUANGSHI, payer="government") == ()
