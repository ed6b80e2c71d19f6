"""The views of the investment-plan notice and of the plan ledger, from the tables and marks of the projects.

Called by ``commands.funding.issue_plan`` before its transaction. Words and sums figures, decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlmodel import Session, col, select

from models.context import Context
from models.core.actors import Role
from models.core.messages import sentence
from models.core.money import Money
from models.core.periods import Quarter
from models.queries.ledger import granted
from models.queries.procurement import purchaser_of
from models.queries.provenance import Marks, marks
from models.queries.reader import project_of
from models.rules.bodies import batch_name, body_name
from models.rules.lifecycle import Thing, state_name
from models.tables.funding import BudgetLine, PlanLine
from models.tables.kernel import Document, Project

_SHOWN = ("funding.register_budget", "funding.draft_plan", "funding.issue_plan", "procurement.plan")


def notice_view(
    session: Session, ctx: Context, *, lines: list[PlanLine], quarter: Quarter, batch: int, doc_no: str
) -> dict[str, Any]:
    """Return the view of the notice of one batch with its annex, amounts in ten thousand yuan."""
    seen = _marks_of(session, ctx, lines)
    totals = [_total(session, line) for line in lines]
    policy = ctx.policy(region=ctx.services.region, on=quarter.first_day)
    issuers = [body_name(policy=policy, role=Role(role)) for role in policy.funding.plan_co_issuers]
    when = batch_name(str(quarter), batch)
    amounts = [Money(line.amount_fen) for line in lines]
    return {
        **_head(ctx, seen, issuer=issuers[0]),
        "title_lines": [sentence("funding.notice.title", {"batch": when})],
        "doc_no": doc_no,
        "addressee": sentence("funding.notice.addressee"),
        "paras": [
            sentence("funding.notice.opening", {"batch": when, "count": len(lines)}),
            sentence("funding.notice.duty"),
        ],
        "attachments": [sentence("funding.notice.annex", {"batch": when})],
        "co_issuers": issuers[1:],
        "disclosure": "",
        "batch": when,
        "annex_title": sentence("funding.notice.annex", {"batch": when}),
        "amount_unit": sentence("funding.unit.ten_thousand_yuan"),
        "lines": [
            _annex_line(session, ctx, line, seen[line.project_id], total)
            for line, total in zip(lines, totals, strict=True)
        ],
        "total_sum": _sum(totals, seen.values(), "funding.register_budget.amount"),
        "batch_sum": _sum(amounts, seen.values(), "funding.draft_plan.amount"),
    }


def ledger_view(session: Session, ctx: Context, *, year: int, issuing: list[PlanLine]) -> dict[str, Any]:
    """Return the view of the year's implementation-plan ledger; the lines being issued count as issued."""
    out = {line.id for line in issuing}
    rows = session.exec(
        select(PlanLine)
        .where(col(PlanLine.quarter).startswith(f"{year}Q"), col(PlanLine.cancelled_on).is_(None))
        .order_by(col(PlanLine.quarter), col(PlanLine.batch), col(PlanLine.project_id), col(PlanLine.channel))
    ).all()
    seen = _marks_of(session, ctx, rows)
    policy = ctx.policy(region=ctx.services.region, on=Quarter(year, 1).first_day)
    return {
        **_head(ctx, seen, issuer=body_name(policy=policy, role=Role(policy.funding.plan_co_issuers[0]))),
        "title": sentence("funding.ledger.title", {"year": year}),
        "rows": [
            _ledger_row(session, ctx, number, line, seen[line.project_id], issued=line.id in out)
            for number, line in enumerate(rows, start=1)
        ],
    }


def _marks_of(session: Session, ctx: Context, lines: Iterable[PlanLine]) -> dict[str, Marks]:
    projects = dict.fromkeys(line.project_id for line in lines)
    return {project: marks(session, project, pending=ctx.synthetic, command=ctx.command) for project in projects}


def _head(ctx: Context, seen: dict[str, Marks], *, issuer: str) -> dict[str, Any]:
    labels = {label for one in seen.values() for label in one.labels(*_SHOWN)}
    return {
        "issuer": issuer,
        "date": ctx.as_of.isoformat(),
        "rehearsal": ctx.services.rehearsal,
        "synthetic_fields": sorted(labels),
    }


def _total(session: Session, line: PlanLine) -> Money:
    """What the project was granted in the line's channel, by reply or of funds: totals of two channels add up."""
    rows = session.exec(
        select(BudgetLine.amount_fen).where(
            col(BudgetLine.project_id) == line.project_id, col(BudgetLine.channel) == line.channel
        )
    ).all()
    funds = granted(session, project=line.project_id, channel=line.channel)
    return Money(sum(rows)) + Money.total(one.amount for one in funds)


def _sum(amounts: list[Money], seen: Iterable[Marks], path: str) -> dict[str, object]:
    return {"text": ten_thousands(Money.total(amounts)), "synthetic": any(one.is_synthetic(path) for one in seen)}


def ten_thousands(amount: Money) -> str:
    """Word an amount in ten thousand yuan: at least two decimals, more where a fen would be lost."""
    exact = amount.decimal().scaleb(-4).normalize()
    return f"{exact:f}" if exact != round(exact, 2) else f"{exact:,.2f}"


def _annex_line(session: Session, ctx: Context, line: PlanLine, seen: Marks, total: Money) -> dict[str, Any]:
    project = project_of(session, line.project_id)
    return {
        "project": project.name,
        "content_scale": seen.cell(line.content, "funding.draft_plan.content"),
        "period": _period(line, seen),
        "total": seen.cell(ten_thousands(total), "funding.register_budget.amount"),
        "this_batch": seen.cell(ten_thousands(Money(line.amount_fen)), "funding.draft_plan.amount"),
        "source": _source(ctx, project, line),
        "unit": seen.cell(purchaser_of(session, project=project.id), "procurement.plan.purchaser"),
        "target": seen.cell(line.target, "funding.draft_plan.target"),
    }


def _ledger_row(
    session: Session, ctx: Context, number: int, line: PlanLine, seen: Marks, *, issued: bool
) -> dict[str, Any]:
    project = project_of(session, line.project_id)
    return {
        "seq": str(number),
        "project_no": project.id,
        "project": project.name,
        "approval_no": seen.cell(_approval_no(session, project), "decision.approve"),
        "starts_on": seen.cell(line.period_start, "funding.draft_plan.period_start"),
        "ends_on": seen.cell(line.period_end, "funding.draft_plan.period_end"),
        "quarter": batch_name(line.quarter, line.batch),
        "source": _source(ctx, project, line),
        "total": seen.cell(_total(session, line), "funding.register_budget.amount"),
        "this_batch": seen.cell(Money(line.amount_fen), "funding.draft_plan.amount"),
        "unit": seen.cell(purchaser_of(session, project=project.id), "procurement.plan.purchaser"),
        "formality": state_name(thing=Thing.PLAN_LINE, state="issued" if issued else line.state),
    }


def _period(line: PlanLine, seen: Marks) -> dict[str, object]:
    if line.period_start is None or line.period_end is None:
        return {"stated": False}
    path = next(
        (
            f"funding.draft_plan.{part}"
            for part in ("period_start", "period_end")
            if seen.is_synthetic(f"funding.draft_plan.{part}")
        ),
        "funding.draft_plan.period_start",
    )
    return seen.cell(sentence("funding.paper.period", {"start": line.period_start, "end": line.period_end}), path)


def _source(ctx: Context, project: Project, line: PlanLine) -> str:
    policy = ctx.policy(region=project.region, on=Quarter.parse(line.quarter).first_day)
    return policy.funding.sources.get(line.channel, line.channel)


def _approval_no(session: Session, project: Project) -> str | None:
    return session.exec(
        select(Document.doc_no)
        .where(col(Document.project_id) == project.id, col(Document.kind) == "approval_document")
        .order_by(col(Document.issued_on).desc())
    ).first()
