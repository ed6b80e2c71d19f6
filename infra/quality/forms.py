"""Reads an application form (xlsx at fixed places, or JSON) into four tables: the entries, budget, team, design.

Called by ``gate``; the layout is ``reports.application_form``. Never judges a value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from infra.quality.intake import FileKind, unreadable
from infra.quality.table import BadLayout, Field, Table
from infra.quality.workbook import Sheet, check_marker, read_book
from models.core.errors import Detail
from models.core.messages import sentence
from reports import application_form as form

_LAYOUT = "SYS-GATE-LAYOUT"
_LISTS = {one.key: (one.columns, one.header_row, one.lines) for one in form.LISTS}


def read_application(*, data: bytes, kind: FileKind) -> dict[str, Table]:
    """Return the tables ``form`` (one row), ``budget``, ``team`` and ``design`` (a row for each line filled in).

    Raises ``BadLayout`` when entries are not at their places, ``DataFault`` code ``gate.unreadable`` for other bytes.
    """
    if kind in (FileKind.CSV, FileKind.PARQUET):
        raise unreadable("unknown_type")
    if kind is FileKind.JSON:
        return _from_json(data)
    book = read_book(data=data, sheet_name=form.SHEET_NAME)
    sheet = book.sheet(form.SHEET_NAME)
    notes = check_marker(
        book=book, template=form.TEMPLATE_ID, version=form.TEMPLATE_VERSION, sheet_name=form.SHEET_NAME
    )
    return _from_sheet(sheet, notes)


def _fields(columns: Sequence[form.FormField]) -> tuple[Field, ...]:
    return tuple(Field(item.key, item.title, item.kind, item.choices) for item in columns)


def _cell(sheet: Sheet, row: int, column: int) -> object:
    cells = sheet.row(row)
    return cells[column - 1] if column <= len(cells) else ""


def _from_sheet(sheet: Sheet, notes: tuple[Detail, ...]) -> dict[str, Table]:
    places = {item.key: form.FIRST_FIELD_ROW + place for place, item in enumerate(form.APPLICATION_FIELDS)}
    labels = [(places[item.key], form.LABEL_COLUMN, item.title) for item in form.APPLICATION_FIELDS]
    for columns, header_row, _ in _LISTS.values():
        labels += [(header_row, place, item.title) for place, item in enumerate(columns, start=1)]
    moved = [place for place in labels if str(_cell(sheet, place[0], place[1])).strip() != place[2]]
    if moved:
        raise BadLayout(tuple(_moved(sheet.name, row, title) for row, _, title in moved))
    entries = {key: (_cell(sheet, row, form.VALUE_COLUMN),) for key, row in places.items()}
    tables = {
        "form": Table(_fields(form.APPLICATION_FIELDS), (1,), entries, sheet.name, places=places, notes=notes),
    }
    for name, (columns, header_row, room) in _LISTS.items():
        numbers = range(header_row + 1, header_row + 1 + room)
        lines = {row: [_cell(sheet, row, place) for place, _ in enumerate(columns, start=1)] for row in numbers}
        filled = [row for row, cells in lines.items() if any(str(cell).strip() for cell in cells)]
        cells = {item.key: [lines[row][place] for row in filled] for place, item in enumerate(columns)}
        tables[name] = Table(_fields(columns), filled, cells, sheet.name)
    return tables


def _moved(sheet: str, row: int, title: str) -> Detail:
    problem = sentence("gate.layout.header_missing", {"title": title})
    return Detail(problem=problem, sheet=sheet, row=row, column=title, expected=title, rule=_LAYOUT)


def _from_json(data: bytes) -> dict[str, Table]:
    try:
        read = json.loads(data.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as err:
        raise unreadable("damaged") from err
    if not isinstance(read, dict):
        raise unreadable("not_a_form")
    known = {item.key for item in form.APPLICATION_FIELDS} | _LISTS.keys()
    # an unknown key is named by its place: somebody may have used a person's number as a key
    unknown = [number for number, key in enumerate(read, start=1) if key not in known]
    wrong = [
        Detail(problem=sentence("gate.layout.unknown_field", {"number": number}), rule=_LAYOUT) for number in unknown
    ] + [
        Detail(problem=sentence("gate.layout.not_a_list"), field=name, rule=_LAYOUT)
        for name in _LISTS
        if not _is_list_of_objects(read.get(name, []))
    ]
    if wrong:
        raise BadLayout(tuple(wrong))
    entries = {item.key: (read.get(item.key),) for item in form.APPLICATION_FIELDS}
    tables = {"form": Table(_fields(form.APPLICATION_FIELDS), (0,), entries, places={}, path="")}
    for name, (columns, _, _) in _LISTS.items():
        lines = cast(list[Mapping[str, object]], read.get(name, []))
        cells = {item.key: [line.get(item.key) for line in lines] for item in columns}
        tables[name] = Table(_fields(columns), range(len(lines)), cells, path=name)
    return tables


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
