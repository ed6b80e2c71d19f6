"""Files of service records: the template filled in, titles instead of names, and what no argument may hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.rules.delivery import item_names
from models.tables.delivery import ServiceRecord
from reports.import_templates import TEMPLATES
from reports.service_records import SERVICE_COLUMNS
from reports.workbook import MEDIA_TYPE
from tests.models.commands.test_delivery import events, record, refuse, rows, upload
from tests.support.delivering import RECORDED_ON, selected, service
from tests.support.workbooks import filled


def test_a_filled_in_template_records_like_rows(running: Any) -> None:
    person = selected(running.world, running.bought.project)[0]
    items = item_names(policy=running.world.services.policies.resolve(region="420200", on=RECORDED_ON))
    given = service(person) | {
        "start": "9:00",
        "item": items["comfort"],
        "satisfied": "是",
        "correction": "",
        "signed": "本人",
    }
    cells = {(4, place): str(given[column.key]) for place, column in enumerate(SERVICE_COLUMNS, 1)}
    data = filled(TEMPLATES["service_records"].write(items), cells)
    file = running.world.upload(data, name="服务记录.xlsx", media_type=MEDIA_TYPE).model_dump()

    found = record(running, file=file)

    (row,) = rows(running.world, ServiceRecord)
    assert (found.records, row.person_id, row.starts_at, row.item) == (1, person, "09:00", "comfort")
    assert row.satisfied is True


def test_a_template_with_wrong_cells_is_put_apart_and_each_cell_named(running: Any) -> None:
    cells = {(4, 1): "x", (4, 2): "2016-13-01", (4, 3): "nine", (5, 1): "y"}
    items = {"comfort": "心理慰藉"}
    data = filled(TEMPLATES["service_records"].write(items), cells)
    file = running.world.upload(data, name="服务记录.xlsx", media_type=MEDIA_TYPE).model_dump()

    fault = refuse(running, "delivery.file_rejected", file=file)

    assert {(4, "服务日期"), (4, "开始时间"), (5, "服务日期")} <= {(item.row, item.column) for item in fault.details}
    assert "已隔离留存" in fault.way_out
    assert len(events(running.world, "delivery.service_records_quarantined")) == 1
    assert rows(running.world, ServiceRecord) == []


@pytest.mark.parametrize(
    ("spoiled", "field"),
    [({"place": "a\u0000b"}, "place"), ({"result": "\ud800"}, "result"), ({"staff": " \u3000\u200b"}, "staff")],
)
def test_what_no_argument_may_hold_no_file_may_hold(running: Any, spoiled: dict[str, Any], field: str) -> None:
    person = selected(running.world, running.bought.project)[0]
    text = json.dumps([service(person), service(person, day=1) | spoiled])

    fault = refuse(
        running, "delivery.rows_malformed", file=upload(running, text, name="a.json", media_type="application/json")
    )

    assert [(item.row, item.field) for item in fault.details] == [(2, field)]


def test_a_csv_file_may_have_the_titles_of_the_template(running: Any) -> None:
    person = selected(running.world, running.bought.project)[0]
    given = service(person) | {"satisfied": "是", "item": "心理慰藉", "correction": "", "signed": ""}
    text = ",".join(column.title for column in SERVICE_COLUMNS) + "\n"
    text += ",".join(str(given[column.key]) for column in SERVICE_COLUMNS) + "\n"

    assert record(running, file=upload(running, text, name="记录.csv", media_type="text/csv")).records == 1
