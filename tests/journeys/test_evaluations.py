"""Huangshi's closing (A3): no acceptance without both third-party evaluations, no last payment without the result."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.story import Scene, Story, asks, refused, step

pytestmark = pytest.mark.xdist_group("huangshi")

At = Callable[[str], Scene]
CHECKED = "acceptance.submit_self_check"
BEFORE_MID = "monitoring.record_supervision#2"
MID, END_PHASE = "evaluation.record_third_party", "evaluation.record_third_party#2"
CONCLUDE, LAST_PAYMENT = "acceptance.conclude#2", "funding.pay#3"


def refusing(told: str, rule: str) -> str:
    assert "expect:" not in told
    return f"{told}    expect: {{refused: {rule}}}\n"


def test_all_evaluations_present_close_and_pay(story: Story, after: At) -> None:
    *_, concluded, paid = after(CHECKED).holds(story.told(END_PHASE), story.told(CONCLUDE), story.told(LAST_PAYMENT))

    assert concluded["state"] == "project.accepted"
    assert (paid["final"], paid["contract_paid"]) == (True, 64_800_000)


def test_without_the_mid_term_evaluation_nothing_closes(story: Story, after: At) -> None:
    told = story.until("funding.pay#2", after=BEFORE_MID, without=(MID,))

    after(BEFORE_MID).holds(
        *told,  # the end evaluation is there, the mid-term one is not
        refusing(story.told(CONCLUDE), "HS-35"),
        refusing(story.told(LAST_PAYMENT), "HS-37"),
    )


def test_without_the_end_evaluation_nothing_closes(story: Story, after: At) -> None:
    after(CHECKED).holds(
        refusing(story.told(CONCLUDE), "HS-35"),
        refusing(story.told(LAST_PAYMENT), "HS-37"),
        asks("2017-12-19", "project.status", project="$project", expect={"state": "project.self_checked"}),
    )


def test_without_the_comprehensive_evaluation_nothing_is_paid_off_or_closed(story: Story, after: At) -> None:
    after(CHECKED).holds(
        story.told(END_PHASE),
        refusing(story.told(LAST_PAYMENT), "HS-37"),
        refusing(story.told("evaluation.conclude"), "SYS-STATE"),
        step("2018-01-08", "system", "archive.close_project", project="$project", expect=refused("SYS-STATE")),
    )


def test_last_instalment_is_recognised_when_not_called_so(story: Story, after: At) -> None:
    told = story.told(LAST_PAYMENT)
    assert ", final: true" in told

    after(CHECKED).holds(story.told(END_PHASE), refusing(told.replace(", final: true", ""), "HS-37"))


def test_refused_acceptance_is_no_ground_for_the_last_payment(story: Story, after: At) -> None:
    told = story.told(CONCLUDE)
    assert "outcome: accepted" in told

    after(CHECKED).holds(
        story.told(END_PHASE),
        told.replace("outcome: accepted", "outcome: not_accepted"),
        refusing(story.told(LAST_PAYMENT), "HS-37"),
    )
