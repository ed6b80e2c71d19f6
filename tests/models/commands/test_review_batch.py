"""Rounds compared: pinned score sheet, quorum, refilled seats, forensics and progress by viewer. People are made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.core.errors import Refusal
from models.policy.resolver import PolicyBook
from models.policy.schema import Policy
from models.ports import Zone
from models.tables.kernel import WorkItem
from models.tables.review import ReviewRound
from tests.support import deciding as path
from tests.support.deciding import CATEGORIES, OFFICE, OPENED_ON, SCORES_CLOSE_ON, SYSTEM
from tests.support.planning import candidate
from tests.support.world import World, copy_world, open_world

LATE = date(2016, 3, 16)


@pytest.fixture(scope="module")
def _base(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str, str]:
    world = open_world(tmp_path_factory.mktemp("base"))
    path.roster(world)
    return world, candidate(world), candidate(world, name="社会救助对象第二个项目(合成)")


@pytest.fixture
def world(_base: tuple[World, str, str], tmp_path: Path) -> World:
    return copy_world(_base[0], tmp_path)


@pytest.fixture
def projects(_base: tuple[World, str, str]) -> tuple[str, str]:
    return _base[1:]


def _submit(world: World, opened: Any, expert: str, value: object, *, on: date = OPENED_ON) -> None:
    world.do("review.submit_score", as_=f"expert:{expert}", on=on, round=opened.id, **path.sheet(value))


def _close(world: World, opened: Any, *, on: date = OPENED_ON) -> Any:
    return world.do(
        "review.close_round", as_=OFFICE, on=on, round=opened.id, opinion="同意。", dissent="专家2保留意见。"
    )


class _Changed(PolicyBook):
    """The shipped policy, with other values in the review section from a day on."""

    def __init__(self, book: PolicyBook, *, since: date, **leaves: Any) -> None:
        super().__init__(book.packs)
        self._since, self._leaves = since, leaves

    def resolve(self, *, region: str, on: date) -> Policy:
        policy = super().resolve(region=region, on=on)
        if on < self._since:
            return policy
        return replace(policy, review=replace(policy.review, **self._leaves), digest="0" * 64)


def test_a_policy_changed_in_mid_round_does_not_touch_the_running_round(
    world: World, projects: tuple[str, str]
) -> None:
    opened = path.open_round(world, projects[0])
    before = world.ask("review.round", round=opened.id)
    heavy = {"innovation": Decimal(8), "feasibility": Decimal(1), "sustainability": Decimal(1)}
    book = _Changed(world.services.policies, since=date(2016, 3, 2), dimension_weights=heavy, pass_mark=Decimal(90))
    later = World(services=replace(world.services, policies=book), clock=world.clock, calls=world.calls)

    for expert in opened.panel:
        scores = {"innovation": 100, "feasibility": 60, "sustainability": 50}
        sheet = path.sheet() | {"scores": scores}
        later.do("review.submit_score", as_=f"expert:{expert}", on=date(2016, 3, 3), round=opened.id, **sheet)
    closed = _close(later, opened, on=date(2016, 3, 4))
    second = path.open_round(later, projects[1], on=date(2016, 3, 4))

    assert (closed.mean, closed.passed) == (Decimal("70.00"), True)
    after = later.ask("review.round", round=opened.id)
    assert (after.policy_digest, after.sheet_form) == (before.policy_digest, before.sheet_form)
    fresh = later.ask("review.round", round=second.id)
    assert (fresh.policy_digest, fresh.sheet_form["pass_mark"]) == ("0" * 64, "90")


def test_history_rewritten_under_a_running_round_stops_it(world: World, projects: tuple[str, str]) -> None:
    opened = path.open_round(world, projects[0])
    book = _Changed(world.services.policies, since=date(2016, 1, 1), pass_mark=Decimal(10))
    forged = World(services=replace(world.services, policies=book), clock=world.clock, calls=world.calls)

    fault = forged.refused(
        "review.policy_moved",
        "review.submit_score",
        as_=f"expert:{opened.panel[0]}",
        on=OPENED_ON,
        round=opened.id,
        **path.sheet(),
    )

    assert "review.pass_mark" in fault.message


def test_a_quorum_closes_after_the_last_day_only_and_names_who_is_missing(
    world: World, projects: tuple[str, str]
) -> None:
    book = _Changed(world.services.policies, since=date(2016, 1, 1), quorum=4)
    world = World(services=replace(world.services, policies=book), clock=world.clock, calls=world.calls)
    opened = path.open_round(world, projects[0])
    categories = {seat.expert: seat.category for seat in world.ask("review.round", round=opened.id).seats}
    double = next(name for name in opened.panel if list(categories.values()).count(categories[name]) == 2)
    for expert in opened.panel:
        if expert != double:
            _submit(world, opened, expert, 80)

    world.refused(
        "review.sheets_missing", "review.close_round", as_=OFFICE, on=SCORES_CLOSE_ON, round=opened.id, opinion="同意"
    )
    closed = _close(world, opened, on=LATE)

    assert (closed.mean, closed.passed) == (Decimal("80.00"), True)
    with Session(world.services.engine) as session:
        items = session.exec(select(WorkItem).where(col(WorkItem.kind) == "review.submit_score")).all()
    assert {item.status for item in items} == {"done"}


def test_a_quorum_without_one_of_the_four_categories_does_not_close(world: World, projects: tuple[str, str]) -> None:
    book = _Changed(world.services.policies, since=date(2016, 1, 1), quorum=4)
    world = World(services=replace(world.services, policies=book), clock=world.clock, calls=world.calls)
    opened = path.open_round(world, projects[0])
    categories = {seat.expert: seat.category for seat in world.ask("review.round", round=opened.id).seats}
    single = next(name for name in opened.panel if list(categories.values()).count(categories[name]) == 1)
    for expert in opened.panel:
        if expert != single:
            _submit(world, opened, expert, 80)

    world.refused("review.category_missing", "review.close_round", as_=OFFICE, on=LATE, round=opened.id, opinion="同意")


def test_a_panel_that_falls_short_says_so_and_is_filled_when_the_roster_has_grown(
    world: World, projects: tuple[str, str]
) -> None:
    opened = path.open_round(world, projects[0])
    for _ in range(4):
        seat = next(seat for seat in world.ask("review.round", round=opened.id).seats if not seat.recused)
        world.do("review.recuse", as_=f"expert:{seat.expert}", on=OPENED_ON, round=opened.id, reason="退出")

    assert world.ask("review.round", round=opened.id).state == "short"
    assert _short_item(world) == "open"
    none = world.do("review.fill_seats", as_=OFFICE, on=OPENED_ON, round=opened.id)
    for number, category in enumerate(CATEGORIES * 2):
        path.register(world, 40 + number, category=category)
    filled = world.do("review.fill_seats", as_=OFFICE, on=OPENED_ON, round=opened.id)

    assert (none.filled, filled.vacant) == (0, 0)
    assert filled.filled > 0
    assert world.ask("review.round", round=opened.id).state == "open"
    assert _short_item(world) == "done"


def _short_item(world: World) -> str:
    with Session(world.services.engine) as session:
        return session.exec(select(WorkItem.status).where(col(WorkItem.kind) == "review.fill_seats")).one()


def test_forensics_show_every_method_whom_the_result_hangs_on_and_the_outlier_in_the_rater_s_words(
    world: World, projects: tuple[str, str]
) -> None:
    opened = path.open_round(world, projects[0])
    for expert, value in zip(opened.panel, (100, 55, 55, 55, 55), strict=True):
        _submit(world, opened, expert, value)
    assert world.ask("review.forensics", round=opened.id).round is None

    closed = _close(world, opened)
    found = world.ask("review.forensics", round=opened.id).round

    assert (closed.mean, closed.passed) == (Decimal("64.00"), True)
    assert (found.values["mean"], found.values["trimmed_mean"], found.values["median"]) == (64.0, 55.0, 55.0)
    assert found.passes == {"mean": True, "trimmed_mean": False, "median": False, "adjusted": True}
    assert found.flipped_by == (opened.panel[0],)
    (outlier,) = found.outliers
    assert (outlier.expert, outlier.distance) == (opened.panel[0], 45.0)
    assert set(outlier.reasons.values()) == {"理由充分"}


def test_the_opinion_is_signed_and_no_event_tells_a_score(world: World, projects: tuple[str, str]) -> None:
    """ZY-23: the stage is left with a signed opinion; the history, which every role reads, holds no mean."""
    opened = path.open_round(world, projects[0])
    path.score(world, opened, value="77.25")
    closed = _close(world, opened)

    view = world.ask("review.round", round=opened.id)
    signature = world.services.documents.get(zone=Zone.DOCUMENTS, sha256=view.signature_sha256)
    assert view.signature_sha256 == closed.signature
    assert signature[:1] == b"\x30"  # DER
    assert (view.dissent, view.opinion_document) == ("专家2保留意见。", closed.document)
    history = world.ask("project.history", project=projects[0])
    assert "77" not in str([line.payload.get("mean", "") for line in history])
    assert next(line for line in history if line.type == "project.reviewed").payload["dissent"] is True


def test_a_batch_is_compared_over_its_closed_rounds(world: World, projects: tuple[str, str]) -> None:
    first = path.open_round(world, projects[0], batch="2016-1")
    second = path.open_round(world, projects[1], batch="2016-1", seed="other")
    path.score(world, first, value=90)
    path.score(world, second, value=70)

    _close(world, first)
    half = world.ask("review.batch", batch="2016-1")
    _close(world, second)
    full = world.ask("review.batch", batch="2016-1")

    assert (half.rounds, half.closed, half.sheets_due, half.sheets_in, half.mean) == (2, 1, 10, 10, Decimal("90.00"))
    assert [len(one.standings) for one in (half, full)] == [1, 2]
    ranks = {one.round: (one.rank_best, one.rank_worst) for one in full.standings}
    assert ranks[first.id][0] == 1
    assert ranks[second.id][1] == 2
    assert world.ask("review.forensics", round=second.id).compared == 2


def test_who_left_a_round_sees_nothing_of_it_and_totals_without_it(world: World, projects: tuple[str, str]) -> None:
    first = path.open_round(world, projects[0], batch="2016-1")
    second = path.open_round(world, projects[1], batch="2016-1", seed="other")
    both = next(name for name in first.panel if name in second.panel)
    world.do("review.recuse", as_=f"expert:{both}", on=OPENED_ON, round=first.id, reason="与申报单位有合作")
    path.score(world, first, value=30)
    path.score(world, second, value=70)
    for opened in (first, second):
        _close(world, opened)

    seen = world.ask("review.batch", as_=f"expert:{both}", batch="2016-1")

    assert (seen.rounds, seen.closed, seen.sheets_due, seen.mean) == (1, 1, 5, Decimal("70.00"))
    assert [one.round for one in seen.standings] == [second.id]
    assert world.ask("review.forensics", as_=f"expert:{both}", round=second.id).compared == 1
    for name in ("review.round", "review.forensics"):
        with pytest.raises(Refusal) as refused:
            world.ask(name, as_=f"expert:{both}", round=first.id)
        assert refused.value.code == "review.conflicted"
    with pytest.raises(Refusal) as stranger:
        world.ask("review.round", as_="expert:u-stranger", round=first.id)
    assert stranger.value.code == "review.not_your_seat"


def test_in_a_sealed_round_members_see_only_their_own_seat_until_the_close(
    world: World, projects: tuple[str, str]
) -> None:
    opened = path.open_round(world, projects[0], sealed=True)
    own = opened.panel[0]

    alone = world.ask("review.round", as_=f"expert:{own}", round=opened.id)
    path.score(world, opened)
    _close(world, opened)

    assert [seat.expert for seat in alone.seats] == [own]
    assert len(world.ask("review.round", as_=f"expert:{own}", round=opened.id).seats) == 5


def test_the_digest_of_the_policy_of_the_opening_day_stands_on_a_round(world: World, projects: tuple[str, str]) -> None:
    opened = path.open_round(world, projects[0])
    path.score(world, opened)
    world.do("review.close_round", as_=SYSTEM, on=LATE, round=opened.id)

    with Session(world.services.engine) as session:
        row = session.get_one(ReviewRound, opened.id)
    assert row.policy_digest == world.services.policies.resolve(region="420200", on=OPENED_ON).digest
