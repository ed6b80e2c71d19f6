"""Reading a file of service records: the xlsx template, JSON (a list of objects), or CSV with a header.

Called by ``commands.delivery`` alone. Columns go by the names of the arguments or by their Chinese titles. A workbook
passes the quality gate as every template does; a file nobody can parse is a ``DataFault``; rows that are not such rows
are a ``Refusal`` naming every row and field. Only a file that failed the gate is kept apart, nothing else is written.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from models.commands import events, intake
from models.context import Context
from models.core.errors import DataFault, Detail, Refusal
from models.core.messages import sentence
from models.core.uploads import Upload
from models.core.validation import details_of, tidy, unfit
from models.queries.reader import found, project_of
from models.rules.delivery import item_names
from models.tables.contract import Contract

_YES_NO: Final = {"": None, "是": True, "否": False}
_SIGNED: Final = {"本人": "recipient", "代理人": "agent", "拒签": "declined"}
_SHORT_TIME: Final = re.compile(r"[0-9]:[0-9]{2}")
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Signed = Literal["", "recipient", "agent", "declined"]
"""Who confirmed a service; empty when nobody was asked."""


def _answer(value: object) -> object:
    return _YES_NO.get(value, value) if isinstance(value, str) else value


def _signed(value: object) -> object:
    return _SIGNED.get(value, value) if isinstance(value, str) else value


def _time(value: object) -> object:
    """Return a time of day as everybody writes it (``9:30``, a wide colon) in the one form that is kept."""
    text = value.replace("\uff1a", ":") if isinstance(value, str) else value
    return f"0{text}" if isinstance(text, str) and _SHORT_TIME.fullmatch(text) else text


class ServiceRow(BaseModel):
    """One service: who (id of the selection or the person), when, what, by whom, where, with what result.

    ``correction`` is the reason why an earlier record of the same person, day and start is replaced; one that ends when
    it begins withdraws it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    person: Annotated[str, Field(min_length=1, description="服务对象编号")]
    on: Annotated[date, Field(description="服务日期")]
    start: Annotated[str, BeforeValidator(_time), Field(pattern=r"^\d{2}:\d{2}$", description="开始时间")]
    end: Annotated[str, BeforeValidator(_time), Field(pattern=r"^\d{2}:\d{2}$", description="结束时间")]
    item: Annotated[str, Field(validation_alias=AliasChoices("item", "kind"), description="服务项目")]
    staff: Annotated[str, Field(min_length=1, description="服务人员编号")]
    place: Annotated[str, Field(min_length=1, max_length=200, description="服务地点")]
    result: Annotated[str, Field(min_length=1, max_length=500, description="服务结果")]
    satisfied: Annotated[bool | None, BeforeValidator(_answer), Field(description="对象是否满意")] = None
    correction: Annotated[str, Field(max_length=200, description="更正原因")] = ""
    signed: Annotated[Signed, BeforeValidator(_signed), Field(description="对象确认")] = ""


_ROWS: Final = TypeAdapter(tuple[ServiceRow, ...])
_TITLES: Final = {str(field.description): key for key, field in ServiceRow.model_fields.items()}


def read(ctx: Context, *, file: Upload, contract: str) -> tuple[ServiceRow, ...]:
    """Return the rows of an uploaded file; a service may be called by its code or by its label.

    Raises ``DataFault`` ``delivery.file_unreadable``, ``delivery.file_rejected`` (SYS-GATE) with the cells of a
    workbook, ``intake.size_differs``, or ``Refusal`` ``delivery.rows_malformed``, ``kernel.not_found``.
    """
    with ctx.reading() as session:
        project = project_of(session, found(session.get(Contract, contract), kind="contract", id=contract).project_id)
        codes = {name: code for code, name in item_names(policy=ctx.policy(region=project.region)).items()}
    data = intake.read(ctx, file=file)
    if file.media_type == _XLSX:
        rows: list[Any] = [dict(row) for row in _checked(ctx, file=file, data=data, project=project.id)]
    else:
        rows = _from_csv(file, _text(file, data)) if _is_csv(file) else _from_json(file, _text(file, data))
    if wrong := unfit({"": rows}):
        raise _malformed(tuple(replace(detail, field=(detail.field or "").removeprefix(".")) for detail in wrong))
    try:
        return _ROWS.validate_python([_named(tidy(row), codes) for row in rows])
    except ValidationError as err:
        raise _malformed(details_of(err)) from None


def _checked(ctx: Context, *, file: Upload, data: bytes, project: str) -> Sequence[Mapping[str, object]]:
    gate = intake.Gate(
        name="service_records",
        stage="delivery",
        data=data,
        media_type=file.media_type,
        stream_kind=events.PROJECT_STREAM,
        stream_id=project,
        fault="delivery.file_rejected",
    )
    return [
        {key: value for key, value in row.items() if value is not None} for row in intake.check(ctx, gate=gate).rows
    ]


def _named(row: object, codes: Mapping[str, str]) -> object:
    """Return a row by the names of the arguments, the service by its code."""
    if not isinstance(row, Mapping):
        return row
    named = {_TITLES.get(key, key): value for key, value in row.items()}
    item = named.get("item")
    return named | {"item": codes.get(item, item)} if isinstance(item, str) else named


def _malformed(details: tuple[Detail, ...]) -> Refusal:
    details = tuple(_of_row(detail) for detail in details)
    facts = {"rows": len({detail.row for detail in details})}
    return Refusal("delivery.rows_malformed", rule="SYS-ARGUMENTS", facts=facts, details=details)


def _of_row(detail: Detail) -> Detail:
    index, _, field = (detail.field or "0").partition(".")
    return Detail(problem=detail.problem, field=field or None, row=int(index) + 1)


def _is_csv(file: Upload) -> bool:
    return file.media_type == "text/csv" or file.name.lower().endswith(".csv")


def _text(file: Upload, data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable(file, "encoding")


def _from_csv(file: Upload, text: str) -> list[dict[str, Any]]:
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        raise _unreadable(file, "csv") from None
    if any(None in row for row in rows):
        raise _unreadable(file, "csv_extra")
    if not rows:
        raise _unreadable(file, "not_rows")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _from_json(file: Upload, text: str) -> list[Any]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        raise _unreadable(file, "json") from None
    if not isinstance(rows, list) or not rows:
        raise _unreadable(file, "not_rows")
    return rows


def _unreadable(file: Upload, problem: str) -> DataFault:
    facts = {"name": file.name, "reason": sentence(f"delivery.problem.{problem}")}
    return DataFault("delivery.file_unreadable", rule="SYS-GATE", facts=facts)
