"""``python -m models.rules.diagram [--check] FILE``: the state diagram, generated from the transition table."""

from __future__ import annotations

import sys
from pathlib import Path

from models.rules.lifecycle import mermaid


def page() -> str:
    """Return the Markdown page with the diagram."""
    return (
        "# State diagram\n\n"
        "Generated from `models/rules/lifecycle.py` by `make diagram`; compared in `make check`. Do not edit.\n\n"
        f"```mermaid\n{mermaid()}```\n"
    )


def main(arguments: list[str]) -> int:
    """Write the page, or compare it with ``--check``; return the exit code."""
    path = Path(arguments[-1])
    if arguments[0] != "--check":
        path.write_text(page(), "utf-8")
        return 0
    if not path.exists() or path.read_text("utf-8") != page():
        sys.stderr.write(f"状态图与转换表不一致:请运行 make diagram 后提交 {path}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
