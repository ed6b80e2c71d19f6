"""Commands of satisfaction follow-ups (S13): draw a sample of the people served, take answers, close with n and %.

The seed is made within the act that uses it; roster, seed and outcome stand in a stored protocol. Answers are never
edited. Too few satisfied people open the exit procedure where the region has one (BJ-50).
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, draws, events, scheduled, work
from models.commands.draws import Seed
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict, Refusal
from models.core.hashing import canonical_json
from models.core.messages import sentence
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.delivery import is_newest
from models.queries.reader import found, project_of
from models.rules import follow_up as rules
from models.rules.delivery import percent
from models.rules.draw import Candidate, Draw, draw, protocol_of
from models.rules.masking import check_impersonal
from models.tables.contract import Contract
from models.tables.delivery import ServiceRecord
from models.tables.monitoring import FollowUp, FollowUpAnswer

KIND: Final = "monitoring.follow_up"
EXIT: Final = "monitoring.exit_procedure"
EXIT_STEP: Final = "monitoring.exit_step"
_VISITORS: Final = (*CIVIL_AFFAIRS, Role.PURCHASER, Role.TOWNSHIP, Role.VILLAGE_COMMITTEE)


class AnswerGiven(BaseModel):
    """One answer of one sampled person; what the person said in words is sealed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: Annotated[str, Field(description="服务对象编号")]
    answer: Annotated[Literal["satisfied", "unsatisfied", "unreachable"], Field(description="回访结果")]
    method: Annotated[Literal["visit", "phone", "questionnaire"], Field(description="回访方式")] = "visit"
    words: Annotated[str, Field(max_length=1000, description="对象意见(加密保存)")] = ""


class FollowUpDrawn(BaseModel):
    """The sample: how many of how many, and whom to ask (ledger ids)."""

    model_config = ConfigDict(frozen=True)

    id: str
    population: int
    sample: tuple[str, ...]
    document: str
    due_on: date


class FollowUpKept(BaseModel):
    """What is answered so far: n, how many satisfied, the share in percent of those who answered."""

    model_config = ConfigDict(frozen=True)

    id: str
    sample: int
    answered: int
    satisfied: int
    unreachable: int
    satisfied_percent: Decimal | None
    closed: bool


@command("monitoring.draw_follow_up", roles=(*CIVIL_AFFAIRS, Role.PURCHASER), clause="FZ-50")
def draw_follow_up(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    seed: Annotated[str | None, Field(min_length=1, description="抽取种子;仅演练时可填")] = None,
) -> FollowUpDrawn:
    """Draw who is asked from everybody served so far, at the rate of policy.

    Raises ``Refusal`` ``monitoring.nobody_served`` (SYS-DRAW), ``draw.seed_typed``; ``Conflict``
    ``monitoring.follow_up_open``.
    """
    if seed is not None and not ctx.services.rehearsal:
        raise Refusal("draw.seed_typed", rule="SYS-DRAW")
    draw_id = ctx.new_id("draw", project)
    with ctx.reading() as session:
        policy = ctx.policy(region=project_of(session, project).region)
        _check_none_open(session, project)
        roster = _served(session, project)
    size = rules.sample_size(population=len(roster), policy=policy)
    used = Seed(seed or ctx.services.seeds.seed(draw_id=draw_id), draw_id, None)
    none = frozenset[str]()
    drawn = draw(roster=roster, conflicts_with=none, size=size, quotas={}, seed=used.text, draw_id=draw_id)
    protocol = protocol_of(roster=roster, conflicts_with=none, size=size, quotas={}, drawn=drawn)
    stored = documents.keep(ctx, data=canonical_json(protocol), media_type="application/json")
    with ctx.writing() as session:
        _check_none_open(session, project)
        draws.commit_and_reveal(session, ctx, used, project_id=project, roster_digest=drawn.roster_digest)
        document = documents.file_upload(
            session,
            ctx,
            stored=stored,
            project_id=project,
            stage="monitoring",
            kind="draw_protocol",
            title=sentence("monitoring.follow_up.protocol"),
            issuer=policy.region_name,
        )
        row = _row(ctx, project, drawn, population=len(roster), document=document.id, policy=policy)
        session.add(row)
        session.flush()
        _owe(session, ctx, row, policy)
        _tell(session, ctx, row, "monitoring.follow_up_drawn", {"population": row.population, "sample": size})
        return FollowUpDrawn(
            id=row.id,
            population=row.population,
            sample=tuple(row.sample),
            document=row.protocol_document_id,
            due_on=row.due_on,
        )


def _row(ctx: Context, project: str, drawn: Draw, *, population: int, document: str, policy: Policy) -> FollowUp:
    return FollowUp(
        id=ctx.new_id("fup", project),
        project_id=project,
        population=population,
        sample=list(drawn.chosen),
        roster_digest=drawn.roster_digest,
        seed_commitment=drawn.seed_commitment,
        protocol_document_id=document,
        drawn_on=ctx.as_of,
        due_on=ctx.as_of + timedelta(days=policy.monitoring.follow_up_days),
    )


def _served(session: Session, project: str) -> tuple[Candidate, ...]:
    served = (col(ServiceRecord.project_id) == project, is_newest())
    people = session.exec(select(ServiceRecord.person_id).where(*served).distinct()).all()
    return tuple(Candidate(person, "person", "") for person in sorted(people))


def _check_none_open(session: Session, project: str) -> None:
    standing = select(FollowUp.id).where(col(FollowUp.project_id) == project, col(FollowUp.closed_on).is_(None))
    if session.exec(standing).first() is not None:
        raise Conflict("monitoring.follow_up_open", rule="SYS-ALREADY-DONE")


def _owe(session: Session, ctx: Context, row: FollowUp, policy: Policy) -> None:
    work.open_item(
        session,
        ctx,
        kind=KIND,
        role=Role.COUNTY_BUREAU,
        subject_kind="follow_up",
        subject_id=row.id,
        project_id=row.project_id,
        due_on=row.due_on,
        clause=policy.clause("monitoring.follow_up_days"),
        resolves_with="monitoring.record_follow_up",
    )


@command("monitoring.record_follow_up", roles=_VISITORS, clause="FZ-50")
def record_follow_up(
    ctx: Context,
    *,
    follow_up: Annotated[str, Field(description="回访编号")],
    answers: Annotated[tuple[AnswerGiven, ...], Field(min_length=1, max_length=2000, description="回访记录")],
) -> FollowUpKept:
    """Take answers of sampled people, each once; with the last one the follow-up closes and is counted.

    Raises ``Refusal`` ``monitoring.not_in_sample``, ``monitoring.asked_twice`` (SYS-DRAW); ``Conflict``
    ``monitoring.follow_up_closed``.
    """
    with ctx.writing() as session:
        row = found(session.get(FollowUp, follow_up, with_for_update=True), kind="follow_up", id=follow_up)
        if row.closed_on is not None:
            raise Conflict("monitoring.follow_up_closed", rule="SYS-ALREADY-DONE")
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        of_this = select(FollowUpAnswer.person_id).where(col(FollowUpAnswer.follow_up_id) == row.id)
        before = set(session.exec(of_this).all())
        asked = [one.person for one in answers]
        rules.check_sampled(asked=asked, sample=row.sample, before=before)
        session.add_all(
            FollowUpAnswer(
                id=ctx.new_id("fua", row.id, one.person),
                follow_up_id=row.id,
                person_id=one.person,
                answer=one.answer,
                method=one.method,
                words_sealed=ctx.services.vault.seal(one.words) if one.words else "",
                answered_on=ctx.as_of,
            )
            for one in answers
        )
        row.satisfied += sum(one.answer == "satisfied" for one in answers)
        row.unreachable += sum(one.answer == "unreachable" for one in answers)
        row.answered += sum(one.answer != "unreachable" for one in answers)
        if len(before) + len(asked) == len(row.sample):
            _close(session, ctx, row, policy)
        session.add(row)
        session.flush()
        counts = {"answered": row.answered, "satisfied": row.satisfied, "unreachable": row.unreachable}
        _tell(session, ctx, row, "monitoring.followed_up", {**counts, "closed": row.closed_on is not None})
        scheduled.settle(session, ctx, project=row.project_id)
        return FollowUpKept(
            id=row.id,
            sample=len(row.sample),
            **counts,
            satisfied_percent=percent(part=row.satisfied, whole=row.answered),
            closed=row.closed_on is not None,
        )


def _close(session: Session, ctx: Context, row: FollowUp, policy: Policy) -> None:
    row.closed_on = ctx.as_of
    work.close_item(session, ctx, kind=KIND, subject_id=row.id)
    rule = rules.exit_rule(answered=row.answered, satisfied=row.satisfied, policy=policy)
    if rule is None:
        return
    work.open_item(
        session,
        ctx,
        kind=EXIT,
        role=Role.PURCHASER,
        subject_kind="follow_up",
        subject_id=row.id,
        project_id=row.project_id,
        due_on=ctx.as_of + timedelta(days=policy.monitoring.rectification_days),
        clause=rule,
        resolves_with="monitoring.decide_exit",
        note=sentence("monitoring.exit.note", {"percent": percent(part=row.satisfied, whole=row.answered)}),
    )


@command("monitoring.decide_exit", roles=(Role.PURCHASER, *CIVIL_AFFAIRS), clause="BJ-50")
def decide_exit(
    ctx: Context,
    *,
    follow_up: Annotated[str, Field(description="引起退出程序的回访编号")],
    outcome: Annotated[Literal["exit", "rectify", "keep"], Field(description="处理:退出、限期整改、继续")],
    reason: Annotated[str, Field(min_length=4, max_length=500, description="理由(不写个人信息)")],
) -> FollowUpKept:
    """Answer the exit procedure a poor result opened: exit (end the contract), rectify (an order), or keep, with why.

    What was decided is owed from then on, until the contract is ended or the order given. Raises ``Refusal``
    ``monitoring.no_exit_procedure`` (BJ-50); ``Conflict`` ``monitoring.exit_decided``.
    A reason with a personal number in it is refused (``kernel.reason_names_person``).
    """
    check_impersonal(reason=reason)
    with ctx.writing() as session:
        row = found(session.get(FollowUp, follow_up, with_for_update=True), kind="follow_up", id=follow_up)
        policy = ctx.policy(region=project_of(session, row.project_id).region)
        rule = rules.exit_rule(answered=row.answered, satisfied=row.satisfied, policy=policy)
        if row.closed_on is None or rule is None:
            raise Refusal("monitoring.no_exit_procedure", rule="SYS-EXIT")
        if row.exit_decided_on is not None:
            facts = {"on": row.exit_decided_on.isoformat()}
            raise Conflict("monitoring.exit_decided", rule="SYS-ALREADY-DONE", facts=facts)
        row.exit_outcome, row.exit_reason, row.exit_decided_on = outcome, reason, ctx.as_of
        session.add(row)
        work.close_item(session, ctx, kind=EXIT, subject_id=row.id)
        _owe_step(session, ctx, row, rule, policy)
        _tell(session, ctx, row, "monitoring.exit_decided", {"outcome": outcome, "rule": rule})
        return FollowUpKept(
            id=row.id,
            sample=len(row.sample),
            answered=row.answered,
            satisfied=row.satisfied,
            unreachable=row.unreachable,
            satisfied_percent=percent(part=row.satisfied, whole=row.answered),
            closed=True,
        )


def _owe_step(session: Session, ctx: Context, row: FollowUp, rule: str, policy: Policy) -> None:
    """Owe what was decided: the end of each contract that still stands, or an order to rectify."""
    subjects = {"rectify": [("follow_up", row.id)], "exit": _standing(session, row.project_id)}
    for kind, subject in subjects.get(row.exit_outcome, []):
        work.open_item(
            session,
            ctx,
            kind=EXIT_STEP,
            role=Role.PURCHASER,
            subject_kind=kind,
            subject_id=subject,
            project_id=row.project_id,
            due_on=ctx.as_of + timedelta(days=policy.monitoring.rectification_days),
            clause=rule,
            resolves_with="contract.terminate" if kind == "contract" else "monitoring.order_rectification",
        )


def _standing(session: Session, project: str) -> list[tuple[str, str]]:
    of_project = (col(Contract.project_id) == project, col(Contract.state).in_(("signed", "running")))
    rows = session.exec(select(Contract.id).where(*of_project).order_by(col(Contract.id))).all()
    return [("contract", contract) for contract in rows]


def order_given(session: Session, ctx: Context, *, project: str) -> None:
    """Close what the exit procedure of a project owes in orders to rectify; called when one is given."""
    decided = select(FollowUp.id).where(col(FollowUp.project_id) == project, col(FollowUp.exit_outcome) == "rectify")
    for follow_up in session.exec(decided).all():
        work.close_item(session, ctx, kind=EXIT_STEP, subject_id=follow_up)


def _tell(session: Session, ctx: Context, row: FollowUp, type_: str, payload: dict[str, Any]) -> None:
    events.on_project(session, ctx, row.project_id, type_, {"follow_up": row.id, **payload})
