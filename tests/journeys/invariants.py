"""What must hold of every database whatever was tried: states, money, payments, papers, people, things to do.

Each check reads the tables alone and fails by ``assert``; those of the ledger and of the chains are the product's own
(``funding.verify_ledger``, ``chains.verify``).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlmodel import Session, col, select

from models.queries.ledger_check import faults_of
from models.queries.succession import recipients_without_owner
from models.rules.lifecycle import TRANSITIONS, Thing
from models.tables.archive import ArchivePackage
from models.tables.audit import AuditReceipt
from models.tables.contract import Contract
from models.tables.funding import Payment, PlanLine, Posting, ProgressCheck
from models.tables.kernel import Document, Event, Project, WorkItem
from models.tables.procurement import Bid, Procurement
from tests.support.work_items import unresolvable

_TABLES: Final[dict[Thing, Any]] = {
    Thing.PROJECT: Project,
    Thing.PLAN_LINE: PlanLine,
    Thing.PROCUREMENT: Procurement,
    Thing.CONTRACT: Contract,
}
_PAPERS: Final[dict[str, str]] = {
    "project.reviewed": "review_opinion",
    "project.on_publicity": "publicity_notice",
    "project.decided": "decision_opinion",
    "project.approved": "approval_document",
    "project.planned": "investment_plan_notice",
    "project.deferred": "midterm_decision",
    "project.stopped": "midterm_decision",
    "project.converted": "midterm_decision",
    "project.referred": "project_referral",
    "project.accepted": "acceptance_conclusion",
    "project.not_accepted": "acceptance_conclusion",
    "project.evaluated": "evaluation_report",
    "project.audited": "audit_handover",
    "plan_line.issued": "investment_plan_notice",
    "contract.signed": "contract_summary",
    "procurement.awarded": "procurement_record",
}
"""State that a thing has once been in → a paper its project cannot be without then."""
_FOUR_PARTS: Final = ("plan_line.issued", "feasibility.cost_estimated", "contract.signed", "funding.progress_verified")
"""What must stand in a project's chain before any ``funding.paid`` (ZY-112)."""
_RECEIPTS: Final = {"audit_body", "discipline_supervision"}


def check_all(session: Session) -> None:
    """Run every check of this module, and the ledger's own."""
    faults = faults_of(session)
    assert not faults, faults
    check_states(session)
    check_channels(session)
    check_payments(session)
    check_papers(session)
    check_work(session)
    check_owners(session)


def check_states(session: Session) -> None:
    """Every thing is in the state its chain last moved it to; a line is issued once; who serves has a contract."""
    moved: dict[tuple[str, str], str] = {}
    issued: list[str] = []
    for event in _chain(session):
        if "to" in event.payload:
            thing = event.type.split(".", 1)[0]
            moved[thing, event.payload[f"{thing}_id"]] = event.payload["to"]
            issued += [event.payload["plan_line_id"]] if event.type == "plan_line.issued" else []
    stand = {
        (thing.value, row.id): row.state for thing, model in _TABLES.items() for row in session.exec(select(model))
    }
    assert stand == moved, set(stand.items()) ^ set(moved.items())
    assert len(issued) == len(set(issued)), issued
    contracts = session.exec(select(Contract)).all()
    under_way = {id_ for (thing, id_), state in stand.items() if thing == "project" and state == "in_progress"}
    assert under_way <= {row.project_id for row in contracts if row.state in ("running", "ended", "terminated")}
    served = {row.project_id for row in contracts if row.state == "running"}
    assert {stand["project", id_] for id_ in served} <= {"in_progress", "deferred"}


def check_channels(session: Session) -> None:
    """No money changes its channel on the way: what is posted under a plan line is of that line's channel."""
    lines = {row.id: row.channel for row in session.exec(select(PlanLine))}
    legs = session.exec(select(Posting.plan_line_id, Posting.channel).where(col(Posting.plan_line_id).is_not(None)))
    strayed = [one for one in legs.all() if lines[one[0] or ""] != one[1]]
    assert not strayed, strayed


def check_payments(session: Session) -> None:
    """No payment without its four parts before it in the chain, none above what was verified (ZY-112)."""
    happened: defaultdict[str, set[str]] = defaultdict(set)
    for event in _chain(session):
        if event.type == "funding.paid":
            assert happened[event.stream_id] >= set(_FOUR_PARTS), event.payload
        happened[event.stream_id].add(event.type)
    paid: defaultdict[str, int] = defaultdict(int)
    for payment in session.exec(select(Payment).order_by(col(Payment.paid_on), col(Payment.id))).all():
        line, contract = session.get_one(PlanLine, payment.plan_line_id), session.get_one(Contract, payment.contract_id)
        assert line.state in ("issued", "paid", "closed")
        assert line.cancelled_on is None
        assert line.project_id == contract.project_id == payment.project_id
        paid[contract.id] += payment.amount_fen
        checks = session.exec(select(ProgressCheck).where(col(ProgressCheck.contract_id) == contract.id)).all()
        verified = max(Decimal(check.percent) for check in checks)
        assert paid[contract.id] * 100 <= verified * contract.price_fen


def check_papers(session: Session) -> None:
    """No state without its documents, no end without both receipts and the bundle."""
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for project, kind in session.exec(select(Document.project_id, Document.kind)).all():
        kinds[project or ""].add(kind)
    for event in _chain(session):
        wanted = _PAPERS.get(f"{event.type.split('.', 1)[0]}.{event.payload.get('to')}")
        if wanted:
            found = kinds[event.stream_id] | kinds[""]
            assert any(kind.startswith(wanted) for kind in found), event.payload
    for ended in session.exec(select(Project).where(col(Project.state).in_(("audited", "archived")))):
        bodies = set(session.exec(select(AuditReceipt.body).where(col(AuditReceipt.project_id) == ended.id)))
        assert bodies == _RECEIPTS
        bundles = session.exec(select(ArchivePackage).where(col(ArchivePackage.project_id) == ended.id)).all()
        assert bool(bundles) == (ended.state == "archived")


def check_work(session: Session) -> None:
    """What waits can still be done: the command that resolves it may come from where its thing stands, from whoever it
    waits for, and the item says what it is about."""
    dead = [
        (item.kind, thing.value, state, item.resolves_with)
        for item in session.exec(select(WorkItem).where(col(WorkItem.status) == "open"))
        for thing, state in _stand(session, item)
        if not _may_come(thing, state, item.resolves_with)
    ]
    assert not dead, dead
    blind = unresolvable(session)
    assert not blind, blind


def check_owners(session: Session) -> None:
    """Nobody a project serves is without somebody who answers for them (ZY-28)."""
    left = recipients_without_owner(session, date.max)
    assert not left, left


def _stand(session: Session, item: WorkItem) -> list[tuple[Thing, str]]:
    """Return the things that a work item's command would move, each with its state."""
    found: dict[Thing, Project | PlanLine | Procurement | Contract | None] = {
        thing: session.get(model, item.subject_id) for thing, model in _TABLES.items() if item.subject_kind == thing
    }
    if item.project_id:
        found[Thing.PROJECT] = session.get(Project, item.project_id)
    if item.subject_kind == "bid":
        found[Thing.PROCUREMENT] = session.get(Procurement, session.get_one(Bid, item.subject_id).procurement_id)
    return [(thing, row.state) for thing, row in found.items() if row is not None]


def _may_come(thing: Thing, state: str, command: str) -> bool:
    """Whether a command that moves a thing can still come, from this state or one that follows it.

    A command that moves nothing may come at any time; so may one by which a thing is born (another of its kind).
    """
    moves = [move for move in TRANSITIONS if move.thing is thing]
    sources = {source for move in moves if move.command == command for source in move.sources}
    seen, open_ = set(), [state]
    while open_ and sources:
        at = open_.pop()
        seen.add(at)
        open_ += [move.target for move in moves if at in move.sources and move.target not in seen]
    return not sources or "" in sources or bool(seen & sources)


def _chain(session: Session) -> list[Event]:
    of_projects = select(Event).where(col(Event.stream_kind) == "project")
    return list(session.exec(of_projects.order_by(col(Event.stream_id), col(Event.seq))))
