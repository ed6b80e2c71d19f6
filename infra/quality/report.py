"""What a check found, and the ``GateResult`` made from it. Called by ``gate`` and ``judge``.

The report is canonical JSON: counts, rules, places and classes of values, never a value, a run time or a random id.
The same bytes checked on the same date give the same report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from infra.quality.suite import Suite
from models.core.errors import Detail
from models.core.hashing import canonical_json, sha256_hex
from models.ports import GateResult


@dataclass
class Findings:
    """What a gate found: offending cells by severity, one entry for each check, and the typed rows."""

    faults: list[Detail] = field(default_factory=list)
    warnings: list[Detail] = field(default_factory=list)
    checks: list[Mapping[str, object]] = field(default_factory=list)
    rows: Sequence[Mapping[str, object]] = ()
    row_count: int = 0


def result_of(*, suite: Suite, data: bytes, as_of: date, findings: Findings) -> GateResult:
    """Return the result of a check; it passed when there is no fault. Rows of a failed file are withheld."""
    passed = not findings.faults
    report = {
        "gate": suite.gate,
        "suite_version": suite.version,
        "file_sha256": sha256_hex(data),
        "as_of": as_of,
        "passed": passed,
        "row_count": findings.row_count,
        "checks": findings.checks,
        "faults": [detail.as_json() for detail in findings.faults],
        "warnings": [detail.as_json() for detail in findings.warnings],
    }
    return GateResult(
        gate=suite.gate,
        passed=passed,
        row_count=findings.row_count,
        rows=findings.rows if passed else (),
        faults=tuple(findings.faults),
        report=canonical_json(report),
        suite_version=suite.version,
        warnings=tuple(findings.warnings),
    )
