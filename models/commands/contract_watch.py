"""Commands of watching a contract (S13): the contractor's financial report, and who held its key posts (ZY-86, BJ-45).

Attendance is never edited. A post held by somebody the contract does not name is flagged: the change needs the
purchaser's consent (``contract.change_key_post``).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models.commands import documents, events, scheduled, work
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.errors import Conflict, Refusal
from models.core.messages import sentence
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries.contract import holders
from models.queries.reader import found
from models.queries.supervision import REPORT
from models.tables.contract import Contract
from models.tables.monitoring import KeyPostAttendance

_END: Final = "contract.end"
_WATCHERS: Final = (Role.PURCHASER, *CIVIL_AFFAIRS)


class PostHeld(BaseModel):
    """One key post in a month: who held it, days due and present, what was done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    post: Annotated[str, Field(min_length=1, description="关键岗位")]
    ref: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", description="到岗人员编号")]
    days_due: Annotated[int, Field(ge=0, le=31, description="应到岗日数")]
    days_present: Annotated[int, Field(ge=0, le=31, description="实际到岗日数")]
    performance: Annotated[str, Field(max_length=300, description="履职情况(不写个人信息)")] = ""


class ReportFiled(BaseModel):
    """The filed financial report."""

    model_config = ConfigDict(frozen=True)

    id: str
    closed: int


class AttendanceRecorded(BaseModel):
    """How many posts were recorded, how many were held by a substitute, how many fell short of their days."""

    model_config = ConfigDict(frozen=True)

    id: str
    posts: int
    substituted: tuple[str, ...]
    short: tuple[str, ...]


def expect_end(session: Session, ctx: Context, row: Contract, policy: Policy) -> None:
    """Owe the end of a contract on the day after its term, so that nobody's service runs out unseen (ZY-28).

    The ladder of alerts asks for the next contract or for completion before that day; a supplement moves it.
    """
    work.open_item(
        session,
        ctx,
        kind=_END,
        role=Role.PURCHASER,
        subject_kind="contract",
        subject_id=row.id,
        due_on=row.ends_on,
        project_id=row.project_id,
        clause=policy.clause("delivery.no_recipient_left"),
        resolves_with="delivery.complete",
    )
    work.move_item(session, ctx, kind=_END, subject_id=row.id, due_on=row.ends_on)


def ended(session: Session, ctx: Context, row: Contract) -> None:
    """Close what ``expect_end`` opened: the contract was completed or terminated."""
    work.close_item(session, ctx, kind=_END, subject_id=row.id)


@command("monitoring.file_report", roles=(Role.CONTRACTOR, *CIVIL_AFFAIRS), clause="BJ-45")
def file_report(
    ctx: Context,
    *,
    contract: Annotated[str, Field(description="合同编号")],
    period: Annotated[str, Field(min_length=4, max_length=40, description="报告期间")],
    report: Annotated[Upload, Field(description="财务报告")],
) -> ReportFiled:
    """File the contractor's financial report of a period; what was owed of it is done (BJ-45)."""
    with ctx.writing() as session:
        row = found(session.get(Contract, contract), kind="contract", id=contract)
        document = documents.file_upload(
            session,
            ctx,
            stored=report,
            project_id=row.project_id,
            stage="monitoring",
            kind=REPORT,
            title=sentence("monitoring.report.title", {"period": period}),
            issuer=ROLE_NAMES[ctx.actor.role],
        )
        closed = scheduled.settle(session, ctx, project=row.project_id)
        return ReportFiled(id=document.id, closed=closed)


@command("monitoring.record_attendance", roles=_WATCHERS, clause="ZY-86")
def record_attendance(
    ctx: Context,
    *,
    contract: Annotated[str, Field(description="合同编号")],
    month: Annotated[date, Field(description="月份(当月任一日)")],
    posts: Annotated[tuple[PostHeld, ...], Field(min_length=1, max_length=50, description="关键岗位到岗情况")],
) -> AttendanceRecorded:
    """Record who held the key posts of a contract in a month; a substitute and a shortfall are flagged (ZY-86).

    Raises ``Refusal`` ``monitoring.post_unknown`` (SYS-CODE-LIST), ``monitoring.post_missing`` (ZY-86),
    ``monitoring.month_ahead``; ``Conflict`` ``monitoring.attendance_recorded``.
    """
    label = month.isoformat()[:7]
    if label > ctx.as_of.isoformat()[:7]:
        raise Refusal("monitoring.month_ahead", rule="SYS-PERIOD", facts={"month": label})
    with ctx.writing() as session:
        row = found(session.get(Contract, contract), kind="contract", id=contract)
        _check_posts(session, row, label, [one.post for one in posts])
        held = holders(session, row, month=month)
        rows = [
            KeyPostAttendance(
                id=ctx.new_id("kpa", contract, label, one.post),
                contract_id=contract,
                project_id=row.project_id,
                month=label,
                post=one.post,
                ref=one.ref,
                days_due=one.days_due,
                days_present=one.days_present,
                performance=one.performance,
                substituted=one.ref not in held[one.post],
                recorded_on=ctx.as_of,
            )
            for one in posts
        ]
        session.add_all(rows)
        substituted = tuple(one.post for one in rows if one.substituted)
        short = tuple(one.post for one in rows if one.days_present < one.days_due)
        counts = {"posts": len(rows), "substituted": len(substituted), "short": len(short)}
        events.on_project(
            session,
            ctx,
            row.project_id,
            "monitoring.attendance_recorded",
            {"contract_id": contract, "month": label, **counts, "rule": "ZY-86"},
        )
        scheduled.settle(session, ctx, project=row.project_id)
        return AttendanceRecorded(id=contract, posts=len(rows), substituted=substituted, short=short)


def _check_posts(session: Session, row: Contract, month: str, given: list[str]) -> None:
    unknown = sorted(set(given) - set(row.key_posts))
    if unknown:
        facts = {"posts": "、".join(unknown), "known": "、".join(row.key_posts) or "—"}
        raise Refusal("monitoring.post_unknown", rule="SYS-CODE-LIST", facts=facts)
    missing = [post for post in row.key_posts if post not in given]
    if missing or len(given) != len(set(given)):
        raise Refusal("monitoring.post_missing", rule="ZY-86", facts={"posts": "、".join(missing) or "—"})
    before = select(KeyPostAttendance.id).where(
        col(KeyPostAttendance.contract_id) == row.id, col(KeyPostAttendance.month) == month
    )
    if session.exec(before).first() is not None:
        raise Conflict("monitoring.attendance_recorded", rule="SYS-ALREADY-DONE", facts={"month": month})
