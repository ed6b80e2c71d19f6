"""Every region that ships can be replayed: a case of its own starts, under its own values and citations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.seaweed import EmbeddedS3
from tests.portal.cli.conftest import Lifecycle

pytestmark = pytest.mark.xdist_group("cli")

CASE = """
case: start-{region}
title: 地区数据演练(合成)
region: "{region}"
start: {day}
steps:
  - on: {day}
    as: {{role: county_bureau, id: u-bureau}}
    do: needs.open_survey
    with: {{title: 救助服务需求摸底排查(合成), classes: [DIBAO], scope: 全部街道}}
    synthetic: [title]
    save: survey
  - on: {day}
    as: {{role: county_bureau, id: u-bureau}}
    do: needs.open_survey
    with: {{title: 另一次摸底(合成), classes: [URBAN_DIBAO], scope: 全部街道}}
    expect: {{refused: needs.class_unknown}}
  - {{on: {day}, query: policy.values, as: {{role: county_bureau, id: u-bureau}}, with: {{region: "{region}"}}}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("regions")
    with EmbeddedS3(home / "s3"):
        yield home


@pytest.mark.parametrize(
    ("region", "day", "key", "source"),
    [
        ("110000", "2019-03-04", "contract.max_years", "京民社救发〔2018〕313号"),
        ("350503", "2024-09-24", "needs.reassess_months", "泉丰保障〔2024〕2号"),
        ("340000", "2023-03-06", "lists.purchase_domains", "报道第二段"),
        ("520300", "2024-09-24", "acceptance.self_check_months", "遵义市"),
    ],
)
def test_a_case_of_the_region_starts(
    region: str,
    day: str,
    key: str,
    source: str,
    home: Path,
    tmp_path: Path,
    lifecycle: Lifecycle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIFECYCLE_HOME", str(home))
    (tmp_path / "case.yaml").write_text(CASE.format(region=region, day=day), "utf-8")

    said = lifecycle("replay", str(tmp_path / "case.yaml"), "--json")

    assert said.code == 0, said.out + said.err
    values = {value["key"]: value for value in said.json["steps"][-1]["result"]}
    assert source in values[key]["source"]
    assert values[key]["confirmed"] == (region != "340000")
