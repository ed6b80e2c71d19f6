"""Rules of the work guide: six items, a flow chart that holds together, a limit for every step, no reaching back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.guide import Outline, Step, check_complete, check_drafted, check_order

HUANGSHI = load_policy_book().resolve(region="420200", on=date(2016, 3, 1))
ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 1))
LINE = ("intake", "appraisal", "county_opinion", "review", "decision", "approval")
GUIDE = Outline(
    filled=frozenset(ZUNYI.application.guide_items),
    codes={"attachments": ("registration",), "review_conditions": ("team",), "procedure": LINE},
    steps=tuple(Step(code, code, LINE[at : at + 1]) for at, code in enumerate(LINE, start=1)),
    limits=dict.fromkeys(LINE, 5),
)


def _gaps(outline: Outline) -> list[tuple[str | None, str | None]]:
    with pytest.raises(Refusal) as caught:
        check_complete(outline=outline, policy=ZUNYI)
    assert caught.value.code == "guide.incomplete"
    return [(gap.rule, gap.field) for gap in caught.value.details]


def test_a_guide_with_six_items_and_a_limit_a_step_may_open() -> None:
    check_drafted(outline=GUIDE)
    check_complete(outline=GUIDE, policy=ZUNYI)
    check_complete(outline=GUIDE, policy=HUANGSHI)


@pytest.mark.parametrize(
    ("item", "label"),
    [
        ("materials", "申报材料"),
        ("attachments", "所需附件"),
        ("intake_channel", "受理方式"),
        ("review_conditions", "审查条件"),
        ("time_limits", "办理时限"),
    ],
)
def test_a_guide_without_one_of_its_items_does_not_open(item: str, label: str) -> None:
    assert _gaps(replace(GUIDE, filled=GUIDE.filled - {item})) == [("ZY-14", label)]


def test_a_guide_without_procedure_and_flow_chart_does_not_open() -> None:
    bare = replace(GUIDE, filled=GUIDE.filled - {"procedure"}, steps=(), limits={})

    assert _gaps(bare) == [("ZY-13", "办理流程")]


def test_a_flow_chart_that_leaves_a_step_out_does_not_open() -> None:
    cut = tuple(replace(step, next=()) if step.code == "decision" else step for step in GUIDE.steps)

    assert _gaps(replace(GUIDE, steps=cut)) == [("ZY-13", "approval")]


def test_a_step_without_limit_does_not_open() -> None:
    limits = {code: days for code, days in GUIDE.limits.items() if code != "review"}

    assert _gaps(replace(GUIDE, limits=limits)) == [("ZY-14", "review")]


def test_a_step_this_system_times_must_stand_in_the_procedure() -> None:
    steps, limits = GUIDE.steps[:-1], dict.fromkeys(LINE[:-1], 5)
    steps = (*steps[:-1], replace(steps[-1], next=()))

    assert _gaps(replace(GUIDE, steps=steps, limits=limits)) == [("ZY-14", "批准")]


def test_outside_zunyi_the_gaps_rest_on_our_own_rule() -> None:
    with pytest.raises(Refusal) as caught:
        check_complete(outline=replace(GUIDE, filled=frozenset()), policy=HUANGSHI)

    assert {gap.rule for gap in caught.value.details} == {"SYS-GUIDE"}


def test_a_draft_may_not_contradict_itself() -> None:
    with pytest.raises(Refusal) as twice:
        check_drafted(outline=replace(GUIDE, codes={"review_conditions": ("team", "team")}))
    with pytest.raises(Refusal) as strange:
        check_drafted(outline=replace(GUIDE, limits={**GUIDE.limits, "ghost": 3}))

    assert (twice.value.code, strange.value.code) == ("guide.code_twice", "guide.step_unknown")


def test_a_version_never_reaches_back() -> None:
    today = date(2025, 3, 3)

    check_order(in_force_from=today, today=today, last=date(2025, 3, 2), policy=ZUNYI)
    with pytest.raises(Refusal) as back:
        check_order(in_force_from=date(2025, 3, 2), today=today, last=None, policy=ZUNYI)
    with pytest.raises(Refusal) as order:
        check_order(in_force_from=today, today=today, last=today, policy=ZUNYI)

    assert (back.value.rule, order.value.code) == ("ZY-15", "guide.out_of_order")
