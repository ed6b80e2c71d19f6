"""Rules of the three lists: each gate once holding, once refusing, in the region whose rule it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.lists import (
    ProjectDraft,
    ResourceDraft,
    ServiceDraft,
    Share,
    check_lists_there,
    check_project,
    check_resource,
    check_service,
    check_service_list,
)

_BOOK = load_policy_book()
ON = date(2025, 3, 3)
ZUNYI, FENGZE, ANHUI, HUANGSHI = (
    _BOOK.resolve(region=region, on=ON) for region in ("520300", "350503", "340000", "420200")
)

SERVICE = ServiceDraft(
    service_class="LIVING",
    item="meal",
    other_reason="",
    targets=("DIBAO",),
    standard="每日一餐",
    supplier="合成助餐点",
    funding=Money.yuan("1000"),
    service_years=1,
    payer_class="GOVERNMENT_PAID",
    government_share=False,
    channel="government_paid",
    beyond_basic=False,
    covered_by_material=False,
    overlaps=dict.fromkeys(ZUNYI.needs.overlap_policies, False),
)
GIFT = replace(SERVICE, payer_class="SOCIAL_LED")


def refused(code: str, rule: str, draft: ServiceDraft, policy: Policy) -> None:
    with pytest.raises(Refusal) as caught:
        check_service(draft=draft, policy=policy)
    assert (caught.value.code, caught.value.rule) == (code, rule)


def test_a_complete_row_stands_in_every_region() -> None:
    for policy in (ZUNYI, FENGZE, ANHUI, HUANGSHI):
        assert check_service(draft=SERVICE, policy=policy) == ()


@pytest.mark.parametrize(
    "blank", [{"standard": " "}, {"supplier": ""}, {"funding": None}, {"service_years": None}, {"targets": ()}]
)
def test_zunyi_wants_all_six_columns(blank: dict[str, Any]) -> None:
    refused("lists.columns_missing", "ZY-48", replace(SERVICE, **blank), ZUNYI)


def test_fengze_wants_four_columns_and_leaves_money_and_years_open() -> None:
    refused("lists.columns_missing", "FZ-25", replace(SERVICE, standard=""), FENGZE)
    assert check_service(draft=replace(SERVICE, funding=None, service_years=None), policy=FENGZE) == ()


def test_who_pays_must_be_said() -> None:
    refused("lists.payer_class_unknown", "ZY-53", replace(SERVICE, payer_class=""), ZUNYI)
    refused("lists.payer_class_unknown", "FZ-26", replace(SERVICE, payer_class="BOTH"), FENGZE)


@pytest.mark.parametrize(
    ("service_class", "item", "zunyi", "fengze"),
    [("CARE", "meal", "ZY-50", "FZ-09"), ("LIVING", "visit", "ZY-51", "FZ-10"), ("SUPPORT", "rehab", "ZY-52", "FZ-11")],
)
def test_an_item_belongs_to_its_class(service_class: str, item: str, zunyi: str, fengze: str) -> None:
    draft = replace(SERVICE, service_class=service_class, item=item)
    refused("lists.item_unknown", zunyi, draft, ZUNYI)
    refused("lists.item_unknown", fengze, draft, FENGZE)


def test_an_other_item_needs_a_reason_and_leaves_a_warning() -> None:
    refused("lists.other_without_reason", "ZY-51", replace(SERVICE, item="OTHER"), ZUNYI)
    assert len(check_service(draft=replace(SERVICE, item="OTHER", other_reason="理发"), policy=ZUNYI)) == 1


def test_unknown_targets_channels_and_policies_are_refused() -> None:
    refused("lists.code_unknown", "FZ-03", replace(SERVICE, targets=("NOBODY",)), FENGZE)
    refused("lists.code_unknown", "ZY-01", replace(SERVICE, channel="lottery"), ZUNYI)
    refused("lists.code_unknown", "ZY-08", replace(SERVICE, overlaps={"x": True}), ZUNYI)


def test_government_money_buys_nothing_beyond_basic_need() -> None:
    luxury = {"beyond_basic": True}
    refused("lists.beyond_basic", "ZY-06", replace(SERVICE, **luxury), ZUNYI)  # type: ignore[arg-type]
    refused("lists.beyond_basic", "FZ-28", replace(SERVICE, **luxury), FENGZE)  # type: ignore[arg-type]
    refused("lists.beyond_basic", "ZY-06", replace(GIFT, beyond_basic=True, government_share=True), ZUNYI)
    assert check_service(draft=replace(GIFT, beyond_basic=True), policy=ZUNYI) == ()


def test_government_money_repeats_no_material_aid() -> None:
    refused("lists.covered_by_material", "ZY-03", replace(SERVICE, covered_by_material=True), ZUNYI)
    refused("lists.covered_by_material", "FZ-05", replace(SERVICE, covered_by_material=True), FENGZE)
    assert check_service(draft=replace(GIFT, covered_by_material=True), policy=FENGZE) == ()


def test_government_money_is_checked_against_each_existing_policy() -> None:
    part = dict(list(SERVICE.overlaps.items())[:6])
    refused("lists.overlap_unanswered", "ZY-08", replace(SERVICE, overlaps=part), ZUNYI)
    refused("lists.overlap_unanswered", "FZ-30", replace(SERVICE, overlaps={}), FENGZE)
    assert check_service(draft=replace(GIFT, overlaps={}), policy=ZUNYI) == ()


def test_the_list_names_its_charity_and_its_fiscal_capacity() -> None:
    call: dict[str, Any] = {"rows": 2, "government_rows": 1, "co_drafters": ("合成慈善总会",), "fiscal_capacity": True}
    for policy in (ZUNYI, FENGZE):
        check_service_list(**call, policy=policy)
    for change, policy, rule in (
        ({"co_drafters": ()}, ZUNYI, "ZY-49"),
        ({"fiscal_capacity": None}, ZUNYI, "ZY-05"),
        ({"fiscal_capacity": False}, FENGZE, "FZ-27"),
        ({"rows": 0}, ZUNYI, "SYS-LIST-EMPTY"),
    ):
        with pytest.raises(Refusal) as caught:
            check_service_list(**(call | change), policy=policy)  # type: ignore[operator]
        assert caught.value.rule == rule
    check_service_list(**(call | {"government_rows": 0, "fiscal_capacity": None}), policy=ZUNYI)


def test_a_resource_is_of_a_listed_kind_or_an_explained_other() -> None:
    draft = ResourceDraft(kind="volunteer", other_reason="", source="social", items=("meal",), areas=("350503",))
    assert check_resource(draft=draft, policy=FENGZE) == ()
    assert len(check_resource(draft=replace(draft, kind="OTHER", other_reason="企业食堂"), policy=FENGZE)) == 1
    for change, code in (({"kind": "x"}, "lists.code_unknown"), ({"kind": "OTHER"}, "lists.other_without_reason")):
        with pytest.raises(Refusal) as caught:
            check_resource(draft=replace(draft, **change), policy=FENGZE)
        assert (caught.value.code, caught.value.rule) == (code, "FZ-23")


PROJECT = ProjectDraft(
    surveys=("sur-1",),
    services=("s-1",),
    resources=("r-1",),
    payer_class="GOVERNMENT_PAID",
    shares=(
        Share("local_budget", "合成财政局", Money.yuan("700")),
        Share("donation", "合成慈善总会", Money.yuan("300")),
    ),
    total=Money.yuan("1000"),
    design=dict.fromkeys(ZUNYI.library.design_items, "已明确"),
    plan_alignment="合成五年规划",
    responsible_unit="合成民政局",
    domain="elderly_care",
    other_reason="",
    catalogue_code="合成-01",
    participation=dict.fromkeys(("needs", "design", "supervision"), "居民议事会"),
)


def test_a_complete_project_row_stands_in_every_region() -> None:
    for policy in (ZUNYI, FENGZE, ANHUI, HUANGSHI):
        assert check_project(draft=PROJECT, policy=policy) == ()


@pytest.mark.parametrize(
    ("change", "policy", "code", "rule"),
    [
        ({"design": {}}, ZUNYI, "lists.design_missing", "ZY-04"),
        ({"plan_alignment": ""}, ZUNYI, "lists.alignment_missing", "ZY-45"),
        ({"services": ()}, ZUNYI, "lists.links_missing", "ZY-60"),
        ({"resources": ()}, ANHUI, "lists.links_missing", "AH-12"),
        ({"catalogue_code": ""}, ANHUI, "lists.links_missing", "AH-03"),
        ({"surveys": ()}, ANHUI, "lists.links_missing", "AH-12"),
        ({"responsible_unit": ""}, FENGZE, "lists.responsible_missing", "FZ-04"),
        ({"participation": {"needs": "问卷"}}, ANHUI, "lists.participation_missing", "AH-04"),
        ({"domain": "roads"}, ANHUI, "lists.code_unknown", "AH-01"),
        ({"domain": "OTHER"}, ANHUI, "lists.other_without_reason", "AH-01"),
        ({"priority_service": "roads"}, ANHUI, "lists.code_unknown", "AH-02"),
        ({"total": Money.yuan("999")}, ZUNYI, "lists.shares_differ", "ZY-10"),
        ({"shares": PROJECT.shares[:1] * 2, "total": Money.yuan("1400")}, ZUNYI, "lists.shares_differ", "ZY-10"),
        ({"shares": (Share("gold", "合成", Money.yuan("1000")),)}, ZUNYI, "lists.code_unknown", "ZY-46"),
        ({"payer_class": "BOTH"}, FENGZE, "lists.code_unknown", "FZ-26"),
        ({"shares": PROJECT.shares[1:], "total": Money.yuan("300")}, ZUNYI, "lists.payer_split", "ZY-53"),
    ],
)
def test_a_project_row_that_leaves_something_out_is_refused(
    change: dict[str, Any], policy: Policy, code: str, rule: str
) -> None:
    with pytest.raises(Refusal) as caught:
        check_project(draft=replace(PROJECT, **change), policy=policy)
    assert (caught.value.code, caught.value.rule) == (code, rule)


def test_what_another_region_asks_for_does_not_block_here() -> None:
    bare = replace(PROJECT, design={}, plan_alignment="", responsible_unit="", catalogue_code="", participation={})
    assert check_project(draft=bare, policy=HUANGSHI) == ()


def test_a_project_row_may_name_what_is_bought_first() -> None:
    assert check_project(draft=replace(PROJECT, priority_service="visit_counselling"), policy=ANHUI) == ()


def test_an_other_domain_with_its_reason_leaves_a_warning() -> None:
    assert len(check_project(draft=replace(PROJECT, domain="OTHER", other_reason="合成原因"), policy=ANHUI)) == 1


def test_anhui_surveys_needs_and_resources_before_the_project_list() -> None:
    check_lists_there(published=("resource",), surveys=1, policy=ANHUI)
    check_lists_there(published=(), surveys=0, policy=ZUNYI)
    for published, surveys in (((), 1), (("resource",), 0)):
        with pytest.raises(Refusal) as caught:
            check_lists_there(published=published, surveys=surveys, policy=ANHUI)
        assert caught.value.rule == "AH-11"
