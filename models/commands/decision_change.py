"""Commands that change an approved project (S08): a modification, and a number that is voided.

A modification voids exactly what policy lists for its kinds (``decision.modification_voids``) and the project goes back
to before the first voided part. Old papers stay, marked. Texts stay in the rows; events hold kinds, counts and digests.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import register, transition
from models.commands.ledger import Amount
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS
from models.core.errors import Refusal
from models.core.hashing import digest
from models.core.registry import command
from models.policy.schema import Policy
from models.queries.application import newest_application
from models.queries.decision import approval_in_force, newest_decision
from models.queries.reader import found, project_of
from models.rules import decision_records as rules
from models.rules import lifecycle
from models.rules.decision import check_approver
from models.rules.feasibility_order import way_back
from models.rules.funding import check_channel
from models.rules.lifecycle import Thing
from models.tables.application import Application, ApplicationBudgetLine, ApplicationTeamMember
from models.tables.decision import DocumentRegister, ProjectModification, VoidedPaper
from models.tables.kernel import Document, Project

_ACTS_ON_THE_OLD: Final[dict[str, Any]] = {
    "gaps": [],
    "told": [],
    "returned_on": None,
    "accepted_on": None,
    "notice_id": None,
    "paper_id": None,
    "supersedes_id": None,
}
"""What happened to a revision says nothing of the next: nobody has returned, accepted or printed that yet."""

_PAPER_KINDS: Final = {"review": "review_opinion", "publicity": "publicity_notice"}


class NewLine(BaseModel):
    """One line of the budget as it shall be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Annotated[str, Field(min_length=1, max_length=100, description="支出类别")]
    channel: Annotated[str, Field(description="资金渠道")]
    amount: Annotated[Amount, Field(description="金额")]


class Term(BaseModel):
    """The term as it shall be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    starts_on: Annotated[date, Field(description="计划开始日期")]
    ends_on: Annotated[date, Field(description="计划完成日期")]


class Changes(BaseModel):
    """What shall change; what is left out stays. ``content`` is part of the application → its new text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str | None, Field(min_length=2, max_length=200, description="项目名称")] = None
    payer: Annotated[str | None, Field(description="出资类别")] = None
    period: Annotated[Term | None, Field(description="实施期限")] = None
    budget: Annotated[tuple[NewLine, ...] | None, Field(min_length=1, max_length=200, description="预算")] = None
    content: Annotated[dict[str, str] | None, Field(description="申报书各部分的新内容")] = None


class Modified(BaseModel):
    """The modification: kinds of change, voided parts, documents marked, the project's new state."""

    model_config = ConfigDict(frozen=True)

    id: str
    kinds: tuple[str, ...]
    voided: tuple[str, ...]
    documents: tuple[str, ...]
    state: str


class NumberVoided(BaseModel):
    """The voided number, and the state of its project if it had one."""

    model_config = ConfigDict(frozen=True)

    id: str
    doc_no: str
    state: str | None


@command("decision.modify", roles=CIVIL_AFFAIRS, clause="SYS-MODIFICATION")
def modify(
    ctx: Context,
    *,
    project: str,
    changes: Annotated[Changes, Field(description="变更内容")],
    reason: Annotated[str, Field(min_length=2, max_length=500, description="变更理由")],
) -> Modified:
    """Modify an approved project: keep the difference, void what policy lists, send the project back that far.

    Raises ``Refusal`` ``decision.nothing_changed``, ``decision.unknown_payer``, ``decision.unknown_part``,
    ``decision.period_reversed``, ``funding.channel_unknown``, ``decision.wrong_approver`` (ZY-70), ``SYS-STATE`` when
    it is not approved.
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        policy = ctx.policy(region=row.region)
        check_approver(role=ctx.actor.role, policy=policy)
        application = found(newest_application(session, project), kind="application", id=project)
        lines = _lines(session, application.id)
        _check(changes, application, policy)
        diff = _diff(changes, row, application, lines)
        parts = rules.voided_parts(kinds=diff.keys(), policy=policy)
        row.name, row.payer = changes.name or row.name, changes.payer or row.payer
        if {"period", "budget", "content"} & diff.keys():
            _revise(session, ctx, application, lines, changes)
        modification = ProjectModification(
            id=ctx.new_id("mod", project),
            project_id=project,
            ordinal=_ordinal(session, project),
            reason=reason,
            kinds=list(diff),
            diff=diff,
            parts=list(parts),
            back_to="",
            modified_on=ctx.as_of,
            policy_digest=policy.digest,
        )
        marked = _void(session, ctx, row, modification, parts)
        payload = {
            "modification_id": modification.id,
            "kinds": list(diff),
            "voided": list(parts),
            "documents": len(marked),
            "diff_digest": digest(diff),
            "reason_digest": digest(reason),
        }
        back = way_back(part=parts[0], entered=ctx.policy(region=row.region, on=row.entered_on))
        transition.apply(session, ctx, row, payload=payload, outcome=back)
        modification.back_to = row.state
        return Modified(
            id=modification.id, kinds=tuple(diff), voided=parts, documents=marked, state=f"project.{row.state}"
        )


def _check(changes: Changes, application: Application, policy: Policy) -> None:
    if changes.payer is not None and changes.payer not in policy.decision.payer_classes:
        facts = {"payer": changes.payer, "known": "、".join(policy.decision.payer_classes)}
        raise Refusal("decision.unknown_payer", rule="SYS-CODE-LIST", facts=facts)
    if changes.period is not None and changes.period.ends_on < changes.period.starts_on:
        raise Refusal("decision.period_reversed", rule="SYS-PERIOD")
    unknown = sorted((changes.content or {}).keys() - application.parts.keys())
    if unknown:
        facts = {"given": "、".join(unknown), "known": "、".join(application.parts)}
        raise Refusal("decision.unknown_part", rule="SYS-CODE-LIST", facts=facts)
    for line in changes.budget or ():
        check_channel(channel=line.channel, note=line.category, policy=policy)


def _diff(
    changes: Changes, project: Project, application: Application, lines: list[ApplicationBudgetLine]
) -> dict[str, Any]:
    """Return kind of change → [before, after], only what differs."""
    pairs: dict[str, tuple[Any, Any]] = {
        "name": (project.name, changes.name),
        "payer": (project.payer, changes.payer),
        "period": (
            [day.isoformat() if day else None for day in (application.starts_on, application.ends_on)],
            [day.isoformat() for day in (changes.period.starts_on, changes.period.ends_on)] if changes.period else None,
        ),
        "budget": (
            [[line.category, line.channel, line.amount_fen] for line in lines],
            [[line.category, line.channel, line.amount.fen] for line in changes.budget] if changes.budget else None,
        ),
    }
    diff: dict[str, Any] = {
        kind: [before, after] for kind, (before, after) in pairs.items() if after is not None and before != after
    }
    texts = {
        part: [application.parts[part], text]
        for part, text in (changes.content or {}).items()
        if application.parts[part] != text
    }
    return diff | ({"content": texts} if texts else {})


def _lines(session: Session, application: str) -> list[ApplicationBudgetLine]:
    return list(
        session.exec(
            select(ApplicationBudgetLine)
            .where(col(ApplicationBudgetLine.application_id) == application)
            .order_by(col(ApplicationBudgetLine.ordinal))
        ).all()
    )


def _revise(
    session: Session, ctx: Context, application: Application, lines: list[ApplicationBudgetLine], changes: Changes
) -> None:
    """Write the next revision of the application: what did not change is carried over, the old one stays."""
    total = sum(line.amount.fen for line in changes.budget) if changes.budget else application.total_fen
    changed = {
        "id": ctx.new_id("app", application.project_id),
        "revision": application.revision + 1,
        "parts": {**application.parts, **(changes.content or {})},
        "total_fen": total,
        "submitted_on": ctx.as_of,
        **_ACTS_ON_THE_OLD,
    }
    if changes.period is not None:
        changed |= {"starts_on": changes.period.starts_on, "ends_on": changes.period.ends_on}
    revised = Application(**(application.model_dump() | changed))
    session.add(revised)
    session.flush()
    entries = [(line.category, line.channel, line.amount.fen) for line in changes.budget or ()]
    for ordinal, (category, channel, fen) in enumerate(
        entries or [(line.category, line.channel, line.amount_fen) for line in lines], start=1
    ):
        session.add(
            ApplicationBudgetLine(
                id=ctx.new_id("abl", revised.id, str(ordinal)),
                application_id=revised.id,
                ordinal=ordinal,
                category=category,
                channel=channel,
                amount_fen=fen,
            )
        )
    members = select(ApplicationTeamMember).where(col(ApplicationTeamMember.application_id) == application.id)
    for member in session.exec(members).all():
        own = {"id": ctx.new_id("atm", revised.id, str(member.ordinal)), "application_id": revised.id}
        session.add(ApplicationTeamMember(**(member.model_dump() | own)))


def _ordinal(session: Session, project: str) -> int:
    done = select(ProjectModification.id).where(col(ProjectModification.project_id) == project)
    return len(session.exec(done).all()) + 1


def _void(
    session: Session, ctx: Context, project: Project, modification: ProjectModification, parts: tuple[str, ...]
) -> tuple[str, ...]:
    """Void the parts and mark their papers; return the ids of the documents marked."""
    session.add(modification)
    session.flush()
    papers: list[str] = []
    if "approval" in parts:
        papers += _void_approval(session, ctx, project, reason=modification.reason)
    if "decision" in parts and (decided := newest_decision(session, project.id)) is not None:
        decided.voided_on = ctx.as_of
        session.add(decided)
        papers += [decided.document_id] if decided.document_id else []
    kinds = [kind for part, kind in _PAPER_KINDS.items() if part in parts]
    papers += _papers(session, project.id, kinds)
    for paper in dict.fromkeys(papers):
        session.add(
            VoidedPaper(
                document_id=paper,
                project_id=project.id,
                modification_id=modification.id,
                reason=modification.reason,
                voided_on=ctx.as_of,
            )
        )
    return tuple(dict.fromkeys(papers))


def _papers(session: Session, project: str, kinds: list[str]) -> list[str]:
    """Return the papers of these kinds that nobody marked yet (a notice has its page and its print)."""
    marked = select(VoidedPaper.document_id).where(col(VoidedPaper.project_id) == project)
    found_ids = session.exec(
        select(Document.id, Document.kind)
        .where(col(Document.project_id) == project, col(Document.id).not_in(marked))
        .order_by(col(Document.id))
    ).all()
    return [id_ for id_, kind in found_ids if any(kind.startswith(wanted) for wanted in kinds)]


def _void_approval(session: Session, ctx: Context, project: Project, *, reason: str) -> list[str]:
    approval = found(approval_in_force(session, project.id), kind="approval", id=project.id)
    approval.voided_on = ctx.as_of
    session.add(approval)
    numbers = select(DocumentRegister).where(
        col(DocumentRegister.project_id) == project.id,
        col(DocumentRegister.doc_no) == approval.doc_no,
        col(DocumentRegister.voided_on).is_(None),
    )
    for number in session.exec(numbers).all():
        register.void(session, ctx, row=number, reason=reason)
    return [approval.document_id]


@command("decision.void_number", roles=CIVIL_AFFAIRS, clause="ZY-70")
def void_number(
    ctx: Context,
    *,
    project: str,
    reason: Annotated[str, Field(min_length=2, max_length=500, description="作废理由")],
) -> NumberVoided:
    """Void the number of a project's approval (a misprint): it stays in the register, the project is decided again.

    The next approval takes the next number. Raises ``decision.wrong_approver`` (ZY-70), ``SYS-STATE`` when it is not
    approved.
    """
    with ctx.writing() as session:
        row = project_of(session, project)
        lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
        check_approver(role=ctx.actor.role, policy=ctx.policy(region=row.region))
        approval = found(approval_in_force(session, project), kind="approval", id=project)
        for paper in _void_approval(session, ctx, row, reason=reason):
            mark = VoidedPaper(document_id=paper, project_id=project, reason=reason, voided_on=ctx.as_of)
            session.add(mark)
        payload = {"approval_id": approval.id, "doc_no": approval.doc_no, "reason_digest": digest(reason)}
        transition.apply(session, ctx, row, payload=payload)
        return NumberVoided(id=approval.id, doc_no=approval.doc_no, state=f"project.{row.state}")
