"""``python -m tests.fitness.links``: every relative link, anchor and path our Markdown names leads somewhere.

Called by ``make check`` and by ``test_links``. Looks at links, images and code spans that look like a path of ours;
code blocks, other sites and paths inside a bundle are none of its business.
"""

from __future__ import annotations

import fnmatch
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.fitness.modules import ROOT as ROOT

_NOT_OURS = {".venv", ".uv", ".git", "var", "build", "dist"}
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_PATH = re.compile(r"[\w.*\-/\[\]]+")
_NAMES = (".py", ".typ", ".yaml", ".toml")
_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Broken:
    """One reference that leads nowhere: the page (relative), what it names, and why."""

    page: str
    target: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}: {self.target} ({self.reason})"


@dataclass(frozen=True)
class Site:
    """The Markdown pages below a root."""

    root: Path
    _slugs: dict[Path, frozenset[str]] = field(default_factory=dict)

    def pages(self) -> list[Path]:
        """Return our pages, sorted."""
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in _NOT_OURS]
            found += [Path(folder, name) for name in names if name.endswith(".md")]
        return sorted(found)

    def broken(self) -> Iterator[Broken]:
        """Yield every reference that leads nowhere, page by page."""
        for page in self.pages():
            for token in _inline(page):
                target = token.attrGet("href") or token.attrGet("src")
                if target is not None:
                    reason = self._link_fault(page, str(target))
                elif token.type == "code_inline":
                    target, reason = token.content, self._path_fault(page, token.content)
                else:
                    continue
                if reason is not None:
                    yield Broken(self._inside(page).as_posix(), str(target), reason)

    def _inside(self, path: Path) -> Path:
        return path.relative_to(self.root)

    def _link_fault(self, page: Path, target: str) -> str | None:
        if _ELSEWHERE.match(target):
            return None
        path, _, anchor = unquote(target).partition("#")
        place = (page.parent / path).resolve() if path else page.resolve()
        if not place.is_relative_to(self.root.resolve()):
            return "leaves the repository"
        if not place.exists():
            return "no such file"
        if anchor and place.suffix == ".md" and anchor.lower() not in self._slugs_of(place):
            return "no such heading"
        return None

    def _slugs_of(self, page: Path) -> frozenset[str]:
        if page not in self._slugs:
            seen: dict[str, int] = {}
            found = set()
            tokens = _PARSER.parse(page.read_text("utf-8"))
            for opening, heading in pairwise(tokens):
                if opening.type == "heading_open":
                    slug = slug_of("".join(child.content for child in heading.children or ()))
                    count = seen[slug] = seen.get(slug, -1) + 1
                    found.add(f"{slug}-{count}" if count else slug)
            self._slugs[page] = frozenset(found)
        return self._slugs[page]

    def _path_fault(self, page: Path, text: str) -> str | None:
        if not _PATH.fullmatch(text):
            return None
        first = text.partition("/")[0]
        if "/" not in text:
            named = text.endswith(_NAMES) and not text.startswith(("*", "."))
            return "no file of this name" if named and not fnmatch.filter(self._names, text) else None
        if first in {".", ".."}:
            return None if (page.parent / text).exists() else "no such path"
        if not first or first in _NOT_OURS or not (self.root / first).is_dir():
            return None
        pattern = text.rstrip("/")
        return None if any(self.root.glob(pattern)) or any(page.parent.glob(pattern)) else "no such path"

    @cached_property
    def _names(self) -> frozenset[str]:
        """The names of all files of ours."""
        found: set[str] = set()
        for _, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in _NOT_OURS]
            found.update(names)
        return frozenset(found)


def _inline(page: Path) -> Iterator[Token]:
    for block in _PARSER.parse(page.read_text("utf-8")):
        yield from block.children or ()


def slug_of(heading: str) -> str:
    """Return the anchor a forge gives a heading: lower case, punctuation gone, blanks as hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


if __name__ == "__main__":
    faults = [str(fault) for fault in Site(ROOT).broken()]
    sys.stderr.write("".join(f"链接无效:{fault}\n" for fault in faults))
    sys.exit(1 if faults else 0)
