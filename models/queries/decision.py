"""Reads of decision and approval (S07, S08): what a project's decision rests on, and the view of the approval paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.messages import sentence
from models.core.money import Money
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.project import EVERYONE_INSIDE
from models.queries.provenance import Marks
from models.queries.reader import Reader, project_of
from models.queries.review import applicant_of
from models.rules.bodies import body_name, written_date
from models.tables.application import Application, ApplicationBudgetLine
from models.tables.decision import Approval, Decision
from models.tables.kernel import Document, Event, Project

APPROVAL_SOURCES: Final = ("library.enter_project", "application.submit", "decision.decide", "decision.approve")


class DecisionView(BaseModel):
    """The newest decision of a project and its approval, as far as they are there."""

    model_config = ConfigDict(frozen=True)

    project: str
    outcome: str | None
    authority: str | None
    decided_by: str | None
    basis: str | None
    meeting_no: str | None
    override_citation: str | None
    decided_on: date | None
    doc_no: str | None
    conditions: tuple[str, ...]
    amounts: dict[str, Money]
    approved_on: date | None
    document: str | None


@query("decision.record", roles=EVERYONE_INSIDE, clause="ZY-70")
def record(reader: Reader, *, project: str) -> DecisionView:
    """Return the decision and the approval of a project."""
    project_of(reader.session, project)
    decided = newest_decision(reader.session, project)
    approved = reader.session.exec(select(Approval).where(col(Approval.project_id) == project)).one_or_none()
    return DecisionView(
        project=project,
        outcome=decided.outcome if decided else None,
        authority=decided.authority if decided else None,
        decided_by=decided.decided_by if decided else None,
        basis=decided.basis if decided else None,
        meeting_no=decided.meeting_no if decided else None,
        override_citation=decided.override_citation if decided else None,
        decided_on=decided.decided_on if decided else None,
        doc_no=approved.doc_no if approved else None,
        conditions=tuple(approved.conditions) if approved else (),
        amounts={channel: Money(fen) for channel, fen in approved.amounts.items()} if approved else {},
        approved_on=approved.approved_on if approved else None,
        document=approved.document_id if approved else None,
    )


def newest_decision(session: Session, project_id: str) -> Decision | None:
    """Return the newest decision of a project."""
    return session.exec(
        select(Decision).where(col(Decision.project_id) == project_id).order_by(col(Decision.ordinal).desc())
    ).first()


def document_kinds(session: Session, project_id: str) -> frozenset[str]:
    """Return the kinds of document on a project's file."""
    return frozenset(session.exec(select(Document.kind).where(col(Document.project_id) == project_id)).all())


def event_types(session: Session, project_id: str) -> frozenset[str]:
    """Return the types of the events of a project's chain."""
    statement = select(Event.type).where(col(Event.stream_kind) == "project", col(Event.stream_id) == project_id)
    return frozenset(session.exec(statement).all())


def applied_amounts(session: Session, *, project_id: str, policy: Policy) -> dict[str, Money]:
    """Return what the newest submission applies for, by channel in the order of policy, other channels last."""
    newest = select(Application.id).where(col(Application.project_id) == project_id)
    application = session.exec(newest.order_by(col(Application.revision).desc())).first()
    lines = session.exec(
        select(ApplicationBudgetLine).where(col(ApplicationBudgetLine.application_id) == application)
    ).all()
    channels = [*policy.funding.sources, *sorted({line.channel for line in lines} - set(policy.funding.sources))]
    sums = {
        channel: Money.total(Money(line.amount_fen) for line in lines if line.channel == channel)
        for channel in channels
    }
    return {channel: amount for channel, amount in sums.items() if amount}


def approval_view(
    session: Session,
    *,
    project: Project,
    decided: Decision,
    doc_no: str,
    conditions: tuple[str, ...],
    amounts: Mapping[str, Money],
    policy: Policy,
    marks: Marks,
    as_of: date,
    rehearsal: bool,
) -> dict[str, Any]:
    """Return the view of ``approval_document``: one line a channel; what nobody stated is left blank."""
    path = "application.submit.plan_book.budget"
    channels = list(amounts) or list(project.details["fund_sources"])
    return {
        "issuer": body_name(policy=policy, role=Role(policy.decision.approval_issuer)),
        "date": as_of.isoformat(),
        "rehearsal": rehearsal,
        "synthetic_fields": marks.labels(*APPROVAL_SOURCES) if rehearsal else [],
        "title_lines": [sentence("decision.paper.title", {"project": project.name})],
        "doc_no": doc_no,
        "addressee": applicant_of(session, project.id) or sentence("decision.paper.addressee"),
        "paras": [
            sentence(
                "decision.paper.opening",
                {
                    "project": project.name,
                    "authority": body_name(policy=policy, role=Role(decided.decided_by)),
                    "decided_on": written_date(decided.decided_on),
                },
            )
        ],
        "amount_unit": sentence("decision.paper.unit"),
        "sources": [
            {
                "source": policy.funding.sources.get(channel, channel),
                "amount": marks.cell(amounts[channel].plain() if channel in amounts else None, path),
            }
            for channel in channels
        ]
        or [{"source": sentence("decision.paper.source_unstated"), "amount": marks.cell(None, path)}],
        "total": marks.cell(Money.total(amounts.values()).plain() if amounts else None, path),
        "conditions": list(conditions),
    }
