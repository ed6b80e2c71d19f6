"""Reads of delivery (S12): how far a project has come, and whether its service records are still what was recorded.

Counts look at the newest revision of each record. ``progress`` is also read by acceptance; nothing here names a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, and_, distinct, func, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.errors import DataFault
from models.core.ids import derive_id
from models.core.registry import query
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.rules import delivery as rules
from models.tables.contract import Contract
from models.tables.delivery import CasePlan, DeliveryReferral, DeliveryStaff, ServiceRecord
from models.tables.kernel import Event
from models.tables.needs import Selection, SelectionRound

RECORDED = "delivery.services_recorded"
"""The event of one batch of service records; its payload carries the batch's digest."""

COMPLETED = "contract.ended"
AUDITORS = (Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION, Role.EVALUATION_OFFICE, Role.PURCHASER, Role.SYSTEM)
"""Who may have the records and the recipients of every project checked."""

_HOUR = 60


class KindProgress(BaseModel):
    """What was done of one kind of service."""

    model_config = ConfigDict(frozen=True)

    name: str
    records: int
    persons: int
    minutes: int


class Progress(BaseModel):
    """How far a project has come. ``served`` are distinct persons, ``planned`` the persons selected.

    ``target`` is the least number to serve (HS-06), ``met`` is ``None`` where nothing sets one. ``staff`` are people
    assigned, ``qualified`` those with a certificate (HS-49).
    """

    model_config = ConfigDict(frozen=True)

    project: str
    served: int
    target: int | None
    met: bool | None
    planned: int
    percent_of_planned: Decimal | None
    case_plans: int
    records: int
    minutes: int
    hours: Decimal
    by_kind: dict[str, KindProgress]
    staff: int
    qualified: int
    referrals: int


class RecordsCheck(BaseModel):
    """Whether every batch of service records still has the digest its event carries. ``bad`` are batch ids."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    batches: int
    records: int
    bad: tuple[str, ...]


@query("delivery.progress", roles=EVERYONE_INSIDE, clause="HS-06")
def progress(reader: Reader, *, project: str) -> Progress:
    """Return distinct persons served against the target, minutes, kinds of service and staff of a project."""
    session = reader.session
    row = project_of(session, project)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    of_project = col(ServiceRecord.project_id) == project
    served, records, minutes = session.exec(
        select(
            func.count(distinct(col(ServiceRecord.person_id))),
            func.count(),
            func.coalesce(func.sum(col(ServiceRecord.minutes)), 0),
        ).where(of_project, is_newest())
    ).one()
    planned = _count(session, Selection, col(Selection.project_id) == project)
    names = rules.item_names(policy=policy)
    target = target_of(session, project=project, default=policy.needs.served_min)
    reach = rules.reach(served=served, target=target)
    assigned = _staff(session, project=project)
    return Progress(
        project=project,
        served=served,
        target=target,
        met=reach.met,
        planned=planned,
        percent_of_planned=rules.percent(part=served, whole=planned),
        case_plans=_count(session, CasePlan, col(CasePlan.project_id) == project),
        records=records,
        minutes=minutes,
        hours=(Decimal(minutes) / _HOUR).quantize(Decimal("0.1")),
        by_kind=_by_kind(session, of_project, names),
        staff=len(assigned),
        qualified=sum(assigned.values()),
        referrals=_count(session, DeliveryReferral, col(DeliveryReferral.project_id) == project),
    )


def unplanned(session: Session, *, project: str) -> int:
    """Return how many selected persons of a project have no case plan (HS-07)."""
    planned = (
        select(CasePlan.id)
        .where(col(CasePlan.project_id) == project, col(CasePlan.person_id) == col(Selection.person_id))
        .exists()
    )
    return _count(session, Selection, and_(col(Selection.project_id) == project, ~planned))


def contracts_in(session: Session, *, project: str, states: Sequence[str]) -> int:
    """Return how many contracts of a project are in one of these states."""
    return _count(session, Contract, and_(col(Contract.project_id) == project, col(Contract.state).in_(states)))


def over_on(session: Session, row: Contract) -> date | None:
    """Return the last day of a contract that was completed or terminated, ``None`` while it stands."""
    if row.state != "ended":
        return row.terminated_on
    return completed_on(session, projects=[row.project_id]).get(row.id)


def completed_on(session: Session, *, projects: Collection[str]) -> dict[str, date]:
    """Return contract → the day on which it was completed, of the contracts of these projects."""
    statement = select(col(Event.payload), col(Event.occurred_at)).where(
        col(Event.stream_kind) == "project", col(Event.stream_id).in_(projects), col(Event.type) == COMPLETED
    )
    return {payload["contract_id"]: on for payload, on in session.exec(statement).all()}


def target_of(session: Session, *, project: str, default: int | None) -> int | None:
    """Return how many distinct persons a project must serve: as its selection set it, else as policy does."""
    round_ = session.exec(select(SelectionRound).where(col(SelectionRound.project_id) == project)).one_or_none()
    return round_.served_min if round_ is not None and round_.served_min is not None else default


def _count(session: Session, table: type, where: ColumnElement[bool]) -> int:
    return session.exec(select(func.count()).select_from(table).where(where)).one()


def is_newest() -> ColumnElement[bool]:
    """Return the condition that a service record is the newest revision of its service, and was not withdrawn."""
    newer = aliased(ServiceRecord)
    return (col(ServiceRecord.minutes) > 0) & ~(
        select(newer.id)
        .where(
            newer.contract_id == ServiceRecord.contract_id,
            newer.person_id == ServiceRecord.person_id,
            newer.served_on == ServiceRecord.served_on,
            newer.starts_at == ServiceRecord.starts_at,
            newer.revision > ServiceRecord.revision,
        )
        .exists()
    )


def _by_kind(session: Session, of_project: ColumnElement[bool], names: Mapping[str, str]) -> dict[str, KindProgress]:
    rows = session.exec(
        select(
            ServiceRecord.item,
            func.count(),
            func.count(distinct(col(ServiceRecord.person_id))),
            func.sum(col(ServiceRecord.minutes)),
        )
        .where(of_project, is_newest())
        .group_by(col(ServiceRecord.item))
        .order_by(col(ServiceRecord.item))
    ).all()
    return {
        item: KindProgress(name=names.get(item, item), records=records, persons=persons, minutes=minutes)
        for item, records, persons, minutes in rows
    }


def _staff(session: Session, *, project: str) -> dict[str, bool]:
    rows = session.exec(
        select(DeliveryStaff.ref, DeliveryStaff.qualified)
        .join(Contract, col(Contract.id) == col(DeliveryStaff.contract_id))
        .where(col(Contract.project_id) == project)
        .order_by(col(DeliveryStaff.assigned_on))
    ).all()
    return dict(rows)


@query("delivery.verify_records", roles=AUDITORS, clause="SYS-APPEND-ONLY")
def verify_records(reader: Reader, *, project: str = "") -> RecordsCheck:
    """Compare every batch of service records with its event: an edited, moved or lost row shows, whichever column was
    changed, and one that belongs to no batch. Without a project those of all projects are compared.
    """
    session = reader.session
    if project:
        project_of(session, project)
    of_project = col(Event.stream_id) == project if project else true()
    batches = session.exec(
        select(Event)
        .where(col(Event.stream_kind) == "project", of_project, col(Event.type) == RECORDED)
        .order_by(col(Event.stream_id), col(Event.seq))
    ).all()
    bad, total = _stray(session, project, {batch.event_id for batch in batches}), 0
    for batch in batches:
        of_batch = select(ServiceRecord).where(col(ServiceRecord.batch_id) == batch.event_id)
        rows = session.exec(of_batch.order_by(col(ServiceRecord.ordinal))).all()
        total += len(rows)
        if len(rows) != batch.payload["records"] or not (_in_place(rows, batch) and _as_told(reader, rows, batch)):
            bad.append(batch.event_id)
        session.expunge_all()
    return RecordsCheck(ok=not bad, batches=len(batches), records=total, bad=tuple(bad))


def record_id(*, batch: str, ordinal: int) -> str:
    """Return the id of the row at a place of a batch."""
    return derive_id("svc", batch, str(ordinal))


def _in_place(rows: Iterable[ServiceRecord], batch: Event) -> bool:
    """Say whether each row stands where and when its batch put it: id, place, project, contract, day of entry."""
    return all(
        (row.id, row.ordinal, row.project_id, row.contract_id, row.recorded_on)
        == (
            record_id(batch=batch.event_id, ordinal=place),
            place,
            batch.stream_id,
            batch.payload["contract_id"],
            batch.occurred_at,
        )
        for place, row in enumerate(rows)
    )


def _as_told(reader: Reader, rows: Iterable[ServiceRecord], batch: Event) -> bool:
    """Say whether the rows say what they said; sealed words that cannot be opened do not."""
    try:
        clear = [
            {
                **row.model_dump(),
                "place": reader.vault.open(row.place_sealed),
                "result": reader.vault.open(row.result_sealed),
            }
            for row in rows
        ]
    except DataFault:
        return False
    told: str = batch.payload["digest"]
    return rules.records_digest(clear) == told


def _stray(session: Session, project: str, batches: set[str]) -> list[str]:
    """Return the batches that rows name and no event tells of."""
    of_project = col(ServiceRecord.project_id) == project if project else true()
    named = session.exec(select(ServiceRecord.batch_id).where(of_project).distinct()).all()
    return sorted(set(named) - batches)
