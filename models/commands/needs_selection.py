"""Selecting a project's recipients (S01, HS-05): a recorded, repeatable draw of distinct persons from a survey.

The list is printed for internal use, masked by policy, and filed with the project. Events hold ids, counts and digests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict, Refusal
from models.core.hashing import digest
from models.core.identifiers import find_leaks, parse_id_card
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.needs_ledger import ledger_row, ledger_view
from models.queries.needs_survey import settled_survey
from models.queries.reader import found, project_of
from models.rules import lifecycle
from models.rules import needs as rules
from models.rules.bodies import body_name
from models.rules.lifecycle import Thing
from models.tables.decision import VoidedPaper
from models.tables.kernel import Project
from models.tables.needs import Person, Selection, SelectionRound, Survey

STATES: Final = ("in_library", "submitted", "returned", "candidate", "reviewed", "decided", "approved", "planned")
"""Project states in which recipients may be selected: any before delivery in which nobody else is at work on it."""

LIST_KIND: Final = "needs_ledger_xlsx"

Seed = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    Field(max_length=80, description="随机种子"),
]


class StratumAdjustment(BaseModel):
    """Another number for one stratum, with its reason; without a reason it is refused (HS-05)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: Annotated[int, Field(ge=0, le=10**12, description="调整后人数")]
    reason: Annotated[str, Field(max_length=500, description="调整理由")] = ""


class RecipientsSelected(BaseModel):
    """Persons per stratum and in all, the target of the project (HS-06), and what makes the draw repeatable.

    ``warnings`` say when fewer were selected than the project must serve.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    people: int
    counts: dict[str, int]
    adjusted: tuple[str, ...]
    served_min: int | None
    seed: str
    pool_digest: str
    document: str
    warnings: tuple[str, ...]


class SelectionVoided(BaseModel):
    """The voided selection and how many people it held."""

    model_config = ConfigDict(frozen=True)

    id: str
    people: int


@command(
    "needs.select_recipients",
    roles=(*CIVIL_AFFAIRS, Role.PURCHASER),
    clause="HS-05",
)
def select_recipients(
    ctx: Context,
    *,
    project: str,
    survey: str,
    seed: Seed,
    adjustments: Annotated[dict[str, StratumAdjustment] | None, Field(description="各类人数调整")] = None,
) -> RecipientsSelected:
    """Draw the project's recipients from a survey: distinct, willing persons, so many a stratum as policy states.

    Raises ``Refusal`` (HS-05) when a stratum is short or adjusted without a reason, ``Conflict``
    ``needs.already_selected`` when the project has its recipients. Fewer persons than the project must serve is no
    refusal but a warning (HS-06), in the result, on the list and in the event.
    """
    with ctx.reading() as session:
        row = open_project(session, ctx, project)
        surveyed = settled_survey(session, survey)
        policy = ctx.policy(region=row.region)
        people = session.exec(select(Person).where(col(Person.survey_id) == survey).order_by(col(Person.ordinal))).all()
        session.expunge_all()
    changes = {code: rules.Adjustment(item.count, item.reason) for code, item in (adjustments or {}).items()}
    wanted = rules.wanted_counts(adjustments=changes, policy=policy)
    members = [_member(person, ctx=ctx, policy=policy) for person in people]
    drawn = rules.select(members=members, wanted=wanted, seed=seed, policy=policy)
    warnings = _warnings(drawn=drawn, policy=policy)
    view = list_view(ctx, project=row, survey=surveyed, people=people, drawn=drawn, policy=policy)
    view["title"] = "".join((view["title"], *(sentence("needs.selection_remark", {"text": one}) for one in warnings)))
    paper = documents.render(ctx, kind=LIST_KIND, view=view, synthetic_fields=view["synthetic_fields"])
    picked = _round(ctx, project=project, survey=survey, seed=seed, drawn=drawn, changes=changes, policy=policy)
    with ctx.writing() as session:
        open_project(session, ctx, project)
        document = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=project,
            stage="needs",
            title=sentence("needs.document.selection_list"),
            issuer=view["issuer"],
        )
        picked.document_id = document.id
        return record(session, ctx, picked=picked, drawn=drawn, warnings=warnings)


def _warnings(*, drawn: rules.Selected, policy: Policy) -> tuple[str, ...]:
    missing = rules.shortfall(selected=sum(map(len, drawn.chosen.values())), policy=policy)
    if not missing:
        return ()
    facts = {"served_min": policy.needs.served_min, "missing": missing, "rule": rules.target_rule(policy=policy)}
    return (sentence("needs.below_target", facts),)


def open_project(session: Session, ctx: Context, project: str) -> Project:
    """Return a project that may still get its recipients. Raises ``Conflict`` ``needs.already_selected``."""
    row = project_of(session, project)
    earlier = session.exec(select(SelectionRound).where(col(SelectionRound.project_id) == project)).one_or_none()
    if earlier is not None:
        facts = {"on": earlier.selected_on.isoformat()}
        raise Conflict("needs.already_selected", rule="SYS-ALREADY-DONE", facts=facts)
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=STATES)
    return row


def _round(
    ctx: Context,
    *,
    project: str,
    survey: str,
    seed: str,
    drawn: rules.Selected,
    changes: Mapping[str, rules.Adjustment],
    policy: Policy,
) -> SelectionRound:
    stated: Mapping[str, int] = policy.need("needs.strata")
    counts = {code: len(chosen) for code, chosen in drawn.chosen.items()}
    return SelectionRound(
        id=ctx.new_id("sel", project),
        project_id=project,
        survey_id=survey,
        seed=seed,
        pool_digest=drawn.pool_digest,
        counts=counts,
        adjustments={
            code: {"count": count, "stated": stated[code], "reason": changes[code].reason.strip()}
            for code, count in counts.items()
            if count != stated[code]
        },
        served_min=policy.needs.served_min,
        selected_on=ctx.as_of,
        policy_digest=policy.digest,
    )


def record(
    session: Session, ctx: Context, *, picked: SelectionRound, drawn: rules.Selected, warnings: tuple[str, ...]
) -> RecipientsSelected:
    """Write the round and its recipients and tell the project's chain."""
    session.add(picked)
    session.flush()
    session.add_all(
        Selection(
            id=ctx.new_id("rcp", person),
            round_id=picked.id,
            project_id=picked.project_id,
            person_id=person,
            stratum=stratum,
            ordinal=ordinal,
        )
        for stratum, chosen in drawn.chosen.items()
        for ordinal, person in enumerate(chosen, start=1)
    )
    events.on_project(
        session,
        ctx,
        picked.project_id,
        "needs.recipients_selected",
        {**_payload(picked), "chosen_digest": digest(drawn.chosen)},
    )
    return RecipientsSelected(
        id=picked.id,
        people=sum(picked.counts.values()),
        counts=picked.counts,
        adjusted=tuple(picked.adjustments),
        served_min=picked.served_min,
        seed=picked.seed,
        pool_digest=picked.pool_digest,
        document=picked.document_id,
        warnings=warnings,
    )


def _payload(picked: SelectionRound) -> dict[str, Any]:
    """Return the facts of a selection; a reason is free text and may name somebody, so only its digest goes in."""
    return {
        "selection_id": picked.id,
        "survey_id": picked.survey_id,
        "seed": picked.seed,
        "pool_digest": picked.pool_digest,
        "counts": picked.counts,
        "served_min": picked.served_min,
        "below_target": max((picked.served_min or 0) - sum(picked.counts.values()), 0),
        "adjustments": {
            code: {"count": item["count"], "stated": item["stated"], "reason_digest": digest(item["reason"])}
            for code, item in picked.adjustments.items()
        },
        "document_id": picked.document_id,
        "policy_digest": picked.policy_digest,
    }


def _member(person: Person, *, ctx: Context, policy: Policy) -> rules.Member:
    return rules.Member(
        id=person.id,
        age_band=_age_band(person, ctx=ctx, policy=policy),
        lives_alone=person.lives_alone,
        disabled=person.disabled,
        severely_ill=person.severely_ill,
        single_parent_student=person.single_parent_student,
        willing=person.willing,
    )


def _age_band(person: Person, *, ctx: Context, policy: Policy) -> rules.AgeBand:
    """Return the age band today. The year of birth settles it but for those whose birthday of a bound is this year."""
    birthdays = ctx.as_of.year - person.birth_year
    if birthdays in (policy.need("needs.adult_from_years"), policy.need("needs.elderly_from_years")):
        number = ctx.services.vault.open(person.id_number_sealed)
        birth = parse_id_card(number, as_of=ctx.as_of).birth
    else:
        birth = ctx.as_of.replace(year=person.birth_year, month=1, day=1)
    return rules.age_band(birth=birth, on=ctx.as_of, policy=policy)


def list_view(
    ctx: Context,
    *,
    project: Project,
    survey: Survey,
    people: Sequence[Person],
    drawn: rules.Selected,
    policy: Policy,
) -> dict[str, Any]:
    """Return the selection list as the needs ledger prints it: masked, made-up people marked as such."""
    by_id = {person.id: person for person in people}
    names = policy.needs.stratum_names or {}
    rows: list[dict[str, object]] = []
    for stratum, chosen in drawn.chosen.items():
        for person in (by_id[one] for one in chosen):
            line = ledger_row(person, survey=survey, vault=ctx.services.vault, policy=policy)
            rows.append(
                {
                    **line,
                    "seq": str(len(rows) + 1),
                    "priority": names.get(stratum, stratum),
                    "match_status": sentence("needs.selected"),
                    "project_no": project.id,
                }
            )
    title = sentence("needs.selection_title", {"project": project.name})
    issuer = body_name(policy=policy, role=ctx.actor.role)
    return ledger_view(title=title, survey=survey, rows=rows, issuer=issuer, on=ctx.as_of)


@command("needs.void_selection", roles=(*CIVIL_AFFAIRS, Role.PURCHASER), clause="SYS-RECIPIENTS")
def void_selection(
    ctx: Context,
    *,
    project: str,
    reason: Annotated[str, Field(min_length=2, max_length=500, description="作废理由")],
) -> SelectionVoided:
    """Void a project's recipients before its delivery, so that they may be selected anew; list and event stay.

    Raises ``Refusal`` ``needs.reason_names_somebody``, ``kernel.not_found`` when none were selected, ``SYS-STATE``
    once delivery began.
    """
    if find_leaks(reason):
        raise Refusal("needs.reason_names_somebody", rule="SYS-PUBLIC-LEAK")
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=STATES)
        chosen = select(SelectionRound).where(col(SelectionRound.project_id) == project)
        earlier = found(session.exec(chosen).one_or_none(), kind="selection", id=project)
        people = session.exec(select(Selection).where(col(Selection.round_id) == earlier.id)).all()
        if earlier.document_id is not None:
            paper = earlier.document_id
            session.add(VoidedPaper(document_id=paper, project_id=project, reason=reason, voided_on=ctx.as_of))
        voided = SelectionVoided(id=earlier.id, people=len(people))
        payload = {**_payload(earlier), "people": voided.people, "reason_digest": digest(reason)}
        for one in people:
            session.delete(one)
        session.flush()
        session.delete(earlier)
        session.flush()
        events.on_project(session, ctx, project, "needs.recipients_voided", payload)
        return voided
