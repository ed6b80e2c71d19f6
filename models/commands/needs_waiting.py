"""Taking a project's recipients from a matching (S01): who waits for its service, or confirmed it.

For regions whose rules name no strata to draw from (those draw by ``needs.select_recipients``). Urgency decides the
order (FZ-33), so that whoever is left out for want of places is the least pressed. Draws nothing, invents nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field
from sqlmodel import Session, col, select

from models.commands import documents
from models.commands.needs_selection import LIST_KIND, STATES, RecipientsSelected, list_view, open_project, record
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.matching import newest_run
from models.queries.needs_survey import settled_survey
from models.queries.reader import found
from models.rules import matching as rules
from models.rules.confirmation import CONFIRMED
from models.rules.force import binding
from models.rules.needs import Selected
from models.tables.kernel import Project
from models.tables.matching import MatchAnswer, MatchOutcome, MatchRun
from models.tables.needs import Person, Selection, SelectionRound

_WAITING: Final = rules.WEAK | rules.MISSING
_LIVE: Final = (*STATES, "under_review", "on_publicity", "objection", "in_progress", "deferred")


class Whom(StrEnum):
    """Whom a project takes: who waits because nobody provides the item, or who confirmed what was offered."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"


@command("needs.take_recipients", roles=(*CIVIL_AFFAIRS, Role.PURCHASER), clause="ZY-60")
def take_recipients(
    ctx: Context,
    *,
    project: str,
    run: Annotated[str, Field(description="匹配编号")],
    items: Annotated[tuple[str, ...], Field(min_length=1, max_length=60, description="服务项目")],
    whom: Annotated[Whom, Field(description="对象范围:waiting(等候服务)、confirmed(已确认)")] = Whom.WAITING,
    places: Annotated[int | None, Field(ge=1, le=10**7, description="名额;不填为全部")] = None,
) -> RecipientsSelected:
    """Make those who wait for (or confirmed) items of a matching the project's recipients, the most pressed first.

    A person who waits for several items is one recipient, under the first of ``items``; left out is who is no longer
    willing, and whom another project under way serves with the item (ZY-08). Raises ``Refusal`` ``needs.strata_bind``
    (HS-05) where recipients are drawn by strata, ``matching.outcome_stale``, ``needs.nobody_waits``; ``Conflict``
    ``needs.already_selected``: a slip is mended by ``needs.void_selection``.
    """
    with ctx.reading() as session:
        row = open_project(session, ctx, project)
        policy = ctx.policy(region=row.region)
        if rule := binding(policy=policy, rules=("HS-05",)):
            raise Refusal("needs.strata_bind", rule=rule)
        matched = _standing(session, run)
        survey = settled_survey(session, matched.survey_id)
        pressed = _pressed(session, ctx, run=run, items=items, whom=whom, policy=policy)
        session.expunge_all()
    chosen = _first(pressed, items=items, places=places)
    if not chosen:
        raise Refusal("needs.nobody_waits", rule="ZY-60", facts={"items": "、".join(items), "run": run})
    drawn = Selected(pool_digest=matched.outcome_digest, chosen=chosen)
    view = list_view(
        ctx, project=row, survey=survey, people=[person for _, person in pressed], drawn=drawn, policy=policy
    )
    paper = documents.render(ctx, kind=LIST_KIND, view=view, synthetic_fields=view["synthetic_fields"])
    picked = SelectionRound(
        id=ctx.new_id("sel", project),
        project_id=project,
        survey_id=survey.id,
        seed="",
        pool_digest=matched.outcome_digest,
        counts={item: len(ids) for item, ids in chosen.items()},
        served_min=policy.needs.served_min,
        selected_on=ctx.as_of,
        policy_digest=policy.digest,
    )
    with ctx.writing() as session:
        open_project(session, ctx, project)
        picked.document_id = documents.file_paper(
            session,
            ctx,
            paper=paper,
            project_id=project,
            stage="needs",
            title=sentence("needs.document.selection_list"),
            issuer=view["issuer"],
        ).id
        return record(session, ctx, picked=picked, drawn=drawn, warnings=())


def _standing(session: Session, run: str) -> MatchRun:
    """Return a matching that no later one of its survey replaced."""
    matched = found(session.get(MatchRun, run), kind="match_run", id=run)
    newest = newest_run(session, survey=matched.survey_id)
    if newest is None or newest.id != run:
        raise Refusal("matching.outcome_stale", rule="SYS-MATCH-OFFER")
    return matched


def _pressed(
    session: Session, ctx: Context, *, run: str, items: tuple[str, ...], whom: Whom, policy: Policy
) -> list[tuple[str, Person]]:
    """Return (item, person) of everybody concerned, by the place of the item, then by urgency, the greatest first."""
    reasons = _WAITING if whom is Whom.WAITING else rules.SERVED
    outcomes = session.exec(
        select(MatchOutcome, Person)
        .join(Person, col(Person.id) == col(MatchOutcome.person_id))
        .where(
            col(MatchOutcome.run_id) == run,
            col(MatchOutcome.item).in_(items),
            col(MatchOutcome.reason).in_([reason.value for reason in reasons]),
            col(Person.willing),  # who said no since the matching is left in peace
        )
    ).all()
    taken = _taken(session, items)
    outcomes = [one for one in outcomes if (one[0].item, one[0].person_id) not in taken]
    if whom is Whom.CONFIRMED:
        said = _said(session, run)
        outcomes = [one for one in outcomes if said.get(one[0].id) == CONFIRMED]
    concerned = [(outcome.item, person) for outcome, person in outcomes]
    return sorted(concerned, key=lambda one: (items.index(one[0]), -_urgency(one[1], ctx, policy), one[1].id))


def _taken(session: Session, items: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return (item, person) of those whom a project that is not over serves already (ZY-08: nothing twice)."""
    theirs = (
        select(Selection.stratum, Selection.person_id)
        .join(Project, col(Project.id) == col(Selection.project_id))
        .where(col(Selection.stratum).in_(items), col(Project.state).in_(_LIVE))
    )
    return set(session.exec(theirs).all())


def _said(session: Session, run: str) -> dict[str, str]:
    """Return outcome → its last answer."""
    answers = (
        select(MatchAnswer.outcome_id, MatchAnswer.answer)
        .join(MatchOutcome, col(MatchOutcome.id) == col(MatchAnswer.outcome_id))
        .where(col(MatchOutcome.run_id) == run)
        .order_by(col(MatchAnswer.ordinal))
    )
    return dict(session.exec(answers).all())


def _first(
    pressed: Sequence[tuple[str, Person]], *, items: tuple[str, ...], places: int | None
) -> dict[str, tuple[str, ...]]:
    """Return item → persons, nobody twice, no more than there are places."""
    under = {person.id: item for item, person in reversed(pressed)}  # the first item named is the one that counts
    order = list(dict.fromkeys(person.id for _, person in pressed))[:places]
    chosen = {item: tuple(person for person in order if under[person] == item) for item in items}
    return {item: ids for item, ids in chosen.items() if ids}


def _urgency(person: Person, ctx: Context, policy: Policy) -> int:
    waiting = (ctx.as_of - person.assessed_on).days
    counts = {"max_level": person.max_level, "severe": person.severe_count, "moderate": person.moderate_count}
    return rules.urgency(**counts, days_waiting=waiting, policy=policy)
