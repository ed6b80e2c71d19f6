"""Reads ``transition_matrix.yaml``, the hand-written list of who may do what in which state (decision 31)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from models.core.actors import Role
from models.rules.lifecycle import UNBORN, Thing

_MOVE = re.compile(r"(?P<thing>\w+): (?P<sources>[\w, ]*?) ?-> (?P<target>\w+)(?: \[(?P<outcome>\w+)\])?")


@dataclass(frozen=True)
class Allowed:
    """One line of the matrix for one source state: this command may move this thing from here to there."""

    command: str
    thing: Thing
    source: str
    target: str
    outcome: str


@dataclass(frozen=True)
class Matrix:
    """``roles`` by command, and every single move."""

    roles: dict[str, frozenset[Role]]
    moves: frozenset[Allowed]

    def moving(self) -> frozenset[str]:
        """Return the commands that move something."""
        return frozenset(move.command for move in self.moves)

    def sources(self, command: str, thing: Thing) -> frozenset[str]:
        """Return the states from which a command may move a thing, whatever its outcome."""
        return frozenset(move.source for move in self.moves if move.command == command and move.thing is thing)


@cache
def matrix() -> Matrix:
    """Return the matrix. Raises ``ValueError`` for a line that cannot be read."""
    written: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    groups: dict[str, list[str]] = written["groups"]
    roles = {
        command: frozenset(Role(role) for name in line["roles"] for role in groups.get(name, [name]))
        for command, line in written["commands"].items()
    }
    moves = frozenset(
        move
        for command, line in written["commands"].items()
        for text in line.get("moves", ())
        for move in _moves(command, text)
    )
    return Matrix(roles, moves)


def _moves(command: str, text: str) -> list[Allowed]:
    match = _MOVE.fullmatch(text)
    if match is None:
        raise ValueError(f"{command}: {text!r} is no move")
    sources = [name.strip() for name in match["sources"].split(",")] if match["sources"].strip() else [UNBORN]
    return [
        Allowed(command, Thing(match["thing"]), source, match["target"], match["outcome"] or "") for source in sources
    ]
