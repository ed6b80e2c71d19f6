"""Reads of matching (S01, S12): what a run starts from, its counts, outcomes, answers and gaps.

``needs_of`` and ``supply_of`` turn rows into the values of ``rules.matching``; ``commands.matching`` calls them too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Text, cast, func, or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.messages import sentence
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.needs import ASSESSORS
from models.queries.reader import Reader, found
from models.rules.confirmation import CONFIRMED, REFUSED
from models.rules.lists import GOVERNMENT_PAID
from models.rules.masking import masked
from models.rules.matching import SERVED, Need, Profile, Reason, Resource, Service, area_prefix, urgency
from models.tables.lists import ResourceRow, ServiceRow
from models.tables.matching import MatchAnswer, MatchOutcome, MatchRun, MaterialAid, ServiceGap
from models.tables.needs import Person

_AT_ONCE = 10_000


def services_of(rows: Iterable[ServiceRow]) -> list[Service]:
    """Return the rows of a service list as a match takes them; whose money it is decides which bans bind."""
    return [
        Service(
            id=row.id,
            item=row.item,
            targets=frozenset(row.targets),
            payer_class=row.payer_class,
            government_money=row.payer_class == GOVERNMENT_PAID or row.government_share,
            beyond_basic=row.beyond_basic,
            overlaps=frozenset(code for code, same in row.overlaps.items() if same),
        )
        for row in rows
    ]


def resources_of(rows: Iterable[ResourceRow], *, on: date) -> list[Resource]:
    """Return the rows of a resource list that are valid on a day as a match takes them."""
    return [
        Resource(
            id=row.id,
            items=frozenset(row.items),
            areas=tuple(area_prefix(area) for area in row.areas),
            capacity=row.capacity,
            source=row.source,
        )
        for row in rows
        if row.valid_from <= on <= row.valid_until
    ]


def needs_of(session: Session, *, survey: str, on: date, policy: Policy) -> list[Need]:
    """Return every need (person × demanded item) of a survey in the order of the ledger, with earlier answers."""
    held, refused = _answers(session, survey)
    aided = _aided(session, survey, on)
    columns: tuple[Any, ...] = (
        Person.id,
        Person.identity,
        Person.region_code,
        Person.willing,
        _text(Person.existing_benefits),
        _text(Person.own_ability),
        Person.max_level,
        Person.severe_count,
        Person.moderate_count,
        Person.registered_on,
        _text(Person.demands),
    )
    statement = select_columns(*columns).where(col(Person.survey_id) == survey).order_by(col(Person.ordinal))
    known: dict[Profile, Profile] = {}
    needs: list[Need] = []
    for row in session.execute(statement.execution_options(yield_per=_AT_ONCE)):
        person, identity, area, willing, benefits, able, top, severe, moderate, since, demands = row
        rank = urgency(max_level=top, severe=severe, moderate=moderate, days_waiting=(on - since).days, policy=policy)
        has, can = (*_codes(benefits), *aided.get(person, ())), _codes(able)
        for item in dict.fromkeys(_codes(demands)):
            profile = Profile(item, identity, area, willing, has, can, refused.get(person, ()))
            needs.append(Need(person, known.setdefault(profile, profile), rank, held.get((person, item))))
    return needs


def _text(column: Any) -> Any:
    return cast(column, Text)


@lru_cache(maxsize=4096)
def _codes(listed: str) -> tuple[str, ...]:
    """Return the codes of a stored list; a million people share some hundreds of lists."""
    return tuple(json.loads(listed))


_Held = dict[tuple[str, str], tuple[str, str, bool]]


def _answers(session: Session, survey: str) -> tuple[_Held, dict[str, tuple[str, ...]]]:
    """Return what people hold by confirmation, (person, item) → place, and what they refused."""
    statement = (
        select(MatchAnswer)
        .join(Person, col(Person.id) == col(MatchAnswer.person_id))
        .join(MatchOutcome, col(MatchOutcome.id) == col(MatchAnswer.outcome_id))
        .join(MatchRun, col(MatchRun.id) == col(MatchOutcome.run_id))
        .where(col(Person.survey_id) == survey)
        .order_by(col(MatchRun.ran_on), col(MatchRun.ordinal), col(MatchAnswer.ordinal))
    )
    held: _Held = {}
    later = {**_successors(session, ServiceRow), **_successors(session, ResourceRow)}
    refused: dict[str, dict[str, None]] = {}
    for answer in session.exec(statement):
        services = refused.setdefault(answer.person_id, {})
        services.pop(answer.service_id, None)
        held.pop((answer.person_id, answer.item), None)
        if answer.answer == CONFIRMED:
            service, resource = (_newest(later, row) for row in (answer.service_id, answer.resource_id))
            held[answer.person_id, answer.item] = (service, resource, service == answer.service_id)
        elif answer.answer == REFUSED:
            services[answer.service_id] = None
    return held, {person: tuple(sorted(services)) for person, services in refused.items()}


def _successors(session: Session, model: type[ServiceRow] | type[ResourceRow]) -> dict[str, str]:
    """Return row → the row that replaced it."""
    rows = session.exec(select(model.replaces_id, model.id).where(col(model.replaces_id).is_not(None))).all()
    return {old: new for old, new in rows if old is not None}


def _newest(later: Mapping[str, str], row: str) -> str:
    while row in later:
        row = later[row]
    return row


def _aided(session: Session, survey: str, on: date) -> dict[str, tuple[str, ...]]:
    """Return person → items had in kind on a day (ZY-07)."""
    statement = (
        select(MaterialAid.person_id, MaterialAid.item)
        .join(Person, col(Person.id) == col(MaterialAid.person_id))
        .where(
            col(Person.survey_id) == survey,
            col(MaterialAid.valid_from) <= on,
            or_(col(MaterialAid.valid_until).is_(None), col(MaterialAid.valid_until) >= on),
        )
        .order_by(col(MaterialAid.item))
    )
    found_: dict[str, tuple[str, ...]] = {}
    for person, item in session.exec(statement):
        found_[person] = (*found_.get(person, ()), item)
    return found_


def newest_run(session: Session, *, survey: str) -> MatchRun | None:
    """Return the last matching of a survey, ``None`` when there was none."""
    statement = (
        select(MatchRun).where(col(MatchRun.survey_id) == survey).order_by(col(MatchRun.ordinal).desc()).limit(1)
    )
    return session.exec(statement).one_or_none()


def last_answer(session: Session, *, outcome: str) -> MatchAnswer | None:
    """Return what counts for an outcome: the last answer to it."""
    statement = select(MatchAnswer).where(col(MatchAnswer.outcome_id) == outcome)
    return session.exec(statement.order_by(col(MatchAnswer.ordinal).desc()).limit(1)).one_or_none()


def run_of(session: Session, run: str) -> MatchRun:
    """Return a run. Raises ``Refusal`` ``kernel.not_found``."""
    return found(session.get(MatchRun, run), kind="match_run", id=run)


class MatchSummary(BaseModel):
    """Counts of a run: by reason, matched and unmatched; ``confirmed`` and ``refused`` by the last answers."""

    model_config = ConfigDict(frozen=True)

    run: str
    survey: str
    ran_on: date
    needs: int
    matched: int
    unmatched: int
    by_reason: dict[str, int]
    confirmed: int
    refused: int
    waiting: int
    outcome_digest: str


class OutcomeRow(BaseModel):
    """One need and what became of it, as the asking role may see the person."""

    model_config = ConfigDict(frozen=True)

    outcome: str
    person: str
    name: str
    id_number: str
    street: str
    item: str
    reason: str
    explanation: str
    service: str
    resource: str
    rank: int | None
    rule: str
    answer: str


class GapRow(BaseModel):
    """One missing or weak service (ZY-02); ``id`` may be named as the need of a project."""

    model_config = ConfigDict(frozen=True)

    id: str
    item: str
    weakness: str
    persons: int
    reasons: dict[str, int]
    purchase_need: bool


@query("matching.summary", roles=(*ASSESSORS, Role.AUDIT_BODY), clause="ZY-60")
def summary(reader: Reader, *, run: str) -> MatchSummary:
    """Return the counts of a run."""
    row = run_of(reader.session, run)
    matched = sum(row.counts.get(reason, 0) for reason in SERVED)
    answers = last_answers(reader.session, run)
    continued = row.counts.get(Reason.CONTINUED, 0) - _continued_answered(reader.session, run)
    confirmed = sum(answer == CONFIRMED for answer in answers.values())
    refused = sum(answer == REFUSED for answer in answers.values())
    return MatchSummary(
        run=row.id,
        survey=row.survey_id,
        ran_on=row.ran_on,
        needs=row.needs,
        matched=matched,
        unmatched=row.needs - matched,
        by_reason=row.counts,
        confirmed=confirmed + continued,
        refused=refused,
        waiting=matched - confirmed - refused - continued,
        outcome_digest=row.outcome_digest,
    )


def _continued_answered(session: Session, run: str) -> int:
    """Return how many continued places of a run were answered anew: those count by their answer."""
    statement = (
        select(func.count(func.distinct(col(MatchAnswer.outcome_id))))
        .join(MatchOutcome, col(MatchOutcome.id) == col(MatchAnswer.outcome_id))
        .where(col(MatchOutcome.run_id) == run, col(MatchOutcome.reason) == Reason.CONTINUED)
    )
    return session.exec(statement).one()


def last_answers(session: Session, run: str) -> dict[str, str]:
    """Return outcome → what counts as its answer, for the outcomes of a run that have one."""
    statement = (
        select(MatchAnswer.outcome_id, MatchAnswer.answer)
        .join(MatchOutcome, col(MatchOutcome.id) == col(MatchAnswer.outcome_id))
        .where(col(MatchOutcome.run_id) == run)
        .order_by(col(MatchAnswer.ordinal))
    )
    return dict(session.exec(statement).all())


@query("matching.outcomes", roles=ASSESSORS, clause="FZ-31")
def outcomes(
    reader: Reader,
    *,
    run: str,
    reason: Annotated[str | None, Field(description="只看这一原因")] = None,
    person: Annotated[str | None, Field(description="只看这一人")] = None,
    limit: Annotated[int, Field(ge=1, le=1000, description="行数")] = 50,
    offset: Annotated[int, Field(ge=0, description="起始行")] = 0,
) -> tuple[OutcomeRow, ...]:
    """Return outcomes of a run in the order of the ledger, one by one with the reason, people masked."""
    wanted = [col(MatchOutcome.reason) == reason] if reason is not None else []
    wanted += [col(MatchOutcome.person_id) == person] if person is not None else []
    return _rows(reader, run, wanted, limit, offset)


def outcomes_in(reader: Reader, *, run: str, served: bool, limit: int, offset: int) -> tuple[OutcomeRow, ...]:
    """Return the matched or the unmatched outcomes of a run in the order of the ledger."""
    inside = col(MatchOutcome.reason).in_(SERVED)
    return _rows(reader, run, [inside if served else ~inside], limit, offset)


def _rows(
    reader: Reader, run: str, wanted: Sequence[ColumnElement[bool]], limit: int, offset: int
) -> tuple[OutcomeRow, ...]:
    row = run_of(reader.session, run)
    policy = reader.policies.resolve(region=row.region, on=reader.as_of)
    answers = last_answers(reader.session, run)
    statement = (
        select(MatchOutcome, Person)
        .join(Person, col(Person.id) == col(MatchOutcome.person_id))
        .where(col(MatchOutcome.run_id) == run, *wanted)
        .order_by(col(Person.ordinal), col(MatchOutcome.item))
        .limit(limit)
        .offset(offset)
    )
    return tuple(
        _outcome(reader, outcome, who, answer=answers.get(outcome.id, ""), policy=policy)
        for outcome, who in reader.session.exec(statement).all()
    )


def _outcome(reader: Reader, row: MatchOutcome, person: Person, *, answer: str, policy: Policy) -> OutcomeRow:
    styles = policy.publicity.mask_internal
    return OutcomeRow(
        outcome=row.id,
        person=row.person_id,
        name=masked(field="name", text=reader.vault.open(person.name_sealed), styles=styles),
        id_number=masked(field="id_number", text=reader.vault.open(person.id_number_sealed), styles=styles),
        street=masked(field="address", text=person.street, styles=styles),
        item=row.item,
        reason=row.reason,
        explanation=explanation(row, policy=policy),
        service=row.service_id or "",
        resource=row.resource_id or "",
        rank=row.rank,
        rule=row.rule or "",
        answer=answer,
    )


def explanation(row: MatchOutcome, *, policy: Policy) -> str:
    """Return the reason in words; a ban names the existing policy and the clause it rests on."""
    facts = {
        "item": policy.delivery.service_item_names.get(row.item, row.item),
        "policy": policy.needs.overlap_policies.get(row.covered_by or "", row.covered_by or ""),
        "clause": policy.clause("needs.overlap_policies"),
        "rank": row.rank or "",
    }
    return sentence(f"matching.reason.{row.reason}", facts)


@query("matching.gaps", roles=ASSESSORS, clause="ZY-02")
def gaps(reader: Reader, *, run: str) -> tuple[GapRow, ...]:
    """Return the gap list of a run: services that are missing or weak, those that concern most people first."""
    run_of(reader.session, run)
    rows = reader.session.exec(
        select(ServiceGap)
        .where(col(ServiceGap.run_id) == run)
        .order_by(col(ServiceGap.persons).desc(), col(ServiceGap.id))
    ).all()
    return tuple(
        GapRow(
            id=row.id,
            item=row.item,
            weakness=row.weakness,
            persons=row.persons,
            reasons=row.reasons,
            purchase_need=row.purchase_need,
        )
        for row in rows
    )


def unconfirmed(session: Session, *, served: set[tuple[str, str, date]]) -> int:
    """Return how many of these (person, item, day of service) have no confirmation that counted on that day."""
    people = {person for person, _, _ in served}
    said: dict[tuple[str, str], list[MatchAnswer]] = {}
    statement = (
        select(MatchAnswer)
        .join(MatchOutcome, col(MatchOutcome.id) == col(MatchAnswer.outcome_id))
        .join(MatchRun, col(MatchRun.id) == col(MatchOutcome.run_id))
        .where(col(MatchAnswer.person_id).in_(people))
        .order_by(col(MatchRun.ran_on), col(MatchRun.ordinal), col(MatchAnswer.ordinal))
    )
    for answer in session.exec(statement):
        said.setdefault((answer.person_id, answer.item), []).append(answer)
    return sum(_counted(said.get((person, item), ()), on=on) != CONFIRMED for person, item, on in served)


def _counted(answers: Sequence[MatchAnswer], *, on: date) -> str | None:
    """Return what counted on a day: the last of these answers that had been given by then."""
    return next((one.answer for one in reversed(answers) if one.answered_on <= on), None)
