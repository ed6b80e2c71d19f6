"""Commands of audit filing (S17): a hand-over list for each body, and the receipts that come back (ZY-31).

Called by the sweep ``audit-prepare-filings`` and by the bodies themselves. The second receipt moves the project on;
nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, intake, project_ledgers, transition, work
from models.commands.ledger import locked
from models.context import Context
from models.core.actors import Role
from models.core.calendar import Due
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.archive import documents_of
from models.queries.audit import FILABLE, filings_of, receipts_of, unsettled
from models.queries.reader import project_of
from models.rules import lifecycle
from models.rules.archive import archive_order
from models.rules.audit import (
    Handover,
    check_has_documents,
    check_not_prepared,
    check_receipt,
    check_settled,
    clause,
    missing_bodies,
)
from models.rules.bodies import body_name
from models.rules.lifecycle import Thing
from models.rules.succession import ENDED
from models.tables.audit import AuditFiling, AuditReceipt
from models.tables.kernel import Document, Event, Project

RECEIPT_ITEM = "audit.record_receipt"
CLOSING_ITEM = "archive.close_project"
FILING_ITEM = "audit.prepare_filing"
"""Due only where a project ended early: its money must be settled before the sweep can file it."""
_STAGE = "audit"
_FINISHED = ("project.evaluated", *(f"project.{state}" for state in ENDED))


@dataclass(frozen=True)
class Listed:
    """One file on the hand-over list; ``synthetic`` when it holds made-up content."""

    stage: str
    title: str
    doc_no: str | None
    issued_on: date
    size: int
    sha256: str
    synthetic: bool


class FilingPrepared(BaseModel):
    """The filings of a project: one hand-over list for each body, of so many documents; receipts due by ``due_on``."""

    model_config = ConfigDict(frozen=True)

    id: str
    bodies: tuple[str, ...]
    items: int
    due_on: date


class ReceiptRecorded(BaseModel):
    """The receipt, the bodies whose receipt is still missing, and where the project stands now."""

    model_config = ConfigDict(frozen=True)

    id: str
    body: str
    missing: tuple[str, ...]
    state: str


@command("audit.prepare_filing", roles=(Role.SYSTEM, Role.EVALUATION_OFFICE), clause="ZY-31")
def prepare_filing(ctx: Context, *, project: Annotated[str, Field(description="项目编号")]) -> FilingPrepared:
    """Print and file the project's ledgers and the hand-over list of its whole file for each body, and open the work
    item of its receipt.

    The receipt is due ``audit.filing_working_days`` after the day of the evaluation, however late the sweep runs; of a
    project that ended early, after this day. Raises ``Refusal`` ``audit.already_prepared``, ``SYS-STATE``,
    ``audit.nothing_to_hand_over``, ``audit.unsettled`` (ZY-93) for a project that ended early while anything is open.
    """
    with ctx.reading() as session:
        row = project_of(session, project)
        _check_filable(session, ctx, row)
        policy = ctx.policy(region=row.region)
        on_file = documents_of(session, project, policy=policy)
        check_has_documents(count=len(on_file))
        due = _due(session, ctx, row, policy)
        drafts = project_ledgers.drafted(session, ctx, row, policy=policy)
    ledgers = project_ledgers.printed(ctx, drafts)
    listed = _listed(on_file, ledgers, on=ctx.as_of, policy=policy)
    with ctx.reading() as session:
        row = project_of(session, project)
        views = {
            body: _view(session, ctx, row, policy=policy, receiver=name, listed=listed, due=due)
            for body, name in policy.audit.receipt_bodies.items()
        }
    papers = {body: documents.render(ctx, kind="audit_handover", view=view) for body, view in views.items()}
    with ctx.writing() as session:
        row = locked(session, Project, project, kind="project")
        _check_filable(session, ctx, row)
        project_ledgers.filed(session, ctx, project=project, papers=ledgers)
        work.close_item(session, ctx, kind=FILING_ITEM, subject_id=project)
        filings = [
            _file(session, ctx, row, body=body, paper=paper, policy=policy, items=len(listed), due=due)
            for body, paper in papers.items()
        ]
        payload = {
            "filings": {filing.body: filing.id for filing in filings},
            "items": len(listed),
            "due_on": due.date.isoformat(),
            "rule": clause(policy=policy),
            "policy_digest": policy.digest,
        }
        events.on_project(session, ctx, project, type="audit.filing_prepared", payload=payload)
    return FilingPrepared(id=project, bodies=tuple(papers), items=len(listed), due_on=due.date)


@command(
    "audit.record_receipt",
    roles=(Role.DISCIPLINE_SUPERVISION, Role.AUDIT_BODY, Role.EVALUATION_OFFICE),
    clause="ZY-31",
)
def record_receipt(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    body: Annotated[str, Field(description="受送机关")],
    receipt_no: Annotated[str, Field(min_length=1, max_length=60, description="回执编号")],
    received_on: Annotated[date, Field(description="回执日期")],
    file: Annotated[Upload | None, Field(description="回执扫描件")] = None,
) -> ReceiptRecorded:
    """Record the receipt of one body; the last one missing moves the project to ``audited``.

    Raises ``Refusal`` ``audit.not_the_body``, ``audit.not_prepared``, ``audit.receipt_recorded_already``,
    ``audit.receipt_date``; ``DataFault`` ``storage.missing`` for a scan that is not in the store.
    """
    if file is not None and not ctx.dry_run:
        intake.read(ctx, file=file)  # never cite a scan nobody can read
    with ctx.writing() as session:
        row = locked(session, Project, project, kind="project")  # two bodies at once must see each other
        policy = ctx.policy(region=row.region)
        received = receipts_of(session, project)
        filing = _filing(session, ctx, row, body=body, received=received, received_on=received_on, policy=policy)
        receipt = AuditReceipt(
            id=ctx.new_id("rcpt", body),
            filing_id=filing,
            project_id=project,
            body=body,
            receipt_no=receipt_no,
            received_on=received_on,
            recorded_on=ctx.as_of,
            recorded_by=ctx.actor.role,
        )
        if file is not None:
            receipt.document_id = _file_scan(session, ctx, receipt, file=file, policy=policy).id
        _record(session, ctx, receipt)
        missing = missing_bodies(policy=policy, received=(*received, body))
        if not missing:
            _complete(session, ctx, row, policy=policy, days=[one.received_on for one in (*received.values(), receipt)])
        return ReceiptRecorded(id=receipt.id, body=body, missing=missing, state=f"project.{row.state}")


def _check_filable(session: Session, ctx: Context, row: Project) -> None:
    check_not_prepared(prepared=filings_of(session, row.id))
    lifecycle.check_state_in(thing=Thing.PROJECT, command=ctx.command, state=row.state, allowed=FILABLE)
    if row.state in ENDED:
        check_settled(open_=unsettled(session, row.id, ctx.as_of), policy=ctx.policy(region=row.region))


def _due(session: Session, ctx: Context, row: Project, policy: Policy) -> Due:
    """Return by when the receipts are due: from the evaluation on, or from now where an early end had to be settled."""
    since = ctx.as_of if row.state in ENDED else _finished_on(session, row.id)
    return ctx.services.calendar.add_working_days(since, days=policy.audit.filing_working_days)


def _finished_on(session: Session, project: str) -> date:
    """Return the day on which a project was evaluated or ended early."""
    return session.exec(
        select(col(Event.occurred_at))
        .where(
            col(Event.stream_kind) == events.PROJECT_STREAM,
            col(Event.stream_id) == project,
            col(Event.type).in_(_FINISHED),
        )
        .order_by(col(Event.seq).desc())
        .limit(1)
    ).one()


def _view(
    session: Session, ctx: Context, row: Project, *, policy: Policy, receiver: str, listed: list[Listed], due: Due
) -> dict[str, Any]:
    synthetic = sum(1 for one in listed if one.synthetic)
    ended = row.state in ENDED
    facts = {
        "project": row.name,
        "project_no": row.id,
        "ended_on" if ended else "evaluated_on": _finished_on(session, row.id).isoformat(),
        "due_on": due.date.isoformat(),
        "count": sentence("audit.handover.pieces", {"count": len(listed)}),
    }
    if synthetic:
        facts["synthetic"] = sentence("audit.handover.pieces", {"count": synthetic})
    return {
        "issuer": body_name(policy=policy, role=Role.EVALUATION_OFFICE),
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": [],
        "title_lines": [sentence("audit.handover.title")],
        "doc_no": "",
        "receiver": receiver,
        "facts": [{"label": sentence(f"audit.handover.{name}"), "value": value} for name, value in facts.items()],
        "paras": [sentence(f"audit.handover.opening{'_ended' if ended else ''}", {"project": row.name})],
        "items": [_item(one) for one in listed],
    }


def _listed(
    on_file: list[Document], ledgers: Sequence[project_ledgers.Printed], *, on: date, policy: Policy
) -> list[Listed]:
    """Return what is handed over in the order of the archive: what is on file, and the ledgers about to be filed."""
    rows = [
        Listed(row.stage, row.title, row.doc_no, row.issued_on, row.size, row.sha256, bool(row.synthetic_fields))
        for row in on_file
    ]
    for one in ledgers:
        stored, view = one.paper.stored, one.ledger.view
        synthetic = bool(one.paper.synthetic_fields)
        rows.append(Listed(one.ledger.stage, view["title"], None, on, stored.size, stored.sha256, synthetic))
    return sorted(rows, key=lambda row: archive_order(stage=row.stage, policy=policy))


def _item(one: Listed) -> dict[str, Any]:
    return {
        "title": one.title,
        "doc_no": one.doc_no or "",
        "date": one.issued_on.isoformat(),
        "pages": sentence("audit.handover.bytes", {"bytes": f"{one.size:,}"}),
        "sha256": one.sha256,
    }


def _file(
    session: Session,
    ctx: Context,
    row: Project,
    *,
    body: str,
    paper: documents.Paper,
    policy: Policy,
    items: int,
    due: Due,
) -> AuditFiling:
    document = documents.file_paper(
        session,
        ctx,
        paper=paper,
        project_id=row.id,
        stage=_STAGE,
        title=sentence("audit.document.handover", {"body": policy.audit.receipt_bodies[body]}),
        issuer=body_name(policy=policy, role=Role.EVALUATION_OFFICE),
    )
    filing = AuditFiling(
        id=ctx.new_id("afil", body),
        project_id=row.id,
        body=body,
        items=items,
        filed_on=ctx.as_of,
        due_on=due.date,
        provisional=due.provisional,
        policy_digest=policy.digest,
        document_id=document.id,
    )
    session.add(filing)
    _open_receipt_item(session, ctx, filing, policy=policy)
    return filing


def _open_receipt_item(session: Session, ctx: Context, filing: AuditFiling, *, policy: Policy) -> None:
    work.open_item(
        session,
        ctx,
        kind=RECEIPT_ITEM,
        role=Role(filing.body),
        subject_kind="audit_filing",
        subject_id=filing.id,
        due_on=filing.due_on,
        provisional=filing.provisional,
        clause=policy.clause("audit.filing_working_days"),
        resolves_with=RECEIPT_ITEM,
        project_id=filing.project_id,
    )


def _filing(
    session: Session,
    ctx: Context,
    row: Project,
    *,
    body: str,
    received: Mapping[str, AuditReceipt],
    received_on: date,
    policy: Policy,
) -> str:
    """Return the id of the filing a receipt answers to, once the receipt may be recorded."""
    filings = filings_of(session, row.id)
    check_receipt(
        body=body,
        filed=Handover(filings[body].filed_on, body in received) if body in filings else None,
        role=ctx.actor.role,
        received_on=received_on,
        as_of=ctx.as_of,
        policy=policy,
    )
    lifecycle.check_in_state(thing=Thing.PROJECT, command=ctx.command, state=row.state)
    return filings[body].id


def _file_scan(session: Session, ctx: Context, receipt: AuditReceipt, *, file: Upload, policy: Policy) -> Document:
    body = policy.audit.receipt_bodies[receipt.body]
    return documents.file_upload(
        session,
        ctx,
        stored=file,
        project_id=receipt.project_id,
        stage=_STAGE,
        kind="audit_receipt",
        title=sentence("audit.document.receipt", {"body": body}),
        issuer=body,
        doc_no=receipt.receipt_no,
    )


def _record(session: Session, ctx: Context, receipt: AuditReceipt) -> None:
    session.add(receipt)
    work.close_item(session, ctx, kind=RECEIPT_ITEM, subject_id=receipt.filing_id)
    payload = {
        "receipt_id": receipt.id,
        "filing_id": receipt.filing_id,
        "body": receipt.body,
        "received_on": receipt.received_on.isoformat(),
        "document_id": receipt.document_id,
    }
    events.on_project(session, ctx, receipt.project_id, type="audit.receipt_recorded", payload=payload)


def _complete(session: Session, ctx: Context, row: Project, *, policy: Policy, days: list[date]) -> None:
    """Move the project on and open the archivist's work item, due after the last receipt."""
    payload = {"receipts": len(days), "last_received_on": max(days).isoformat()}
    transition.apply(session, ctx, row, payload=payload, outcome="complete")
    due = ctx.services.calendar.add_working_days(max(days), days=policy.archive.filing_working_days)
    work.open_item(
        session,
        ctx,
        kind=CLOSING_ITEM,
        role=Role.EVALUATION_OFFICE,
        subject_kind="project",
        subject_id=row.id,
        due_on=due.date,
        provisional=due.provisional,
        clause=policy.clause("archive.filing_working_days"),
        resolves_with=CLOSING_ITEM,
        project_id=row.id,
    )
