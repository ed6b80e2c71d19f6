"""Sealed rounds and whole batches: what a member can find out from every door before the close. People are made up."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from models.commands import review_batch
from models.commands.review import commit_seed
from models.context import Context
from models.core.errors import Conflict, LifecycleError, Transient
from models.core.hashing import digest
from models.tables.kernel import Attempt
from models.tables.review import ReviewSheet
from tests.support import deciding as path
from tests.support.deciding import OPENED_ON
from tests.support.planning import OFFICE, candidate
from tests.support.world import World, copy_world, open_world


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


def _seen_by(world: World, expert: str, project: str, opened: Any, batch: str) -> str:
    """Return, as text, everything the doors tell an expert about a round."""
    who = f"expert:{expert}"
    return repr(
        [
            world.ask("review.round", as_=who, round=opened.id),
            world.ask("review.forensics", as_=who, round=opened.id),
            world.ask("review.batch", as_=who, batch=batch),
            world.ask("work.list", as_=who),
            world.ask("project.status", as_=who, project=project),
            [
                line.model_dump(exclude={"hash", "seq"})
                for line in world.ask("project.history", as_=who, project=project)
            ],
        ]
    )


def test_no_door_tells_a_member_of_a_sealed_round_about_the_others_until_the_close(
    world: World, projects: tuple[str, str]
) -> None:
    opened = path.open_round(world, projects[0], sealed=True, batch="b")
    own, *others = opened.panel
    before = _seen_by(world, own, projects[0], opened, "b")

    for number, expert in enumerate(others):
        sheet = path.sheet(60 + number)
        world.do("review.submit_score", as_=f"expert:{expert}", on=OPENED_ON, round=opened.id, **sheet)
    after = _seen_by(world, own, projects[0], opened, "b")

    assert before == after
    assert [name for name in (*others, "seed-2016") if name in after] == []
    path.score(world, opened)
    world.do("review.close_round", as_=OFFICE, on=OPENED_ON, round=opened.id, opinion="同意。")
    told = world.ask("project.history", as_=f"expert:{own}", project=projects[0])[-1]
    assert set(told.payload["panel"]) == set(opened.panel)
    assert told.payload["seed"] == "seed-2016"


def test_the_office_still_reads_the_whole_history_of_a_sealed_round(world: World, projects: tuple[str, str]) -> None:
    opened = path.open_round(world, projects[0], sealed=True)
    path.score(world, opened)

    lines = world.ask("project.history", project=projects[0])

    assert {line.payload["expert_id"] for line in lines if line.type == "review.score_submitted"} == set(opened.panel)


def test_in_an_open_round_another_s_work_item_and_score_stay_hidden(world: World, projects: tuple[str, str]) -> None:
    opened = path.open_round(world, projects[0])

    own = world.ask("work.list", as_=f"expert:{opened.panel[0]}")
    contractor = world.ask("work.list", as_="contractor:u-a")
    office = world.ask("work.list")

    assert [sum(one.kind == "review.submit_score" for one in items) for items in (own, contractor, office)] == [1, 0, 5]


def test_a_sheet_s_digest_in_its_event_cannot_be_guessed_from_the_scores(
    world: World, projects: tuple[str, str]
) -> None:
    """A hundred values a dimension and common reasons would be tried in a moment, were the digest over them alone."""
    opened = path.open_round(world, projects[0])
    expert = opened.panel[0]
    world.do("review.submit_score", as_=f"expert:{expert}", on=OPENED_ON, round=opened.id, **path.sheet(80))

    with Session(world.services.engine) as session:
        sheet = session.exec(select(ReviewSheet)).one()
    seat = next(one.id for one in world.ask("review.round", round=opened.id).seats if one.expert == expert)
    told = {"seat": seat, "scores": sheet.scores, "reasons": sheet.reasons}
    assert sheet.digest != digest(told)
    assert sheet.digest == digest(told | {"salt": sheet.salt})


def test_a_refused_sheet_leaves_its_scores_sealed(world: World, projects: tuple[str, str]) -> None:
    opened = path.open_round(world, projects[0])
    sheet: dict[str, Any] = path.sheet(61) | {"scores": {"innovation": 61.37, "feasibility": 161, "sustainability": 61}}

    world.refused(
        "review.sheet_invalid",
        "review.submit_score",
        as_=f"expert:{opened.panel[0]}",
        on=OPENED_ON,
        round=opened.id,
        **sheet,
    )

    with Session(world.services.engine) as session:
        (kept,) = [one for one in session.exec(select(Attempt)) if one.command == "review.submit_score"]
    assert "61.37" not in f"{kept.input_sealed}{kept.details}{kept.code}"


def test_one_command_opens_a_batch_and_says_what_could_not_be_opened(world: World, projects: tuple[str, str]) -> None:
    given: dict[str, Any] = {"batch": "2016-1", "projects": [*projects, projects[0], "prj-unknown"]}
    looked = world.do("review.open_batch", as_=OFFICE, on=OPENED_ON, dry_run=True, **given)
    opened = world.do("review.open_batch", as_=OFFICE, on=OPENED_ON, **given)
    again = world.do("review.open_batch", as_=OFFICE, on=OPENED_ON, **given)

    assert [(one.opened, one.refused_count) for one in (looked, opened, again)] == [(2, 1), (2, 1), (0, 3)]
    assert [line.code for line in opened.lines] == [None, None, "kernel.not_found"]
    assert world.ask("review.batch", batch="2016-1").rounds == 2


def test_a_conflict_on_one_project_does_not_stop_the_batch_and_a_lost_database_does(
    world: World, projects: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit(ctx: Context, *, project: str) -> object:
        if project == projects[0]:
            raise fault
        return commit_seed(ctx, project=project)

    monkeypatch.setattr(review_batch, "commit_seed", commit)
    given: dict[str, Any] = {"batch": "2016-1", "projects": projects}

    fault: LifecycleError = Transient("kernel.database_away", rule="SYS-DATABASE")
    with pytest.raises(Transient):
        world.do("review.open_batch", as_=OFFICE, on=OPENED_ON, **given)
    fault = Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
    opened = world.do("review.open_batch", as_=OFFICE, on=OPENED_ON, **given)

    assert [line.code for line in opened.lines] == ["kernel.changed_meanwhile", None]


def test_a_batch_is_compared_once_when_all_its_rounds_are_closed(world: World, projects: tuple[str, str]) -> None:
    given: dict[str, Any] = {"batch": "2016-1", "projects": projects}
    lines = world.do("review.open_batch", as_=OFFICE, on=OPENED_ON, **given).lines
    rounds = [world.ask("review.round", round=line.round) for line in lines]
    act: dict[str, Any] = {"as_": OFFICE, "on": OPENED_ON}
    for opened, value in zip(rounds, (90, 70), strict=True):
        path.score(world, opened, value=value)
    world.do("review.close_round", **act, round=rounds[0].id, opinion="同意。")
    assert world.ask("review.batches_due") == ()
    world.refused("review.batch_open", "review.compare_batch", **act, batch="2016-1")
    world.do("review.close_round", **act, round=rounds[1].id, opinion="同意。")
    assert world.ask("review.batches_due") == ("2016-1",)

    compared = world.do("review.compare_batch", **act, batch="2016-1")

    assert compared.rounds == 2
    assert world.ask("review.batches_due") == ()
    world.refused("review.batch_compared", "review.compare_batch", **act, batch="2016-1")
    world.refused("review.batch_unknown", "review.compare_batch", **act, batch="2016-9")
    standings = world.ask("review.batch", batch="2016-1").standings
    assert {one.round: one.values["mean"] for one in standings} == {
        rounds[0].id: Decimal("90"),
        rounds[1].id: Decimal("70"),
    }
