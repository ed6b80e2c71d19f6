"""Generated documents match what they are generated from."""

from __future__ import annotations

from models.rules.lifecycle import TRANSITIONS, Thing, mermaid, states
from tests.fitness.modules import ROOT


def test_the_state_diagram_in_docs_is_the_table_in_force() -> None:
    """``docs/state-diagram.md`` holds exactly what ``lifecycle.mermaid()`` says; ``make diagram`` writes it anew."""
    document = (ROOT / "docs" / "state-diagram.md").read_text("utf-8")

    assert f"```mermaid\n{mermaid()}```" in document


def test_the_diagram_shows_every_move_and_every_state() -> None:
    drawn = mermaid()

    for thing in Thing:
        assert all(f"{thing}_{state}" in drawn for state in states(thing))
    assert all(f": {move.command}" in drawn for move in TRANSITIONS)
    assert drawn.count("-->") == sum(len(move.sources) for move in TRANSITIONS)
