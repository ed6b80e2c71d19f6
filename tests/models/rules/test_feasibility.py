"""Rules of feasibility: each gate once held and once violated, and only where it binds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.feasibility import (
    Appraisal,
    Finding,
    Prepared,
    appraise,
    check_benchmark,
    check_costing,
    check_guidance,
    check_prepared,
    check_requirement,
)
from models.rules.feasibility_content import ContentItem, check_content

BOOK = load_policy_book()
HUANGSHI = BOOK.resolve(region="420200", on=date(2016, 3, 1))
ZUNYI = BOOK.resolve(region="520300", on=date(2025, 3, 1))
REQUIREMENT = {
    "time": "每周",
    "content": "心理疏导",
    "form": "个案",
    "unit_qualification": "社会组织",
    "staff_qualification": "社工",
    "expected_effect": "改善",
    "steps": "三步",
}
INPUTS = {"price": Money.yuan("10.00"), "wage": Money.yuan("20.00"), "tax_fee": Money.yuan("3.01")}
YES, NO = Finding(True, "有据"), Finding(False, "无据")
FINDINGS = dict.fromkeys(("necessity", "feasibility", "public_benefit", "funding_reliability"), YES)
ASSESSMENTS = {"fiscal_capacity": "可承受", "funding_balance_plan": "平衡", "major_risk": "无"}
READY = Prepared(benchmark=True, requirement=True, content_review=True, cost_estimate=True)


def _cost(
    *,
    inputs: Mapping[str, Money] = INPUTS,
    comparators: int = 1,
    consulted: tuple[str, ...] = ("price_dept", "statistics_dept"),
    total: str = "33.01",
    policy: Policy = HUANGSHI,
) -> None:
    check_costing(inputs=inputs, comparators=comparators, consulted=consulted, total=Money.yuan(total), policy=policy)


def _appraise(
    *,
    findings: Mapping[str, Finding] = FINDINGS,
    fiscal_capacity: Finding | None = YES,
    assessments: Mapping[str, str] = ASSESSMENTS,
    major: bool = False,
    stability: str = "",
    payer: str = "government",
    policy: Policy = ZUNYI,
) -> Appraisal:
    return appraise(
        findings=findings,
        fiscal_capacity=fiscal_capacity,
        assessments=assessments,
        major=major,
        stability=stability,
        payer=payer,
        amount=Money.yuan("680000.00"),
        policy=policy,
    )


def test_benchmark_needs_a_place_and_notes() -> None:
    check_benchmark(places=("甲市",), notes="学到的做法", policy=HUANGSHI)
    for places, notes in (((), "学到"), ((" ",), "学到"), (("甲市",), " ")):
        with pytest.raises(Refusal) as caught:
            check_benchmark(places=places, notes=notes, policy=HUANGSHI)
        assert caught.value.rule == "HS-02"


def test_requirement_with_seven_items_holds() -> None:
    check_requirement(items=REQUIREMENT, policy=HUANGSHI)


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ("time", "HS-08"),
        ("content", "HS-08"),
        ("form", "HS-08"),
        ("unit_qualification", "HS-08"),
        ("staff_qualification", "HS-08"),
        ("expected_effect", "HS-09"),
        ("steps", "HS-09"),
    ],
)
def test_requirement_without_an_item_is_refused(item: str, rule: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_requirement(items={**REQUIREMENT, item: " "}, policy=HUANGSHI)

    assert caught.value.rule == rule
    assert len(caught.value.details) == 1


def test_requirement_items_are_huangshis_practice_only() -> None:
    check_requirement(items={}, policy=ZUNYI)


def test_content_without_government_duties_holds() -> None:
    check_content(items=(ContentItem("counselling", "心理疏导", False),), policy=HUANGSHI)


@pytest.mark.parametrize(
    "item",
    [ContentItem("approve_benefits", "低保审批", False), ContentItem("paperwork", "低保材料审核", True)],
)
def test_government_duty_is_refused_by_code_and_by_finding(item: ContentItem) -> None:
    with pytest.raises(Refusal) as caught:
        check_content(items=(ContentItem("counselling", "心理疏导", False), item), policy=HUANGSHI)

    assert caught.value.rule == "HS-12"
    assert [detail.field for detail in caught.value.details] == [item.name]


def test_government_duty_is_refused_everywhere() -> None:
    with pytest.raises(Refusal) as caught:
        check_content(items=(ContentItem("supervision", "监督", False),), policy=ZUNYI)

    assert caught.value.rule == "SYS-GOVERNMENT-DUTY"


def test_staff_hiring_may_not_be_bought_since_order_102() -> None:
    item = (ContentItem("staff_hiring", "劳务派遣", False),)

    check_content(items=item, policy=HUANGSHI)
    with pytest.raises(Refusal):
        check_content(items=item, policy=BOOK.resolve(region="420200", on=date(2020, 3, 1)))


def test_review_of_nothing_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        check_content(items=(), policy=HUANGSHI)

    assert caught.value.code == "feasibility.content_empty"


def test_complete_costing_holds() -> None:
    _cost()


def test_costing_without_comparator_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        _cost(comparators=0)

    assert caught.value.rule == "HS-23"


@pytest.mark.parametrize("consulted", [(), ("price_dept",), ("statistics_dept",)])
def test_costing_without_both_departments_is_refused(consulted: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as caught:
        _cost(consulted=consulted)

    assert caught.value.rule == "HS-24"


def test_costing_without_an_input_is_refused() -> None:
    inputs = {"price": Money.yuan("10.00"), "wage": Money.yuan("23.01")}

    with pytest.raises(Refusal) as caught:
        _cost(inputs=inputs)

    assert (caught.value.rule, caught.value.details[0].field) == ("HS-25", "税费")


def test_costing_one_fen_off_is_refused_everywhere() -> None:
    for policy, rule in ((HUANGSHI, "HS-25"), (ZUNYI, "SYS-TOTAL")):
        with pytest.raises(Refusal) as caught:
            _cost(total="33.00", policy=policy)
        assert caught.value.rule == rule


def test_negative_input_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        _cost(inputs={**INPUTS, "price": Money.yuan("-1.00")}, total="22.01")

    assert caught.value.code == "feasibility.cost_input_invalid"


def test_costing_practice_of_huangshi_does_not_bind_zunyi() -> None:
    _cost(inputs={"wage": Money.yuan("33.01")}, comparators=0, consulted=(), policy=ZUNYI)


def test_four_positive_findings_make_a_candidate() -> None:
    assert _appraise() == Appraisal(outcome="positive", grounds=(), major=False)


@pytest.mark.parametrize("code", list(FINDINGS))
def test_one_negative_finding_sends_the_project_back(code: str) -> None:
    concluded = _appraise(findings={**FINDINGS, code: NO})

    assert (concluded.outcome, concluded.grounds) == ("negative", (code,))


@pytest.mark.parametrize("code", list(FINDINGS))
def test_missing_finding_is_refused(code: str) -> None:
    findings = {name: finding for name, finding in FINDINGS.items() if name != code}

    with pytest.raises(Refusal) as caught:
        _appraise(findings=findings)

    assert caught.value.rule == "ZY-63"


def test_unknown_finding_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        _appraise(findings={**FINDINGS, "popularity": YES})

    assert caught.value.code == "feasibility.finding_unknown"


def test_negative_fiscal_capacity_sends_a_government_paid_project_back() -> None:
    assert _appraise(fiscal_capacity=NO).grounds == ("fiscal_capacity",)
    assert _appraise(fiscal_capacity=NO, payer="enterprise").outcome == "positive"


def test_government_paid_project_needs_a_fiscal_capacity_conclusion() -> None:
    with pytest.raises(Refusal) as caught:
        _appraise(fiscal_capacity=None)

    assert caught.value.rule == "ZY-05"


@pytest.mark.parametrize("code", list(ASSESSMENTS))
def test_missing_assessment_is_refused(code: str) -> None:
    with pytest.raises(Refusal) as caught:
        _appraise(assessments={**ASSESSMENTS, code: ""})

    assert caught.value.rule == "ZY-64"


def test_major_project_needs_a_stability_assessment() -> None:
    assert _appraise(major=True, stability="风险低").major
    with pytest.raises(Refusal) as caught:
        _appraise(major=True)
    assert caught.value.rule == "ZY-65"


def test_zunyis_attachments_do_not_bind_huangshi() -> None:
    assert _appraise(fiscal_capacity=None, assessments={}, major=True, policy=HUANGSHI).outcome == "positive"


def test_preparation_on_file_holds() -> None:
    check_prepared(prepared=READY, policy=HUANGSHI)


@pytest.mark.parametrize(
    ("step", "rule"),
    [("benchmark", "HS-02"), ("requirement", "HS-08"), ("content_review", "HS-12"), ("cost_estimate", "HS-23")],
)
def test_missing_preparation_is_refused_in_huangshi_only(step: str, rule: str) -> None:
    changes: dict[str, bool] = {step: False}
    prepared = replace(READY, **changes)

    check_prepared(prepared=prepared, policy=ZUNYI)
    with pytest.raises(Refusal) as caught:
        check_prepared(prepared=prepared, policy=HUANGSHI)
    assert caught.value.rule == rule


def test_expert_guidance_names_the_unit_and_what_was_said() -> None:
    """HS-11."""
    check_guidance(guided_by=("合成大学社工系",), guidance="建议分三阶段实施。", policy=HUANGSHI)
    check_guidance(guided_by=(), guidance="", policy=HUANGSHI)


@pytest.mark.parametrize(("guided_by", "guidance"), [(("合成大学社工系",), " "), ((), "建议分三阶段实施。")])
def test_half_told_expert_guidance_is_refused(guided_by: tuple[str, ...], guidance: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_guidance(guided_by=guided_by, guidance=guidance, policy=HUANGSHI)

    assert (caught.value.code, caught.value.rule) == ("feasibility.guidance_incomplete", "HS-11")


def test_fengze_asks_for_the_fiscal_capacity_of_what_the_government_pays() -> None:
    """FZ-27."""
    fengze = BOOK.resolve(region="350503", on=date(2025, 3, 1))
    call = {"findings": FINDINGS, "assessments": ASSESSMENTS, "major": False, "stability": ""}
    with pytest.raises(Refusal) as caught:
        appraise(**call, fiscal_capacity=None, payer="government", amount=Money.yuan("1.00"), policy=fengze)  # type: ignore[arg-type]

    assert caught.value.rule == "FZ-27"
    held = appraise(**call, fiscal_capacity=YES, payer="government", amount=Money.yuan("1.00"), policy=fengze)  # type: ignore[arg-type]
    assert held.outcome == "positive"


def test_fengze_works_the_money_out_before_any_budget() -> None:
    """FZ-45: without a costing there is no candidate, and only what is approved later gets a budget."""
    fengze = BOOK.resolve(region="350503", on=date(2025, 3, 1))
    bare = Prepared(benchmark=False, requirement=False, content_review=False, cost_estimate=False)

    check_prepared(prepared=replace(bare, cost_estimate=True), policy=fengze)
    with pytest.raises(Refusal) as caught:
        check_prepared(prepared=bare, policy=fengze)
    assert [detail.rule for detail in caught.value.details] == ["FZ-45"]


def test_a_project_of_the_amount_policy_names_is_major_one_fen_less_is_not() -> None:
    """ZY-65: the amount is a proposal somebody must confirm."""
    threshold = ZUNYI.feasibility.major_project_amount
    assert threshold is not None
    assert "feasibility.major_project_amount" in ZUNYI.proposed_keys()
    call = {"findings": FINDINGS, "fiscal_capacity": YES, "assessments": ASSESSMENTS, "major": False}

    below = appraise(**call, stability="", payer="government", amount=threshold - Money(1), policy=ZUNYI)  # type: ignore[arg-type]
    assert not below.major
    with pytest.raises(Refusal) as caught:
        appraise(**call, stability="", payer="government", amount=threshold, policy=ZUNYI)  # type: ignore[arg-type]
    assert caught.value.rule == "ZY-65"
