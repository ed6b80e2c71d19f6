"""A leaf that no code reads is found, unless the list says which stage will read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.policy import lint, usage
from models.policy.sections import leaf_specs


def written(root: Path, code: str) -> frozenset[str]:
    (root / "models").mkdir(parents=True)
    (root / "models" / "rules.py").write_text(code, "utf-8")
    return usage.read_leaves(root)


@pytest.mark.parametrize(
    "code",
    [
        "size = policy.review.panel_size",
        "own = policy.review\nsize = own.panel_size",
        "own, other = policy.review, policy.needs\nsize = own.panel_size",
        "def check(leaves: Review) -> None:\n    leaves.panel_size",
        "size = policy.need('review.panel_size')",
    ],
)
def test_a_leaf_is_read_by_its_section_by_a_name_for_the_section_or_by_its_key(tmp_path: Path, code: str) -> None:
    assert written(tmp_path, code) == {"review.panel_size"}


@pytest.mark.parametrize("code", ["panel.panel_size", "panel_size = 5", "policy.needs.panel_size"])
def test_the_same_word_elsewhere_is_not_a_reading(tmp_path: Path, code: str) -> None:
    assert written(tmp_path, code) == frozenset()


def test_an_unread_leaf_a_stale_one_and_an_unknown_one_are_found() -> None:
    everything = frozenset(leaf_specs())

    unread = usage.check_usage(read=everything - {"needs.strata"}, awaiting={})
    listed = usage.check_usage(read=everything - {"needs.strata"}, awaiting={"needs.strata": "S01"})
    stale = usage.check_usage(read=everything, awaiting={"needs.strata": "S01"})
    unknown = usage.check_usage(read=everything, awaiting={"needs.nothing": "S01"})

    assert [fault.field for fault in unread] == ["needs.strata"]
    assert listed == ()
    assert [fault.field for fault in stale] == ["needs.strata"]
    assert [fault.field for fault in unknown] == ["needs.nothing"]


def test_what_is_read_by_now_is_taken_off_the_list_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "awaiting.yaml"
    path.write_text("# why\nS01 需求:\n  - needs.strata\n  - needs.file_unit\nS05 评审:\n  - review.quorum\n", "utf-8")

    dropped = usage.drop_read(read=frozenset({"needs.strata", "review.quorum"}), path=path)

    assert dropped == 2
    assert path.read_text("utf-8") == "# why\nS01 需求:\n  - needs.file_unit\n"
    assert usage.awaited(path) == {"needs.file_unit": "S01 需求"}


def test_the_lint_fails_on_an_unread_leaf(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(usage, "read_leaves", lambda: frozenset(leaf_specs()) - {"review.panel_size"})
    monkeypatch.setattr(usage, "awaited", dict)

    assert lint.main([]) == 1
    assert "review.panel_size" in capsys.readouterr().out


def test_leaves_of_the_kernel_s_own_stages_are_read() -> None:
    assert {"alerts.overdue_repeat_days", "delivery.case_plan_required", "monitoring.satisfaction_surveys_min"} <= (
        usage.read_leaves()
    )
