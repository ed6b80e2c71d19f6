"""``lifecycle replay``: what it prints and returns for a case that holds and for one that does not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.seaweed import EmbeddedS3
from tests.portal.cli.conftest import Lifecycle

pytestmark = pytest.mark.xdist_group("cli")

CASES = Path(__file__).parent / "cases"
CASE_FORMAT = Path(__file__).parents[3] / "docs" / "case-format.md"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose S3 server runs already, so that each replay need not start one."""
    home = tmp_path_factory.mktemp("replay")
    with EmbeddedS3(home / "s3"):
        yield home


@pytest.fixture
def replay(home: Path, tmp_path: Path, lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch) -> Lifecycle:
    """Replay a case file of this folder, or one that was put into ``tmp_path``."""
    monkeypatch.setenv("LIFECYCLE_HOME", str(home))
    shutil.copytree(CASES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "broken.xlsx").write_bytes(b"no workbook at all")
    return lambda name, *options: lifecycle("replay", str(tmp_path / name), *options)


def test_case_that_holds_exits_0_and_reports_every_step(replay: Lifecycle) -> None:
    said = replay("every-outcome.yaml", "--json")

    assert (said.code, said.json["ok"]) == (0, True), said.out
    assert set(said.json) == {"case", "title", "region", "ok", "steps"}
    assert [step["outcome"] for step in said.json["steps"]] == [
        "ok",
        *["refused"] * 3,
        *["fault", "refused"],
        *["ok", "ok", "conflict"],
        *["ok", "refused"],
        "ok",
    ]


def test_step_is_reported_with_all_that_explains_it(replay: Lifecycle) -> None:
    opened, missing, *_ = replay("every-outcome.yaml", "--json").json["steps"]

    explained = {"clause", "outcome", "code", "rule", "message", "way_out", "details", "mismatches", "result", "flows"}
    assert explained | {"number", "line", "on", "actor", "verb", "name", "label", "note", "event"} <= set(opened)
    assert (opened["number"], opened["line"], opened["on"]) == (1, 8, "2016-01-04")
    assert (opened["actor"], opened["clause"], opened["label"]) == (
        "evaluation_office:u-office",
        "HS-03",
        "开展需求摸底调查",
    )
    assert (opened["note"], opened["event"], opened["synthetic"]) == ("开始摸底", 3, ["title"])
    assert opened["result"]["id"].startswith("sur-")
    assert (missing["rule"], missing["code"], missing["held"]) == ("HS-03", "needs.class_missing", True)
    assert missing["message"]
    assert missing["way_out"]


def test_text_says_the_same_as_json(replay: Lifecycle) -> None:
    told, shown = replay("every-outcome.yaml", "--json").json, replay("every-outcome.yaml")

    assert shown.code == 0
    for step in told["steps"]:
        assert step["label"] in shown.out
        assert step["clause"] in shown.out
        assert step["message"] in shown.out
    assert shown.out.count("✓") == len(told["steps"])
    assert f"{len(told['steps'])}/{len(told['steps'])}" in shown.out.splitlines()[-1]


def test_case_played_again_in_the_same_home_says_the_same(replay: Lifecycle) -> None:
    assert replay("every-outcome.yaml", "--json").json == replay("every-outcome.yaml", "--json").json


def test_case_that_does_not_hold_exits_1_and_goes_on_to_its_end(replay: Lifecycle) -> None:
    told, shown = replay("does-not-hold.yaml", "--json"), replay("does-not-hold.yaml")

    steps = told.json["steps"]
    assert (told.code, shown.code, told.json["ok"]) == (1, 1, False)
    assert [(step["outcome"], step["held"]) for step in steps] == [
        ("refused", False),
        ("unresolved", False),
        ("refused", False),
        ("refused", False),
        ("ok", False),
        ("ok", False),
        ("unresolved", False),
        ("ok", True),
    ]
    assert shown.out.count("✗") == 7
    assert "1/8" in shown.out.splitlines()[-1]


def test_step_that_does_not_hold_says_what_was_expected_and_found(replay: Lifecycle) -> None:
    steps = replay("does-not-hold.yaml", "--json").json["steps"]

    assert "$survey" in steps[1]["message"]
    assert steps[4]["mismatches"] == ["应为 refused(ZY-44),但实际办理成功"]
    assert steps[5]["mismatches"] == ["state:应为 project.submitted,实为 project.in_library"]


def test_example_of_the_case_format_page_holds(replay: Lifecycle, tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", CASE_FORMAT.read_text("utf-8"), re.DOTALL)
    assert example
    (tmp_path / "example.yaml").write_text(example.group(1), "utf-8")

    said = replay("example.yaml", "--json")

    assert said.code == 0, said.out
