"""Conventions of the house that no linter knows: each test reads the whole source and lists all offenders at once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.fitness.modules import ROOT, Module, called, checks, dotted, product

_MOST_LINES = 400
_MOST_BODY_LINES = 40
_FOLDERS = ("flows", "tasks", "portal", "infra", "reports", "models", "tests", "docs")
_CLOCK_CALLS = re.compile(
    r"(^|\.)(date|datetime|dt)\.(today|now|utcnow|fromtimestamp)$|^time\.(time|localtime|gmtime)$"
)
_CLOCK_OWNERS = ("infra/clock.py", "infra/embedded/")
_OPEN_TASK = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\s*\(#\d+\))")
_TEXT_FILES = ("*.py", "*.yaml", "*.toml", "*.md", "*.sh", "*.typ", "*.html", "Makefile")


def _calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def test_only_transition_assigns_state() -> None:
    """State has one writer (style 12): elsewhere a row may be born with ``state=""`` and nothing more."""
    offenders = []
    for module in product():
        if module.path == "models/commands/transition.py":
            continue
        for node in ast.walk(module.tree):
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AugAssign | ast.AnnAssign)
                else []
            )
            flat = [inner for target in targets for inner in ast.walk(target)]
            if any(isinstance(target, ast.Attribute) and target.attr == "state" for target in flat):
                offenders.append(f"{module.place(node)} assigns .state")
            if isinstance(node, ast.Call):
                offenders += _state_by_call(module, node)
    assert not offenders, "\n".join(offenders)


def _state_by_call(module: Module, node: ast.Call) -> list[str]:
    name = called(node)
    if name == "setattr" and len(node.args) > 1 and getattr(node.args[1], "value", None) == "state":
        return [f"{module.place(node)} sets state by setattr"]
    if isinstance(node.func, ast.Attribute) and node.func.attr == "values":
        return [f"{module.place(node)} updates state in SQL" for word in node.keywords if word.arg == "state"]
    if name in {"Project", "PlanLine", "Procurement", "Contract"}:
        return [
            f"{module.place(node)} gives a new {name} a state"
            for word in node.keywords
            if word.arg == "state" and getattr(word.value, "value", None) != "" and dotted(word.value) != "UNBORN"
        ]
    return []


def test_only_the_clock_asks_what_time_it_is() -> None:
    """Dates come in as arguments; ``infra.clock`` and the embedded servers alone read the machine's clock (style 6)."""
    offenders = [
        f"{module.place(call)} calls {called(call)}()"
        for module in product()
        if not module.path.startswith(_CLOCK_OWNERS)
        for call in _calls(module)
        if _CLOCK_CALLS.search(called(call))
    ]
    assert not offenders, "\n".join(offenders)


def test_no_float_enters_the_domain() -> None:
    """Money is fen and ratios are Decimal: nothing in ``models`` makes a float or writes one down.

    The chances by which made-up people are drawn (``rules/synthetic.py``) are no figures of anybody's case.
    """
    offenders = []
    for module in product():
        if not module.path.startswith("models/") or module.path == "models/rules/synthetic.py":
            continue
        offenders += [f"{module.place(call)} calls float()" for call in _calls(module) if called(call) == "float"]
        offenders += [
            f"{module.place(node)} holds the float {node.value}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, float)
        ]
    assert not offenders, "\n".join(offenders)


def test_modules_and_functions_stay_short() -> None:
    """At most 400 lines a file; at most 40 lines a function body, its signature and docstring not counted (style 1)."""
    offenders = []
    for module in (*product(), *checks()):
        lines = module.text.count("\n")
        if lines > _MOST_LINES and not module.is_generated:
            offenders.append(f"{module.path}: {lines} lines")
        if module.is_generated:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) > _MOST_BODY_LINES:
                offenders.append(f"{module.place(node)} {node.name}: {_body_lines(node)} lines")
    assert not offenders, "\n".join(offenders)


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_public_functions_hide_nothing_behind_kwargs() -> None:
    """No ``**kwargs`` in the public functions of the domain: a schema is derived from their signatures (style 4)."""
    offenders = [
        f"{module.place(node)} {node.name}(**{node.args.kwarg.arg})"
        for module in product()
        if module.path.startswith("models/")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef) and node.args.kwarg and not node.name.startswith("_")
    ]
    assert not offenders, "\n".join(offenders)


def test_the_system_modules_have_a_docstring_and_deferred_annotations() -> None:
    """Every module says what it owns; annotations are deferred so that they cost nothing at import."""
    offenders = []
    for module in product():
        if not module.text.strip() or module.is_generated:
            continue
        if ast.get_docstring(module.tree) is None:
            offenders.append(f"{module.path}: no docstring")
        if not module.path.endswith("__init__.py") and "from __future__ import annotations" not in module.text:
            offenders.append(f"{module.path}: annotations are not deferred")
    assert not offenders, "\n".join(offenders)


def test_no_open_task_without_an_issue() -> None:
    """What is left to do stands in an issue, and the mark in the source names it: ``(#12)`` (style 3)."""
    folders = [*_FOLDERS, ".ci"]
    files = {file for folder in folders for pattern in _TEXT_FILES for file in (ROOT / folder).rglob(pattern)}
    files |= {file for pattern in _TEXT_FILES for file in ROOT.glob(pattern)}
    offenders = [
        f"{file.relative_to(ROOT)}:{number} {line.strip()[:80]}"
        for file in sorted(files)
        if file.name != "test_conventions.py"
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if _OPEN_TASK.search(line)
    ]
    assert not offenders, "\n".join(offenders)


def test_every_folder_introduces_itself() -> None:
    """Each top-level folder has a README of one screen: purpose, entry points, contracts, invariants, pitfalls."""
    missing = [folder for folder in _FOLDERS if not (ROOT / folder / "README.md").is_file()]
    assert not missing, f"no README.md in {missing}"


def test_great_expectations_storage_and_prefect_stay_in_their_place() -> None:
    """Heavy adapters are imported by the modules that own them, Great Expectations only inside functions."""
    offenders = []
    for module in product():
        for node in ast.walk(module.tree):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in {name.partition(".")[0] for name in names}:
                top_level = node in module.tree.body
                if name == "great_expectations" and (not module.path.startswith("infra/quality/") or top_level):
                    offenders.append(f"{module.place(node)} imports {name}")
                if name == "minio" and not module.path.startswith("infra/storage/"):
                    offenders.append(f"{module.place(node)} imports {name}")
                if name == "prefect" and not module.path.startswith(
                    ("flows/", "tasks/", "infra/orchestrator.py", "infra/embedded/")
                ):
                    offenders.append(f"{module.place(node)} imports {name}")
    assert not offenders, "\n".join(offenders)
