"""Reads of who answers for each recipient (ZY-28): a team, the street office meanwhile, another unit, or nobody.

Read by the commands that end contracts and projects, by ``lifecycle audit verify`` and by every test of the invariant
that no recipient is ever without an owner. People are ids only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Select, literal
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from models.core.registry import query
from models.queries.delivery import AUDITORS
from models.queries.project import EVERYONE_INSIDE
from models.queries.reader import Reader, project_of
from models.rules.succession import ALIVE, ENDED, GONE, INTERIM, REFERRED, SERVING, TEAM, has_owner
from models.tables.contract import Contract
from models.tables.delivery import CasePlan, RecipientOwner, ServiceRecord
from models.tables.kernel import Project, WorkItem
from models.tables.needs import Selection

INTERIM_CARE: Final = "delivery.interim_care"
"""The task of the street office to look after those whose team is gone, until the last of them has another."""

_COMPLETE: Final = ("completed", "self_checked", "accepted", "not_accepted", "evaluated", "audited", "archived")
Key = tuple[str, str]


class Owners(BaseModel):
    """Who answers for a project's recipients: how many a team (by contract), the street office, other units, nobody.

    ``gone`` are no recipients any more (died, moved away, declined). ``due_on`` is by when those in interim care must
    have a team.
    """

    model_config = ConfigDict(frozen=True)

    project: str
    recipients: int
    teams: dict[str, int]
    interim: int
    due_on: date | None
    referred: int
    gone: int
    without: int


class OwnersCheck(BaseModel):
    """Whether every recipient of every project has an owner; ``without`` is how many have none, by project."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    recipients: int
    without: dict[str, int]


def recipients_without_owner(session: Session, as_of: date, *, project: str | None = None) -> dict[str, frozenset[str]]:
    """Return project → the people it serves, planned for or chose that nobody answers for; no key when all have an
    owner.

    As things stand in the session; owners recorded for a day after ``as_of`` do not count yet. A project whose services
    are complete owes nobody any more.
    """
    ties, newest = _ties(session, project), _newest(session, as_of, project)
    alive, cared = _alive(session, project), _cared_for(session)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for (of, person), contracts in ties.items():
        row = newest.get((of, person))
        teams = _teams(of, contracts, row, alive)
        kind = row.kind if row else None
        if not has_owner(kind=kind, teams=teams, alive=alive, cared_for=of in cared):
            found[of].add(person)
    return {of: frozenset(people) for of, people in found.items()}


def not_referred(session: Session, project: str, as_of: date) -> frozenset[str]:
    """Return the recipients of a project who would be nobody's if it ended: all whom no other unit took whole, and who
    still want to be served."""
    newest = _newest(session, as_of, project)
    settled = {person for (_, person), row in newest.items() if row.kind in (REFERRED, GONE)}
    return recipients(session, project) - settled


def recipients(session: Session, project: str) -> frozenset[str]:
    """Return everybody a project serves, planned for or, once begun, selected."""
    return frozenset(person for _, person in _ties(session, project))


def waiting(session: Session, project: str, as_of: date) -> dict[str, RecipientOwner]:
    """Return person → the record of their interim care, of a project's recipients who wait for a team."""
    return {person: row for (_, person), row in _newest(session, as_of, project).items() if row.kind == INTERIM}


def ordinals(session: Session, project: str) -> Counter[str]:
    """Return person → how many owners are on record for them in a project."""
    rows = select(RecipientOwner.person_id).where(col(RecipientOwner.project_id) == project)
    return Counter(session.exec(rows).all())


@query("delivery.owners", roles=EVERYONE_INSIDE, clause="ZY-28")
def owners(reader: Reader, *, project: str) -> Owners:
    """Return who answers for the recipients of a project, counted."""
    session, on = reader.session, reader.as_of
    project_of(session, project)
    ties, newest, alive = _ties(session, project), _newest(session, on, project), _alive(session, project)
    teams: Counter[str] = Counter()
    for key, contracts in ties.items():
        row = newest.get(key)
        if row is None or row.kind == TEAM:
            running = sorted(_teams(project, contracts, row, alive) & alive.keys())
            teams.update(running[:1])
    kinds = Counter(row.kind for row in newest.values())
    item = _care(session, project)
    return Owners(
        project=project,
        recipients=len(ties),
        teams=dict(sorted(teams.items())),
        interim=kinds[INTERIM],
        due_on=item.due_on if item else None,
        referred=kinds[REFERRED],
        gone=kinds[GONE],
        without=len(recipients_without_owner(session, on, project=project).get(project, ())),
    )


@query("delivery.verify_owners", roles=AUDITORS, clause="ZY-28")
def verify_owners(reader: Reader) -> OwnersCheck:
    """Say whether no recipient is without an owner, person by person, in every project that serves or ended early."""
    left = recipients_without_owner(reader.session, reader.as_of)
    recipients = len(_ties(reader.session, None))
    return OwnersCheck(ok=not left, recipients=recipients, without={of: len(left[of]) for of in sorted(left)})


def _teams(project: str, contracts: Iterable[str], row: RecipientOwner | None, alive: dict[str, str]) -> set[str]:
    """Return the contracts that answer for a person; one nobody planned for yet is any running contract's."""
    teams = set(contracts)
    if row is not None and row.kind == TEAM and row.contract_id is not None:
        teams.add(row.contract_id)
    return teams or {contract for contract, of in alive.items() if of == project}


def _ties(session: Session, project: str | None) -> dict[Key, set[str]]:
    """Return (project, person) → the contracts that planned or served them; none for who was only selected."""
    found: defaultdict[Key, set[str]] = defaultdict(set)
    for statement in _tied():
        narrowed = statement if project is None else statement.where(col(Project.id) == project)
        for of, person, contract in session.execute(narrowed).all():
            found[of, person].update(() if contract is None else (contract,))
    return found


def _tied() -> tuple[Select[Any, Any, Any], ...]:
    begun, unfinished = col(Project.state).in_((*SERVING, *ENDED)), col(Project.state).not_in(_COMPLETE)
    chosen = columns(col(Selection.project_id), col(Selection.person_id), literal(None))
    planned = columns(col(CasePlan.project_id), col(CasePlan.person_id), col(CasePlan.contract_id))
    served = columns(col(ServiceRecord.project_id), col(ServiceRecord.person_id), col(ServiceRecord.contract_id))
    return (
        chosen.join(Project, col(Project.id) == col(Selection.project_id)).where(begun),
        planned.join(Project, col(Project.id) == col(CasePlan.project_id)).where(unfinished),
        served.join(Project, col(Project.id) == col(ServiceRecord.project_id)).where(unfinished).distinct(),
    )


def _newest(session: Session, as_of: date, project: str | None) -> dict[Key, RecipientOwner]:
    statement = select(RecipientOwner).where(col(RecipientOwner.since) <= as_of).order_by(col(RecipientOwner.ordinal))
    if project is not None:
        statement = statement.where(col(RecipientOwner.project_id) == project)
    return {(row.project_id, row.person_id): row for row in session.exec(statement).all()}


def _alive(session: Session, project: str | None) -> dict[str, str]:
    statement = select(Contract.id, Contract.project_id).where(col(Contract.state).in_(ALIVE))
    if project is not None:
        statement = statement.where(col(Contract.project_id) == project)
    return dict(session.exec(statement).all())


def _cared_for(session: Session) -> frozenset[str]:
    rows = select(WorkItem.subject_id).where(col(WorkItem.kind) == INTERIM_CARE, col(WorkItem.status) == "open")
    return frozenset(session.exec(rows).all())


def _care(session: Session, project: str) -> WorkItem | None:
    return session.exec(
        select(WorkItem).where(
            col(WorkItem.kind) == INTERIM_CARE, col(WorkItem.subject_id) == project, col(WorkItem.status) == "open"
        )
    ).one_or_none()
