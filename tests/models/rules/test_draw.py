"""The verifiable draw: never a conflicted candidate; the same seed and people give the same draw."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.core.errors import Refusal
from models.core.hashing import sha256_hex
from models.rules.draw import Candidate, Draw, commitment_of, draw, protocol_of, verify

ORGANISATIONS = ("甲社工中心", "乙社工中心", "丙大学", "丁医院", "戊协会")
CATEGORIES = ("社会工作", "财政", "审计")

candidates = st.lists(
    st.builds(
        Candidate,
        id=st.integers(0, 999).map(lambda number: f"e-{number:03d}"),
        category=st.sampled_from(CATEGORIES),
        employer=st.sampled_from(ORGANISATIONS),
        ties=st.frozensets(st.sampled_from(ORGANISATIONS), max_size=2),
        past_roles=st.frozensets(st.sampled_from(ORGANISATIONS), max_size=1),
        kin=st.frozensets(st.sampled_from(ORGANISATIONS), max_size=1),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda one: one.id,
).map(tuple)
bidders = st.frozensets(st.sampled_from(ORGANISATIONS), max_size=3)
seeds = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip()))


def _eligible(roster: tuple[Candidate, ...], conflicts: frozenset[str]) -> list[Candidate]:
    return [one for one in roster if not {one.employer, *one.ties, *one.past_roles, *one.kin} & conflicts]


def _roster(count: int, *, employer: str = "丙大学") -> tuple[Candidate, ...]:
    return tuple(Candidate(f"e-{n:02d}", CATEGORIES[n % 3], employer) for n in range(count))


def _plain_draw(**changes: Any) -> Draw:
    arguments: dict[str, Any] = {
        "roster": _roster(9),
        "conflicts_with": frozenset(),
        "size": 3,
        "quotas": {},
        "seed": "2016-05-04",
    }
    return draw(**(arguments | changes))


@settings(deadline=None)  # the machine may be busy
@given(roster=candidates, conflicts=bidders, seed=seeds, data=st.data())
def test_whoever_is_drawn_is_free_of_conflict_and_as_many_as_asked(
    roster: tuple[Candidate, ...], conflicts: frozenset[str], seed: str, data: st.DataObject
) -> None:
    """Size is respected, nobody twice, nobody in conflict; chosen, alternates and excluded share out the roster."""
    free = _eligible(roster, conflicts)
    if not free:
        with pytest.raises(Refusal):
            draw(roster=roster, conflicts_with=conflicts, size=1, quotas={}, seed=seed)
        return
    size = data.draw(st.integers(1, len(free)))

    drawn = draw(roster=roster, conflicts_with=conflicts, size=size, quotas={}, seed=seed)

    assert len(drawn.chosen) == size == len(set(drawn.chosen))
    assert set(drawn.chosen) | set(drawn.alternates) == {one.id for one in free}
    assert {name for name, _ in drawn.excluded} == {one.id for one in roster} - {one.id for one in free}
    assert not set(drawn.chosen) & set(drawn.alternates)


@settings(deadline=None)  # the machine may be busy
@given(roster=candidates, seed=seeds, permutation=st.permutations(range(40)))
def test_the_order_of_the_roster_does_not_matter(
    roster: tuple[Candidate, ...], seed: str, permutation: list[int]
) -> None:
    """The same people in another order give the same draw."""
    other = [roster[index] for index in permutation if index < len(roster)]

    first = draw(roster=roster, conflicts_with=frozenset(), size=len(roster), quotas={}, seed=seed)
    second = draw(roster=tuple(other), conflicts_with=frozenset(), size=len(roster), quotas={}, seed=seed)

    assert first == second


@settings(deadline=None)  # the machine may be busy
@given(roster=candidates, conflicts=bidders, seed=seeds)
def test_a_protocol_survives_json_and_draws_the_same_again(
    roster: tuple[Candidate, ...], conflicts: frozenset[str], seed: str
) -> None:
    """What is stored is enough to draw again."""
    free = _eligible(roster, conflicts)
    if not free:
        return
    quotas = {free[0].category: 1}
    drawn = draw(roster=roster, conflicts_with=conflicts, size=1, quotas=quotas, seed=seed)

    protocol = protocol_of(roster=roster, conflicts_with=conflicts, size=1, quotas=quotas, drawn=drawn)

    assert verify(json.loads(json.dumps(protocol))) == ()


@settings(deadline=None)  # the machine may be busy
@given(roster=candidates, seed=seeds, data=st.data())
def test_quotas_by_category_are_filled(roster: tuple[Candidate, ...], seed: str, data: st.DataObject) -> None:
    """At least as many of a category as asked are among the chosen."""
    category = data.draw(st.sampled_from(CATEGORIES))
    wanted = sum(1 for one in roster if one.category == category)
    size = data.draw(st.integers(max(wanted, 1), len(roster)))

    drawn = draw(roster=roster, conflicts_with=frozenset(), size=size, quotas={category: wanted}, seed=seed)

    by_id = {one.id: one for one in roster}
    assert sum(1 for name in drawn.chosen if by_id[name].category == category) >= wanted
    assert len(drawn.chosen) == size


def test_the_draw_of_a_known_seed_never_changes() -> None:
    """A stored protocol of years ago must verify: the algorithm is frozen."""
    drawn = _plain_draw()

    assert drawn.roster_digest == "d74e04e83ae5c41a273e2566d91faae563aa585b4b809dd078db1f18e635e81a"
    assert drawn.chosen == ("e-07", "e-00", "e-05")
    assert drawn.seed_commitment == "9f645ea280dfcbedad306f7098594ee2840a78d18451089153d8cdef828aa13a"


def test_another_seed_draws_other_people() -> None:
    """The seed is what decides: over ten seeds more than one group comes out."""
    assert len({frozenset(_plain_draw(seed=f"seed-{n}").chosen) for n in range(10)}) > 1


def test_over_many_seeds_everybody_is_drawn_about_equally_often() -> None:
    """3 of 9 over 3,000 fixed seeds: each 1,000 times expected; five standard deviations are about 129."""
    counts = Counter(name for number in range(3_000) for name in _plain_draw(seed=f"fair-{number}").chosen)

    assert len(counts) == 9
    assert all(abs(count - 1_000) < 130 for count in counts.values())


def test_a_seed_is_bound_to_its_draw_and_the_order_to_the_seed_alone() -> None:
    """The id of the draw changes what is published, never who is drawn."""
    one, other = _plain_draw(draw_id="rnd-1"), _plain_draw(draw_id="rnd-2")

    assert one.seed_commitment == sha256_hex(b"2016-05-04\nrnd-1") == commitment_of(seed="2016-05-04", draw_id="rnd-1")
    assert one.seed_commitment != other.seed_commitment
    assert one.chosen == other.chosen == _plain_draw().chosen


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (Candidate("x", "财政", "丙大学", past_roles=frozenset({"甲社工中心(本部)"})), "past_role"),
        (Candidate("x", "财政", "丙大学", kin=frozenset({"甲社工中心（本部）"})), "kinship"),
        (Candidate("x", "财政", "甲社工中心(本部)"), "employer"),
        (Candidate("x", "财政", "丙大学", frozenset({"甲社工中心 (本部)"})), "tie"),
        (Candidate("甲社工中心(本部)", "财政", "丙大学"), "listed"),
    ],
)
def test_full_width_brackets_and_spaces_do_not_hide_a_conflict(candidate: Candidate, reason: str) -> None:
    """A bidder written with other brackets is the same bidder."""
    drawn = _plain_draw(roster=(*_roster(3), candidate), conflicts_with=frozenset({"甲社工中心(本部)"}))

    assert drawn.excluded == ((candidate.id, reason),)
    assert candidate.id not in drawn.chosen + drawn.alternates


@pytest.mark.parametrize(
    ("changes", "code", "fact"),
    [
        ({"size": 12}, "draw.too_few", "还缺 3 人"),
        ({"conflicts_with": frozenset({"丙大学"})}, "draw.too_few", "还缺 3 人"),
        ({"roster": _roster(2), "size": 2, "quotas": {"审计": 1}}, "draw.too_few_in_category", "还缺 1 人"),
        ({"quotas": {"审计": 2, "财政": 2}}, "draw.quotas_exceed_size", "4"),
        ({"seed": " "}, "draw.seed_missing", "种子"),
        ({"size": 0}, "draw.size_invalid", "0"),
        ({"roster": _roster(3) + _roster(1)}, "draw.duplicate_candidate", "1"),
    ],
)
def test_a_draw_that_cannot_be_made_is_refused_with_what_is_missing(
    changes: Mapping[str, Any], code: str, fact: str
) -> None:
    """The refusal names the number that is missing."""
    with pytest.raises(Refusal) as refused:
        _plain_draw(**changes)

    assert refused.value.code == code
    assert refused.value.rule == "SYS-DRAW"
    assert fact in refused.value.message
    assert refused.value.way_out


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"chosen": ["e-00", "e-01", "e-02"]}, "抽中名单"),
        ({"seed": "another"}, "种子摘要"),
        ({"roster_digest": "0" * 64}, "名册摘要"),
        ({"excluded": [{"id": "e-08", "reason": "tie"}]}, "回避名单"),
        ({"alternates": []}, "候补名单"),
        ({"size": 99}, "无法重新抽取"),
        ({"seed": None}, "seed"),
        ({"method": "coin"}, "method"),
        ({"draw_id": "rnd-2"}, "version"),
        ({"version": 2}, "version"),
        ({"version": 2, "draw_id": "rnd-2"}, "种子摘要"),
    ],
)
def test_a_changed_protocol_is_found_out(change: Mapping[str, Any], part: str) -> None:
    """Every difference is named."""
    roster = _roster(9)
    protocol = protocol_of(roster=roster, conflicts_with=frozenset(), size=3, quotas={}, drawn=_plain_draw())

    differences = verify(protocol | dict(change))

    assert any(part in difference for difference in differences)
