"""Synthetic (合成) views of the papers of the application: guide, application, notice, overruns."""

from __future__ import annotations

from typing import Any

from tests.reports.ledger_views import BLANK, PROJECT, fact, made_up

_OFFICE = "贵州省遵义市评审机制办公室"
_STEPS = (
    ("受理", "市民政工作服务中心", 3, ()),
    ("可行性论证", "评审机制办公室", 10, ("受理",)),
    ("县级人民政府意见", "属地县级人民政府", 5, ()),
    ("专家评审", "评审专家组", 8, ()),
    ("决策", "市民政局", 6, ()),
    ("批准", "市民政局", 4, ()),
)


def _head(title: str, *synthetic: str, issuer: str = _OFFICE) -> dict[str, Any]:
    return {
        "title_lines": [title],
        "issuer": issuer,
        "doc_no": "",
        "date": "2016-03-15",
        "rehearsal": True,
        "synthetic_fields": list(synthetic),
    }


_GUIDE: dict[str, Any] = {
    **_head("贵州省遵义市服务类社会救助项目工作指南"),
    "facts": [fact("适用地区", "贵州省遵义市"), fact("版本", "第2版"), fact("替代版本", "第1版")],
    "materials": ["项目申报书", "需求台账摘要"],
    "attachments": ["登记证书复印件", "同类项目业绩（选交）"],
    "intake_channel": ["评审机制办公室窗口受理。", "也可以邮寄。"],
    "conditions": ["项目团队三类人员齐备。", "预算按类别和渠道分列。"],
    "steps": [
        {
            "number": str(number),
            "name": name,
            "actor": actor,
            "limit": f"{days}个工作日",
            "leads_on": number < len(_STEPS),
            "branches": list(branches),
        }
        for number, (name, actor, days, branches) in enumerate(_STEPS, start=1)
    ],
}
_PAPER: dict[str, Any] = {
    **_head("服务项目申报书", "项目计划书", issuer="合成社会服务中心"),
    "facts": [
        fact("项目名称", PROJECT),
        fact("工作指南版本", "第2版（自2016-03-01起施行）"),
        fact("提交次数", "第2次提交"),
        fact("计划开始日期", BLANK),
    ],
    "parts": [
        fact("项目背景", made_up("服务对象有照护和精神慰藉的需要。")),
        fact("项目目标", "累计服务不少于四百人。"),
        fact("项目方案", "摸底、筛选、服务、评估。"),
        fact("预期效果", "服务对象的困难得到缓解。"),
    ],
    "design": [fact("覆盖范围", "城区"), fact("时间跨度", "一年")],
    "budget": [
        {"category": "人员费用", "channel": "本级财政", "amount": made_up("500,000.00")},
        {"category": "活动费用", "channel": "社会捐赠", "amount": "180,000.00"},
    ],
    "total": "680,000.00",
    "team": [
        {"role": "项目负责人", "name": "合*", "qualification": "中级社工"},
        {"role": "执行人员", "name": "成*", "qualification": ""},
    ],
    "attachments": ["登记证书复印件"],
}
_NOTICE: dict[str, Any] = {
    **_head("服务项目申报补正告知书"),
    "facts": [fact("项目名称", PROJECT), fact("提交次数", "第1次提交")],
    "paras": ["合成社会服务中心：你单位提交的申报材料需要补正。现将需要补正的全部内容共2项一次告知如下："],
    "gaps": ["缺附件：登记证书复印件", "项目设计未写明：覆盖范围"],
    "closing": ["请按以上各项补正后重新提交。"],
}
_BREACHES: dict[str, Any] = {
    "title": "贵州省遵义市办理超时台账",
    "issuer": _OFFICE,
    "date": "2016-03-15",
    "rehearsal": True,
    "synthetic_fields": [],
    "rows": [
        {
            "seq": "1",
            "step": "受理",
            "project": "prj-synthetic",
            "role": "评审机制办公室",
            "due_on": "2016-03-10",
            "closed_on": "尚未办结",
            "days": "3",
            "raised_on": "2016-03-11",
        }
    ],
}

PAPERS: dict[str, dict[str, Any]] = {
    "application_guide": _GUIDE,
    "application_guide_html": _GUIDE,
    "application_paper": _PAPER,
    "application_notice": _NOTICE,
    "office_breaches_xlsx": _BREACHES,
}
