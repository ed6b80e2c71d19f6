"""The quarterly investment-plan notice (项目投资计划, D12) with its annex, and the plan ledger (实施计划台账, L06)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reports.book import OpenLedger
from reports.columns import Column
from reports.paper import Figure, Ledger, LedgerKind, Line, Official, PaperKind, Row, View


class PlanLine(View):
    """One line of the annex. Amounts are in the notice's ``amount_unit``."""

    project: Figure
    content_scale: Figure
    period: Figure
    total: Figure
    this_batch: Figure
    source: Figure
    unit: Figure
    target: Figure


class InvestmentPlanNotice(Official):
    """Under letterhead, issued with ``co_issuers``; sums are computed by the query that made the view."""

    batch: Line
    annex_title: Line
    amount_unit: Line
    lines: Annotated[tuple[PlanLine, ...], Field(min_length=1)]
    total_sum: Figure
    batch_sum: Figure


class PlanLedgerRow(Row):
    """One plan line of the ledger."""

    seq: Figure
    project_no: Figure
    project: Figure
    approval_no: Figure
    starts_on: Figure
    ends_on: Figure
    quarter: Figure
    source: Figure
    total: Figure
    this_batch: Figure
    unit: Figure
    formality: Figure


class PlanLedger(Ledger):
    """The implementation-plan ledger of a year."""

    rows: tuple[PlanLedgerRow, ...]


PLAN_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", "int", width=6),
    Column("project_no", "项目编号", width=16),
    Column("project", "项目名称", width=32),
    Column("approval_no", "批准文号", width=20),
    Column("starts_on", "开始日期", "date", width=12),
    Column("ends_on", "结束日期", "date", width=12),
    Column("quarter", "下达季度批次", width=16),
    Column("source", "资金来源", width=16),
    Column("total", "总投资（元）", "amount", width=16),
    Column("this_batch", "本批下达（元）", "amount", width=16),
    Column("unit", "承担单位", width=22),
    Column("formality", "手续状态", width=12),
)

KINDS = (
    PaperKind("investment_plan_notice", InvestmentPlanNotice, "investment_plan_notice.typ"),
    LedgerKind("plan_ledger_xlsx", PlanLedger, "实施计划台账", PLAN_COLUMNS),
    LedgerKind("plan_scenarios_xlsx", OpenLedger, "方案比选表", ()),  # a column a scenario
    LedgerKind("incentive_table_xlsx", OpenLedger, "激励约束分配表", ()),
    LedgerKind("credit_ledger_xlsx", OpenLedger, "信用台账", ()),
)
