"""The loader refuses every form of leaf that could not be relied on, all at once and with the place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from models.core.errors import DataFault
from models.core.messages import sentence
from models.policy.loader import load_packs
from models.policy.resolver import PolicyBook, load_policy_book
from tests.models.policy.conftest import LEAF, NATION

Write = Callable[..., Path]


def test_a_sound_leaf_is_read(write: Write) -> None:
    packs = load_packs(write(LEAF))

    (entry,) = packs["cn"].leaves["review.panel_size"]
    assert entry.value == 5
    assert entry.citation.number is None


@pytest.mark.parametrize(
    ("old", "new", "fault", "place"),
    [
        ("review.panel_size:", "review.panel_sise:", "unknown_leaf", "cn/review.yaml:2:review.panel_sise"),
        ("review.panel_size:", "needs.file_unit:", "unknown_leaf", "cn/review.yaml:2:needs.file_unit"),
        ("    meaning: 人数\n", "    meening: 人数\n", "unknown_key", "cn/review.yaml:5:review.panel_size.meening"),
        ("    meaning: 人数\n", "", "missing", "cn/review.yaml:3:review.panel_size.meaning"),
        ("meaning: 人数", "meaning: ''", "missing", "cn/review.yaml:5:review.panel_size.meaning"),
        ("    status: proposed\n", "", "missing", "cn/review.yaml:3:review.panel_size.status"),
        ("status: proposed", "status: probably", "wrong_standing", "cn/review.yaml:6:review.panel_size.status"),
        ("status: proposed", "status: enacted", "evidence", "cn/review.yaml:7:review.panel_size.evidence"),
        ("evidence: PROP", "evidence: S", "evidence", "cn/review.yaml:7:review.panel_size.evidence"),
        ("evidence: PROP", "evidence: BK", "unstated", "cn/review.yaml:8:review.panel_size.citation"),
        ("title: 无来源规定(本系统建议值)", "title: 某办法", "unstated", "cn/review.yaml:8:review.panel_size.citation"),
        ("title: 无来源规定(本系统建议值), ", "", "citation", "cn/review.yaml:8:review.panel_size.citation"),
        ("number: null", "number: 7", "citation", "cn/review.yaml:8:review.panel_size.citation"),
        ("unit: count", "unit: days", "wrong_unit", "cn/review.yaml:4:review.panel_size.unit"),
        ("value: 5", "value: '5'", "wrong_value", "cn/review.yaml:3:review.panel_size.value"),
        ("value: 5", "value: true", "wrong_value", "cn/review.yaml:3:review.panel_size.value"),
        ("value: 5", "value: -5", "wrong_value", "cn/review.yaml:3:review.panel_size.value"),
        ("value: 5", "value: !!python/name:os.system x", "wrong_value", "cn/review.yaml:3:review.panel_size.value"),
        ("to: null", "to: 2015-03-01", "period", "cn/review.yaml:9:review.panel_size.effective"),
        ("from: 2015-03-01", "from: '2015'", "period", "cn/review.yaml:9:review.panel_size.effective"),
        ("from: 2015-03-01", "from: 2015-03-01 08:00:00", "period", "cn/review.yaml:9:review.panel_size.effective"),
        ("    unit: count\n", "    unit: count\n    unit: days\n", "duplicate_key", "cn/review.yaml:5:unit"),
    ],
)
def test_a_faulty_leaf_is_refused_with_its_place(write: Write, old: str, new: str, fault: str, place: str) -> None:
    assert old in LEAF

    with pytest.raises(DataFault) as caught:
        load_packs(write(LEAF.replace(old, new, 1)))

    assert caught.value.code == "policy.invalid"
    found = {(item.field, item.problem) for item in caught.value.details}
    assert (place, sentence(f"policy.fault.{fault}")) in found


def test_a_float_is_refused_because_it_would_be_rounded(write: Write) -> None:
    with pytest.raises(DataFault) as caught:
        load_packs(write(LEAF.replace("panel_size", "score_max").replace("count", "points").replace("5\n", "0.1\n", 1)))

    assert [item.problem for item in caught.value.details] == [sentence("policy.fault.wrong_value")]


@pytest.mark.parametrize(
    ("first_end", "second_start", "overlaps"),
    [
        ("2020-01-01", "2020-01-01", False),
        ("2020-01-01", "2019-12-31", True),
        ("null", "2020-01-01", True),
        ("2020-01-01", "2021-01-01", False),
    ],
)
def test_periods_of_one_leaf_do_not_overlap(write: Write, first_end: str, second_start: str, overlaps: bool) -> None:
    entry = LEAF.split("\n", 2)[2]
    text = LEAF.replace("to: null", f"to: {first_end}") + entry.replace("2015-03-01", second_start)

    if overlaps:
        with pytest.raises(DataFault) as caught:
            load_packs(write(text))
        assert [item.problem for item in caught.value.details] == [sentence("policy.fault.overlap")]
    else:
        assert len(load_packs(write(text))["cn"].leaves["review.panel_size"]) == 2


def test_all_faults_are_reported_at_once(write: Write) -> None:
    spoiled = LEAF.replace("value: 5", "value: five").replace("unit: count", "unit: days") + "review.nonsense: []\n"

    with pytest.raises(DataFault) as caught:
        load_packs(write(spoiled))

    assert len(caught.value.details) == 3
    assert caught.value.facts["count"] == 3


@pytest.mark.parametrize(
    "region",
    [
        "level: nation\nparent: null\ncovered_from: 2015-03-01\n",
        "name: 甲\nlevel: planet\nparent: null\ncovered_from: 2015-03-01\n",
        "name: 甲\nlevel: nation\ncovered_from: 2015-03-01\n",
        "name: 甲\nlevel: nation\nparent: null\n",
        "name: 甲\nlevel: nation\nparent: atlantis\n",
        "name: 甲\nlevel: nation\nparent: cn\n",
        NATION + "population: 3\n",
    ],
)
def test_a_faulty_region_is_refused(write: Write, region: str) -> None:
    with pytest.raises(DataFault) as caught:
        load_packs(write(LEAF, region))

    assert all((item.field or "").startswith("cn/region.yaml") for item in caught.value.details)


@pytest.mark.parametrize(
    ("text", "fault"), [("a: [1", "unreadable"), ("- a\n", "not_mapping"), ("review.panel_size: 5\n", "no_entries")]
)
def test_a_file_that_is_no_leaf_file_is_refused(write: Write, text: str, fault: str) -> None:
    with pytest.raises(DataFault) as caught:
        load_packs(write(text))

    assert [item.problem for item in caught.value.details] == [sentence(f"policy.fault.{fault}")]


def test_a_file_named_after_no_stage_is_refused(write: Write) -> None:
    root = write(LEAF)
    (root / "cn" / "revue.yaml").write_text(LEAF, "utf-8")

    with pytest.raises(DataFault) as caught:
        load_packs(root)

    assert [item.field for item in caught.value.details] == ["cn/revue.yaml"]


COUNTY = "name: 合成县\nlevel: county\nparent: '520300'\n"
"""A county of Zunyi (合成)."""


def _county(shipped: Path, *, region: str = COUNTY, **files: str) -> Path:
    folder = shipped / "529999"
    folder.mkdir()
    (folder / "region.yaml").write_text(region, "utf-8")
    for stage, text in files.items():
        (folder / f"{stage}.yaml").write_text(text, "utf-8")
    return shipped


def _local(key: str, value: str, unit: str, *, period: str = "{from: 2025-01-01, to: null}") -> str:
    return (
        f"{key}:\n  - value: {value}\n    unit: {unit}\n    meaning: 合成\n    status: proposed\n    evidence: PROP\n"
        f"    citation: {{title: 无来源规定(本系统建议值), number: null, article: null}}\n    effective: {period}\n"
    )


def test_a_county_sets_what_is_adjustable_or_not_settled_above(shipped: Path) -> None:
    """ZY-118: a proposal, and a permission of the city's document."""
    root = _county(
        shipped,
        review=_local("review.panel_size", "7", "count"),
        library=_local("library.brand_theme", "合成主题", "text"),
        publicity=_local("publicity.channels_min", "2", "count", period="{from: 2016-01-01, to: 2024-08-01}"),
    )

    policy = PolicyBook(load_packs(root)).resolve(region="529999", on=date(2025, 3, 3))

    assert (policy.review.panel_size, policy.library.brand_theme) == (7, "合成主题")
    assert policy.publicity.channels_min == 1


def test_a_county_may_not_set_a_hard_rule_of_the_city(shipped: Path) -> None:
    """ZY-118: named with its file and key, whatever the value; one level lower it is refused as well."""
    root = _county(shipped, publicity=_local("publicity.channels_min", "2", "count"))
    below = root / "529998"
    below.mkdir()
    (below / "region.yaml").write_text(COUNTY.replace("520300", "529999"), "utf-8")
    (below / "funding.yaml").write_text(_local("funding.plan_months", "12", "months"), "utf-8")

    with pytest.raises(DataFault) as caught:
        load_packs(root)

    assert [(item.rule, item.field) for item in caught.value.details] == [
        ("ZY-118", "529998/funding.yaml:funding.plan_months"),
        ("ZY-118", "529999/publicity.yaml:publicity.channels_min"),
    ]
    assert {item.problem for item in caught.value.details} == {sentence("policy.fault.hard_leaf")}


@pytest.mark.parametrize(
    "mark",
    ["ZY-118", "{rule: ZY-118}", "{rule: ZY-118, adjustable: [review.panel_sise]}", "{rule: ZY-118, adjustable: [[]]}"],
)
def test_a_mark_that_says_nothing_certain_is_refused(write: Write, mark: str) -> None:
    with pytest.raises(DataFault) as caught:
        load_packs(write(LEAF, NATION + f"hard: {mark}\n"))

    found = {(item.field, item.problem) for item in caught.value.details}
    assert ("cn/region.yaml:5:hard", sentence("policy.fault.wrong_region")) in found


def test_each_value_says_whether_it_is_hard_below() -> None:
    book = load_policy_book()
    leaves = book.leaves_on("520300", date(2025, 3, 3))
    assert book.hard(leaves["publicity.channels_min"]) == "ZY-118"
    assert book.hard(leaves["library.brand_theme"]) is None
    assert book.hard(leaves["review.panel_size"]) is None
