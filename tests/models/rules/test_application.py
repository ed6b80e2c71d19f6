"""Rules of the application: parts, team, channels and sums."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.rules.application import BudgetLine, Form, check_form, check_gaps

HUANGSHI = load_policy_book().resolve(region="420200", on=date(2016, 3, 1))
ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 1))
FORM = Form(
    parts={"background": "甲", "concept": "乙", "goals": "丙", "plan": "丁", "expected_effect": "戊"},
    budget=(
        BudgetLine("人员", "local_budget", Money.yuan("500000.00")),
        BudgetLine("活动", "donation", Money.yuan("180000.01")),
    ),
    team_roles=("project_leader", "executor", "accountable_person"),
    total=Money.yuan("680000.01"),
)


def _without(part: str) -> Form:
    return replace(FORM, parts={**FORM.parts, part: "  "})


def test_complete_form_gives_the_sum_of_its_lines() -> None:
    assert check_form(form=FORM, policy=HUANGSHI) == Money.yuan("680000.01")
    assert check_form(form=replace(FORM, total=None), policy=ZUNYI) == Money.yuan("680000.01")


@pytest.mark.parametrize(
    ("part", "label"), [("background", "背景"), ("concept", "设想"), ("goals", "工作目标"), ("plan", "步骤")]
)
def test_plan_book_without_a_part_is_refused_in_huangshi(part: str, label: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_form(form=_without(part), policy=HUANGSHI)

    assert (caught.value.rule, [gap.field for gap in caught.value.details]) == ("HS-01", [label])


@pytest.mark.parametrize("part", ["background", "goals", "plan", "expected_effect"])
def test_form_without_a_part_is_refused_in_zunyi(part: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_form(form=_without(part), policy=ZUNYI)

    assert caught.value.rule == "ZY-18"


def test_zunyi_does_not_ask_for_a_concept_nor_huangshi_for_an_effect() -> None:
    check_form(form=_without("concept"), policy=ZUNYI)
    check_form(form=_without("expected_effect"), policy=HUANGSHI)


@pytest.mark.parametrize("missing", ["project_leader", "executor", "accountable_person"])
def test_team_without_a_role_is_refused(missing: str) -> None:
    roles = tuple(role for role in FORM.team_roles if role != missing)

    with pytest.raises(Refusal) as caught:
        check_form(form=replace(FORM, team_roles=roles), policy=ZUNYI)

    assert caught.value.rule == "ZY-17"


def test_all_gaps_are_told_at_once() -> None:
    empty = Form(parts={}, budget=(), team_roles=(), total=None)

    with pytest.raises(Refusal) as caught:
        check_form(form=empty, policy=ZUNYI)

    assert [gap.rule for gap in caught.value.details] == ["ZY-18"] * 5 + ["ZY-17"] * 3


def test_unknown_channel_is_refused() -> None:
    line = BudgetLine("人员", "slush_fund", Money.yuan("1.00"))

    with pytest.raises(Refusal) as caught:
        check_form(form=replace(FORM, budget=(line,), total=None), policy=ZUNYI)

    assert caught.value.rule == "ZY-46"


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_amount_that_is_not_positive_is_refused(amount: str) -> None:
    lines = (*FORM.budget, BudgetLine("其他", "local_budget", Money.yuan(amount)))

    with pytest.raises(Refusal) as caught:
        check_form(form=replace(FORM, budget=lines, total=None), policy=HUANGSHI)

    assert (caught.value.code, caught.value.facts["lines"]) == ("application.amount_not_positive", "3")


def test_total_one_fen_off_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        check_form(form=replace(FORM, total=Money.yuan("680000.00")), policy=HUANGSHI)

    assert caught.value.code == "application.total_differs"


@pytest.mark.parametrize("gaps", [(), ("",), ("预算无明细", " ")])
def test_returning_without_saying_what_is_missing_is_refused(gaps: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as caught:
        check_gaps(gaps=gaps, policy=ZUNYI)

    assert caught.value.rule == "ZY-14"


def test_returning_with_gaps_is_allowed() -> None:
    check_gaps(gaps=("预算无明细",), policy=HUANGSHI)
