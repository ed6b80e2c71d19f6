"""Commands of rectification (S13): an order with its due date, the reply, the re-check, the closing (ZY-88, FZ-76).

The due row is a work item: of whoever must answer, then of whoever checks again. An order closes only by a re-check
that holds; a reply that does not is sent back and the order stays overdue as it was.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlmodel import Session

from models.commands import documents, events, project_papers, work
from models.commands.follow_up import order_given
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.errors import Conflict
from models.core.messages import sentence
from models.core.registry import Once, command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries import papers
from models.queries.inspection import is_source
from models.queries.monitoring import SOURCES, contractor_names
from models.queries.reader import found, project_of
from models.rules import inspection as rules
from models.rules.bodies import body_name
from models.rules.force import binding
from models.rules.masking import check_impersonal
from models.tables.kernel import Project
from models.tables.monitoring import RectificationOrder

REPLY: Final = "monitoring.rectification"
RECHECK: Final = "monitoring.rectification_recheck"
_DOERS: Final = (Role.CONTRACTOR, Role.PURCHASER)
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=1000)]


class OrderKept(BaseModel):
    """The order as it stands after the act; ``rounds`` counts replies that were sent back."""

    model_config = ConfigDict(frozen=True)

    id: str
    due_on: date
    replied: bool
    closed: bool
    rounds: int
    late: bool


@command(
    "monitoring.order_rectification",
    roles=(*CIVIL_AFFAIRS, Role.PURCHASER, Role.FINANCE_BUREAU, Role.TOWNSHIP),
    clause="ZY-88",
    once_a_day=Once.BY_SENDER,
)
def order_rectification(
    ctx: Context,
    *,
    project: Annotated[str, Field(description="项目编号")],
    problem: Annotated[Words, Field(description="存在的问题(不写个人信息)")],
    demand: Annotated[Words, Field(description="整改要求")],
    source: Annotated[str, Field(max_length=80, description="来源(抽查任务或核查结果编号)")] = "",
    due_on: Annotated[date | None, Field(description="整改期限;不填按规定日数")] = None,
) -> OrderKept:
    """Order something to be put right by a day, on paper; the contractor owes the reply from then on.

    Raises ``Refusal`` ``monitoring.due_passed`` (SYS-PERIOD), ``monitoring.source_unknown`` (SYS-CODE-LIST).
    Words with a personal number in them are refused (``kernel.reason_names_person``), here and below.
    """
    check_impersonal(reason=f"{problem}\n{demand}")
    with ctx.reading() as session:
        row = project_of(session, project)
        rules.check_source(source=source, known=not source or is_source(session, project=project, source=source))
        policy = ctx.policy(region=row.region)
        due = due_on or ctx.as_of + timedelta(days=policy.monitoring.rectification_days)
        rules.check_order_due(ordered_on=ctx.as_of, due_on=due)
        view = _order_view(session, ctx, row, policy, problem, demand, due)
    printed = project_papers.printed(ctx, kind="rectification_order", view=view)
    with ctx.writing() as session:
        order = RectificationOrder(
            id=ctx.new_id("rct", project),
            project_id=project,
            source=source,
            problem=problem,
            demand=demand,
            ordered_by=str(ctx.actor),
            ordered_on=ctx.as_of,
            due_on=due,
            document_id=project_papers.filed(session, ctx, project=project, stage="monitoring", printed=printed),
        )
        session.add(order)
        session.flush()
        order_given(session, ctx, project=project)
        _owe(session, ctx, order, policy, kind=REPLY)
        return _kept(session, ctx, order, "monitoring.rectification_ordered", policy)


def _order_view(
    session: Session, ctx: Context, row: Project, policy: Policy, problem: str, demand: str, due: date
) -> dict[str, Any]:
    sheet = project_papers.sheet(session, ctx, row, sources=(*SOURCES, ctx.command))
    lines = [
        ("project", row.name, "library.enter_project.name"),
        ("contractor", "、".join(contractor_names(session, project=row.id)), "procurement.register_bid.organisation"),
        ("due", due.isoformat(), f"{ctx.command}.due_on"),
    ]
    issuer = body_name(policy=policy, role=ctx.actor.role)
    return {
        **papers.head(sheet=sheet, title="monitoring.order.title", issuer=issuer),
        "facts": papers.facts(sheet=sheet, stage="monitoring", lines=lines),
        "problem": problem,
        "demand": demand,
        "closing": [sentence("monitoring.order.closing", {"due": due.isoformat()})],
    }


def _owe(session: Session, ctx: Context, order: RectificationOrder, policy: Policy, *, kind: str) -> None:
    """Open the due row of the reply, or of the re-check; one that was done before is open again."""
    work.move_item(session, ctx, kind=kind, subject_id=order.id, due_on=order.due_on)
    work.open_item(
        session,
        ctx,
        kind=kind,
        role=Role.CONTRACTOR if kind == REPLY else Role(order.ordered_by.partition(":")[0]),
        subject_kind="rectification_order",
        subject_id=order.id,
        project_id=order.project_id,
        due_on=order.due_on,
        clause=policy.clause("monitoring.rectification_days"),
        resolves_with="monitoring.reply_rectification" if kind == REPLY else "monitoring.recheck_rectification",
    )


@command("monitoring.reply_rectification", roles=_DOERS, clause="ZY-88")
def reply_rectification(
    ctx: Context,
    *,
    order: Annotated[str, Field(description="整改要求编号")],
    reply: Annotated[Words, Field(description="整改情况(不写个人信息)")],
    evidence: Annotated[Upload | None, Field(description="佐证材料")] = None,
) -> OrderKept:
    """Say how it was put right; whoever ordered it checks again. Raises ``Conflict`` ``monitoring.order_closed``."""
    check_impersonal(reason=reply)
    with ctx.writing() as session:
        row, policy = _open(session, ctx, order)
        row.reply, row.replied_on = reply, ctx.as_of
        row.replied_by = str(ctx.actor)
        if evidence is not None:
            row.reply_document_id = documents.file_upload(
                session,
                ctx,
                stored=evidence,
                project_id=row.project_id,
                stage="monitoring",
                kind="rectification_evidence",
                title=sentence("monitoring.order.evidence"),
                issuer=ROLE_NAMES[ctx.actor.role],
            ).id
        work.close_item(session, ctx, kind=REPLY, subject_id=row.id)
        _owe(session, ctx, row, policy, kind=RECHECK)
        return _kept(session, ctx, row, "monitoring.rectification_replied", policy)


@command(
    "monitoring.recheck_rectification",
    roles=(*CIVIL_AFFAIRS, Role.PURCHASER, Role.FINANCE_BUREAU, Role.TOWNSHIP),
    clause="ZY-88",
)
def recheck_rectification(
    ctx: Context,
    *,
    order: Annotated[str, Field(description="整改要求编号")],
    put_right: Annotated[bool, Field(description="是否整改到位")],
    finding: Annotated[Words, Field(description="复查情况(不写个人信息)")],
) -> OrderKept:
    """Check again what was answered: closed when put right, else sent back.

    Raises ``Refusal`` ``monitoring.no_reply``, ``monitoring.own_recheck`` (ZY-88, FZ-76); ``Conflict``
    ``monitoring.order_closed``.
    """
    check_impersonal(reason=finding)
    with ctx.writing() as session:
        row, policy = _open(session, ctx, order)
        rules.check_recheck(replied_on=row.replied_on, replied_by=row.replied_by, actor=str(ctx.actor), policy=policy)
        row.recheck, row.rechecked_by = finding, str(ctx.actor)
        work.close_item(session, ctx, kind=RECHECK, subject_id=row.id)
        if put_right:
            row.closed_on, row.late = ctx.as_of, ctx.as_of > row.due_on
            return _kept(session, ctx, row, "monitoring.rectification_closed", policy)
        row.sent_back = [*row.sent_back, _round(ctx, row)]
        row.replied_on, row.rounds = None, row.rounds + 1
        _owe(session, ctx, row, policy, kind=REPLY)
        return _kept(session, ctx, row, "monitoring.rectification_sent_back", policy)


def _round(ctx: Context, row: RectificationOrder) -> dict[str, Any]:
    """Return what was answered and what the re-check found: the next answer takes their places in the row."""
    return {
        "reply": row.reply,
        "replied_on": row.replied_on.isoformat() if row.replied_on else None,
        "replied_by": row.replied_by,
        "reply_document_id": row.reply_document_id,
        "recheck": row.recheck,
        "rechecked_by": row.rechecked_by,
        "rechecked_on": ctx.as_of.isoformat(),
    }


def _open(session: Session, ctx: Context, order: str) -> tuple[RectificationOrder, Policy]:
    row = found(session.get(RectificationOrder, order, with_for_update=True), kind="rectification_order", id=order)
    if row.closed_on is not None:
        facts = {"on": row.closed_on.isoformat()}
        raise Conflict("monitoring.order_closed", rule="SYS-ALREADY-DONE", facts=facts)
    return row, ctx.policy(region=project_of(session, row.project_id).region)


def _kept(session: Session, ctx: Context, row: RectificationOrder, type_: str, policy: Policy) -> OrderKept:
    session.add(row)
    session.flush()
    payload = {
        "order": row.id,
        "source": row.source,
        "due_on": row.due_on.isoformat(),
        "rounds": row.rounds,
        "late": row.late,
        "rule": binding(policy=policy, rules=("ZY-88", "FZ-76", "SYS-RECTIFICATION")),
    }
    events.on_project(session, ctx, row.project_id, type_, payload)
    return OrderKept(
        id=row.id,
        due_on=row.due_on,
        replied=row.replied_on is not None,
        closed=row.closed_on is not None,
        rounds=row.rounds,
        late=row.late,
    )
