"""Ledgers of the library (S02): the roll-up by unit (ZY-43) and the published policy list (ZY-36)."""

from __future__ import annotations

from reports.columns import Column
from reports.paper import Figure, Ledger, LedgerKind, Row


class RollupRow(Row):
    """One unit: what stands at it, and at it with everything below. Amounts in yuan."""

    seq: Figure
    code: Figure
    unit: Figure
    level: Figure
    own_projects: Figure
    own_amount: Figure
    projects: Figure
    amount: Figure
    unpriced: Figure
    left: Figure


class Rollup(Ledger):
    """The project library from village to city."""

    rows: tuple[RollupRow, ...]


class PolicyRow(Row):
    """One policy on the list."""

    seq: Figure
    code: Figure
    title: Figure
    number: Figure
    issuer: Figure
    field: Figure


class PolicyList(Ledger):
    """One version of the policy list."""

    rows: tuple[PolicyRow, ...]


ROLLUP_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", "int", width=6),
    Column("code", "区划代码", width=16),
    Column("unit", "单位", width=32),
    Column("level", "层级", width=8),
    Column("own_projects", "本级项目数", "int", width=10),
    Column("own_amount", "本级申报金额(元)", width=18),
    Column("projects", "含下级项目数", "int", width=12),
    Column("amount", "含下级申报金额(元)", width=18),
    Column("unpriced", "其中未报金额", "int", width=12),
    Column("left", "已撤回或不予立项", "int", width=14),
)

POLICY_COLUMNS: tuple[Column, ...] = (
    Column("seq", "序号", "int", width=6),
    Column("code", "政策代码", width=16),
    Column("title", "政策名称", width=48),
    Column("number", "文号", width=22),
    Column("issuer", "发布单位", width=24),
    Column("field", "支持方向", width=28),
)

KINDS = (
    LedgerKind("library_rollup_xlsx", Rollup, "项目库汇总", ROLLUP_COLUMNS),
    LedgerKind("policy_list_xlsx", PolicyList, "政策清单", POLICY_COLUMNS),
)
