"""Issuing the ledger of duties as a workbook (L14, L15): per period who did it, who did not."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.commands import documents
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.queries.duty import LedgerRow, ledger


class LedgerIssued(BaseModel):
    """The filed workbook: document id, digest, rows, and how many of them are missing."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    rows: int
    missing: int


@command("duty.issue_ledger", roles=CIVIL_AFFAIRS, clause="ZY-40")
def issue_ledger(
    ctx: Context,
    *,
    duty: Annotated[str | None, Field(description="任务代码;不填为全部")] = None,
    period: Annotated[str | None, Field(description="所属期间;不填为全部")] = None,
) -> LedgerIssued:
    """Print the ledger of a duty or a period as xlsx and file it.

    Raises ``Refusal`` ``duty.ledger_empty`` (SYS-EMPTY-LEDGER) when there is nothing to list.
    """
    with ctx.reading() as session:
        found = ledger(ctx.reader(session), duty=duty, period=period)
    if not found.rows:
        raise Refusal("duty.ledger_empty", rule="SYS-EMPTY-LEDGER")
    name = found.rows[0].title if duty else sentence("duty.ledger.all")
    title = sentence("duty.ledger.title", {"duty": name}) + (f"({period})" if period else "")
    view = {
        "title": title,
        "issuer": ROLE_NAMES[ctx.actor.role],
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [],
        "rows": [_printed(number, row) for number, row in enumerate(found.rows, start=1)],
    }
    paper = documents.render(ctx, kind="duty_ledger_xlsx", view=view)
    with ctx.writing() as session:
        document = documents.file_paper(
            session, ctx, paper=paper, project_id=None, stage="duty", title=title, issuer=ROLE_NAMES[ctx.actor.role]
        )
        return LedgerIssued(id=document.id, sha256=document.sha256, rows=len(found.rows), missing=found.missing)


def _printed(number: int, row: LedgerRow) -> dict[str, str]:
    ahead = sentence("duty.ledger.ahead", {"duties": "、".join(row.ahead_of)}) if row.ahead_of else ""
    return {
        "seq": str(number),
        "duty": row.title,
        "rule": row.rule,
        "level": sentence(f"unit.level.{row.level}"),
        "unit": row.unit_name,
        "period": row.period,
        "due_on": row.due_on.isoformat() if row.due_on else "",
        "status": sentence(f"duty.status.{row.status}"),
        "held_on": row.held_on.isoformat() if row.held_on else "",
        "participants": str(row.participants or ""),
        "consulted": "、".join(row.consulted),
        "alerts": str(row.alerts),
        "note": "; ".join(part for part in (row.late_reason, ahead) if part),
    }
