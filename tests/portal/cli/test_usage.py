"""Help pages and wrong use: not one English word of the library that draws them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from portal.cli.main import app
from portal.cli.usage import command_of
from tests.portal.cli.conftest import Lifecycle

_ENGLISH = re.compile(
    r"Usage|Options|Arguments|Commands|Show this|\[required\]|default:|COMMAND|ARGS|<(?:str|bool|int)>"
)


def _paths(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from _paths(child, (*path, name))


@pytest.mark.parametrize("path", list(_paths(command_of(app))), ids=lambda path: " ".join(path) or "lifecycle")
def test_every_help_page_is_in_chinese(lifecycle: Lifecycle, path: tuple[str, ...]) -> None:
    said = lifecycle(*path, "--help")

    assert said.code == 0
    assert "用法:lifecycle" in said.out
    assert "显示本说明后退出。" in said.out
    assert not _ENGLISH.search(said.out), said.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("do",), "缺少 NAME"),
        (("archive",), "缺少子命令"),
        (("archive", "unpack"), "没有命令“unpack”"),
        (("do", "--nowhere"), "没有选项“--nowhere”"),
        (("do", "library.enter_project", "--as"), "--as 的值不合要求"),
        ((), "用法:lifecycle"),
    ],
)
def test_wrong_use_is_told_in_chinese(lifecycle: Lifecycle, arguments: tuple[str, ...], told: str) -> None:
    said = lifecycle(*arguments)

    assert said.code == 2
    assert told in said.out + said.err
    assert not _ENGLISH.search(said.out + said.err)
