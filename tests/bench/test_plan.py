"""The measurement of the quarterly plan at a toy size: every scenario holds and is explained."""

from __future__ import annotations

from tests.bench import plan


def test_every_scenario_is_solved_beside_the_bare_solver() -> None:
    """Limits and gap are checked by the measurement itself."""
    figures = plan.measure(candidates=40, rounds=1)

    assert (figures["rows"], figures["scenarios"]) == (40, 4)
    assert figures["ratio"] > 0
    assert figures["gap_worst"] <= 0.001
