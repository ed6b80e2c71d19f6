"""The head that the sample views of papers share."""

from __future__ import annotations

from typing import Any


def head(
    title: str, *, synthetic: tuple[str, ...] = (), doc_no: str = "", issuer: str = "黄石市民政局"
) -> dict[str, Any]:
    return {
        "title_lines": title.split("\n"),
        "issuer": issuer,
        "doc_no": doc_no,
        "date": "2016-03-15",
        "rehearsal": True,
        "synthetic_fields": list(synthetic),
    }
