"""Rules of evaluation: sheets, weights, grades with their bounds, satisfaction caps, changes in percent (A7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules import evaluation as rules
from models.rules.evaluation import (
    change,
    check_effects,
    check_evaluator,
    check_omittable,
    check_outcomes,
    check_parties,
    check_phase_known,
    check_sheet,
    check_third_party,
    grade_of,
    judge,
    mean,
)
from models.rules.goals import check_weights


def huangshi() -> Policy:
    return load_policy_book().resolve(region="420200", on=date(2017, 6, 1))


def zunyi() -> Policy:
    return load_policy_book().resolve(region="520300", on=date(2025, 6, 1))


def refused(expected: str, check: object, **arguments: object) -> Refusal:
    assert callable(check)
    with pytest.raises(Refusal) as caught:
        check(**arguments)
    assert expected in (caught.value.code, caught.value.rule)
    return caught.value


def test_exact_change_has_one_decimal() -> None:
    """A7: petition cases 120 → 50."""
    found = change(before=Decimal(120), after=Decimal(50), approximate=False)

    assert found is not None
    assert (found.percent, found.text) == (Decimal("-58.3"), "−58.3%")


def test_approximate_change_is_whole_flagged_and_not_overstated() -> None:
    """A7: petition persons nearly 200 → 87 is −56.5 %, printed as 约−56%."""
    found = change(before=Decimal(200), after=Decimal(87), approximate=True)

    assert found is not None
    assert (found.percent, found.approximate, found.text) == (Decimal(-56), True, "约−56%")


def test_a_rise_is_signed_and_nothing_grows_from_zero() -> None:
    risen = change(before=Decimal(3), after=Decimal(5), approximate=False)

    assert risen is not None
    assert risen.text == "+66.7%"
    assert change(before=Decimal(0), after=Decimal(5), approximate=False) is None


@given(
    before=st.decimals(min_value=1, max_value=10**6, places=2),
    after=st.decimals(min_value=0, max_value=10**6, places=2),
)
def test_an_approximate_change_never_says_more_than_the_exact_one(before: Decimal, after: Decimal) -> None:
    rough = change(before=before, after=after, approximate=True)

    assert rough is not None
    assert abs(rough.percent) <= abs((after - before) / before * 100)


SHEET = {"effect": Decimal(88), "management": Decimal(85), "social_impact": Decimal(90)}


def check(scores: Mapping[str, Decimal], policy: Policy) -> None:
    items = policy.evaluation.purchaser_items
    check_sheet(scores=scores, items=items, sheet="evaluation.sheet.purchaser", rules=("HS-42",), policy=policy)


@pytest.mark.parametrize("score", [Decimal(0), Decimal(100), Decimal("99.99")])
def test_the_ends_of_the_scale_are_on_it(score: Decimal) -> None:
    check(SHEET | {"effect": score}, huangshi())


@pytest.mark.parametrize("score", [Decimal("-0.01"), Decimal("100.01"), Decimal("NaN")])
def test_scores_off_the_scale_are_refused(score: Decimal) -> None:
    refused("HS-42", check, scores=SHEET | {"effect": score}, policy=huangshi())


def test_a_sheet_has_its_items_no_more_and_no_less() -> None:
    lacking = {code: score for code, score in SHEET.items() if code != "effect"}

    assert refused("HS-42", check, scores=lacking, policy=huangshi()).details[0].field == "effect"
    assert refused("HS-42", check, scores=SHEET | {"looks": Decimal(1)}, policy=huangshi()).details[0].field == "looks"


def test_where_no_items_are_prescribed_any_sheet_with_a_score_will_do() -> None:
    check({"overall": Decimal(80)}, zunyi())
    refused("SYS-SHEET", check, scores={}, policy=zunyi())


def test_both_third_party_evaluations_are_needed_in_huangshi() -> None:
    """A3: either one missing refuses the conclusion."""
    check_third_party(phases=("mid", "end"), policy=huangshi())
    check_third_party(phases=(), policy=zunyi())

    for left in ("mid", "end"):
        refused("HS-35", check_third_party, phases=(left,), policy=huangshi())


def test_only_an_evaluation_whose_time_is_over_may_be_left_out() -> None:
    """HS-35: the one during the run is lost at completion; the one after it can always be held."""
    check_omittable(phase="mid", state="completed", policy=huangshi())

    refused("HS-35", check_omittable, phase="mid", state="in_progress", policy=huangshi())
    for state in ("completed", "self_checked", "not_accepted"):
        refused("HS-35", check_omittable, phase="end", state=state, policy=huangshi())


def test_all_parties_score_in_huangshi() -> None:
    check_parties(parties=("third_party", "purchaser", "recipient"), policy=huangshi())
    check_parties(parties=("recipient",), policy=zunyi())

    refused("SYS-PARTIES", check_parties, parties=(), policy=zunyi())
    refused("HS-41", check_parties, parties=("third_party", "purchaser"), policy=huangshi())


@pytest.mark.parametrize(
    ("total", "grade"),
    [
        ("100", "excellent"),
        ("90", "excellent"),
        ("89.99", "good"),
        ("80", "good"),
        ("79.99", "qualified"),
        ("60", "qualified"),
        ("59.99", "unqualified"),
        ("0", "unqualified"),
    ],
)
def test_grades_begin_at_their_lowest_score(total: str, grade: str) -> None:
    assert grade_of(total=Decimal(total), policy=huangshi()) == grade


def scores(third_party: str, purchaser: str, recipient: str) -> dict[str, Decimal]:
    return {"third_party": Decimal(third_party), "purchaser": Decimal(purchaser), "recipient": Decimal(recipient)}


def test_the_total_is_weighted() -> None:
    found = judge(party_scores=scores("80", "90", "95"), asked=100, satisfied=100, policy=huangshi())

    assert found.total == Decimal("89.00")  # 0.3 × 80 + 0.3 × 90 + 0.4 × 95
    assert (found.grade, found.pay_ratio, found.capped) == ("good", Decimal(1), False)


def test_weights_are_relative_to_the_parties_that_scored() -> None:
    found = judge(party_scores={"recipient": Decimal(70)}, asked=10, satisfied=10, policy=zunyi())

    assert found.total == Decimal("70.00")


@pytest.mark.parametrize(("satisfied", "grade"), [(80, "excellent"), (79, "qualified")])
def test_too_few_satisfied_recipients_cap_the_grade(satisfied: int, grade: str) -> None:
    found = judge(party_scores=scores("95", "95", "95"), asked=100, satisfied=satisfied, policy=huangshi())

    assert (found.grade, found.capped) == (grade, satisfied < 80)
    assert found.pay_ratio == huangshi().evaluation.pay_ratio_by_grade[grade]


def test_the_cap_never_lifts_a_grade() -> None:
    found = judge(party_scores=scores("50", "50", "50"), asked=100, satisfied=0, policy=huangshi())

    assert (found.grade, found.capped) == ("unqualified", False)


def test_the_mean_rounds_half_up() -> None:
    assert mean(scores=(Decimal("86.00"), Decimal("86.01"))) == Decimal("86.01")


def test_the_evaluator_is_not_the_contractor() -> None:
    check_evaluator(evaluator="org-2", contractors=("org-1",))
    refused("SYS-INDEPENDENT", check_evaluator, evaluator="org-1", contractors=("org-1",))


def test_phases_are_those_of_the_region() -> None:
    check_phase_known(phase="mid", policy=huangshi())
    refused("HS-35", check_phase_known, phase="later", policy=huangshi())
    refused("policy.unset", check_phase_known, phase="mid", policy=zunyi())


EFFECTS = {"personal_development": "甲", "economic": "乙", "social": "丙", "cultural": "丁"}


def test_all_four_effects_are_told() -> None:
    check_effects(effects=EFFECTS, recommendations=("延长服务期",), policy=zunyi())
    check_effects(effects=EFFECTS, recommendations=(), policy=huangshi())

    refused("ZY-29", check_effects, effects=EFFECTS | {"social": " "}, recommendations=("甲",), policy=zunyi())
    refused("ZY-29", check_effects, effects=EFFECTS | {"other": "戊"}, recommendations=("甲",), policy=zunyi())
    refused("ZY-30", check_effects, effects=EFFECTS, recommendations=(), policy=zunyi())


def test_outcomes_have_figures_and_one_name_each() -> None:
    check_outcomes(names=("信访件数", "信访人次"), empty=())

    refused("evaluation.outcome_empty", check_outcomes, names=("甲",), empty=("甲",))
    refused("evaluation.outcome_twice", check_outcomes, names=("甲", "甲"), empty=())


PERFORMANCE = {"satisfaction": 90, "output": 80, "compliance": 70, "effects": 60, "funds": 100, "files": 50}


def test_the_performance_sheet_is_weighted_item_by_item() -> None:
    """90×30% + 80×25% + 70×15% + 60×15% + 100×10% + 50×5% = 79.00, where the plain mean would be 75."""
    policy = zunyi()
    sheet = {code: rules.SheetItem(code, weight) for code, weight in policy.evaluation.sheet_weights.items()}
    scores = {code: Decimal(score) for code, score in PERFORMANCE.items()}

    assert rules.is_performance_sheet(scores=scores, sheet=sheet, policy=policy)
    assert rules.weighted(scores=scores, sheet=sheet) == Decimal("79.00")


def test_a_region_with_items_of_its_own_and_a_sheet_of_other_items_are_not_weighted() -> None:
    sheet = {"satisfaction": rules.SheetItem("满意度", Decimal(1))}

    assert not rules.is_performance_sheet(scores={"satisfaction"}, sheet=sheet, policy=huangshi())
    assert not rules.is_performance_sheet(scores={"effect"}, sheet=sheet, policy=zunyi())
    assert not rules.is_performance_sheet(scores=(), sheet=sheet, policy=zunyi())


@pytest.mark.parametrize("region", ["110000", "340000", "350503", "420200", "520300"])
def test_the_sheet_of_every_region_keeps_to_the_order_of_weights_it_asks_of_a_standard(region: str) -> None:
    """BJ-39: in Beijing satisfaction and the carrying out of policy weigh most; elsewhere satisfaction (HS-43)."""
    policy = load_policy_book().resolve(region=region, on=date(2025, 4, 1))
    check_weights(weights=policy.evaluation.sheet_weights, policy=policy)
