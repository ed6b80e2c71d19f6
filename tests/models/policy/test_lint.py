"""The lint that ``make check`` runs: exit code and Chinese findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.policy import lint
from models.policy.lock import LOCK_PATH


def test_the_shipped_packs_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint.main([]) == 0
    assert "检查通过" in capsys.readouterr().out


def test_a_pack_that_does_not_load_is_listed_line_by_line(shipped: Path) -> None:
    path = shipped / "cn" / "alerts.yaml"
    path.write_text(path.read_text("utf-8").replace("unit: days\n", "unit: weeks\n", 1), "utf-8")

    code, lines = lint.run(root=shipped, lock_path=LOCK_PATH, write_lock=False)

    assert code == 1
    assert "1 处" in lines[0]
    assert "cn/alerts.yaml:12:alerts.overdue_repeat_days.unit" in lines[1]


@pytest.mark.parametrize(
    ("file", "old", "new", "finding"),
    [
        ("cn/review.yaml", "value: 5\n", "value: 4\n", "review.panel_size"),
        ("cn/evaluation.yaml", "output: '0.25'", "output: '0.35'", "evaluation.sheet_weights"),
        ("cn/review.yaml", "value: city_bureau", "value: city_hall", "review.convener"),
        ("cn/review.yaml", "innovation: 1\n", "novelty: 1\n", "review.dimension_weights"),
        (
            "cn/evaluation.yaml",
            "unqualified: 0\n    unit: points",
            "unqualified: 10\n    unit: points",
            "evaluation.grades",
        ),
        ("cn/archive.yaml", "value: 30\n", "value: 10\n", "archive.procurement_retention_years"),
        ("cn/alerts.yaml", "from: 2015-03-01", "from: 2019-01-01", "alerts.ladder_days"),
    ],
)
def test_values_that_contradict_each_other_are_found(
    shipped: Path, file: str, old: str, new: str, finding: str
) -> None:
    path = shipped / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")

    code, lines = lint.run(root=shipped, lock_path=LOCK_PATH, write_lock=False)

    assert code == 1
    assert any(finding in line for line in lines[1:])


def test_a_value_not_yet_locked_is_a_finding_until_it_is_written(shipped: Path, tmp_path: Path) -> None:
    lock = tmp_path / "LOCK"

    before, findings = lint.run(root=shipped, lock_path=lock, write_lock=False)
    written, _ = lint.run(root=shipped, lock_path=lock, write_lock=True)
    after, _ = lint.run(root=shipped, lock_path=lock, write_lock=False)

    assert (before, written, after) == (1, 0, 0)
    assert len(findings) == len(lock.read_text("utf-8").splitlines()) + 1


def test_nothing_is_written_while_a_locked_value_is_edited(shipped: Path, tmp_path: Path) -> None:
    lock = tmp_path / "LOCK"
    lines = LOCK_PATH.read_text("utf-8").splitlines()[:-1]
    lock.write_text("\n".join(lines) + "\n", "utf-8")
    path = shipped / "420200" / "procurement.yaml"
    path.write_text(path.read_text("utf-8").replace("value: 500000\n", "value: 600000\n"), "utf-8")

    code, _ = lint.run(root=shipped, lock_path=lock, write_lock=True)

    assert code == 1
    assert lock.read_text("utf-8").splitlines() == lines
