"""The command of approval (S08): the numbered approval document of a project with a positive decision.

The number comes from the gap-free register of ``register``. Events hold numbers, amounts, counts and digests only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.commands import documents, register, transition, work
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, Role
from models.core.identifiers import DocumentNumber
from models.core.money import Money
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.decision import applied_amounts, approval_view, newest_decision, office_of, shares_of
from models.queries.provenance import marks
from models.queries.reader import found, project_of
from models.rules import decision as rules
from models.rules import lifecycle
from models.rules.force import binding
from models.rules.lifecycle import Thing
from models.tables.decision import Approval, Decision
from models.tables.kernel import Project

OFFICE_ROSTER: Final = "decision.office_roster"
"""The work item that asks who makes up the office that approves (ZY-12); its subject is the region."""

AuthorityCode = Annotated[str, Field(pattern=r"^[\u4e00-\u9fa5]{2,10}$", description="发文机关代字")]


class Approved(BaseModel):
    """The approval: its number, the approved total (``None`` where nothing states it), the paper's document."""

    model_config = ConfigDict(frozen=True)

    id: str
    doc_no: str
    total: Money | None
    document: str
    state: str


@command("decision.approve", roles=CIVIL_AFFAIRS, clause="ZY-70")
def approve(
    ctx: Context,
    *,
    project: str,
    conditions: Annotated[tuple[str, ...], Field(description="批准条件")] = (),
    authority_code: AuthorityCode | None = None,
) -> Approved:
    """Issue the numbered approval document of a project with a positive decision.

    The amounts are those applied for, channel by channel. Without ``authority_code`` the number bears the region's
    (``decision.authority_codes``).
    Raises ``Refusal`` ``decision.wrong_approver`` (ZY-70), ``decision.after_approval`` (ZY-71), ``SYS-STATE``;
    ``Conflict`` when the number was taken meanwhile.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        policy = ctx.policy(region=row.region)
        decision = found(newest_decision(session, project), kind="decision", id=project)
        rules.check_approval(role=ctx.actor.role, decided_on=decision.decided_on, approved_on=ctx.as_of, policy=policy)
        code = authority_code or policy.decision.authority_codes[policy.decision.approval_issuer]
        issuer = register.issuer_key(region=row.region, role=Role(policy.decision.approval_issuer))
        number = register.upcoming(session, issuer=issuer, authority=code, year=ctx.as_of.year)
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
            shares=shares_of(session, project),
        )
    paper = documents.render(ctx, kind="approval_document", view=view, synthetic_fields=view["synthetic_fields"])
    with ctx.writing() as session:
        approval = _approval(session, ctx, decision, number=number, conditions=conditions, amounts=amounts)
        _await_roster(session, ctx, row, policy)
        return _issue(session, ctx, approval, issuer=issuer, number=number, paper=paper, view=view)


def _approval(
    session: Session,
    ctx: Context,
    decision: Decision,
    *,
    number: DocumentNumber,
    conditions: tuple[str, ...],
    amounts: Mapping[str, Money],
) -> Approval:
    project = project_of(session, decision.project_id)
    last = session.exec(select(func.max(Approval.ordinal)).where(col(Approval.project_id) == project.id)).one()
    return Approval(
        id=ctx.new_id("apr"),
        project_id=project.id,
        ordinal=(last or 0) + 1,
        decision_id=decision.id,
        doc_no=str(number),
        conditions=list(conditions),
        amounts={channel: amount.fen for channel, amount in amounts.items()},
        total_fen=Money.total(amounts.values()).fen if amounts else None,
        document_id="",
        approved_on=ctx.as_of,
        policy_digest=ctx.policy(region=project.region).digest,
    )


def _await_roster(session: Session, ctx: Context, project: Project, policy: Policy) -> None:
    """Ask for the roster of the office where the region wants it composed in a certain way and none is on record."""
    rule = binding(policy=policy, rules=("ZY-12",))
    if rule and office_of(session, project.region) is None:
        work.open_item(
            session,
            ctx,
            kind=OFFICE_ROSTER,
            role=Role.EVALUATION_OFFICE,
            subject_kind="region",
            subject_id=project.region,
            due_on=ctx.as_of,
            clause=rule,
            resolves_with="decision.record_office",
        )


def _issue(
    session: Session,
    ctx: Context,
    approval: Approval,
    *,
    issuer: str,
    number: DocumentNumber,
    paper: documents.Paper,
    view: Mapping[str, Any],
) -> Approved:
    row = project_of(session, approval.project_id)
    register.enter(session, ctx, issuer=issuer, number=number, project_id=row.id, sha256=paper.stored.sha256)
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
