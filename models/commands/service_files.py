"""Reading a file of service records: JSON (a list of objects) or CSV with a header, UTF-8 or GB18030.

Called by ``commands.delivery`` alone. A file nobody can parse is a ``DataFault``; rows that are not such rows are a
``Refusal`` naming every row and field. The file itself stays in the intake bucket either way; nothing is written here.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Annotated, Any, Final

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from models.commands import intake
from models.context import Context
from models.core.errors import DataFault, Detail, Refusal
from models.core.messages import sentence
from models.core.uploads import Upload
from models.core.validation import details_of

_YES_NO: Final = {"": None, "是": True, "否": False}


def _answer(value: object) -> object:
    return _YES_NO.get(value, value) if isinstance(value, str) else value


class ServiceRow(BaseModel):
    """One service: who (id of the selection or the person), when, what, by whom, where, with what result.

    ``correction`` is the reason why an earlier record of the same person, day and start is replaced.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    person: Annotated[str, Field(min_length=1, description="服务对象编号")]
    on: Annotated[date, Field(description="服务日期")]
    start: Annotated[str, Field(pattern=r"^\d{2}:\d{2}$", description="开始时间")]
    end: Annotated[str, Field(pattern=r"^\d{2}:\d{2}$", description="结束时间")]
    item: Annotated[str, Field(validation_alias=AliasChoices("item", "kind"), description="服务项目")]
    staff: Annotated[str, Field(min_length=1, description="服务人员编号")]
    place: Annotated[str, Field(min_length=1, max_length=200, description="服务地点")]
    result: Annotated[str, Field(min_length=1, max_length=500, description="服务结果")]
    satisfied: Annotated[bool | None, BeforeValidator(_answer), Field(description="对象是否满意")] = None
    correction: Annotated[str, Field(max_length=200, description="更正原因")] = ""


_ROWS: Final = TypeAdapter(tuple[ServiceRow, ...])


def read(ctx: Context, *, file: Upload) -> tuple[ServiceRow, ...]:
    """Return the rows of an uploaded file.

    Raises ``DataFault`` ``delivery.file_unreadable``, ``intake.size_differs`` (SYS-GATE) or ``Refusal``
    ``delivery.rows_malformed``.
    """
    text = _text(file, intake.read(ctx, file=file))
    rows = _from_csv(file, text) if _is_csv(file) else _from_json(file, text)
    try:
        return _ROWS.validate_python(rows)
    except ValidationError as err:
        details = tuple(_of_row(detail) for detail in details_of(err))
        facts = {"rows": len({detail.row for detail in details})}
        raise Refusal("delivery.rows_malformed", rule="SYS-ARGUMENTS", facts=facts, details=details) from None


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
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if any(None in row for row in rows):
        raise _unreadable(file, "csv_extra")
    if not rows:
        raise _unreadable(file, "not_rows")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _from_json(file: Upload, text: str) -> list[Any]:
    try:
        rows = json.loads(text)
    except ValueError:
        raise _unreadable(file, "json") from None
    if not isinstance(rows, list) or not rows:
        raise _unreadable(file, "not_rows")
    return rows


def _unreadable(file: Upload, problem: str) -> DataFault:
    facts = {"name": file.name, "reason": sentence(f"delivery.problem.{problem}")}
    return DataFault("delivery.file_unreadable", rule="SYS-GATE", facts=facts)
