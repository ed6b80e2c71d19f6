"""The quarterly programme: every plan holds to the fen, no channel helps another, and the same facts give one plan."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.plan_solver import HighsSolver
from models.core.errors import Refusal
from models.core.hashing import canonical_json
from models.policy.resolver import load_policy_book
from models.rules.plan_left_out import BALANCE, BARRED, NO_MONEY, SHARE, explain
from models.rules.plan_limits import FULL
from models.rules.plan_programme import (
    Aim,
    Candidate,
    Ceiling,
    Instance,
    Part,
    Plan,
    Purse,
    Score,
    check_carry_over,
    exceeded,
    instance_of,
)
from models.rules.plan_search import as_shares, by_density, greedy, solve_plan
from tests.support.programmes import ALL, SETTINGS, made_up

_DAY = date(2025, 4, 1)
POLICY = load_policy_book()
SOLVE = HighsSolver().solve
BASELINE = Aim("baseline", ALL)
PLAIN = Aim("plain", ("coverage", "score"))
SMALL = settings(max_examples=15, deadline=None)


def one(project: str, fen: int, *, people: int = 100, score: int = 8000, **more: object) -> Candidate:
    """A candidate that asks one channel's ceiling for its money."""
    parts = (Part("local_budget", fen),)
    return replace(Candidate(project, "unit", people, score, 1000, parts), **more)  # type: ignore[arg-type]


def programme(*candidates: Candidate, ceiling: int, aim: Aim = PLAIN, **changes: object) -> Instance:
    """A programme of one channel without floors."""
    stated = replace(SETTINGS, **{"floor_projects": 0, "least": FULL, "gap_limit": "0.000001", **changes})  # type: ignore[arg-type]
    return Instance(candidates, (), (Ceiling("local_budget", ceiling),), stated, (aim,))


def shares(plan: Plan) -> dict[str, int]:
    return {line.project: line.share for line in plan.lines}


def recount(instance: Instance, plan: Plan) -> None:
    """Add a plan up from its lines, in whole fen, by other code than the programme's own."""
    by_project = {candidate.project: candidate for candidate in instance.candidates}
    for ceiling in instance.ceilings:
        assert sum(line.money.get(ceiling.channel, 0) for line in plan.lines) <= ceiling.amount
    for channel in {purse.channel for purse in instance.purses}:
        for reach in ({f"{channel}-any"}, {f"{channel}-any", f"{channel}-some"}):
            held = sum(purse.amount for purse in instance.purses if purse.fund in reach)
            drawn = sum(
                part.pool * line.share // FULL
                for line in plan.lines
                for part in by_project[line.project].parts
                if part.channel == channel and part.pool and set(part.funds) <= reach
            )
            assert drawn <= held
    for line in plan.lines:
        candidate = by_project[line.project]
        asked = {part.channel: part.now for part in candidate.parts}
        assert all(fen <= asked[channel] for channel, fen in line.money.items())
        assert line.share == FULL or instance.settings.least <= line.share < FULL
        assert candidate.carry_over or candidate.effect != "none"
    carried = {candidate.project for candidate in instance.candidates if candidate.carry_over}
    assert carried <= {line.project for line in plan.lines if line.share == FULL}


@SMALL
@given(seed=st.integers(0, 10**6), candidates=st.integers(1, 30), channels=st.integers(1, 3))
def test_every_plan_holds_in_whole_fen_and_is_never_worse_than_the_greedy_one(
    seed: int, candidates: int, channels: int
) -> None:
    """Limits, earmarks, carry-over and bars are counted again from the lines; the bound is never passed."""
    instance = made_up(candidates=candidates, channels=channels, seed=seed, units=4)
    if exceeded(instance=instance, shares=instance.carried):
        return

    plan = solve_plan(instance=instance, aim=BASELINE, solve=SOLVE)
    score = Score(instance, BASELINE)
    objective = score.objective(as_shares(instance=instance, lines=shares(plan)))

    recount(instance, plan)
    assert objective >= score.objective(greedy(score=score, order=by_density(score)))
    assert plan.objective <= objective <= plan.bound
    assert Fraction(plan.gap) <= Fraction("0.001")


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6), shuffle=st.integers(0, 10**6))
def test_the_same_facts_give_the_same_bytes_in_whatever_order_they_come(seed: int, shuffle: int) -> None:
    """Decision 29."""
    instance = made_up(candidates=20, channels=2, seed=seed, units=3)
    policy = POLICY.resolve(region="340000", on=_DAY)
    mixed = random.Random(shuffle)  # noqa: S311  # recorded seed
    again = [list(rows) for rows in (instance.candidates, instance.purses, instance.ceilings)]
    for rows in again:
        mixed.shuffle(rows)
    first = instance_of(
        candidates=instance.candidates, purses=instance.purses, ceilings=instance.ceilings, policy=policy
    )
    second = instance_of(candidates=again[0], purses=again[1], ceilings=again[2], policy=policy)  # type: ignore[arg-type]
    if exceeded(instance=first, shares=first.carried):
        return

    plans = [solve_plan(instance=made, aim=made.aims[0], solve=SOLVE) for made in (first, second, first)]

    assert len({canonical_json(asdict(plan)) for plan in plans}) == 1


def test_a_channel_does_not_help_another() -> None:
    """ZY-10: one channel is short, the other full; the project that needs the short one stays out."""
    rich = replace(one("rich", 0), parts=(Part("donation", 100),))
    poor = one("poor", 100, people=900)
    instance = programme(rich, poor, ceiling=99)

    plan = solve_plan(instance=instance, aim=PLAIN, solve=SOLVE)

    assert shares(plan) == {"rich": FULL}
    assert plan.money == {"donation": 100}


def test_what_was_begun_goes_first_however_little_it_is_worth() -> None:
    """Carry-over stays in full, even of a unit that gets nothing new; what is left goes by worth."""
    begun = one("begun", 60, people=1, score=6000, carry_over=True, effect="none")
    instance = programme(begun, one("new", 60, people=900), one("small", 40, people=10), ceiling=100)

    assert set(shares(solve_plan(instance=instance, aim=PLAIN, solve=SOLVE))) == {"begun", "small"}


def test_money_that_does_not_carry_on_what_was_begun_is_refused_with_what_is_missing() -> None:
    """ZY-78 in Zunyi."""
    instance = programme(one("begun", 300, carry_over=True), ceiling=100)

    with pytest.raises(Refusal) as caught:
        check_carry_over(instance=instance, policy=POLICY.resolve(region="520300", on=_DAY))

    assert (caught.value.code, caught.value.rule) == ("funding.carry_over_short", "ZY-78")
    assert caught.value.facts["short"] == "2.00"


def test_a_unit_with_something_to_offer_has_its_project_before_another_has_a_second() -> None:
    """The floor is soft: it weighs twice the worthiest project, and what it misses is told."""
    here, there = one("a", 50, people=300), one("b", 50, people=300)
    far = one("c", 50, people=1, unit="far")
    instance = programme(here, there, far, ceiling=100, floor_projects=1)

    plan = solve_plan(instance=instance, aim=PLAIN, solve=SOLVE)
    tight = solve_plan(instance=replace(instance, ceilings=(Ceiling("local_budget", 50),)), aim=PLAIN, solve=SOLVE)

    assert "c" in shares(plan)
    assert all(floor.got == floor.wanted for floor in plan.floors)
    assert [floor.unit for floor in tight.floors if floor.got < floor.wanted] == ["far"]


def test_social_organisations_get_their_share_of_new_money_and_what_is_missing_is_told() -> None:
    """AH-19: a share, softly: the plan with it loses worth, the one without takes the worthiest."""
    firm, club = one("firm", 100, people=110), one("club", 100, people=100, social=True)
    aim = Aim("share", (*PLAIN.terms, "social_share"))

    with_share = solve_plan(instance=programme(firm, club, ceiling=100, aim=aim), aim=aim, solve=SOLVE)
    without = solve_plan(instance=programme(firm, club, ceiling=100), aim=PLAIN, solve=SOLVE)
    alone = solve_plan(instance=programme(firm, ceiling=100, aim=aim), aim=aim, solve=SOLVE)

    assert (set(shares(with_share)), with_share.social_short) == ({"club"}, 0)
    assert set(shares(without)) == {"firm"}
    assert (set(shares(alone)), alone.social, alone.social_short) == ({"firm"}, 0, 30)


def test_a_project_may_be_cut_to_the_least_share_and_no_further() -> None:
    """Eighty of a hundred are arranged, seventy-nine are not."""
    least = {"least": 8000}

    cut = solve_plan(instance=programme(one("a", 100), ceiling=80, **least), aim=PLAIN, solve=SOLVE)
    out = solve_plan(instance=programme(one("a", 100), ceiling=79, **least), aim=PLAIN, solve=SOLVE)

    assert (shares(cut), cut.money) == ({"a": 8000}, {"local_budget": 80})
    assert (out.lines, out.money) == ((), {})


def test_money_for_some_only_is_not_counted_for_all() -> None:
    """A fund with a purpose: the project it does not fit stays out although the channel as a whole would do."""
    other = replace(one("other", 0), parts=(Part("donation", 100, 100, ("any",)),))
    fitting = replace(one("fitting", 0, people=1), parts=(Part("donation", 100, 100, ("any", "some")),))
    purses = (Purse("any", "donation", 60), Purse("some", "donation", 100))
    instance = replace(programme(other, fitting, ceiling=0), ceilings=(), purses=purses)

    assert set(shares(solve_plan(instance=instance, aim=PLAIN, solve=SOLVE))) == {"fitting"}


def with_score(instance: Instance, project: str, score: int) -> Instance:
    changed = (replace(one, score=score) if one.project == project else one for one in instance.candidates)
    return replace(instance, candidates=tuple(changed))


# --- what is left out -----------------------------------------------------------------------------------------------


def _told(instance: Instance, project: str, aim: Aim = PLAIN) -> tuple[object, Plan]:
    plan = solve_plan(instance=instance, aim=aim, solve=SOLVE)
    answer = explain(
        instance=instance, scenario=aim.code, lines=shares(plan), project=project, score_max=10000, solve=SOLVE
    )
    return answer, plan


def test_a_project_left_out_is_told_the_money_and_the_score_that_would_let_it_in() -> None:
    """With one hundredth less it stays out, with the score named it is in; the same with the money named."""
    instance = programme(one("in", 100, people=110), one("out", 100, people=100), ceiling=150)

    answer, _ = _told(instance, "out")

    assert (answer.why, answer.short, answer.displaced) == (BALANCE, {"local_budget": 50}, ("in",))  # type: ignore[attr-defined]
    assert answer.score == 8801  # type: ignore[attr-defined]  # 110 × 80 points, and a hundredth more
    for score, expected in ((8801, {"out"}), (8799, {"in"})):
        raised = programme(one("in", 100, people=110), one("out", 100, score=score), ceiling=150)
        assert set(shares(solve_plan(instance=raised, aim=PLAIN, solve=SOLVE))) == expected
    richer = replace(instance, ceilings=(Ceiling("local_budget", 200),))
    assert set(shares(solve_plan(instance=richer, aim=PLAIN, solve=SOLVE))) == {"in", "out"}


@SMALL
@given(seed=st.integers(0, 10**6))
def test_the_score_named_makes_the_other_plan_worth_more(seed: int) -> None:
    """Whatever the programme: at that score the plan with the project beats the present one."""
    instance = made_up(candidates=15, channels=2, seed=seed, units=3)
    if exceeded(instance=instance, shares=instance.carried):
        return
    plan = solve_plan(instance=instance, aim=BASELINE, solve=SOLVE)
    for candidate in instance.candidates:
        if candidate.project in shares(plan):
            continue
        answer = explain(
            instance=instance,
            scenario="baseline",
            lines=shares(plan),
            project=candidate.project,
            score_max=10**6,
            solve=SOLVE,
        )
        if answer.score is None:
            assert candidate.barred or answer.short or answer.why == SHARE
            continue
        score = Score(with_score(instance, candidate.project, answer.score), BASELINE)
        now, then = (
            score.objective(as_shares(instance=instance, lines=lines)) for lines in (shares(plan), answer.instead)
        )
        assert exceeded(instance=instance, shares=as_shares(instance=instance, lines=answer.instead)) == {}
        assert then > now
        assert answer.score >= candidate.score


def test_a_barred_project_and_one_without_money_are_told_so() -> None:
    """ZY-111, and no budget."""
    instance = programme(one("a", 10), one("b", 10, effect="none"), replace(one("c", 0), parts=()), ceiling=100)

    assert [_told(instance, name)[0].why for name in "bc"] == [BARRED, NO_MONEY]  # type: ignore[attr-defined]
    for name, code in (("a", "funding.not_left_out"), ("z", "funding.not_a_candidate")):
        with pytest.raises(Refusal) as caught:
            _told(instance, name)
        assert caught.value.code == code
