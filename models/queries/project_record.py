"""The record of a project as its archive bundle carries it (``metadata/project.json``), with its JSON Schema.

Read by ``commands.archive``. Each class names the columns that go out: no personal data, no sealed column, and no
column that a table gets later without being added here. Money in fen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, SQLModel, col, select

from models.queries.audit import receipts_of
from models.queries.modification import ModificationView, modifications_of
from models.tables.acceptance import AcceptanceConclusion
from models.tables.contract import Contract
from models.tables.decision import Approval, Decision
from models.tables.delivery import RecipientOwner
from models.tables.evaluation import Outcome, ThirdPartyEvaluation
from models.tables.feasibility import ContentReview, CostEstimate
from models.tables.funding import BudgetLine, MoneyBack, Payment, PlanLine
from models.tables.kernel import Project
from models.tables.midterm import MidtermAssessment, MidtermDecision
from models.tables.procurement import MethodStep, Organisation, Procurement
from models.tables.publicity import PublicityNotice
from models.tables.review import ReviewRound


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: str


class ContentReviewRecord(_Record):
    """One review of what is to be bought (HS-12)."""

    items: list[dict[str, Any]]
    reviewed_on: date


class CostRecord(_Record):
    """One costing (HS-23); ``inputs`` in fen."""

    inputs: dict[str, int]
    comparators: list[dict[str, Any]]
    consulted: list[str]
    total_fen: int
    estimated_on: date


class ReviewRecord(_Record):
    """One expert review with its draw's seed and its result."""

    opened_on: date
    closed_on: date | None
    seed: str
    roster_digest: str
    mean: str | None
    passed: bool | None


class NoticeRecord(_Record):
    """One public notice of the review result."""

    channels: list[str]
    starts_on: date
    ends_on: date
    working_days: int
    result: str | None


class DecisionRecord(_Record):
    """One decision opinion: who, when, on what basis."""

    outcome: str
    authority: str
    decided_by: str
    basis: str
    meeting_no: str
    override_citation: str | None
    decided_on: date
    voided_on: date | None


class ApprovalRecord(_Record):
    """The approval with its number and conditions."""

    doc_no: str
    conditions: list[str]
    total_fen: int | None
    approved_on: date
    voided_on: date | None


class BudgetRecord(_Record):
    """One approved budget line."""

    year: int
    channel: str
    amount_fen: int
    reply_no: str | None
    replied_on: date


class PlanLineRecord(_Record):
    """One plan line of one channel."""

    state: str
    quarter: str
    batch: int
    channel: str
    amount_fen: int
    content: str
    period_start: date | None
    period_end: date | None
    target: str


class MethodRecord(BaseModel):
    """One step of the path of procurement methods, with its reason (A10)."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    ordinal: int
    method: str
    chosen_on: date
    reason: str
    approver: str | None
    rule: str


class ProcurementRecord(_Record):
    """One procurement with its method path and award."""

    state: str
    purchaser: str
    purchaser_kind: str
    guided_by: str | None
    budget_fen: int
    method_path: tuple[MethodRecord, ...]
    noticed_on: date | None
    bidding_closed_on: date | None
    negotiated_on: date | None
    winner: str | None
    award_fen: int | None
    awarded_on: date | None
    award_reason: str | None


class ContractRecord(_Record):
    """One contract; its term is half-open."""

    procurement_id: str
    contractor: str | None
    state: str
    signed_on: date
    starts_on: date
    ends_on: date
    price_fen: int
    days_late: int
    terminated_on: date | None
    termination_reason: str | None
    demanded: list[dict[str, Any]]


class MoneyBackRecord(_Record):
    """One sum that came back: returned unspent, or recovered from a contractor."""

    kind: str
    year: int
    channel: str
    amount_fen: int
    plan_line_id: str | None
    contract_id: str | None
    reason: str
    back_on: date


class MidtermRecord(_Record):
    """One evaluation in mid-term and, once there was one, the re-decision on it."""

    ordinal: int
    recommendation: str
    reason: str
    timing: str
    loss_fen: int | None
    assessed_on: date
    disposition: str | None
    basis: str | None
    decided_by: str | None
    decided_on: date | None
    successor_id: str | None


class HandoverRecord(BaseModel):
    """How many people came to an owner on a day: a team, the street office meanwhile, another unit, or gone (why)."""

    model_config = ConfigDict(frozen=True)

    since: date
    kind: str
    unit: str
    persons: int


class PaymentRecord(_Record):
    """One payment and the progress it rests on."""

    plan_line_id: str
    contract_id: str
    amount_fen: int
    verified_percent: str
    final: bool
    paid_on: date


class EvaluationRecord(_Record):
    """One third-party evaluation."""

    phase: str
    evaluator: str | None
    scores: dict[str, str]
    total: str
    evaluated_on: date


class AcceptanceRecord(_Record):
    """One conclusion of the comprehensive acceptance."""

    round: int
    outcome: str
    party_scores: dict[str, str]
    total: str
    grade: str
    pay_ratio: str
    asked: int
    satisfied: int
    served: int
    target: int | None
    concluded_on: date


class OutcomeRecord(_Record):
    """One measured outcome; figures as given."""

    name: str
    unit: str
    before: str | None
    after: str | None
    change_percent: str | None
    approximate: bool
    counts: dict[str, int]
    count_total: int | None


class ReceiptRecord(_Record):
    """One audit receipt."""

    body: str
    receipt_no: str
    received_on: date


class ProjectRecord(_Record):
    """The project from library entry to the second audit receipt, as it stood when it was closed."""

    region: str
    name: str
    payer: str
    state: str
    policy_digest: str
    entered_on: date
    synthetic: bool
    predecessor_id: str | None
    details: dict[str, Any]
    content_reviews: tuple[ContentReviewRecord, ...]
    cost_estimates: tuple[CostRecord, ...]
    reviews: tuple[ReviewRecord, ...]
    notices: tuple[NoticeRecord, ...]
    decisions: tuple[DecisionRecord, ...]
    approvals: tuple[ApprovalRecord, ...]
    modifications: tuple[ModificationView, ...]
    budget_lines: tuple[BudgetRecord, ...]
    plan_lines: tuple[PlanLineRecord, ...]
    procurements: tuple[ProcurementRecord, ...]
    contracts: tuple[ContractRecord, ...]
    payments: tuple[PaymentRecord, ...]
    money_back: tuple[MoneyBackRecord, ...]
    midterms: tuple[MidtermRecord, ...]
    handovers: tuple[HandoverRecord, ...]
    evaluations: tuple[EvaluationRecord, ...]
    acceptances: tuple[AcceptanceRecord, ...]
    outcomes: tuple[OutcomeRecord, ...]
    receipts: tuple[ReceiptRecord, ...]


_Row = TypeVar("_Row", bound=SQLModel)


def project_record(session: Session, project: Project) -> ProjectRecord:
    """Return the record of a project; lists are in the order of their ids."""
    names = {row.id: row.name for row in session.exec(select(Organisation))}

    def rows(model: type[_Row]) -> list[_Row]:
        keyed: Any = model
        return list(session.exec(select(model).where(keyed.project_id == project.id).order_by(keyed.id)))

    return ProjectRecord(
        **project.model_dump(exclude={"version"}),
        content_reviews=tuple(ContentReviewRecord.model_validate(row) for row in rows(ContentReview)),
        cost_estimates=tuple(CostRecord.model_validate(row) for row in rows(CostEstimate)),
        reviews=tuple(ReviewRecord.model_validate(row) for row in rows(ReviewRound)),
        notices=tuple(NoticeRecord.model_validate(row) for row in rows(PublicityNotice)),
        decisions=tuple(DecisionRecord.model_validate(row) for row in rows(Decision)),
        approvals=tuple(ApprovalRecord.model_validate(row) for row in rows(Approval)),
        modifications=modifications_of(session, project.id),
        budget_lines=tuple(BudgetRecord.model_validate(row) for row in rows(BudgetLine)),
        plan_lines=tuple(PlanLineRecord.model_validate(row) for row in rows(PlanLine)),
        procurements=tuple(_procurement(session, row, names) for row in rows(Procurement)),
        contracts=tuple(
            ContractRecord(**row.model_dump(), contractor=names.get(row.organisation_id)) for row in rows(Contract)
        ),
        payments=tuple(PaymentRecord.model_validate(row) for row in rows(Payment)),
        money_back=tuple(MoneyBackRecord.model_validate(row) for row in rows(MoneyBack)),
        midterms=_midterms(rows(MidtermAssessment), rows(MidtermDecision)),
        handovers=_handovers(rows(RecipientOwner)),
        evaluations=tuple(
            EvaluationRecord(**row.model_dump(), evaluator=names.get(row.organisation_id))
            for row in rows(ThirdPartyEvaluation)
        ),
        acceptances=tuple(AcceptanceRecord.model_validate(row) for row in rows(AcceptanceConclusion)),
        outcomes=tuple(OutcomeRecord.model_validate(row) for row in rows(Outcome)),
        receipts=tuple(ReceiptRecord.model_validate(row) for row in receipts_of(session, project.id).values()),
    )


def _procurement(session: Session, row: Procurement, names: dict[str, str]) -> ProcurementRecord:
    steps = session.exec(
        select(MethodStep).where(col(MethodStep.procurement_id) == row.id).order_by(col(MethodStep.ordinal))
    )
    return ProcurementRecord(
        **row.model_dump(),
        method_path=tuple(MethodRecord.model_validate(step) for step in steps),
        winner=names.get(row.winner_organisation_id or ""),
    )


def _midterms(
    assessments: Sequence[MidtermAssessment], decisions: Sequence[MidtermDecision]
) -> tuple[MidtermRecord, ...]:
    decided = {one.assessment_id: one for one in decisions}
    names = ("disposition", "basis", "decided_by", "decided_on", "successor_id")
    return tuple(
        MidtermRecord(**row.model_dump(), **{name: getattr(decided.get(row.id), name, None) for name in names})
        for row in sorted(assessments, key=lambda row: row.ordinal)
    )


def _handovers(owners: Sequence[RecipientOwner]) -> tuple[HandoverRecord, ...]:
    """Return the hand-overs of a project by day, counted: whom they were about stands in the sheets and the chain."""
    counted = Counter((row.since, row.kind, row.unit) for row in owners)
    return tuple(
        HandoverRecord(since=since, kind=kind, unit=unit, persons=persons)
        for (since, kind, unit), persons in sorted(counted.items())
    )
