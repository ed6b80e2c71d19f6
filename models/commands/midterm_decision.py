"""The command that makes a midterm disposition take effect (S14): decided again, money and recipients handed over.

The body that decided the project decides again, after hearing departments and locality (ZY-104). A project ends only
when everybody it serves has somebody else. Money moves through ``commands.ledger`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import events, midterm_money, project_papers, succession, transition, work
from models.commands.contract import release
from models.commands.ledger import Amount, locked, move
from models.commands.midterm import DECIDE, STAGE, authority_of
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.bodies import acting_body
from models.queries.decision import shares_of
from models.queries.delivery import contracts_in
from models.queries.ledger import balance
from models.queries.midterm import decision_on, newest_assessment, unowned
from models.queries.monitoring import contractor_names
from models.queries.papers import facts, head
from models.queries.reader import project_of
from models.rules import lifecycle
from models.rules import midterm as rules
from models.rules.decision_records import check_enterprise
from models.rules.funding import Account
from models.rules.lifecycle import Thing
from models.rules.midterm import ENDING, Disposition
from models.tables.contract import Contract
from models.tables.delivery import DeliveryReferral
from models.tables.funding import PlanLine
from models.tables.kernel import Project
from models.tables.midterm import MidtermAssessment, MidtermDecision

_ALIVE: Final = ("signed", "running")
_SUCCESSORS: Final = ("approved", "planned", "in_progress")
_OPEN_LINES: Final = ("drafted", "signed", "issued", "paid")
_DECIDERS: Final = (*CIVIL_AFFAIRS, Role.COUNTY_GOVERNMENT, Role.DRC, Role.FINANCE_BUREAU, Role.DONOR)
_SOURCES: Final = ("midterm.decide",)


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Heard(_Given):
    """A body that was heard: a department concerned, or the locality."""

    kind: Annotated[Literal["department", "locality"], Field(description="有关部门(department)或者属地(locality)")]
    body: Annotated[str, Field(min_length=2, max_length=80, description="单位")]
    opinion: Annotated[str, Field(min_length=2, max_length=500, description="意见")]


class Demand(_Given):
    """What of the money paid under a plan line and contract has to be got back."""

    plan_line: Annotated[str, Field(description="投资计划行编号")]
    contract: Annotated[str, Field(description="合同编号")]
    amount: Annotated[Amount, Field(description="应追回金额")]


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


@command("midterm.decide", roles=_DECIDERS, clause="ZY-104")
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
    _check_decider(session, ctx, project, policy)
    rules.check_consulted(kinds={one.kind for one in case.consulted}, policy=policy)
    _check_successor(session, ctx, project, disposition, case, policy)
    _check_demands(session, project, case.recover)
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
        demanded=[
            {"plan_line": one.plan_line, "contract": one.contract, "amount_fen": one.amount.fen} for one in case.recover
        ],
        decided_on=ctx.as_of,
        policy_digest=policy.digest,
        document_id="",
    )


def _check_decider(session: Session, ctx: Context, project: Project, policy: Policy) -> None:
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
        team = other is not None and contracts_in(session, project=other.id, states=_ALIVE) > 0
        left = len(unowned(session, project.id))
        rules.check_owned(unowned=left, successor=other is not None, team=team, policy=policy)


def _check_demands(session: Session, project: Project, demands: tuple[Demand, ...]) -> None:
    """Refuse to demand back more than was paid (``midterm.over_demand``, SYS-BALANCE)."""
    for one in demands:
        paid = balance(
            session, account=Account.PAID, project=project.id, plan_line=one.plan_line, contract=one.contract
        )
        rules.check_demand(amount=one.amount, paid=paid)


def _take_effect(session: Session, ctx: Context, project: Project, decided: MidtermDecision) -> None:
    """Do what was decided, then move the project and tell it in one event."""
    disposition = Disposition(decided.disposition)
    if disposition in ENDING:
        _hand_over_people(session, ctx, project, decided)
        _end_contracts(session, ctx, project, decided)
        _close_lines(session, ctx, project, decided)
        succession.found(session, ctx, project=project.id)
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
        "demanded_fen": sum(one["amount_fen"] for one in decided.demanded),
        "recipients": decided.recipients,
        "document_id": decided.document_id,
    }
    if disposition is Disposition.CONTINUE and project.state == "in_progress":
        event = events.on_project(session, ctx, project.id, "midterm.continued", payload)
    else:
        event = transition.apply(session, ctx, project, payload=payload, outcome=disposition)
    if disposition in ENDING:
        midterm_money.settle_budgets(session, ctx, event, project, decided)
    midterm_money.open_demands(session, ctx, decided)
    session.add(decided)


def _hand_over_people(session: Session, ctx: Context, project: Project, decided: MidtermDecision) -> None:
    """Refer everybody who is nobody's yet to the team of the successor."""
    people = sorted(unowned(session, project.id))
    if not people or decided.successor_id is None:
        return
    referral = DeliveryReferral(
        id=ctx.new_id("ref", project.id, "midterm"),
        project_id=project.id,
        from_unit="、".join(contractor_names(session, project=project.id)),
        to_unit="、".join(contractor_names(session, project=decided.successor_id)),
        reason_sealed=ctx.services.vault.seal(sentence("midterm.referral_reason")),
        person_ids=people,
        persons=len(people),
        referred_on=ctx.as_of,
    )
    session.add(referral)
    decided.recipients = len(people)
    payload = {"referral_id": referral.id, "persons": len(people), "successor_id": decided.successor_id}
    events.on_project(session, ctx, project.id, "delivery.referred", payload)


def _end_contracts(session: Session, ctx: Context, project: Project, decided: MidtermDecision) -> None:
    """Terminate what still runs; what was committed and not paid goes back to the plan lines."""
    statement = select(Contract).where(col(Contract.project_id) == project.id, col(Contract.state).in_(_ALIVE))
    for row in session.exec(statement.order_by(col(Contract.id)).with_for_update()).all():
        row.terminated_on, row.termination_reason = ctx.as_of, sentence("midterm.termination_reason")
        session.add(row)
        event = transition.apply(session, ctx, row, payload={"terminated_on": ctx.as_of.isoformat()})
        release(session, ctx, event, row)
        decided.contracts += 1


def _close_lines(session: Session, ctx: Context, project: Project, decided: MidtermDecision) -> None:
    """Close every plan line on which no contract has a claim left: reserved or planned → remaining."""
    statement = select(PlanLine).where(col(PlanLine.project_id) == project.id, col(PlanLine.state).in_(_OPEN_LINES))
    for line in session.exec(statement.order_by(col(PlanLine.id)).with_for_update()).all():
        if balance(session, account=Account.COMMITTED, plan_line=line.id):
            continue
        held = {
            account: balance(session, account=account, plan_line=line.id)
            for account in (Account.RESERVED, Account.PLANNED)
        }
        returned = Money.total(held.values())
        event = transition.apply(session, ctx, line, payload={"returned_fen": returned.fen})
        for account, amount in held.items():
            move(session, ctx, event=event, line=line, source=account, target=Account.REMAINING, amount=amount)
        decided.released_fen += returned.fen


def _view(session: Session, ctx: Context, project: Project, decided: MidtermDecision) -> dict[str, Any]:
    policy = ctx.policy(region=project.region)
    sheet = project_papers.sheet(session, ctx, project, sources=_SOURCES)
    assessed = session.get_one(MidtermAssessment, decided.assessment_id)
    names = policy.midterm.dispositions or {}
    lines = [
        ("recommendation", names[assessed.recommendation], "midterm.assess.recommendation"),
        ("disposition", names[decided.disposition], "midterm.decide.disposition"),
        ("meeting_no", decided.meeting_no, "midterm.decide.meeting_no"),
        ("demanded", Money(sum(one["amount_fen"] for one in decided.demanded)), "midterm.decide.recover"),
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
