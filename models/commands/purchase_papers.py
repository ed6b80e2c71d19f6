"""The view of what is made public about purchases: facts and one table, with what was made up for a rehearsal named.

Called by the commands that publish lists, documents, intents and requirements. Words nothing of its own but labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from models.context import Context
from models.core.messages import sentence
from models.queries.provenance import field_label

_BLANK = "—"


def notice_view(
    ctx: Context,
    *,
    title: str,
    issuer: str,
    facts: Iterable[tuple[str, str]],
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    paras: Sequence[str] = (),
    stage: str = "procurement",
) -> dict[str, Any]:
    """Return the view of a public notice; labels and columns are messages ``<stage>.paper.<code>``."""
    made_up = {field_label(f"{ctx.command}.{path}") for path in ctx.synthetic}
    return {
        "title_lines": [title],
        "issuer": issuer,
        "doc_no": "",
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": sorted(made_up) if ctx.services.rehearsal else [],
        "paras": list(paras),
        "facts": [{"label": sentence(f"{stage}.paper.{code}"), "value": text or _BLANK} for code, text in facts],
        "tables": [
            {
                "heading": sentence(f"{stage}.paper.items"),
                "columns": [sentence(f"{stage}.paper.{column}") for column in columns],
                "rows": [list(row) for row in rows],
                "none": sentence(f"{stage}.paper.no_items"),
            }
        ],
    }
