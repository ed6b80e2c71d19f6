"""Reads of scheduled supervision (S13): what is on file that may satisfy a schedule, and how a contract is kept.

Called by ``commands.scheduled``; ``monitoring.performance`` is the comparison of what was done with what was agreed.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.core.registry import query
from models.policy.schema import Policy
from models.policy.supervision import Schedule
from models.queries import delivery
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.rules import supervision as rules
from models.rules.delivery import percent
from models.rules.supervision import Act, Turn
from models.tables.contract import Contract
from models.tables.delivery import PlanItem, ServiceRecord
from models.tables.kernel import Document
from models.tables.monitoring import FollowUp, InspectionRound, KeyPostAttendance, Supervision

REPORT: Final = "financial_report"


def acts_of(session: Session, *, project: str) -> list[Act]:
    """Return the supervision records of a project."""
    rows = session.exec(select(Supervision).where(col(Supervision.project_id) == project)).all()
    return [Act(row.inspected_on, row.line, row.phase, frozenset(row.findings), bool(row.joint)) for row in rows]


def is_satisfied(session: Session, *, schedule: Schedule, subject: str, turn: Turn) -> bool:
    """Say whether what a period asks for is on file; ``subject`` is the project, or the region of inspections."""
    within = (turn.first, turn.last)
    match schedule.act:
        case "supervision":
            return rules.satisfied(schedule=schedule, turn=turn, acts=acts_of(session, project=subject))
        case "report":
            of_kind = (col(Document.project_id) == subject, col(Document.kind) == REPORT)
            statement = select(Document.id).where(*of_kind, col(Document.issued_on).between(*within))
        case "follow_up":
            statement = select(FollowUp.id).where(
                col(FollowUp.project_id) == subject,
                col(FollowUp.closed_on).between(*within),
                col(FollowUp.answered) > 0,
            )
        case "inspection":
            statement = select(InspectionRound.id).where(
                col(InspectionRound.region) == subject, col(InspectionRound.published_on).between(*within)
            )
        case _:
            statement = select(KeyPostAttendance.id).where(
                col(KeyPostAttendance.project_id) == subject, col(KeyPostAttendance.recorded_on).between(*within)
            )
    return session.exec(statement.limit(1)).first() is not None


class Performance(BaseModel):
    """What a project did against its contract: in time, in quantity, in quality (FZ-53, BJ-46); ``None``: not known.

    ``time_percent`` is the share of the term gone, ``minutes_percent`` what was served of what the plan promises for
    the months gone, ``satisfied_percent`` of the services and follow-ups answered. ``behind`` names what falls short.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    time_percent: Decimal | None
    minutes: int
    minutes_agreed: int | None
    minutes_percent: Decimal | None
    answered: int
    satisfied: int
    satisfied_percent: Decimal | None
    served: int
    target: int | None
    behind: tuple[str, ...]


@query("monitoring.performance", roles=EVERYONE_INSIDE, clause="BJ-46")
def performance(reader: Reader, *, project: str) -> Performance:
    """Return quantity, quality and time of the services of a project against its contracts (FZ-53, BJ-46)."""
    session = reader.session
    row = project_of(session, project)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    contracts = session.exec(select(Contract).where(col(Contract.project_id) == project)).all()
    done = delivery.progress(reader, project=project)
    agreed = sum(_agreed(session, one, reader.as_of) for one in contracts)
    answered, satisfied = satisfaction(session, project=project)
    gone = sum(max((min(reader.as_of, one.ends_on) - one.starts_on).days, 0) for one in contracts)
    whole = sum((one.ends_on - one.starts_on).days for one in contracts)
    time_percent = percent(part=gone, whole=whole)
    minutes_percent = percent(part=done.minutes, whole=agreed)
    satisfied_percent = percent(part=satisfied, whole=answered)
    return Performance(
        project=project,
        time_percent=time_percent,
        minutes=done.minutes,
        minutes_agreed=agreed or None,
        minutes_percent=minutes_percent,
        answered=answered,
        satisfied=satisfied,
        satisfied_percent=satisfied_percent,
        served=done.served,
        target=done.target,
        behind=_behind(policy, minutes_percent, satisfied_percent, overdue=_overdue(contracts, reader.as_of)),
    )


def _behind(policy: Policy, minutes: Decimal | None, satisfied: Decimal | None, *, overdue: bool) -> tuple[str, ...]:
    lowest = 100 * policy.acceptance.satisfaction_pass_ratio
    found = {
        "time": overdue,
        "quantity": minutes is not None and minutes < 100,  # percent
        "quality": satisfied is not None and satisfied < lowest,
    }
    return tuple(name for name, short in found.items() if short)


def _overdue(contracts: object, on: date) -> bool:
    return any(one.state == "running" and one.ends_on <= on for one in contracts)  # type: ignore[attr-defined]


def _agreed(session: Session, contract: Contract, on: date) -> int:
    """Return the minutes a contract's plan promises for the whole months gone before it was over."""
    last = min(on, contract.ends_on, delivery.over_on(session, contract) or date.max)
    months = max((last.year - contract.starts_on.year) * 12 + last.month - contract.starts_on.month, 0)
    newest: dict[tuple[str, str], int] = {}
    rows = session.exec(
        select(PlanItem).where(col(PlanItem.contract_id) == contract.id).order_by(col(PlanItem.version))
    ).all()
    for row in rows:
        newest[row.person_id, row.item] = row.minutes_month or 0
    return months * sum(newest.values())


def satisfaction(session: Session, *, project: str) -> tuple[int, int]:
    """Return how many answers there are on services and in follow-ups, and how many of them are satisfied."""
    records = session.exec(
        select(func.count(), func.count().filter(col(ServiceRecord.satisfied).is_(True))).where(
            col(ServiceRecord.project_id) == project, col(ServiceRecord.satisfied).is_not(None), delivery.is_newest()
        )
    ).one()
    asked = session.exec(
        select(
            func.coalesce(func.sum(col(FollowUp.answered)), 0), func.coalesce(func.sum(col(FollowUp.satisfied)), 0)
        ).where(col(FollowUp.project_id) == project)
    ).one()
    return int(records[0] + asked[0]), int(records[1] + asked[1])
