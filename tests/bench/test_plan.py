"""The measurements of the quarterly plan at toy sizes: scenarios hold and are explained, reading is one pass."""

from __future__ import annotations

from pathlib import Path

from tests.bench import plan, plan_database


def test_every_scenario_is_solved_beside_the_bare_solver() -> None:
    """Limits and gap are checked by the measurement itself."""
    figures = plan.measure(candidates=40, rounds=1)

    assert (figures["rows"], figures["scenarios"]) == (40, 4)
    assert figures["ratio"] > 0
    assert figures["gap_worst"] <= 0.001


def test_candidates_are_read_by_as_many_statements_however_many_they_are(tmp_path: Path) -> None:
    """From the database, through the command; the measurement itself compares the statements."""
    figures = plan_database.measure(candidates=(3, 6), folder=tmp_path)

    assert 0 < figures["read_statements"] < 25
    assert figures["propose_growth"] > 0
