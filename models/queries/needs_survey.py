"""The one way to a survey whose ledger is read or worked on: not while a large ledger is on its way into the region.

Called by queries and commands before they look at ``person`` by survey.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from models.core.errors import Conflict
from models.queries.reader import found
from models.tables.needs import LedgerImport, Survey

UNFINISHED = (col(LedgerImport.completed_on).is_(None), col(LedgerImport.abandoned_on).is_(None))
"""What a ledger is that is on its way in, or whose load died."""


def loading(session: Session, *, survey: str) -> LedgerImport | None:
    """Return the ledger that is on its way into a survey, or whose load died; ``None`` when there is none."""
    statement = select(LedgerImport).where(col(LedgerImport.survey_id) == survey, *UNFINISHED)
    return session.exec(statement.limit(1)).one_or_none()


def loading_in(session: Session, *, region: str) -> LedgerImport | None:
    """Return a ledger on its way into any survey of a region: it moves people out of the earlier ones as it goes."""
    statement = select(LedgerImport).join(Survey).where(col(Survey.region) == region, *UNFINISHED)
    return session.exec(statement.order_by(col(LedgerImport.id)).limit(1)).one_or_none()


def settled_survey(session: Session, survey: str) -> Survey:
    """Return a survey whose ledger is whole.

    Raises ``Refusal`` ``kernel.not_found``, ``Conflict`` ``needs.ledger_loading`` (SYS-CONFLICT) while half of a ledger
    is in, be it of a later survey of the region: nobody may count, match or draw from that.
    """
    row = found(session.get(Survey, survey), kind="survey", id=survey)
    unfinished = loading_in(session, region=row.region)
    if unfinished is not None:
        raise is_loading(unfinished)
    return row


def is_loading(entry: LedgerImport) -> Conflict:
    """Return what is said to everybody while a ledger is on its way in."""
    facts = {"survey": entry.survey_id, "done": entry.loaded, "of": entry.people}
    return Conflict("needs.ledger_loading", rule="SYS-CONFLICT", facts=facts)
