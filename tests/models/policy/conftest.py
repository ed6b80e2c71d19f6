"""A small two-region pack written by hand, and a copy of the shipped packs that a test may spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

LEAF = """
review.panel_size:
  - value: 5
    unit: count
    meaning: 人数
    status: proposed
    evidence: PROP
    citation: {title: 无来源规定(本系统建议值), number: null, article: null}
    effective: {from: 2015-03-01, to: null}
"""
NATION = "name: 甲国\nlevel: nation\nparent: null\ncovered_from: 2015-03-01\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a pack ``cn`` whose review.yaml is the given text; other files by keyword path are not needed here."""

    def _write(review: str, region: str = NATION) -> Path:
        folder = tmp_path / "regions" / "cn"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "region.yaml").write_text(region, "utf-8")
        (folder / "review.yaml").write_text(review, "utf-8")
        return tmp_path / "regions"

    return _write


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """Return a copy of the shipped ``regions`` folder."""
    with resources.as_file(resources.files("models.policy") / "regions") as source:
        return Path(shutil.copytree(source, tmp_path / "shipped"))
