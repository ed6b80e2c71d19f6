"""Judges tables: types the cells, runs the suite, words the verdicts with their cell addresses. Called by ``gate``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from infra.quality.derive import DERIVERS
from infra.quality.expectations import Verdict, run_checks
from infra.quality.frame import Frame, frame_of
from infra.quality.report import Findings
from infra.quality.suite import Suite
from infra.quality.table import Table
from models.core.errors import Detail
from models.core.messages import sentence
from models.core.progress import report

MOST_CELLS = 1_000
"""How many cells one check lists for one column; the total is always given."""

Rows = Sequence[Mapping[str, object]]


def judge(*, suite: Suite, tables: Mapping[str, Table], as_of: date) -> Findings:
    """Return what the suite finds in the tables; typed rows only when nothing fails."""
    frames = {name: frame_of(table, as_of=as_of) for name, table in tables.items()}
    DERIVERS[suite.gate](frames, as_of, suite.parameters)
    findings = Findings(row_count=len(next(iter(tables.values())).rows))
    for name, frame in frames.items():
        findings.warnings.extend(frame.table.notes)
        checks = [check for check in suite.checks if check.table == name]
        fields = frame.table.fields
        found: dict[str, list[Detail]] = {"error": [], "warning": []}
        for verdict in run_checks(frame=frame.data, checks=checks, fields=fields, most=MOST_CELLS):
            found[verdict.check.severity].extend(_details(verdict, frame))
            findings.checks.append(_entry(verdict, name))
        report(step="needs.step.judge", done=findings.row_count, total=findings.row_count)
        order = {field.title: place for place, field in enumerate(fields)}
        for severity, into in (("error", findings.faults), ("warning", findings.warnings)):
            into.extend(sorted(found[severity], key=lambda item: (item.row or 0, order.get(item.column or "", -1))))
    if not findings.faults:
        findings.rows = _ROWS[suite.gate](frames)
    return findings


def _details(verdict: Verdict, frame: Frame) -> Iterator[Detail]:
    if verdict.passed:
        return
    check, table, column = verdict.check, frame.table, verdict.column
    if not verdict.positions:
        yield table.detail(problem=check.message, rule=check.rule, expected=check.expected, key=column)
    for position in verdict.positions:
        problem = _problem(verdict, frame, position)
        yield table.detail(problem=problem, rule=check.rule, expected=check.expected, key=column, position=position)
    if verdict.unexpected > len(verdict.positions) > 0:
        facts = {"total": verdict.unexpected, "shown": len(verdict.positions)}
        yield table.detail(problem=sentence("gate.more_cells", facts), rule=check.rule, key=column)


def _problem(verdict: Verdict, frame: Frame, position: int) -> str:
    check = verdict.check
    if not check.message:
        return sentence(str(frame.data[f"{verdict.column}.fault"].iat[position]))
    # int(): only row numbers may enter a sentence, never a text from a cell
    facts = {name: int(frame.data[f"{verdict.column}.{name}"].to_numpy()[position]) for name in check.facts}
    return check.message.format_map(facts)


def _entry(verdict: Verdict, table: str) -> dict[str, object]:
    return {
        "id": verdict.check.id,
        "rule": verdict.check.rule,
        "severity": verdict.check.severity,
        "expectation": verdict.check.expectation,
        "table": table,
        "column": verdict.column,
        "passed": verdict.passed,
        "unexpected": verdict.unexpected,
    }


def _needs_rows(frames: Mapping[str, Frame]) -> Rows:
    return frames["rows"].records(_completed)


def _completed(row: Mapping[str, object]) -> Mapping[str, object]:
    """Fill a blank birth date or sex from the ID number, which states both (GB 11643)."""
    if row["birth_date"] and row["sex"]:
        return row
    number = str(row["id_number"])
    return {
        **row,
        "birth_date": row["birth_date"] or date(int(number[6:10]), int(number[10:12]), int(number[12:14])),
        "sex": row["sex"] or ("female", "male")[int(number[16]) % 2],
    }


def _application_rows(frames: Mapping[str, Frame]) -> Rows:
    lists = {name: tuple(frames[name].records()) for name in ("budget", "team", "design")}
    return [{**frames["form"].records()[0], **lists}]


def _service_rows(frames: Mapping[str, Frame]) -> Rows:
    return frames["rows"].records()


_ROWS: Mapping[str, Callable[[Mapping[str, Frame]], Rows]] = {
    "needs_ledger": _needs_rows,
    "application_form": _application_rows,
    "service_records": _service_rows,
}
