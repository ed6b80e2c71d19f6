"""The matching measurement at a toy size: both sides agree."""

from __future__ import annotations

from tests.bench import matching


def test_matching_and_duckdb_come_to_the_same_outcomes() -> None:
    figures = matching.measure(people=20_000, rounds=1)

    assert figures["rows"] == 30_000
    assert figures["ratio"] > 0
