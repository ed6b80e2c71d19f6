"""Service records (服务记录) as a sheet: its columns and its place in the workbook.

The one definition shared by the import template and the quality gate that reads it; the columns are the arguments of
``delivery.record_services``. This module must never read or judge a file: the gate does.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.commands.service_files import ServiceRow
from reports.columns import Choice, Column, ColumnKind
from reports.needs import YES_NO
from reports.workbook import TEMPLATE_DATE, TableMeta, write_table

SHEET_NAME = "服务记录"
TEMPLATE_ID = "service_records"
TEMPLATE_VERSION = "1"
_NOTE = "红色列为必填；时间写作 09:30；服务对象编号、服务人员编号可用 delivery.roster 查询。"
_KINDS: Mapping[str, ColumnKind] = {"on": "date", "satisfied": "yesno"}
_WIDTHS = {"place": 24, "result": 36, "correction": 24}


def _column(key: str, *, items: tuple[Choice, ...] = ()) -> Column:
    field = ServiceRow.model_fields[key]
    return Column(
        key=key,
        title=str(field.description),
        kind="code" if key == "item" and items else _KINDS.get(key, "text"),
        required=field.is_required(),
        choices=YES_NO if key == "satisfied" else items if key == "item" else (),
        width=_WIDTHS.get(key, 16),
    )


SERVICE_COLUMNS: tuple[Column, ...] = tuple(_column(key) for key in ServiceRow.model_fields)
"""As the gate reads them: what a service may be called is the region's policy, hence a text here."""


def service_records_template(*, items: Mapping[str, str], example: Mapping[str, str]) -> bytes:
    """Return the empty import template; ``items`` (code → label) are what a service may be called in the region."""
    choices = tuple(Choice(code, label) for code, label in items.items())
    meta = TableMeta(
        sheet_name=SHEET_NAME,
        issuer="",
        date=TEMPLATE_DATE,
        note=_NOTE,
        template=(TEMPLATE_ID, TEMPLATE_VERSION),
        example=example,
    )
    columns = tuple(_column(key, items=choices) for key in ServiceRow.model_fields)
    return write_table(columns=columns, rows=(), title="服务记录", meta=meta)
