"""Huangshi's expert draw (A4): anybody can draw again from the published protocol, and nobody tied is ever in it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from models.commands.door import execute
from models.core.actors import Actor, Role
from portal.cli.main import app
from tests.journeys.story import END, Scene, Story, changed

pytestmark = pytest.mark.xdist_group("huangshi")

At = Callable[[str], Scene]
SUPPLIERS = ("合成社工服务中心", "合成公益服务有限公司")
TIED = {"pool-02", "pool-04"}
DRAW = "procurement.draw_experts"
BEFORE = "procurement.approve_method_change"


@pytest.fixture
def protocol(after: At, tmp_path: Path) -> dict[str, Any]:
    """The protocol as published in the archive bundle."""
    with zipfile.ZipFile(after(END).bundle(tmp_path / "bundle")) as archive:
        name = next(name for name in archive.namelist() if name.endswith("_专家随机抽取记录.json"))
        return dict(json.loads(archive.read(name)))


def draw_again(protocol: dict[str, Any], tmp_path: Path) -> tuple[int, dict[str, Any]]:
    file = tmp_path / "protocol.json"
    file.write_text(json.dumps(protocol, ensure_ascii=False), "utf-8")
    done = CliRunner().invoke(app, ["draw", "verify", str(file), "--json"])
    return done.exit_code, json.loads(done.output)


def test_draw_can_be_drawn_again_from_the_published_protocol(
    story: Story, protocol: dict[str, Any], tmp_path: Path
) -> None:
    drawn = story.stands[END].saved["draw"]

    assert draw_again(protocol, tmp_path) == (
        0,
        {"ok": True, "differences": [], "commitment_compared": False},
    )
    assert protocol["seed"] == "huangshi-2016-negotiation"
    assert (protocol["chosen"], protocol["roster_digest"]) == (drawn["chosen"], drawn["roster_digest"])


def test_edited_protocol_is_found_out(protocol: dict[str, Any], tmp_path: Path) -> None:
    swapped = {"chosen": protocol["alternates"][:1] + protocol["chosen"][1:], "alternates": protocol["chosen"][:1]}
    edits: list[dict[str, Any]] = [
        {"seed": "another seed"},
        swapped,
        {"conflicts_with": []},
        {"roster": [one for one in protocol["roster"] if one["id"] != "pool-01"]},
        {"roster": [{**one, "ties": [], "employer": "合成高校丁"} for one in protocol["roster"]]},
    ]

    for edit in edits:
        code, report = draw_again(protocol | edit, tmp_path)
        assert (code, report["ok"], bool(report["differences"])) == (1, False, True), edit


def test_draw_does_not_depend_on_the_order_of_the_roster(story: Story, after: At) -> None:
    told = story.told(DRAW)
    rows = [line for line in told.splitlines(keepends=True) if "{id: pool-" in line]
    turned = changed(told, ("".join(rows), "".join(reversed(rows))))

    (drawn,) = after(BEFORE).holds(turned)

    assert drawn["chosen"] == story.stands[END].saved["draw"]["chosen"]
    assert drawn["roster_digest"] == story.stands[END].saved["draw"]["roster_digest"]


def test_draw_never_contains_a_conflicted_expert_whatever_the_seed(story: Story, after: At) -> None:
    roster = next(one for one in story.case.steps if one.name == DRAW).arguments["roster"]

    def drawn(seed: str) -> Any:
        scene = after(BEFORE)  # a draw is made once, so every seed needs a story of its own
        return execute(
            scene.services,
            name=DRAW,
            arguments={
                "procurement": scene.saved["procurement"]["id"],
                "seed": seed,
                "roster": roster,
                "size": 3,
            },
            actor=Actor(Role.PURCHASER, "u-relief-bureau"),
            as_of=scene.services.clock.now().date(),
            command_id=f"cmd-{seed}",
        )

    draws = [drawn(f"seed-{number}") for number in range(6)]

    assert all(set(one.excluded) == TIED for one in draws)
    assert all(not TIED & {*one.chosen, *one.alternates} for one in draws)
    assert len({one.chosen for one in draws}) > 1, "the seed decides"


def test_draw_takes_nobody_tied_by_other_spelling_or_to_the_buyer(story: Story, after: At) -> None:
    told = changed(
        story.told(DRAW),
        ("{id: pool-05, employer: 合成会计师事务所}", "{id: pool-05, employer: 黄石市社会救助局}"),
        ("{id: pool-06, employer: 合成高校丙}", "{id: pool-06, ties: [合成 公益服务有限公司]}"),
    )

    (drawn,) = after(BEFORE).holds(told)

    assert set(drawn["excluded"]) == TIED | {"pool-05", "pool-06"}
    assert set(drawn["chosen"]) == {"pool-01", "pool-03", "pool-07"}


def test_draw_is_refused_when_too_few_are_free_of_conflict(story: Story, after: At) -> None:
    told = story.told(DRAW)
    tied = changed(told, ("合成高校甲", SUPPLIERS[0]), ("合成高校乙", SUPPLIERS[1]), ("合成高校丙", SUPPLIERS[0]))

    after(BEFORE).holds(tied + "    expect: {refused: draw.too_few}\n")


def test_draw_is_not_repeated_until_it_pleases(story: Story, after: At) -> None:
    told = story.told(DRAW)
    again = changed(told, ("seed: huangshi-2016-negotiation", "seed: another"))

    after(BEFORE).holds(told, again + "    expect: {refused: HS-18}\n")
