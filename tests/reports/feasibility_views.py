"""Synthetic (合成) views of the papers of feasibility: the report, the county's opinion, the checklist."""

from __future__ import annotations

from typing import Any

from tests.reports.ledger_views import BLANK, PROJECT, fact, made_up

_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_CHAPTERS = (
    "概述",
    "项目建设背景和必要性",
    "项目需求分析与产出方案",
    "项目选址与要素保障",
    "项目建设方案",
    "项目运营方案",
    "项目投融资与财务方案",
    "项目影响效果分析",
    "项目风险管控方案",
    "研究结论及建议",
    "附表、附图和附件",
)
_TEXT = (
    "服务对象以独居老人、残疾人和重病患者为主，需求台账显示其生活照料和精神慰藉的需求尚未被物质救助覆盖。",
    "本项目由专业社工按月入户，提供个案服务，并与既有的各类政策相衔接，不重复提供已有的服务。",
)


def _head(title: str, *synthetic: str) -> dict[str, Any]:
    return {
        "title_lines": [title],
        "issuer": "湖北省黄石市民政局",
        "doc_no": "",
        "date": "2016-03-13",
        "rehearsal": True,
        "synthetic_fields": list(synthetic),
    }


REPORT = {
    **_head(f"{PROJECT}可行性研究报告", "资金平衡表"),
    "facts": [
        fact("项目名称", PROJECT),
        fact("报告版次", "2"),
        fact("编制单位", "合成咨询单位"),
        fact("编写大纲", "无来源规定(本系统建议值)"),
        fact("大纲摘要值", _DIGEST),
        fact("申报金额(元)", BLANK),
    ],
    "chapters": [{"title": title, "paras": list(_TEXT)} for title in _CHAPTERS],
    "conclusions": [
        {"finding": finding, "verdict": "肯定", "reason": "理由充分，依据见各章。"}
        for finding in ("必要性", "可行性", "公益性", "资金来源可靠性", "财政承受能力")
    ],
    "balance": [
        {
            "year": "2016",
            "channel": "本级财政",
            "sources": made_up("400000.00"),
            "uses": ["人员费用 380000.00", "督导费用 20000.00"],
            "total": made_up("400000.00"),
        },
        {
            "year": "2017",
            "channel": "慈善捐赠",
            "sources": made_up("280000.00"),
            "uses": ["活动费用 280000.00"],
            "total": made_up("280000.00"),
        },
    ],
    "risks": [
        {
            "risk": "服务人员流动",
            "likelihood": "中",
            "impact": "中",
            "measure": "签订服务协议，储备替补人员，按季度检查到岗情况。",
            "owner": "承接单位项目部",
        },
        {
            "risk": "服务对象信息泄露",
            "likelihood": "低",
            "impact": "高",
            "measure": "加密保存，按角色遮蔽，定期检查。",
            "owner": "市民政局社会救助科",
        },
    ],
    "stability": ["经征求社区和服务对象意见，社会稳定风险等级为低。"],
    "attachments": [f"可行性研究报告全文.pdf(SHA-256:{_DIGEST})"],
}

OPINION = {
    **_head(f"关于{PROJECT}可行性研究报告的审查意见", "文号"),
    "issuer": "属地县级人民政府",
    "doc_no": "合成府函〔2016〕1号",
    "facts": [
        fact("项目名称", PROJECT),
        fact("报告版次", "2"),
        fact("报告摘要值(SHA-256)", _DIGEST),
        fact("文号", made_up("合成府函〔2016〕1号")),
        fact("出具日期", "2016年3月13日"),
    ],
    "opinion": ["报告章节齐全，资金来源可靠，风险防范措施可行。"],
    "conditions": ["资金专账管理，专款专用。", "项目实施中接受本级审计监督。"],
    "conclusion": [f"经审查，同意{PROJECT}可行性研究报告。"],
}

FORMALITIES = {
    **_head(f"{PROJECT}法定手续清单", "文号"),
    "facts": [fact("项目名称", PROJECT), fact("出资类别", "政府承担支出"), fact("形成日期", "2016年3月13日")],
    "rows": [
        {
            "name": "列入政府购买服务指导性目录",
            "state": "已办理",
            "number": made_up("合成〔2016〕8号"),
            "issued_on": "2016-03-10",
            "file": _DIGEST,
        },
        {
            "name": "个人信息保护影响评估",
            "state": "不适用:本项目不采集个人信息。",
            "number": BLANK,
            "issued_on": BLANK,
            "file": BLANK,
        },
    ],
}

PAPERS: dict[str, dict[str, Any]] = {
    "feasibility_report": REPORT,
    "county_review_opinion": OPINION,
    "formality_set": FORMALITIES,
}
