"""What a work item already knows of the command that resolves it: the arguments whoever acts need not look up.

Read by ``queries.work``, so that a list of what is due can be typed on as it stands. Knows no command by heart: an
argument counts when the command has one of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sqlmodel import Session, col, select

from models.core.registry import operations
from models.tables.audit import AuditFiling
from models.tables.contract import Contract
from models.tables.funding import Fund
from models.tables.kernel import WorkItem
from models.tables.needs import LedgerImport
from models.tables.plan import PlanProposal
from models.tables.review import ReviewRound, ReviewSeat

_CLOCK: Final = "guide_clock"
Known = Mapping[str, str | list[str] | None]

_NAMES: Final[Mapping[str, str]] = {
    "acceptance_problem": "problem",
    "check_finding": "finding",
    "inspection_round": "round",
    "misuse_case": "case",
    "publicity_notice": "notice",
    "purchase_check": "check",
    "rectification_order": "order",
    "review_round": "round",
}
"""Kind of subject → the argument by which commands call it, where it is not the kind itself."""


def arguments_of(session: Session, item: WorkItem) -> dict[str, str | list[str]]:
    """Return argument → value of the resolving command, as far as the item knows them: whom or what it is about."""
    kind, subject = item.subject_kind, item.subject_id
    read = _READ.get(kind)
    known: dict[str, str | list[str] | None] = {_NAMES.get(kind, kind): subject, "project": item.project_id}
    known |= read(session, subject) if read else {}
    if kind == _CLOCK:
        known["round"] = _open_round(session, item.project_id)
    wanted = operations()[item.resolves_with].arguments.model_fields
    return {name: value for name, value in known.items() if value and name in wanted}


def _open_round(session: Session, project: str | None) -> str | None:
    """Return the review round of a project that still runs, ``None`` when none does."""
    rounds = select(ReviewRound.id).where(col(ReviewRound.project_id) == project, col(ReviewRound.closed_on).is_(None))
    return session.exec(rounds.order_by(col(ReviewRound.ordinal).desc())).first()


def _book(_session: Session, subject: str) -> Known:
    """A book and place with a gap (``code/place``), a row that waits for its revision, or a roster to be published."""
    code, _, unit = subject.partition("/")
    return {"book": code, "unit": unit, "row": subject, "books": [code]}


def _contract(session: Session, subject: str) -> Known:
    """A contract, or money under a plan line and contract (``line:contract``)."""
    line, _, contract = subject.rpartition(":")
    row = session.get(Contract, contract)
    return {"contract": contract, "plan_line": line, "organisation": row.organisation_id if row else None}


def _duty(_session: Session, subject: str) -> Known:
    """A duty of a unit in a period (``duty/unit/period``)."""
    duty, unit, period = subject.split("/")[:3]
    return {"duty": duty, "unit": unit, "period": period}


def _filing(session: Session, subject: str) -> Known:
    return {"body": session.get_one(AuditFiling, subject).body}


def _ledger(session: Session, subject: str) -> Known:
    return {"survey": session.get_one(LedgerImport, subject).survey_id}


def _meeting(_session: Session, subject: str) -> Known:
    """A meeting (``region/number``); a decision taken in one that bears no number is about its project."""
    return {"meeting_no": subject.partition("/")[2]}


def _plan(session: Session, subject: str) -> Known:
    """A batch (``2026Q3-1``): its newest proposal."""
    quarter, _, batch = subject.rpartition("-")
    of_batch = select(PlanProposal.id).where(
        col(PlanProposal.quarter) == quarter, col(PlanProposal.batch) == int(batch)
    )
    return {"proposal": session.exec(of_batch.order_by(col(PlanProposal.version).desc())).first()}


def _purchase(_session: Session, subject: str) -> Known:
    """A purchase, one of its rounds (``purchase:2``) or of its checkpoints (``purchase:before``)."""
    purchase, _, point = subject.partition(":")
    return {"procurement": purchase, "checkpoint": "" if point.isdigit() else point}


def _seat(session: Session, subject: str) -> Known:
    return {"round": session.get_one(ReviewSeat, subject).round_id}


def _surplus(session: Session, subject: str) -> Known:
    """Money that has to go back (``owner:year:channel``); its owner is a project, which the item names, or a fund."""
    owner, year, channel = subject.split(":")
    return {"fund": owner if session.get(Fund, owner) else None, "year": year, "channel": channel}


def _survey(_session: Session, subject: str) -> Known:
    survey, _, unit = subject.partition("/")
    return {"survey": survey, "unit": unit}


def _month(_session: Session, subject: str) -> Known:
    """A month, alone (``2025-06``) or of a region (``520300:2025-06-01``)."""
    month = subject.rpartition(":")[2]
    return {"month": month if month.count("-") == 2 else f"{month}-01"}


_READ: Final[Mapping[str, Callable[[Session, str], Known]]] = {
    "audit_filing": _filing,
    "book": _book,
    "contract": _contract,
    "duty": _duty,
    "meeting": _meeting,
    "month": _month,
    "needs_ledger_import": _ledger,
    "plan_batch": _plan,
    "procurement": _purchase,
    "region": _month,
    "review_seat": _seat,
    "surplus": _surplus,
    "survey": _survey,
}
"""Kind of subject whose id says more than one thing → what it says."""
