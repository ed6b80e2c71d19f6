"""Our Markdown leads somewhere, and the checker that says so can tell the difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fitness.links import ROOT, Site, slug_of


def test_every_link_and_path_of_the_repository_leads_somewhere() -> None:
    """A page that names a moved file is wrong; ``make check`` and this test both say which."""
    site = Site(ROOT)

    broken = [str(item) for item in site.broken()]

    assert ROOT / "README.md" in site.pages()
    assert broken == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small repository with one page in a folder and one module."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "models" / "core").mkdir(parents=True)
    (tmp_path / "models" / "core" / "money.py").write_text("")
    (tmp_path / "docs" / "other.md").write_text("# One\n\n## Exit codes (`0`)\n\n## One\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[a](absent.md)", "no such file"),
        ("[a](../../outside.md)", "leaves the repository"),
        ("[a](other.md#two)", "no such heading"),
        ("[a](#here)", "no such heading"),
        ("![a](absent.png)", "no such file"),
        ("[a]: absent.md\n\n[a]", "no such file"),
        ("| x |\n|---|\n| [a](absent.md) |", "no such file"),
        ("`models/core/coin.py`", "no such path"),
        ("`models/core/*.yaml`", "no such path"),
        ("`coin.py`", "no file of this name"),
    ],
)
def test_a_link_or_path_that_leads_nowhere_is_named(root: Path, text: str, reason: str) -> None:
    """Each kind of broken reference gives exactly one finding, with page and reason."""
    (root / "docs" / "page.md").write_text(text, encoding="utf-8")

    found = list(Site(root).broken())

    assert [(item.page, item.reason) for item in found] == [("docs/page.md", reason)]


@pytest.mark.parametrize(
    "text",
    [
        "[a](other.md#exit-codes-0) [b](other.md#one-1) [c](other.md)",
        "# 两种运行方式\n\n[a](#两种运行方式)",
        "[a](https://example.org/absent) [b](mailto:a@example.org)",
        "`models/core/money.py` `models/core/` `models/*/*.py` `money.py` `../models/core`",
        "`data/01_需求/` `metadata/events.jsonl` `ZY-69` `models/core/<stage>.py` `yes/no`",
        "```sh\nsh absent/verify.sh\n```",
    ],
)
def test_what_leads_somewhere_or_is_no_path_of_ours_is_left_alone(root: Path, text: str) -> None:
    """Anchors, globs, other sites, code blocks and paths inside a bundle are no findings."""
    (root / "docs" / "page.md").write_text(text, encoding="utf-8")

    assert list(Site(root).broken()) == []


def test_slugs_are_those_of_the_forge() -> None:
    """Punctuation goes, blanks become hyphens, case falls; Chinese stays."""
    assert slug_of(" Start, stop & logs: `make up` ") == "start-stop--logs-make-up"
    assert slug_of("两种运行方式") == "两种运行方式"
