"""Rules of the needs survey: classes, ages, strata, and a draw that fills every stratum whenever that is possible."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.core.errors import Refusal
from models.policy.resolver import load_policy_book
from models.rules.needs import (
    Adjustment,
    AgeBand,
    Member,
    age_band,
    check_classes,
    select,
    wanted_counts,
)

ON = date(2016, 3, 1)
HUANGSHI = load_policy_book().resolve(region="420200", on=ON)
ZUNYI = load_policy_book().resolve(region="520300", on=date(2025, 3, 1))
ALL_CLASSES = ("URBAN_DIBAO", "RURAL_DIBAO", "RURAL_WUBAO")


def _member(number: int, **flags: object) -> Member:
    plain = Member(
        id=f"per-{number:05d}",
        age_band=AgeBand.ADULT,
        lives_alone=False,
        disabled=False,
        severely_ill=False,
        single_parent_student=False,
        willing=True,
    )
    return replace(plain, **flags)  # type: ignore[arg-type]


def _pool(elderly: int = 100, students: int = 100, disabled: int = 100, ill: int = 100) -> list[Member]:
    """Members who each fit exactly one stratum."""
    groups = (
        (elderly, {"age_band": AgeBand.ELDERLY, "lives_alone": True}),
        (students, {"age_band": AgeBand.MINOR, "single_parent_student": True}),
        (disabled, {"disabled": True}),
        (ill, {"severely_ill": True}),
    )
    flags = [flag for count, flag in groups for _ in range(count)]
    return [_member(number, **flag) for number, flag in enumerate(flags)]


def test_full_survey_covers_the_three_classes() -> None:
    check_classes(classes=ALL_CLASSES, policy=HUANGSHI)


def test_full_survey_without_a_class_is_refused_where_the_rule_binds() -> None:
    with pytest.raises(Refusal) as caught:
        check_classes(classes=("URBAN_DIBAO", "RURAL_DIBAO"), policy=HUANGSHI)

    assert caught.value.rule == "HS-03"
    assert "农村五保户" in caught.value.message


def test_other_regions_choose_their_classes() -> None:
    check_classes(classes=("TEKUN",), policy=ZUNYI)


@pytest.mark.parametrize("classes", [(), ("NOBODY", *ALL_CLASSES)])
def test_unknown_or_no_class_is_refused(classes: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as caught:
        check_classes(classes=classes, policy=HUANGSHI)

    assert caught.value.code == "needs.class_unknown"


@pytest.mark.parametrize(
    ("birth", "band"),
    [
        (date(1998, 3, 2), AgeBand.MINOR),
        (date(1998, 3, 1), AgeBand.ADULT),
        (date(1956, 3, 2), AgeBand.ADULT),
        (date(1956, 3, 1), AgeBand.ELDERLY),
    ],
)
def test_age_counts_completed_years(birth: date, band: AgeBand) -> None:
    assert age_band(birth=birth, on=ON, policy=HUANGSHI) is band


def test_somebody_born_on_29_february_is_of_age_on_1_march() -> None:
    assert age_band(birth=date(1996, 2, 29), on=date(2014, 2, 28), policy=HUANGSHI) is AgeBand.MINOR
    assert age_band(birth=date(1996, 2, 29), on=date(2014, 3, 1), policy=HUANGSHI) is AgeBand.ADULT


def test_policy_wants_a_hundred_a_stratum() -> None:
    assert wanted_counts(adjustments={}, policy=HUANGSHI) == {
        "elderly_alone": 100,
        "single_parent_minor_student": 100,
        "disabled": 100,
        "severely_ill": 100,
    }


def test_adjustment_with_reason_holds() -> None:
    wanted = wanted_counts(adjustments={"disabled": Adjustment(97, "三人已迁出")}, policy=HUANGSHI)

    assert wanted["disabled"] == 97
    assert wanted["severely_ill"] == 100


@pytest.mark.parametrize("reason", ["", "  "])
def test_stratum_of_97_without_a_note_is_refused(reason: str) -> None:
    with pytest.raises(Refusal) as caught:
        wanted_counts(adjustments={"disabled": Adjustment(97, reason)}, policy=HUANGSHI)

    assert caught.value.rule == "HS-05"
    assert "残疾人" in caught.value.message


def test_naming_the_stated_number_is_no_adjustment() -> None:
    assert wanted_counts(adjustments={"disabled": Adjustment(100, "")}, policy=HUANGSHI)["disabled"] == 100


def test_unknown_stratum_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        wanted_counts(adjustments={"students": Adjustment(5, "试点")}, policy=HUANGSHI)

    assert caught.value.code == "needs.stratum_unknown"


def test_region_without_strata_cannot_select() -> None:
    with pytest.raises(Refusal) as caught:
        wanted_counts(adjustments={}, policy=ZUNYI)

    assert caught.value.code == "policy.unset"


def test_draw_fills_four_strata_with_distinct_persons() -> None:
    drawn = select(members=_pool(), wanted=wanted_counts(adjustments={}, policy=HUANGSHI), seed="s", policy=HUANGSHI)

    chosen = [person for stratum in drawn.chosen.values() for person in stratum]
    assert [len(stratum) for stratum in drawn.chosen.values()] == [100, 100, 100, 100]
    assert len(set(chosen)) == 400


def test_stratum_with_97_people_is_short() -> None:
    with pytest.raises(Refusal) as caught:
        select(
            members=_pool(disabled=97),
            wanted=wanted_counts(adjustments={}, policy=HUANGSHI),
            seed="s",
            policy=HUANGSHI,
        )

    assert caught.value.rule == "HS-05"
    assert "残疾人(只能选出97名,应选100名)" in caught.value.message


def test_person_who_fits_two_strata_moves_to_the_one_that_needs_her() -> None:
    both = _member(1, disabled=True, severely_ill=True)
    only_ill = _member(2, severely_ill=True)
    only_disabled = _member(3, disabled=True)

    for seed in ("a", "b", "c", "d", "e"):
        drawn = select(
            members=[both, only_ill, only_disabled],
            wanted={"disabled": 1, "severely_ill": 2},
            seed=seed,
            policy=HUANGSHI,
        )

        assert drawn.chosen["disabled"] == (only_disabled.id,)
        assert set(drawn.chosen["severely_ill"]) == {both.id, only_ill.id}


def test_unwilling_person_is_never_drawn() -> None:
    unwilling = _member(1, disabled=True, willing=False)

    with pytest.raises(Refusal) as caught:
        select(members=[unwilling], wanted={"disabled": 1}, seed="s", policy=HUANGSHI)

    assert caught.value.code == "needs.stratum_short"


def test_lonely_adult_and_grown_student_fit_no_stratum() -> None:
    members = [_member(1, lives_alone=True), _member(2, single_parent_student=True)]

    for stratum in ("elderly_alone", "single_parent_minor_student"):
        with pytest.raises(Refusal):
            select(members=members, wanted={stratum: 1}, seed="s", policy=HUANGSHI)


def test_same_seed_same_people_other_seed_others() -> None:
    members = _pool(elderly=300, students=300, disabled=300, ill=300)
    wanted = wanted_counts(adjustments={}, policy=HUANGSHI)

    once = select(members=members, wanted=wanted, seed="2016", policy=HUANGSHI)
    again = select(members=list(reversed(members)), wanted=wanted, seed="2016", policy=HUANGSHI)
    other = select(members=members, wanted=wanted, seed="2017", policy=HUANGSHI)

    assert once == again
    assert once.pool_digest == other.pool_digest
    assert once.chosen != other.chosen


def test_draw_without_a_seed_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        select(members=_pool(), wanted={"disabled": 1}, seed=" ", policy=HUANGSHI)

    assert caught.value.code == "needs.seed_missing"


@settings(max_examples=60, deadline=None)
@given(
    flags=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=14),
    disabled=st.integers(0, 5),
    ill=st.integers(0, 5),
    alone=st.integers(0, 5),
    seed=st.text(min_size=1, max_size=4).filter(str.strip),
)
def test_draw_fails_only_when_no_distribution_exists(
    flags: list[tuple[bool, bool, bool]], disabled: int, ill: int, alone: int, seed: str
) -> None:
    """Hall's condition on the three strata says whether distinct persons can fill them all."""
    members = [
        _member(
            number,
            disabled=one,
            severely_ill=two,
            lives_alone=three,
            age_band=AgeBand.ELDERLY,
        )
        for number, (one, two, three) in enumerate(flags)
    ]
    wanted = {"disabled": disabled, "severely_ill": ill, "elderly_alone": alone}
    places = {"disabled": 0, "severely_ill": 1, "elderly_alone": 2}
    possible = all(
        sum(1 for flag in flags if any(flag[places[code]] for code in group)) >= sum(wanted[code] for code in group)
        for group in _groups(tuple(wanted))
    )

    try:
        drawn = select(members=members, wanted=wanted, seed=seed, policy=HUANGSHI)
    except Refusal:
        assert not possible
        return

    assert possible
    assert {code: len(chosen) for code, chosen in drawn.chosen.items()} == wanted
    everyone = [person for chosen in drawn.chosen.values() for person in chosen]
    assert len(everyone) == len(set(everyone))


def _groups(codes: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [tuple(code for index, code in enumerate(codes) if mask >> index & 1) for mask in range(1, 2 ** len(codes))]
