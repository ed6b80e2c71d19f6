"""A locked value is superseded, never edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.core.messages import sentence
from models.policy.loader import load_packs
from models.policy.lock import LOCK_PATH, check_lock, unlocked, write_lock

TERM = "公共服务项目验收应当邀请服务对象参与并出具意见"


def _edit(root: Path, file: str, old: str, new: str) -> None:
    path = root / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def _faults(root: Path) -> list[tuple[str | None, str]]:
    return [(item.field, item.problem) for item in check_lock(load_packs(root), path=LOCK_PATH)]


def test_the_shipped_packs_agree_with_the_shipped_lock(shipped: Path) -> None:
    assert _faults(shipped) == []
    assert unlocked(load_packs(shipped)) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value: 500000\n", "value: 600000\n"),
        ("title: 黄石市政府购买服务管理办法(暂行)", "title: 另一办法"),
        ("    status: practice\n    evidence: S", "    status: enacted\n    evidence: S"),
    ],
)
def test_an_edited_value_is_caught(shipped: Path, old: str, new: str) -> None:
    path = shipped / "420200" / "procurement.yaml"
    head, leaf = path.read_text("utf-8").split("procurement.open_tender_threshold:", 1)
    assert old in leaf
    path.write_text(head + "procurement.open_tender_threshold:" + leaf.replace(old, new, 1), "utf-8")

    place = "420200:procurement.open_tender_threshold:2015-01-01"
    assert _faults(shipped) == [(place, sentence("policy.fault.locked_edited"))]


def test_a_value_turned_into_a_proposal_is_caught(shipped: Path) -> None:
    _edit(
        shipped,
        "cn/archive.yaml",
        "    status: enacted\n    evidence: L\n    citation: {title: 个人信息保护法",
        "    status: proposed\n    evidence: BK\n    citation: {title: 个人信息保护法",
    )
    place = "cn:archive.impact_assessment_years:2021-11-01"
    assert _faults(shipped) == [(place, sentence("policy.fault.locked_edited"))]


def test_a_removed_value_is_caught(shipped: Path) -> None:
    (shipped / "520300" / "recovery.yaml").unlink()

    place = "520300:recovery.ladder:2024-08-01"
    assert _faults(shipped) == [(place, sentence("policy.fault.locked_removed"))]


def test_a_moved_start_is_caught_as_removal(shipped: Path) -> None:
    _edit(shipped, "520300/recovery.yaml", "from: 2024-08-01", "from: 2024-09-01")

    place = "520300:recovery.ladder:2024-08-01"
    assert _faults(shipped) == [(place, sentence("policy.fault.locked_removed"))]


def test_closing_a_value_without_a_successor_is_caught(shipped: Path) -> None:
    _edit(shipped, "520300/recovery.yaml", "to: null", "to: 2027-01-01")

    place = "520300:recovery.ladder:2024-08-01"
    assert _faults(shipped) == [(place, sentence("policy.fault.locked_closed"))]


@pytest.mark.parametrize(
    ("standing", "lawful"),
    [("    status: enacted\n    evidence: L", True), ("    status: proposed\n    evidence: BK", False)],
)
def test_a_value_is_superseded_only_by_a_successor_in_force(shipped: Path, standing: str, lawful: bool) -> None:
    path = shipped / "520300" / "recovery.yaml"
    text = path.read_text("utf-8")
    entry = text.split("\n", 1)[1].replace("    status: enacted\n    evidence: S", standing)
    path.write_text(
        text.replace("to: null", "to: 2027-01-01") + entry.replace("from: 2024-08-01", "from: 2027-01-01"), "utf-8"
    )

    expected = [] if lawful else [("520300:recovery.ladder:2024-08-01", sentence("policy.fault.locked_closed"))]
    assert _faults(shipped) == expected


def test_an_end_that_was_locked_cannot_be_moved(shipped: Path) -> None:
    path = shipped / "cn" / "recovery.yaml"
    path.write_text(path.read_text("utf-8").replace("2026-07-01", "2026-08-01"), "utf-8")

    assert ("cn:recovery.fraud_fine_max:2014-05-01", sentence("policy.fault.locked_edited")) in _faults(shipped)
    assert ("cn:recovery.fraud_fine_max:2026-07-01", sentence("policy.fault.locked_removed")) in _faults(shipped)


def test_a_proposal_may_be_edited_and_a_meaning_reworded(shipped: Path) -> None:
    _edit(shipped, "cn/review.yaml", "value: 5\n", "value: 7\n")
    _edit(shipped, "cn/acceptance.yaml", TERM, TERM + "(书面)")

    assert _faults(shipped) == []


def test_writing_adds_what_is_new_and_rewrites_nothing(shipped: Path, tmp_path: Path) -> None:
    lock = tmp_path / "LOCK"
    lines = LOCK_PATH.read_text("utf-8").splitlines()
    lock.write_text("\n".join(lines[:-2]) + "\n", "utf-8")
    _edit(shipped, "420200/procurement.yaml", "value: 500000\n", "value: 600000\n")
    packs = load_packs(shipped)

    assert write_lock(packs, path=lock) == 2
    assert lock.read_text("utf-8").splitlines() == lines
    assert write_lock(packs, path=lock) == 0
    assert len(check_lock(packs, path=lock)) == 1


def test_a_spoiled_lock_line_is_caught(shipped: Path, tmp_path: Path) -> None:
    lock = tmp_path / "LOCK"
    lines = LOCK_PATH.read_text("utf-8").splitlines()
    lock.write_text("\n".join([lines[0], "cn procurement.methods", *lines]) + "\n", "utf-8")

    found = [item.field for item in check_lock(load_packs(shipped), path=lock)]

    assert found == ["LOCK:2", "LOCK:3"]
