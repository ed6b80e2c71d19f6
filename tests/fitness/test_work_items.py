"""Every work item can be done: the command that resolves it is one that exists."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from models import commands
from models.core.registry import OperationKind, operations
from tests.fitness.modules import Module, product


def _resolvers(module: Module) -> Iterator[tuple[ast.AST, list[str]]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.keyword) and node.arg == "resolves_with":
            yield node.value, list(_strings(module, node.value))


def _strings(module: Module, value: ast.expr) -> Iterator[str]:
    """Return the strings a value may be: itself, both ends of a choice, a constant, an entry of a table, the variable
    of a loop.
    """
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _strings(module, one)
            yield from _strings(module, other)
        case ast.Subscript(value=ast.Name() as table):
            yield from _strings(module, table)
        case ast.Dict(values=entries):
            for entry in entries:
                yield from _strings(module, entry)
        case ast.Name(id=name):
            for given in _given(module, name):
                yield from _strings(module, given)


def _given(module: Module, name: str) -> Iterator[ast.expr]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                yield value
            case ast.For(target=ast.Tuple(elts=names), iter=ast.Tuple(elts=rows)):
                places = [at for at, one in enumerate(names) if isinstance(one, ast.Name) and one.id == name]
                yield from (row.elts[at] for row in rows if isinstance(row, ast.Tuple) for at in places)


def test_every_work_item_names_a_command_that_resolves_it() -> None:
    commands.load()
    known = {name for name, operation in operations().items() if operation.kind is OperationKind.COMMAND}
    seen, wrong = set(), []
    for module in product():
        for node, names in _resolvers(module):
            if module.path in {"models/commands/work.py", "models/queries/work.py"}:
                continue  # they hand on what they are given
            seen.update(names)
            wrong += [f"{module.place(node)}: {name} is no command" for name in names if name not in known]
            wrong += [] if names else [f"{module.place(node)}: cannot be read, use a constant"]
    assert not wrong, "\n".join(wrong)
    assert {"duty.record", "contract.sign", "publicity.close_notice", "acceptance.conclude"} <= seen
