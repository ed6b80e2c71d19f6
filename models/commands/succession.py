"""Who serves on when a team is gone (ZY-28): the street office at once, by name, until the next team takes over.

Called in their transaction by the commands that end and sign contracts and refer people; ``delivery.take_over`` is the
next team's own word. Every owner is a row for one person; nothing here asks a person's name but to print the sheet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events, project_papers, work
from models.commands.ledger import locked
from models.commands.service_plan import case_plan
from models.context import Context
from models.core.actors import Role
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.bodies import acting_body
from models.queries.delivery import contracts_in
from models.queries.ledger import balance, paid
from models.queries.papers import facts, head
from models.queries.reader import project_of
from models.queries.succession import INTERIM_CARE, ordinals, recipients_without_owner, waiting
from models.rules import succession as rules
from models.rules.funding import Account
from models.rules.masking import masked
from models.rules.succession import ALIVE, GONE, INTERIM, REFERRED, TEAM
from models.tables.contract import Contract
from models.tables.delivery import CasePlan, DeliveryReferral, PlanItem, RecipientOwner
from models.tables.kernel import Project
from models.tables.needs import Person, Selection, SelectionRound
from models.tables.procurement import Organisation

SUCCESSOR: Final = "contract.successor"
_STAGE: Final = "delivery"
_RUNNING: Final = ("running",)
_RESOLVED_BY: Final = {INTERIM_CARE: "delivery.take_over", SUCCESSOR: "procurement.plan"}


class TakenOver(BaseModel):
    """The contract whose team takes over: how many people and services, how many still wait, and the sheet."""

    model_config = ConfigDict(frozen=True)

    id: str
    persons: int
    services: int
    waiting: int
    document: str


def seek(session: Session, ctx: Context, row: Contract, policy: Policy) -> None:
    """Give everybody whom the end of a contract leaves alone to their street office, and make a successor due."""
    project = row.project_id
    if not policy.delivery.no_recipient_left:
        return
    left = recipients_without_owner(session, ctx.as_of, project=project).get(project, frozenset())
    if left:
        streets = dict(session.exec(select(Person.id, Person.street).where(col(Person.id).in_(left))).all())
        _own(session, ctx, project, left, kind=INTERIM, units=streets, contract=row.id)
        payload = {"contract_id": row.id, "persons": len(left)}
        events.on_project(session, ctx, project, "delivery.in_interim_care", payload)
        _make_due(session, ctx, project, policy, INTERIM_CARE, Role.TOWNSHIP)
    if waiting(session, project, ctx.as_of) and not contracts_in(session, project=project, states=ALIVE):
        _make_due(session, ctx, project, policy, SUCCESSOR, Role.PURCHASER)


def _make_due(session: Session, ctx: Context, project: str, policy: Policy, kind: str, role: Role) -> None:
    due = ctx.services.calendar.add_working_days(ctx.as_of, days=policy.delivery.referral_working_days)
    item = work.open_item(
        session,
        ctx,
        kind=kind,
        role=role,
        subject_kind="project",
        subject_id=project,
        project_id=project,
        due_on=due.date,
        clause=policy.clause("delivery.no_recipient_left"),
        resolves_with=_RESOLVED_BY[kind],
        provisional=due.provisional,
    )
    if item.status != "open":
        work.move_item(session, ctx, kind=kind, subject_id=project, due_on=due.date, provisional=due.provisional)
    item.note = str(len(waiting(session, project, ctx.as_of)))
    session.add(item)


def found(session: Session, ctx: Context, *, project: str) -> None:
    """Close the search for a successor: a contract was signed, or the project ended."""
    work.close_item(session, ctx, kind=SUCCESSOR, subject_id=project)


def refer(session: Session, ctx: Context, referral: DeliveryReferral) -> None:
    """Record that another unit answers from today on for everybody a referral names."""
    units = dict.fromkeys(referral.person_ids, referral.to_unit)
    _own(session, ctx, referral.project_id, referral.person_ids, kind=REFERRED, units=units, referral=referral.id)
    _close_care(session, ctx, referral.project_id)


def let_go(session: Session, ctx: Context, project: str, people: Collection[str], *, cause: str) -> None:
    """Record that people need or want nothing of a project any more; ``unit`` keeps the cause."""
    _own(session, ctx, project, people, kind=GONE, units=dict.fromkeys(people, cause))
    _close_care(session, ctx, project)


def join(session: Session, ctx: Context, contract: Contract, people: Collection[str], *, since: str) -> int:
    """Let the team of a contract answer for people, with the case plans and open services they had in project
    ``since``; return how many services that are."""
    names = dict(session.exec(select(Organisation.id, Organisation.name)).all())
    units = dict.fromkeys(people, names[contract.organisation_id])
    _own(session, ctx, contract.project_id, people, kind=TEAM, units=units, contract=contract.id)
    _close_care(session, ctx, contract.project_id)
    return _carry(session, ctx, contract, people, since=since)


def admit(session: Session, ctx: Context, contract: Contract, people: Collection[str], *, since: str) -> None:
    """Select people of project ``since`` for the project of a contract too, so that its team may serve them, and let it
    answer for them."""
    project = contract.project_id
    chosen = {row.person_id: row for row in _chosen(session, since)}
    there = _chosen(session, project)
    fresh = sorted(set(people) - {row.person_id for row in there})
    places = Counter(row.stratum for row in there)
    round_ = _round(session, ctx, project, since, fresh)
    for person in fresh:
        stratum = chosen[person].stratum if person in chosen else ""
        places[stratum] += 1
        session.add(
            Selection(
                id=ctx.new_id("sel", project, person),
                round_id=round_,
                project_id=project,
                person_id=person,
                stratum=stratum,
                ordinal=places[stratum],
            )
        )
    session.flush()
    join(session, ctx, contract, people, since=since)


def _chosen(session: Session, project: str) -> Sequence[Selection]:
    return session.exec(select(Selection).where(col(Selection.project_id) == project)).all()


def _round(session: Session, ctx: Context, project: str, since: str, people: Sequence[str]) -> str:
    """Return the id of the project's selection round; who never chose anybody gets a round that names its source."""
    rounds = {
        one.project_id: one
        for one in session.exec(
            select(SelectionRound).where(col(SelectionRound.project_id).in_((project, since)))
        ).all()
    }
    if project in rounds:
        return rounds[project].id
    policy = ctx.policy(region=project_of(session, project).region)
    surveys = session.exec(select(Person.survey_id).where(col(Person.id).in_(people)).order_by(col(Person.id))).all()
    row = SelectionRound(
        id=ctx.new_id("slr", project),
        project_id=project,
        survey_id=rounds[since].survey_id if since in rounds else surveys[0],
        seed=since,
        pool_digest=digest(list(people)),
        counts={},
        selected_on=ctx.as_of,
        policy_digest=policy.digest,
    )
    session.add(row)
    session.flush()
    return row.id


def _own(
    session: Session,
    ctx: Context,
    project: str,
    people: Collection[str],
    *,
    kind: str,
    units: Mapping[str, str],
    contract: str | None = None,
    referral: str | None = None,
) -> None:
    before = ordinals(session, project)
    session.add_all(
        RecipientOwner(
            id=ctx.new_id("own", project, person),
            project_id=project,
            person_id=person,
            ordinal=before[person] + 1,
            kind=kind,
            unit=units[person],
            contract_id=contract,
            referral_id=referral,
            since=ctx.as_of,
        )
        for person in sorted(people)
    )
    session.flush()


def _close_care(session: Session, ctx: Context, project: str) -> None:
    if not waiting(session, project, ctx.as_of):
        work.close_item(session, ctx, kind=INTERIM_CARE, subject_id=project)


def _carry(session: Session, ctx: Context, contract: Contract, people: Collection[str], *, since: str) -> int:
    """Plan for people under a contract what was planned for them before; what it plans already stands."""
    cases = _by_person(session.exec(select(CasePlan).where(col(CasePlan.project_id) == since)).all(), people)
    planned = set(session.exec(select(CasePlan.person_id).where(col(CasePlan.contract_id) == contract.id)).all())
    for person in session.exec(select(Person).where(col(Person.id).in_(people)).order_by(col(Person.id))).all():
        if person.id not in planned:
            session.add(case_plan(ctx, contract, person, before=max(cases[person.id], key=_age, default=None)))
    items = select(PlanItem).where(col(PlanItem.project_id) == since).order_by(col(PlanItem.planned_on))
    open_ = {(one.person_id, one.item): one for one in session.exec(items).all() if one.person_id in people}
    own = {key for key, one in open_.items() if one.contract_id == contract.id}
    for (person_id, item), one in sorted(open_.items()):
        if (person_id, item) not in own:
            session.add(_planned_again(ctx, contract, one))
    session.flush()
    return len(open_) or sum(len(max(rows, key=_age).services) for rows in cases.values() if rows)


def _planned_again(ctx: Context, contract: Contract, one: PlanItem) -> PlanItem:
    return PlanItem(
        id=ctx.new_id("pli", contract.id, one.person_id, one.item),
        project_id=contract.project_id,
        contract_id=contract.id,
        person_id=one.person_id,
        item=one.item,
        version=one.version + 1,  # the newest of a person and item counts, whichever contract it stands under
        minutes_month=one.minutes_month,
        from_on=max(ctx.as_of, contract.starts_on),
        basis=one.basis,
        planned_on=ctx.as_of,
    )


def _by_person(rows: Iterable[CasePlan], people: Collection[str]) -> defaultdict[str, list[CasePlan]]:
    found: defaultdict[str, list[CasePlan]] = defaultdict(list)
    for row in rows:
        if row.person_id in people:
            found[row.person_id].append(row)
    return found


def _age(row: CasePlan) -> tuple[Any, str]:
    return row.planned_on, row.id


@command("delivery.take_over", roles=(Role.CONTRACTOR, Role.PURCHASER, Role.TOWNSHIP), clause="ZY-28")
def take_over(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    contract: Annotated[str, Field(description="接续的合同编号;项目只有一份合同在履行的可以不填")] = "",
    persons: Annotated[tuple[str, ...], Field(description="接续的对象编号;不填为全部待接续对象")] = (),
) -> TakenOver:
    """Take over people whose team is gone, person by person, with their open services; the sheet (转介单) is filed.

    Raises ``Refusal`` ``delivery.no_team``, ``delivery.not_waiting``, ``delivery.nobody_waiting`` (ZY-28).
    """
    with ctx.reading() as session:
        row, people = _taking(session, ctx, project, contract, persons)
        printed_from = _view(session, ctx, row, people)
    printed = project_papers.printed(ctx, kind="handover_sheet", view=printed_from)
    with ctx.writing() as session:
        locked(session, Contract, row.id, kind="contract")  # a team that is being ended takes over nobody
        row, people = _taking(session, ctx, project, row.id, persons)
        services = join(session, ctx, row, people.keys(), since=row.project_id)
        document = project_papers.filed(session, ctx, project=row.project_id, stage=_STAGE, printed=printed)
        left = len(waiting(session, row.project_id, ctx.as_of))
        counts = {"persons": len(people), "services": services, "waiting": left}
        payload = {"contract_id": row.id, **counts, "document_id": document}
        events.on_project(session, ctx, row.project_id, "delivery.taken_over", payload)
        return TakenOver(id=row.id, document=document, **counts)


def _taking(
    session: Session, ctx: Context, project: str, contract: str, persons: Sequence[str]
) -> tuple[Contract, dict[str, RecipientOwner]]:
    """Return the contract and the interim records of those its team takes over."""
    policy = ctx.policy(region=project_of(session, project).region)
    running = session.exec(
        select(Contract).where(col(Contract.project_id) == project, col(Contract.state).in_(_RUNNING))
    ).all()
    rules.check_team(running=[one.id for one in running], named=contract, policy=policy)
    row = next(one for one in running if contract in ("", one.id))
    held = waiting(session, project, ctx.as_of)
    wanted = set(persons) or held.keys()
    rules.check_takeover(unknown=len(wanted - held.keys()), persons=len(wanted), policy=policy)
    return row, {person: held[person] for person in sorted(wanted)}


def _view(session: Session, ctx: Context, row: Contract, people: Mapping[str, RecipientOwner]) -> dict[str, Any]:
    """Return the sheet D20: from whom, to whom, why, who, with which services and what money."""
    project = project_of(session, row.project_id)
    policy = ctx.policy(region=project.region)
    sheet = project_papers.sheet(session, ctx, project, sources=())
    left = [session.get_one(Contract, one) for one in sorted({who.contract_id or "" for who in people.values()})]
    names = dict(session.exec(select(Organisation.id, Organisation.name)).all())
    spent = Money.total(paid(session, contract=one.id) for one in left)
    back = Money.total(balance(session, account=Account.RECOVERED, contract=one.id) for one in left)
    lines: list[tuple[str, object | None, str]] = [
        ("from", "、".join(names[one.organisation_id] for one in left), ""),
        ("to", names[row.organisation_id], ""),
        ("reason", "；".join(one.termination_reason or sentence("delivery.paper.term_over") for one in left), ""),
        ("persons", len(people), ""),
        ("paid", spent, ""),
        ("recovered", back, ""),
        ("committed", balance(session, account=Account.COMMITTED, contract=row.id), ""),
        ("taken_on", ctx.as_of, ""),
    ]
    return {
        **head(
            sheet=sheet,
            title="delivery.paper.handover_title",
            issuer=acting_body(session, role=ctx.actor.role, policy=policy, project=project.id),
        ),
        "facts": facts(sheet=sheet, stage=_STAGE, lines=lines),
        "body": [
            {"level": "h1", "text": sentence("delivery.paper.who")},
            *_listed(session, ctx, project, people, policy),
        ],
    }


def _listed(
    session: Session, ctx: Context, project: Project, people: Mapping[str, RecipientOwner], policy: Policy
) -> list[str]:
    """Return a line for each person: number, name as who serves may read it, who had them, services to be given."""
    styles, items = policy.publicity.mask_expert, policy.delivery.service_item_names
    cases = _by_person(session.exec(select(CasePlan).where(col(CasePlan.project_id) == project.id)).all(), people)
    lines = []
    for person in session.exec(select(Person).where(col(Person.id).in_(people)).order_by(col(Person.id))).all():
        planned = max(cases[person.id], key=_age).services if cases[person.id] else person.demands
        told = {
            "id": person.id,
            "name": masked(field="name", text=ctx.services.vault.open(person.name_sealed), styles=styles),
            "unit": people[person.id].unit,
            "services": "、".join(items.get(item, item) for item in planned) or "—",
        }
        lines.append(sentence("delivery.paper.person", told))
    return lines
