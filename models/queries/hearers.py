"""Whose business a work item is: the units it belongs to, the bodies of its project, the persons named in it.

Read when alerts are told (``commands.alerts``); who of them is registered is the rules' to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Final

from sqlmodel import Session, col, select

from models.core.actors import Role
from models.queries.units import units_on
from models.rules.alerts import OWN_ONLY, Subject
from models.rules.units import Unit
from models.tables.contract import Contract
from models.tables.kernel import WorkItem
from models.tables.library import Placement
from models.tables.procurement import Organisation, Procurement
from models.tables.review import Expert, ReviewSeat
from models.tables.ticket import Ticket

_BODY_OF: Final = {
    Role.CONTRACTOR.value: Role.CONTRACTOR,
    Role.PURCHASER.value: Role.PURCHASER,
    Role.TENDER_AGENCY.value: Role.PURCHASER,
}
"""Role of an item → the bodies of its project that must act, or see it done."""

_CHUNK = 500  # ids a statement, below every database's limit of parameters


def subjects_of(session: Session, items: Iterable[WorkItem], *, root: Unit, on: date) -> dict[str, Subject]:
    """Return work item → whose business it is: its role, the units from its own up to the region, accounts named.

    In roles of many bodies only the body or person named must act; the units up to the region are those who supervise.
    """
    known = {item.id: item for item in items}
    places, bodies, accounts = (defaultdict[str, set[str]](set) for _ in range(3))
    parents = {code: unit.parent for code, unit in units_on(session, root=root, on=on).items()}
    _places(session, known.values(), places)
    _bodies(session, known.values(), bodies)
    _persons(session, known.values(), accounts)
    found = {}
    for name, item in known.items():
        here = frozenset(code for unit in places[name] for code in _upwards(unit, parents)) | {root.code}
        found[name] = Subject(
            role=item.role,
            units=_acting(item, bodies[name]) if item.role in OWN_ONLY else here,
            accounts=frozenset(accounts[name]),
            above=here | bodies[name],
        )
    return found


def _acting(item: WorkItem, bodies: set[str]) -> frozenset[str]:
    """Return the bodies that must act: an agency acts for the purchaser, and is not it."""
    return frozenset() if item.role == Role.TENDER_AGENCY else frozenset(bodies)


def _upwards(unit: str, above: dict[str, str | None]) -> Iterable[str]:
    code: str | None = unit
    while code is not None:
        yield code
        code = above.get(code)


def _places(session: Session, items: Iterable[WorkItem], units: defaultdict[str, set[str]]) -> None:
    """Add the unit a duty is owed by, and that in which a project stands."""
    by_project = defaultdict[str, list[str]](list)
    for item in items:
        if item.subject_kind == "duty":
            units[item.id].update(item.subject_id.split("/")[1:2])
        elif item.project_id is not None:
            by_project[item.project_id].append(item.id)
    for chunk in chunks(by_project):
        statement = select(Placement.project_id, Placement.unit_code)
        rows = session.exec(statement.where(col(Placement.project_id).in_(chunk), col(Placement.until_on).is_(None)))
        for project, unit in rows:
            for name in by_project[project]:
                units[name].add(unit)


def _bodies(session: Session, items: Iterable[WorkItem], units: defaultdict[str, set[str]]) -> None:
    """Add the contractors of a project to the items of their role, its purchasers to theirs and to the agencies'."""
    by_project = {role: defaultdict[str, list[WorkItem]](list) for role in (Role.CONTRACTOR, Role.PURCHASER)}
    for item in items:
        role = _BODY_OF.get(item.role)
        if item.project_id is not None and role is not None:
            by_project[role][item.project_id].append(item)
    for chunk in chunks(by_project[Role.CONTRACTOR]):
        contractors = (
            select(Contract.project_id, Contract.id, Contract.state, Organisation.uscc)
            .join(Organisation, col(Organisation.id) == col(Contract.organisation_id))
            .where(col(Contract.project_id).in_(chunk), col(Organisation.uscc).is_not(None))
        )
        for project, contract, state, code in session.exec(contractors):
            for item in by_project[Role.CONTRACTOR][project]:
                if _concerns(item, contract=contract, terminated=state == "terminated"):
                    units[item.id].add(str(code))
    for chunk in chunks(by_project[Role.PURCHASER]):
        purchasers = select(Procurement.project_id, Procurement.purchaser)
        for project, body in session.exec(purchasers.where(col(Procurement.project_id).in_(chunk))):
            for item in by_project[Role.PURCHASER][project]:
                units[item.id].add(body)


def _concerns(item: WorkItem, *, contract: str, terminated: bool) -> bool:
    """Say whether a contractor's item is the business of who holds a contract: a project's is of those who stayed."""
    if item.subject_kind == "contract":
        return item.subject_id == contract
    return not (terminated and item.subject_kind == "project")


def _persons(session: Session, items: Iterable[WorkItem], accounts: defaultdict[str, set[str]]) -> None:
    """Add the expert of a review seat, and owner and second of a ticket."""
    seats = {item.subject_id: item.id for item in items if item.subject_kind == "review_seat"}
    tickets = {item.subject_id: item.id for item in items if item.subject_kind == "ticket"}
    for chunk in chunks(seats):
        seated = (
            select(ReviewSeat.id, Expert.id, Expert.account)
            .join(Expert, col(Expert.id) == col(ReviewSeat.expert_id))
            .where(col(ReviewSeat.id).in_(chunk))
        )
        for seat, expert, account in session.exec(seated):
            accounts[seats[seat]].update({expert, account or expert})
    for chunk in chunks(tickets):
        owned = select(Ticket.id, Ticket.owner, Ticket.backup).where(col(Ticket.id).in_(chunk))
        for ticket, owner, backup in session.exec(owned):
            accounts[tickets[ticket]].update({owner, backup or owner})


def chunks(names: Iterable[str]) -> Iterable[list[str]]:
    """Return the names in sorted portions a statement can take."""
    ordered = sorted(names)
    return (ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK))
