"""Rules of the expert review: roster, ties, sheets, closing, tally, substitutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.draw import Candidate
from models.rules.review import (
    Tie,
    check_again,
    check_complete,
    check_expert,
    check_may_score,
    check_opening,
    check_opinion,
    check_sheet,
    choose_substitute,
    panel_size,
    quotas,
    standing_ties,
    tally,
)

ON = date(2016, 3, 1)
HUANGSHI = load_policy_book().resolve(region="420200", on=ON)
ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 3))
DIMENSIONS = ("innovation", "feasibility", "sustainability")
REASONS = dict.fromkeys(DIMENSIONS, "理由充分")
UNIT = "合成社会服务中心"


def _sheet(*marks: str) -> dict[str, Decimal]:
    return dict(zip(DIMENSIONS, map(Decimal, marks), strict=True))


def test_an_expert_of_a_listed_category_is_taken() -> None:
    check_expert(category="university_professor", ties=(Tie(UNIT, "employment", None),), policy=ZUNYI)


def test_an_unknown_category_is_refused_by_the_composition_rule() -> None:
    with pytest.raises(Refusal, match="passer_by") as refused:
        check_expert(category="passer_by", ties=(), policy=ZUNYI)

    assert refused.value.rule == "ZY-20"


def test_an_unknown_kind_of_tie_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        check_expert(category="university_professor", ties=(Tie(UNIT, "rumour", None),), policy=HUANGSHI)

    assert refused.value.code == "review.unknown_tie"


@pytest.mark.parametrize(
    ("tie", "stands"),
    [
        (Tie(UNIT, "employment", None), True),
        (Tie(UNIT, "employment", date(2013, 3, 1)), True),
        (Tie(UNIT, "employment", date(2013, 2, 28)), False),
        (Tie(UNIT, "kinship", date(1990, 1, 1)), True),
    ],
)
def test_a_tie_stands_while_it_lasts_is_recent_or_is_kinship(tie: Tie, stands: bool) -> None:
    assert standing_ties(ties=(tie,), on=ON, policy=HUANGSHI) == (frozenset({UNIT}) if stands else frozenset())


def test_a_round_may_close_on_the_day_it_opens_but_not_before() -> None:
    check_opening(closes_on=ON, opened_on=ON)
    with pytest.raises(Refusal) as refused:
        check_opening(closes_on=date(2016, 2, 29), opened_on=ON)

    assert refused.value.code == "review.closes_too_early"


def test_a_reviewed_project_is_reviewed_again_only_after_an_upheld_objection() -> None:
    check_again(command="review.open_round", state="reviewed", upheld=True)
    check_again(command="review.open_round", state="candidate", upheld=False)
    with pytest.raises(Refusal) as refused:
        check_again(command="review.open_round", state="reviewed", upheld=False)

    assert refused.value.rule == "SYS-STATE"


def test_every_category_has_its_quota() -> None:
    assert quotas(policy=ZUNYI) == dict.fromkeys(ZUNYI.review.panel_categories, ZUNYI.review.panel_category_min)


def test_a_score_is_taken_up_to_and_on_the_last_day() -> None:
    check_may_score(recused=False, closed=False, due_on=ON, as_of=ON)


@pytest.mark.parametrize(
    ("recused", "closed", "as_of", "code"),
    [
        (True, False, ON, "review.seat_left"),
        (False, True, ON, "review.score_after_close"),
        (False, False, date(2016, 3, 2), "review.score_after_close"),
    ],
)
def test_a_score_after_the_close_or_from_a_left_seat_is_refused(
    recused: bool, closed: bool, as_of: date, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        check_may_score(recused=recused, closed=closed, due_on=ON, as_of=as_of)

    assert refused.value.code == code


def test_a_full_sheet_at_both_ends_of_the_scale_is_taken() -> None:
    check_sheet(scores=_sheet("0", "100", "88.5"), reasons=REASONS, policy=ZUNYI)


def test_all_faults_of_a_sheet_are_listed_at_once() -> None:
    scores = {"innovation": Decimal("100.5"), "feasibility": Decimal(-1), "beauty": Decimal(3)}

    with pytest.raises(Refusal) as refused:
        check_sheet(scores=scores, reasons={"innovation": "好", "feasibility": " "}, policy=ZUNYI)

    assert refused.value.rule == "ZY-22"
    assert [detail.field for detail in refused.value.details] == [
        "scores.beauty",
        "scores.innovation",
        "scores.feasibility",
        "reasons.feasibility",
        "scores.sustainability",
        "reasons.sustainability",
    ]


def test_a_round_closes_with_all_sheets_only() -> None:
    check_complete(empty_seats=0, missing_sheets=0, policy=ZUNYI)
    with pytest.raises(Refusal, match="2") as missing:
        check_complete(empty_seats=0, missing_sheets=2, policy=ZUNYI)
    with pytest.raises(Refusal) as empty:
        check_complete(empty_seats=1, missing_sheets=0, policy=HUANGSHI)

    assert (missing.value.code, missing.value.rule) == ("review.sheets_missing", "ZY-23")
    assert (empty.value.code, empty.value.rule) == ("review.panel_incomplete", "SYS-PANEL")


def test_only_the_scheduler_may_leave_the_opinion_out() -> None:
    check_opinion(opinion="", generated_allowed=True, policy=ZUNYI)
    with pytest.raises(Refusal) as refused:
        check_opinion(opinion="  ", generated_allowed=False, policy=ZUNYI)

    assert refused.value.rule == "ZY-23"


def test_the_tally_is_the_mean_of_weighted_totals() -> None:
    result = tally(sheets=(_sheet("90", "80", "70"), _sheet("60", "60", "61")), policy=HUANGSHI)

    assert result.totals == (Decimal("80.00"), Decimal("60.33"))
    assert (result.mean, result.passed) == (Decimal("70.17"), True)


def test_weights_count() -> None:
    weights = {"innovation": Decimal(3), "feasibility": Decimal(1), "sustainability": Decimal(0)}
    policy = replace(HUANGSHI, review=replace(HUANGSHI.review, dimension_weights=weights))

    assert tally(sheets=(_sheet("100", "60", "0"),), policy=policy).mean == Decimal("90.00")


def test_exactly_the_pass_mark_passes_and_a_hair_less_does_not_even_where_rounding_would_reach_it() -> None:
    at = tally(sheets=(_sheet("60", "60", "60"),), policy=HUANGSHI)
    below = tally(sheets=(_sheet("60", "60", "59.99"),), policy=HUANGSHI)

    assert (at.mean, at.passed) == (Decimal("60.00"), True)
    assert (below.mean, below.passed) == (Decimal("59.99"), False)


@given(st.lists(st.integers(0, 100), min_size=3, max_size=3), st.integers(1, 7))
def test_equal_sheets_give_the_total_of_one(marks: list[int], experts: int) -> None:
    sheet = _sheet(*map(str, marks))

    assert tally(sheets=(sheet,) * experts, policy=HUANGSHI).mean == tally(sheets=(sheet,), policy=HUANGSHI).totals[0]


def test_no_sheet_is_no_result() -> None:
    with pytest.raises(ValueError, match="without a sheet"):
        tally(sheets=(), policy=HUANGSHI)


def _candidate(number: int, category: str, *ties: str) -> Candidate:
    return Candidate(f"exp-{number}", category, f"合成单位{number}", frozenset(ties))


def _substitute(
    *,
    alternates: tuple[Candidate, ...] = (),
    latecomers: tuple[Candidate, ...] = (),
    staying: tuple[str, ...] = ("relevant_unit",),
) -> str | None:
    chosen = choose_substitute(
        leaving="relevant_unit",
        staying=staying,
        alternates=alternates,
        latecomers=latecomers,
        conflicts_with=frozenset({UNIT}),
        seed="seed/6",
        policy=HUANGSHI,
    )
    return chosen.expert_id if chosen else None


def test_the_first_alternate_without_a_conflict_takes_the_seat() -> None:
    tied, free, later = (
        _candidate(1, "social_org_head", UNIT),
        _candidate(2, "university_professor"),
        _candidate(3, "relevant_unit"),
    )

    assert _substitute(alternates=(tied, free, later)) == "exp-2"


def test_a_category_below_its_minimum_is_filled_by_its_own_kind() -> None:
    alternates = (_candidate(2, "university_professor"), _candidate(3, "relevant_unit"))

    assert _substitute(alternates=alternates, staying=("university_professor",)) == "exp-3"


def test_who_joined_the_roster_later_is_drawn_when_no_alternate_is_left() -> None:
    assert _substitute(latecomers=(_candidate(9, "relevant_unit"),)) == "exp-9"


def test_a_seat_stays_empty_rather_than_going_to_somebody_in_conflict() -> None:
    tied = _candidate(9, "relevant_unit", UNIT)

    assert _substitute(alternates=(tied,), latecomers=(tied,)) is None


def test_a_panel_of_an_even_number_is_refused_where_policy_wants_an_odd_one() -> None:
    even = replace(HUANGSHI, review=replace(HUANGSHI.review, panel_size=6))
    either = replace(even, review=replace(even.review, panel_odd=False))

    with pytest.raises(Refusal) as refused:
        panel_size(policy=even)

    assert (refused.value.code, refused.value.facts["size"]) == ("review.panel_even", 6)
    assert panel_size(policy=HUANGSHI) == HUANGSHI.review.panel_size
    assert panel_size(policy=either) == 6
