"""Performance goals set before, tracked during and judged after; evaluation standards in versions."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.policy.resolver import load_policy_book
from models.rules.archive import OnFile, missing_parts
from models.tables.kernel import Event
from tests.support.purchases import DAY, approved_project
from tests.support.world import World, copy_world, open_world

BUREAU = "city_bureau:u-b"
GOALS = {"reach": {"name": "精准识别对象(合成)", "target": "40", "unit": "人", "precise": True}}
PLAIN = {"hours": {"name": "服务时长(合成)", "target": "100", "unit": "小时"}}
HOW = {"means": "台账核对(合成)", "method": "抽样(合成)", "path": "自评到复评(合成)"}
BOOK = load_policy_book()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    worlds = {}
    for region in ("110000", "340000", "420200"):
        worlds[region] = open_world(tmp_path_factory.mktemp(region), region=region)
        approved_project(worlds[region])
    return worlds


@pytest.fixture
def worlds(built: dict[str, World], tmp_path: Path) -> Iterator[dict[str, World]]:
    made = {region: copy_world(world, tmp_path, name=region) for region, world in built.items()}
    yield made
    for world in made.values():
        world.services.engine.dispose()


def _call(**more: Any) -> dict[str, Any]:
    return {"as_": BUREAU, "on": DAY, "project": "prj-made-up"} | more


def _lacking(region: str, **events: int) -> set[str | None]:
    policy = BOOK.resolve(region=region, on=DAY if region != "110000" else DAY.replace(year=2019))
    on_file = OnFile(kinds={}, events=events, receipts=())
    return {one.field for one in missing_parts(on_file=on_file, policy=policy)}


def test_beijing_sets_a_goal_of_precise_help_before_it_chooses(worlds: dict[str, World]) -> None:
    """BJ-38: one about precise assistance; a file without goals is not whole."""
    world = worlds["110000"]
    day = DAY.replace(year=2019)
    world.refused("BJ-38", "evaluation.set_goals", **_call(on=day, goals=PLAIN))

    kept = world.do("evaluation.set_goals", **_call(on=day, goals=PLAIN | GOALS))

    assert (kept.revision, kept.late) == (1, False)
    assert "绩效目标" in _lacking("110000")
    assert "绩效目标" not in _lacking("110000", **{"evaluation.goals_set": 1})


def test_anhui_says_how_it_will_judge(worlds: dict[str, World]) -> None:
    """AH-29."""
    world = worlds["340000"]
    for lacking in HOW:
        world.refused("AH-29", "evaluation.set_goals", **_call(goals=PLAIN, **(HOW | {lacking: " "})))

    world.do("evaluation.set_goals", **_call(goals=PLAIN, **HOW))

    assert world.ask("evaluation.goals", project="prj-made-up").method == HOW["method"]


def test_anhui_links_goals_their_tracking_and_their_result(worlds: dict[str, World]) -> None:
    """AH-28: none without goals, every goal each time; the file wants all three."""
    world = worlds["340000"]
    world.refused("AH-28", "evaluation.record_goals", **_call(phase="run", values={"hours": "10"}))
    world.do("evaluation.set_goals", **_call(goals=PLAIN | GOALS, **HOW))
    world.refused("AH-28", "evaluation.record_goals", **_call(phase="run", values={"hours": "10"}))

    world.do("evaluation.record_goals", **_call(phase="run", values={"hours": "60", "reach": "20"}))
    end = world.do("evaluation.record_goals", **_call(phase="end", values={"hours": "99.9", "reach": "40"}))

    assert end.reached == ("reach",)
    lines = {one.code: one for one in world.ask("evaluation.goals", project="prj-made-up").goals}
    assert (lines["hours"].run, lines["hours"].end, lines["hours"].reached) == (Decimal(60), Decimal("99.9"), False)
    acts = {"evaluation.goals_set": 1, "evaluation.goals_tracked": 1, "evaluation.goals_evaluated": 1}
    wanted = {"绩效目标", "绩效目标运行监控", "绩效目标评价"}
    assert wanted <= _lacking("340000")
    assert not wanted & _lacking("340000", **acts)
    with Session(world.services.engine) as session:
        types = set(session.exec(select(Event.type).where(col(Event.stream_id) == "prj-made-up")))
    assert set(acts) <= types


def _items(**weights: str) -> dict[str, Any]:
    return {code: {"name": f"合成{code}", "weight": weight} for code, weight in weights.items()}


def test_beijing_weighs_satisfaction_and_policy_most(worlds: dict[str, World]) -> None:
    """BJ-39."""
    world, day = worlds["110000"], DAY.replace(year=2019)
    call: dict[str, Any] = {"as_": BUREAU, "on": day}
    for weights in (
        {"satisfaction": "0.4", "policy_implementation": "0.2", "funds": "0.4"},
        {"satisfaction": "0.6", "funds": "0.4"},
    ):
        world.refused("BJ-39", "evaluation.set_standard", **call, items=_items(**weights))
    whole = {"satisfaction": "0.4", "policy_implementation": "0.3", "funds": "0.2"}
    world.refused("evaluation.weights_sum", "evaluation.set_standard", **call, items=_items(**whole))

    done = world.do("evaluation.set_standard", **call, items=_items(**(whole | {"funds": "0.3"})))

    assert done.version == 1


def test_huangshi_draws_its_standard_from_a_project_version_by_version(worlds: dict[str, World]) -> None:
    """HS-53."""
    world = worlds["420200"]
    weights = {"satisfaction": "0.4", "output": "0.35", "files": "0.25"}
    for version in (1, 2):
        done = world.do("evaluation.set_standard", **_call(items=_items(**weights)))
        assert done.version == version

    assert world.ask("evaluation.goals", project="prj-made-up").standard_version == 2
    low = _items(satisfaction="0.29", output="0.29", files="0.42")
    world.refused("evaluation.weights_order", "evaluation.set_standard", **_call(items=low))
