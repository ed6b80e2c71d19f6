"""What results lead to, as pure rules: who agrees, which units are favoured, what a grade changes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models.core.errors import Refusal
from models.core.money import Money
from models.policy.resolver import load_policy_book
from models.policy.schema import Policy
from models.rules import incentive as rules
from models.rules.effects import Result, effects_of
from models.rules.incentive import UnitRow

BOTH = ("reserve_target", "good_management")
ALL = ("city_bureau", "drc", "donor")
BOOK = load_policy_book()


def policy(region: str = "520300") -> Policy:
    return BOOK.resolve(region=region, on=date(2025, 4, 1))


def row(**changes: Any) -> UnitRow:
    given: dict[str, Any] = {
        "unit": "syn-county-01",
        "met": (),
        "effect": "",
        "reason": "",
        "base": Money(1000),
        "grade": None,
    }
    return UnitRow(**(given | changes))


def test_all_who_share_the_decision_agree_a_donor_only_where_something_was_given() -> None:
    """ZY-109."""
    rules.check_participants(given=ALL, donated=Money(1), policy=policy())
    rules.check_participants(given=ALL[:2], donated=Money(0), policy=policy())

    for given, donated in ((ALL[:2], Money(1)), (ALL[:1], Money(0))):
        with pytest.raises(Refusal) as caught:
            rules.check_participants(given=given, donated=donated, policy=policy())
        assert (caught.value.code, caught.value.rule) == ("incentive.participant_missing", "ZY-109")


@pytest.mark.parametrize(
    ("changes", "effect", "fen"),
    [
        ({"met": BOTH}, "tilt", 1200),
        ({}, "", 1000),
        ({"effect": "less", "reason": "储备任务未完成"}, "less", 500),
        ({"effect": "none", "reason": "管理服务差"}, "none", 0),
    ],
)
def test_a_unit_gets_more_for_both_conditions_less_or_nothing_with_a_reason(
    changes: dict[str, Any], effect: str, fen: int
) -> None:
    """ZY-110, ZY-111."""
    got = rules.allot(row=row(**changes), policy=policy())

    assert (got.effect, got.amount) == (effect, Money(fen))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"effect": "tilt", "met": BOTH[:1]}, "ZY-110"),
        ({"met": BOTH, "grade": "unqualified"}, "ZY-110"),
        ({"effect": "less", "met": BOTH, "reason": "理由"}, "ZY-111"),
        ({"effect": "none"}, "ZY-111"),
    ],
)
def test_no_favour_without_both_conditions_no_sanction_without_reason(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(Refusal) as caught:
        rules.allot(row=row(**changes), policy=policy())
    assert caught.value.rule == rule


def test_not_more_is_allotted_than_there_is() -> None:
    rules.check_inputs(amounts=(Money(60), Money(40)), fiscal=Money(90), donated=Money(10))
    with pytest.raises(Refusal) as caught:
        rules.check_inputs(amounts=(Money(60), Money(41)), fiscal=Money(90), donated=Money(10))
    assert caught.value.code == "incentive.over_inputs"


def effects(result: Result, previous: Result | None = None, *, region: str = "420200") -> list[tuple[str, ...]]:
    found = effects_of(
        result=result, previous=previous, project="p", contracts=("c",), contractors=("o",), policy=policy(region)
    )
    return [(one.kind, one.target, one.before, one.after) for one in found]


def test_a_poor_grade_lowers_the_last_instalment_and_the_next_batch() -> None:
    """ZY-98, HS-44: from what counted before to what counts now, each with its rule."""
    assert effects(Result("unqualified", accepted=False)) == [
        ("payment", "c", "1", "0"),
        ("next_batch", "p", "1.00", "0.50"),
    ]


def test_nothing_is_due_of_what_was_not_accepted_whatever_its_grade() -> None:
    """HS-37: a good score of a project that missed its target pays no last instalment and earns no preference."""
    good = Result("excellent", accepted=False)

    assert ("payment", "c", "1", "0") in effects(good)
    assert "tie_break" not in [kind for kind, *_ in effects(good, region="110000")]


def test_a_preference_ends_with_the_conclusion_that_no_longer_gives_it() -> None:
    """BJ-42: from the best grade to another and back; where no rule gives it, it never was."""
    best, other = Result("excellent", accepted=True), Result("good", accepted=True)
    for before, after, told in (
        (None, best, [("tie_break", "o", "—", "优先考虑")]),
        (best, other, [("tie_break", "o", "优先考虑", "—")]),
        (best, Result("unqualified", accepted=False), [("tie_break", "o", "优先考虑", "—")]),
        (other, best, [("tie_break", "o", "—", "优先考虑")]),
        (None, other, []),
    ):
        assert [one for one in effects(after, before, region="110000") if one[0] == "tie_break"] == told
        assert [one for one in effects(after, before, region="520300") if one[0] == "tie_break"] == []
