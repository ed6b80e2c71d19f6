"""The quality gate: an upload in, a verdict with cell addresses out. Implements ``models.ports.QualityGate``.

Reads the bytes (``intake``, ``workbook``, ``forms``) and hands the tables to ``judge``, which types the cells and lets
Great Expectations judge them by the suites. Called by commands through the port, built by ``infra.bootstrap``. Pandas
and Great Expectations are imported on the first check only: together they take seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import TypedDict

from infra.quality.forms import read_application
from infra.quality.intake import FileKind, inspect, unreadable
from infra.quality.report import Findings, result_of
from infra.quality.suite import load_suite
from infra.quality.table import BadLayout, Field, Table
from infra.quality.workbook import check_marker, read_book, read_table
from models.ports import GateResult
from reports import needs
from reports import service_records as services

Tables = dict[str, Table]


class _Layout(TypedDict):
    fields: tuple[Field, ...]
    header_row: int
    later: int


class GreatExpectationsGate:
    """The one adapter of the port. Holds no state; every check has a context of its own."""

    def check(self, *, gate: str, data: bytes, media_type: str, as_of: date) -> GateResult:
        """Check a file against a gate.

        A passing ``needs_ledger`` gives a row a person, keyed as ``reports.needs.NEEDS_COLUMNS``: codes as ``str``,
        yes/no as ``bool``, dates as ``date``, ``demands`` as a tuple of codes, blank as ``None``; a blank birth date or
        sex is read from the ID number. ``application_form`` gives one row keyed as
        ``reports.application_form.APPLICATION_FIELDS`` with ``total`` in fen, and ``budget``, ``team`` and ``design``
        as tuples of rows; ``service_records`` a row a service, keyed as ``reports.service_records.SERVICE_COLUMNS``.
        Raises ``DataFault`` code ``gate.unreadable`` for a file that cannot be parsed, ``KeyError`` for an unknown
        gate.
        """
        suite = load_suite(gate)
        kind = inspect(data=data, media_type=media_type)
        try:
            tables = _READERS[gate](data, kind)
        except BadLayout as err:
            return result_of(suite=suite, data=data, as_of=as_of, findings=Findings(faults=list(err.details)))
        from infra.quality.judge import judge

        return result_of(suite=suite, data=data, as_of=as_of, findings=judge(suite=suite, tables=tables, as_of=as_of))


def _read_needs(data: bytes, kind: FileKind) -> Tables:
    fields = tuple(Field(item.key, item.title, item.kind, item.choices, item.many) for item in needs.NEEDS_COLUMNS)
    layout = _Layout(fields=fields, header_row=needs.HEADER_ROW, later=needs.LATER_COLUMNS)
    if kind is FileKind.JSON:
        raise unreadable("unknown_type")
    if kind in (FileKind.CSV, FileKind.PARQUET):
        from infra.quality.large import read_large

        return {"rows": read_large(data=data, kind=kind, **layout)}
    book = read_book(data=data, sheet_name=needs.SHEET_NAME)
    book.sheet(needs.SHEET_NAME)
    notes = check_marker(
        book=book, template=needs.TEMPLATE_ID, version=needs.TEMPLATE_VERSION, sheet_name=needs.SHEET_NAME
    )
    table = read_table(book=book, sheet_name=needs.SHEET_NAME, **layout)
    return {"rows": replace(table, notes=(*notes, *table.notes))}


def _read_application(data: bytes, kind: FileKind) -> Tables:
    return read_application(data=data, kind=kind)


def _read_services(data: bytes, kind: FileKind) -> Tables:
    """Read a workbook of service records; JSON and CSV come in without a template and are read by the command."""
    if kind is not FileKind.XLSX:
        raise unreadable("unknown_type")
    book = read_book(data=data, sheet_name=services.SHEET_NAME)
    book.sheet(services.SHEET_NAME)
    notes = check_marker(
        book=book, template=services.TEMPLATE_ID, version=services.TEMPLATE_VERSION, sheet_name=services.SHEET_NAME
    )
    fields = tuple(Field(item.key, item.title, item.kind, item.choices) for item in services.SERVICE_COLUMNS)
    table = read_table(book=book, sheet_name=services.SHEET_NAME, fields=fields, header_row=needs.HEADER_ROW)
    return {"rows": replace(table, notes=(*notes, *table.notes))}


_READERS: Mapping[str, Callable[[bytes, FileKind], Tables]] = {
    "needs_ledger": _read_needs,
    "application_form": _read_application,
    "service_records": _read_services,
}
