"""Nobody infers a hidden score: whatever a viewer looks at, and whenever, hidden scores change nothing in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.rules.review_views import Item, Scale, forensics_of, progress_of, shown_to

ITEMS = ("i1", "i2", "i3", "i4")
RATERS = ("viewer", "r1", "r2", "r3")
SCALE = Scale(pass_mark=Fraction(60), trim_each_side=1, outlier_points=Fraction(20))
Cell = tuple[str, str]


@dataclass(frozen=True)
class Story:
    """A batch as it goes: the scores of all, who left which item, in which order sheets come in and items close."""

    scores: dict[Cell, int]
    left: frozenset[Cell]
    acts: tuple[Cell | str, ...]  # a cell hands in its sheet, an item closes
    sealed: frozenset[str] = frozenset()


def _moments(story: Story) -> Iterator[tuple[Item, ...]]:
    """Yield the batch after every act; a sheet after the close or from a left seat is refused, as the command does."""
    totals: dict[str, dict[str, Fraction]] = {item: {} for item in ITEMS}
    closed: set[str] = set()
    sitting = {item: frozenset(r for r in RATERS if (item, r) not in story.left) for item in ITEMS}
    for act in (None, *story.acts):
        if isinstance(act, str):
            closed.add(act)
        elif act is not None and act[0] not in closed and act not in story.left:
            totals[act[0]][act[1]] = Fraction(story.scores[act])
        yield tuple(
            Item(item, item in closed, sitting[item], dict(totals[item]), sealed=item in story.sealed) for item in ITEMS
        )


def _everything(items: tuple[Item, ...]) -> object:
    """Every view the viewer can ask for at one moment."""
    shown = shown_to(items=items, expert="viewer")
    return shown, progress_of(shown=shown), forensics_of(shown=shown, scale=SCALE)


def _hidden(story: Story) -> set[Cell]:
    """Return the cells the viewer may never see: others' sheets on items left, or never closed."""
    closed = {act for act in story.acts if isinstance(act, str)}
    return {
        (item, rater)
        for item, rater in story.scores
        if rater != "viewer" and ((item, "viewer") in story.left or item not in closed)
    }


_cells = [(item, rater) for item in ITEMS for rater in RATERS]
stories = st.builds(
    Story,
    scores=st.fixed_dictionaries({cell: st.integers(0, 100) for cell in _cells}),
    left=st.frozensets(st.sampled_from(_cells), max_size=5),
    acts=st.permutations([*_cells, *ITEMS]).map(lambda acts: tuple(acts[:16])),
    sealed=st.frozensets(st.sampled_from(ITEMS)),
)


def _other_world(story: Story, other: dict[Cell, int]) -> Story:
    hidden = _hidden(story)
    return Story(
        {c: other[c] if c in hidden else s for c, s in story.scores.items()}, story.left, story.acts, story.sealed
    )


@settings(deadline=None)  # the machine may be busy
@given(story=stories, other=st.fixed_dictionaries({cell: st.integers(0, 100) for cell in _cells}))
def test_no_view_at_any_time_depends_on_a_score_the_viewer_may_not_see(story: Story, other: dict[Cell, int]) -> None:
    """Two batches that differ in hidden scores only look the same, always: then no sum or difference can tell one."""
    assume(_hidden(story))

    seen = [_everything(items) for items in _moments(story)]
    seen_elsewhere = [_everything(items) for items in _moments(_other_world(story, other))]

    assert seen == seen_elsewhere


@settings(deadline=None)  # the machine may be busy
@given(story=stories)
def test_before_the_close_the_scores_of_others_cannot_be_told(story: Story) -> None:
    """Up to the moment an item closes, other scores on it give the same views."""
    for item in ITEMS:
        before = story.acts[: story.acts.index(item)] if item in story.acts else story.acts
        moved = {c: 100 - s if c[0] == item and c[1] != "viewer" else s for c, s in story.scores.items()}
        cut, twin = (Story(scores, story.left, before, story.sealed) for scores in (story.scores, moved))

        assert [_everything(one) for one in _moments(cut)] == [_everything(one) for one in _moments(twin)]


@settings(deadline=None)  # the machine may be busy
@given(story=stories, item=st.sampled_from(ITEMS), others=st.frozensets(st.sampled_from(RATERS[1:]), min_size=1))
def test_in_a_sealed_item_not_even_the_number_of_the_others_or_of_their_sheets_is_told(
    story: Story, item: str, others: frozenset[str]
) -> None:
    """Before the close the views stay the same when other members leave or never hand in."""
    before = story.acts[: story.acts.index(item)] if item in story.acts else story.acts
    sealed = story.sealed | {item}
    cells = frozenset((item, rater) for rater in others)
    full = Story(story.scores, story.left - cells, before, sealed)
    fewer = Story(story.scores, story.left | cells, before, sealed)

    assert [_everything(one) for one in _moments(full)] == [_everything(one) for one in _moments(fewer)]


@settings(deadline=None)  # the machine may be busy
@given(story=stories)
def test_differencing_the_totals_of_any_two_moments_gives_sums_of_visible_items_only(story: Story) -> None:
    """The attack itself: subtract the sum of means of two moments; what is left is made of items seen in full."""
    visible = {item for item in ITEMS if (item, "viewer") not in story.left}
    moments = list(_moments(story))
    for early, late in combinations(moments, 2):
        sums = []
        for items in (early, late):
            progress = progress_of(shown=shown_to(items=items, expert="viewer"))
            rated = [one for one in items if one.id in visible and one.closed and one.totals]
            known = sum((sum(one.totals.values(), Fraction(0)) / len(one.totals) for one in rated), Fraction(0))
            sums.append((progress.mean or 0) * len(rated) - known)
        assert sums == [0, 0]


def _leaky(items: tuple[Item, ...]) -> object:
    """A view as careless systems have it: the mean over all closed items, the viewer's conflicts included."""
    return progress_of(shown=shown_to(items=items, expert=None)).mean


@pytest.mark.parametrize(("view", "tells"), [(_everything, False), (_leaky, True)])
def test_the_check_finds_a_view_that_leaks(view: Callable[[tuple[Item, ...]], object], tells: bool) -> None:
    """A mean that counts the left item moves with its hidden score: the check above would notice."""
    story = Story(dict.fromkeys(_cells, 50), frozenset({("i1", "viewer")}), (("i1", "r1"), "i1"))
    twin = _other_world(story, dict.fromkeys(_cells, 90))

    assert ([view(items) for items in _moments(story)] != [view(items) for items in _moments(twin)]) is tells


def test_the_office_sees_counts_but_no_score_before_the_close() -> None:
    item = Item("i1", False, frozenset(RATERS), {"r1": Fraction(70)})

    (shown,) = shown_to(items=(item,), expert=None)

    assert (shown.handed_in, dict(shown.item.totals)) == (1, {})


def test_progress_leaves_out_an_item_the_viewer_left() -> None:
    items = (
        Item("i1", True, frozenset({"r1", "viewer"}), {"r1": Fraction(70), "viewer": Fraction(90)}),
        Item("i2", True, frozenset({"r1"}), {"r1": Fraction(10)}),
    )

    progress = progress_of(shown=shown_to(items=items, expert="viewer"))

    assert (progress.items, progress.sheets_due, progress.sheets_in, progress.mean) == (1, 2, 2, Fraction(80))
