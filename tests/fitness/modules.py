"""The source of the product as syntax trees, read once; the fitness tests look through them and list every offender."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("flows", "tasks", "portal", "infra", "reports", "models")
_GENERATED = "infra/migrations/versions/"


@dataclass(frozen=True)
class Module:
    """One Python file: ``path`` relative to the project, its text and its tree."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @property
    def is_generated(self) -> bool:
        return self.path.startswith(_GENERATED)

    def place(self, node: ast.AST) -> str:
        """Return ``path:line`` of a node."""
        return f"{self.path}:{getattr(node, 'lineno', 0)}"


@cache
def product() -> tuple[Module, ...]:
    """Return every module of the six layers."""
    return _read(*LAYERS)


@cache
def checks() -> tuple[Module, ...]:
    """Return every module of the tests themselves."""
    return _read("tests")


def _read(*folders: str) -> tuple[Module, ...]:
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return tuple(Module(str(file.relative_to(ROOT)), file.read_text("utf-8")) for file in files)


def called(node: ast.Call) -> str:
    """Return the dotted name of what is called (``datetime.now``), empty where it is not a plain name."""
    return dotted(node.func)


def dotted(node: ast.AST) -> str:
    """Return a dotted name, empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            before = dotted(value)
            return f"{before}.{attr}" if before else ""
        case _:
            return ""
