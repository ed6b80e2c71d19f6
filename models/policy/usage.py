"""Which policy leaves the product's code reads: a value that nobody reads must not look as if it held.

Reads the sources as text (AST), never runs them. Called by the lint. A leaf counts as read where code outside
``models.policy`` writes ``….<section>.<leaf>``, takes the leaf from a name bound to the section (assigned, or annotated
with its class), calls a method of the section that names it, or names its key ``"<section>.<leaf>"``. What is not read
yet stands in ``awaiting.yaml`` under the stage that will read it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from models.core.errors import Detail
from models.core.messages import sentence
from models.policy.sections import SECTIONS, leaf_specs

_HERE: Final = Path(__file__).parent
_ROOT: Final = _HERE.parents[1]
PACKAGES: Final = ("models", "tasks", "flows", "infra", "portal", "reports")
AWAITING: Final = _HERE / "awaiting.yaml"
_CLASSES: Final = {section.__name__: name for name, section in SECTIONS.items()}


@cache
def read_leaves(root: Path = _ROOT) -> frozenset[str]:
    """Return the keys of all leaves that the code below ``root`` reads."""
    found: set[str] = set()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if _HERE not in path.parents:
                found.update(_read_in(ast.parse(path.read_text("utf-8"))))
    return frozenset(found & set(leaf_specs()))


def check_usage(*, read: frozenset[str], awaiting: Mapping[str, str]) -> tuple[Detail, ...]:
    """Return a fault for each leaf that is neither read nor awaited, and for each awaited one that is read or unknown.

    ``awaiting`` is leaf key → stage that will read it.
    """
    faults = [_fault("unread", key) for key in leaf_specs() if key not in read and key not in awaiting]
    faults += [_fault("awaited_unknown", key) for key in awaiting if key not in leaf_specs()]
    faults += [_fault("awaited_read", key) for key in awaiting if key in read]
    return tuple(faults)


def awaited(path: Path = AWAITING) -> dict[str, str]:
    """Return leaf key → stage from the list of leaves that no code reads yet."""
    stages: dict[str, list[str] | None] | None = yaml.safe_load(path.read_text("utf-8"))
    return {key: stage for stage, keys in (stages or {}).items() for key in keys or ()}


def drop_read(*, read: frozenset[str], path: Path = AWAITING) -> int:
    """Take the leaves that are read by now off the list, with stages left empty, and return how many."""
    lines = path.read_text("utf-8").splitlines()
    kept = [line for line in lines if line.strip().removeprefix("- ") not in read]
    after = [*kept[1:], ""]
    full = [line for line, below in zip(kept, after, strict=True) if not line.endswith(":") or below.startswith(" ")]
    if full != lines:
        path.write_text("\n".join(full) + "\n", "utf-8")
    return len(lines) - len(kept)


def _fault(code: str, key: str) -> Detail:
    return Detail(problem=sentence(f"policy.fault.{code}"), field=key, rule="SYS-POLICY-UNREAD")


def _read_in(tree: ast.AST) -> Iterator[str]:
    aliases = dict(_aliases(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if "." in text:
                yield text
            case ast.Attribute(value=ast.Attribute(attr=section) | ast.Name(id=section), attr=name):
                for one in {section, aliases.get(section, section)} & set(SECTIONS):
                    yield f"{one}.{name}"
                    yield from (f"{one}.{leaf}" for leaf in _through(one, name))


def _aliases(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield (name, section) for each name that is bound to a section somewhere in the module."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute(attr=section)) if section in SECTIONS:
                yield name, section
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                yield from _pairs(names, values)
            case (
                ast.arg(arg=name, annotation=ast.Name(id=class_))
                | ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=class_))
            ) if class_ in _CLASSES:
                yield name, _CLASSES[class_]


def _pairs(names: Iterable[ast.expr], values: Iterable[ast.expr]) -> Iterator[tuple[str, str]]:
    for target, value in zip(names, values, strict=False):
        if isinstance(target, ast.Name) and isinstance(value, ast.Attribute) and value.attr in SECTIONS:
            yield target.id, value.attr


@cache
def _through(section: str, method: str) -> frozenset[str]:
    """Return the leaves a method of a section speaks for: those its module names as text."""
    class_ = SECTIONS[section]
    if not callable(getattr(class_, method, None)):
        return frozenset()
    module = ast.parse((_HERE / f"{class_.__module__.rpartition('.')[2]}.py").read_text("utf-8"))
    texts = {node.value for node in ast.walk(module) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(text for text in texts if f"{section}.{text}" in leaf_specs())
