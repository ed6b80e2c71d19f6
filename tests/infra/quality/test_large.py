"""CSV and Parquet ledgers: read column by column, the same rows as from the workbook."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import duckdb
import pytest

from infra.quality import large
from infra.quality.coded import coded
from reports.needs import LATER_COLUMNS, NEEDS_COLUMNS
from tests.infra.quality.ledgers import check, texts, workbook

TITLES = [column.title for column in NEEDS_COLUMNS]


def _csv(rows: list[dict[str, str]], *, columns: int = len(TITLES), encoding: str = "utf-8-sig") -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerows([TITLES[:columns], *([row[c.key] for c in NEEDS_COLUMNS][:columns] for row in rows)])
    return stream.getvalue().encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_csv_in_pieces_gives_the_rows_of_the_workbook(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "_PIECE", 7)
    rows = texts(40)

    assert check(_csv(rows, encoding=encoding), media_type="text/csv").rows == check(workbook(rows)).rows


def test_csv_that_ends_before_the_later_columns_reads_them_as_blank() -> None:
    rows = texts(3)

    result = check(_csv(rows, columns=len(TITLES) - LATER_COLUMNS), media_type="text/csv")

    assert result.passed
    assert (result.rows[0]["dimension_health"], result.rows[0]["own_ability"]) == (None, ())


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "MAX_ROWS", 5)

    assert not check(_csv(texts(6)), media_type="text/csv").passed


def test_parquet_gives_the_rows_of_the_workbook(tmp_path: Path) -> None:
    rows = texts(20)
    source, file = tmp_path / "ledger.csv", tmp_path / "ledger.parquet"
    source.write_bytes(_csv(rows, encoding="utf-8"))
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{source}', all_varchar=true)) TO '{file}' (FORMAT parquet)")  # noqa: S608

    result = check(file.read_bytes(), media_type="application/vnd.apache.parquet")

    assert result.rows == check(workbook(rows)).rows


def test_one_and_true_and_text_are_different_cells() -> None:
    cells = [1, True, 1.0, "1", 0, False, ""]

    column = coded(cells)

    assert [(type(cell), cell) for cell in column] == [(type(cell), cell) for cell in cells]
