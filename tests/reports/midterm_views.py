"""Sample views of the papers of contract changes and the midterm evaluation."""

from __future__ import annotations

from typing import Any

from tests.reports.heads import head

PROJECT = "合成长期服务项目"


def _fact(label: str, text: str) -> dict[str, Any]:
    return {"label": label, "value": {"text": text, "synthetic": True}}


def _h1(text: str) -> dict[str, str]:
    return {"level": "h1", "text": text}


AMENDMENT = {
    **head(f"{PROJECT}合同变更要点", synthetic=("终止日期（当日不计入）", "合同金额"), issuer="合成购买主体"),
    "facts": [
        _fact("合同版本", "2"),
        _fact("原终止日期", "2026-04-01"),
        _fact("终止日期（当日不计入）", "2028-04-01"),
        _fact("原合同金额", "588000.00"),
        _fact("合同金额", "600000.00"),
    ],
    "reason": "服务需求持续（合成）。",
    "terms": ["资金支付方式：按季度支付（合成）"],
}
NOTICE = {
    **head(f"{PROJECT}合同公告", synthetic=("合同金额",), issuer="合成购买主体"),
    "paras": [],
    "facts": [{"label": "项目名称", "value": PROJECT}, {"label": "合同金额", "value": "588000.00"}],
    "tables": [
        {
            "heading": "合同主要条款",
            "columns": ["条款", "内容"],
            "rows": [["范围", "合成条款"], ["违约责任", "合成条款"]],
            "none": "",
        }
    ],
}
REPORT = {
    **head(f"{PROJECT}期中评估报告", synthetic=("处置意见",)),
    "facts": [_fact("应当评估的期限", "2027-04-01至2028-04-01"), _fact("处置意见", "缓建")],
    "body": [
        _h1("一、再评估结论"),
        "已实施情况的有效性：成立。服务人次达到计划（合成）。",
        "后续资金来源可靠性：不成立。后续年度预算尚未落实（合成）。",
        _h1("二、外部环境变化"),
        "周边新建服务机构（合成）。",
        _h1("三、项目自身变化"),
        "无变化（合成）。",
        _h1("四、处置理由"),
        "资金落实前暂缓实施（合成）。",
    ],
}
PLAN = {
    **head(f"{PROJECT}重组、置换方案", synthetic=("预计损失（元）",)),
    "facts": [_fact("方式", "重组"), _fact("预计损失（元）", "12000.00")],
    "body": [
        _h1("一、挽损、减损、止损措施"),
        "合并同类服务站点（合成）。",
        _h1("二、服务对象安置"),
        "由原服务团队继续联系（合成）。",
        _h1("三、资金处理"),
        "未支付资金退回渠道（合成）。",
    ],
}
DECISION = {
    **head(f"{PROJECT}期中处置再决策意见", synthetic=("处置决定",)),
    "facts": [_fact("处置意见", "缓建"), _fact("处置决定", "缓建"), _fact("会议编号", "合成〔2027〕9号会议")],
    "body": [
        _h1("一、决策依据和理由"),
        "期中评估结论（合成）。",
        _h1("二、会商情况"),
        "合成市财政局：同意（合成）",
        "合成县人民政府：同意（合成）",
    ],
}
REFERRAL = {
    **head(f"{PROJECT}项目转介决定", synthetic=("应追回资金（元）",)),
    "facts": [_fact("已移交服务对象（人）", "2"), _fact("应追回资金（元）", "0.00")],
    "body": [
        _h1("一、转介依据和理由"),
        "承接主体不能继续（合成）。",
        _h1("二、会商情况"),
        "合成市财政局：同意（合成）",
    ],
}
SHEET = {
    **head(f"{PROJECT}服务对象转介单", synthetic=("转介原因",)),
    "facts": [_fact("转出团队", "合成机构甲"), _fact("接续团队", "合成机构乙"), _fact("转介原因", "违约（合成）")],
    "body": [_h1("接续对象及未完成服务"), "合＊（合成街道01）：助餐、代购"],
}
MIDTERM: dict[str, dict[str, Any]] = {
    "contract_amendment": AMENDMENT,
    "contract_notice_html": NOTICE,
    "midterm_report": REPORT,
    "restructuring_plan": PLAN,
    "midterm_decision": DECISION,
    "project_referral": REFERRAL,
    "handover_sheet": SHEET,
}
