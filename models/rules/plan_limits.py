"""The limits of a quarterly plan and the handing out of money with a purpose (S09): which fund pays whom.

Pure; called by ``rules.plan_programme`` and its neighbours for what still fits a plan, and by
``commands.plan_adoption`` for the funds each line draws on: what was found possible is drawn as it was found. Sums are
whole fen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

FULL: Final = 10_000  # ten-thousandths of what a project asks for

Shares = Mapping[int, int]
"""A selection: candidate's place → share of what it asks for, in ten-thousandths; who is not in it gets nothing."""


@dataclass(frozen=True)
class Purses:
    """The funds of a channel with what each ``held``, and the sets of them that somebody may draw on, ``allowed``."""

    channel: str
    held: Mapping[str, int]
    allowed: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, *, channel: str, held: Mapping[str, int], sets: Iterable[tuple[str, ...]]) -> Purses:
        """Return the purses in an order of their own; in each set the funds that fewest sets hold come first."""
        kinds = sorted({tuple(sorted(one)) for one in sets})
        users: dict[str, int] = {}
        for fund in (fund for kind in kinds for fund in kind):
            users[fund] = users.get(fund, 0) + 1
        first = (tuple(sorted(kind, key=lambda fund: (users[fund], fund))) for kind in kinds)
        return cls(channel, {fund: held.get(fund, 0) for fund in sorted(users)}, tuple(first))

    @cached_property
    def total(self) -> int:
        """All there is, in fen."""
        return sum(self.held.values())


@dataclass(frozen=True)
class Limit:
    """One limit in whole fen: what the ``amounts`` (candidate's place → fen) taken up stay within.

    Without ``purses`` it is a ceiling, ``cap`` of the channel. With them it is the need of those who may draw on the
    ``kind``-th set of funds; ``cap`` is what these hold, and the limits of one channel share them.
    """

    channel: str
    amounts: Mapping[int, int]
    cap: int
    purses: Purses | None = None
    kind: int = 0

    def used(self, shares: Shares) -> int:
        """Return the sum over the places taken up; a cut part is rounded down to the fen."""
        return sum([fen * shares[place] // FULL for place, fen in self.amounts.items() if place in shares])


class Room:
    """What the limits still let in beside a selection. ``short`` is place of a broken limit → fen it lacks."""

    def __init__(self, limits: Sequence[Limit], shares: Shares) -> None:
        self._limits = limits
        self._left = [limit.cap for limit in limits]
        self._handing = {one.channel: _Handing(one.purses) for one in limits if one.purses}
        lacking = ((at, used - self.take(at, used)) for at, limit in enumerate(limits) if (used := limit.used(shares)))
        self.short: dict[int, int] = {at: fen for at, fen in lacking if fen > 0}

    def take(self, at: int, fen: int) -> int:
        """Take up to ``fen`` of a limit's room; return how much there was."""
        limit = self._limits[at]
        if limit.purses:
            return self._handing[limit.channel].take(limit.kind, fen)
        taken = min(fen, max(self._left[at], 0))
        self._left[at] -= taken
        return taken

    def free(self, at: int, fen: int) -> int:
        """Return how much of ``fen`` a limit still lets in."""
        limit = self._limits[at]
        if not limit.purses:
            return min(fen, self._left[at])
        return self._handing[limit.channel].free(limit.kind, fen)

    def given(self, at: int) -> Mapping[str, int]:
        """Return which funds pay for what is taken of a limit, fund → fen."""
        limit = self._limits[at]
        return self._handing[limit.channel].given(limit.kind) if limit.purses else {}


def handed_out(*, limits: Sequence[Limit], shares: Shares) -> dict[tuple[int, str], dict[str, int]]:
    """Return (place, channel) → fund → fen: of which funds each of a selection is paid in the year, as it can be."""
    room = Room(limits, shares)
    found: dict[tuple[int, str], dict[str, int]] = {}
    for at, limit in enumerate(limits):
        given = iter(room.given(at).items())
        fund, left = next(given, ("", 0))
        for place in sorted(place for place in limit.amounts if place in shares and limit.purses):
            need = limit.amounts[place] * shares[place] // FULL
            parts = found.setdefault((place, limit.channel), {})
            while need and left:
                parts[fund] = part = min(need, left)
                need, left = need - part, left - part
                if not left:
                    fund, left = next(given, ("", 0))
    return found


class _Handing:
    """Money of a channel being handed out. Who comes later may make who came earlier draw on another fund: as long as
    some way of handing out gives all of them theirs, it is found (augmenting paths)."""

    def __init__(self, purses: Purses) -> None:
        self._allowed = purses.allowed
        self._left = dict(purses.held)
        self._given: dict[str, dict[int, int]] = {fund: {} for fund in purses.held}

    def free(self, kind: int, fen: int) -> int:
        if sum([self._left[fund] for fund in self._allowed[kind]]) >= fen:
            return fen
        taken = self.take(kind, fen)
        self.give_back(kind, taken)
        return taken

    def take(self, kind: int, fen: int) -> int:
        taken = 0
        for fund in self._allowed[kind]:
            if part := min(fen - taken, self._left[fund]):
                self._given[fund][kind] = self._given[fund].get(kind, 0) + part
                self._left[fund] -= part
                taken += part
        while taken < fen and any(self._left.values()) and (path := self._path(kind)):
            taken += self._pass(path, fen - taken)
        return taken

    def _pass(self, path: list[tuple[int, str]], fen: int) -> int:
        """Let everybody on a path draw on the fund before them; return how much came through."""
        last = path[-1][1]
        passed = [self._given[gives][taker] for (_, gives), (taker, _) in pairwise(path)]
        most = min(fen, self._left[last], *passed)
        for at, (taker, fund) in enumerate(path):
            self._given[fund][taker] = self._given[fund].get(taker, 0) + most
            if at:
                self._given[path[at - 1][1]][taker] -= most
        self._left[last] -= most
        return most

    def give_back(self, kind: int, fen: int) -> None:
        for fund in reversed(self._allowed[kind]):
            part = min(fen, self._given[fund].get(kind, 0))
            if part:
                self._given[fund][kind] -= part
                self._left[fund] += part
                fen -= part

    def given(self, kind: int) -> dict[str, int]:
        return {fund: fen for fund in self._allowed[kind] if (fen := self._given[fund].get(kind, 0))}

    def _path(self, kind: int) -> list[tuple[int, str]]:
        """Return who takes which fund, each making room for the one before, down to a fund that has some left."""
        came: dict[str, tuple[int, str | None]] = {}
        queue: deque[tuple[int, str | None]] = deque([(kind, None)])
        seen = {kind}
        while queue:
            taker, gives = queue.popleft()
            for fund in self._allowed[taker]:
                if fund in came:
                    continue
                came[fund] = (taker, gives)
                if self._left[fund]:
                    return _traced(came, fund)
                for holder, fen in self._given[fund].items():
                    if fen and holder not in seen:
                        seen.add(holder)
                        queue.append((holder, fund))
        return []


def _traced(came: Mapping[str, tuple[int, str | None]], last: str) -> list[tuple[int, str]]:
    path: list[tuple[int, str]] = []
    fund: str | None = last
    while fund is not None:
        taker, before = came[fund]
        path.append((taker, fund))
        fund = before
    return path[::-1]
