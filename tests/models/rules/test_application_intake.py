"""Rules of intake: conditions of the pinned guide and no others, all gaps at once, told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.application import (
    Case,
    Finding,
    Gap,
    check_accepted,
    check_attachment,
    check_design,
    check_public_benefit,
    check_return,
    check_reviewed,
    found_gaps,
)

BOOK = load_policy_book()
HUANGSHI = BOOK.resolve(region="420200", on=date(2016, 3, 1))
ZUNYI = BOOK.resolve(region="520300", on=date(2025, 3, 1))
BEIJING = BOOK.resolve(region="110000", on=date(2019, 3, 1))
DESIGN = dict.fromkeys(ZUNYI.library.design_items, "合成")
CASE = Case(
    conditions=frozenset({"team", "budget"}),
    required={"registration": "登记证书"},
    attached=frozenset({"registration"}),
    design=DESIGN,
    told=None,
    changed=frozenset(),
)
FREE = replace(CASE, conditions=None, required={})
TEAM = Gap("缺执行人员", "team", "team")


def test_everything_a_machine_sees_is_told_beside_what_the_reviewer_found() -> None:
    bare = replace(CASE, attached=frozenset(), design=DESIGN | {"coverage": " "})

    told = check_return(gaps=(TEAM,), case=bare, policy=ZUNYI)

    assert [gap.text for gap in told] == ["缺执行人员", "缺附件：登记证书", "项目设计未写明：覆盖范围"]


def test_a_complete_case_has_no_gap_a_machine_sees() -> None:
    assert found_gaps(case=CASE, policy=ZUNYI) == ()


def test_design_points_are_missed_only_where_the_rule_binds() -> None:
    bare = replace(CASE, design={})

    assert len(found_gaps(case=bare, policy=ZUNYI)) == 6
    assert found_gaps(case=bare, policy=HUANGSHI) == ()


def test_a_return_without_any_gap_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        check_return(gaps=(), case=CASE, policy=ZUNYI)

    assert caught.value.rule == "ZY-14"


@pytest.mark.parametrize("gap", [Gap("另交担保书", "guarantee"), Gap("请另交担保书")])
def test_a_gap_beyond_the_pinned_guide_adds_a_condition_and_is_refused(gap: Gap) -> None:
    with pytest.raises(Refusal) as caught:
        check_return(gaps=(gap,), case=CASE, policy=ZUNYI)

    assert caught.value.rule == "ZY-15"


def test_without_a_guide_words_are_enough() -> None:
    assert check_return(gaps=(Gap("预算缺明细"),), case=FREE, policy=HUANGSHI) == (Gap("预算缺明细"),)


def test_a_second_return_may_repeat_what_was_told_or_name_what_changed() -> None:
    again = replace(CASE, told=frozenset({TEAM.key}), changed=frozenset({"budget"}))

    check_return(gaps=(TEAM, Gap("预算改动后不分列", "budget", "budget")), case=again, policy=ZUNYI)


def test_a_second_return_with_something_new_is_refused() -> None:
    again = replace(CASE, told=frozenset({TEAM.key}), changed=frozenset({"goals"}))

    with pytest.raises(Refusal) as caught:
        check_return(gaps=(Gap("预算不分列", "budget", "budget"),), case=again, policy=ZUNYI)

    assert (caught.value.code, caught.value.rule) == ("application.not_told_before", "SYS-TOLD-ONCE")


def test_beijing_tells_what_is_missing_once() -> None:
    """BJ-56 binds with or without a guide."""
    again = replace(FREE, told=frozenset({"预算缺明细"}))

    check_return(gaps=(Gap("预算缺明细"),), case=again, policy=BEIJING)
    with pytest.raises(Refusal) as caught:
        check_return(gaps=(Gap("团队缺人"),), case=again, policy=BEIJING)

    assert caught.value.rule == "BJ-56"


def test_where_nobody_asks_for_it_a_second_return_may_be_new() -> None:
    check_return(gaps=(Gap("团队缺人"),), case=replace(FREE, told=frozenset({"别的"})), policy=HUANGSHI)


def test_acceptance_looks_at_every_condition_of_the_guide() -> None:
    check_accepted(findings=(Finding("team", True), Finding("budget", True)), case=CASE, policy=ZUNYI)


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ((Finding("team", True),), "application.condition_dropped"),
        ((Finding("team", True), Finding("budget", True), Finding("extra", True)), "application.condition_unknown"),
        ((Finding("team", True), Finding("team", True), Finding("budget", True)), "application.condition_dropped"),
    ],
)
def test_a_condition_dropped_added_or_counted_twice_is_refused(findings: tuple[Finding, ...], code: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_accepted(findings=findings, case=CASE, policy=ZUNYI)

    assert (caught.value.code, caught.value.rule) == (code, "ZY-15")


def test_what_is_not_met_or_not_there_is_not_accepted() -> None:
    unmet = (Finding("team", True), Finding("budget", False))
    met = (Finding("team", True), Finding("budget", True))

    for findings, case in ((unmet, CASE), (met, replace(CASE, attached=frozenset()))):
        with pytest.raises(Refusal) as caught:
            check_accepted(findings=findings, case=case, policy=ZUNYI)
        assert caught.value.code == "application.still_missing"


def test_a_project_for_the_public_good_holds_in_zunyi() -> None:
    check_public_benefit(public_benefit=True, policy=ZUNYI)
    check_public_benefit(public_benefit=None, policy=HUANGSHI)


@pytest.mark.parametrize("answer", [None, False])
def test_a_commercial_or_unjudged_project_is_refused_in_zunyi(answer: bool | None) -> None:
    with pytest.raises(Refusal) as caught:
        check_public_benefit(public_benefit=answer, policy=ZUNYI)

    assert caught.value.rule == "ZY-123"


def test_under_a_guide_nothing_is_appraised_that_was_not_accepted() -> None:
    check_reviewed(pinned=True, accepted=True, policy=ZUNYI)
    check_reviewed(pinned=False, accepted=False, policy=ZUNYI)
    with pytest.raises(Refusal) as caught:
        check_reviewed(pinned=True, accepted=False, policy=ZUNYI)

    assert caught.value.rule == "ZY-15"


def test_attachments_and_design_points_are_those_asked_for() -> None:
    check_attachment(kind="registration", known={"registration": "登记证书"}, policy=ZUNYI)
    check_attachment(kind="anything", known=None, policy=HUANGSHI)
    check_design(design={"coverage": "合成"}, policy=ZUNYI)
    with pytest.raises(Refusal, match="附件清单"):
        check_attachment(kind="other", known={"registration": "登记证书"}, policy=ZUNYI)
    with pytest.raises(Refusal, match="要素"):
        check_design(design={"other": "合成"}, policy=ZUNYI)
