"""Reads of the service file of one person (一人一档) and the work ledger made of all of them (FZ-55, FZ-56).

People are shown as policy lets readers inside see them; what a record says of a home or a condition is opened for
whoever may read the file and blotted of personal numbers. Only the newest revision of a record stands in a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import distinct, func
from sqlmodel import Session, col, select

from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Refusal
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.delivery import is_newest
from models.queries.needs import ASSESSORS
from models.queries.reader import Reader, found, project_of
from models.rules.delivery import item_names
from models.rules.masking import masked, redacted
from models.tables.contract import Contract
from models.tables.delivery import CasePlan, DeliveryStaff, PlanItem, RecipientOwner, ServiceRecord
from models.tables.monitoring import FollowUpAnswer
from models.tables.needs import Person, Selection

_READERS = (*CIVIL_AFFAIRS, Role.TOWNSHIP, Role.PURCHASER, Role.CONTRACTOR)
LEDGER_READERS = (*_READERS, Role.AUDIT_BODY, Role.DISCIPLINE_SUPERVISION)


class FileRecord(BaseModel):
    """One service in a file: when, what, by whom, with what result, whether the plan names it, who signed.

    ``qualified`` is whether that member of staff had a certificate good on the day, ``None`` for nobody assigned.
    """

    model_config = ConfigDict(frozen=True)

    on: date
    start: str
    end: str
    minutes: int
    item: str
    staff: str
    qualified: bool | None
    place: str
    result: str
    satisfied: bool | None
    signed_by: str
    off_plan: bool
    corrected: bool
    recorded_on: date


class FileAnswer(BaseModel):
    """One answer in a satisfaction follow-up."""

    model_config = ConfigDict(frozen=True)

    on: date
    answer: str
    method: str
    words: str


class FileOwner(BaseModel):
    """Who answers for the person from a day on (ZY-28): a team, the street office meanwhile, another unit, or nobody
    any more and why."""

    model_config = ConfigDict(frozen=True)

    since: date
    kind: str
    unit: str


class ServiceFile(BaseModel):
    """The service file of one person in one project: name masked, plan, every service, every answer, and each owner
    after the first team."""

    model_config = ConfigDict(frozen=True)

    project: str
    person: str
    name: str
    id_number: str
    planned: dict[str, int | None] = Field(description="计划服务项目及每月约定分钟数")
    case_plans: int
    records: tuple[FileRecord, ...]
    minutes: int
    answers: tuple[FileAnswer, ...]
    satisfied: int
    unsatisfied: int
    owners: tuple[FileOwner, ...]


class LedgerLine(BaseModel):
    """One person in the work ledger: counts only."""

    model_config = ConfigDict(frozen=True)

    person: str
    records: int
    minutes: int
    items: int
    first_on: date
    last_on: date
    satisfied: int
    unsatisfied: int


class WorkLedger(BaseModel):
    """The work ledger of a project, made of the files of its people: totals and one line a person (FZ-56)."""

    model_config = ConfigDict(frozen=True)

    project: str
    selected: int
    served: int
    records: int
    minutes: int
    lines: tuple[LedgerLine, ...]


@query("delivery.service_file", roles=LEDGER_READERS, clause="FZ-55")
def service_file(
    reader: Reader,
    *,
    project: Annotated[str, Field(description="项目编号")],
    person: Annotated[str, Field(description="服务对象编号(筛选或档案编号)")],
) -> ServiceFile:
    """Return everything on file about the service to one selected person, satisfaction included (FZ-54, FZ-55).

    Raises ``Refusal`` ``delivery.not_selected`` (SYS-SELECTED-ONLY).
    """
    session = reader.session
    row = project_of(session, project)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    known = _person(session, project, person)
    planned, begins = _plan(session, project, known)
    names = item_names(policy=policy)
    staff = _staff(session, project)
    records = tuple(_record(reader, one, begins, names, staff) for one in _records(session, project, known))
    answers = tuple(_answer(reader, one) for one in _answers(session, known))
    shown = person_shown(reader, found(session.get(Person, known), kind="person", id=known), policy)
    cases = session.exec(
        select(func.count())
        .select_from(CasePlan)
        .where(col(CasePlan.project_id) == project, col(CasePlan.person_id) == known)
    ).one()
    said = [one.satisfied for one in records] + [
        one.answer == "satisfied" for one in answers if one.answer != "unreachable"
    ]
    return ServiceFile(
        project=project,
        person=known,
        name=shown[0],
        id_number=shown[1],
        planned={names.get(item, item): minutes for item, minutes in planned.items()},
        case_plans=cases,
        records=records,
        minutes=sum(one.minutes for one in records),
        answers=answers,
        satisfied=said.count(True),
        unsatisfied=said.count(False),
        owners=_owners(session, project, known),
    )


def _owners(session: Session, project: str, person: str) -> tuple[FileOwner, ...]:
    rows = select(RecipientOwner).where(
        col(RecipientOwner.project_id) == project, col(RecipientOwner.person_id) == person
    )
    ordered = session.exec(rows.order_by(col(RecipientOwner.ordinal))).all()
    return tuple(FileOwner(since=row.since, kind=row.kind, unit=row.unit) for row in ordered)


def person_shown(reader: Reader, person: Person, policy: Policy) -> tuple[str, str]:
    """Return the name and the ID number of somebody served as whoever asks may read them.

    Who works with the needs ledger sees what policy shows inside, all others what experts see.
    """
    styles = policy.publicity.mask_internal if reader.actor.role in ASSESSORS else policy.publicity.mask_expert
    name, number = reader.vault.open(person.name_sealed), reader.vault.open(person.id_number_sealed)
    return masked(field="name", text=name, styles=styles), masked(field="id_number", text=number, styles=styles)


def _person(session: Session, project: str, code: str) -> str:
    """Return the ledger id of a selected person. Raises ``Refusal`` ``delivery.not_selected``."""
    rows = session.exec(
        select(Selection.person_id).where(
            col(Selection.project_id) == project, (col(Selection.id) == code) | (col(Selection.person_id) == code)
        )
    ).all()
    if not rows:
        raise Refusal("delivery.not_selected", rule="SYS-SELECTED-ONLY", facts={"person": code})
    return rows[0]


def _plan(session: Session, project: str, person: str) -> tuple[dict[str, int | None], dict[tuple[str, str], date]]:
    rows = session.exec(
        select(PlanItem)
        .where(col(PlanItem.project_id) == project, col(PlanItem.person_id) == person)
        .order_by(col(PlanItem.version).desc())
    ).all()
    minutes: dict[str, int | None] = {}
    for row in rows:
        minutes.setdefault(row.item, row.minutes_month)
    return minutes, {(row.contract_id, row.item): row.from_on for row in rows}


def _records(session: Session, project: str, person: str) -> list[ServiceRecord]:
    statement = select(ServiceRecord).where(
        col(ServiceRecord.project_id) == project, col(ServiceRecord.person_id) == person, is_newest()
    )
    return list(session.exec(statement.order_by(col(ServiceRecord.served_on), col(ServiceRecord.starts_at))).all())


def _record(
    reader: Reader,
    row: ServiceRecord,
    begins: dict[tuple[str, str], date],
    names: Mapping[str, str],
    staff: Mapping[tuple[str, str], DeliveryStaff],
) -> FileRecord:
    member = staff.get((row.contract_id, row.staff_ref))
    first = begins.get((row.contract_id, row.item))
    return FileRecord(
        on=row.served_on,
        start=row.starts_at,
        end=row.ends_at,
        minutes=row.minutes,
        item=names.get(row.item, row.item),
        staff=row.staff_ref,
        qualified=None
        if member is None
        else member.qualified and row.served_on <= (member.certificate_until or date.max),
        place=redacted(reader.vault.open(row.place_sealed)),
        result=redacted(reader.vault.open(row.result_sealed)),
        satisfied=row.satisfied,
        signed_by=row.signed_by,
        off_plan=bool(begins) and (first is None or row.served_on < first),
        corrected=row.revision > 0,
        recorded_on=row.recorded_on,
    )


def _staff(session: Session, project: str) -> dict[tuple[str, str], DeliveryStaff]:
    of_project = select(Contract.id).where(col(Contract.project_id) == project)
    rows = session.exec(select(DeliveryStaff).where(col(DeliveryStaff.contract_id).in_(of_project))).all()
    return {(row.contract_id, row.ref): row for row in rows}


def _answers(session: Session, person: str) -> list[FollowUpAnswer]:
    statement = select(FollowUpAnswer).where(col(FollowUpAnswer.person_id) == person)
    return list(session.exec(statement.order_by(col(FollowUpAnswer.answered_on))).all())


def _answer(reader: Reader, row: FollowUpAnswer) -> FileAnswer:
    words = redacted(reader.vault.open(row.words_sealed)) if row.words_sealed else ""
    return FileAnswer(on=row.answered_on, answer=row.answer, method=row.method, words=words)


@query("delivery.work_ledger", roles=LEDGER_READERS, clause="FZ-56")
def work_ledger(
    reader: Reader,
    *,
    project: Annotated[str, Field(description="项目编号")],
    limit: Annotated[int, Field(ge=1, le=1000, description="行数")] = 100,
    offset: Annotated[int, Field(ge=0, description="起始行")] = 0,
) -> WorkLedger:
    """Return the work ledger of a project, made from the service files: totals, and a line a person (FZ-56)."""
    session = reader.session
    project_of(session, project)
    of_project = (col(ServiceRecord.project_id) == project, is_newest())
    served, records, minutes = session.exec(
        select(
            func.count(distinct(col(ServiceRecord.person_id))),
            func.count(),
            func.coalesce(func.sum(col(ServiceRecord.minutes)), 0),
        ).where(*of_project)
    ).one()
    lines = session.execute(
        select(  # type: ignore[call-overload]
            ServiceRecord.person_id,
            func.count().label("records"),
            func.sum(ServiceRecord.minutes).label("minutes"),
            func.count(distinct(col(ServiceRecord.item))).label("items"),
            func.min(ServiceRecord.served_on).label("first_on"),
            func.max(ServiceRecord.served_on).label("last_on"),
            func.count().filter(col(ServiceRecord.satisfied).is_(True)).label("satisfied"),
            func.count().filter(col(ServiceRecord.satisfied).is_(False)).label("unsatisfied"),
        )
        .where(*of_project)
        .group_by(col(ServiceRecord.person_id))
        .order_by(col(ServiceRecord.person_id))
        .limit(limit)
        .offset(offset)
    ).all()
    selected = session.exec(
        select(func.count()).select_from(Selection).where(col(Selection.project_id) == project)
    ).one()
    return WorkLedger(
        project=project,
        selected=selected,
        served=served,
        records=records,
        minutes=minutes,
        lines=tuple(
            LedgerLine(person=one[0], **{k: v for k, v in one._mapping.items() if k != "person_id"}) for one in lines
        ),
    )
