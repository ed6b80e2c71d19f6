"""Commands of the monthly checks (S13): run the four audit checks of a month, and answer for what they found.

A month may be checked again (late records, corrections): a finding stands once, its figures follow while it is open, it
is cleared when nothing is left of it, and one that grew after it was closed is open again. The purchaser answers for a
finding, finance where money was paid twice. Events hold ids, dates and counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import true
from sqlmodel import Session, col, select

from models.commands import documents, events, work
from models.context import Context
from models.core.actors import CIVIL_AFFAIRS, ROLE_NAMES, Role
from models.core.errors import Conflict, Refusal
from models.core.messages import sentence
from models.core.periods import add_months
from models.core.registry import command
from models.core.uploads import Upload
from models.policy.schema import Policy
from models.queries import monthly_checks as reads
from models.queries.check_findings import RECHECK
from models.queries.month_records import Month, previous_month
from models.queries.monthly_checks import Found
from models.queries.reader import found
from models.tables.monitoring import CheckFinding

KIND: Final = "monitoring.check_finding"
CLEARED: Final = "cleared"
_RULE: Final = "SYS-MONTHLY-CHECK"
_OWNERS: Final = {reads.DOUBLE: Role.FINANCE_BUREAU}
"""Who answers for a check where it is not the purchaser."""
_FIGURES: Final = ("records", "persons", "minutes", "amount_fen")
_NOTED: Final = {"month", "records", "days"}


class ChecksRun(BaseModel):
    """What a run came to: findings new, changed, cleared (nothing left), open; contracts without a service plan."""

    model_config = ConfigDict(frozen=True)

    id: str
    new: int
    changed: int
    cleared: int
    open: int
    contracts_without_plan: int


class FindingClosed(BaseModel):
    """The finding that was answered for; ``late`` when after its due date."""

    model_config = ConfigDict(frozen=True)

    id: str
    outcome: str
    late: bool


@command("monitoring.run_monthly_checks", roles=(Role.SYSTEM, *CIVIL_AFFAIRS), clause=_RULE)
def run_monthly_checks(
    ctx: Context, *, month: Annotated[date | None, Field(description="核查月份(当月任一日);不填为上月")] = None
) -> ChecksRun:
    """Hold a month's service records and payments against plan, contract and certificates; run twice, found once.

    Raises ``Refusal`` ``monitoring.month_open`` (SYS-PERIOD) before the month is over.
    """
    asked = Month(month.replace(day=1)) if month else previous_month(ctx.as_of)
    if ctx.as_of < asked.after:
        raise Refusal("monitoring.month_open", rule="SYS-PERIOD", facts={"month": asked.label})
    policy = ctx.policy(region=ctx.services.region)
    with ctx.reading() as session:
        result = reads.checked(session, month=asked)
    with ctx.writing() as session:
        counts = _settle(session, ctx, policy, asked, result.found)
        work.close_item(session, ctx, kind=RECHECK, subject_id=asked.label)
        if counts["new"] or counts["changed"] or counts["cleared"]:
            payload = {"month": asked.label, **counts, "policy_digest": policy.digest}
            _tell(session, ctx, "monitoring.month_checked", asked.label, payload)
        still = rows_of_month(session, asked, open_only=True)
    return ChecksRun(id=asked.label, **counts, open=len(still), contracts_without_plan=result.contracts_without_plan)


def _settle(
    session: Session, ctx: Context, policy: Policy, month: Month, found_now: Mapping[tuple[str, str], Found]
) -> dict[str, int]:
    """Bring the findings of a month in line with what was found now, and count what is new, changed and gone."""
    standing = {(row.check_code, row.contract_id): row for row in rows_of_month(session, month)}
    contracts = {contract for _, contract in (*found_now, *standing)}
    projects = reads.projects_of(session, contracts=contracts, region=policy.region)
    counts = {"new": 0, "changed": 0, "cleared": 0}
    for (check, contract), figures in sorted(found_now.items()):
        if contract not in projects or check not in policy.monitoring.audit_checks:
            continue
        row = standing.get((check, contract))
        if row is None:
            _open(session, ctx, policy, month, check, contract, projects, figures)
            counts["new"] += 1
        elif _grew(row, figures):
            _refresh(session, ctx, row, figures, policy)
            counts["changed"] += 1
    for key, row in sorted(standing.items()):
        if key not in found_now and row.contract_id in projects and row.closed_on is None:
            _clear(session, ctx, row)
            counts["cleared"] += 1
    return counts


def rows_of_month(session: Session, month: Month, *, open_only: bool = False) -> list[CheckFinding]:
    """Return the findings of a month, of all contracts."""
    still = col(CheckFinding.closed_on).is_(None) if open_only else true()
    return list(session.exec(select(CheckFinding).where(col(CheckFinding.month) == month.label, still)).all())


def _open(
    session: Session,
    ctx: Context,
    policy: Policy,
    month: Month,
    check: str,
    contract: str,
    projects: dict[str, str],
    figures: Found,
) -> None:
    row = CheckFinding(
        id=ctx.new_id("chk", month.label, check, contract),
        month=month.label,
        check_code=check,
        project_id=projects[contract],
        contract_id=contract,
        **asdict(figures),
        found_on=ctx.as_of,
        due_on=ctx.as_of + timedelta(days=policy.monitoring.rectification_days),
        policy_digest=policy.digest,
    )
    session.add(row)
    session.flush()
    _owe(session, ctx, row, policy)


def _owe(session: Session, ctx: Context, row: CheckFinding, policy: Policy) -> None:
    """Open the due row of a finding, or bring what it says up to date."""
    facts = {"check": policy.monitoring.audit_checks[row.check_code], **row.model_dump(include=_NOTED)}
    item = work.open_item(
        session,
        ctx,
        kind=KIND,
        role=_OWNERS.get(row.check_code, Role.PURCHASER),
        subject_kind="check_finding",
        subject_id=row.id,
        project_id=row.project_id,
        due_on=row.due_on,
        clause=policy.clause("monitoring.audit_checks"),
        resolves_with="monitoring.close_finding",
    )
    item.note = sentence("monitoring.check.note_by_day" if row.days else "monitoring.check.note", facts)
    session.add(item)


def _grew(row: CheckFinding, figures: Found) -> bool:
    now, before = asdict(figures), row.model_dump(include=set(asdict(figures)))
    return now != before if row.closed_on is None else any(now[name] > before[name] for name in _FIGURES)


def _refresh(session: Session, ctx: Context, row: CheckFinding, figures: Found, policy: Policy) -> None:
    """Bring an open finding up to date; one that was closed and grew is open again, with a new due date."""
    row.sqlmodel_update(asdict(figures))
    if row.closed_on is not None:
        row.closed_on, row.outcome = None, ""
        row.due_on = ctx.as_of + timedelta(days=policy.monitoring.rectification_days)
        work.move_item(session, ctx, kind=KIND, subject_id=row.id, due_on=row.due_on)
    session.add(row)
    _owe(session, ctx, row, policy)


def _clear(session: Session, ctx: Context, row: CheckFinding) -> None:
    """Close a finding of which nothing is left: a late record or a correction answered for it."""
    row.sqlmodel_update(asdict(Found()))
    row.closed_on, row.outcome = ctx.as_of, CLEARED
    session.add(row)
    work.close_item(session, ctx, kind=KIND, subject_id=row.id)


def owe_recheck(session: Session, ctx: Context, *, days: Collection[date], policy: Policy) -> None:
    """Owe a new check of each month that records came for after its second regular one; called by the recording."""
    regular = add_months(ctx.as_of.replace(day=1), months=-1)
    for first in sorted({day.replace(day=1) for day in days if day < regular}):
        month = Month(first)
        due = ctx.as_of + timedelta(days=policy.monitoring.rectification_days)
        item = work.open_item(
            session,
            ctx,
            kind=RECHECK,
            role=Role.EVALUATION_OFFICE,
            subject_kind="month",
            subject_id=month.label,
            due_on=due,
            clause=policy.clause("monitoring.audit_checks"),
            resolves_with="monitoring.run_monthly_checks",
            note=sentence("monitoring.check.recheck", {"month": month.label}),
        )
        if item.status != "open":
            work.move_item(session, ctx, kind=RECHECK, subject_id=month.label, due_on=due)


@command(
    "monitoring.close_finding",
    roles=(Role.PURCHASER, Role.FINANCE_BUREAU, *CIVIL_AFFAIRS),
    clause=_RULE,
)
def close_finding(
    ctx: Context,
    *,
    finding: Annotated[str, Field(description="核查结果编号")],
    outcome: Annotated[Literal["corrected", "unfounded"], Field(description="处理结果")],
    reason: Annotated[str, Field(min_length=4, max_length=500, description="处理情况(加密保存)")],
    evidence: Annotated[Upload | None, Field(description="佐证材料")] = None,
) -> FindingClosed:
    """Answer for a finding: corrected, with evidence, or unfounded, with the reason why.

    Raises ``Refusal`` ``monitoring.no_evidence`` (SYS-MONTHLY-CHECK), ``monitoring.not_your_finding`` (SYS-ROLE);
    ``Conflict`` ``monitoring.finding_closed``.
    """
    if outcome == "corrected" and evidence is None:
        raise Refusal("monitoring.no_evidence", rule=_RULE)
    with ctx.writing() as session:
        row = found(session.get(CheckFinding, finding, with_for_update=True), kind="check_finding", id=finding)
        if row.closed_on is not None:
            raise Conflict("monitoring.finding_closed", rule="SYS-ALREADY-DONE", facts={"on": row.closed_on})
        _check_owner(ctx.actor.role, row.check_code)
        row.closed_on, row.outcome = ctx.as_of, outcome
        row.reason_sealed = ctx.services.vault.seal(reason)
        row.document_id = _file(session, ctx, row, evidence) if evidence else None
        session.add(row)
        work.close_item(session, ctx, kind=KIND, subject_id=row.id)
        closed = FindingClosed(id=row.id, outcome=outcome, late=ctx.as_of > row.due_on)
        payload = {
            "finding_id": row.id,
            "month": row.month,
            "check": row.check_code,
            "outcome": outcome,
            "late": closed.late,
            "document_id": row.document_id,
        }
        events.on_project(session, ctx, row.project_id, "monitoring.finding_closed", payload)
        return closed


def _check_owner(role: Role, check: str) -> None:
    owner = _OWNERS.get(check, Role.PURCHASER)
    if role is not owner and role not in CIVIL_AFFAIRS:
        raise Refusal("monitoring.not_your_finding", rule="SYS-ROLE", facts={"owner": ROLE_NAMES[owner]})


def _file(session: Session, ctx: Context, row: CheckFinding, evidence: Upload) -> str:
    return documents.file_upload(
        session,
        ctx,
        stored=evidence,
        project_id=row.project_id,
        stage="monitoring",
        kind="check_evidence",
        title=sentence("monitoring.check.evidence", {"month": row.month}),
        issuer=ROLE_NAMES[ctx.actor.role],
    ).id


def _tell(session: Session, ctx: Context, type_: str, stream_id: str, payload: dict[str, object]) -> None:
    events.append(session, ctx, stream_kind="monitoring", stream_id=stream_id, type=type_, payload=payload)
