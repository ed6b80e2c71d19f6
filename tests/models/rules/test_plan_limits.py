"""Money with a purpose is handed out whenever it can be, fund by fund, however the purposes cross and however many."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.plan_solver import HighsSolver
from models.rules.plan_limits import FULL, Limit, Purses, Room, handed_out
from models.rules.plan_programme import Aim, Candidate, Instance, Part, Purse
from models.rules.plan_search import as_shares, solve_plan
from tests.support.programmes import ALL, SETTINGS

AIM = Aim("baseline", ALL)
NAMES = ("f1", "f2", "f3", "f4")
SETS = st.sets(st.sampled_from(NAMES), min_size=1).map(lambda names: tuple(sorted(names)))
ASKS = st.lists(st.tuples(SETS, st.integers(1, 50)), min_size=1, max_size=6)
HELD = st.fixed_dictionaries({name: st.integers(0, 60) for name in NAMES})


def programme(asks: list[tuple[tuple[str, ...], int]], held: dict[str, int]) -> Instance:
    """Candidates (合成) that each ask an amount of a set of funds of one channel."""
    candidates = tuple(
        Candidate(f"p{at:03}", "unit", 10 + at, 8000, 1000, (Part("donation", fen, fen, funds),))
        for at, (funds, fen) in enumerate(asks)
    )
    purses = tuple(Purse(name, "donation", fen) for name, fen in sorted(held.items()))
    return Instance(candidates, purses, (), SETTINGS, (AIM,))


def possible(asks: list[tuple[tuple[str, ...], int]], held: dict[str, int]) -> bool:
    """Hall's condition, counted over every union of funds: nobody who may draw on no other asks more than they hold."""
    unions = (set(some) for size in range(1, len(NAMES) + 1) for some in combinations(NAMES, size))
    return all(
        sum(fen for funds, fen in asks if set(funds) <= union) <= sum(held[name] for name in union) for union in unions
    )


@settings(max_examples=150, deadline=None)
@given(asks=ASKS, held=HELD)
def test_all_get_theirs_exactly_when_some_way_of_handing_out_exists(
    asks: list[tuple[tuple[str, ...], int]], held: dict[str, int]
) -> None:
    """ZY-78, ZY-94: the same verdict as Hall's condition, and then each fund pays only whom it may, within what it
    holds."""
    limits = programme(asks, held).limits
    everybody = dict.fromkeys(range(len(asks)), FULL)

    short = Room(limits, everybody).short
    drawn = handed_out(limits=limits, shares=everybody)

    assert (not short) == possible(asks, held)
    spent = Counter[str]()
    for (place, _), parts in drawn.items():
        spent.update(parts)
        assert set(parts) <= set(asks[place][0])
        assert short or sum(parts.values()) == asks[place][1]
    assert all(spent[name] <= held[name] for name in NAMES)


@settings(max_examples=20, deadline=None)
@given(asks=ASKS, held=HELD)
def test_what_a_plan_takes_up_can_be_drawn_fund_by_fund(
    asks: list[tuple[tuple[str, ...], int]], held: dict[str, int]
) -> None:
    """What the solver finds possible is never refused when its lines are drafted."""
    instance = programme(asks, held)

    plan = solve_plan(instance=instance, aim=AIM, solve=HighsSolver().solve)
    shares = as_shares(instance=instance, lines={line.project: line.share for line in plan.lines})
    drawn = handed_out(limits=instance.limits, shares=shares)

    for line in plan.lines:
        parts = drawn[instance.places[line.project], "donation"]
        assert sum(parts.values()) >= line.money.get("donation", 0)


def test_two_hundred_donations_each_for_one_project_make_two_hundred_limits() -> None:
    """Not one for each of their unions: purposes of single projects are the rule among donations."""
    asks = [((f"gift-{at:03}", "open"), 100) for at in range(200)]
    held = {f"gift-{at:03}": 30 for at in range(200)} | {"open": 7_000}
    instance = programme(asks, held)

    plan = solve_plan(instance=instance, aim=AIM, solve=HighsSolver().solve)

    assert len(instance.limits) == 200
    assert 0 < sum(plan.money.values()) <= sum(held.values())


def test_who_comes_later_makes_who_came_earlier_draw_on_another_fund() -> None:
    """a may use one and two, b one and three: b needs all of one, so a draws on two."""
    purses = Purses.of(
        channel="c", held={"one": 100, "two": 100, "three": 100}, sets=[("one", "two"), ("one", "three")]
    )
    reach = [set(funds) for funds in purses.allowed]
    a, b = reach.index({"one", "two"}), reach.index({"one", "three"})
    limits = [Limit("c", {}, 200, purses, kind) for kind in range(2)]
    room = Room(limits, {})

    assert room.take(a, 150) == 150
    assert room.free(b, 200) == 150
    assert room.take(b, 200) == 150
    assert sum(room.given(a).values()) == 150
    assert sum(room.given(b).values()) == 150
    assert room.free(a, 1) == 0
