"""Feasibility and panel in either order: what may come after what, told by the rule that says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.feasibility_order import awaits_review, check_order, way_back
from models.rules.lifecycle import TRANSITIONS, Thing

ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 1))
HUANGSHI = load_policy_book().resolve(region="420200", on=date(2016, 3, 1))
COMMANDS = ("review.open_round", "feasibility.appraise", "publicity.publish_notice")


def panel_first(policy: Policy) -> Policy:
    return replace(policy, feasibility=replace(policy.feasibility, before_review=False))


def _allowed(entered: Policy) -> set[tuple[str, str]]:
    moves = {(m.command, s) for m in TRANSITIONS if m.thing is Thing.PROJECT for s in m.sources}
    found = set()
    for command, state in moves:
        if command in COMMANDS:
            try:
                check_order(command=command, state=state, entered=entered)
            except Refusal:
                continue
            found.add((command, state))
    return found


def test_the_appraisal_first() -> None:
    assert _allowed(ZUNYI) == {
        ("feasibility.appraise", "submitted"),
        ("review.open_round", "candidate"),
        ("review.open_round", "reviewed"),
        ("review.open_round", "under_review"),
        ("publicity.publish_notice", "reviewed"),
    }


def test_the_panel_first() -> None:
    assert _allowed(panel_first(ZUNYI)) == {
        ("review.open_round", "submitted"),
        ("review.open_round", "reviewed"),
        ("review.open_round", "under_review"),
        ("feasibility.appraise", "reviewed"),
        ("publicity.publish_notice", "candidate"),
    }


@pytest.mark.parametrize(("policy", "rule"), [(ZUNYI, "ZY-62"), (HUANGSHI, "SYS-STATE")])
def test_no_panel_before_the_appraisal_that_makes_a_candidate(policy: Policy, rule: str) -> None:
    check_order(command="review.open_round", state="candidate", entered=policy)
    with pytest.raises(Refusal) as caught:
        check_order(command="review.open_round", state="submitted", entered=policy)

    assert caught.value.rule == rule


def test_a_project_waits_for_its_panel_where_its_order_says() -> None:
    assert [awaits_review(state=state, entered=ZUNYI) for state in ("submitted", "candidate")] == [False, True]
    other = panel_first(ZUNYI)
    assert [awaits_review(state=state, entered=other) for state in ("submitted", "candidate")] == [True, False]


@pytest.mark.parametrize(
    ("part", "appraised_first", "reviewed_first"),
    [
        ("approval", "decided", "decided"),
        ("decision", "on_publicity", "on_publicity"),
        ("publicity", "reviewed", "candidate"),
        ("review", "candidate", "submitted"),
        ("feasibility", "submitted", "reviewed"),
    ],
)
def test_a_voided_step_is_taken_again_from_where_it_stands_in_the_order(
    part: str, appraised_first: str, reviewed_first: str
) -> None:
    targets = {move.outcome: move.target for move in TRANSITIONS if move.command == "decision.modify"}

    assert targets[way_back(part=part, entered=ZUNYI)] == appraised_first
    assert targets[way_back(part=part, entered=panel_first(ZUNYI))] == reviewed_first
