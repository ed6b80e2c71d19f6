"""A small synthetic bundle view for tests: Chinese names, two event streams, synthetic fields. Not a test itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from models.core.bundle import ArchivalRecord, BundleResult, BundleView, PayloadPart, Source
from models.core.chain import GENESIS
from models.core.hashing import digest
from reports.bundle import write_bundle
from reports.bundle_layout import payload_path


def record(number: int, *, title: str = "需求评估报告(合成)", synthetic: tuple[str, ...] = ()) -> ArchivalRecord:
    return ArchivalRecord(
        archival_code=f"Q001-2016-{number:04d}",
        item_no=number,
        title=title,
        document_no="",
        responsible="合成市民政局",
        formed_on=date(2016, 5, 3),
        pages=3,
        secrecy="公开",
        retention="30年",
        openness="开放",
        format="PDF/A-2a",
        synthetic=synthetic,
    )


def part(number: int, source: Source, *, title: str = "需求评估报告(合成)") -> PayloadPart:
    path = payload_path(folder="01_申报立项", number=number, kind="报告", title=title, suffix=".pdf")
    return PayloadPart(path=path, source=source, record=record(number, title=title, synthetic=("日期",)))


def chain(length: int = 3) -> tuple[dict[str, object], ...]:
    def stream(kind: str) -> Iterator[dict[str, object]]:
        head = GENESIS
        for seq in range(1, length + 1):
            body: dict[str, object] = {
                "stream_kind": kind,
                "stream_id": "prj-1",
                "seq": seq,
                "event_id": f"evt-{kind}-{seq}",
                "type": "项目已入库",
                "actor": "evaluation_office:u-office",
                "occurred_at": "2016-01-04",
                "recorded_at": "2016-01-04T09:00:00+08:00",
                "payload": {"amount_fen": 5000},
                "prev_hash": head,
            }
            head = digest(body)
            yield body | {"hash": head}

    return tuple(event for pair in zip(stream("project"), stream("ledger"), strict=True) for event in pair)


def view(*parts: PayloadPart) -> BundleView:
    chosen = parts or (
        part(1, b"%PDF-1.7 one", title="需求评估报告(合成)"),
        part(2, lambda: (bytes([number]) * 1000 for number in range(9)), title="支出占比95%:说明/附表"),
        replace(part(3, lambda: "=1+1,昇玥堃".encode()), path="05_实施台账/原件/ab12_台账 第1册.csv"),
    )
    return BundleView(
        project_no="HSMZ-2016-0001",
        version=1,
        source_organization="合成市民政局",
        bag_group="Q001/2016",
        bagging_date=date(2016, 12, 30),
        parts=chosen,
        project={"project_no": "HSMZ-2016-0001", "decided_on": date(2016, 3, 1), "amount_fen": 1},
        project_schema={"type": "object", "required": ["project_no"]},
        events=chain(),
        provenance={"software": "service-assistance-lifecycle", "templates": {"notice": "0" * 64}},
        synthetic_fields=("合同价",),
        info=(("Contact-Name", "档案室"),),
    )


def written(of: BundleView) -> tuple[bytes, BundleResult]:
    out = io.BytesIO()
    result = write_bundle(view=of, out=out)
    return out.getvalue(), result
