"""Score forensics: the ways to sum up side by side, rater severity, ranks, what one rater would flip."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rules.forensics import METHODS, Forensics, Sheet, examine


def _examined(rows: dict[str, dict[str, int]], *, mark: int = 60, limit: int = 20, trim: int = 1) -> Forensics:
    sheets = [Sheet(item, rater, Fraction(total)) for item, row in rows.items() for rater, total in row.items()]
    return examine(sheets=sheets, pass_mark=Fraction(mark), trim_each_side=trim, outlier_points=Fraction(limit))


def test_all_methods_stand_side_by_side() -> None:
    found = _examined({"a": {"r1": 90, "r2": 80, "r3": 10}, "b": {"r1": 70, "r2": 60, "r3": 50}})

    one = found.standings["a"]
    assert dict(one.values) == {
        "mean": 60.0,
        "trimmed_mean": 80.0,
        "median": 80.0,
        "adjusted": 60.0,
        "rank_points": Decimal("0.666667"),
    }
    assert tuple(one.values) == METHODS
    assert one.sheets == 3


def test_ranks_range_from_the_best_to_the_worst_method() -> None:
    """One low sheet pulls the mean of ``a`` below ``b``; the median and two raters of three put it first."""
    found = _examined({"a": {"r1": 90, "r2": 80, "r3": 0}, "b": {"r1": 70, "r2": 60, "r3": 50}})

    assert dict(found.standings["a"].ranks) == {
        "mean": 2, "trimmed_mean": 1, "median": 1, "adjusted": 2, "rank_points": 1,
    }  # fmt: skip
    assert (found.standings["a"].rank_best, found.standings["a"].rank_worst) == (1, 2)


def test_equal_items_share_the_better_rank() -> None:
    found = _examined({"a": {"r": 80}, "b": {"r": 80}, "c": {"r": 10}})

    assert [found.standings[item].ranks["mean"] for item in "abc"] == [1, 1, 3]


def test_a_strict_rater_does_not_sink_the_item_that_happened_to_get_them() -> None:
    """``hard`` gives 20 less than ``soft`` on the common items: adjusted, ``b`` (hard only) is as good as ``a``."""
    rows = {
        "x": {"soft": 80, "hard": 60},
        "y": {"soft": 70, "hard": 50},
        "a": {"soft": 90},
        "b": {"hard": 70},
    }

    found = _examined(rows)

    assert found.severity == {"hard": 10.0, "soft": -10.0}
    assert found.standings["a"].values["adjusted"] == found.standings["b"].values["adjusted"] == 80.0
    assert found.standings["a"].values["mean"] > found.standings["b"].values["mean"]


def test_a_rater_seen_once_is_named_because_the_model_cannot_judge_them() -> None:
    found = _examined({"a": {"r1": 90, "r2": 10}, "b": {"r1": 90}})

    assert found.undetermined == ("r2",)


def test_a_lone_item_keeps_its_mean_and_has_no_rank_points() -> None:
    found = _examined({"a": {"r1": 90, "r2": 60, "r3": 30}})

    assert found.standings["a"].values["adjusted"] == 60.0
    assert "rank_points" not in found.standings["a"].values
    assert found.standings["a"].rank_worst == 1


@pytest.mark.parametrize(
    ("totals", "flipped"),
    [
        ({"r1": 60, "r2": 60, "r3": 60}, ()),
        ({"r1": 100, "r2": 45, "r3": 45}, ("r1",)),
        ({"r1": 10, "r2": 70, "r3": 70}, ("r1",)),
        ({"r1": 50, "r2": 60, "r3": 70}, ("r3",)),  # exactly at the mark: without the best it fails
        ({"r1": 30}, ()),
    ],
)
def test_it_says_whose_leaving_would_flip_the_verdict(totals: dict[str, int], flipped: tuple[str, ...]) -> None:
    assert _examined({"a": totals}).standings["a"].flipped_by == flipped


def test_a_third_of_a_point_is_not_lost_at_the_mark() -> None:
    sheets = [Sheet("a", f"r{n}", Fraction(60) + Fraction(n - 1, 3)) for n in range(3)]

    found = examine(sheets=sheets, pass_mark=Fraction(60), trim_each_side=1, outlier_points=Fraction(20))

    assert found.standings["a"].passes["mean"]


def test_outliers_are_shown_and_still_counted() -> None:
    found = _examined({"a": {"r1": 90, "r2": 80, "r3": 60}})

    assert [(one.rater, one.total, one.distance) for one in found.standings["a"].outliers] == [("r3", 60.0, -20.0)]
    assert found.standings["a"].values["mean"] == Decimal("76.666667")


def test_two_sheets_of_one_rater_on_one_item_are_a_fault() -> None:
    twice = [Sheet("a", "r", Fraction(1)), Sheet("a", "r", Fraction(2))]
    with pytest.raises(ValueError, match="two sheets"):
        examine(sheets=twice, pass_mark=Fraction(60), trim_each_side=1, outlier_points=Fraction(20))


_rows = st.dictionaries(
    st.sampled_from("abcdef"),
    st.dictionaries(st.sampled_from(("r1", "r2", "r3", "r4", "r5")), st.integers(0, 100), min_size=1),
    min_size=1,
)


@settings(deadline=None)  # the machine may be busy
@given(_rows)
def test_the_adjusted_scores_are_the_least_squares_solution(rows: dict[str, dict[str, int]]) -> None:
    """At the solution the residuals of every item and of every rater sum to zero, whatever cells are missing."""
    found = _examined(rows)
    rest = {
        (item, rater): total - found.standings[item].values["adjusted"] + found.severity[rater]
        for item, row in rows.items()
        for rater, total in row.items()
    }

    for item in rows:
        assert abs(sum(value for (one, _), value in rest.items() if one == item)) < 1e-3
    for rater in found.severity:
        assert abs(sum(value for (_, one), value in rest.items() if one == rater)) < 1e-3
    assert abs(sum(found.severity.values())) < 1e-3


@settings(deadline=None)  # the machine may be busy
@given(_rows, st.permutations(range(30)))
def test_the_order_of_the_sheets_does_not_matter(rows: dict[str, dict[str, int]], order: list[int]) -> None:
    sheets = [Sheet(item, rater, Fraction(total)) for item, row in rows.items() for rater, total in row.items()]
    mixed = [sheets[place] for place in order if place < len(sheets)]
    given_ = {"pass_mark": Fraction(60), "trim_each_side": 1, "outlier_points": Fraction(20)}

    assert examine(sheets=sheets, **given_) == examine(sheets=mixed, **given_)  # type: ignore[arg-type]


@settings(deadline=None)  # the machine may be busy
@given(_rows)
def test_with_every_cell_there_the_adjusted_scores_are_the_means(rows: dict[str, dict[str, int]]) -> None:
    full = {item: {rater: row.get(rater, 50) for rater in ("r1", "r2", "r3")} for item, row in rows.items()}

    found = _examined(full)

    for item in full:
        assert found.standings[item].values["adjusted"] == found.standings[item].values["mean"]
