"""The message catalogue and the places that use it agree: codes are worded, wordings used, facts given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from string import Formatter

from models.core.messages import catalogue
from tests.fitness.modules import Module, called, product

_FAMILIES = {"Refusal", "Conflict", "Transient", "DataFault"}
_SENTENCES = {"sentence", "way_out"}
_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_\-]+)+")
_ENOUGH_LETTERS = 4  # of a string built around a code, so that f"{a}.{b}" does not excuse everything
_ENGLISH = re.compile(r"[a-z]{3}")
_CHINESE = re.compile(r"[一-鿿]")


@dataclass(frozen=True)
class Use:
    """One call that names a code: where, which code and the facts it gives (``None`` where they are computed)."""

    place: str
    family: str
    code: str | None
    facts: frozenset[str] | None


@cache
def _uses() -> tuple[Use, ...]:
    return tuple(use for module in product() for use in _uses_in(module))


def _uses_in(module: Module) -> Iterator[Use]:
    for scope in ast.walk(module.tree):
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            continue
        for call in _own_calls(scope):
            name = called(call).rpartition(".")[2]
            if name in _FAMILIES and call.args:
                given = next((word.value for word in call.keywords if word.arg == "facts"), None)
                for code in _codes(call.args[0]):
                    yield Use(module.place(call), name, code, _facts(given, scope))
            elif name in _SENTENCES and call.args:
                given = call.args[1] if len(call.args) > 1 else None
                for code in _codes(call.args[0]):
                    yield Use(module.place(call), name, code, _facts(given, scope))


def _own_calls(scope: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a scope without those of functions inside it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Call):
            yield node
        waiting.extend(ast.iter_child_nodes(node))


def _codes(node: ast.AST) -> list[str | None]:
    match node:
        case ast.Constant(value=str(code)):
            return [code]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_codes(body), *_codes(orelse)]
        case _:
            return [None]


def _facts(given: ast.AST | None, scope: ast.AST) -> frozenset[str] | None:
    if isinstance(given, ast.Name):
        if any(
            isinstance(node, ast.AugAssign) and getattr(node.target, "id", "") == given.id for node in ast.walk(scope)
        ):
            return None
        assigned = [
            node
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.lineno < given.lineno and _binds(node, given.id)
        ]
        return _facts(max(assigned, key=lambda node: node.lineno).value, scope) if assigned else None
    match given:
        case None:
            return frozenset()
        case ast.Dict(keys=keys) if all(isinstance(key, ast.Constant) for key in keys):
            return frozenset(str(key.value) for key in keys if isinstance(key, ast.Constant))
        case _:
            return None


def _binds(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _placeholders(code: str) -> frozenset[str]:
    entry = catalogue()[code]
    return frozenset(
        name
        for text in (entry["text"], entry.get("way_out", ""))
        for _, name, _, _ in Formatter().parse(text)
        if name is not None
    )


@cache
def _named() -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """Return every string of the source that could be a code, and a pattern for every string built around one."""
    literal: set[str] = set()
    patterns = []
    for module in product():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.fullmatch(node.value):
                literal.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in node.values]
                if len(re.sub(r"[^a-z_]", "", "".join(part for part in parts if part != ".+"))) >= _ENOUGH_LETTERS:
                    patterns.append(re.compile("".join(parts)))
    return frozenset(literal), tuple(patterns)


def _is_named(code: str) -> bool:
    literal, patterns = _named()
    return code in literal or any(pattern.fullmatch(code) for pattern in patterns)


def test_the_scan_sees_the_source() -> None:
    """The test would be worthless if it found nothing: the kernel alone raises dozens of faults."""
    assert sum(use.family in _FAMILIES and use.code is not None for use in _uses()) > 40


def test_every_fault_raised_has_a_wording_and_a_way_out() -> None:
    offenders = []
    for use in _uses():
        if use.family not in _FAMILIES or use.code is None:
            continue
        entry = catalogue().get(use.code)
        if entry is None:
            offenders.append(f"{use.place} {use.code}: not in the catalogue")
        elif not entry.get("way_out"):
            offenders.append(f"{use.place} {use.code}: no way out")
    assert not offenders, "\n".join(sorted(set(offenders)))


def test_every_sentence_asked_for_is_in_the_catalogue() -> None:
    offenders = [
        f"{use.place} {use.code}: not in the catalogue"
        for use in _uses()
        if use.family in _SENTENCES and use.code is not None and use.code not in catalogue()
    ]
    assert not offenders, "\n".join(offenders)


def test_every_placeholder_is_filled_where_the_code_is_raised() -> None:
    """A missing fact would turn a refusal into a crash: text and way out together ask for what the raiser gives."""
    offenders = []
    for use in _uses():
        if use.code is None or use.facts is None or use.code not in catalogue():
            continue
        missing = _placeholders(use.code) - use.facts
        if missing:
            offenders.append(f"{use.place} {use.code}: lacks {sorted(missing)}")
    assert not offenders, "\n".join(offenders)


def test_every_wording_is_used_somewhere() -> None:
    """A sentence nobody can ever read is a promise nobody keeps: drop it or raise it."""
    unused = [code for code in sorted(catalogue()) if not _is_named(code)]
    assert not unused, "\n".join(unused)


def test_every_wording_is_chinese_and_well_formed() -> None:
    """Codes are lower-case and dotted, texts are Chinese (or a sign like SHA-256), placeholders are plain names."""
    offenders = []
    for code, entry in catalogue().items():
        if not _CODE.fullmatch(code):
            offenders.append(f"{code}: not a dotted code")
        if set(entry) - {"text", "way_out"}:
            offenders.append(f"{code}: unknown keys {sorted(set(entry) - {'text', 'way_out'})}")
        fixed = re.sub(r"\{[^}]*\}", "", str(entry.get("text", "")))
        if not entry.get("text") or (_ENGLISH.search(fixed) and not _CHINESE.search(fixed)):
            offenders.append(f"{code}: no Chinese text")
        offenders += [f"{code}: placeholder {{{name}}}" for name in _placeholders(code) if not name.isidentifier()]
    assert not offenders, "\n".join(offenders)
