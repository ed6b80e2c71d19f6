"""The one way to a survey whose ledger is read or worked on: not while a large ledger is on its way in.

Called by queries and commands before they look at ``person`` by survey.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from models.core.errors import Conflict
from models.queries.reader import found
from models.tables.needs import LedgerImport, Survey


def loading(session: Session, *, survey: str) -> LedgerImport | None:
    """Return the ledger that is on its way into a survey, or whose load died; ``None`` when there is none."""
    unfinished = select(LedgerImport).where(
        col(LedgerImport.survey_id) == survey, col(LedgerImport.completed_on).is_(None)
    )
    return session.exec(unfinished.limit(1)).one_or_none()


def settled_survey(session: Session, survey: str) -> Survey:
    """Return a survey whose ledger is whole.

    Raises ``Refusal`` ``kernel.not_found``, ``Conflict`` ``needs.ledger_loading`` (SYS-CONFLICT) while half of a ledger
    is in: nobody may count, match or draw from that.
    """
    row = found(session.get(Survey, survey), kind="survey", id=survey)
    unfinished = loading(session, survey=survey)
    if unfinished is not None:
        facts = {"done": unfinished.loaded, "of": unfinished.people}
        raise Conflict("needs.ledger_loading", rule="SYS-CONFLICT", facts=facts)
    return row
