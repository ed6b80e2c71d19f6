"""Reads of the expert review (S05): a round as each role may see it, what is due, who a project's parties are.

Scores stay hidden until the round is closed; an expert sees the own sheet, and nothing of a round the expert left.
Names are masked by policy. Comparisons over a batch stand in ``queries.review_forensics``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, func, select

from models.core.actors import HANDLERS, Actor, Role
from models.core.errors import Refusal
from models.core.registry import query
from models.ports import Vault
from models.queries.application import newest_application
from models.queries.needs_survey import loading_in, settled_survey
from models.queries.reader import Reader, found, project_of
from models.rules.feasibility_order import awaits_review
from models.rules.lifecycle import TRANSITIONS, Thing
from models.rules.masking import masked
from models.rules.review import Tie
from models.tables.application import Application, ApplicationTeamMember
from models.tables.kernel import Event, Project
from models.tables.needs import Person, Survey
from models.tables.publicity import PublicityNotice
from models.tables.review import Expert, ExpertVersion, ReviewRound, ReviewSeat, ReviewSheet

_PLAIN: Final = {
    "id",
    "opened_on",
    "closes_on",
    "provisional",
    "batch",
    "sealed",
    "sheet_form",
    "policy_digest",
    "seed",
    "seed_commitment",
    "roster_digest",
    "passed",
    "signature_sha256",
}
_WAITING: Final = ("submitted", "candidate")
_BEGAN_WAITING: Final = tuple(
    sorted({move.event for move in TRANSITIONS if move.thing is Thing.PROJECT and move.target in _WAITING})
)
"""A project waits for its panel as a candidate, or as submitted where the panel goes first."""
_OVERSEERS: Final = (Role.DISCIPLINE_SUPERVISION, Role.AUDIT_BODY, Role.SYSTEM)


class SeatView(BaseModel):
    """One seat: ``vacant`` when it was left and taken over by nobody; scores and reasons as far as they may be seen.
    ``draw`` names the draw of its own that found a substitute.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    expert: str
    name: str
    category: str
    due_on: date
    recused: bool
    vacant: bool
    scored: bool
    scores: dict[str, Decimal]
    reasons: dict[str, str]
    draw: str | None = None


class NeedView(BaseModel):
    """One need the project answers to (ZY-21): the ledger's id or the words it was linked by, and counts, no person.

    ``loading``: a ledger is on its way into the survey, so there is nothing to count yet.
    """

    model_config = ConfigDict(frozen=True)

    ref: str
    title: str
    people: int | None = None
    willing: int | None = None
    loading: bool = False


class RoundView(BaseModel):
    """A round: ``state`` is open, short (an empty seat and nobody to take it) or closed; ``mean``, ``passed`` and
    ``opinion`` stand once it is closed. ``sheet_form`` is the score sheet the round was opened with.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    project: str
    state: str
    opened_on: date
    closes_on: date
    provisional: bool
    batch: str | None
    sealed: bool
    needs: tuple[NeedView, ...]
    sheet_form: dict[str, Any]
    policy_digest: str
    seed: str
    seed_commitment: str
    roster_digest: str
    seats: tuple[SeatView, ...]
    missing: int
    empty_seats: int
    mean: Decimal | None
    passed: bool | None
    opinion: str
    dissent: str
    protocol_document: str
    opinion_document: str | None
    signature_sha256: str | None


@query("review.round", roles=(*HANDLERS, Role.EXPERT, *_OVERSEERS), clause="ZY-23")
def round_(reader: Reader, *, round: str) -> RoundView:
    """Return a round with its seats; sheets are hidden until the close, but for the expert's own. A member of a sealed
    round sees the own seat only, and neither seed nor record, from which the draw could be repeated.

    Raises ``Refusal`` ``review.conflicted`` for an expert who left the panel, ``review.not_your_seat`` for one who
    never sat on it.
    """
    session = reader.session
    row = found(session.get(ReviewRound, round), kind="round", id=round)
    project = project_of(session, row.project_id)
    policy = reader.policies.resolve(region=project.region, on=row.opened_on)
    styles = policy.publicity.mask_internal if reader.actor.role in HANDLERS else policy.publicity.mask_expert
    sheets, seats = sheets_of(session, row.id), seats_of(session, row.id)
    experts = {seat.expert_id: session.get_one(Expert, seat.expert_id) for seat in seats}
    own = seat_in(seats, experts, reader.actor)
    vacant, open_ = empty_seats(seats), row.closed_on is None
    blind = row.sealed and open_ and own is not None
    shown = [seat for seat in seats if not blind or seat is own]
    return RoundView(
        **row.model_dump(include=_PLAIN) | ({"seed": ""} if blind else {}),
        project=row.project_id,
        state="short" if open_ and vacant and not blind else "open" if open_ else "closed",
        needs=needs_of(session, project),
        seats=tuple(
            _seat_view(
                seat,
                name=masked(field="name", text=reader.vault.open(experts[seat.expert_id].name_sealed), styles=styles),
                sheet=sheets.get(seat.expert_id),
                open_to_reader=not open_ or seat is own,
            )
            for seat in shown
        ),
        missing=sum(seat.recused_on is None and seat.expert_id not in sheets for seat in shown),
        empty_seats=0 if blind else vacant,
        mean=Decimal(row.mean) if row.mean else None,
        opinion=row.opinion or "",
        dissent=row.dissent or "",
        protocol_document="" if blind else row.protocol_document_id,
        opinion_document=row.opinion_document_id,
    )


def seat_in(seats: list[ReviewSeat], experts: Mapping[str, Expert], actor: Actor) -> ReviewSeat | None:
    """Return the reading expert's seat, ``None`` for other roles; refuse experts who left or never sat."""
    if actor.role is not Role.EXPERT:
        return None
    own = next((seat for seat in seats if is_expert(experts[seat.expert_id], actor)), None)
    if own is None:
        raise Refusal("review.not_your_seat", rule="SYS-ROLE")
    if own.recused_on is not None:
        raise Refusal("review.conflicted", rule="SYS-RECUSAL")
    return own


def needs_of(session: Session, project: Project) -> tuple[NeedView, ...]:
    """Return the needs a project was linked to; those that are surveys with their counts, unless one is loading."""
    return tuple(_need(session, ref) for ref in project.details["needs"])


def check_settled(session: Session, project: Project) -> None:
    """Refuse to put the counts of a project's needs on paper while a ledger is on its way in.

    Raises ``Conflict`` ``needs.ledger_loading`` (SYS-CONFLICT).
    """
    for ref in project.details["needs"]:
        if session.get(Survey, ref) is not None:
            settled_survey(session, ref)


def _need(session: Session, ref: str) -> NeedView:
    survey = session.get(Survey, ref)
    if survey is None:
        return NeedView(ref=ref, title=ref)
    if loading_in(session, region=survey.region) is not None:
        return NeedView(ref=ref, title=survey.title, loading=True)
    people, willing = session.exec(
        select(func.count(), func.count().filter(col(Person.willing))).where(col(Person.survey_id) == ref)
    ).one()
    return NeedView(ref=ref, title=survey.title, people=people, willing=willing)


def _seat_view(seat: ReviewSeat, *, name: str, sheet: ReviewSheet | None, open_to_reader: bool) -> SeatView:
    shown = sheet if open_to_reader else None
    return SeatView(
        id=seat.id,
        expert=seat.expert_id,
        name=name,
        category=seat.category,
        due_on=seat.due_on,
        recused=seat.recused_on is not None,
        vacant=is_vacant(seat),
        scored=sheet is not None,
        scores=scores_of(shown) if shown else {},
        reasons=shown.reasons if shown else {},
        draw=seat.draw_id,
    )


@query("review.rounds_due", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-23")
def rounds_due(reader: Reader) -> tuple[str, ...]:
    """Return the ids of open rounds whose last day has passed, oldest first."""
    rows = reader.session.exec(
        select(ReviewRound.id)
        .where(col(ReviewRound.closed_on).is_(None), col(ReviewRound.closes_on) < reader.as_of)
        .order_by(col(ReviewRound.closes_on), col(ReviewRound.id))
    ).all()
    return tuple(rows)


@query("review.candidates_due", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-19")
def candidates_due(reader: Reader) -> tuple[str, ...]:
    """Return the projects whose time until a review has run out (``review.open_within_working_days``), oldest first.

    The time runs from the last move into the state in which they wait; where policy names no time, nothing is due, nor
    for a submission under a guide that nobody has accepted yet.
    """
    became = select(Event.stream_id, func.max(Event.occurred_at)).where(
        col(Event.stream_kind) == "project", col(Event.type).in_(_BEGAN_WAITING)
    )
    rows = reader.session.exec(
        became.join(Project, col(Project.id) == col(Event.stream_id))
        .where(col(Project.state).in_(_WAITING))
        .group_by(col(Event.stream_id))
        .order_by(func.max(Event.occurred_at), col(Event.stream_id))
    ).all()
    return tuple(name for name, since in rows if _is_due(reader, name, since))


def _is_due(reader: Reader, project_id: str, since: date) -> bool:
    project = project_of(reader.session, project_id)
    if not awaits_review(
        state=project.state, entered=reader.policies.resolve(region=project.region, on=project.entered_on)
    ):
        return False
    application = newest_application(reader.session, project.id)
    if project.state == "submitted" and application and application.guide_id and application.accepted_on is None:
        return False
    days = reader.policies.resolve(region=project.region, on=reader.as_of).review.open_within_working_days
    return days is not None and reader.calendar.add_working_days(since, days=days).date <= reader.as_of


class ExpertVersionView(BaseModel):
    """One version of a roster entry, without the name; relatives as relation and organisation only."""

    model_config = ConfigDict(frozen=True)

    number: int
    recorded_on: date
    entry: dict[str, Any]
    digest: str


@query("review.expert_versions", roles=(*HANDLERS, *_OVERSEERS), clause="ZY-20")
def expert_versions(reader: Reader, *, expert: str) -> tuple[ExpertVersionView, ...]:
    """Return the versions of a roster entry, oldest first."""
    found(reader.session.get(Expert, expert), kind="expert", id=expert)
    rows = reader.session.exec(
        select(ExpertVersion).where(col(ExpertVersion.expert_id) == expert).order_by(col(ExpertVersion.number))
    ).all()
    return tuple(
        ExpertVersionView(
            number=row.number,
            recorded_on=row.recorded_on,
            entry=row.entry
            | {"kin": [{part: one[part] for part in ("relation", "organisation")} for one in row.entry["kin"]]},
            digest=row.digest,
        )
        for row in rows
    )


def seats_of(session: Session, round_id: str) -> list[ReviewSeat]:
    """Return the seats of a round in the order they were taken."""
    return list(
        session.exec(
            select(ReviewSeat).where(col(ReviewSeat.round_id) == round_id).order_by(col(ReviewSeat.ordinal))
        ).all()
    )


def sheets_of(session: Session, round_id: str) -> dict[str, ReviewSheet]:
    """Return the sheets of a round by expert, those of left seats included."""
    rows = session.exec(select(ReviewSheet).where(col(ReviewSheet.round_id) == round_id)).all()
    return {row.expert_id: row for row in rows}


def empty_seats(seats: list[ReviewSeat]) -> int:
    """Return how many seats were left and taken over by nobody."""
    return sum(is_vacant(seat) for seat in seats)


def is_vacant(seat: ReviewSeat) -> bool:
    """Say whether a seat was left and taken over by nobody."""
    return seat.recused_on is not None and seat.successor_id is None


def scores_of(sheet: ReviewSheet) -> dict[str, Decimal]:
    """Return the scores of a sheet by dimension."""
    return {code: Decimal(text) for code, text in sheet.scores.items()}


def is_expert(expert: Expert, actor: Actor) -> bool:
    """Say whether the actor acts as this expert, by the expert's id or account."""
    return actor.role is Role.EXPERT and actor.id in (expert.id, expert.account)


def ties_of(expert: Expert) -> tuple[Tie, ...]:
    """Return an expert's declared ties."""
    return tuple(
        Tie(tie["organisation"], tie["kind"], date.fromisoformat(tie["ended_on"]) if tie["ended_on"] else None)
        for tie in expert.ties
    )


def roles_of(expert: Expert) -> tuple[tuple[str, date | None], ...]:
    """Return an expert's past roles: the organisation and the day the role ended."""
    return tuple(
        (role["organisation"], date.fromisoformat(role["ended_on"]) if role["ended_on"] else None)
        for role in expert.past_roles
    )


def kin_of(expert: Expert) -> frozenset[str]:
    """Return what an expert's relatives belong to: organisations, and the token that stands for those known by name."""
    named = {relative_token(expert.id)} if any(one["person_hash"] for one in expert.kin) else set()
    return frozenset({one["organisation"] for one in expert.kin if one["organisation"]} | named)


def relative_token(expert_id: str) -> str:
    """Return the name under which "a relative of this expert" stands in rosters and among a project's parties."""
    return f"relative:{expert_id}"


def objection_upheld(session: Session, project_id: str) -> bool:
    """Say whether an objection to the newest published result was upheld, so that a new review may follow."""
    newest = session.exec(
        select(ReviewRound.id)
        .where(col(ReviewRound.project_id) == project_id)
        .order_by(col(ReviewRound.ordinal).desc())
    ).first()
    upheld = session.exec(
        select(PublicityNotice.id).where(
            col(PublicityNotice.round_id) == newest, col(PublicityNotice.result) == "upheld"
        )
    ).first()
    return upheld is not None


def applicant_of(session: Session, project_id: str) -> str | None:
    """Return the applying unit of the newest submission, ``None`` when there is none."""
    application = newest_application(session, project_id)
    return application.applicant if application else None


def parties_of(session: Session, vault: Vault, *, project: Project) -> frozenset[str]:
    """Return what an expert on the project must have no tie with: its applicants by name and code, the ids of those
    experts who bear the name of a member of the project's team (a namesake is rather left out than let in), and the
    tokens of experts with a relative of such a name.
    """
    applications = session.exec(select(Application).where(col(Application.project_id) == project.id)).all()
    units = {text for row in applications for text in (row.applicant, row.credit_code) if text}
    team = session.exec(
        select(ApplicationTeamMember.name_sealed).where(
            col(ApplicationTeamMember.application_id).in_([row.id for row in applications])
        )
    ).all()
    names = {vault.lookup(vault.open(sealed)) for sealed in team}
    experts = session.exec(select(Expert).where(col(Expert.region) == project.region)).all()
    members = {expert.id for expert in experts if expert.name_hash in names}
    related = {relative_token(one.id) for one in experts if names & {relative["person_hash"] for relative in one.kin}}
    return frozenset(units | members | related)
