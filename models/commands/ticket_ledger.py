"""Issuing the ledger of tickets as a workbook: dates, accounts and counts, never who asked or what."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from models.commands import documents
from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.queries.ticket import TicketRow, standing
from models.rules.bodies import body_name

_HEADS = ("seq", "id", "kind", "unit", "owner", "backup", "opened_on", "due_on", "notified_on", "missing_items")
_HEADS_AFTER = ("handovers", "answered_on", "closed_on", "status")


class TicketLedgerIssued(BaseModel):
    """The filed workbook: document id, digest and rows."""

    model_config = ConfigDict(frozen=True)

    id: str
    sha256: str
    rows: int


@command("ticket.issue_ledger", roles=(Role.CITY_BUREAU, Role.COUNTY_BUREAU), clause="SYS-TICKET")
def issue_ledger(
    ctx: Context, *, kind: Annotated[str | None, Field(description="工单类别代码;不填为全部")] = None
) -> TicketLedgerIssued:
    """Print the tickets as xlsx and file it. Raises ``Refusal`` ``ticket.ledger_empty`` (SYS-EMPTY-LEDGER)."""
    with ctx.reading() as session:
        found = standing(ctx.reader(session), kind=kind)
    if not found:
        raise Refusal("ticket.ledger_empty", rule="SYS-EMPTY-LEDGER")
    policy = ctx.policy(region=ctx.services.region)
    title = sentence("ticket.ledger.title")
    made = [sentence("book.synthetic")] if any(row.synthetic for row in found) else []
    view = {
        "title": title,
        "issuer": body_name(policy=policy, role=ctx.actor.role),
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": made,
        "rows": [],
        "heads": [sentence(f"ticket.ledger.{name}") for name in (*_HEADS, *_HEADS_AFTER)],
        "lines": [_line(number, row) for number, row in enumerate(found, start=1)],
    }
    paper = documents.render(ctx, kind="ticket_ledger_xlsx", view=view, synthetic_fields=made)
    with ctx.writing() as session:
        document = documents.file_paper(
            session, ctx, paper=paper, project_id=None, stage="ticket", title=title, issuer=ROLE_NAMES[ctx.actor.role]
        )
        return TicketLedgerIssued(id=document.id, sha256=document.sha256, rows=len(found))


def _line(number: int, row: TicketRow) -> list[dict[str, Any]]:
    texts = [str(number), row.id, row.title, row.unit, row.owner, row.backup]
    days = [row.opened_on, row.due_on, row.notified_on]
    texts += [day.isoformat() if day else "" for day in days]
    texts += [str(row.missing_items), str(row.handovers)]
    texts += [day.isoformat() if day else "" for day in (row.answered_on, row.closed_on)]
    texts.append(sentence(f"ticket.status.{row.status}"))
    return [{"text": text} for text in texts]
