"""Commands of decision and approval (S07, S08): the decision opinion, and the numbered approval document.

The reasons of a decision stay in its row; events hold roles, dates, numbers, amounts and digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.commands import documents, register, transition
from models.context import Context
from models.core.actors import ROLE_NAMES, Role
from models.core.hashing import digest
from models.core.identifiers import DocumentNumber
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.decision import (
    applied_amounts,
    approval_view,
    document_kinds,
    event_types,
    newest_decision,
)
from models.queries.provenance import marks
from models.queries.publicity import notices_of
from models.queries.reader import found, project_of
from models.rules import decision as rules
from models.rules import lifecycle
from models.rules.lifecycle import Thing
from models.tables.decision import Approval, Decision
from models.tables.kernel import Project
from models.tables.review import ReviewRound

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
_APPROVERS: Final = (Role.EVALUATION_OFFICE, Role.CITY_BUREAU, Role.COUNTY_BUREAU)
AuthorityCode = Annotated[str, Field(pattern=r"^[\u4e00-\u9fa5]{2,10}$", description="发文机关代字")]


class Decided(BaseModel):
    """The decision opinion: whose authority it rests on, and the project's new state."""

    model_config = ConfigDict(frozen=True)

    id: str
    outcome: str
    authority: str
    state: str


class Approved(BaseModel):
    """The approval: its number, the approved total (``None`` where nothing states it), the paper's document."""

    model_config = ConfigDict(frozen=True)

    id: str
    doc_no: str
    total: Money | None
    document: str
    state: str


@command("decision.decide", roles=_DECIDERS, clause="ZY-71")
def decide(
    ctx: Context,
    *,
    project: str,
    outcome: Annotated[Literal["positive", "negative"], Field(description="决策结果")],
    basis: Annotated[str, Field(min_length=2, description="决策依据和理由")],
    meeting_no: Annotated[str, Field(max_length=60, description="会议编号")],
    override_citation: Annotated[str, Field(max_length=300, description="国家或者省另有规定的,其名称和条款")] = "",
    report: Annotated[Upload | None, Field(description="可行性研究报告")] = None,
    opinion: Annotated[Upload | None, Field(description="审查意见")] = None,
    opinion_issuer: Annotated[Role | None, Field(description="审查意见出具机关")] = None,
    formalities: Annotated[Upload | None, Field(description="法定手续资料")] = None,
) -> Decided:
    """Decide on a project after its publicity, by the body the payer class asks for.

    The decision set may be handed in with the decision and is filed with it. Raises ``Refusal``
    ``decision.publicity_open`` (ZY-24), ``decision.wrong_authority`` (ZY-71 to ZY-74), ``decision.review_negative``,
    ``decision.feasibility_missing`` (HS-12, HS-23), ``decision.opinion_issuer`` (ZY-67), ``decision.set_incomplete``
    (ZY-69), ``SYS-STATE``.
    """
    given = {
        rules.SET_KINDS[part]: file
        for part, file in (("report", report), ("opinion", opinion), ("formalities", formalities))
        if file is not None
    }
    with ctx.writing() as session:
        row = project_of(session, project)
        policy = ctx.policy(region=row.region)
        passed = _check_reviewed(session, ctx, row)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        authority = rules.check_authority(
            role=ctx.actor.role, payer=row.payer, override_citation=override_citation, policy=policy
        )
        rules.check_review(outcome=outcome, passed=passed, policy=policy)
        if opinion is not None:
            rules.check_opinion_issuer(issuer=opinion_issuer, policy=policy)
        if outcome == rules.POSITIVE:
            rules.check_feasibility(events=event_types(session, project), policy=policy)
            rules.check_set(kinds=document_kinds(session, project) | set(given), policy=policy)
        _file_set(session, ctx, row, given, opinion_issuer=opinion_issuer)
        decision = _decision(session, ctx, row, outcome=outcome, authority=authority, policy=policy)
        decision.basis, decision.meeting_no = basis, meeting_no
        decision.override_citation = override_citation.strip() or None
        session.add(decision)
        session.flush()
        transition.apply(session, ctx, row, payload=_decided(decision), outcome=outcome)
        return Decided(id=decision.id, outcome=outcome, authority=authority, state=f"project.{row.state}")


def _decision(
    session: Session, ctx: Context, project: Project, *, outcome: str, authority: str, policy: Policy
) -> Decision:
    previous = newest_decision(session, project.id)
    return Decision(
        id=ctx.new_id("dec"),
        project_id=project.id,
        ordinal=previous.ordinal + 1 if previous else 1,
        outcome=outcome,
        payer=project.payer,
        authority=authority,
        decided_by=ctx.actor.role.value,
        basis="",
        meeting_no="",
        decided_on=ctx.as_of,
        policy_digest=policy.digest,
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
    }


def _check_reviewed(session: Session, ctx: Context, project: Project) -> bool:
    """Check the publicity of a reviewed project and return whether the experts let it pass."""
    notices = notices_of(session, project.id)
    if project.state in _AFTER_REVIEW:
        policy = ctx.policy(region=project.region)
        rules.check_publicity(result=notices[-1].result if notices else None, policy=policy)
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
            issuer=ROLE_NAMES[issuer],
        )


@command("decision.approve", roles=_APPROVERS, clause="ZY-70")
def approve(
    ctx: Context,
    *,
    project: str,
    conditions: Annotated[tuple[str, ...], Field(description="批准条件")] = (),
    authority_code: AuthorityCode | None = None,
) -> Approved:
    """Issue the numbered approval document of a project with a positive decision.

    The amounts are those applied for, channel by channel. Without ``authority_code`` the number bears the catalogue's.
    Raises ``Refusal`` ``decision.wrong_approver`` (ZY-70), ``decision.after_approval`` (ZY-71), ``SYS-STATE``;
    ``Conflict`` when the number was taken meanwhile.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        policy = ctx.policy(region=row.region)
        decision = found(newest_decision(session, project), kind="decision", id=project)
        decision_id = decision.id
        rules.check_approval(role=ctx.actor.role, decided_on=decision.decided_on, approved_on=ctx.as_of, policy=policy)
        code = authority_code or sentence(f"decision.authority_code.{policy.decision.approval_issuer}")
        number = register.upcoming(session, authority=code, year=ctx.as_of.year)
        amounts = applied_amounts(session, project_id=project, policy=policy)
        view = approval_view(
            session,
            project=row,
            decided=decision,
            doc_no=str(number),
            conditions=conditions,
            amounts=amounts,
            policy=policy,
            marks=marks(session, project, pending=ctx.synthetic, command=ctx.command),
            as_of=ctx.as_of,
            rehearsal=ctx.services.rehearsal,
        )
    paper = documents.render(ctx, kind="approval_document", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        approval = Approval(
            id=ctx.new_id("apr"),
            project_id=project,
            decision_id=decision_id,
            doc_no=str(number),
            conditions=list(conditions),
            amounts={channel: amount.fen for channel, amount in amounts.items()},
            total_fen=Money.total(amounts.values()).fen if amounts else None,
            document_id="",
            approved_on=ctx.as_of,
            policy_digest=policy.digest,
        )
        return _issue(session, ctx, approval, number=number, paper=paper, view=view)


def _issue(
    session: Session,
    ctx: Context,
    approval: Approval,
    *,
    number: DocumentNumber,
    paper: documents.Paper,
    view: Mapping[str, Any],
) -> Approved:
    row = project_of(session, approval.project_id)
    register.enter(session, ctx, number=number, project_id=row.id, sha256=paper.stored.sha256)
    document = documents.file_paper(
        session,
        ctx,
        paper=paper,
        project_id=row.id,
        stage="decision",
        title=view["title_lines"][0],
        issuer=view["issuer"],
        doc_no=str(number),
    )
    approval.document_id = document.id
    session.add(approval)
    payload = {
        "approval_id": approval.id,
        "decision_id": approval.decision_id,
        "doc_no": approval.doc_no,
        "amounts_fen": dict(approval.amounts),
        "total_fen": approval.total_fen,
        "conditions": len(approval.conditions),
        "document_sha256": document.sha256,
    }
    transition.apply(session, ctx, row, payload=payload)
    return Approved(
        id=approval.id,
        doc_no=approval.doc_no,
        total=Money(approval.total_fen) if approval.total_fen is not None else None,
        document=document.id,
        state=f"project.{row.state}",
    )
