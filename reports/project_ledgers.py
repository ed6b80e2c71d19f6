"""The ledgers of one project as its file and its archive bundle hold them: case plans (D16), service records (L09),
money (L08), costing, supervision (D18), price standard.

Rows arrive masked and worded; nothing is computed here. An ID number that is not masked is refused.
"""

from __future__ import annotations

from typing import Any

from pydantic import create_model

from reports.columns import Column
from reports.needs import MaskedRow
from reports.paper import Figure, Ledger, LedgerKind, Row


def _kind(id: str, sheet_name: str, columns: tuple[Column, ...], *, base: type[Row] = Row) -> LedgerKind:
    """Return the registry entry of a ledger whose rows have exactly the columns' keys."""
    fields: dict[str, Any] = {column.key: (Figure, ...) for column in columns}
    row: Any = create_model(f"{id}_row", __base__=base, **fields)
    rows: dict[str, Any] = {"rows": (tuple[row, ...], ...)}
    return LedgerKind(id, create_model(f"{id}_view", __base__=Ledger, **rows), sheet_name, columns)


_PERSON = (
    Column("seq", "序号", "int", width=6),
    Column("person_name", "姓名", width=10),
    Column("id_number", "身份证号（遮盖）", width=21),
)

CASE_PLAN_COLUMNS = (
    *_PERSON,
    Column("stratum", "对象类别", width=18),
    Column("hardships", "困难类型及程度", width=30),
    Column("services", "计划服务事项", width=26),
    Column("planned_on", "制定日期", "date", width=12),
    Column("times", "已服务次数", "int", width=10),
    Column("hours", "服务小时", "int", width=10),
    Column("first_on", "首次服务", "date", width=12),
    Column("last_on", "末次服务", "date", width=12),
    Column("satisfied", "满意次数/已评价次数", width=14),
)

SERVICE_COLUMNS = (
    *_PERSON,
    Column("served_on", "服务日期", "date", width=12),
    Column("time", "起止时间", width=13),
    Column("minutes", "时长（分钟）", "int", width=10),
    Column("item", "服务事项", width=14),
    Column("staff", "服务人员工号", width=12),
    Column("qualified", "持证", width=6),
    Column("place", "服务地点", width=20),
    Column("result", "服务结果", width=30),
    Column("signed", "对象确认", width=8),
    Column("satisfied", "是否满意", width=8),
    Column("correction", "更正说明", width=18),
    Column("recorded_on", "登记日期", "date", width=12),
)

MONEY_COLUMNS = (
    Column("seq", "序号", "int", width=6),
    Column("day", "日期", "date", width=12),
    Column("source", "资金来源", width=16),
    Column("category", "摘要", width=16),
    Column("income", "批复（元）", "amount", width=16),
    Column("paid", "支付（元）", "amount", width=16),
    Column("balance", "未支付余额（元）", "amount", width=16),
    Column("total_paid", "累计支付（元）", "amount", width=16),
    Column("progress", "核实进度（%）", "amount", width=10),
    Column("plan_line", "投资计划批次", width=20),
    Column("contractor", "收款单位", width=22),
    Column("basis", "支付依据", width=24),
    Column("voucher", "批复文号/凭证号", width=20),
)

COST_COLUMNS = (
    Column("seq", "序号", "int", width=6),
    Column("category", "类别", width=20),
    Column("item", "测算因素/比较对象/征求部门", width=32),
    Column("amount", "金额（元）", "amount", width=18),
    Column("note", "说明", width=40),
    Column("estimated_on", "测算日期", "date", width=12),
)

SUPERVISION_COLUMNS = (
    Column("seq", "序号", "int", width=6),
    Column("line", "监管线", width=18),
    Column("phase", "阶段", width=12),
    Column("method", "监督方式", width=16),
    Column("day", "检查日期", "date", width=12),
    Column("inspector", "检查主体", width=24),
    Column("on_behalf", "代录说明", width=24),
    Column("findings", "检查情况", width=60),
)

PRICE_COLUMNS = (
    Column("seq", "序号", "int", width=6),
    Column("name", "服务项目", width=32),
    Column("unit", "计价单位", width=12),
    Column("price", "单价（元）", "amount", width=14),
    Column("version", "版次", "int", width=8),
    Column("set_on", "制定日期", "date", width=12),
)

KINDS = (
    _kind("case_plan_ledger_xlsx", "个案服务计划台账", CASE_PLAN_COLUMNS, base=MaskedRow),
    _kind("service_ledger_xlsx", "服务记录台账", SERVICE_COLUMNS, base=MaskedRow),
    _kind("money_ledger_xlsx", "资金台账", MONEY_COLUMNS),
    _kind("cost_sheet_xlsx", "支出测算表", COST_COLUMNS),
    _kind("supervision_ledger_xlsx", "监督检查台账", SUPERVISION_COLUMNS),
    _kind("price_standard_xlsx", "价格标准", PRICE_COLUMNS),
)
