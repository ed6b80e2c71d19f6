"""Rules of acceptance: self-check first, instruments, ratios, what a conclusion may say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from models.core.actors import Role
from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules.acceptance import (
    Outcome,
    check_instruments,
    check_outcome,
    check_problems,
    check_same_indicators,
    check_satisfaction,
    check_self_checked,
    party_means,
    ratio,
    satisfaction_percent,
)
from models.rules.delivery import reach
from models.rules.evaluation import Verdict


def huangshi() -> Policy:
    return load_policy_book().resolve(region="420200", on=date(2017, 6, 1))


def zunyi() -> Policy:
    return load_policy_book().resolve(region="520300", on=date(2025, 6, 1))


def verdict(grade: str = "good") -> Verdict:
    return Verdict(Decimal("85.00"), grade, False, Decimal(1))


@pytest.mark.parametrize("state", ["in_progress", "completed"])
def test_no_conclusion_before_the_self_check(state: str) -> None:
    for policy, rule in ((zunyi(), "ZY-97"), (huangshi(), "SYS-SELF-CHECK-FIRST")):
        with pytest.raises(Refusal) as caught:
            check_self_checked(state=state, policy=policy)
        assert caught.value.rule == rule


def test_after_the_self_check_the_state_table_decides() -> None:
    check_self_checked(state="self_checked", policy=huangshi())


def test_zunyi_asks_for_both_instruments() -> None:
    both = ("needs_indicators", "performance_sheet")
    check_instruments(named=(), attached=both, policy=zunyi())
    check_instruments(named=both, attached=(), policy=huangshi())

    for code in both:
        with pytest.raises(Refusal) as caught:
            check_instruments(named=both, attached=(code,), policy=zunyi())
        assert caught.value.rule == "ZY-96"
    with pytest.raises(Refusal) as caught:
        check_instruments(named=("diary",), attached=(), policy=huangshi())
    assert caught.value.rule == "SYS-CODE-LIST"


@pytest.mark.parametrize(
    ("owner", "due_on"),
    [(Role.CONTRACTOR, date(2025, 5, 31)), (Role.RECIPIENT, date(2025, 6, 30)), (Role.SYSTEM, None)],
)
def test_a_problem_has_a_day_to_come_and_an_owner_who_can_report_it(owner: Role, due_on: date | None) -> None:
    on = date(2025, 6, 1)
    check_problems(problems=[(Role.CONTRACTOR, on), (Role.COUNTY_BUREAU, on)], on=on, policy=zunyi())

    for policy, rule in ((zunyi(), "ZY-99"), (huangshi(), "SYS-PROBLEM")):
        with pytest.raises(Refusal) as caught:
            check_problems(problems=[(owner, due_on or on)], on=on, policy=policy)
        assert (caught.value.code, caught.value.rule) == ("acceptance.problem_wrong", rule)


@pytest.mark.parametrize(
    ("target", "actual", "expected"),
    [("400", "412", "103.0"), ("3", "2", "66.7"), ("不少于400", "412", None), (None, "15", None), ("0", "1", None)],
)
def test_a_ratio_needs_two_plain_numbers(target: str | None, actual: str, expected: str | None) -> None:
    assert ratio(target=target, actual=actual) == (None if expected is None else Decimal(expected))


def test_satisfied_are_some_of_the_asked() -> None:
    check_satisfaction(asked=10, satisfied=10)
    assert satisfaction_percent(asked=400, satisfied=372) == Decimal("93.0")

    with pytest.raises(Refusal):
        check_satisfaction(asked=10, satisfied=11)


@pytest.mark.parametrize("served", [0, 399])
def test_huangshi_accepts_nothing_below_its_target(served: int) -> None:
    """A5 at acceptance: distinct persons below 400 block it in 420200 only."""
    short = reach(served=served, target=400)

    with pytest.raises(Refusal) as caught:
        check_outcome(outcome=Outcome.ACCEPTED, verdict=verdict(), reach=short, policy=huangshi())

    assert caught.value.rule == "HS-06"
    check_outcome(outcome=Outcome.NOT_ACCEPTED, verdict=verdict(), reach=short, policy=huangshi())
    check_outcome(outcome=Outcome.ACCEPTED, verdict=verdict(), reach=short, policy=zunyi())


def test_at_the_target_huangshi_accepts() -> None:
    met = reach(served=400, target=400)

    check_outcome(outcome=Outcome.ACCEPTED, verdict=verdict(), reach=met, policy=huangshi())


def test_the_lowest_grade_is_never_accepted() -> None:
    met = reach(served=400, target=400)
    failing = verdict("unqualified")

    with pytest.raises(Refusal) as caught:
        check_outcome(outcome=Outcome.ACCEPTED, verdict=failing, reach=met, policy=huangshi())

    assert caught.value.code == "acceptance.grade_fails"
    check_outcome(outcome=Outcome.NOT_ACCEPTED, verdict=failing, reach=met, policy=huangshi())
    check_outcome(outcome=Outcome.ACCEPTED, verdict=verdict("qualified"), reach=met, policy=huangshi())


def test_parties_that_did_not_score_are_left_out() -> None:
    found = party_means(third_party=(Decimal(80), Decimal(90)), purchaser=Decimal(88), recipient=None)

    assert found == {"purchaser": Decimal(88), "third_party": Decimal(85)}


@pytest.mark.parametrize(
    ("after", "compared", "code"),
    [
        (None, 0, "acceptance.not_reassessed"),
        ("v1", 0, "acceptance.not_reassessed"),
        ("v2", 5, "acceptance.indicators_changed"),
    ],
)
def test_zunyi_compares_needs_by_the_indicators_of_the_beginning(after: str | None, compared: int, code: str) -> None:
    """ZY-27; where it does not bind nothing is asked for."""
    zunyi, elsewhere = (load_policy_book().resolve(region=one, on=date(2025, 8, 1)) for one in ("520300", "420200"))

    with pytest.raises(Refusal) as caught:
        check_same_indicators(baseline={"v1"}, after=after, compared=compared, policy=zunyi)

    assert (caught.value.code, caught.value.rule) == (code, "ZY-27")
    check_same_indicators(baseline={"v1"}, after="v1", compared=1, policy=zunyi)
    check_same_indicators(baseline={"v1"}, after=after, compared=compared, policy=elsewhere)
