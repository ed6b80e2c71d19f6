"""The command of decision (S07): who may decide does, the opinion is printed, a rejected applicant is told why.

The approval is in ``decision_approval``, what a decision rests on in ``decision_records``. The reasons of a
decision stay in its row; events hold roles, dates, numbers, amounts and digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, project_papers, transition, work
from models.context import Context
from models.core.actors import Role
from models.core.hashing import digest
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.bodies import acting_body
from models.queries.decision import (
    DECISION_SOURCES,
    acts_since_voided,
    applied_amounts,
    enterprise_of,
    meeting_of,
    newest_decision,
    opinion_view,
    rejection_view,
    shares_of,
)
from models.queries.feasibility_set import decision_standing
from models.queries.publicity import notices_of
from models.queries.reader import project_of
from models.queries.review import applicant_of
from models.rules import decision as rules
from models.rules import decision_records as records
from models.rules import lifecycle
from models.rules.force import binding
from models.rules.lifecycle import Thing
from models.tables.decision import Decision
from models.tables.kernel import Project
from models.tables.review import ReviewRound

_STAGE: Final = "decision"
_AFTER_REVIEW: Final = ("reviewed", "on_publicity", "objection")
_DECIDERS: Final = (
    Role.EVALUATION_OFFICE,
    Role.CITY_BUREAU,
    Role.COUNTY_BUREAU,
    Role.COUNTY_GOVERNMENT,
    Role.DRC,
    Role.FINANCE_BUREAU,
    Role.DONOR,
)
MEETING_RECORD: Final = "decision.meeting_record"
"""The work item that asks for the record of a meeting a decision names (ZY-11); its subject is ``meeting_subject``."""


class OverridingRule(BaseModel):
    """A national or provincial rule that says otherwise who decides (ZY-74), as it is cited."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Annotated[Literal["national", "provincial"], Field(description="国家规定或者省级规定")]
    title: Annotated[str, Field(max_length=200, description="规定名称")] = ""
    number: Annotated[str, Field(max_length=60, description="文号")] = ""
    article: Annotated[str, Field(max_length=60, description="条款")] = ""

    @property
    def text(self) -> str:
        """The citation as it is printed."""
        number = f"（{self.number.strip()}）" if self.number.strip() else ""
        return f"《{self.title.strip().strip('《》')}》{number}{self.article.strip()}"


class Decided(BaseModel):
    """The decision opinion: whose authority it rests on, the project's new state, the papers' documents.

    ``notice`` is the document of the notice to a rejected applicant.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    outcome: str
    authority: str
    state: str
    document: str
    notice: str | None = None


@command("decision.decide", roles=_DECIDERS, clause="ZY-71")
def decide(
    ctx: Context,
    *,
    project: str,
    outcome: Annotated[Literal["positive", "negative"], Field(description="决策结果")],
    basis: Annotated[str, Field(min_length=2, description="决策依据和理由")],
    meeting_no: Annotated[str, Field(max_length=60, description="会议编号")],
    override_citation: Annotated[OverridingRule | None, Field(description="国家或者省另有决策规定的,其出处")] = None,
    report: Annotated[Upload | None, Field(description="可行性研究报告")] = None,
    opinion: Annotated[Upload | None, Field(description="审查意见")] = None,
    opinion_issuer: Annotated[Role | None, Field(description="审查意见出具机关")] = None,
    formalities: Annotated[Upload | None, Field(description="法定手续资料")] = None,
) -> Decided:
    """Decide on a project after its publicity, by the body the payer class asks for.

    The decision set is on file before (``feasibility.*``); copies handed in with the decision are filed, and do not
    stand in for it. A negative decision also prints the notice to the applicant. Raises ``Refusal``
    ``decision.publicity_open`` and ``decision.before_publicity_end`` (ZY-24), ``decision.wrong_authority`` (ZY-71 to
    ZY-73; a cited rule lifts this one only, and never for an enterprise), ``decision.review_negative``,
    ``decision.override_uncited`` (ZY-74), ``decision.shares_missing`` and ``decision.other_enterprise`` (ZY-72, ZY-73),
    ``decision.feasibility_missing`` (HS-12, HS-23), ``decision.opinion_issuer`` (ZY-67), ``decision.set_incomplete``
    (ZY-69), ``SYS-STATE``.
    """
    given = {
        rules.SET_KINDS[part]: file
        for part, file in (("report", report), ("opinion", opinion), ("formalities", formalities))
        if file is not None
    }
    case = _Case(outcome, basis, meeting_no, override_citation, opinion is not None, opinion_issuer)
    with ctx.reading() as session:
        row = project_of(session, project)
        intended = _decision(session, ctx, row, case)
        view = _opinion(session, ctx, row, intended)
        told = None if outcome == rules.POSITIVE else _rejection(session, ctx, row, intended, issuer=view["issuer"])
    opinion_paper = project_papers.printed(ctx, kind="decision_opinion", view=view)
    notice = project_papers.printed(ctx, kind="rejection_notice", view=told) if told else None
    with ctx.writing() as session:
        row = project_of(session, project)
        decision = _decision(session, ctx, row, case)
        _file_set(session, ctx, row, given, opinion_issuer=opinion_issuer)
        decision.document_id = project_papers.filed(session, ctx, project=project, stage=_STAGE, printed=opinion_paper)
        notice_id = (
            project_papers.filed(session, ctx, project=project, stage=_STAGE, printed=notice) if notice else None
        )
        session.add(decision)
        session.flush()
        transition.apply(session, ctx, row, payload=_decided(decision), outcome=outcome)
        _await_meeting(session, ctx, row, decision)
        return Decided(
            id=decision.id,
            outcome=outcome,
            authority=decision.authority,
            state=f"project.{row.state}",
            document=decision.document_id,
            notice=notice_id,
        )


@dataclass(frozen=True)
class _Case:
    """What is to be decided: the outcome and its words, and whether a county opinion came with it, and whose."""

    outcome: str
    basis: str
    meeting_no: str
    override: OverridingRule | None
    with_opinion: bool
    opinion_issuer: Role | None


def _decision(session: Session, ctx: Context, project: Project, case: _Case) -> Decision:
    """Return the row of a decision that may be taken, not added yet. Raises what ``decide`` raises."""
    policy = ctx.policy(region=project.region)
    passed = _check_reviewed(session, ctx, project)
    lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=project.state)
    if case.override is not None:
        rules.check_citation(title=case.override.title, article=case.override.article, policy=policy)
    citation = case.override.text if case.override else ""
    authority = rules.check_authority(
        role=ctx.actor.role, payer=project.payer, override_citation=citation, policy=policy
    )
    _check_payers(session, ctx, project, policy=policy, positive=case.outcome == rules.POSITIVE)
    rules.check_review(outcome=case.outcome, passed=passed, policy=policy)
    if case.with_opinion:
        rules.check_opinion_issuer(issuer=case.opinion_issuer, policy=policy)
    if case.outcome == rules.POSITIVE:
        rules.check_feasibility(events=acts_since_voided(session, project.id), policy=policy)
        held = decision_standing(session, project, policy=policy, on=ctx.as_of)
        rules.check_set(kinds=held.kinds, reasons=held.reasons, policy=policy)
    previous = newest_decision(session, project.id)
    return Decision(
        id=ctx.new_id("dec"),
        project_id=project.id,
        ordinal=previous.ordinal + 1 if previous else 1,
        outcome=case.outcome,
        payer=project.payer,
        authority=authority,
        decided_by=ctx.actor.role.value,
        basis=case.basis,
        meeting_no=case.meeting_no,
        override_citation=citation or None,
        override_level=case.override.level if case.override else None,
        decided_on=ctx.as_of,
        policy_digest=policy.digest,
    )


def _check_payers(session: Session, ctx: Context, project: Project, *, policy: Policy, positive: bool) -> None:
    """The enterprise decides on its own project (ZY-72); shares are on record and are what was applied for (ZY-73)."""
    shares = shares_of(session, project.id)
    records.check_enterprise(
        shares=shares, payer=project.payer, role=ctx.actor.role, account=ctx.actor.id, policy=policy
    )
    if positive or project.payer == records.ENTERPRISE:
        records.check_shares_recorded(shares=shares, payer=project.payer, policy=policy)
    if positive and shares:
        applied = applied_amounts(session, project_id=project.id, policy=policy)
        records.check_shares(shares=shares, payer=project.payer, applied=applied, policy=policy)


def meeting_subject(*, region: str, meeting_no: str, project: str) -> str:
    """Return what the work item of a meeting's record is about: the meeting, or the project when it bears no number."""
    return f"{region}/{meeting_no.strip()}" if meeting_no.strip() else project


def _await_meeting(session: Session, ctx: Context, project: Project, decision: Decision) -> None:
    """Ask for the record of the mechanism's meeting that is not there yet; an enterprise decides by itself (ZY-72)."""
    policy = ctx.policy(region=project.region)
    rule = binding(policy=policy, rules=("ZY-11",))
    if not rule or project.payer == records.ENTERPRISE or meeting_of(session, project.region, decision.meeting_no):
        return
    work.open_item(
        session,
        ctx,
        kind=MEETING_RECORD,
        role=Role(policy.decision.meeting_chair),
        subject_kind="meeting",
        subject_id=meeting_subject(region=project.region, meeting_no=decision.meeting_no, project=project.id),
        project_id=project.id,
        due_on=ctx.as_of,
        clause=rule,
        resolves_with="decision.record_meeting",
    )


def _rejection(session: Session, ctx: Context, project: Project, decision: Decision, *, issuer: str) -> dict[str, Any]:
    return rejection_view(
        sheet=project_papers.sheet(session, ctx, project, sources=DECISION_SOURCES),
        decision=decision,
        issuer=issuer,
        addressee=applicant_of(session, project.id),
        policy=ctx.policy(region=project.region),
    )


def _opinion(session: Session, ctx: Context, project: Project, decision: Decision) -> dict[str, Any]:
    policy = ctx.policy(region=project.region)
    notices = notices_of(session, project.id)
    shares = shares_of(session, project.id)
    issuer = acting_body(session, role=ctx.actor.role, policy=policy, project=project.id)
    return opinion_view(
        sheet=project_papers.sheet(session, ctx, project, sources=DECISION_SOURCES),
        policy=policy,
        decision=decision,
        issuer=(enterprise_of(shares) if ctx.actor.role is Role.DONOR else None) or issuer,
        review=session.get_one(ReviewRound, notices[-1].round_id) if notices else None,
        notice=notices[-1] if notices else None,
        amounts=applied_amounts(session, project_id=project.id, policy=policy),
        shares=shares,
    )


def _decided(decision: Decision) -> dict[str, Any]:
    content = [decision.basis, decision.meeting_no, decision.override_citation]
    return {
        "decision_id": decision.id,
        "outcome": decision.outcome,
        "payer": decision.payer,
        "authority": decision.authority,
        "decided_by": decision.decided_by,
        "override": decision.override_citation is not None,
        "content_digest": digest(content),
        "decision_policy_digest": decision.policy_digest,
        "document_id": decision.document_id,
    }


def _check_reviewed(session: Session, ctx: Context, project: Project) -> bool:
    """Check the publicity of a reviewed project and return whether the experts let it pass."""
    notices = notices_of(session, project.id)
    if project.state in _AFTER_REVIEW:
        policy = ctx.policy(region=project.region)
        rules.check_publicity(
            result=notices[-1].result if notices else None,
            closed_on=notices[-1].closed_on if notices else None,
            on=ctx.as_of,
            policy=policy,
        )
    return bool(notices and session.get_one(ReviewRound, notices[-1].round_id).passed)


def _file_set(
    session: Session, ctx: Context, project: Project, given: Mapping[str, Upload], *, opinion_issuer: Role | None
) -> None:
    for kind, file in given.items():
        issuer = opinion_issuer if kind == rules.SET_KINDS["opinion"] and opinion_issuer else ctx.actor.role
        documents.file_upload(
            session,
            ctx,
            stored=file,
            project_id=project.id,
            stage="decision",
            kind=kind,
            title=sentence("decision.set.title", {"project": project.name, "part": sentence(f"decision.set.{kind}")}),
            issuer=acting_body(session, role=issuer, policy=ctx.policy(region=project.region), project=project.id),
        )
