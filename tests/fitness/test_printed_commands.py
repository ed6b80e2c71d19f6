"""Every ``lifecycle …`` line that a page tells people to type names what exists and fits what it wants."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from models.core.registry import operations
from portal.cli.main import app, command_of

_PAGES = [*Path().glob("README*.md"), *Path("docs").glob("*.md")]
_TREE: Any = command_of(app)


def _lines(page: Path) -> Iterator[str]:
    """Yield each call on a page; a call that goes on in the next line, within quotes or after ``\\``, is one."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        text = ""
        for line in block.replace("\\\n", " ").splitlines():
            text = f"{text} {line.strip()}".strip()
            if text.count("'") % 2:
                continue
            if text.startswith(("lifecycle ", ".venv/bin/lifecycle ")):
                yield text.removeprefix(".venv/bin/")
            text = ""


_TOLD = [pytest.param(line, id=f"{page}:{line[:60]}") for page in _PAGES for line in _lines(page)]


@pytest.mark.parametrize("line", _TOLD)
def test_a_printed_command_can_be_typed(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    command = _TREE
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}

    assert command is not _TREE, f"no such command: {line}"
    assert {word for word in words if word.startswith("--")} <= options


_CALLS = [told for told in _TOLD if re.search(r"^lifecycle (do|query) [a-z]", str(told.values[0]))]


@pytest.mark.parametrize("line", _CALLS)
def test_a_printed_call_is_what_the_operation_wants_from_one_who_may(line: str) -> None:
    words = shlex.split(line, comments=True)
    operation = operations()[words[2]]
    given = dict(pairwise(words))
    role = given.get("--as", "evaluation_office").partition(":")[0]

    assert role in operation.roles
    if "…" not in given.get("--with", ""):
        assert not list(Draft202012Validator(operation.schema()).iter_errors(_arguments(given)))


def _arguments(given: dict[str, str]) -> Any:
    """Return the arguments with a path where a file goes; the door takes the path and puts the file there."""
    told = json.loads(given.get("--with", "{}"))
    file = {"name": "x", "media_type": "x", "sha256": "0" * 64, "size": 1}
    return {name: file if name == "file" else value for name, value in told.items()}


def test_every_operation_the_guide_names_exists() -> None:
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", Path("docs/guide.zh-CN.md").read_text("utf-8")))
    assert named
    assert named <= set(operations())


def test_there_are_lines_to_check() -> None:
    assert len(_CALLS) > 8
