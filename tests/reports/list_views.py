"""Synthetic (合成) views of the three lists, a matching, its gaps and a referral; all ledgers by kind."""

from __future__ import annotations

from typing import Any

from reports.renderer import KINDS
from tests.reports.ledger_views import NEEDS_LEDGER, PLAN_LEDGER, fact, made_up

_TEXTS = {"id_number": "520***********002X", "seq": "1", "rank": "3", "person_name": "王*"}


def _ledger(kind: str, title: str) -> dict[str, Any]:
    """One row with a text in every column; the last one is made up."""
    columns = KINDS[kind].columns  # type: ignore[union-attr]
    row: dict[str, Any] = {column.key: _TEXTS.get(column.key, f"合成{column.title}") for column in columns}
    row[columns[-1].key] = made_up("=1+1")
    return {
        "title": title,
        "issuer": "遵义市民政局",
        "date": "2016-03-15",
        "rehearsal": True,
        "synthetic_fields": ["全部内容"],
        "rows": [row],
    }


REFERRAL = {
    "title_lines": ["服务需求转介单"],
    "issuer": "遵义市民政局",
    "doc_no": "",
    "date": "2016-03-15",
    "rehearsal": True,
    "synthetic_fields": ["转介原因"],
    "facts": [fact("转入部门", "合成残联"), fact("转介原因", made_up("需要康复训练"))],
    "terms": ["政策:合成政策。", "信息:合成信息。"],
}

ROSTER = {
    "title_lines": ["服务阵地名册"],
    "issuer": "福建省泉州市丰泽区民政局",
    "doc_no": "",
    "date": "2016-03-15",
    "rehearsal": True,
    "synthetic_fields": ["登记内容"],
    "tables": [{"title": "合成服务站", "heads": ["序号", "名称"], "lines": [["1", made_up("合成站一")]]}],
}


def _open_ledger(title: str) -> dict[str, Any]:
    return {
        "title": title,
        "issuer": "遵义市民政局",
        "date": "2016-03-15",
        "rehearsal": True,
        "synthetic_fields": ["登记内容"],
        "rows": [],
        "heads": ["序号", "名称"],
        "lines": [["1", made_up("=1+1")]],
    }


LEDGERS: dict[str, dict[str, Any]] = {
    "needs_ledger_xlsx": NEEDS_LEDGER,
    "plan_ledger_xlsx": PLAN_LEDGER,
    "service_list_xlsx": _ledger("service_list_xlsx", "服务清单(第1版)"),
    "resource_list_xlsx": _ledger("resource_list_xlsx", "资源清单(第1版)"),
    "project_list_xlsx": _ledger("project_list_xlsx", "项目清单(第1版)"),
    "match_ledger_xlsx": _ledger("match_ledger_xlsx", "匹配结果"),
    "service_gap_xlsx": _ledger("service_gap_xlsx", "服务缺口清单"),
    "referral_packet": REFERRAL,
    "book_ledger_xlsx": _open_ledger("服务站点登记簿"),
    "plan_scenarios_xlsx": _open_ledger("投资计划方案比选表"),
    "incentive_table_xlsx": _open_ledger("激励约束分配表"),
    "credit_ledger_xlsx": _open_ledger("信用台账"),
    "ticket_ledger_xlsx": _open_ledger("办事工单台账"),
    "service_file_xlsx": _open_ledger("服务档案"),
    "check_findings_xlsx": _open_ledger("月度核查结果台账"),
    "check_details_xlsx": _open_ledger("月度核查明细"),
    "book_roster_html": ROSTER,
    "inspection_result_html": ROSTER,
    **{
        kind: _ledger(kind, f"合成{KINDS[kind].sheet_name}")  # type: ignore[union-attr]
        for kind in (
            "cost_sheet_xlsx",
            "case_plan_ledger_xlsx",
            "service_ledger_xlsx",
            "money_ledger_xlsx",
            "supervision_ledger_xlsx",
            "price_standard_xlsx",
            "duty_ledger_xlsx",
            "library_rollup_xlsx",
            "policy_list_xlsx",
            "number_register_xlsx",
        )
    },
}
