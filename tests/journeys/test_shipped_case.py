"""The shipped case as it is: every step holds, every published event is told, and the bundle verifies alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.embedded.seaweed import EmbeddedS3
from portal.cli.main import app
from tests.journeys.story import END, SHIPPED, Story, assert_held, play_story

pytestmark = pytest.mark.xdist_group("shipped")

PUBLISHED_EVENTS = set(range(1, 33))  # the events of the published case, in its own order
COUNTS = {"people": 17_000, "disabled": 5_190, "minors": 3_490, "severely_ill": 972}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("shipped")
    with EmbeddedS3(home / "s3"):
        yield play_story(SHIPPED.read_text("utf-8"), home=home, stands=frozenset({END}))


def test_every_step_of_the_shipped_case_holds(shipped: Story) -> None:
    assert_held(shipped.report)
    assert len(shipped.report.steps) == len(shipped.case.steps)


def test_shipped_case_tells_every_published_event(shipped: Story) -> None:
    assert {one.event for one in shipped.report.steps if one.event is not None} == PUBLISHED_EVENTS


def test_published_counts_of_needs_are_met_and_every_household_has_its_file(shipped: Story) -> None:
    found = next(one.result for one in shipped.report.steps if one.name == "needs.summary")
    assert isinstance(found, dict)

    assert {name: found[name] for name in COUNTS} == COUNTS
    assert found["elderly"] >= 3_500
    assert found["household_files"] == found["households"] > 0


def test_every_refusal_told_says_its_rule_and_a_way_out(shipped: Story) -> None:
    refusals = [one for one in shipped.report.steps if one.outcome == "refused"]

    assert {one.rule for one in refusals} >= {"HS-12", "HS-14", "HS-17", "HS-21", "HS-35", "HS-37"}
    assert all(one.rule and one.code and one.message and one.way_out for one in refusals)


def test_every_step_rests_on_a_clause(shipped: Story) -> None:
    assert [one.name for one in shipped.report.steps if not one.clause] == []


def test_bundle_of_the_shipped_case_verifies_alone(shipped: Story, tmp_path: Path) -> None:
    with shipped.scene(END, tmp_path) as scene:
        bundle = scene.bundle(tmp_path / "out")

    done = CliRunner().invoke(app, ["archive", "verify", str(bundle), "--json"])

    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["ok"] is True
