"""Commands of delivery (S12): start, case plans, service records in bulk, completion.

What a service record says in words is sealed before it reaches the table; its event holds counts and one digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import islice
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, insert
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from models.commands import confirmation, decision_records, events, midterm, service_files, succession, transition
from models.commands.contract_watch import ended
from models.commands.delivery_staff import staff_of
from models.commands.handover import selected
from models.commands.ledger import committed_ever
from models.commands.monthly_checks import owe_recheck
from models.commands.service_files import ServiceRow
from models.commands.service_plan import case_plan, plan_of
from models.context import Context
from models.core.actors import Role
from models.core.errors import Refusal
from models.core.periods import Period
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries import delivery as reads
from models.queries.midterm import deferrals
from models.queries.reader import found, project_of
from models.queries.succession import waiting
from models.rules import delivery as rules
from models.rules import lifecycle
from models.rules.delivery import Assignment, Service, Slot, SlotKey
from models.rules.lifecycle import Thing
from models.rules.midterm import check_served_before
from models.rules.succession import ALIVE, check_all_taken
from models.tables.contract import Contract
from models.tables.delivery import CasePlan, ServiceRecord
from models.tables.funding import PlanLine
from models.tables.kernel import Project
from models.tables.needs import Person, Selection

STAGE: Final = "delivery"
_RECORDED: Final = ("running", "ended", "terminated")
_UNCONCLUDED: Final = ("in_progress", "deferred", "completed", "stopped", "converted", "referred")
_DOERS: Final = (Role.CONTRACTOR, Role.PURCHASER)
_MANAGERS: Final = (*_DOERS, Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.EVALUATION_OFFICE)
_CHUNK: Final = 2_000
_COUNTED: Final = {"served", "target", "minutes"}


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class Moved(_Result):
    """Where the contract and its project stand now; ``id`` is the contract."""

    id: str
    contract: str
    project: str


class CasesPlanned(_Result):
    """How many case plans were made now, and how many the contract has; ``id`` is the contract."""

    id: str
    planned: int
    cases: int


class ServicesRecorded(_Result):
    """One batch: records, distinct persons in it, minutes, corrections among them, and its digest.

    ``off_plan`` are the rows (from 1) that no plan item names (ZY-25), ``unsigned`` how many nobody confirmed.
    """

    id: str
    records: int
    persons: int
    minutes: int
    corrections: int
    digest: str
    off_plan: tuple[int, ...] = ()
    unsigned: int = 0


@command("delivery.start", roles=_MANAGERS, clause="ZY-25")
def start(ctx: Context, *, contract: str) -> Moved:
    """Start a signed contract and with it the planned project; a further contract of a running project starts alone.

    Raises ``Refusal`` ``delivery.no_plan_line`` and ``decision.formalities_open`` (ZY-76), ``delivery.prefinanced``
    (ZY-93), ``lifecycle.not_in_state``.
    """
    with ctx.writing() as session:
        row = _contract(session, contract)
        project = project_of(session, row.project_id)
        lifecycle.check_in_state(thing=Thing.CONTRACT, command=ctx.command, state=row.state)
        states = session.exec(select(PlanLine.state).where(col(PlanLine.project_id) == project.id)).all()
        rules.check_start(line_states=tuple(states), policy=ctx.policy(region=project.region))
        rules.check_funded(committed=committed_ever(session, row), policy=ctx.policy(region=project.region))
        decision_records.check_formalities_complete(session, ctx, project)
        transition.apply(session, ctx, row, payload={"term": [row.starts_on.isoformat(), row.ends_on.isoformat()]})
        if project.state != "in_progress":
            transition.apply(session, ctx, project, payload={"contract_id": row.id})
        return _moved(row, project)


@command("delivery.complete", roles=_MANAGERS, clause="BJ-46")
def complete(
    ctx: Context,
    *,
    contract: str,
    continues: Annotated[bool, Field(description="项目未完,另签合同接续")] = False,
) -> Moved:
    """End a running contract; the last one completes the project, unless it ``continues`` under a contract to come.

    Where none came, or the other contracts were terminated, an ended one named again completes the project.
    Then those it served are in interim care until a team takes over. Raises ``delivery.cases_unplanned`` (HS-07),
    ``delivery.people_waiting`` (ZY-28).
    """
    with ctx.writing() as session:
        row = _contract(session, contract)
        project = project_of(session, row.project_id)
        counts = reads.progress(ctx.reader(session), project=project.id).model_dump(include=_COUNTED)
        alive = reads.contracts_in(session, project=project.id, states=ALIVE)
        if alive or continues or row.state != "ended" or project.state != "in_progress":
            transition.apply(session, ctx, row, payload=counts)
            ended(session, ctx, row)
        lacking = reads.unplanned(session, project=project.id)
        policy = ctx.policy(region=project.region)
        rules.check_cases_planned(unplanned=lacking, policy=policy)
        if continues or reads.contracts_in(session, project=project.id, states=ALIVE):
            succession.seek(session, ctx, row, policy)
        else:
            check_all_taken(waiting=len(waiting(session, project.id, ctx.as_of)), policy=policy)
            midterm.over(session, ctx, project.id)
            transition.apply(session, ctx, project, payload={"contract_id": row.id, **counts})
        return _moved(row, project)


def _contract(session: Session, contract: str) -> Contract:
    return found(session.get(Contract, contract), kind="contract", id=contract)


def _moved(row: Contract, project: Project) -> Moved:
    return Moved(id=row.id, contract=f"contract.{row.state}", project=f"project.{project.state}")


def _record(session: Session, ctx: Context, project: str, type_: str, payload: dict[str, Any]) -> str:
    event = events.on_project(session, ctx, project, type_, payload)
    return event.event_id


@command("delivery.plan_cases", roles=_DOERS, clause="HS-07")
def plan_cases(ctx: Context, *, contract: str) -> CasesPlanned:
    """Make one case plan for every selected person who has none under this contract, from the person's assessment.

    Raises ``Refusal`` ``delivery.no_selection`` (HS-05), ``lifecycle.not_in_state``.
    """
    with ctx.writing() as session:
        row = _contract(session, contract)
        lifecycle.check_state_in(thing=Thing.CONTRACT, command=ctx.command, state=row.state, allowed=ALIVE)
        selected = session.exec(
            select(Selection, Person)
            .join(Person, col(Person.id) == col(Selection.person_id))
            .where(col(Selection.project_id) == row.project_id)
            .order_by(col(Selection.stratum), col(Selection.ordinal))
        ).all()
        if not selected:
            raise Refusal("delivery.no_selection", rule="SYS-SELECTED-ONLY")
        planned = set(session.exec(select(CasePlan.person_id).where(col(CasePlan.contract_id) == contract)).all())
        fresh = [
            case_plan(ctx, row, person, before=None, stratum=choice.stratum)
            for choice, person in selected
            if person.id not in planned
        ]
        session.add_all(fresh)
        cases = len(planned) + len(fresh)
        if fresh:
            payload = {"contract_id": contract, "planned": len(fresh), "cases": cases}
            _record(session, ctx, row.project_id, "delivery.cases_planned", payload)
        return CasesPlanned(id=contract, planned=len(fresh), cases=cases)


@command("delivery.record_services", roles=_DOERS, clause="HS-10")
def record_services(
    ctx: Context,
    *,
    contract: str,
    records: Annotated[tuple[ServiceRow, ...], Field(description="服务记录")] = (),
    file: Annotated[Upload | None, Field(description="服务记录文件")] = None,
) -> ServicesRecorded:
    """Record services in bulk, all rows or none; what is recorded is never edited, a correction stands beside it.

    Raises ``Refusal`` ``delivery.one_source``, ``delivery.rows_malformed``, ``delivery.records_refused`` with every
    faulty row, ``delivery.records_closed``, ``midterm.served_while_deferred`` (ZY-104); ``DataFault``
    ``delivery.file_unreadable``.
    """
    if bool(records) == (file is not None):
        raise Refusal("delivery.one_source", rule="SYS-ARGUMENTS")
    rows = service_files.read(ctx, file=file, contract=contract) if file is not None else records
    with ctx.reading() as session:
        row, policy = _recordable(session, ctx, contract)
        check_served_before(
            days=[one.on for one in rows],
            deferrals=deferrals(session, project=row.project_id).get(row.project_id, ()),
            policy=policy,
        )
        persons = selected(session, row.project_id)
        assignment = _assignment(session, ctx, row, rows)
    _check(rows, persons=persons, assignment=assignment, policy=policy)
    clear = [_clear(item, persons=persons, slots=assignment.slots) for item in rows]
    served = [(item["person_id"], item["item"], item["served_on"]) for item in clear]
    confirmation.check_before_service(ctx, policy=policy, served=served)
    with ctx.writing() as session:
        row, _ = _recordable(session, ctx, contract)
        counts = {
            "records": len(clear),
            "persons": len({item["person_id"] for item in clear}),
            "minutes": sum(item["minutes"] for item in clear),
            "corrections": sum(item["revision"] > 0 for item in clear),
            "digest": rules.records_digest(clear),
        }
        flags = _flags(session, contract, clear, policy)
        payload = {"contract_id": contract, **counts, **flags, "off_plan": len(flags["off_plan"])}
        batch = _record(session, ctx, row.project_id, reads.RECORDED, payload)
        _insert(session, ctx, row, batch, clear)
        owe_recheck(session, ctx, days=[item["served_on"] for item in clear], policy=policy)
        return ServicesRecorded(id=batch, **counts, **flags)


def _recordable(session: Session, ctx: Context, contract: str) -> tuple[Contract, Policy]:
    """Return a contract whose services may be recorded: it runs, or was over a short while ago."""
    row = _contract(session, contract)
    over_on = reads.over_on(session, row)
    allowed = _RECORDED if over_on is None or over_on >= row.starts_on else _RECORDED[:1]
    lifecycle.check_state_in(thing=Thing.CONTRACT, command=ctx.command, state=row.state, allowed=allowed)
    project = project_of(session, row.project_id)
    policy = ctx.policy(region=project.region)
    if over_on is not None:
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=project.state, allowed=_UNCONCLUDED)
        rules.check_still_open(over_on=over_on, recorded_on=ctx.as_of, policy=policy)
    return row, policy


def _flags(session: Session, contract: str, clear: list[dict[str, Any]], policy: Policy) -> dict[str, Any]:
    """Return what is kept but told: rows off the plan (counted from 1), and how many nobody signed for."""
    served = [(item["person_id"], item["item"], item["served_on"]) for item in clear]
    places = rules.off_plan(services=served, plan=plan_of(session, contract))
    asked = "recipient_sign" in policy.delivery.record_fields
    return {
        "off_plan": tuple(place + 1 for place in places),
        "unsigned": sum(asked and not item["signed_by"] and item["minutes"] > 0 for item in clear),
    }


def _assignment(session: Session, ctx: Context, row: Contract, rows: tuple[ServiceRow, ...]) -> Assignment:
    days = [item.on for item in rows]
    on_file = session.execute(
        columns(
            col(ServiceRecord.person_id),
            col(ServiceRecord.served_on),
            col(ServiceRecord.starts_at),
            func.max(ServiceRecord.revision),
            func.min(ServiceRecord.recorded_on),
        )
        .where(col(ServiceRecord.contract_id) == row.id, col(ServiceRecord.served_on).between(min(days), max(days)))
        .group_by(col(ServiceRecord.person_id), col(ServiceRecord.served_on), col(ServiceRecord.starts_at))
    ).all()
    slots: dict[SlotKey, Slot] = {
        (person, on, start): Slot(revision, first) for person, on, start, revision, first in on_file
    }
    over_on = reads.over_on(session, row)
    last_day = min(row.ends_on - timedelta(days=1), over_on or date.max)
    return Assignment(
        term=Period.through(row.starts_on, last_day),
        staff={member.ref: member.qualified for member in staff_of(session, row.id)},
        slots=slots,
        recorded_on=ctx.as_of,
    )


def _check(rows: tuple[ServiceRow, ...], *, persons: dict[str, str], assignment: Assignment, policy: Policy) -> None:
    services = tuple(
        Service(
            person=persons.get(item.person),
            on=item.on,
            start=item.start,
            end=item.end,
            item=item.item,
            staff=item.staff,
            corrects=bool(item.correction),
        )
        for item in rows
    )
    rules.check_services(services=services, assignment=assignment, policy=policy)


def _clear(item: ServiceRow, *, persons: dict[str, str], slots: Mapping[SlotKey, Slot]) -> dict[str, Any]:
    person = persons[item.person]
    slot = slots.get((person, item.on, item.start))
    return {
        "person_id": person,
        "served_on": item.on,
        "starts_at": item.start,
        "ends_at": item.end,
        "minutes": rules.minutes_between(start=item.start, end=item.end, corrects=bool(item.correction)),
        "item": item.item,
        "staff_ref": item.staff,
        "place": item.place,
        "result": item.result,
        "satisfied": item.satisfied,
        "revision": slot.revision + 1 if slot else 0,
        "correction": item.correction or None,
        "signed_by": item.signed,
    }


def _insert(session: Session, ctx: Context, row: Contract, batch: str, clear: list[dict[str, Any]]) -> None:
    seal = ctx.services.vault.seal
    sealed = (
        {
            **{name: value for name, value in item.items() if name not in ("place", "result")},
            "id": reads.record_id(batch=batch, ordinal=ordinal),
            "project_id": row.project_id,
            "contract_id": row.id,
            "place_sealed": seal(item["place"]),
            "result_sealed": seal(item["result"]),
            "recorded_on": ctx.as_of,
            "batch_id": batch,
            "ordinal": ordinal,
        }
        for ordinal, item in enumerate(clear)
    )
    while chunk := list(islice(sealed, _CHUNK)):
        session.execute(insert(ServiceRecord), chunk)
