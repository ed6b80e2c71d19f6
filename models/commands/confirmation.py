"""Commands of confirmation (S12): item by item, the recipient or the agent says yes or no; a no is kept, never lost.

``check_before_service`` is what delivery asks before it records a service. Names of agents and reasons are sealed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, events
from models.commands.lists import STAGE, Words
from models.commands.matching import STREAM
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.errors import Conflict
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries import matching as reads
from models.queries.reader import found
from models.rules import confirmation as rules
from models.rules.force import is_binding
from models.tables.matching import MatchAnswer, MatchOutcome

_SELVES = (Role.RECIPIENT, Role.RECIPIENT_AGENT)
_TAKERS = (*CIVIL_AFFAIRS, Role.TOWNSHIP, Role.VILLAGE_COMMITTEE, *_SELVES)

Outcome = Annotated[str, Field(description="匹配结果编号")]
GivenBy = Annotated[str, Field(description="由谁答复:recipient、agent")]
AgentName = Annotated[Words, Field(description="代理人姓名")]
AgentRelation = Annotated[Words, Field(description="代理人与对象的关系")]
Signature = Annotated[Upload | None, Field(description="签字的确认单")]


class AnswerRecorded(BaseModel):
    """The recorded answer to one outcome; ``ordinal`` counts the answers to it."""

    model_config = ConfigDict(frozen=True)

    id: str
    outcome: str
    answer: str
    ordinal: int


@command("matching.confirm_item", roles=_TAKERS, clause="FZ-32")
def confirm_item(
    ctx: Context,
    *,
    outcome: Outcome,
    given_by: GivenBy = "recipient",
    agent_name: AgentName = "",
    agent_relation: AgentRelation = "",
    signature: Signature = None,
    entitlements_in_place: Annotated[bool | None, Field(description="基本生活救助、专项救助是否已落实")] = None,
) -> AnswerRecorded:
    """Record that the recipient or the agent confirms one matched item: content and standard of the service row.

    Raises ``Refusal`` as ``rules.confirmation``: ``matching.not_offered``, ``matching.outcome_stale``,
    ``matching.agent_unnamed``, ``matching.unsigned`` (FZ-32), ``matching.not_own`` (SYS-ROLE),
    ``matching.entitlements_open`` (FZ-02, ZY-124); ``Conflict`` ``matching.answered``.
    """
    answer = _answer(ctx, outcome, given_by, agent_name, agent_relation, signature)
    policy = ctx.policy(region=ctx.services.region)
    rules.check_answer(answer=answer, policy=policy)
    rules.check_entitled(entitled=entitlements_in_place, policy=policy)
    return _record(ctx, outcome, rules.CONFIRMED, answer, signature=signature)


@command("matching.refuse_item", roles=_TAKERS, clause="FZ-17")
def refuse_item(
    ctx: Context,
    *,
    outcome: Outcome,
    reason: Annotated[Words, Field(min_length=2, description="不接受的原因")],
    given_by: GivenBy = "recipient",
    agent_name: AgentName = "",
    agent_relation: AgentRelation = "",
    signature: Signature = None,
) -> AnswerRecorded:
    """Record that one matched item is not wanted, with the reason; a later run does not offer it unless asked again.

    Raises as ``confirm_item`` but for the entitlements; no signature is needed to say no.
    """
    answer = _answer(ctx, outcome, given_by, agent_name, agent_relation, signature)
    rules.check_giver(answer=answer, policy=ctx.policy(region=ctx.services.region))
    return _record(ctx, outcome, rules.REFUSED, answer, signature=signature, reason=reason)


@command("matching.offer_again", roles=(*CIVIL_AFFAIRS, Role.TOWNSHIP, Role.VILLAGE_COMMITTEE), clause="FZ-32")
def offer_again(
    ctx: Context, *, outcome: Outcome, reason: Annotated[Words, Field(min_length=2, description="再次征询的原因")]
) -> AnswerRecorded:
    """Offer a refused item again: the refusal stays on file, the next run may match the item once more.

    Raises ``Conflict`` ``matching.not_refused`` when the last answer was no refusal.
    """
    nobody = rules.Answer("", "", "", signed=False, by_self=False)
    return _record(ctx, outcome, rules.OFFERED_AGAIN, nobody, signature=None, reason=reason)


def _answer(
    ctx: Context, outcome: str, given_by: str, agent_name: str, agent_relation: str, signature: Upload | None
) -> rules.Answer:
    by_self = ctx.actor.role in _SELVES
    if by_self:
        with ctx.reading() as session:
            row = found(session.get(MatchOutcome, outcome), kind="match_outcome", id=outcome)
        rules.check_own(role=ctx.actor.role, account=ctx.actor.id, person=row.person_id)
    return rules.Answer(
        given_by=given_by,
        agent_name=agent_name,
        agent_relation=agent_relation,
        signed=signature is not None,
        by_self=by_self,
    )


def _record(
    ctx: Context, outcome: str, said: str, answer: rules.Answer, *, signature: Upload | None, reason: str = ""
) -> AnswerRecorded:
    with ctx.writing() as session:
        row = found(session.get(MatchOutcome, outcome), kind="match_outcome", id=outcome)
        last = _check_open(session, row, said)
        written = MatchAnswer(
            id=ctx.new_id("answer", outcome),
            outcome_id=outcome,
            ordinal=last.ordinal + 1 if last else 1,
            person_id=row.person_id,
            item=row.item,
            service_id=row.service_id or "",
            resource_id=row.resource_id or "",
            answer=said,
            given_by=answer.given_by,
            agent_sealed=ctx.services.vault.seal(answer.agent_name) if answer.agent_name else None,
            agent_relation=answer.agent_relation,
            reason_sealed=ctx.services.vault.seal(reason) if reason else None,
            document_id=_file(session, ctx, signature) if signature else None,
            answered_on=ctx.as_of,
        )
        session.add(written)
        events.append(
            session,
            ctx,
            stream_kind=STREAM,
            stream_id=row.run_id,
            type=f"matching.{said}",
            payload={
                "answer_id": written.id,
                "outcome_id": outcome,
                "person_id": row.person_id,
                "service_id": written.service_id,
                "given_by": answer.given_by,
                "document_id": written.document_id,
            },
        )
        return AnswerRecorded(id=written.id, outcome=outcome, answer=said, ordinal=written.ordinal)


def _check_open(session: Session, row: MatchOutcome, said: str) -> MatchAnswer | None:
    """Refuse an answer that is out of turn; return the last one."""
    last = reads.last_answer(session, outcome=row.id)
    if said == rules.OFFERED_AGAIN:
        if last is None or last.answer != rules.REFUSED:
            raise Conflict("matching.not_refused", rule="SYS-ALREADY-DONE")
        return last
    run = reads.run_of(session, row.run_id)
    newest = reads.newest_run(session, survey=run.survey_id)
    rules.check_offered(reason=row.reason, newest=newest is not None and newest.id == run.id)
    if last is not None and last.answer == said:
        raise Conflict("matching.answered", rule="SYS-ALREADY-DONE", facts={"on": last.answered_on.isoformat()})
    return last


def _file(session: Session, ctx: Context, signature: Upload) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=signature,
        project_id=None,
        stage=STAGE,
        kind="service_confirmation",
        title=sentence("matching.confirmation_title", {"on": ctx.as_of.isoformat()}),
        issuer=ROLE_NAMES[ctx.actor.role],
    ).id


def check_before_service(ctx: Context, *, policy: Policy, served: Iterable[tuple[str, str, date]]) -> None:
    """Refuse services to (person, item) that stood unconfirmed on the day of service, where that must come first.

    Raises ``Refusal`` ``matching.not_confirmed`` (FZ-32).
    """
    if not is_binding(policy=policy, rule="FZ-32"):
        return
    with ctx.reading() as session:
        count = reads.unconfirmed(session, served=set(served))
    rules.check_confirmed(unconfirmed=count, policy=policy)
