"""The tree of units and its sums: nothing is lost, nothing counts twice, wherever the projects stand."""

from __future__ import annotations

import random

import pytest

from models.core.errors import Refusal
from models.rules.units import Placed, Unit, check_place, roll_up, walk

ROOT = Unit("520300", "合成市", "city", None)
COUNTY = Unit("c1", "合成县", "county", "520300")
_LEVELS = ("city", "county", "township", "village")


def _tree(seed: int) -> list[Unit]:
    draw = random.Random(seed)  # noqa: S311  no secret depends on it
    units = [ROOT]
    for depth in range(1, 4):
        above = [unit for unit in units if unit.level == _LEVELS[depth - 1]]
        units += [
            Unit(f"{_LEVELS[depth]}-{number}", f"合成{number}", _LEVELS[depth], draw.choice(above).code)
            for number in range(draw.randrange(1, 9))
        ]
    return units


@pytest.mark.parametrize("seed", range(25))
def test_every_total_is_its_own_plus_those_below_and_the_top_holds_everything(seed: int) -> None:
    units = _tree(seed)
    draw = random.Random(seed + 1000)  # noqa: S311  no secret depends on it
    placed = [
        Placed(f"p{number}", draw.choice(units).code, draw.choice((None, 100, 2_500)), draw.random() < 0.2)
        for number in range(draw.randrange(0, 60))
    ]

    sums = roll_up(units=units, placed=placed)

    assert set(sums) == {unit.code for unit in units}
    for unit in units:
        here, below = sums[unit.code], [sums[code] for code in sums[unit.code].children]
        assert here.projects == here.own_projects + sum(one.projects for one in below)
        assert here.fen == here.own_fen + sum(one.fen for one in below)
    top = sums[ROOT.code]
    assert top.projects + top.left == len(placed)
    assert top.fen == sum(one.amount_fen or 0 for one in placed if not one.left)


def test_a_project_moved_changes_two_sums_and_none_above_them() -> None:
    units = [ROOT, COUNTY, Unit("t1", "合成乡一", "township", "c1"), Unit("t2", "合成乡二", "township", "c1")]

    before = roll_up(units=units, placed=[Placed("p", "t1", 500, False)])
    after = roll_up(units=units, placed=[Placed("p", "t2", 500, False)])

    assert (before["t1"].projects, before["t2"].projects) == (1, 0)
    assert (after["t1"].projects, after["t2"].projects) == (0, 1)
    assert before["c1"] == after["c1"]
    assert before["520300"] == after["520300"]


def test_a_project_at_an_unknown_unit_is_never_dropped_silently() -> None:
    with pytest.raises(KeyError):
        roll_up(units=[ROOT], placed=[Placed("p", "nowhere", 1, False)])


def test_the_walk_goes_from_the_top_down_each_unit_before_those_below() -> None:
    town = Unit("t1", "合成乡", "township", "c1")

    assert [(depth, unit.code) for depth, unit in walk([town, COUNTY, ROOT])] == [(0, "520300"), (1, "c1"), (2, "t1")]


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (Unit("t1", "合成乡", "township", "520300"), "unit.level_wrong"),
        (Unit("x", "合成市", "city", "520300"), "unit.level_wrong"),
        (Unit("t1", "合成乡", "township", "c9"), "unit.parent_unknown"),
    ],
)
def test_a_unit_stands_one_level_below_its_parent(unit: Unit, code: str) -> None:
    check_place(unit=COUNTY, units={ROOT.code: ROOT})

    with pytest.raises(Refusal) as caught:
        check_place(unit=unit, units={ROOT.code: ROOT, COUNTY.code: COUNTY})

    assert (caught.value.code, caught.value.rule) == (code, "ZY-43")
