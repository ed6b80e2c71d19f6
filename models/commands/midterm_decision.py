"""The command that makes a midterm disposition take effect (S14): decided again, money and recipients handed over.

The body that decided the project decides again, after hearing departments and locality (ZY-104). A project ends only
when everybody it serves has somebody else. Money moves through ``commands.ledger`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import demands, ending, events, project_papers, succession, transition, work
from models.commands.demands import Demand
from models.commands.ledger import locked
from models.commands.midterm import DECIDE, STAGE, authority_of
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.errors import Conflict
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.bodies import acting_body
from models.queries.decision import shares_of
from models.queries.midterm import decision_on, newest_assessment
from models.queries.monitoring import contractor_names
from models.queries.papers import facts, head
from models.queries.reader import project_of
from models.queries.succession import not_referred
from models.rules import lifecycle
from models.rules import midterm as rules
from models.rules.decision_records import check_enterprise
from models.rules.lifecycle import Thing
from models.rules.midterm import ENDING, Disposition
from models.rules.succession import ALIVE
from models.tables.contract import Contract
from models.tables.delivery import DeliveryReferral
from models.tables.kernel import Project
from models.tables.midterm import MidtermAssessment, MidtermDecision

_SUCCESSORS: Final = ("approved", "planned", "in_progress")
DECIDERS: Final = (*CIVIL_AFFAIRS, Role.COUNTY_GOVERNMENT, Role.DRC, Role.FINANCE_BUREAU, Role.DONOR)
_SOURCES: Final = ("midterm.decide",)


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Heard(_Given):
    """A body that was heard: a department concerned, or the locality."""

    kind: Annotated[Literal["department", "locality"], Field(description="有关部门(department)或者属地(locality)")]
    body: Annotated[str, Field(min_length=2, max_length=80, description="单位")]
    opinion: Annotated[str, Field(min_length=2, max_length=500, description="意见")]


class Redecided(BaseModel):
    """What took effect: the project's state, contracts ended, money released, money and recipients handed over."""

    model_config = ConfigDict(frozen=True)

    id: str
    disposition: Disposition
    state: str
    contracts: int
    released: Money
    handed_over: Money
    recipients: int
    document: str


@command("midterm.decide", roles=DECIDERS, clause="ZY-104")
def decide(
    ctx: Context,
    *,
    project: str,
    disposition: Annotated[str, Field(description="处置决定:STOP、DEFER、CONVERT、CONTINUE")],
    basis: Annotated[str, Field(min_length=2, max_length=2000, description="决策依据和理由")],
    consulted: Annotated[tuple[Heard, ...], Field(max_length=50, description="会商情况")],
    meeting_no: Annotated[str, Field(max_length=60, description="会议编号")] = "",
    successor: Annotated[str | None, Field(description="转入的项目")] = None,
    recover: Annotated[tuple[Demand, ...], Field(max_length=50, description="应追回的资金")] = (),
) -> Redecided:
    """Decide again on an assessed project; only now it is stopped, deferred, converted, continued or resumed.

    Stopping and converting end its contracts and plan lines: what is unspent goes back to its budget and becomes due to
    be returned, or goes with its recipients to the successor. Raises ``Refusal`` ``midterm.not_assessed``,
    ``midterm.wrong_authority``, ``midterm.not_consulted`` (ZY-104), ``midterm.disposition_unknown`` (ZY-103),
    ``midterm.plan_missing`` (ZY-105: nothing ends without its plan and loss estimate),
    ``midterm.recipients_left``, ``midterm.no_team`` (ZY-28), ``midterm.successor_missing``,
    ``midterm.successor_wrong``, ``midterm.over_demand``, ``SYS-STATE``.
    """
    case = _Case(disposition, basis, consulted, meeting_no, successor, recover)
    with ctx.reading() as session:
        row = project_of(session, project)
        decided = _decision(session, ctx, row, case)
        view = _view(session, ctx, row, decided)
    printed = project_papers.printed(ctx, kind="midterm_decision", view=view)
    with ctx.writing() as session:
        row = locked(session, Project, project, kind="project")
        decided = _decision(session, ctx, row, case)
        decided.document_id = project_papers.filed(session, ctx, project=project, stage=STAGE, printed=printed)
        session.add(decided)
        session.flush()
        demands.claim(session, ctx, recover, policy=ctx.policy(region=row.region))
        _take_effect(session, ctx, row, decided)
        work.close_item(session, ctx, kind=DECIDE, subject_id=decided.assessment_id)
        return Redecided(
            id=decided.id,
            disposition=Disposition(decided.disposition),
            state=f"project.{row.state}",
            contracts=decided.contracts,
            released=Money(decided.released_fen),
            handed_over=Money(decided.handed_fen),
            recipients=decided.recipients,
            document=decided.document_id,
        )


@dataclass(frozen=True)
class _Case:
    disposition: str
    basis: str
    consulted: tuple[Heard, ...]
    meeting_no: str
    successor: str | None
    recover: tuple[Demand, ...]


def _decision(session: Session, ctx: Context, project: Project, case: _Case) -> MidtermDecision:
    """Return the row of a re-decision that may be taken, not added yet. Raises what ``decide`` raises."""
    policy = ctx.policy(region=project.region)
    lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=project.state)
    assessed = newest_assessment(session, project.id)
    again = assessed is not None and decision_on(session, assessed.id) is not None
    rules.check_assessed(assessed=assessed is not None, decided=again, policy=policy)
    assert assessed is not None  # by the check before
    disposition = rules.check_disposition(disposition=case.disposition, analysed=True, policy=policy)
    planned = bool(assessed.restructuring)
    rules.check_plan(ending=disposition in ENDING, planned=planned, policy=policy)
    check_decider(session, ctx, project, policy)
    rules.check_consulted(kinds={one.kind for one in case.consulted}, policy=policy)
    _check_successor(session, ctx, project, disposition, case, policy)
    demanded = demands.check(session, case.recover)
    if disposition is Disposition.DEFER:  # a deferred project is not deferred again
        lifecycle.find(thing=Thing.PROJECT, command=ctx.command, state=project.state, outcome=disposition)
    return MidtermDecision(
        id=ctx.new_id("mdd", project.id),
        project_id=project.id,
        assessment_id=assessed.id,
        disposition=disposition,
        basis=case.basis,
        meeting_no=case.meeting_no,
        consulted=[one.model_dump() for one in case.consulted],
        decided_by=ctx.actor.role.value,
        successor_id=case.successor,
        demanded_fen=demanded.fen,
        decided_on=ctx.as_of,
        policy_digest=policy.digest,
        document_id="",
    )


def check_decider(session: Session, ctx: Context, project: Project, policy: Policy) -> None:
    """Refuse another body than decided the project, and another enterprise than the one that pays for it."""
    rules.check_authority(role=ctx.actor.role, authority=authority_of(session, project, policy), policy=policy)
    check_enterprise(
        shares=shares_of(session, project.id),
        payer=project.payer,
        role=ctx.actor.role,
        account=ctx.actor.id,
        policy=policy,
    )


def _check_successor(
    session: Session, ctx: Context, project: Project, disposition: Disposition, case: _Case, policy: Policy
) -> None:
    other = project_of(session, case.successor) if case.successor else None
    rules.check_successor(
        disposition=disposition,
        named=other is not None,
        other=other is not None and other.id != project.id,
        same_region=other is not None and other.region == project.region,
    )
    if other is not None:
        lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=other.state, allowed=_SUCCESSORS)
    if disposition in ENDING:
        team = other is not None and _team(session, other.id) is not None
        left = len(not_referred(session, project.id, ctx.as_of))
        rules.check_owned(unowned=left, successor=other is not None, team=team, policy=policy)


def _take_effect(session: Session, ctx: Context, project: Project, decided: MidtermDecision) -> None:
    """Do what was decided, then move the project and tell it in one event."""
    disposition = Disposition(decided.disposition)
    if disposition in ENDING:
        _hand_over_people(session, ctx, project, decided)
        policy = ctx.policy(region=project.region)
        reason = sentence("midterm.termination_reason")
        ended = ending.end(session, ctx, project, reason=reason, policy=policy)
        decided.contracts, decided.released_fen = ended.contracts, ended.released.fen
    payload = {
        "decision_id": decided.id,
        "assessment_id": decided.assessment_id,
        "disposition": decided.disposition,
        "decided_by": decided.decided_by,
        "consulted": len(decided.consulted),
        "content_digest": digest([decided.basis, decided.meeting_no, decided.consulted]),
        "successor_id": decided.successor_id,
        "contracts": decided.contracts,
        "released_fen": decided.released_fen,
        "demanded_fen": decided.demanded_fen,
        "recipients": decided.recipients,
        "document_id": decided.document_id,
    }
    if disposition is Disposition.CONTINUE and project.state == "in_progress":
        event = events.on_project(session, ctx, project.id, "midterm.continued", payload)
    else:
        event = transition.apply(session, ctx, project, payload=payload, outcome=disposition)
    if disposition in ENDING:
        decided.handed_fen = ending.settle(session, ctx, event, project, successor=decided.successor_id).fen
    session.add(decided)


def _hand_over_people(session: Session, ctx: Context, project: Project, decided: MidtermDecision) -> None:
    """Refer everybody who is nobody's yet, by name, to the team of the successor, which may serve them from now on."""
    people = sorted(not_referred(session, project.id, ctx.as_of))
    team = _team(session, decided.successor_id)
    if not people or team is None:
        return
    session.refresh(team, with_for_update=True)
    if team.state not in ALIVE:  # ended meanwhile
        raise Conflict("kernel.changed_meanwhile", rule="SYS-CONFLICT")
    referral = DeliveryReferral(
        id=ctx.new_id("ref", project.id, "midterm"),
        project_id=project.id,
        from_unit="、".join(contractor_names(session, project=project.id)),
        to_unit="、".join(contractor_names(session, project=team.project_id)),
        reason_sealed=ctx.services.vault.seal(sentence("midterm.referral_reason")),
        person_ids=people,
        persons=len(people),
        referred_on=ctx.as_of,
        whole=True,
    )
    session.add(referral)
    session.flush()
    succession.refer(session, ctx, referral)
    succession.admit(session, ctx, team, people, since=project.id)
    decided.recipients = len(people)
    payload = {"referral_id": referral.id, "persons": len(people), "successor_id": decided.successor_id}
    events.on_project(session, ctx, project.id, "delivery.referred", payload)


def _team(session: Session, project: str | None) -> Contract | None:
    """Return the contract whose team serves for a project: one that runs before one only signed, the last one first."""
    rows = session.exec(
        select(Contract)
        .where(col(Contract.project_id) == project, col(Contract.state).in_(ALIVE))
        .order_by(col(Contract.state), col(Contract.signed_on).desc(), col(Contract.id))
    )
    return rows.first()


def _view(session: Session, ctx: Context, project: Project, decided: MidtermDecision) -> dict[str, Any]:
    policy = ctx.policy(region=project.region)
    sheet = project_papers.sheet(session, ctx, project, sources=_SOURCES)
    assessed = session.get_one(MidtermAssessment, decided.assessment_id)
    names = policy.midterm.dispositions or {}
    lines = [
        ("recommendation", names[assessed.recommendation], "midterm.assess.recommendation"),
        ("disposition", names[decided.disposition], "midterm.decide.disposition"),
        ("meeting_no", decided.meeting_no, "midterm.decide.meeting_no"),
        ("demanded", Money(decided.demanded_fen), "midterm.decide.recover"),
    ]
    if decided.successor_id:
        successor = project_of(session, decided.successor_id).name
        lines.append(("successor", successor, "midterm.decide.successor"))
    heard = [sentence("midterm.paper.heard_line", one) for one in decided.consulted]
    return {
        **head(
            sheet=sheet,
            title="midterm.paper.decision_title",
            issuer=acting_body(session, role=ctx.actor.role, policy=policy, project=project.id),
        ),
        "facts": facts(sheet=sheet, stage=STAGE, lines=lines),
        "body": [
            {"level": "h1", "text": sentence("midterm.paper.basis")},
            decided.basis,
            {"level": "h1", "text": sentence("midterm.paper.heard")},
            *heard,
        ],
    }
