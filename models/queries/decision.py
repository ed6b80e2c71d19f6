"""Reads of decision and approval (S07, S08): what a project's decision rests on, and the view of the approval paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from models.core.actors import Role
from models.core.messages import sentence
from models.core.money import Money, capitals
from models.core.registry import query
from models.policy.schema import Policy
from models.queries.modification import ModificationView, modifications_of
from models.queries.papers import Sheet, facts, head
from models.queries.project import EVERYONE_INSIDE
from models.queries.provenance import Marks
from models.queries.reader import Reader, project_of
from models.queries.review import applicant_of
from models.rules.bodies import body_name, written_date
from models.rules.decision_records import ENTERPRISE, Share
from models.tables.application import Application, ApplicationBudgetLine
from models.tables.decision import (
    Approval,
    Decision,
    FunderShare,
    MechanismMeeting,
    OfficeRoster,
    StartFormality,
    VoidedPaper,
)
from models.tables.kernel import Document, Event, Project
from models.tables.publicity import PublicityNotice
from models.tables.review import ReviewRound

DECISION_SOURCES: Final = (
    "library.enter_project",
    "application.submit",
    "review.submit_score",
    "decision.record_shares",
    "decision.decide",
)
APPROVAL_SOURCES: Final = ("library.enter_project", "application.submit", "decision.decide", "decision.approve")
_OFFICE: Final = Role.EVALUATION_OFFICE
_SHARES: Final = "decision.record_shares.shares"


class VoidedView(BaseModel):
    """A paper of a project that no longer counts: which, since when, why."""

    model_config = ConfigDict(frozen=True)

    document: str
    kind: str
    doc_no: str | None
    voided_on: date
    reason: str


class ShareView(BaseModel):
    """What one payer bears, in its own sub-ledger."""

    model_config = ConfigDict(frozen=True)

    party: str
    name: str
    channel: str
    sub_ledger: str
    amount: Money


class DecisionView(BaseModel):
    """The newest decision of a project, its approval in force, who pays, the papers voided since, what was modified."""

    model_config = ConfigDict(frozen=True)

    project: str
    outcome: str | None
    authority: str | None
    decided_by: str | None
    basis: str | None
    meeting_no: str | None
    override_citation: str | None
    override_level: str | None
    decided_on: date | None
    doc_no: str | None
    conditions: tuple[str, ...]
    amounts: dict[str, Money]
    approved_on: date | None
    document: str | None
    shares: tuple[ShareView, ...]
    voided: tuple[VoidedView, ...]
    modifications: tuple[ModificationView, ...]


@query("decision.record", roles=EVERYONE_INSIDE, clause="ZY-70")
def record(reader: Reader, *, project: str) -> DecisionView:
    """Return the decision and the approval of a project."""
    project_of(reader.session, project)
    decided = newest_decision(reader.session, project)
    approved = approval_in_force(reader.session, project)
    return DecisionView(
        project=project,
        outcome=decided.outcome if decided else None,
        authority=decided.authority if decided else None,
        decided_by=decided.decided_by if decided else None,
        basis=decided.basis if decided else None,
        meeting_no=decided.meeting_no if decided else None,
        override_citation=decided.override_citation if decided else None,
        override_level=decided.override_level if decided else None,
        decided_on=decided.decided_on if decided else None,
        doc_no=approved.doc_no if approved else None,
        conditions=tuple(approved.conditions) if approved else (),
        amounts={channel: Money(fen) for channel, fen in approved.amounts.items()} if approved else {},
        approved_on=approved.approved_on if approved else None,
        document=approved.document_id if approved else None,
        shares=tuple(
            ShareView(party=row.party, name=row.name, channel=row.channel, sub_ledger=row.sub_ledger, amount=row.amount)
            for row in shares_of(reader.session, project)
        ),
        voided=_voided(reader.session, project),
        modifications=modifications_of(reader.session, project),
    )


def _voided(session: Session, project: str) -> tuple[VoidedView, ...]:
    rows = session.exec(
        select(VoidedPaper, Document)
        .join(Document, col(Document.id) == col(VoidedPaper.document_id))
        .where(col(VoidedPaper.project_id) == project)
        .order_by(col(VoidedPaper.voided_on), col(Document.stage), col(Document.id))
    ).all()
    return tuple(
        VoidedView(
            document=paper.id, kind=paper.kind, doc_no=paper.doc_no, voided_on=mark.voided_on, reason=mark.reason
        )
        for mark, paper in rows
    )


def ever_approved(session: Session, project_id: str) -> bool:
    """Say whether a project was ever approved, an approval voided since included."""
    return session.exec(select(Approval.id).where(col(Approval.project_id) == project_id)).first() is not None


def approval_in_force(session: Session, project_id: str) -> Approval | None:
    """Return the approval of a project that nobody voided."""
    return session.exec(
        select(Approval).where(col(Approval.project_id) == project_id, col(Approval.voided_on).is_(None))
    ).one_or_none()


def shares_of(session: Session, project_id: str) -> tuple[Share, ...]:
    """Return who bears which part of a project, as recorded last, in the order recorded."""
    rows = session.exec(
        select(FunderShare)
        .where(col(FunderShare.project_id) == project_id)
        .order_by(col(FunderShare.ordinal).desc(), col(FunderShare.position))
    ).all()
    return tuple(
        Share(
            party=row.party,
            name=row.name,
            credit_code=row.credit_code or "",
            account=row.account or "",
            channel=row.channel,
            sub_ledger=row.sub_ledger,
            amount=Money(row.amount_fen),
        )
        for row in rows
        if row.ordinal == rows[0].ordinal
    )


def enterprise_of(shares: Sequence[Share]) -> str | None:
    """Return the name of the enterprise among the payers, ``None`` when there is none."""
    return next((share.name for share in shares if share.party == ENTERPRISE), None)


def newest_decision(session: Session, project_id: str) -> Decision | None:
    """Return the newest decision of a project."""
    return session.exec(
        select(Decision).where(col(Decision.project_id) == project_id).order_by(col(Decision.ordinal).desc())
    ).first()


def meeting_of(session: Session, region: str, meeting_no: str) -> MechanismMeeting | None:
    """Return the record of a meeting of the mechanism by its number (ZY-11)."""
    return session.exec(
        select(MechanismMeeting).where(
            col(MechanismMeeting.region) == region, col(MechanismMeeting.meeting_no) == meeting_no.strip()
        )
    ).one_or_none()


def office_of(session: Session, region: str) -> OfficeRoster | None:
    """Return the newest roster of a region's office (ZY-12)."""
    return session.exec(
        select(OfficeRoster).where(col(OfficeRoster.region) == region).order_by(col(OfficeRoster.version).desc())
    ).first()


def completed_formalities(session: Session, project: str) -> frozenset[str]:
    """Return the codes of the formalities before the start that are on file for a project (ZY-76)."""
    return frozenset(session.exec(select(StartFormality.code).where(col(StartFormality.project_id) == project)).all())


def newest_formality(session: Session, project: str, code: str) -> StartFormality | None:
    """Return the version that counts of a formality before the start, ``None`` while it is open."""
    return session.exec(
        select(StartFormality)
        .where(col(StartFormality.project_id) == project, col(StartFormality.code) == code)
        .order_by(col(StartFormality.ordinal).desc())
    ).first()


def acts_since_voided(session: Session, project_id: str) -> frozenset[str]:
    """Return the types of the events of a project's chain since a modification last voided its feasibility: what was
    reviewed and costed before that was another content at another price."""
    statement = select(Event.type, Event.payload).where(
        col(Event.stream_kind) == "project", col(Event.stream_id) == project_id
    )
    acts: set[str] = set()
    for type_, payload in session.exec(statement.order_by(col(Event.seq))).all():
        if "modification_id" in payload and "feasibility" in payload["voided"]:
            acts.clear()
        acts.add(type_)
    return frozenset(acts)


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


def opinion_view(
    *,
    sheet: Sheet,
    policy: Policy,
    decision: Decision,
    issuer: str,
    review: ReviewRound | None,
    notice: PublicityNotice | None,
    amounts: Mapping[str, Money],
    shares: Sequence[Share] = (),
) -> dict[str, Any]:
    """Return the view of ``decision_opinion`` for a decision about to be recorded; blank is what nothing states."""
    total = Money.total(amounts.values()) if amounts else None
    reviewed = "passed" if review and review.passed else "not_passed"
    published = {"from": written_date(notice.starts_on), "to": written_date(notice.ends_on)} if notice else {}
    lines = [
        ("project", sheet.project.name, "library.enter_project.name"),
        ("payer", policy.decision.payer_classes.get(decision.payer, decision.payer), "library.enter_project.payer"),
        ("amount", f"{total.plain()}元（{capitals(total)}）" if total else None, "application.submit.plan_book.budget"),
        (
            "review",
            sentence(f"publicity.paper.{reviewed}", {"mean": review.mean}) if review and review.mean else None,
            "review.submit_score.scores",
        ),
        ("publicity", sentence("decision.opinion.published", published) if notice else None, ""),
        ("meeting_no", decision.meeting_no, "decision.decide.meeting_no"),
        ("decided_on", written_date(decision.decided_on), "decision.decide.on"),
        ("override", decision.override_citation, "decision.decide.override_citation"),
        *(("share", _worded(share, policy), _SHARES) for share in shares),
    ]
    return {
        **head(sheet=sheet, title="decision.opinion.title", issuer=issuer),
        "facts": facts(sheet=sheet, stage="decision", lines=lines),
        "basis": [line for line in decision.basis.splitlines() if line.strip()],
        "conclusion": [sentence(f"decision.opinion.{decision.outcome}", {"project": sheet.project.name})],
    }


def _worded(share: Share, policy: Policy) -> str:
    """Return a share as one line: who, from which source, how much, in which sub-ledger (ZY-10)."""
    channel = policy.funding.sources.get(share.channel, share.channel)
    facts = {"name": share.name, "channel": channel, "amount": share.amount.plain(), "sub_ledger": share.sub_ledger}
    return sentence("decision.opinion.share", facts)


def rejection_view(
    *, sheet: Sheet, decision: Decision, issuer: str, addressee: str | None, policy: Policy
) -> dict[str, Any]:
    """Return the view of ``rejection_notice``: what was decided, why, and the way back."""
    opening = {
        "project": sheet.project.name,
        "authority": issuer,
        "decided_on": written_date(decision.decided_on),
    }
    lines = [
        ("project", sheet.project.name, "library.enter_project.name"),
        ("payer", policy.decision.payer_classes.get(decision.payer, decision.payer), "library.enter_project.payer"),
        ("meeting_no", decision.meeting_no, "decision.decide.meeting_no"),
        ("decided_on", written_date(decision.decided_on), "decision.decide.on"),
    ]
    return {
        **head(sheet=sheet, title="decision.rejection.title", issuer=body_name(policy=policy, role=_OFFICE)),
        "addressee": addressee or sentence("decision.paper.addressee"),
        "paras": [sentence("decision.rejection.opening", opening)],
        "facts": facts(sheet=sheet, stage="decision", lines=lines),
        "reasons": [line for line in decision.basis.splitlines() if line.strip()],
        "remedies": [sentence(f"decision.rejection.remedy_{name}") for name in ("again", "objection")],
    }


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
    shares: Sequence[Share] = (),
) -> dict[str, Any]:
    """Return the view of ``approval_document``: one line a channel; what nobody stated is left blank."""
    path = "application.submit.plan_book.budget"
    channels = list(amounts) or list(project.details["fund_sources"])
    ledgers = {channel: [share.sub_ledger for share in shares if share.channel == channel] for channel in channels}
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
                "note": "、".join(ledgers[channel]),
            }
            for channel in channels
        ]
        or [{"source": sentence("decision.paper.source_unstated"), "amount": marks.cell(None, path)}],
        "total": marks.cell(Money.total(amounts.values()).plain() if amounts else None, path),
        "total_capitals": marks.cell(capitals(Money.total(amounts.values())) if amounts else None, path),
        "conditions": list(conditions),
    }
