"""One assessment: the indicator set it refers to, what must be answered where, when it is due again."""

from __future__ import annotations

from datetime import date

import pytest

from models.policy.resolver import load_policy_book
from models.rules.needs_assessment import Tally, check_codes, indicators, reassess_due, tally, unanswered

BOOK = load_policy_book()
ZUNYI = BOOK.resolve(region="520300", on=date(2025, 1, 2))
HUANGSHI = BOOK.resolve(region="420200", on=date(2016, 1, 4))
ANSWERED = dict.fromkeys(ZUNYI.needs.dimensions, "MILD")


def test_the_proposed_indicator_set_is_eight_hardships_by_four_levels() -> None:
    found = indicators(policy=HUANGSHI)

    assert found.version.startswith("8x4-")
    assert found.status == "proposed"
    assert (len(found.content["hardship_types"]), len(found.content["hardship_levels"])) == (8, 4)
    assert len(found.content["dimensions"]) == 7


def test_equal_content_is_the_same_version_and_other_content_another() -> None:
    assert indicators(policy=HUANGSHI).version == indicators(policy=HUANGSHI).version
    same = indicators(policy=ZUNYI).content == indicators(policy=HUANGSHI).content
    assert (indicators(policy=ZUNYI).version == indicators(policy=HUANGSHI).version) is same


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (("NONE",) * 8, Tally(0, 0, 0)),
        (("MILD", "NONE"), Tally(1, 0, 0)),
        (("SEVERE", "MODERATE", "MODERATE", "SEVERE", "MILD"), Tally(3, 2, 2)),
        ((), Tally(0, 0, 0)),
    ],
)
def test_degree_is_the_heaviest_level_and_the_counts(levels: tuple[str, ...], expected: Tally) -> None:
    assert tally(levels=levels, policy=HUANGSHI) == expected


def test_every_dimension_and_the_demand_are_asked_for_in_zunyi() -> None:
    gaps = list(unanswered(dimensions=ANSWERED | {"housing": ""}, demands=(), willing=True, policy=ZUNYI))

    assert gaps == [("dimension_housing", "ZY-55"), ("demands", "ZY-55")]
    assert not list(unanswered(dimensions=ANSWERED, demands=("meal",), willing=True, policy=ZUNYI))


def test_who_wants_no_service_need_not_name_one() -> None:
    assert not list(unanswered(dimensions=ANSWERED, demands=(), willing=False, policy=ZUNYI))


def test_where_no_rule_asks_nothing_blocks() -> None:
    assert not list(unanswered(dimensions={}, demands=(), willing=True, policy=HUANGSHI))


def test_need_is_due_again_after_twelve_months() -> None:
    assert reassess_due(assessed_on=date(2024, 2, 29), policy=HUANGSHI) == date(2025, 2, 28)


def test_codes_outside_the_list_are_named() -> None:
    faults = check_codes(
        given={"demands": ("meal", "moon")}, allowed={"demands": {"meal": "助餐"}}, rules={"demands": "FZ-12"}
    )

    assert [(fault.field, "moon" in fault.problem) for fault in faults] == [("demands", True)]
