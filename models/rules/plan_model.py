"""An integer programme as a solver is given it, and its answer, both in whole numbers (S09).

Made by ``rules.plan_search`` and ``rules.plan_left_out``; solved behind ``ports.PlanSolver``. Knows no project, no
channel and no rule. What a solver answers is checked again by those who asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Protocol


@dataclass(frozen=True)
class Row:
    """One row: Σ coefficient × column between ``lower`` and ``upper`` (``None``: open)."""

    coefficients: Mapping[int, int]
    lower: int | None = None
    upper: int | None = None

    @property
    def scale(self) -> int:
        """What the row is divided by, so that rows of fen and rows of projects weigh alike."""
        coefficients = self.coefficients.values()
        return max(1, max(coefficients, default=0), -min(coefficients, default=0))


@dataclass(frozen=True)
class Model:
    """Maximise Σ worth × column + ``offset``. The first ``integers`` columns are whole numbers."""

    worths: Sequence[int | Fraction]
    lower: Sequence[int]
    upper: Sequence[int | None]
    integers: int
    rows: tuple[Row, ...]
    offset: Fraction = field(default=Fraction(0))

    def tightened(self, over: Mapping[int, int]) -> Model:
        """Return the model with rows' upper ends taken down (row → by how much)."""
        rows = tuple(
            replace(row, upper=row.upper - over[at]) if at in over and row.upper is not None else row
            for at, row in enumerate(self.rows)
        )
        return replace(self, rows=rows)


@dataclass(frozen=True)
class Solved:
    """All columns as found, in ten-thousandths rounded down, the whole ones that are not zero, and the bound nothing
    feasible can pass."""

    columns: Sequence[int]
    ones: frozenset[int]
    bound: Fraction


class Solve(Protocol):
    """Solves a model to a relative gap (decimal text); ``None`` when nothing is feasible. Same model, same answer."""

    def __call__(self, model: Model, *, gap: str, seed: int) -> Solved | None:
        """Return what was found."""
