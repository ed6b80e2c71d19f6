"""The ledger of duties (调度台账 and its kin, L14–L15): per period who did it, who did not."""

from __future__ import annotations

from reports.columns import Column
from reports.paper import Figure, Ledger, LedgerKind, Row


class DutyRow(Row):
    """One time a unit owes a duty, or a log entry."""

    seq: Figure
    duty: Figure
    rule: Figure
    level: Figure
    unit: Figure
    period: Figure
    due_on: Figure
    status: Figure
    held_on: Figure
    participants: Figure
    consulted: Figure
    alerts: Figure
    note: Figure


class DutyLedger(Ledger):
    """The duties of a region, by period and unit."""

    rows: tuple[DutyRow, ...]


DUTY_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", "int", width=6),
    Column("duty", "任务", width=36),
    Column("rule", "依据", width=8),
    Column("level", "层级", width=8),
    Column("unit", "单位", width=24),
    Column("period", "期间", width=12),
    Column("due_on", "到期日", "date", width=12),
    Column("status", "办理情况", width=16),
    Column("held_on", "办理日期", "date", width=12),
    Column("participants", "参加人数", "int", width=10),
    Column("consulted", "商请单位", width=28),
    Column("alerts", "逾期提醒次数", "int", width=10),
    Column("note", "说明", width=28),
)

KINDS = (LedgerKind("duty_ledger_xlsx", DutyLedger, "任务台账", DUTY_COLUMNS),)
