"""``python -m tests.fitness.links``: every relative link of our Markdown files leads to a file (``make check``)."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import unquote

from tests.fitness.modules import ROOT

_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_NOT_OURS = {".venv", ".uv", ".git", "var", "build", "dist", "node_modules"}


def broken_links() -> list[str]:
    """Return ``file: target`` of every relative link without a file behind it, sorted."""
    found = []
    for page in ROOT.rglob("*.md"):
        if _NOT_OURS & set(page.relative_to(ROOT).parts):
            continue
        for target in _LINK.findall(_CODE.sub("", page.read_text("utf-8"))):
            path = unquote(target.partition("#")[0])
            if path and "://" not in target and not target.startswith("mailto:") and not _exists(page, path):
                found.append(f"{page.relative_to(ROOT)}: {target}")
    return sorted(found)


def _exists(page: Path, path: str) -> bool:
    return (ROOT / path.lstrip("/") if path.startswith("/") else page.parent / path).exists()


if __name__ == "__main__":
    broken = broken_links()
    for line in broken:
        sys.stderr.write(f"链接无效:{line}\n")
    sys.exit(1 if broken else 0)
