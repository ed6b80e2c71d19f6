"""The measurements themselves, at toy sizes: both sides do the same work, and what cannot run says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench import __main__ as bench
from tests.bench import bundle, measurements, sweep
from tests.bench.measurements import MEASUREMENTS, Figures, Sizes
from tests.bench.rounds import in_turns
from tests.support.postgres import PostgresMissingError


def test_bundle_and_baseline_handle_the_same_bytes(tmp_path: Path) -> None:
    figures = bundle.measure(size=300_000, files=7, folder=tmp_path, rounds=2)

    assert (figures["bytes"], figures["files"]) == (300_000, 7)
    assert figures["ratio"] == pytest.approx(figures["ours_seconds"] / figures["baseline_seconds"])
    assert list(tmp_path.iterdir()) == []


def test_sweep_and_baseline_raise_the_same_alerts(tmp_path: Path) -> None:
    """The measure itself compares them; one in a hundred is due."""
    figures = sweep.measure(rows=1_000, folder=tmp_path, rounds=2)

    assert (figures["rows"], figures["due"]) == (1_000, 10)
    assert figures["ours_seconds"] > 0


def test_acts_are_taken_in_turns() -> None:
    calls: list[str] = []

    taken = in_turns(lambda: calls.append("ours"), lambda: calls.append("baseline"), rounds=3)

    assert calls == ["ours", "baseline"] * 3
    assert len(taken) == 2


def test_what_cannot_be_measured_is_skipped_with_a_loud_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise PostgresMissingError("POSTGRESQL IS MISSING")

    monkeypatch.setattr(measurements, "throwaway_postgres", missing)
    monkeypatch.setattr(bench, "apart", lambda name, sizes, **_: _here(name, sizes, tmp_path))

    code = bench.main(["--quick", "--only", "sweep-postgresql", "--out", str(tmp_path / "bench.json")])

    assert code == 0
    assert "【跳过】" in capsys.readouterr().out
    written = json.loads((tmp_path / "bench.json").read_text("utf-8"))
    assert written["measurements"]["sweep-postgresql"]["skipped"] == "POSTGRESQL IS MISSING"
    assert written["quick"] is True


def _here(name: str, sizes: Sizes, folder: Path) -> Figures:
    return {**MEASUREMENTS[name].measure(sizes, folder, None), "pss_mib": 0.0}  # type: ignore[arg-type]


def test_the_table_names_every_measurement(capsys: pytest.CaptureFixture[str]) -> None:
    figures: Figures = {
        "rows": 10,
        "due": 1,
        "ours_seconds": 0.2,
        "baseline_seconds": 0.1,
        "ratio": 2.0,
        "pss_mib": 9.5,
    }
    found = {name: figures | {"growth_per_row": 1.0} for name in MEASUREMENTS}

    Console(width=220).print(bench.table_of(found))

    shown = capsys.readouterr().out
    assert all(measurement.title in shown for measurement in MEASUREMENTS.values())
    assert "2.00" in shown
